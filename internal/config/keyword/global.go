package keyword

import (
	"path/filepath"
	"strings"
	"time"

	"eddy/internal/config/model"
	"eddy/internal/config/syntax"
)

// globalDecls are the process-wide keywords (§3.1, §3.3).
func globalDecls() []Decl {
	flag := func(name, doc string, set func(g *model.Global)) Decl {
		return Decl{Name: name, In: Global, Doc: doc, Spec: "3.1",
			Set: func(p *Parser, a Args) { set(&p.Config.Global) }}
	}
	return []Decl{
		flag("daemon", "Goes to the background after the start.", func(g *model.Global) { g.Daemon = true }),
		flag("quiet", "Prints nothing at the start.", func(g *model.Global) { g.Quiet = true }),
		{Name: "master-worker", In: Global, Params: one(optional(choice("option", "no-exit-on-failure"))), Spec: "3.1",
			Doc: "Runs a master process that watches over the working one.",
			Set: func(p *Parser, a Args) { p.Config.Global.MasterWork = true }},
		{Name: "user", In: Global, Params: one(text("name")), Spec: "3.1",
			Doc: "Runs as this user once addresses are bound.", Set: setUser},
		{Name: "uid", In: Global, Params: one(number("number")), Spec: "3.1",
			Doc: "Like user, by number.",
			Set: func(p *Parser, a Args) { p.once(a); p.Config.Global.UID = int(a.Int(0)) }},
		{Name: "group", In: Global, Params: one(text("name")), Spec: "3.1",
			Doc: "Runs with this group once addresses are bound.", Set: setGroup},
		{Name: "gid", In: Global, Params: one(number("number")), Spec: "3.1",
			Doc: "Like group, by number.",
			Set: func(p *Parser, a Args) { p.once(a); p.Config.Global.GID = int(a.Int(0)) }},
		{Name: "chroot", In: Global, Params: one(text("folder")), Spec: "3.1",
			Doc: "Shuts the process into this folder after the start; scripts and files are read before.",
			Set: func(p *Parser, a Args) { p.once(a); p.Config.Global.Chroot = a.Text(0) }},
		{Name: "state-dir", In: Global, Params: one(text("folder")),
			Doc: "Keeps what outlives the process in this folder, above all the jobs of disk queues; the user's state folder, or /var/lib/eddy for root, when not given. eddy's own.",
			Set: setStateDir},
		{Name: "pidfile", In: Global, Params: one(pathTo("file")), Spec: "3.1",
			Doc: "Writes the process's number into this file.",
			Set: func(p *Parser, a Args) { p.once(a); p.Config.Global.PIDFile = a.Text(0) }},
		{Name: "maxconn", In: Global, Params: one(between("number", 0, 1<<30)), Spec: "3.2",
			Doc: "Takes at most this many connections at once in the whole process; 0 follows the limit on open files.",
			Set: func(p *Parser, a Args) { p.once(a); p.Config.Global.MaxConn = int(a.Int(0)) }},
		{Name: "nbthread", In: Global, Params: one(between("number", 1, 1024)), Spec: "3.1",
			Doc: "Works on this many processor cores; all of them when not given.",
			Set: func(p *Parser, a Args) { p.once(a); p.Config.Global.NbThread = int(a.Int(0)) }},
		{Name: "ulimit-n", In: Global, Params: one(number("number")), Spec: "3.1",
			Doc: "Sets the limit on open files.",
			Set: func(p *Parser, a Args) { p.once(a); p.Config.Global.UlimitN = int(a.Int(0)) }},
		{Name: "hard-stop-after", In: Global, Params: one(duration("time")), Spec: "3.1",
			Doc: "Ends what still runs this long after a soft stop began.",
			Set: func(p *Parser, a Args) { p.once(a); p.Config.Global.HardStop = time.Duration(a.Int(0)) }},
		{Name: "node", In: Global, Params: one(text("name")), Spec: "3.1",
			Doc: "Names this machine for whoever asks the process.",
			Set: func(p *Parser, a Args) { p.Config.Global.Node = a.Text(0) }},
		{Name: "description", In: Global, Params: one(many(text("text"))), Spec: "3.1",
			Doc: "Says what this process is for.",
			Set: func(p *Parser, a Args) { p.Config.Global.Description = joinText(a) }},
		{Name: "default-path", In: Global, Spec: "3.1",
			Params: one(choice("base", "current", "config", "parent", "origin"), optional(text("folder"))),
			Doc:    "Says where relative paths start: the working folder, the configuration file's, the one above, or a given folder.",
			Set:    setDefaultPath},
		{Name: "log-send-hostname", In: Global, Params: one(optional(text("name"))), Spec: "3.1",
			Doc: "Puts a host name, the machine's own when none is given, into syslog lines.", Set: setLogHostname},
		{Name: "set-var", In: Global, Params: one(Param{Name: "variable", Kind: Var}, expression("expression")), Spec: "3.1",
			Doc: "Sets a proc. variable at the start.", Set: setGlobalVar},
		{Name: "set-var-fmt", In: Global, Params: one(Param{Name: "variable", Kind: Var}, format("format")), Spec: "3.1",
			Doc: "Sets a proc. variable at the start to a formatted text.", Set: setGlobalVar},
		{Name: "stats socket", In: Global, Params: one(text("address"), optional(rest("option …"))), Opts: describe(statsSocketOptions()), Spec: "3.1",
			Doc: "Listens for commands of an operator at this address.", Set: setStatsSocket},
		{Name: "stats timeout", In: Global, Params: one(Param{Name: "time", Kind: Time, Min: 1}), Spec: "3.1",
			Doc: "Ends idle operator connections; 10 s when not given.",
			Set: func(p *Parser, a Args) { p.Config.Global.StatsTime = time.Duration(a.Int(0)) }},
		{Name: "unix-bind", In: Global, Params: one(rest("option …")), Opts: describe(unixBindOptions()), Spec: "3.1",
			Doc: "Gives owner, mode and path prefix for the unix sockets of bind lines.",
			Set: func(p *Parser, a Args) { readOptions(p, "unix-bind", unixBindOptions(), nil, p, a.Rest) }},
	}
}

