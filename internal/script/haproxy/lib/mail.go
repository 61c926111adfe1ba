package lib

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"eddy/internal/offpath/client/smtp"
	"eddy/internal/script/vm"
)

// Mailer sends a mail; smtp.Send is one.
type Mailer func(ctx context.Context, m smtp.Message) error

// Mail is smtp_send_email.
func Mail(wait Wait, mailer Mailer) Funcs {
	w := mail{wait, mailer}
	return Funcs{
		"smtp_send":       w.sendArgs,
		"smtp_send_table": w.sendTable,
	}
}

type mail struct {
	wait   Wait
	mailer Mailer
}

// sendArgs(server, port or timeout, domain, from, to, msg). When the server has its port with it, the second argument
// is a timeout in milliseconds, which is the form of HAProxy's own mailers script; else it is the port.
func (w mail) sendArgs(c *vm.Call) error {
	var m smtp.Message
	server, err := Str(c, 1, "smtp_send_email", 1)
	if err != nil {
		return err
	}
	second := int64(0)
	if !c.IsNil(2) {
		if second, err = Int(c, 2, "smtp_send_email", 2); err != nil {
			return err
		}
	}
	m.Server, m.Port = server, int(min(max(second, -1), 1<<20))
	if host, port, ok := splitServer(server); ok {
		m.Server, m.Port = host, port
		m.Timeout = time.Duration(min(max(second, 0), 1<<31)) * time.Millisecond
	}
	if !c.IsNil(3) {
		if m.Domain, err = Str(c, 3, "smtp_send_email", 3); err != nil {
			return err
		}
	}
	if m.From, err = Str(c, 4, "smtp_send_email", 4); err != nil {
		return err
	}
	to, err := c.Value(5)
	if err != nil {
		return err
	}
	if m.To, err = recipients(to); err != nil {
		return fmt.Errorf("smtp_send_email: %w", err)
	}
	data, err := Bytes(c, 6, "smtp_send_email", 6)
	if err != nil {
		return err
	}
	m.Data = append([]byte(nil), data...)
	return w.send(c, m)
}

// splitServer finds a port behind a host, "mail.example.org:25" or "[::1]:25".
func splitServer(s string) (host string, port int, ok bool) {
	host, text, err := net.SplitHostPort(s)
	if err != nil {
		return "", 0, false
	}
	port, err = strconv.Atoi(text)
	return host, port, err == nil
}

func recipients(v vm.Value) ([]string, error) {
	if s, ok := v.AsStr(); ok {
		return []string{s}, nil
	}
	t, ok := v.AsTable()
	if !ok {
		return nil, fmt.Errorf("the recipient must be a string or a list of strings, not %s", v.Kind)
	}
	var out []string
	for _, e := range t.Arr {
		s, ok := e.AsStr()
		if !ok {
			return nil, errors.New("every recipient must be a string")
		}
		out = append(out, s)
	}
	if len(out) == 0 {
		return nil, errors.New("there is no recipient")
	}
	return out, nil
}

// sendTable(table); see prelude/smtp.lua for the fields.
func (w mail) sendTable(c *vm.Call) error {
	t, err := c.Table(1)
	if err != nil {
		return err
	}
	m, err := readMail(t)
	if err != nil {
		return fmt.Errorf("smtp_send_email: %w", err)
	}
	return w.send(c, m)
}

func readMail(t *vm.Table) (m smtp.Message, err error) {
	str := func(t *vm.Table, key string, into *string) {
		if v := t.Get(key); !v.IsNil() && err == nil {
			s, ok := Text(v)
			if !ok {
				err = fmt.Errorf("'%s' must be a string", key)
			}
			*into = s
		}
	}
	num := func(key string) (n int64) {
		if v := t.Get(key); !v.IsNil() && err == nil {
			var ok bool
			if n, ok = v.AsInt(); !ok || n < 0 || n > 1<<31 {
				err = fmt.Errorf("'%s' must be a whole number", key)
			}
		}
		return n
	}
	for _, p := range t.Map {
		key, _ := p.Key.AsStr()
		switch key {
		case "server", "port", "domain", "from", "to", "msg", "auth", "starttls", "tls", "insecure", "timeout":
		default:
			return m, fmt.Errorf("there is no field '%s'; fields are server, port, domain, from, to, msg, auth, starttls, "+
				"tls, insecure and timeout", key)
		}
	}
	str(t, "server", &m.Server)
	if host, port, ok := splitServer(m.Server); ok {
		m.Server, m.Port = host, port
	}
	if n := num("port"); n != 0 {
		m.Port = int(n)
	}
	str(t, "domain", &m.Domain)
	str(t, "from", &m.From)
	var msg string
	str(t, "msg", &msg)
	m.Data = []byte(msg)
	m.Timeout = time.Duration(num("timeout")) * time.Millisecond
	m.StartTLS, m.TLS = t.Get("starttls").Truth(), t.Get("tls").Truth()
	m.InsecureSkipVerify = t.Get("insecure").Truth()
	if v := t.Get("auth"); !v.IsNil() {
		at, ok := v.AsTable()
		if !ok {
			return m, errors.New("'auth' must be a table, {user = , pass = }")
		}
		str(at, "user", &m.Auth.User)
		str(at, "pass", &m.Auth.Pass)
		str(at, "mech", &m.Auth.Mech)
		m.Auth.Insecure = at.Get("insecure").Truth()
	}
	if err != nil {
		return m, err
	}
	m.To, err = recipients(t.Get("to"))
	return m, err
}

// send sends off the lock and returns true, or false and the reason.
func (w mail) send(c *vm.Call, m smtp.Message) error {
	return w.wait(c, func(ctx context.Context) vm.Resume {
		if err := w.mailer(ctx, m); err != nil {
			return vm.Resume{Values: []vm.Value{vm.Bool(false), vm.Str(err.Error())}}
		}
		return vm.Resume{Values: []vm.Value{vm.Bool(true)}}
	})
}
