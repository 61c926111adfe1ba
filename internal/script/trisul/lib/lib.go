// Package lib is the part of Trisul's Lua interface that knows no traffic: the table T with its constants and
// identities, T.util, T.re2, T.ac, T.env, T.host and T.log, and what scripts written for LuaJIT expect beside Lua's
// own library. Every state of a plugin has it, those of workers too.
package lib

import (
	"embed"
	"fmt"
	"net/netip"

	"eddy/internal/script/vm"
)

// The names that T.enginetype has. A worker's state says what the engine that it works for is.
const (
	Frontend = "frontend" // packet hooks
	Backend  = "backend"  // metric hooks
)

// Facts are what a state tells its script about where it runs.
type Facts struct {
	Context    int64  // T.contextid: tells the instances of a script apart
	Engine     string // T.enginetype
	BackendID  string // T.backend_engineid; "": nil
	Probe      string // T.probeid
	Version    string // T.probeversion
	Name       string // T.context_name
	Args       string // T.args
	ConfigFile string // T.env.configfile
	ConfigDir  string // T.host:get_configpath()
	DataDir    string // T.host:get_datapath()
	// Config has the values of T.env.get_config, by path: "App>User".
	Config map[string]string
	// HomeNets are the networks of T.host:is_homenet.
	HomeNets []netip.Prefix
	// VarTypes are the numbers of T.K.vartype, by name.
	VarTypes map[string]int
}

// Options say what a state's T talks to.
type Options struct {
	Facts Facts
	// Log takes what scripts log, at a level of T.K.loglevel. It may be called from any goroutine that runs Lua, with the
	// state's lock held, and must not block.
	Log func(level int, text string)
}

//go:embed prelude/*.lua
var preludes embed.FS

// Install puts the table T into s. It belongs behind stdlib.Install and in front of every script.
func Install(s *vm.State, o Options) error {
	for _, part := range []Funcs{utilFuncs(), regexFuncs(), patternFuncs(), hostFuncs(&o.Facts), logFuncs(o.Log)} {
		for name, f := range part {
			s.Register(name, f)
		}
	}
	s.Register("facts", func(c *vm.Call) error { return c.PushValue(o.Facts.table()) })
	return Preludes(s, "trisul", preludes, "base", "util", "re2", "ac", "host", "log", "compat")
}

// Preludes loads the named files of a package's folder prelude, in that order.
func Preludes(s *vm.State, prefix string, files embed.FS, names ...string) error {
	for _, name := range names {
		src, err := files.ReadFile("prelude/" + name + ".lua")
		if err != nil {
			return err
		}
		if err := s.LoadPrelude(prefix+"/"+name, string(src)); err != nil {
			return fmt.Errorf("prelude %s: %w", name, err)
		}
	}
	return nil
}

// table is what the prelude "base" copies into T.
func (f *Facts) table() vm.Value {
	t := &vm.Table{}
	t.Set("contextid", vm.Int(f.Context))
	t.Set("execution_contextid", vm.Int(f.Context))
	for _, field := range []struct{ name, value string }{
		{"enginetype", f.Engine}, {"probeid", f.Probe}, {"probeversion", f.Version}, {"context_name", f.Name}, {"args", f.Args},
	} {
		t.Set(field.name, vm.Str(field.value))
	}
	if f.BackendID != "" {
		t.Set("backend_engineid", vm.Str(f.BackendID))
	}
	types := &vm.Table{}
	for name, n := range f.VarTypes {
		types.Set(name, vm.Int(int64(n)))
	}
	t.Set("vartype", vm.Tab(types))
	return vm.Tab(t)
}