func joinText(a Args) string {
	parts := make([]string, len(a.P))
	for i := range a.P {
		parts[i] = a.P[i].Text
	}
	return strings.Join(parts, " ")
}

func setUser(p *Parser, a Args) {
	p.once(a)
	id, err := p.Host.UserID(a.Text(0))
	if err != nil {
		p.errorf(a.P[0].Pos, "write the name of a user of this machine, or uid NUMBER", "user: %v", err)
		return
	}
	p.Config.Global.User, p.Config.Global.UID = a.Text(0), id
}

func setGroup(p *Parser, a Args) {
	p.once(a)
	id, err := p.Host.GroupID(a.Text(0))
	if err != nil {
		p.errorf(a.P[0].Pos, "write the name of a group of this machine, or gid NUMBER", "group: %v", err)
		return
	}
	p.Config.Global.Group, p.Config.Global.GID = a.Text(0), id
}

func setStateDir(p *Parser, a Args) {
	p.once(a)
	if a.Text(0) == "" {
		p.errorf(a.P[0].Pos, "if it is a variable, set it before eddy is started", "state-dir: the <folder> is empty")
		return
	}
	if !filepath.IsAbs(a.Text(0)) {
		p.errorf(a.P[0].Pos, "write the whole path, beginning with '/': the jobs must be found again wherever eddy is started", "state-dir: %q is not an absolute path", a.Text(0))
		return
	}
	p.Config.Global.StateDir = filepath.Clean(a.Text(0))
}

func setDefaultPath(p *Parser, a Args) {
	if (a.Text(0) == "origin") != a.Has(1) {
		p.errorf(a.At, "write: default-path origin FOLDER", "default-path: a folder goes with origin, and with origin only")
		return
	}
	p.files.how, p.files.path = a.Text(0), a.Text(1)
}

func setLogHostname(p *Parser, a Args) {
	p.Config.Global.LogSendHost = a.Text(0)
	if !a.Has(0) {
		p.Config.Global.LogSendHost = "*"
	}
}

func setGlobalVar(p *Parser, a Args) {
	if scope, _, _ := strings.Cut(a.Text(0), "."); scope != "proc" {
		p.errorf(a.P[0].Pos, "write proc."+strings.TrimPrefix(a.Text(0), scope+"."), "%s: only proc. variables exist before the first connection", a.Name)
		return
	}
	p.Config.Global.ProcVars = append(p.Config.Global.ProcVars,
		model.SetVar{Pos: a.At, Name: a.Text(0), Expr: a.P[1].Expr, Fmt: a.P[1].Fmt})
}

