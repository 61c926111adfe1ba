// Package postoffice is a real SMTP server for tests, which keeps what it is sent.
package postoffice

import (
	"errors"
	"io"
	"log"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// patience is how long mails may take before a test gives up.
const patience = 60 * time.Second

// Mail is a message with its envelope.
type Mail struct{ From, To, Data string }

// Office is a server. Its methods may be called from any goroutine.
type Office struct {
	srv   *smtp.Server
	delay time.Duration

	mu    sync.Mutex
	mails []Mail
	news  chan struct{} // a mail came
}

// Open opens a server at addr, which takes its time over each mail. The test's end closes it.
func Open(t testing.TB, addr string, delay time.Duration) *Office {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	p := &Office{delay: delay, news: make(chan struct{}, 1)}
	p.srv = smtp.NewServer(p)
	p.srv.Domain = "localhost"
	p.srv.ErrorLog = log.New(io.Discard, "", 0) // clients that die are no news
	ended := make(chan error, 1)
	go func() { ended <- p.srv.Serve(l) }()
	t.Cleanup(func() {
		p.Close()
		if err := <-ended; err != nil && !errors.Is(err, smtp.ErrServerClosed) {
			t.Errorf("mail server: %v", err)
		}
	})
	return p
}

// Close ends it, and whatever connections there are.
func (p *Office) Close() { _ = p.srv.Close() }

// Count says how many mails have come.
func (p *Office) Count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.mails)
}

// Mails gives the mails that have come, oldest first.
func (p *Office) Mails() []Mail {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Mail(nil), p.mails...)
}

// Wait waits until n mails have come.
func (p *Office) Wait(t testing.TB, n int) []Mail {
	t.Helper()
	limit := time.After(patience)
	for p.Count() < n {
		select {
		case <-p.news:
		case <-limit:
			t.Fatalf("%d mails came, want %d", p.Count(), n)
		}
	}
	return p.Mails()
}

// NewSession implements smtp.Backend.
func (p *Office) NewSession(*smtp.Conn) (smtp.Session, error) { return &letter{office: p}, nil }

// letter is one SMTP session.
type letter struct {
	office *Office
	m      Mail
}

func (l *letter) Reset()        { l.m = Mail{} }
func (l *letter) Logout() error { return nil }

func (l *letter) Mail(from string, _ *smtp.MailOptions) error {
	l.m.From = from
	return nil
}

func (l *letter) Rcpt(to string, _ *smtp.RcptOptions) error {
	l.m.To = to
	return nil
}

func (l *letter) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	time.Sleep(l.office.delay)
	l.m.Data = string(b)
	p := l.office
	p.mu.Lock()
	p.mails = append(p.mails, l.m)
	p.mu.Unlock()
	select {
	case p.news <- struct{}{}:
	default:
	}
	return nil
}
