package native

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"strconv"
	"strings"

	"eddy/internal/base/value"
	"eddy/internal/offpath/client/smtp"
	"eddy/internal/offpath/job"
)

const formMail = `{server = "mail.example.org", from = "a@example.org", to = "b@example.org" or {…}, subject = "…", body = "…"}, ` +
	`or with message = "…" in place of subject, headers and body`

// mailer sends mails.
type mailer struct{ roots *x509.CertPool }

// run sends a job's mail. A mail that some recipients have and others were refused is not tried again, as the first would get
// it twice.
func (m mailer) run(ctx context.Context, j *job.Job) (value.Value, error) {
	msg, err := readMail(j)
	if err != nil {
		return value.Nil(), err
	}
	msg.RootCAs = m.roots
	return value.Bool(true), judge(smtp.Send(ctx, msg))
}

// judge says of a delivery's error whether a further attempt can help.
func judge(err error) error {
	var partial *smtp.PartialError
	switch {
	case errors.As(err, &partial):
		return never(fmt.Errorf("%w; take those who have it out of 'to' before you retry the job", err))
	case errors.Is(err, smtp.ErrCleartext):
		return never(errors.New("the password would travel in the clear: use tls or starttls, or allow it with cleartext = true"))
	case smtp.Permanent(err):
		return never(err)
	}
	return err
}

// readMail makes a message of a payload. The job gives it what a second attempt has to repeat: Date and Message-ID.
func readMail(j *job.Job) (smtp.Message, error) {
	p := open(j.Data, formMail)
	m := smtp.Message{Server: p.line("server"), Port: p.whole("port", 0, 1, 65535), Domain: p.line("domain")}
	if host, port, err := net.SplitHostPort(m.Server); err == nil {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			p.bad("server", "has no port number behind its colon")
		}
		m.Server, m.Port = host, int(n)
	}
	if m.Server == "" {
		p.bad("server", "is missing")
	}
	from := p.address("from", p.line("from"))
	var to []mail.Address
	for _, t := range p.list("to") {
		to = append(to, p.address("to", t))
	}
	if len(to) == 0 {
		p.bad("to", "is missing")
	}
	m.From = from.Address
	for _, t := range to {
		m.To = append(m.To, t.Address)
	}
	m.Auth = smtp.Auth{User: p.line("user"), Pass: p.text("password"), Mech: p.line("mech"), Insecure: p.flag("cleartext")}
	if strings.IndexByte(m.Auth.Pass, 0) >= 0 {
		p.bad("password", "has a NUL byte in it")
	}
	m.StartTLS, m.TLS, m.InsecureSkipVerify = p.flag("starttls"), p.flag("tls"), p.flag("insecure")
	m.Timeout = p.seconds("timeout")

	l := letter{id: j.ID, pushed: j.Pushed, from: from, to: to, domain: m.Domain}
	l.read(p)
	if err := p.end(); err != nil {
		return m, err
	}
	if err := m.Check(); err != nil {
		p.wrong(err.Error())
		return m, p.err
	}
	m.Data = l.bytes()
	return m, nil
}

// address reads one address, "a@b", "<a@b>" or "Name <a@b>".
func (p *payload) address(field, s string) mail.Address {
	a := mail.Address{Address: s}
	if i := control(s); i >= 0 || strings.Contains(s, "\t") {
		p.bad(field, "has a control byte in the address %q", short(s, 300))
		return a
	}
	if s == "" {
		p.bad(field, "is missing")
		return a
	}
	if i := strings.LastIndexByte(s, '<'); i > 0 && strings.HasSuffix(s, ">") {
		full, err := mail.ParseAddress(s)
		if err != nil {
			p.bad(field, `has the address %q, which can't be read; "Name <a@example.org>" would do`, short(s, 300))
			return a
		}
		a = *full
	}
	a.Address = strings.TrimSuffix(strings.TrimPrefix(a.Address, "<"), ">")
	if err := smtp.CheckAddress("'"+field+"'", a.Address); err != nil {
		p.wrong(err.Error())
	}
	return a
}