// environmentDecls are the keywords that change what "$NAME" sees, from the next line on.
func environmentDecls() []Decl {
	pair := one(text("name"), text("value"))
	return []Decl{
		{Name: "setenv", In: Global, Params: pair, Spec: "3.1", Doc: "Sets a variable of the environment.",
			Set: func(p *Parser, a Args) { p.Env.Set(a.Text(0), a.Text(1)) }},
		{Name: "presetenv", In: Global, Params: pair, Spec: "3.1", Doc: "Sets a variable of the environment unless it is set.",
			Set: func(p *Parser, a Args) {
				if _, ok := p.Env.Lookup(a.Text(0)); !ok {
					p.Env.Set(a.Text(0), a.Text(1))
				}
			}},
		{Name: "unsetenv", In: Global, Params: one(many(text("name"))), Spec: "3.1", Doc: "Removes variables from the environment.",
			Set: func(p *Parser, a Args) {
				for i := range a.P {
					p.Env.Unset(a.Text(i))
				}
			}},
		{Name: "resetenv", In: Global, Params: one(optional(many(text("name")))), Spec: "3.1",
			Doc: "Removes all variables from the environment but the named ones.",
			Set: func(p *Parser, a Args) {
				var keep []string
				for i := range a.P {
					keep = append(keep, a.Text(i))
				}
				p.Env.Reset(keep)
			}},
	}
}

// luaDecls load scripts (§3.1) and limit them (§3.2).
func luaDecls() []Decl {
	timeout := func(name, doc string, at func(l *model.Lua) *time.Duration) Decl {
		return Decl{Name: name, In: Global, Params: one(duration("time")), Doc: doc, Spec: "3.2",
			Set: func(p *Parser, a Args) { *at(&p.Config.Global.Lua) = time.Duration(a.Int(0)) }}
	}
	load := func(perThread bool) func(p *Parser, a Args) {
		return func(p *Parser, a Args) {
			l := model.LuaLoad{Pos: a.P[0].Pos, File: a.Text(0), PerThread: perThread}
			for _, w := range a.P[1:] {
				l.Args = append(l.Args, w.Text)
			}
			if err := p.Host.Exists(l.File); err != nil {
				p.errorf(l.Pos, "paths start in the folder where eddy is started", "%s: %v", a.Name, err)
				return
			}
			p.Config.Global.Lua.Loads = append(p.Config.Global.Lua.Loads, l)
		}
	}
	return []Decl{
		{Name: "lua-load", In: Global, Params: one(pathTo("file"), optional(many(text("arg")))), Spec: "3.1",
			Doc: "Runs a Lua script at the start, in the one state that all threads share; it finds the arguments in `...`.",
			Set: load(false)},
		{Name: "lua-load-per-thread", In: Global, Params: one(pathTo("file"), optional(many(text("arg")))), Spec: "3.1",
			Doc: "Runs a Lua script at the start once in the state of each thread.", Set: load(true)},
		{Name: "lua-prepend-path", In: Global, Params: one(text("pattern"), optional(choice("type", "path", "cpath"))), Spec: "3.1",
			Doc: "Puts a pattern in front of what require searches, package.path or package.cpath.",
			Set: func(p *Parser, a Args) {
				kind := "path"
				if a.Has(1) {
					kind = a.Text(1)
				}
				l := &p.Config.Global.Lua
				l.PrependPath = append(l.PrependPath, model.LuaPath{Path: a.Text(0), Type: kind})
			}},
		timeout("tune.lua.burst-timeout", "Stops a script that works this long without a pause; 1 s when not given, 0 for never.", func(l *model.Lua) *time.Duration { return &l.BurstTimeout }),
		timeout("tune.lua.session-timeout", "Stops actions, fetches and converters that worked this long in all; 4 s when not given.", func(l *model.Lua) *time.Duration { return &l.SessionTime }),
		timeout("tune.lua.task-timeout", "Stops tasks that worked this long in all; never when not given.", func(l *model.Lua) *time.Duration { return &l.TaskTime }),
		timeout("tune.lua.service-timeout", "Stops services that worked this long in all; 4 s when not given.", func(l *model.Lua) *time.Duration { return &l.ServiceTime }),
		{Name: "tune.lua.maxmem", In: Global, Params: one(between("megabytes", 0, 1<<20)), Spec: "3.2",
			Doc: "Lets each Lua state take this many megabytes; 0 means eddy's own bound.",
			Set: func(p *Parser, a Args) { p.Config.Global.Lua.MaxMem = a.Int(0) << 20 }},
		{Name: "tune.lua.forced-yield", In: Global, Params: one(between("instructions", 0, 1<<30)), Spec: "3.2",
			Doc: "Looks at the clock after this many Lua instructions; 10000 when not given.",
			Set: func(p *Parser, a Args) { p.Config.Global.Lua.ForcedYield = int(a.Int(0)) }},
		{Name: "tune.lua.log.loggers", In: Global, Params: one(onOff()), Spec: "3.2",
			Doc: "Sends the log lines of scripts to the log targets.",
			Set: func(p *Parser, a Args) { p.Config.Global.Lua.LogLoggers = a.Int(0) == 1 }},
		{Name: "tune.lua.log.stderr", In: Global, Params: one(choice("switch", "on", "auto", "off")), Spec: "3.2",
			Doc: "Sends the log lines of scripts to stderr: always, when nothing else takes them, or never.",
			Set: func(p *Parser, a Args) { p.Config.Global.Lua.LogStderr = a.Text(0) }},
		{Name: "tune.lua.openlibs", In: Global, Params: one(text("libraries")), Spec: "3.2",
			Doc: "Gives scripts these standard libraries only: all, none, or a list with commas.", Set: setOpenLibs},
		{Name: "tune.lua.bool-sample-conversion", In: Global, Params: one(choice("way", "normal", "pre-3.1-bug")), Spec: "3.2",
			Doc: "Says whether scripts see boolean samples as booleans (normal) or as integers.",
			Set: func(p *Parser, a Args) { p.Config.Global.Lua.BoolSamples = a.Text(0) == "normal" }},
		{Name: "tune.lua.fifo", In: Global, Params: one(choice("store", "memory", "disk")),
			Doc: "Gives scripts a module fifo whose items are in memory, or on the disk, where they survive the end of the process; memory when not given. eddy's own.",
			Set: func(p *Parser, a Args) { p.once(a); p.Config.Global.Lua.FifoDisk = a.Text(0) == "disk" }},
	}
}

