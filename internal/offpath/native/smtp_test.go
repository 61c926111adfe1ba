package native

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"eddy/internal/base/value"
	client "eddy/internal/offpath/client/smtp"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// post is a real mail server.
type post struct {
	*smtp.Server
	port  int
	roots *x509.CertPool

	mu     sync.Mutex
	mails  []received
	refuse map[string]error // by recipient
}

type received struct {
	from string
	to   []string
	data string
	user string
}

func newPost(t *testing.T, refuse map[string]error) *post {
	t.Helper()
	p := &post{refuse: refuse}
	p.Server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{p: p}, nil }))
	p.Domain, p.ErrorLog, p.EnableSMTPUTF8 = "mail.test", log.New(io.Discard, "", 0), true
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	p.roots = x509.NewCertPool()
	p.roots.AddCert(cert)
	p.TLSConfig = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.port = ln.Addr().(*net.TCPAddr).Port
	done := make(chan struct{})
	go func() { defer close(done); _ = p.Serve(ln) }()
	t.Cleanup(func() { p.Close(); ln.Close(); <-done })
	return p
}

func (p *post) got() []received {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.mails)
}

type session struct {
	p *post
	m received
}

func (x *session) AuthMechanisms() []string { return []string{"PLAIN"} }
func (x *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, pass string) error {
		if pass != "s3cret" {
			return smtp.ErrAuthFailed
		}
		x.m.user = user
		return nil
	}), nil
}
func (x *session) Mail(from string, _ *smtp.MailOptions) error { x.m.from = from; return nil }
func (x *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if err := x.p.refuse[to]; err != nil {
		return err
	}
	x.m.to = append(x.m.to, to)
	return nil
}
func (x *session) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	x.m.data = string(b)
	x.p.mu.Lock()
	defer x.p.mu.Unlock()
	x.p.mails = append(x.p.mails, x.m)
	return nil
}
func (x *session) Reset()        { x.m = received{user: x.m.user} }
func (x *session) Logout() error { return nil }

// mail is a payload that p takes.
func (p *post) mail(fields ...any) value.Value {
	return with(tab("server", "127.0.0.1", "port", p.port, "from", "a@test", "to", "b@test", "subject", "hi", "body", "text\n"), fields...)
}

func TestMails(t *testing.T) {
	const head = "Date: Fri, 15 Jan 2027 08:00:00 +0000\r\nMessage-ID: <0000004HMASW9.18fae27693b40000@test>\r\n"
	const addresses = "From: <a@test>\r\nTo: <b@test>\r\n"
	const mime = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
	for _, tt := range []struct {
		name   string
		fields []any
		want   received
	}{
		{"plain", nil, received{data: head + addresses + "Subject: hi\r\n" + mime + "\r\ntext\r\n"}},
		{"port in the server, as a number in a string", []any{"port", "SERVER"}, received{data: head + addresses + "Subject: hi\r\n" + mime + "\r\ntext\r\n"}},
		{"several recipients", []any{"to", list("b@test", "C D <c@test>", "<d@test>")}, received{to: []string{"b@test", "c@test", "d@test"},
			data: head + "From: <a@test>\r\nTo: <b@test>, \"C D\" <c@test>, <d@test>\r\nSubject: hi\r\n" + mime + "\r\ntext\r\n"}},
		{"names that are not ASCII", []any{"from", "Zoë <a@test>", "subject", "Grüße"},
			received{data: head + "From: =?utf-8?q?Zo=C3=AB?= <a@test>\r\nTo: <b@test>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n" + mime + "\r\ntext\r\n"}},
		{"a body that is not ASCII", []any{"body", "Grüße\n.\n"},
			received{data: head + addresses + "Subject: hi\r\n" + mime + "Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe\r\n.\r\n"}},
		{"dots", []any{"body", ".\r\n..\r\n. \r\nend"}, received{data: head + addresses + "Subject: hi\r\n" + mime + "\r\n.\r\n..\r\n. \r\nend\r\n"}},
		{"headers", []any{"headers", tab("X-One", "1", "Content-Type", "text/html", "date", "never", "Reply-To", "Zoë <z@test>, x@test")},
			received{data: "Message-ID: <0000004HMASW9.18fae27693b40000@test>\r\n" + addresses +
				"Subject: hi\r\nContent-Type: text/html\r\nReply-To: =?utf-8?q?Zo=C3=AB?= <z@test>, <x@test>\r\nX-One: 1\r\ndate: never\r\nMIME-Version: 1.0\r\n\r\ntext\r\n"}},
		{"a header twice", []any{"headers", tab("Received", list("x", "y"))},
			received{data: head + addresses + "Subject: hi\r\nReceived: x\r\nReceived: y\r\n" + mime + "\r\ntext\r\n"}},
		{"a long subject", []any{"subject", strings.Repeat("word ", 20) + "end"}, received{data: head + addresses +
			"Subject: " + strings.TrimSpace(strings.Repeat("word ", 13)) + "\r\n " + strings.Repeat("word ", 7) + "end\r\n" + mime + "\r\ntext\r\n"}},
		{"a whole message", []any{"subject", value.Nil(), "body", value.Nil(), "message", "A: b\n\n.\ntext"}, received{data: "A: b\r\n\r\n.\r\ntext\r\n"}},
		{"nothing to say", []any{"subject", value.Nil(), "body", value.Nil()}, received{data: head + addresses + mime + "\r\n"}},
		{"login over STARTTLS", []any{"user", "ann", "password", "s3cret", "starttls", true, "domain", "client.test"}, received{user: "ann",
			data: strings.ReplaceAll(head, "@test", "@client.test") + addresses + "Subject: hi\r\n" + mime + "\r\ntext\r\n"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPost(t, nil)
			payload := p.mail(tt.fields...)
			if tt.fields != nil && tt.fields[1] == "SERVER" {
				payload = with(payload, "server", fmt.Sprintf("127.0.0.1:%d", p.port), "port", "25")
			}
			o := handlers(t, Options{RootCAs: p.roots}).do(t.Context(), t, "smtp", payload)
			if o.Err != nil {
				t.Fatal(o.Err)
			}
			want := tt.want
			want.from = "a@test"
			if want.to == nil {
				want.to = []string{"b@test"}
			}
			got := p.got()
			if len(got) != 1 || fmt.Sprintf("%q", got[0]) != fmt.Sprintf("%q", want) {
				t.Errorf("got  %q\nwant %q", got, want)
			}
			if _, err := mail.ReadMessage(strings.NewReader(got[0].data)); err != nil {
				t.Error(err)
			}
		})
	}
}

