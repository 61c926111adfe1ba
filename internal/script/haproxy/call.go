package haproxy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/txn"
	"eddy/internal/offpath/job"
	"eddy/internal/script/async"
	"eddy/internal/script/vm"
)

// The low bits of a handle are facts about the transaction; the rest tells transactions apart.
const (
	handleHTTP     = 1 << iota // mode http
	handleResponse             // on the response's way
	handleShift    = 2
)

var errStale = errors.New("this object belongs to a transaction that has ended, or to another call; " +
	"use it only inside the function that got it")

var errNoSelf = errors.New("this method was called without its object; write object:method(...), with ':'")

// call is what a run of a script belongs to: the Owner of its vm.Run. It is used by one goroutine, the one that
// drives the run.
type call struct {
	b    *Binding
	u    *unit
	ctx  context.Context // ends what the script waits for
	what string          // "action", for messages
	name string          // its registered name, "" when it has none
	busy bool            // the run is in progress
	free bool            // and waits, without the state's lock
	// outer is the call of the same transaction that waits while this one runs: a service's answer goes through
	// http-response rules, which may be scripts.
	outer, inner *call

	frame   *async.Frame  // of the run, or of the transaction; see frames
	leases  []lease       // of fifos, see fifo.go
	job     job.ID        // that a handler does; 0: it is none
	request string        // where jobs come from; "" until it is asked for
	parked  *atomic.Int32 // of a task: 1 while it waits; nil: nobody looks

	tx     *txn.Txn // nil: no traffic
	handle int64    // what [0] of its objects holds; 0: none
	applet *applet  // services and commands
	task   bool

	priv    vm.Ref   // set_priv
	wake    *waker   // made when the script asks to be woken
	pause   int64    // act.wake_time, milliseconds
	done    bool     // txn:done() was called
	reply   *reply   // with this answer
	result  vm.Value // core.done(result)
	results []vm.Value

	buf   []byte // room for a message that a channel shows
	ahead [2]int // by direction: bytes at the start of the payload that the script has let go
	taken [2]int // by direction: bytes that get and getline have given, mode http

	r     vm.Run
	view  vm.View
	spans [2 * spanCount]uint32
}

// run calls fn with args to its end.
func (k *call) run(ctx context.Context, fn vm.Ref, kind vm.RunKind, total time.Duration, args ...vm.Value) error {
	k.r.Args = append(k.r.Args[:0], args...)
	return k.drive(ctx, fn, kind, total)
}

// drive is run for arguments that stand in k.r.Args.
func (k *call) drive(ctx context.Context, fn vm.Ref, kind vm.RunKind, total time.Duration) error {
	k.r.Fn, k.r.Kind, k.r.Owner, k.r.Waits = fn, kind, k, k.ctx
	k.r.Burst, k.r.Total = k.u.limits.burst, total
	switch kind {
	case vm.KindInit: // the main chunk and init functions may take their time (lua.txt, "Execution time")
		k.r.Burst = 0
	case vm.KindHandler: // a job has a time of its own, which is total
		k.r.Burst = 0
	}
	k.done, k.reply, k.pause = false, nil, 0
	k.result, k.results = vm.Nil(), nil
	if k.outer != nil {
		k.outer.inner = k
	}
	k.busy = true
	err := k.u.state.Run(ctx, &k.r)
	k.busy = false
	k.endLeases(err == nil || err == vm.ErrExit)
	if k.outer != nil {
		k.outer.inner = nil
	}
	if k.wake != nil {
		k.wake.end()
		k.wake = nil
	}
	if err == vm.ErrExit {
		k.results = k.results[:0]
		if !k.result.IsNil() {
			k.results = append(k.results, k.result)
		}
		return nil
	}
	k.results = k.r.Results
	return err
}

// first is the first result; ok is false when there is none.
func (k *call) first() (v vm.Value, ok bool) {
	if len(k.results) == 0 {
		return vm.Nil(), false
	}
	return k.results[0], true
}

// root is the outermost call, which keeps what belongs to the transaction.
func (k *call) root() *call {
	for k.outer != nil {
		k = k.outer
	}
	return k
}

// frames is what is kept of the jobs that the run, or the transaction, has pushed.
func (k *call) frames() *async.Frame {
	root := k.root()
	if root.frame == nil {
		root.frame = new(async.Frame)
	}
	return root.frame
}

// release lets go of what the call kept in its state.
func (k *call) release() {
	k.request = ""
	if k.frame != nil {
		k.frame.Reset()
	}
	if k.priv != 0 {
		k.u.state.Release(k.priv)
		k.priv = 0
	}
}

// limits are the bounds on computing of one configuration; 0 is none.
type limits struct {
	burst, session, service, task time.Duration
}

func newLimits(l *model.Lua) limits {
	return limits{l.BurstTimeout, l.SessionTime, l.ServiceTime, l.TaskTime}
}

// describe is an error of a run in one line: the text, and where the calls came from.
func describe(err error) string {
	var e *vm.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	var from []string
	for line := range strings.Lines(e.Traceback) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "[C]:") || strings.HasPrefix(line, preludeMark) || strings.HasPrefix(line, "(...tail") {
			continue
		}
		from = append(from, line)
	}
	if len(from) == 0 {
		return e.Text
	}
	return e.Text + " from " + strings.Join(from, ", ")
}

// report logs that a run failed.
func (k *call) report(err error) {
	name := k.what
	if k.name != "" {
		name = fmt.Sprintf("%s '%s'", k.what, k.name)
	}
	k.log(levelErr, fmt.Sprintf("Lua %s: runtime error: %s", name, describe(err)))
}
