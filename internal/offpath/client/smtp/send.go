package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// ErrCleartext is in the error of a Send whose password nothing would have hidden on the way.
var ErrCleartext = errors.New("the password would travel in the clear: use tls or starttls, or allow it with auth.insecure")

// Send delivers m and returns nil once the server has taken it for every recipient. When the server took it for
// some only, the error is a *PartialError. Other errors say at which step the delivery stopped and quote the server;
// a *go-smtp.SMTPError can be found in them with errors.As.
//
// Send blocks, for at most m.Timeout and not after ctx is done. Any goroutine may call it; it starts none that
// outlives it.
func Send(ctx context.Context, m Message) error {
	m, err := m.checked()
	if err != nil {
		return err
	}
	until := time.Now().Add(m.Timeout)
	outer, bounded := ctx.Deadline()
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	d := &delivery{m: &m, hurried: bounded && outer.Before(until)}
	if err := d.run(ctx); err != nil {
		return d.explain(ctx, err)
	}
	if len(d.refused) > 0 {
		return &PartialError{Delivered: d.accepted, Refused: d.refused}
	}
	return nil
}

// delivery is one Send on its way through the dialogue.
type delivery struct {
	m        *Message
	hurried  bool   // the caller's time is over before the message's
	step     string // what is being done, for error texts
	c        *smtp.Client
	accepted []string
	refused  []Refused
}

// run walks through the dialogue. After the server has said 250 to the final dot the mail is its own, so a failing
// QUIT is no error.
func (d *delivery) run(ctx context.Context) error {
	conn, err := d.connect(ctx)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { conn.expire() })
	defer stop()
	defer conn.Close()
	if err := d.greet(conn); err != nil {
		return err
	}
	defer d.c.Close()
	if err := d.login(conn); err != nil {
		return err
	}
	if err := d.envelope(); err != nil {
		return err
	}
	if err := d.data(); err != nil {
		return err
	}
	conn.limit(time.Now().Add(time.Second)) // do not hang on a server that never answers QUIT
	_ = d.c.Quit()
	return nil
}

func (d *delivery) connect(ctx context.Context) (*boundConn, error) {
	d.step = "connecting"
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", d.m.addr())
	if err != nil {
		return nil, err
	}
	deadline, _ := ctx.Deadline()
	conn := newBoundConn(raw, deadline)
	if !d.m.TLS {
		return conn, nil
	}
	d.step = "TLS handshake"
	sec := tls.Client(conn, d.tlsConfig())
	if err := sec.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return newBoundConn(sec, deadline), nil
}

func (d *delivery) tlsConfig() *tls.Config {
	return &tls.Config{
		ServerName:         d.m.host(),
		RootCAs:            d.m.RootCAs,
		InsecureSkipVerify: d.m.InsecureSkipVerify,
		MinVersion:         tls.VersionTLS12,
	}
}

// greet reads the banner, says EHLO and, where it is wanted, turns the connection into a TLS one. The library says
// "EHLO localhost" before STARTTLS, and the domain after it, where the dialogue starts anew.
func (d *delivery) greet(conn net.Conn) error {
	d.step = "greeting"
	if !d.m.StartTLS {
		d.c = smtp.NewClient(conn)
		return d.c.Hello(d.m.Domain)
	}
	d.step = "STARTTLS"
	c, err := smtp.NewClientStartTLS(conn, d.tlsConfig())
	if err != nil {
		return err
	}
	d.c = c
	return c.Hello(d.m.Domain)
}

// login authenticates, if the message names a user.
func (d *delivery) login(conn *boundConn) error {
	a := &d.m.Auth
	if a.User == "" {
		return nil
	}
	d.step = "login"
	_, secure := d.c.TLSConnectionState()
	if !secure && !d.m.TLS && !a.Insecure && !loopback(conn.RemoteAddr()) {
		return ErrCleartext
	}
	mech := a.Mech
	for _, known := range []string{"PLAIN", "LOGIN"} {
		if mech == "" && d.c.SupportsAuth(known) {
			mech = known
		}
	}
	switch {
	case mech == "":
		return errors.New("the server offers neither AUTH PLAIN nor AUTH LOGIN")
	case !d.c.SupportsAuth(mech):
		return fmt.Errorf("the server does not offer AUTH %s", mech)
	case mech == "LOGIN":
		return d.c.Auth(&loginClient{user: a.User, pass: a.Pass})
	}
	return d.c.Auth(sasl.NewPlainClient("", a.User, a.Pass))
}

