// Package syslog sends log lines to syslog servers, sockets and file descriptors without ever making the caller
// wait (configuration.txt §4.2 "log").
//
//	Log ──copy──▶ ring of one target ──▶ that target's goroutine ──▶ socket
//
// Every target has a ring of bounded size and a goroutine of its own. Log formats the line into the ring under a
// short lock. When the target is dead or slow and its ring is full, new lines are dropped and counted; when the
// target takes lines again, it is told how many are missing.
package syslog

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// Severities, as in RFC 5424 §6.2.1.
const (
	Emerg = iota
	Alert
	Crit
	Err
	Warning
	Notice
	Info
	Debug
)

// Format is how a line looks (configuration.txt §4.2 "log", <format>).
type Format uint8

// The formats, shown with facility local0, level info and tag "eddy".
const (
	Local    Format = iota // <134>Nov  2 15:04:05 eddy[123]: text
	RFC3164                // <134>Nov  2 15:04:05 host eddy[123]: text
	RFC5424                // <134>1 2026-11-02T15:04:05.000000+00:00 host eddy 123 - - text
	Priority               // <134>text
	Short                  // <6>text
	Timed                  // <6>2026-11-02T15:04:05.000000+00:00 text
	ISO                    // 2026-11-02T15:04:05.000000+00:00 text
	Raw                    // text
	JSON                   // {"time":"2026-11-02T15:04:05.000000+00:00","level":"info",…,"message":"text"}, see json.go
)

// DefaultMaxLen is a line's greatest length in bytes, its final newline included, where the target gives none.
const DefaultMaxLen = 1024

// MinJSONLen is the least MaxLen of a target with JSON lines.
const MinJSONLen = 512

// DefaultRing is the bytes that wait for one target, where the options say nothing.
const DefaultRing = 1 << 20

// Target is where lines go and how they look there.
type Target struct {
	// Network is "udp", "tcp", "unixgram" (a syslog socket such as /dev/log), "unix" (a stream socket) or "fd".
	Network string
	Addr    string // host:port, or a path; a path that starts with '@' is in Linux's abstract namespace
	FD      int    // for "fd": 1 stdout, 2 stderr, or any open descriptor; it is not closed

	Format   Format
	Facility int // 0..23, see ParseFacility
	MaxLen   int // greatest length of a line; 0: DefaultMaxLen. Not applied to "fd".
	Level    int // least severe level that is sent; the zero value sends Emerg only, so give Debug for all
	MinLevel int // more severe levels are sent as this one
	// OctetCount frames lines on streams as RFC 6587 §3.4.1 says; otherwise each ends in a newline (§3.4.2), which
	// is HAProxy's default.
	OctetCount bool

	// Sample, when SampleOf > 0, keeps only the lines whose number in each run of SampleOf lines, counted from 1,
	// lies in one of the ranges {from, to}.
	Sample   [][2]int
	SampleOf int
}

// String names the target for messages.
func (t *Target) String() string {
	if t.Network == "fd" {
		switch t.FD {
		case 1:
			return "stdout"
		case 2:
			return "stderr"
		}
		return fmt.Sprintf("fd@%d", t.FD)
	}
	return t.Network + "@" + t.Addr
}

// Options are common to the targets of a Logger. Zero fields take the defaults given.
type Options struct {
	Tag  string           // program name; "eddy"
	Host string           // host name; "*": this machine's; "": "localhost" in RFC 3164 lines, "-" in RFC 5424 ones, as HAProxy does
	PID  int              // this process's
	Ring int              // bytes that may wait for one target; DefaultRing
	Now  func() time.Time // the clock; time.Now

	// The pauses between two attempts to reach a target double from MinBackoff to MaxBackoff; 100 ms and 5 s.
	MinBackoff, MaxBackoff time.Duration
	// WriteTimeout is how long a stream or socket may refuse to take a line before it counts as broken; 5 s.
	WriteTimeout time.Duration
}

// Logger sends each line to all its targets. A nil *Logger takes lines and forgets them.
type Logger struct {
	outs  []*output
	stop  context.CancelFunc
	wg    sync.WaitGroup
	close sync.Once
}

