// Package native has handlers that need no Lua: mails, webhooks, copies, appends, removals and programs. What a job brings may
// have come from a network, so nothing of it reaches a shell, a header or a command of a protocol before it was looked at, and
// a payload that is wrong makes its job dead at once, with an error that shows the right form.
//
// A handler does its work on the goroutine of the worker that calls it, and ends soon when its context is over. Jobs may come
// twice, as after a crash: what a handler does should bear that.
package native

import (
	"context"
	"crypto/x509"
	"errors"
	"time"

	"eddy/internal/base/value"
	"eddy/internal/offpath/client/http"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/queue"
)

// Options of Register. Zero fields take the defaults that are named.
type Options struct {
	RootCAs *x509.CertPool // whom mail and web servers are believed; nil: the system's
	Agent   string         // what webhooks call themselves; "": "eddy"
	MaxBody int64          // bytes of a web server's answer that are kept; 0: 256 KiB
	// MaxOutput is how many bytes of a program's output are kept, and as many of its errors; 0: 64 KiB.
	MaxOutput int
	Grace     time.Duration // between a program's SIGTERM and its SIGKILL; 0: 2 s
}

// Owner is whose the handlers are.
const Owner = "eddy"

// Registry is where handlers are made known by name. *queue.Handlers is one.
type Registry interface {
	Handle(name, owner string, r queue.Runner) error
}

// Register makes the handlers known: smtp, http, copy, cat, rm and exec. Close is to be called when no job runs any more; it
// lets idle connections go.
func Register(h Registry, o Options) (close func(), err error) {
	client := o.client()
	for _, n := range []struct {
		name string
		do   handler
	}{
		{"smtp", mailer{o.RootCAs}.run},
		{"http", webhook{client}.run},
		{"copy", copyFile},
		{"cat", appendFile},
		{"rm", removeFile},
		{"exec", o.programs().run},
	} {
		if err := h.Handle(n.name, Owner, n.do); err != nil {
			client.Close()
			return nil, err
		}
	}
	return client.Close, nil
}

// handler does a job and gives its result. An error made by never is one that no further attempt can help.
type handler func(ctx context.Context, j *job.Job) (value.Value, error)

// Run makes a handler a queue.Runner.
func (h handler) Run(ctx context.Context, j *job.Job) queue.Outcome {
	v, err := h(ctx, j)
	var result []byte
	if err == nil {
		result, err = value.Append(nil, v)
	}
	if err != nil {
		var final *neverError
		return queue.Outcome{Err: err, Final: errors.As(err, &final)}
	}
	return queue.Outcome{Result: result}
}

// never says that trying again can't help.
func never(err error) error { return &neverError{err} }

type neverError struct{ error }

func (e *neverError) Unwrap() error { return e.error }

func (o Options) client() *http.Client {
	if o.MaxBody == 0 {
		o.MaxBody = 256 << 10
	}
	return http.New(http.Options{MaxBody: o.MaxBody, Cut: true, UserAgent: o.Agent, TLS: tlsConfig(o.RootCAs)})
}

func (o Options) programs() programs {
	if o.MaxOutput == 0 {
		o.MaxOutput = 64 << 10
	}
	if o.Grace == 0 {
		o.Grace = 2 * time.Second
	}
	return programs{maxOutput: o.MaxOutput, grace: o.Grace}
}