func setOpenLibs(p *Parser, a Args) {
	known := []string{"table", "io", "os", "string", "math", "utf8", "package", "debug", "coroutine"}
	l := &p.Config.Global.Lua
	l.OpenLibs, l.OpenLibsGiven = nil, true
	switch a.Text(0) {
	case "all":
		l.OpenLibs = known
		return
	case "none":
		return
	}
	for _, lib := range strings.Split(a.Text(0), ",") {
		if !contains(known, lib) {
			p.unknownOption("tune.lua.openlibs", syntax.Word{Text: lib, Pos: a.P[0].Pos}, known, nil)
			return
		}
		l.OpenLibs = append(l.OpenLibs, lib)
	}
}

// tuneDecls are sizes that eddy follows (§3.2).
func tuneDecls() []Decl {
	return []Decl{
		{Name: "tune.bufsize", In: Global, Params: one(Param{Name: "size", Kind: Size, Min: 1024, Max: 64 << 20}), Spec: "3.2",
			Doc: "Sets the size of a buffer, and so of the largest head of a message; 16384 when not given.",
			Set: func(p *Parser, a Args) { p.once(a); p.Config.Global.BufSize = int(a.Int(0)) }},
		{Name: "tune.maxrewrite", In: Global, Params: one(Param{Name: "size", Kind: Size, Min: 0, Max: 32 << 20}), Spec: "3.2",
			Doc: "Keeps this part of a buffer free for headers that rules add; 1024 when not given.",
			Set: func(p *Parser, a Args) { p.once(a); p.Config.Global.MaxRewrite = int(a.Int(0)) }},
		{Name: "tune.http.maxhdr", In: Global, Params: one(between("number", 1, 32767)), Spec: "3.2",
			Doc: "Refuses messages with more headers than this; 101 when not given.",
			Set: func(p *Parser, a Args) { p.once(a); p.Config.Global.MaxHdr = int(a.Int(0)) }},
		{Name: "tune.http.logurilen", In: Global, Params: one(between("bytes", 1, 1<<20)), Spec: "3.2",
			Doc: "Cuts the request line in logs at this length; 1024 when not given.",
			Set: func(p *Parser, a Args) { p.Config.Global.LogURILen = int(a.Int(0)) }},
	}
}
