// Package jobs asks a running eddy about its queues and jobs, over its stats socket.
package jobs

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"eddy/internal/operator/admin"
	"eddy/internal/operator/view"
	"eddy/internal/operator/visible"
)

// Client knows a socket. Each command is a connection of its own; several goroutines may ask at once.
type Client struct {
	Socket string        // a path, '@' and a name in Linux's abstract namespace, or host:port
	Wait   time.Duration // the longest silence; 0: 10 s
}

// ConnError says that nobody answers at the socket.
type ConnError struct {
	Socket string
	Err    error
}

func (e *ConnError) Error() string { return fmt.Sprintf("no answer at %s: %v", e.Socket, e.Err) }
func (e *ConnError) Unwrap() error { return e.Err }

// Failure is an answer that says no.
type Failure struct {
	Kind view.Fail
	Text string
	Hint string
}

func (e *Failure) Error() string { return visible.Text(e.Text, maxText) }

// Bounds of answers.
const (
	maxText   = 4000     // characters of a message
	maxAnswer = 64 << 20 // bytes of an answer that is read as a whole
)

// network says how a socket is reached.
func network(socket string) string {
	if _, _, err := net.SplitHostPort(socket); err == nil && !strings.Contains(socket, "/") && !strings.HasPrefix(socket, "@") {
		return "tcp"
	}
	return "unix"
}

// conn is a connection whose silence is bounded.
type conn struct {
	net.Conn
	socket string
	wait   time.Duration
	stop   func() bool
}

func (c *conn) Read(b []byte) (int, error) {
	_ = c.SetReadDeadline(time.Now().Add(c.wait))
	n, err := c.Conn.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		err = &ConnError{c.socket, reason(err)}
	}
	return n, err
}

func (c *conn) Close() error {
	c.stop()
	return c.Conn.Close()
}