// Open starts a goroutine for each target; Close ends them. A target that cannot be reached is not an error: its
// lines wait in its ring. Errors are mistakes in the arguments.
func Open(targets []Target, opts Options) (*Logger, error) {
	opts = opts.withDefaults()
	var errs []error
	for i := range targets {
		if err := targets[i].check(); err != nil {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	l := &Logger{stop: cancel}
	for i := range targets {
		o := newOutput(targets[i], opts)
		l.outs = append(l.outs, o)
		l.wg.Go(func() { o.run(ctx) })
	}
	return l, nil
}

// Log sends msg at a level under a tag; "" is Options.Tag. It never blocks on a target and keeps nothing of msg.
// Any goroutine may call it, also during and after Close, when lines are dropped.
//
// Control bytes in msg, except the tab, are written as #XX, so that one line stays one line; JSON has escapes of its own.
func (l *Logger) Log(level int, tag string, msg []byte) {
	if l == nil {
		return
	}
	for _, o := range l.outs {
		o.put(level, tag, msg)
	}
}

// Dropped is the number of lines lost so far, over all targets.
func (l *Logger) Dropped() uint64 {
	if l == nil {
		return 0
	}
	var n uint64
	for _, o := range l.outs {
		n += o.totalDropped()
	}
	return n
}

// Close lets the targets take what waits for them, until ctx is done, then ends their goroutines and connections.
// It returns an error that says how many lines were given up, or nil.
func (l *Logger) Close(ctx context.Context) error {
	if l == nil {
		return nil
	}
	var left int
	l.close.Do(func() {
		for _, o := range l.outs {
			o.finish()
		}
		done := make(chan struct{})
		go func() { l.wg.Wait(); close(done) }()
		select {
		case <-done:
		case <-ctx.Done():
		}
		l.stop()
		<-done
		for _, o := range l.outs {
			left += o.pending()
		}
	})
	if left > 0 {
		return fmt.Errorf("%d log lines were not taken by their targets", left)
	}
	return nil
}

// With gives a view of l under a fixed tag, for those who log a line with a level and nothing else.
func (l *Logger) With(tag string) Tagged { return Tagged{l: l, tag: tag} }

// Tagged is a Logger with its tag.
type Tagged struct {
	l   *Logger
	tag string
}

// Log is Logger.Log under the tag.
func (t Tagged) Log(level int, line []byte) { t.l.Log(level, t.tag, line) }

func (o Options) withDefaults() Options {
	if o.Tag == "" {
		o.Tag = "eddy"
	}
	if o.Host == "*" {
		o.Host, _ = os.Hostname() // without one, it is left out
	}
	if o.PID == 0 {
		o.PID = os.Getpid()
	}
	if o.Ring <= 0 {
		o.Ring = DefaultRing
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MinBackoff <= 0 {
		o.MinBackoff = 100 * time.Millisecond
	}
	if o.MaxBackoff <= 0 {
		o.MaxBackoff = 5 * time.Second
	}
	if o.WriteTimeout <= 0 {
		o.WriteTimeout = 5 * time.Second
	}
	return o
}

func (t *Target) check() error {
	switch t.Network {
	case "udp", "tcp", "unixgram", "unix":
		if t.Addr == "" {
			return fmt.Errorf("log target %s: no address", t)
		}
	case "fd":
		if t.FD < 0 {
			return fmt.Errorf("log target %s: no such descriptor", t)
		}
	default:
		return fmt.Errorf("log target %s: network must be udp, tcp, unixgram, unix or fd", t)
	}
	if t.Facility < 0 || t.Facility > 23 {
		return fmt.Errorf("log target %s: facility %d is not in 0..23", t, t.Facility)
	}
	if t.MaxLen != 0 && (t.MaxLen < 80 || t.MaxLen > 65535) {
		return fmt.Errorf("log target %s: len %d is not in 80..65535", t, t.MaxLen)
	}
	if t.Format == JSON && t.MaxLen != 0 && t.MaxLen < MinJSONLen {
		return fmt.Errorf("log target %s: len %d is too short for JSON: %d at least", t, t.MaxLen, MinJSONLen)
	}
	if t.Level < Emerg || t.Level > Debug || t.MinLevel < Emerg || t.MinLevel > Debug {
		return fmt.Errorf("log target %s: levels go from 0 (emerg) to 7 (debug)", t)
	}
	for _, r := range t.Sample {
		if r[0] < 1 || r[1] < r[0] || r[1] > t.SampleOf {
			return fmt.Errorf("log target %s: sample range %d-%d does not lie in 1..%d", t, r[0], r[1], t.SampleOf)
		}
	}
	return nil
}
