// Command sink is a small mail server that prints every mail it gets. With -delay it is as slow as real ones can be.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/emersion/go-smtp"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:2525", "address to listen on")
	delay := flag.Duration("delay", 0, "how long to take for each mail, such as 3s")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, *listen, *delay, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// serve takes mails until ctx is done.
func serve(ctx context.Context, listen string, delay time.Duration, out io.Writer) error {
	p := &printer{out: out}
	s := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) {
		return &session{ctx: ctx, delay: delay, printer: p}, nil
	}))
	s.Addr, s.Domain = listen, "sink.example"
	s.MaxMessageBytes, s.MaxRecipients = 4<<20, 100
	s.ErrorLog = log.New(io.Discard, "", 0) // clients that come and go without a word are no news
	s.ReadTimeout, s.WriteTimeout = time.Minute, time.Minute
	defer context.AfterFunc(ctx, func() { s.Close() })()
	if err := s.ListenAndServe(); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// printer writes one mail at a time.
type printer struct {
	mu   sync.Mutex
	out  io.Writer
	mail int
}

func (p *printer) print(from string, to []string, text []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mail++
	var b bytes.Buffer
	fmt.Fprintf(&b, "\n--- mail %d from %s to %s\n", p.mail, from, strings.Join(to, ", "))
	for line := range bytes.Lines(text) {
		fmt.Fprintf(&b, "    %s\n", bytes.TrimRight(line, "\r\n"))
	}
	_, _ = p.out.Write(b.Bytes())
}

type session struct {
	ctx     context.Context
	delay   time.Duration
	printer *printer
	from    string
	to      []string
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error { s.from = from; return nil }
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error   { s.to = append(s.to, to); return nil }
func (s *session) Reset()                                      { s.from, s.to = "", nil }
func (s *session) Logout() error                               { return nil }

func (s *session) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	select {
	case <-time.After(s.delay):
	case <-s.ctx.Done():
		return &smtp.SMTPError{Code: 421, Message: "Shutting down"}
	}
	s.printer.print(s.from, s.to, text)
	return nil
}