// reason takes what repeats the address off a network error.
func reason(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

// Open sends a line of commands, with a payload behind it when there is one, and gives what comes back. The answer ends when
// the connection does; ctx ends it too.
func (c *Client) Open(ctx context.Context, line string, payload []byte) (io.ReadCloser, error) {
	wait := c.Wait
	if wait <= 0 {
		wait = 10 * time.Second
	}
	d := net.Dialer{Timeout: wait}
	nc, err := d.DialContext(ctx, network(c.Socket), c.Socket)
	if err != nil {
		return nil, &ConnError{c.Socket, reason(err)}
	}
	var b bytes.Buffer
	b.WriteString(line)
	if payload != nil {
		b.WriteString(" <<\n")
		b.Write(payload)
		b.WriteString("\n")
	}
	b.WriteString("\n")
	out := &conn{Conn: nc, socket: c.Socket, wait: wait, stop: context.AfterFunc(ctx, func() { nc.Close() })}
	_ = nc.SetWriteDeadline(time.Now().Add(wait))
	if _, err := nc.Write(b.Bytes()); err != nil {
		out.Close()
		return nil, &ConnError{c.Socket, reason(err)}
	}
	return out, nil
}

// Line makes a command's line of words; "json" comes behind them.
func Line(words ...string) (string, error) {
	quoted := make([]string, len(words), len(words)+1)
	for i, w := range words {
		if w == "" || strings.ContainsAny(w, "\r\n") {
			return "", &Failure{Kind: view.Usage, Text: fmt.Sprintf("%q cannot be sent: it is empty, or has a line end", w)}
		}
		quoted[i] = admin.Quote(w)
	}
	return strings.Join(append(quoted, "json"), " "), nil
}

// Ask sends one command, made of words, and gives its answer, which is JSON. An answer that says no is a *Failure.
func (c *Client) Ask(ctx context.Context, payload []byte, words ...string) ([]byte, error) {
	line, err := Line(words...)
	if err != nil {
		return nil, err
	}
	in, err := c.Open(ctx, line, payload)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	answer, err := io.ReadAll(io.LimitReader(in, maxAnswer))
	if err != nil {
		return nil, err
	}
	return answer, Check(answer)
}

// Into is Ask for an answer of a known shape.
func (c *Client) Into(ctx context.Context, to any, words ...string) error {
	answer, err := c.Ask(ctx, nil, words...)
	if err != nil {
		return err
	}
	return json.Unmarshal(answer, to)
}

// Check gives a *Failure when an answer is one: of JSON that has an error, or no JSON at all, as "Permission denied".
func Check(answer []byte) error {
	answer = bytes.TrimSpace(answer)
	if len(answer) == 0 {
		return &Failure{Kind: view.Refused, Text: "an empty answer: the process is stopping, or serves too many who ask"}
	}
	if answer[0] != '{' && answer[0] != '[' {
		return textFailure(string(answer))
	}
	var a view.Answer
	if answer[0] == '{' && json.Unmarshal(answer, &a) == nil && a.Fail != "" {
		return &Failure{Kind: a.Fail, Text: a.Text, Hint: a.Hint}
	}
	return nil
}

// textFailure makes a Failure of an answer that is not JSON: of its first line, as the list of commands may follow.
func textFailure(text string) *Failure {
	text, _, _ = strings.Cut(text, "\n")
	f := &Failure{Kind: view.Refused, Text: text}
	switch {
	case text == "Permission denied":
		f.Hint = `this socket's level is too low: "stats socket … level admin" may do everything, operator (which is usual) less`
	case strings.HasPrefix(text, "HTTP/"):
		f.Text = fmt.Sprintf("this is no stats socket: it answers %q", strings.TrimSpace(text))
		f.Hint = `a stats socket has a line of its own: "stats socket 127.0.0.1:9999 level admin" in the global section`
	case strings.HasPrefix(text, "Unknown command"):
		f.Hint = "this is a socket of another program, or of another version of eddy"
	}
	return f
}

// pageSize is how many jobs a List hands over at a time.
const pageSize = 100

// List reads the answer to "show jobs … json" as it comes, and gives its jobs page by page; the pages are not kept.
func List(in io.Reader, page func([]view.Job) error) ([]view.More, error) {
	r := bufio.NewReader(in)
	first, err := r.Peek(1)
	if err != nil {
		return nil, emptied(err)
	}
	if first[0] != '{' {
		text, _ := io.ReadAll(io.LimitReader(r, maxText))
		return nil, textFailure(string(text))
	}
	d := json.NewDecoder(r)
	var rest struct {
		More []view.More
		view.Answer
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		switch key {
		case "jobs":
			err = listPages(d, page)
		case "more":
			err = d.Decode(&rest.More)
		case "error":
			err = d.Decode(&rest.Fail)
		case "text":
			err = d.Decode(&rest.Text)
		case "hint":
			err = d.Decode(&rest.Hint)
		default:
			err = d.Decode(new(json.RawMessage))
		}
		if err != nil {
			return nil, emptied(err)
		}
	}
	if rest.Fail != "" {
		return nil, &Failure{Kind: rest.Fail, Text: rest.Text, Hint: rest.Hint}
	}
	if _, err := d.Token(); err != nil { // the end
		return nil, emptied(err)
	}
	_, err = io.Copy(io.Discard, in)
	return rest.More, err
}

func listPages(d *json.Decoder, page func([]view.Job) error) error {
	if _, err := d.Token(); err != nil {
		return err
	}
	var jobs []view.Job
	for d.More() {
		var j view.Job
		if err := d.Decode(&j); err != nil {
			return err
		}
		if jobs = append(jobs, j); len(jobs) == pageSize {
			if err := page(jobs); err != nil {
				return err
			}
			jobs = jobs[:0]
		}
	}
	if len(jobs) > 0 {
		if err := page(jobs); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

// emptied says what an answer that ends too early means.
func emptied(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &Failure{Kind: view.Refused, Text: "the answer ended too early: the process is stopping, or has stopped"}
	}
	return err
}