// Whatever fields hold, a mail has the headers that it should have, and the server hears no other command.
func TestMailInjection(t *testing.T) {
	const evil = "X-Evil: yes"
	p := newPost(t, nil)
	h := handlers(t, Options{})
	for _, tt := range []struct {
		name   string
		fields []any
		want   string // "": the mail is fine
	}{
		{"CRLF in the subject", []any{"subject", "hi\r\n" + evil}, "'subject' has a control byte (0x0d) at byte 3"},
		{"LF in the subject", []any{"subject", "hi\n" + evil}, "'subject' has a control byte (0x0a)"},
		{"CR in the subject", []any{"subject", "hi\r" + evil}, "'subject' has a control byte (0x0d)"},
		{"NUL in the subject", []any{"subject", "hi\x00"}, "'subject' has a control byte (0x00)"},
		{"a body in the subject", []any{"subject", "\r\n\r\nbody"}, "'subject' has"},
		{"CRLF in a header", []any{"headers", tab("X-A", "1\r\n"+evil)}, "'headers[X-A]' has a control byte"},
		{"CRLF in a header's second value", []any{"headers", tab("X-A", list("1", "2\r\n"+evil))}, "'headers[X-A]' has a control byte"},
		{"CRLF in a header's name", []any{"headers", tab("X-A: 1\r\n"+evil, "2")}, "'headers' have the name"},
		{"colon in a header's name", []any{"headers", tab("X-A:", "2")}, "'headers' have the name"},
		{"space in a header's name", []any{"headers", tab("X A", "2")}, "'headers' have the name"},
		{"no name", []any{"headers", tab("", "2")}, "must be a table of strings by their names"},
		{"Bcc", []any{"headers", tab("bcc", "x@test")}, "'headers' have Bcc"},
		{"From twice", []any{"headers", tab("From", list("a@test", "x@test"))}, "'headers' have From twice"},
		{"From in two cases", []any{"headers", tab("From", "a@test", "FROM", "x@test")}, "twice"},
		{"Subject twice", []any{"headers", tab("Subject", "other")}, "'headers' have Subject beside 'subject'"},
		{"too many", []any{"headers", tab("X-A", list(make([]string, 101)...))}, "at most 100"},
		{"too long", []any{"subject", strings.Repeat("x", 20<<10)}, "'subject' has 20480 bytes"},
		{"a command in from", []any{"from", "a@test>\r\nRCPT TO:<evil@test"}, "'from' has a control byte"},
		{"a command in to", []any{"to", "b@test>\r\nDATA\r\n"}, "'to' has a control byte"},
		{"LF in to", []any{"to", list("b@test", "c@test\nBcc: evil@test")}, "'to' has a control byte"},
		{"a tab in to", []any{"to", "b@test\tx"}, "'to' has a control byte"},
		{"a parameter in from", []any{"from", "a@test> BODY=8BITMIME"}, "'from' address"},
		{"a parameter behind a name", []any{"from", "A <a@test> SIZE=1>"}, "'from' has the address"},
		{"a second address in to", []any{"to", "b@test> <evil@test>"}, "'to' has the address"},
		{"a list in a string", []any{"to", "b@test, evil@test"}, "'to' address"},
		{"nobody", []any{"to", ""}, "'to' is missing"},
		{"an empty list", []any{"to", list()}, "'to' is missing"},
		{"nobody sends", []any{"from", ""}, "'from' is missing"},
		{"a header in a name", []any{"from", "\"x\r\n" + evil + "\" <a@test>"}, "'from' has a control byte"},
		{"a command in the domain", []any{"domain", "x\r\nMAIL FROM:<evil@test>"}, "'domain' has a control byte"},
		{"a space in the domain", []any{"domain", "x y"}, `domain "x y"`},
		{"a command in the server", []any{"server", "127.0.0.1\r\nx"}, "'server' has a control byte"},
		{"a port that is none", []any{"server", "mail.test:smtp"}, "'server' has no port number"},
		{"NUL in the password", []any{"user", "a", "password", "x\x00y"}, "'password' has a NUL byte"},
		{"NUL in the user", []any{"user", "a\x00root", "password", "x"}, "'user' has a control byte"},
		{"both kinds of TLS", []any{"tls", true, "starttls", true}, "exclude each other"},
		{"a port out of range", []any{"port", 99999}, "'port' must be a whole number from 1 to 65535"},
		{"a flag in words", []any{"tls", "no"}, "'tls' is a string, not true or false"},
		{"an unknown field", []any{"bcc", "x@test"}, `there is no field "bcc" (there are server, port,`},
		{"a whole message and a subject", []any{"message", "x"}, "'message' is a whole mail"},
		{"shell in the subject", []any{"subject", "; rm -rf / $(reboot) `id`"}, ""},
		{"a leading dash", []any{"from", "-oQ/tmp/x@test", "to", "--help@test"}, ""},
		{"encoded words as they are", []any{"subject", "=?utf-8?q?=0D=0AX-Evil:_yes?="}, ""},
		{"C1 controls", []any{"subject", "a\u0085b\u2028c"}, ""},
		{"no UTF-8", []any{"subject", "a\xff\x85b", "headers", tab("X-A", "\xc3")}, ""},
		{"the end of the mail in the body", []any{"body", "x\r\n.\r\nMAIL FROM:<evil@test>\r\n"}, ""},
		{"the end of the mail, by halves", []any{"body", "x\n.\nMAIL FROM:<evil@test>\r.\r"}, ""},
		{"headers in the body", []any{"body", evil + "\r\n\r\n" + evil}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := len(p.got())
			if tt.want != "" {
				h.never(t, "smtp", p.mail(tt.fields...), tt.want)
				if n := len(p.got()); n != before {
					t.Errorf("%d mails were sent", n-before)
				}
				return
			}
			if o := h.do(t.Context(), t, "smtp", p.mail(tt.fields...)); o.Err != nil {
				t.Fatal(o.Err)
			}
			got := p.got()[before:]
			if len(got) != 1 || len(got[0].to) != 1 {
				t.Fatalf("got %q", got)
			}
			m, err := mail.ReadMessage(strings.NewReader(got[0].data))
			if err != nil || len(m.Header["X-Evil"]) > 0 || len(m.Header) > 9 {
				t.Errorf("%v: %q", err, got[0].data)
			}
		})
	}
}

