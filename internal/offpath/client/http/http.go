// Package http makes one HTTP request for a script: HAProxy's core.httpclient, over the standard library's client.
//
// It follows no redirect, undoes no compression, obeys no proxy variable of the environment and speaks HTTP/1.1, so
// that a script gets what it asked for and sees what was answered. Time, answer size and connections are bounded.
package http

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Defaults of Options.
const (
	DefaultTimeout  = 30 * time.Second
	DefaultMaxTotal = 10 * time.Minute
	DefaultMaxBody  = 64 << 20
	connectTimeout  = 5 * time.Second // HAProxy's httpclient.timeout.connect
	maxIdlePerHost  = 32
	maxIdle         = 256
	maxHead         = 256 << 10
)

// Options are the bounds of a Client; zero fields take the defaults above.
type Options struct {
	Timeout   time.Duration // longest silence of a server, where the request gives none
	MaxTotal  time.Duration // longest whole exchange
	MaxBody   int64         // longest answer body in bytes; a longer one is an error
	Cut       bool          // a longer answer body is no error: what is over the bound is left out, and Response.Cut says so
	UserAgent string        // sent where the request names none; "" is "eddy"
	TLS       *tls.Config   // authorities and the like; nil is the system's
}

// Header is one header field. A name may occur several times.
type Header struct{ Name, Value string }

// Request is what to ask. Do reads it and keeps nothing of it.
type Request struct {
	Method  string // "" is GET
	URL     string // http or https, absolute
	Headers []Header
	Body    []byte // nil: none
	// Dst, when not "", is where to connect instead of the URL's host, as HAProxy writes addresses:
	// "127.0.0.1:8080", "ipv4@…", "ipv6@…", "unix@/path", "abns@name".
	Dst     string
	Timeout time.Duration // longest silence of the server; 0: the client's
}

// Response is what was answered. Header names are in lower case; the values of one name keep their order.
type Response struct {
	Status  int
	Reason  string
	Headers []Header
	Body    []byte
	Cut     bool // the body was longer than Options.MaxBody
}

// Client makes requests and keeps idle connections for the next ones. Any goroutine may use it.
type Client struct {
	opts      Options
	transport *http.Transport
}

// New makes a client. Close lets its idle connections go.
func New(opts Options) *Client {
	if opts.Timeout <= 0 {
		opts.Timeout = DefaultTimeout
	}
	if opts.MaxTotal <= 0 {
		opts.MaxTotal = DefaultMaxTotal
	}
	if opts.MaxBody <= 0 {
		opts.MaxBody = DefaultMaxBody
	}
	if opts.UserAgent == "" {
		opts.UserAgent = "eddy"
	}
	c := &Client{opts: opts}
	c.transport = c.newTransport()
	return c
}

// newTransport leaves ForceAttemptHTTP2 off, which with a dialer of our own means HTTP/1.1.
func (c *Client) newTransport() *http.Transport {
	return &http.Transport{
		DialContext:            (&net.Dialer{Timeout: connectTimeout}).DialContext,
		TLSClientConfig:        c.opts.TLS,
		TLSHandshakeTimeout:    connectTimeout,
		DisableCompression:     true,
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    maxIdlePerHost,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: maxHead,
	}
}

// Close closes the idle connections. Requests under way go on.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// errSilent is the cause given to a request's context when the server said nothing for too long.
var errSilent = errors.New("the server did not answer in time")

// hurriedError stands for the end of the caller's own time.
type hurriedError struct{}

func (hurriedError) Error() string { return "no whole answer yet" }
func (hurriedError) Unwrap() error { return context.DeadlineExceeded }

// Do sends r and returns the whole answer. Every status is an answer, not an error. Do blocks, until ctx is done or
// a bound is reached.
func (c *Client) Do(ctx context.Context, r Request) (*Response, error) {
	ctx, cancelTotal := context.WithTimeoutCause(ctx, c.opts.MaxTotal, fmt.Errorf("not finished within %v", c.opts.MaxTotal))
	defer cancelTotal()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	req, err := c.build(ctx, &r)
	if err != nil {
		return nil, err
	}
	transport := c.transport
	if r.Dst != "" {
		network, addr, err := destination(r.Dst)
		if err != nil {
			return nil, err
		}
		transport = c.newTransport() // not pooled: the pool knows connections by the URL's host only
		transport.DisableKeepAlives = true
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{Timeout: connectTimeout}).DialContext(ctx, network, addr)
		}
	}
	quiet := r.Timeout
	if quiet <= 0 {
		quiet = c.opts.Timeout
	}
	silence := time.AfterFunc(quiet, func() { cancel(errSilent) })
	defer silence.Stop()
	answer, err := transport.RoundTrip(req)
	if err != nil {
		return nil, explain(ctx, r.URL, err)
	}
	defer answer.Body.Close()
	body, cut, err := c.readBody(answer, func() { silence.Reset(quiet) })
	if err != nil {
		return nil, explain(ctx, r.URL, err)
	}
	out := response(answer, body)
	out.Cut = cut
	return out, nil
}

