package smtp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

func TestSend(t *testing.T) {
	tests := []struct {
		name   string
		setup  func(*server)
		change func(*Message)
		want   func(m *mail) // starting from what message() gives
	}{
		{"plain", nil, nil, nil},
		{"domain", nil, func(m *Message) { m.Domain = "" }, func(m *mail) { m.ehlo = "localhost" }},
		{"brackets", nil, func(m *Message) { m.From, m.To = "<from@test>", []string{"<to@test>"} }, nil},
		{"null sender", nil, func(m *Message) { m.From = "" }, func(m *mail) { m.from = "" }},
		{"several recipients", nil, func(m *Message) { m.To = []string{"a@test", "b@test"} }, func(m *mail) { m.to = []string{"a@test", "b@test"} }},
		{"line endings and dots", nil, func(m *Message) { m.Data = []byte("A: b\n\n.\n..x\r.y\nend") },
			func(m *mail) { m.data = "A: b\r\n\r\n.\r\n..x\r\n.y\r\nend\r\n" }},
		{"empty message", nil, func(m *Message) { m.Data = nil }, func(m *mail) { m.data = "\r\n" }},
		{"long line", nil, func(m *Message) { m.Data = []byte("A: b\n\n" + strings.Repeat("y", 5000)) },
			func(m *mail) {
				y := func(n int) string { return strings.Repeat("y", n) + "\r\n" }
				m.data = "A: b\r\n\r\n" + y(998) + " " + y(997) + " " + y(997) + " " + y(997) + " " + y(997) + " " + y(14)
			}},
		{"eight bits", nil, func(m *Message) { m.Data = []byte("Subject: é\n\n\xff\xfe\n") }, func(m *mail) { m.data = "Subject: é\r\n\r\n\xff\xfe\r\n" }},
		{"utf-8 address", nil, func(m *Message) { m.To = []string{"zoë@test"} }, func(m *mail) { m.to, m.utf8 = []string{"zoë@test"}, true }},
		{"AUTH by the server's choice", insecureAuth, func(m *Message) { m.Auth = Auth{User: "ann", Pass: "s3cret"} }, func(m *mail) { m.user = "ann" }},
		{"AUTH PLAIN", insecureAuth, func(m *Message) { m.Auth = Auth{User: "ann", Pass: "s3cret", Mech: "plain"} }, func(m *mail) { m.user = "ann" }},
		{"AUTH LOGIN", insecureAuth, func(m *Message) { m.Auth = Auth{User: "ann", Pass: "s3cret", Mech: "LOGIN"} }, func(m *mail) { m.user = "ann" }},
		{"STARTTLS", (*server).secured, func(m *Message) { m.StartTLS = true }, func(m *mail) { m.tls = true }},
		{"STARTTLS and AUTH", (*server).secured, func(m *Message) { m.StartTLS, m.Auth = true, Auth{User: "ann", Pass: "s3cret"} },
			func(m *mail) { m.tls, m.user = true, "ann" }},
		{"STARTTLS, any certificate", (*server).secured, func(m *Message) { m.StartTLS, m.RootCAs, m.InsecureSkipVerify = true, nil, true },
			func(m *mail) { m.tls = true }},
		{"TLS", implicitTLS, func(m *Message) { m.TLS, m.Auth = true, Auth{User: "ann", Pass: "s3cret"} }, func(m *mail) { m.tls, m.user = true, "ann" }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, tt.setup)
			m := s.message()
			if tt.change != nil {
				tt.change(&m)
			}
			if err := Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			want := mail{from: "from@test", to: []string{"to@test"}, data: "Subject: hi\r\n\r\nbody\r\n", ehlo: "client.test"}
			if tt.want != nil {
				tt.want(&want)
			}
			got := s.got()
			if len(got) != 1 || fmt.Sprintf("%#v", got[0]) != fmt.Sprintf("%#v", want) {
				t.Errorf("the server got %#v\nwant %#v", got, want)
			}
		})
	}
}

func insecureAuth(s *server) { s.AllowInsecureAuth = true }
func implicitTLS(s *server)  { s.secured(); s.implTLS = true }