// An error shows the right form.
func TestMailForm(t *testing.T) {
	h := handlers(t, Options{})
	h.never(t, "smtp", value.Str("a@b"), `the job's data is a string, not a table: write it as {server = "mail.example.org", from =`)
	h.never(t, "smtp", tab(), "'server' is missing: write it as {server =")
}

func TestMailFailures(t *testing.T) {
	answer := func(code int) error {
		return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1}, Message: "not now"}
	}
	p := newPost(t, map[string]error{"never@test": answer(550), "later@test": answer(451)})
	h := handlers(t, Options{})
	for _, tt := range []struct {
		name   string
		fields []any
		want   string
		final  bool
	}{
		{"5xx", []any{"to", "never@test"}, "recipient <never@test>: 550 5.1.1 not now", true},
		{"4xx", []any{"to", "later@test"}, "recipient <later@test>: 451 4.1.1 not now", false},
		{"nobody listens", []any{"port", freePort(t)}, "connecting: connect: connection refused", false},
		{"wrong password", []any{"user", "ann", "password", "wrong", "starttls", true, "insecure", true}, "login: 535", true},
		{"unknown certificate", []any{"starttls", true}, "certificate", false},
		{"some", []any{"to", list("b@test", "later@test")},
			"delivered to 1 of 2 recipients; <later@test> refused: 451 4.1.1 not now; take those who have it out of 'to' before you retry the job", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := h.do(t.Context(), t, "smtp", p.mail(tt.fields...))
			if o.Err == nil || !strings.Contains(o.Err.Error(), tt.want) || o.Final != tt.final {
				t.Errorf("got  %v, final %v\nwant %s, final %v", o.Err, o.Final, tt.want, tt.final)
			}
			if o.Err != nil && strings.Contains(o.Err.Error(), "wrong") {
				t.Error("the error has the password in it")
			}
		})
	}
}

func TestPasswordInTheClear(t *testing.T) {
	err := judge(&client.StepError{Server: "mail.test:25", Step: "login", Err: client.ErrCleartext})
	var final *neverError
	if !errors.As(err, &final) || !strings.Contains(err.Error(), "cleartext = true") {
		t.Errorf("got %v", err)
	}
	if judge(nil) != nil {
		t.Error("a mail that was taken is an error")
	}
}

// freePort is a port on which nothing listens.
func freePort(t *testing.T) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}
