package smtp

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// mail is one message as the real server took it.
type mail struct {
	from string
	to   []string
	data string
	user string // logged in as
	tls  bool
	utf8 bool
	ehlo string
}

// server is a real SMTP server whose answers a test can bend.
type server struct {
	*smtp.Server
	port  int
	roots *x509.CertPool

	mu      sync.Mutex
	mails   []mail
	onRcpt  func(to string) error
	onMail  func(from string) error
	onData  func(r io.Reader) error
	implTLS bool
}

// serve starts a server; setup may change it before it listens.
func serve(t *testing.T, setup func(*server)) *server {
	t.Helper()
	s := &server{}
	s.Server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{s: s, c: c}, nil
	}))
	s.Domain = "mail.test"
	s.ErrorLog = log.New(io.Discard, "", 0)
	s.EnableSMTPUTF8 = true
	if setup != nil {
		setup(s)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.port = ln.Addr().(*net.TCPAddr).Port
	if s.implTLS {
		ln = tls.NewListener(ln, s.TLSConfig)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(ln) }()
	t.Cleanup(func() { s.Close(); ln.Close(); <-done }) // Close alone misses a listener that Serve has not yet seen
	return s
}

func (s *server) got() []mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]mail(nil), s.mails...)
}

// message is a valid mail to s.
func (s *server) message() Message {
	return Message{Server: "127.0.0.1", Port: s.port, Domain: "client.test", From: "from@test", To: []string{"to@test"},
		Data: []byte("Subject: hi\r\n\r\nbody\r\n"), RootCAs: s.roots, Timeout: 10 * time.Second}
}

// secured gives s a certificate made for this test.
func (s *server) secured() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	s.roots = x509.NewCertPool()
	s.roots.AddCert(cert)
	s.TLSConfig = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

type session struct {
	s *server
	c *smtp.Conn
	m mail
}

func (x *session) AuthMechanisms() []string { return []string{"PLAIN", "LOGIN"} }

func (x *session) Auth(mech string) (sasl.Server, error) {
	check := func(user, pass string) error {
		if user != "ann" || pass != "s3cret" {
			return smtp.ErrAuthFailed
		}
		x.m.user = user
		return nil
	}
	if mech == "PLAIN" {
		return sasl.NewPlainServer(func(_, user, pass string) error { return check(user, pass) }), nil
	}
	return &loginServer{check: check}, nil
}

func (x *session) Mail(from string, opts *smtp.MailOptions) error {
	if x.s.onMail != nil {
		if err := x.s.onMail(from); err != nil {
			return err
		}
	}
	_, secure := x.c.TLSConnectionState()
	x.m.from, x.m.utf8, x.m.tls, x.m.ehlo = from, opts.UTF8, secure, x.c.Hostname()
	return nil
}

func (x *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if x.s.onRcpt != nil {
		if err := x.s.onRcpt(to); err != nil {
			return err
		}
	}
	x.m.to = append(x.m.to, to)
	return nil
}

func (x *session) Data(r io.Reader) error {
	if x.s.onData != nil {
		if err := x.s.onData(r); err != nil {
			return err
		}
	}
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	x.m.data = string(b)
	x.s.mu.Lock()
	x.s.mails = append(x.s.mails, x.m)
	x.s.mu.Unlock()
	return nil
}

func (x *session) Reset()        { x.m = mail{user: x.m.user} }
func (x *session) Logout() error { return nil }

// loginServer asks with other words than most servers, which a client has to bear.
type loginServer struct {
	check func(user, pass string) error
	user  *string
}

func (l *loginServer) Next(response []byte) ([]byte, bool, error) {
	switch {
	case response == nil:
		return []byte("Who are you?"), false, nil
	case l.user == nil:
		u := string(response)
		l.user = &u
		return []byte("And the word?"), false, nil
	}
	return nil, true, l.check(*l.user, string(response))
}

// scripted is a server that answers by a list: each entry is written, then a line is read. After the list it reads
// on in silence, or closes when the last entry is "CLOSE".
func scripted(t *testing.T, answers ...string) (m Message, lines func() []string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var seen []string
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		in := bufio.NewReader(c)
		for _, a := range answers {
			if a == "CLOSE" {
				return
			}
			if _, err := io.WriteString(c, a); err != nil {
				return
			}
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			if strings.HasPrefix(line, "Subject:") { // message text: read to its end
				for line != ".\r\n" && err == nil {
					line, err = in.ReadString('\n')
				}
			}
			mu.Lock()
			seen = append(seen, strings.TrimRight(line, "\r\n"))
			mu.Unlock()
		}
		_, _ = io.Copy(io.Discard, in)
	}()
	t.Cleanup(func() { ln.Close(); <-done })
	m = (&server{port: ln.Addr().(*net.TCPAddr).Port}).message()
	return m, func() []string { mu.Lock(); defer mu.Unlock(); return append([]string(nil), seen...) }
}

var errBoom = errors.New("boom")