// What a server or the wire does wrong comes back as one line that quotes it.
func TestSendFails(t *testing.T) {
	tests := []struct {
		name   string
		setup  func(*server)
		change func(*Message)
		want   string // of the error, without the address in front
	}{
		{"sender refused", func(s *server) {
			s.onMail = func(string) error {
				return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "Greylisted, come back"}
			}
		}, nil, "sender <from@test>: 451 4.7.1 Greylisted, come back"},
		{"recipient refused", func(s *server) { s.onRcpt = refuse("to@test") }, nil, "recipient <to@test>: 550 5.1.1 No such user"},
		{"all recipients refused", func(s *server) { s.onRcpt = refuse("a@test", "b@test") }, func(m *Message) { m.To = []string{"a@test", "b@test"} },
			"recipients: all refused: <a@test>: 550 5.1.1 No such user; <b@test>: 550 5.1.1 No such user"},
		{"text refused", func(s *server) {
			s.onData = func(io.Reader) error {
				return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "Looks like spam"}
			}
		}, nil, "sending the message: 554 5.6.0 Looks like spam"},
		{"wrong password", insecureAuth, func(m *Message) { m.Auth = Auth{User: "ann", Pass: "no"} }, "login: 535 5.7.8 Authentication failed"},
		{"no AUTH there", nil, func(m *Message) { m.Auth = Auth{User: "ann"} }, "login: the server offers neither AUTH PLAIN nor AUTH LOGIN"},
		{"no STARTTLS there", nil, func(m *Message) { m.StartTLS = true }, "STARTTLS: server doesn't support STARTTLS"},
		{"unknown certificate", (*server).secured, func(m *Message) { m.StartTLS, m.RootCAs = true, nil },
			"STARTTLS: tls: failed to verify certificate: x509: certificate signed by unknown authority"},
		{"no SMTPUTF8 there", func(s *server) { s.EnableSMTPUTF8 = false }, func(m *Message) { m.To = []string{"zoë@test"} },
			"sender <from@test>: server does not support SMTPUTF8"},
		{"too big", func(s *server) { s.MaxMessageBytes = 10 }, nil, "sending the message: 552 5.3.4 Maximum message size exceeded"},
		{"TLS to a plain server", nil, func(m *Message) { m.TLS = true }, "TLS handshake: tls: first record does not look like a TLS handshake"},
		{"nobody listens", nil, func(m *Message) { m.Port = freePort() }, "connecting: connect: connection refused"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, tt.setup)
			m := s.message()
			if tt.change != nil {
				tt.change(&m)
			}
			err := Send(t.Context(), m)
			if want := m.addr() + ": " + tt.want; err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %v", err, want)
			}
			if len(s.got()) != 0 {
				t.Error("a mail arrived nevertheless")
			}
		})
	}
}

func refuse(who ...string) func(string) error {
	return func(to string) error {
		if slices.Contains(who, to) {
			return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such user"}
		}
		return nil
	}
}

// freePort is a port on which nothing listens.
func freePort() int {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}

func TestOneOfThreeRefused(t *testing.T) {
	s := serve(t, func(s *server) { s.onRcpt = refuse("b@test") })
	m := s.message()
	m.To = []string{"a@test", "b@test", "c@test"}
	err := Send(t.Context(), m)
	var partial *PartialError
	if !errors.As(err, &partial) || !slices.Equal(partial.Delivered, []string{"a@test", "c@test"}) {
		t.Fatalf("got %#v", err)
	}
	if want := "delivered to 2 of 3 recipients; <b@test> refused: 550 5.1.1 No such user"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	if got := s.got(); len(got) != 1 || !slices.Equal(got[0].to, partial.Delivered) {
		t.Errorf("the server got %v", got)
	}
}

