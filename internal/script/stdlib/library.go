// Package stdlib is the part of Lua's standard library that must know of eddy: what reads, writes or starts programs
// does its waiting off the state's lock, what scripts written for Lua 5.1 and LuaJIT expect is there, and a script's
// finalizers run where they can be stopped.
package stdlib

import (
	"context"
	"embed"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"eddy/internal/script/vm"
)

// Options say what the library of one state talks to. The zero value is a usable default.
type Options struct {
	Stdin *os.File // io.stdin; nil: os.Stdin
	// Stdout and Stderr are io.stdout and io.stderr, and what children inherit; print writes to Stdout.
	// nil: os.Stdout, os.Stderr.
	Stdout, Stderr *os.File
	// Warn is told of errors in finalizers; nil: nobody is. It may be called from any goroutine, with the state's lock
	// held, and must not block.
	Warn func(text string)
	// MaxFiles bounds open files and children together; 0: DefaultMaxFiles.
	MaxFiles int
	// MaxRead bounds one value that is read ("a", "l", a count), in bytes; 0: DefaultMaxRead.
	MaxRead int
	// FinalizerBurst bounds the computing of finalizers between two waits of theirs; 0: DefaultFinalizerBurst.
	FinalizerBurst time.Duration
}

// The bounds where Options name none.
const (
	DefaultMaxFiles       = 1000
	DefaultMaxRead        = 64 << 20
	DefaultFinalizerBurst = 100 * time.Millisecond
)

// Library is what Install made: the files, children and finalizers of one state.
type Library struct {
	state *vm.State
	opts  Options

	standard [3]*file
	opened   atomic.Int64 // files and children
	crowd    int64        // how many are worth a collection, see crowded; under the state's lock

	drain     vm.Ref // the prelude's function that runs finalizers
	draining  sync.Mutex
	finalized int // by the drain in progress; its goroutine's

	mu       sync.Mutex
	children map[*child]struct{}
	closed   bool
	work     sync.WaitGroup // goroutines that end files and children
}

//go:embed prelude/*.lua
var preludes embed.FS

// The preludes, in the order in which they are loaded. They work with whatever libraries the state has.
var preludeNames = []string{"io", "os", "debug", "env", "bit", "compat", "sort", "finalizer"}

// Install puts the library into s. It belongs after vm.New and before any other prelude or script.
func Install(s *vm.State, opts Options) (*Library, error) {
	if opts.Stdin == nil {
		opts.Stdin = os.Stdin
	}
	if opts.Stdout == nil {
		opts.Stdout = os.Stdout
	}
	if opts.Stderr == nil {
		opts.Stderr = os.Stderr
	}
	if opts.Warn == nil {
		opts.Warn = func(string) {}
	}
	if opts.MaxFiles <= 0 {
		opts.MaxFiles = DefaultMaxFiles
	}
	if opts.MaxRead <= 0 {
		opts.MaxRead = DefaultMaxRead
	}
	if opts.FinalizerBurst <= 0 {
		opts.FinalizerBurst = DefaultFinalizerBurst
	}
	l := &Library{state: s, opts: opts, children: map[*child]struct{}{}}
	for i, f := range []*os.File{opts.Stdin, opts.Stdout, opts.Stderr} {
		l.standard[i] = l.newFile(newInherited(f), i == 0, i != 0)
		l.standard[i].standard = true
		l.standard[i].mode = bufferNone
	}
	for name, f := range map[string]vm.Func{
		"std_read": ioRead, "std_next": ioNext, "std_write": ioWrite, "std_open": l.ioOpen, "std_popen": l.ioPopen,
		"std_tmpfile": l.ioTmpfile, "std_crowded": l.ioCrowded, "std_close": ioClose, "std_seek": ioSeek, "std_setvbuf": ioSetvbuf, "std_flush": ioFlush,
		"std_type": ioType, "std_string": ioString, "std_file": l.stdFile,
		"std_execute": l.osExecute, "std_remove": osRemove, "std_rename": osRename, "std_tmpname": osTmpname, "std_exit": osExit,
		"std_drain": l.setDrain, "std_finalizing": l.finalizing, "std_warn": l.warn,
	} {
		s.Register(name, f)
	}
	for _, name := range preludeNames {
		src, err := preludes.ReadFile("prelude/" + name + ".lua")
		if err != nil {
			return nil, err
		}
		if err := s.LoadPrelude(name+".lua", string(src)); err != nil {
			return nil, fmt.Errorf("prelude %s: %w", name, err)
		}
	}
	return l, nil
}

// stdFile(i) gives io.stdin, io.stdout or io.stderr (0, 1, 2).
func (l *Library) stdFile(c *vm.Call) error {
	i, _ := c.Int(1)
	c.PushOwned(l.standard[i])
	return nil
}

// background runs f on a goroutine that Close waits for.
func (l *Library) background(f func()) {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		f()
		return
	}
	l.work.Add(1)
	l.mu.Unlock()
	go func() {
		defer l.work.Done()
		f()
	}()
}

// Close kills the children that still run, flushes and closes what the state left open, and waits for that, two
// seconds at most. It belongs after the state's Close.
func (l *Library) Close() {
	l.mu.Lock()
	l.closed = true
	var left []*child
	for c := range l.children {
		left = append(left, c)
	}
	l.mu.Unlock()
	for _, c := range left {
		c.kill()
	}
	l.work.Wait()
}

// Drain runs the finalizers (__gc) of what Lua has collected and returns how many ran. Each may compute for
// Options.FinalizerBurst between two waits, and ends with ctx. One goroutine drains at a time, others return at once.
// It costs a call into Lua when there is nothing to do, so it belongs on a timer rather than behind each request.
func (l *Library) Drain(ctx context.Context) int {
	if !l.draining.TryLock() {
		return 0
	}
	defer l.draining.Unlock()
	l.finalized = 0
	for ctx.Err() == nil {
		before := l.finalized
		r := vm.Run{Fn: l.drain, Kind: vm.KindTidy, Burst: l.opts.FinalizerBurst}
		err := l.state.Run(ctx, &r)
		if err != nil && l.finalized > before { // it is off the queue
			l.opts.Warn("a finalizer (__gc) was stopped: " + err.Error())
		}
		if l.finalized == before {
			break
		}
	}
	return l.finalized
}

// finalizing counts a finalizer that begins.
func (l *Library) finalizing(*vm.Call) error {
	l.finalized++
	return nil
}

func (l *Library) setDrain(c *vm.Call) (err error) {
	l.drain, err = c.Func(1)
	return err
}

func (l *Library) warn(c *vm.Call) error {
	l.opts.Warn(c.Str(1))
	return nil
}
