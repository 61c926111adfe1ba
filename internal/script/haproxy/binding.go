// Package haproxy runs HAProxy's Lua scripts: it is the interface that doc/lua-api of HAProxy describes (core, TXN,
// Channel, HTTP, AppletHTTP, Socket and so on), made of preludes in Lua and functions in Go over package vm.
//
// A Binding belongs to one generation. It has one state for the scripts of lua-load, shared by all streams, and one
// for each thread for those of lua-load-per-thread; a stream uses the state that its connection chooses. What scripts
// registered comes out as rule actions, services, fetches, converters, tasks and admin commands.
package haproxy

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"eddy/internal/config/diag"
	"eddy/internal/config/model"
	"eddy/internal/fastpath/patfile"
	"eddy/internal/fastpath/proxy"
	"eddy/internal/fastpath/sample"
	"eddy/internal/offpath/client/http"
	"eddy/internal/offpath/client/smtp"
	"eddy/internal/offpath/queue"
	"eddy/internal/script/async"
	"eddy/internal/script/haproxy/lib"
	"eddy/internal/script/vm"
)

// Logger takes what scripts say and what goes wrong in them.
type Logger interface {
	// Log sends text at a syslog level (0 to 7) to the loggers of px, or to the global ones when px is nil, and
	// reports whether there is any. It must not block. Any goroutine may call it.
	Log(px *proxy.Proxy, level int, text string) bool
}

// InfoField is one line of "show info" (management.txt §9.3).
type InfoField struct {
	Name  string
	Int   int64
	Text  string
	IsInt bool
}

// Options describe a Binding. Lua, Env and Logger are needed.
type Options struct {
	Lua     *model.Lua
	Threads int         // states for lua-load-per-thread; 0: 1
	Env     *sample.Env // fetches, converters, files, proc.*; Env.Proxies must be there before RunInits
	Logger  Logger
	BufSize int                // tune.bufsize in bytes; 0: 16384
	Stderr  io.Writer          // for tune.lua.log.stderr; nil: os.Stderr
	Info    func() []InfoField // core.get_info(); nil: the few things known here
	Mail    lib.Mailer         // nil: smtp.Send
	// Setup adds to a state what else scripts find there, after the state was made and before the classes of this
	// package are.
	// It is called again, on other goroutines, when the states of workers are made.
	Setup func(*vm.State) error
	Async *async.Shared // queues, and what belongs to them; nil: there is no module async
	// Fifo gives the disk queue behind a fifo of a script, for tune.lua.fifo disk. It is called while scripts load; the queue
	// is open before RunInits. The same name always gives the same queue.
	Fifo func(name string) (*queue.Queue, error)
	// BoolSamples hands boolean samples to scripts as booleans (tune.lua.bool-sample-conversion normal) and not as 0
	// and 1.
	BoolSamples bool
}

// Binding is the scripts of one generation.
type Binding struct {
	opts  Options
	lua   model.Lua
	http  *http.Client
	start time.Time

	ctx    context.Context // ends when the binding closes
	cancel context.CancelFunc
	stream context.Context // the same, for runs of streams; see quiet

	units []*unit           // [0] is shared, [1:] are the threads'
	texts map[string]string // of the scripts, by file
	reg   registry

	tasks taskSet
	jobs  *jobs // nil without Options.Async
	fifos fifoSet
	dir   *lib.Directory

	sessions sync.Pool
	handles  atomic.Int64 // the last one given
}

// quiet is a context that does not wake anybody when it ends: a run of a stream looks at it between its steps, and
// what it waits for watches the binding's own. So a run costs no registration.
type quiet struct{ context.Context }

func (quiet) Done() <-chan struct{} { return nil }