// A server may fall silent or die at every step; nothing waits longer than the timeout.
func TestSilentAndDyingServers(t *testing.T) {
	steps := []struct{ answer, silent, dead string }{
		{"220 hi\r\n", "greeting", "greeting"},
		{"250-mail.test\r\n250 8BITMIME\r\n", "greeting", "greeting"},
		{"250 sender\r\n", "sender <from@test>", "sender <from@test>"},
		{"250 recipient\r\n", "recipient <to@test>", "recipient <to@test>"},
		{"354 go on\r\n", "sending the message", "sending the message"},
		{"250 taken\r\n", "sending the message", "sending the message"},
	}
	var answers []string
	for _, s := range steps {
		t.Run("silent instead of "+strings.TrimSpace(s.answer), func(t *testing.T) {
			m, _ := scripted(t, answers...)
			m.Timeout = 50 * time.Millisecond
			err := Send(t.Context(), m)
			if want := fmt.Sprintf("%s: %s: no answer within 50ms", m.addr(), s.silent); err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %v", err, want)
			}
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v is not a DeadlineExceeded", err)
			}
		})
		t.Run("dead instead of "+strings.TrimSpace(s.answer), func(t *testing.T) {
			m, _ := scripted(t, append(slices.Clone(answers), "CLOSE")...)
			err := Send(t.Context(), m)
			var step *StepError
			if !errors.As(err, &step) || step.Step != s.dead {
				t.Errorf("got %v, want the step %q", err, s.dead)
			}
		})
		answers = append(answers, s.answer)
	}
	t.Run("silent after the mail was taken", func(t *testing.T) {
		m, lines := scripted(t, answers...)
		if err := Send(t.Context(), m); err != nil {
			t.Errorf("the mail was taken, but: %v", err)
		}
		if l := lines(); !slices.Contains(l, ".") {
			t.Errorf("the dialogue was %q", l)
		}
	})
}

// TestEndlessAnswer has a server that never comes to the end of its greeting.
func TestEndlessAnswer(t *testing.T) {
	m, _ := scripted(t, strings.Repeat("220-and another line\r\n", maxHeard/20))
	m.Timeout = time.Minute
	if err := Send(t.Context(), m); !errors.Is(err, errTalkative) {
		t.Errorf("got %v, want %v", err, errTalkative)
	}
}

func TestDeathInsideData(t *testing.T) {
	s := serve(t, func(s *server) {
		s.onData = func(r io.Reader) error {
			_, _ = io.CopyN(io.Discard, r, 1000)
			return errBoom
		}
	})
	m := s.message()
	m.Data = []byte("A: b\n\n" + strings.Repeat("line\n", 10000))
	err := Send(t.Context(), m)
	var answer *smtp.SMTPError
	if !errors.As(err, &answer) || answer.Code != 554 || !strings.Contains(err.Error(), "boom") {
		t.Errorf("got %v", err)
	}

	m, _ = scripted(t, "220 hi\r\n", "250 hi\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n", "CLOSE")
	m.Data = []byte("Subject: x\n\n" + strings.Repeat("line\n", 1000))
	var step *StepError
	if err := Send(t.Context(), m); !errors.As(err, &step) || step.Step != "sending the message" {
		t.Errorf("got %v", err)
	}
}

func TestSlowServerStillGetsTheMail(t *testing.T) {
	hold := make(chan struct{})
	s := serve(t, func(s *server) {
		s.onData = func(io.Reader) error { <-hold; return nil }
	})
	result := make(chan error, 1)
	go func() { result <- Send(t.Context(), s.message()) }()
	select {
	case err := <-result:
		t.Fatalf("Send did not wait: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	close(hold)
	if err := <-result; err != nil || len(s.got()) != 1 {
		t.Errorf("%v, %d mails", err, len(s.got()))
	}
}

func TestCancel(t *testing.T) {
	m, _ := scripted(t, "220 hi\r\n")
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	err := Send(ctx, m)
	if want := m.addr() + ": greeting: stopped"; err == nil || err.Error() != want || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, want)
	}
}

// The message's own timeout is not blamed when the caller's time is over before it.
func TestHurriedCaller(t *testing.T) {
	m, _ := scripted(t)
	m.Timeout = time.Minute
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if err := Send(ctx, m); !errors.Is(err, context.DeadlineExceeded) || err.Error() != m.addr()+": greeting: no answer yet" {
		t.Errorf("got %v", err)
	}
}

func TestServerAnswersStayOnOneLine(t *testing.T) {
	m, _ := scripted(t, "554-go away\r\n554-\x1b[31mred\r\n554 "+strings.Repeat("long ", 300)+"\r\n")
	err := Send(t.Context(), m)
	if err == nil || strings.ContainsAny(err.Error(), "\r\n\x1b") || len(err.Error()) > 700 || !strings.Contains(err.Error(), "554 go away") {
		t.Errorf("got %q", err)
	}
}