// envelope names sender and recipients. It fails when nobody at all was accepted.
func (d *delivery) envelope() error {
	d.step = "sender <" + d.m.From + ">"
	var opts smtp.MailOptions
	if !ascii(d.m.From) || !ascii(strings.Join(d.m.To, "")) {
		opts.UTF8 = true // refused by the library where the server has no SMTPUTF8 (RFC 6531)
	}
	if err := d.c.Mail(d.m.From, &opts); err != nil {
		return err
	}
	for _, to := range d.m.To {
		d.step = "recipient <" + to + ">"
		err := d.c.Rcpt(to, nil)
		var answer *smtp.SMTPError
		switch {
		case err == nil:
			d.accepted = append(d.accepted, to)
		case errors.As(err, &answer) && answer.Code != 421: // 421: the server is closing the connection
			d.refused = append(d.refused, Refused{To: to, Err: err})
		default:
			return err
		}
	}
	if len(d.accepted) == 0 {
		if len(d.refused) == 1 {
			return d.refused[0].Err
		}
		d.step = "recipients"
		return &allRefusedError{d.refused}
	}
	return nil
}

func (d *delivery) data() error {
	d.step = "sending the message"
	w, err := d.c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(normalize(d.m.Data)); err != nil {
		return err
	}
	return w.Close()
}

// explain says where and why, and puts the server's own words first when there are any.
func (d *delivery) explain(ctx context.Context, err error) error {
	what := reason(err)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		what, err = "stopped", ctx.Err()
	case ctx.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded):
		what, err = fmt.Sprintf("no answer within %v", d.m.Timeout), context.DeadlineExceeded
		if d.hurried {
			what = "no answer yet"
		}
	}
	return &StepError{Server: d.m.addr(), Step: d.step, Text: what, Err: err}
}

// StepError is a delivery that stopped.
type StepError struct {
	Server string // host:port
	Step   string // what was being done
	Text   string // what went wrong, with the server's answer
	Err    error
}

// Error gives "server:port: step: text".
func (e *StepError) Error() string { return e.Server + ": " + e.Step + ": " + e.Text }

// Unwrap gives the cause: a *go-smtp.SMTPError, a net error, context.DeadlineExceeded or context.Canceled.
func (e *StepError) Unwrap() error { return e.Err }

// reason is an error in words for a log line: a server's answer as "550 5.1.1 text", on one line.
func reason(err error) string {
	var s *smtp.SMTPError
	if !errors.As(err, &s) {
		text := strings.TrimPrefix(err.Error(), "smtp: ")
		var op *net.OpError
		if errors.As(err, &op) {
			text = op.Err.Error()
		}
		if strings.HasSuffix(text, "EOF") {
			text = "the server closed the connection"
		}
		return oneLine(text)
	}
	text := fmt.Sprintf("%03d", s.Code)
	if c := s.EnhancedCode; c != (smtp.EnhancedCode{}) && c != smtp.NoEnhancedCode {
		text += fmt.Sprintf(" %d.%d.%d", c[0], c[1], c[2])
	}
	return oneLine(text + " " + s.Message)
}

// oneLine keeps a server's answer from breaking a log line, and from filling it.
func oneLine(s string) string {
	const most = 512
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' || r == '\t' {
			return ' '
		}
		if r < 0x20 || r == 0x7f {
			return -1
		}
		return r
	}, s)
}

func loopback(a net.Addr) bool {
	t, ok := a.(*net.TCPAddr)
	return ok && t.IP.IsLoopback()
}

// loginClient is AUTH LOGIN as servers really speak it: the challenge texts differ from server to server, so they
// are answered by their order, not by their words.
type loginClient struct {
	user, pass string
	asked      int
}

// Start offers no initial response: not every server takes one with LOGIN.
func (l *loginClient) Start() (mech string, ir []byte, err error) { return "LOGIN", nil, nil }

// Next answers the first question with the user, the second with the password.
func (l *loginClient) Next([]byte) ([]byte, error) {
	l.asked++
	switch l.asked {
	case 1:
		return []byte(l.user), nil
	case 2:
		return []byte(l.pass), nil
	}
	return nil, errors.New("the server asks a third question in AUTH LOGIN")
}
