// Package instance is one Lua state with a plugin's file in it: it makes the state, runs the file, finds the hooks of a
// script type, and calls them within their time. What goes wrong in a hook is logged and counted, and stays there.
package instance

import (
	"context"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	jobs "eddy/internal/script/async"
	"eddy/internal/script/stdlib"
	"eddy/internal/script/trisul/async"
	"eddy/internal/script/trisul/lib"
	"eddy/internal/script/trisul/object"
	"eddy/internal/script/trisul/plugin"
	"eddy/internal/script/vm"
)

//go:embed prelude/*.lua
var preludes embed.FS

// Options are what the states of a lane have in common.
type Options struct {
	Facts  lib.Facts // Context and Engine are filled in for each state
	MaxMem int64     // bytes of one state; 0: vm.DefaultMaxMem
	// Burst bounds the time that a hook computes between two waits; 0: DefaultBurst, < 0: no bound.
	Burst  time.Duration
	Stdout *os.File // what print writes to; nil: os.Stdout
	// Log takes what scripts log and what goes wrong in them, at a level of T.K.loglevel; source is the plugin's file. Any
	// goroutine may call it, and it must not block.
	Log func(level int, source, text string)
	// Serial numbers the states: T.contextid.
	Serial *atomic.Int64 // needed
}

// DefaultBurst is the time that a hook may compute for.
const DefaultBurst = time.Second

// role says what a state is for.
type role uint8

const (
	probe    role = iota // it runs a file to see what is in it
	frontend             // packet hooks
	backend              // metric hooks
	worker
)

// base is a state with the library but without a script.
type base struct {
	*vm.State
	library *stdlib.Library
	stop    func() bool // ends the watch on the context that kills the state
}

// newBase makes a state for a file. It is killed when ctx ends.
func newBase(ctx context.Context, o *Options, src *plugin.Source, as role) (*base, error) {
	log := func(level int, text string) { o.Log(level, filepath.Base(src.File), text) }
	warn := func(text string) { log(lib.LogWarn, lib.Printable(text)) }
	s, err := vm.New(vm.Options{MaxMem: o.MaxMem, Warn: warn})
	if err != nil {
		return nil, err
	}
	b := &base{State: s}
	facts := o.Facts
	facts.Context = o.Serial.Add(1)
	facts.Engine = lib.Frontend
	if as == backend {
		facts.Engine, facts.BackendID = lib.Backend, "0"
	}
	if b.library, err = stdlib.Install(s, stdlib.Options{Stdout: o.Stdout, Warn: warn}); err != nil {
		b.close()
		return nil, err
	}
	if err := lib.Install(s, lib.Options{Facts: facts, Log: log}); err != nil {
		b.close()
		return nil, err
	}
	if err := s.LoadPrelude("trisul/path", pathPrelude(src)); err != nil {
		b.close()
		return nil, err
	}
	b.stop = context.AfterFunc(ctx, s.Kill)
	return b, nil
}

// pathPrelude has require look beside the plugin first, then in the folder that was named.
func pathPrelude(src *plugin.Source) string {
	var path strings.Builder
	for i, dir := range []string{filepath.Dir(src.File), src.Root} {
		if i == 0 || dir != filepath.Dir(src.File) {
			fmt.Fprintf(&path, "%s/?.lua;%s/?/init.lua;", dir, dir)
		}
	}
	return fmt.Sprintf("package.path = %q .. package.path", path.String())
}

// load runs the file's main chunk. KeepKnown belongs before it.
func (b *base) load(ctx context.Context, src *plugin.Source) error {
	text := strings.TrimPrefix(src.Text, "\ufeff")
	if strings.HasPrefix(text, "#") {
		text = "--" + text // "#!/usr/bin/lua": keep the line, so that numbers stay right
	}
	fn, err := b.Load("@"+src.File, text)
	if err != nil {
		return err
	}
	defer b.Release(fn)
	return b.Run(ctx, &vm.Run{Fn: fn, Kind: vm.KindInit, Burst: loadBurst})
}

// loadBurst bounds the time that a file's main chunk, or an onload, computes for between two waits.
const loadBurst = time.Minute

func (b *base) close() {
	if b.stop != nil {
		b.stop()
	}
	b.State.Close()
	if b.library != nil {
		b.library.Close()
	}
}

// Describe runs a file in a state of its own and gives what package plugin reads, nil when it sets no TrisulPlugin, and the
// names that it registers for jobs.
func Describe(ctx context.Context, o *Options, src *plugin.Source) (*vm.Table, jobs.Names, error) {
	var names jobs.Names
	b, err := newBase(ctx, o, src, probe)
	if err != nil {
		return nil, names, err
	}
	defer b.close()
	if err := object.Install(b.State, false, false); err != nil {
		return nil, names, err
	}
	desk, err := jobs.Install(b.State, jobs.Options{})
	if err != nil {
		return nil, names, err
	}
	defer desk.Close()
	if err := async.Refuse(b.State, async.Loading); err != nil {
		return nil, names, err
	}
	var describe vm.Ref
	b.Register("keep_describe", func(c *vm.Call) (err error) {
		describe, err = c.Func(1)
		return err
	})
	if err := lib.Preludes(b.State, "trisul", preludes, "describe"); err != nil {
		return nil, names, err
	}
	if err := b.load(ctx, src); err != nil {
		return nil, names, err
	}
	r := vm.Run{Fn: describe, Kind: vm.KindInit}
	if err := b.Run(ctx, &r); err != nil {
		return nil, names, err
	}
	t, _ := r.Results[0].AsTable()
	return t, desk.Names(), nil
}
