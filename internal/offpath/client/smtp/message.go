// Package smtp sends one mail over SMTP (RFC 5321) and says in plain words what went wrong when it could not.
//
// The protocol itself (EHLO, AUTH, STARTTLS, dot stuffing) is the work of github.com/emersion/go-smtp; this package
// adds what a script needs around it: everything is bounded by one timeout, nothing in an address can smuggle a
// command or a header, line endings are made CRLF, and a recipient that is refused does not keep the others from
// getting their mail.
package smtp

import (
	"crypto/x509"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// DefaultTimeout bounds a whole Send, from the name look-up to the server's last answer, when Message.Timeout is 0.
const DefaultTimeout = 30 * time.Second

// maxRecipients bounds one transaction: RFC 5321 §4.5.3.1.8 asks servers for at least 100; more are split by the
// caller, who knows what a partial failure means.
const maxRecipients = 100

// maxAddress is the longest reverse or forward path (RFC 5321 §4.5.3.1.3), brackets not counted.
const maxAddress = 254

// Message is one mail and the way to its server. Send reads it and keeps nothing of it.
type Message struct {
	Server string // host name or IP address; IPv6 with or without brackets
	Port   int    // 0: 25, or 465 with TLS, or 587 with Auth and without TLS
	Domain string // what to say in EHLO; "": "localhost"
	From   string // envelope sender, "a@b" or "<a@b>"; "" is the null sender of bounces
	To     []string
	Data   []byte // headers, blank line, body; any line endings

	Auth     Auth
	StartTLS bool // require STARTTLS: a server that does not offer it is an error
	TLS      bool // TLS from the first byte ("SMTPS")
	// InsecureSkipVerify accepts any certificate. RootCAs replaces the system's authorities when not nil.
	InsecureSkipVerify bool
	RootCAs            *x509.CertPool

	Timeout time.Duration // for the whole Send; 0: DefaultTimeout
}

// Auth names a user to a server. The zero Auth means: do not log in.
type Auth struct {
	User, Pass string
	Mech       string // "PLAIN", "LOGIN" or "" for the best one that the server offers
	// Insecure lets the password travel over a connection without TLS. Without it that is refused, except to a
	// loopback address.
	Insecure bool
}

// Refused is one recipient whom the server would not take.
type Refused struct {
	To  string
	Err error // the server's answer, a *go-smtp.SMTPError, or what broke
}

// PartialError says that the mail was delivered, but not to everybody.
type PartialError struct {
	Delivered []string
	Refused   []Refused
}

// Error gives every refused recipient with the server's words.
func (e *PartialError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "delivered to %d of %d recipients", len(e.Delivered), len(e.Delivered)+len(e.Refused))
	for _, r := range e.Refused {
		fmt.Fprintf(&b, "; <%s> refused: %s", r.To, reason(r.Err))
	}
	return b.String()
}

// port applies the defaults of Port.
func (m *Message) port() int {
	switch {
	case m.Port != 0:
		return m.Port
	case m.TLS:
		return 465
	case m.Auth.User != "":
		return 587
	}
	return 25
}

// host gives the server without the brackets of an IPv6 address.
func (m *Message) host() string {
	return strings.TrimSuffix(strings.TrimPrefix(m.Server, "["), "]")
}

func (m *Message) addr() string { return net.JoinHostPort(m.host(), strconv.Itoa(m.port())) }

// checked returns a copy of m whose every text is safe to put into a command, or says which one is not.
func (m Message) checked() (Message, error) {
	if m.Server == "" {
		return m, fmt.Errorf("no mail server given")
	}
	if i := badByte(m.Server, " <>"); i >= 0 {
		return m, fmt.Errorf("mail server %q: byte %d cannot stand in a host name", m.Server, i+1)
	}
	if p := m.port(); p < 1 || p > 65535 {
		return m, fmt.Errorf("mail server port %d: write a number from 1 to 65535", p)
	}
	if m.TLS && m.StartTLS {
		return m, fmt.Errorf("tls and starttls exclude each other: use tls for port 465, starttls for 587 and 25")
	}
	if m.Domain == "" {
		m.Domain = "localhost"
	}
	if i := badByte(m.Domain, " <>@"); i >= 0 {
		return m, fmt.Errorf("domain %q: byte %d cannot stand in a host name", m.Domain, i+1)
	}
	var err error
	if m.From, err = checkAddress("sender", m.From, true); err != nil {
		return m, err
	}
	if len(m.To) == 0 {
		return m, fmt.Errorf("no recipient given")
	}
	if len(m.To) > maxRecipients {
		return m, fmt.Errorf("%d recipients in one mail: send at most %d at once", len(m.To), maxRecipients)
	}
	to := make([]string, len(m.To))
	for i, t := range m.To {
		if to[i], err = checkAddress("recipient", t, false); err != nil {
			return m, err
		}
	}
	m.To = to
	switch m.Auth.Mech = strings.ToUpper(m.Auth.Mech); m.Auth.Mech {
	case "", "PLAIN", "LOGIN":
	default:
		return m, fmt.Errorf("login method %q: use PLAIN or LOGIN", m.Auth.Mech)
	}
	if m.Timeout < 0 {
		return m, fmt.Errorf("timeout %v: it cannot be negative", m.Timeout)
	}
	if m.Timeout == 0 {
		m.Timeout = DefaultTimeout
	}
	return m, nil
}

// checkAddress takes one pair of angle brackets off and refuses whatever could end the command that the address stands
// in, or add a parameter to it. A quoted local part may hold spaces; nothing may hold control bytes.
func checkAddress(who, s string, emptyOK bool) (string, error) {
	a := s
	if len(a) >= 2 && a[0] == '<' && a[len(a)-1] == '>' {
		a = a[1 : len(a)-1]
	}
	if a == "" {
		if emptyOK {
			return "", nil
		}
		return "", fmt.Errorf("%s address is empty", who)
	}
	if len(a) > maxAddress {
		return "", fmt.Errorf("%s address is %d bytes long; at most %d are allowed", who, len(a), maxAddress)
	}
	forbidden := " <>"
	if a[0] == '"' { // "john doe"@example.org
		forbidden = ""
	}
	if i := badByte(a, forbidden); i >= 0 {
		return "", fmt.Errorf("%s address %q: byte %d cannot stand in an address; write it as name@example.org", who, s, i+1)
	}
	if a[0] == '"' {
		end := closingQuote(a)
		if end < 0 || badByte(a[end:], " <>") >= 0 {
			return "", fmt.Errorf("%s address %q: the quotes do not enclose the part before the @", who, s)
		}
	}
	return a, nil
}

// closingQuote is the index of the quote that ends the quoted string s starts with, or -1.
func closingQuote(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

// badByte is the index of the first control byte or byte of also in s, or -1.
func badByte(s, also string) int {
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 || s[i] == 0x7f || strings.IndexByte(also, s[i]) >= 0 {
			return i
		}
	}
	return -1
}

func ascii(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