// errURL does not quote the URL: it may hold a secret.
var errURL = errors.New("the URL can't be used: write it as http://host/path or https://host/path")

// build checks r by the standard library's rules, which refuse control bytes in names, values and URLs.
func (c *Client) build(ctx context.Context, r *Request) (*http.Request, error) {
	method := r.Method
	if method == "" {
		method = http.MethodGet
	}
	var body io.Reader
	if r.Body != nil {
		body = bytes.NewReader(r.Body)
	}
	req, err := http.NewRequestWithContext(ctx, method, r.URL, body)
	var broken *url.Error
	switch {
	case errors.As(err, &broken): // it has the whole URL in it
		return nil, errURL
	case err != nil:
		return nil, err
	}
	if s := req.URL.Scheme; (s != "http" && s != "https") || req.URL.Host == "" {
		return nil, errURL
	}
	req.Header.Set("User-Agent", c.opts.UserAgent)
	seen := map[string]bool{}
	for _, h := range r.Headers {
		name := http.CanonicalHeaderKey(h.Name)
		switch name {
		case "Host":
			req.Host = h.Value
		case "Content-Length", "Transfer-Encoding": // follow from the body
		case "Connection":
			req.Close = req.Close || strings.EqualFold(strings.TrimSpace(h.Value), "close")
		default:
			if !seen[name] {
				req.Header.Del(name) // the script's own user-agent replaces ours
				seen[name] = true
			}
			req.Header.Add(name, h.Value)
		}
	}
	return req, nil
}

// readBody reads at most MaxBody bytes and calls progress for each piece. cut says that there were more, where that is no error.
func (c *Client) readBody(answer *http.Response, progress func()) (body []byte, cut bool, err error) {
	progress()
	most := c.opts.MaxBody
	if answer.ContentLength > most && !c.opts.Cut {
		return nil, false, fmt.Errorf("the answer has %d bytes; at most %d are read", answer.ContentLength, most)
	}
	var b bytes.Buffer
	if answer.ContentLength > 0 {
		b.Grow(int(min(answer.ContentLength, most, 1<<20)))
	}
	n, err := b.ReadFrom(&progressReader{r: io.LimitReader(answer.Body, most+1), progress: progress})
	switch {
	case err != nil:
		return nil, false, err
	case n > most && c.opts.Cut:
		return b.Bytes()[:most], true, nil
	case n > most:
		return nil, false, fmt.Errorf("the answer is longer than the %d bytes that are read", most)
	}
	return b.Bytes(), false, nil
}

type progressReader struct {
	r        io.Reader
	progress func()
}

func (p *progressReader) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	if n > 0 {
		p.progress()
	}
	return n, err
}

func response(answer *http.Response, body []byte) *Response {
	out := &Response{Status: answer.StatusCode, Body: body}
	out.Reason = strings.TrimSpace(strings.TrimPrefix(answer.Status, fmt.Sprintf("%03d", answer.StatusCode)))
	for name, values := range answer.Header {
		for _, v := range values {
			out.Headers = append(out.Headers, Header{Name: strings.ToLower(name), Value: v})
		}
	}
	return out
}

// explain names the URL's host (never the whole URL, which may hold a secret) and the cause.
func explain(ctx context.Context, where string, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if err == context.DeadlineExceeded {
		err = hurriedError{}
	}
	if i := strings.Index(where, "://"); i >= 0 {
		where = where[i+3:]
	}
	if i := strings.IndexAny(where, "/?#"); i >= 0 {
		where = where[:i]
	}
	where = where[strings.LastIndexByte(where, '@')+1:]
	return fmt.Errorf("%s: %w", where, err)
}

// destination reads an address in HAProxy's writing (configuration.txt §11).
func destination(s string) (network, addr string, err error) {
	switch {
	case strings.HasPrefix(s, "unix@"):
		return "unix", s[len("unix@"):], nil
	case strings.HasPrefix(s, "/"):
		return "unix", s, nil
	case strings.HasPrefix(s, "abns@"):
		return "unix", "@" + s[len("abns@"):], nil
	case strings.HasPrefix(s, "ipv4@"), strings.HasPrefix(s, "tcp4@"):
		network, addr = "tcp4", s[5:]
	case strings.HasPrefix(s, "ipv6@"), strings.HasPrefix(s, "tcp6@"):
		network, addr = "tcp6", s[5:]
	default:
		network, addr = "tcp", strings.TrimPrefix(s, "tcp@")
	}
	i := strings.LastIndexByte(addr, ':')
	if i < 0 {
		return "", "", fmt.Errorf("dst %q: write address:port, unix@/path or abns@name", s)
	}
	host := strings.Trim(addr[:i], "[]") // HAProxy writes IPv6 without brackets too
	return network, net.JoinHostPort(host, addr[i+1:]), nil
}