// New makes the states, with everything that scripts find in them but no script.
func New(opts Options) (*Binding, error) {
	if opts.Lua == nil || opts.Env == nil || opts.Logger == nil {
		return nil, fmt.Errorf("haproxy: Options.Lua, Env and Logger are needed")
	}
	if opts.Stderr == nil {
		opts.Stderr = os.Stderr
	}
	if opts.Mail == nil {
		opts.Mail = smtp.Send
	}
	b := &Binding{opts: opts, lua: *opts.Lua, http: http.New(http.Options{}), start: time.Now(), texts: map[string]string{}}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	b.stream = quiet{b.ctx}
	b.dir = lib.NewDirectory(func() *proxy.Set { return b.opts.Env.Proxies })
	b.sessions.New = func() any { return new(session) }
	threads := 0
	for _, l := range b.lua.Loads {
		if l.PerThread {
			threads = max(opts.Threads, 1)
		}
	}
	if opts.Async != nil {
		b.jobs = newJobs(b)
	}
	for i := 0; i <= threads; i++ {
		u, err := b.newUnit(i, false)
		if err != nil {
			b.Close()
			return nil, err
		}
		b.units = append(b.units, u)
	}
	return b, nil
}

// Load runs the main chunks: those of lua-load in the shared state, those of lua-load-per-thread once in each
// thread's state, in the order of the configuration. Every script that fails becomes a problem.
func (b *Binding) Load(problems *diag.List) {
	for i := range b.lua.Loads {
		l := &b.lua.Loads[i]
		if err := b.read(l.File); err != nil {
			problems.Errorf(l.Pos, "", "error in Lua file '%s': %s", l.File, err)
			continue
		}
		units := b.units[:1]
		if l.PerThread {
			units = b.units[1:]
		}
		for _, u := range units {
			if err := u.load(l); err != nil {
				problems.Errorf(l.Pos, "", "error in Lua file '%s': %s", l.File, describe(err))
				break // the other threads would say the same
			}
		}
	}
	b.reg.seal()
}

// read keeps a script's text: the states of workers are made from it later, when the file may have changed, or be out of
// reach.
func (b *Binding) read(file string) error {
	if _, ok := b.texts[file]; ok {
		return nil
	}
	text, err := os.ReadFile(file)
	if err == nil {
		b.texts[file] = string(text)
	}
	return err
}

// RunInits calls what core.register_init registered, in order, and stops at the first error. The queues are open.
func (b *Binding) RunInits(ctx context.Context) error {
	if err := b.runInits(ctx); err != nil {
		return err
	}
	if err := b.fifos.flush(); err != nil {
		return err
	}
	return b.jobs.warm(ctx)
}

func (b *Binding) runInits(ctx context.Context) error {
	for _, in := range b.reg.inits {
		k := &call{b: b, u: b.units[in.unit], ctx: ctx, what: "init"}
		err := k.run(ctx, in.fn, vm.KindInit, 0)
		k.release()
		if err != nil {
			return fmt.Errorf("init function: runtime error: %s", describe(err))
		}
	}
	return nil
}

// Interrupt ends everything that waits and stops what computes, at once. Nothing runs in the binding's states any more
// after it; Close follows.
func (b *Binding) Interrupt() {
	b.cancel()
	for _, u := range b.units {
		u.state.Kill()
	}
	b.jobs.interrupt()
}

// Close ends tasks and everything that waits, and then the states. Streams should have ended before; a script that
// still runs is stopped.
func (b *Binding) Close() {
	b.Interrupt()
	b.tasks.wait()
	b.jobs.close()
	for _, u := range b.units {
		u.close()
	}
	b.http.Close()
}

// bufSize is how many bytes a channel holds.
func (b *Binding) bufSize() int {
	if b.opts.BufSize > 0 {
		return b.opts.BufSize
	}
	return 16384
}

// files are the generation's pattern files and maps.
func (b *Binding) files() *patfile.Store { return b.opts.Env.Files }

// unitFor chooses the unit in which a transaction runs a registered function.
func (b *Binding) unitFor(r *registration, key uint32) *unit {
	if r.shared {
		return b.units[0]
	}
	n := uint32(len(b.units) - 1)
	return b.units[1+(key*2654435761>>16)%n]
}