// A password does not travel in the clear, except where it was allowed or does not leave the machine.
func TestPasswordNeedsTLS(t *testing.T) {
	remote := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}
	for _, tt := range []struct {
		addr net.Addr
		want bool
	}{{remote, false}, {&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, true}, {&net.TCPAddr{IP: net.IPv6loopback}, true}} {
		if got := loopback(tt.addr); got != tt.want {
			t.Errorf("%v: loopback %v", tt.addr, got)
		}
	}
	var said strings.Builder
	near, far := net.Pipe()
	go func() {
		defer far.Close()
		_, _ = io.WriteString(far, "220 hi\r\n")
		b := make([]byte, 500)
		for {
			n, err := far.Read(b)
			said.Write(b[:n])
			if err != nil {
				return
			}
			_, _ = io.WriteString(far, "250-hi\r\n250 AUTH PLAIN\r\n")
		}
	}()
	m := Message{Server: "x", From: "a@b", To: []string{"c@d"}, Auth: Auth{User: "ann", Pass: "s3cret"}}
	d := &delivery{m: &m}
	conn := newBoundConn(near, time.Now().Add(10*time.Second))
	defer conn.Close()
	if err := d.greet(conn); err != nil {
		t.Fatal(err)
	}
	if err := d.login(conn); err == nil || !strings.Contains(err.Error(), "in the clear") {
		t.Errorf("login: %v", err)
	}
}

func TestRefusedArguments(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Message)
		want   string
	}{
		{"command in the sender", func(m *Message) { m.From = "a@b>\r\nRCPT TO:<evil@x" }, "sender address"},
		{"newline in the recipient", func(m *Message) { m.To = []string{"a@b\nBcc: evil@x"} }, "recipient address"},
		{"parameter in the sender", func(m *Message) { m.From = "a@b> BODY=8BITMIME" }, "sender address"},
		{"space", func(m *Message) { m.From = "a b@c" }, "sender address"},
		{"NUL", func(m *Message) { m.To = []string{"a\x00@b"} }, "recipient address"},
		{"unbalanced quotes", func(m *Message) { m.To = []string{`"a@b`} }, "recipient address"},
		{"parameter after quotes", func(m *Message) { m.To = []string{`"a"@b> NOTIFY=NEVER`} }, "recipient address"},
		{"second recipient", func(m *Message) { m.To = []string{"a@b", "c\r@d"} }, "recipient address"},
		{"empty recipient", func(m *Message) { m.To = []string{""} }, "recipient address is empty"},
		{"no recipient", func(m *Message) { m.To = nil }, "no recipient given"},
		{"crowd", func(m *Message) { m.To = make([]string, 101) }, "at most 100"},
		{"long address", func(m *Message) { m.From = strings.Repeat("a", 300) + "@b" }, "at most 254"},
		{"newline in the domain", func(m *Message) { m.Domain = "x\r\nMAIL FROM:<a@b>" }, "domain"},
		{"space in the domain", func(m *Message) { m.Domain = "x y" }, "domain"},
		{"no server", func(m *Message) { m.Server = "" }, "no mail server given"},
		{"server", func(m *Message) { m.Server = "a\nb" }, "mail server"},
		{"port", func(m *Message) { m.Port = 99999 }, "from 1 to 65535"},
		{"both TLS", func(m *Message) { m.TLS, m.StartTLS = true, true }, "exclude each other"},
		{"mechanism", func(m *Message) { m.Auth.Mech = "MAGIC" }, "use PLAIN or LOGIN"},
		{"timeout", func(m *Message) { m.Timeout = -1 }, "cannot be negative"},
	}
	s := serve(t, nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := s.message()
			tt.change(&m)
			if err := Send(t.Context(), m); err == nil || !strings.Contains(err.Error(), tt.want) || strings.ContainsAny(err.Error(), "\r\n") {
				t.Errorf("got %q, want a line with %q", err, tt.want)
			}
		})
	}
	if got := s.got(); len(got) != 0 {
		t.Errorf("the server got %#v", got)
	}
	for _, ok := range []string{`"john doe"@test`, "o'neil+tag@sub.test", "postmaster"} {
		m := s.message()
		m.To = []string{ok}
		if _, err := m.checked(); err != nil {
			t.Errorf("%s: %v", ok, err)
		}
	}
}

func TestPorts(t *testing.T) {
	for want, m := range map[string]Message{
		"h:25":        {Server: "h"},
		"h:465":       {Server: "h", TLS: true},
		"h:587":       {Server: "h", Auth: Auth{User: "u"}},
		"h:2525":      {Server: "h", Port: 2525, TLS: true},
		"[::1]:25":    {Server: "::1"},
		"[fe80::]:25": {Server: "[fe80::]"},
	} {
		if got := m.addr(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
