// Package trisul runs plugins written for Trisul Network Analytics: files with a table TrisulPlugin, whose script types
// hang on the packets of an engine (PacketHooks), on the metrics of a lane (MetricHooks), or deliver packets themselves
// (Input). Each script type of a plugin has a Lua state of its own on each engine, and T.async has workers with states of
// their own.
//
// The packages below it each have one idea: plugin says what a file is, lib and object are what scripts find, async is
// T.async, and instance is a state with a plugin in it.
package trisul

import (
	"net/netip"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"time"

	"eddy/internal/fastpath/counter"
	"eddy/internal/handoff"
	jobs "eddy/internal/script/async"
	"eddy/internal/script/trisul/instance"
	"eddy/internal/script/trisul/lib"
)

// Options are what the plugins of a lane have in common. Registry and Log are needed.
type Options struct {
	Registry *counter.Registry // plugins' counter groups are added to it
	// Log takes what scripts log and what goes wrong in them: level is one of T.K.loglevel (0 to 8; 4 is an error), source the
	// plugin's file without its folder. Any goroutine may call it, and it must not block. text is fit for a terminal.
	Log    func(level int, source, text string)
	Stdout *os.File // what print writes to, a line at a time; nil: os.Stdout

	Args     string            // T.args
	Env      map[string]string // T.env.get_config, by path: "App>User"
	HomeNets []netip.Prefix    // T.host:is_homenet; nil: private and unique local addresses (RFC 1918, RFC 4193)
	Version  string            // T.probeversion
	Config   string            // T.env.configfile, and by its folder T.host:get_configpath()
	Data     string            // T.host:get_datapath(); "": the working folder

	Burst       time.Duration // time that a hook may compute for; 0: one second, < 0: no bound
	MaxMem      int64         // bytes of one Lua state; 0: vm.DefaultMaxMem
	AsyncBounds handoff.Bounds

	Jobs *jobs.Shared // the process's queues; nil: there are none, nor the module async
}

// The bounds of asynchronous work of a lane where Options have none.
const (
	DefaultAsyncEntries = 100_000
	DefaultAsyncBytes   = 256 << 20
)

// budget is what all plugins' asynchronous work shares.
func (o *Options) budget() *handoff.Budget {
	b := o.AsyncBounds
	if b.Entries == 0 {
		b.Entries = DefaultAsyncEntries
	}
	if b.Bytes == 0 {
		b.Bytes = DefaultAsyncBytes
	}
	return handoff.NewBudget(b)
}

// privateNets are the networks of a site that has said nothing.
func privateNets() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
		netip.MustParsePrefix("fc00::/7"),
	}
}

// probeName is T.probeid and engine:probeid().
const probeName = "probe0"

// facts are what T says about the lane.
func (o *Options) facts() lib.Facts {
	f := lib.Facts{
		Probe: probeName, Version: o.Version, Name: "context0", Args: o.Args, ConfigFile: o.Config, ConfigDir: folder(o.Config),
		DataDir: o.Data, HomeNets: o.HomeNets, VarTypes: map[string]int{},
	}
	if f.HomeNets == nil {
		f.HomeNets = privateNets()
	}
	if f.DataDir == "" {
		f.DataDir = "."
	}
	f.Config = environment(f.ConfigDir, f.DataDir)
	for path, value := range o.Env {
		f.Config[path] = value
	}
	for name, n := range counter.VarTypes() {
		f.VarTypes[name] = int(n)
	}
	return f
}

// environment has values for what plugins most ask T.env.get_config for: the section App of Trisul's configuration.
func environment(config, data string) map[string]string {
	name := strconv.Itoa(os.Getuid())
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	return map[string]string{
		"App>User": name, "App>ProbeID": probeName, "App>TrisulMode": "TAP", "App>TempFolder": os.TempDir(),
		"App>RunStateDirectory": os.TempDir(), "App>DBRoot": data, "App>PluginsDataDirectory": data, "App>PluginsConfDirectory": config,
	}
}

// folder is where a file lies; "": the working folder.
func folder(file string) string {
	if file == "" {
		return "."
	}
	return filepath.Dir(file)
}

// instances turns the options into those of package instance.
func (o *Options) instances() instance.Options {
	return instance.Options{Facts: o.facts(), MaxMem: o.MaxMem, Burst: o.Burst, Stdout: o.Stdout, Log: o.Log}
}
