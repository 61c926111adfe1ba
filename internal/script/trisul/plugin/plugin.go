// Package plugin knows what a plugin file is: where files are found, which script types there are, and what a file says
// about itself in its table TrisulPlugin.
package plugin

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"eddy/internal/config/diag"
	"eddy/internal/script/trisul/lib"
	"eddy/internal/script/vm"
)

// Plugin is a plugin file as it describes itself.
type Plugin struct {
	Source
	Name          string   // id.name; else the file's; fit for a terminal
	Workers       int      // request_async_workers; 0: not given
	Subscriptions []string // message_subscriptions, in capital letters
	Types         []Type
}

// Type is a script type in a plugin.
type Type struct {
	Kind  Kind
	Table string    // the name that its table has there
	Data  *vm.Table // the rest of the table: strings, numbers, tables; functions are left out
	// Functions are fields that are functions where others have strings: counter_guid and its like.
	Functions []string
	Line      int // of the first function; 0: not known
}

// Short is the file's own name, for log lines.
func (p *Plugin) Short() string { return filepath.Base(p.File) }

// Subscribed says whether messages with that id are for the plugin: those without one are for everybody.
func (p *Plugin) Subscribed(id string) bool {
	return id == "" || slices.Contains(p.Subscriptions, strings.ToUpper(id))
}

// Read makes a Plugin from the table that the prelude "describe" gives of TrisulPlugin:
//
//	{id = {...}, workers = n, subscriptions = {...}, functions = {name = line}, tables = {name = {functions = {name = line}, data = {...}}}}
//
// It gives nil when the file has no such table, or nothing of use in it.
func Read(src Source, t *vm.Table, problems *diag.List) *Plugin {
	if t == nil {
		if src.Named {
			problems.Errorf(diag.Pos{File: src.File}, "a plugin is a global table: TrisulPlugin = { id = { name = ... }, ... }",
				"the file does not set TrisulPlugin")
		}
		return nil
	}
	p := &Plugin{Source: src}
	if id, ok := t.Get("id").AsTable(); ok {
		name, _ := id.Get("name").AsStr()
		p.Name = lib.Printable(name)
	}
	if p.Name == "" {
		problems.Warnf(diag.Pos{File: src.File}, `id = { name = "...", description = "..." }`, "the plugin has no id with a name")
		p.Name = strings.TrimSuffix(p.Short(), ".lua")
	}
	p.readWorkers(t.Get("workers"), problems)
	if list, ok := t.Get("subscriptions").AsTable(); ok {
		for _, v := range list.Arr {
			if id, ok := v.AsStr(); ok {
				p.Subscriptions = append(p.Subscriptions, strings.ToUpper(id))
			}
		}
	}
	tables, _ := t.Get("tables").AsTable()
	if tables != nil {
		p.readTypes(tables, problems)
	}
	functions, _ := t.Get("functions").AsTable()
	checkNames(src.File, "TrisulPlugin", functions, commonHooks(), problems)
	if len(p.Types) == 0 && (functions == nil || len(functions.Map) == 0) && !problems.Failed() {
		problems.Warnf(diag.Pos{File: src.File}, "a script type is a table in TrisulPlugin, such as filex_monitor = { onfile_http = function(...) ... end }",
			"the plugin has no script type: nothing in it will be called")
	}
	return p
}

// MaxWorkers bounds the workers of a plugin: each has a Lua state.
const MaxWorkers = 1024

func (p *Plugin) readWorkers(v vm.Value, problems *diag.List) {
	n, ok := v.AsNum()
	switch {
	case v.Kind == vm.KindNil:
	case !ok || !(n >= 0):
		problems.Warnf(diag.Pos{File: p.File}, "a number from 1 on", "request_async_workers is not a number of workers; there will be one")
	case n > MaxWorkers:
		problems.Warnf(diag.Pos{File: p.File}, "", "request_async_workers is more than %d; there will be %d", MaxWorkers, MaxWorkers)
		p.Workers = MaxWorkers
	default:
		p.Workers = int(n)
	}
}

// readTypes finds the script types among the tables of TrisulPlugin. Other tables are the plugin's own business; one that
// looks like a script type that is not spelled right is worth a warning, and in a file without any an error.
func (p *Plugin) readTypes(tables *vm.Table, problems *diag.List) {
	var names []string
	for _, k := range Kinds() {
		names = append(names, k.Name)
	}
	var unknown []diag.Problem
	for i := range tables.Map {
		name, _ := tables.Map[i].Key.AsStr()
		body, ok := tables.Map[i].Value.AsTable()
		if !ok {
			continue
		}
		functions, _ := body.Get("functions").AsTable()
		kind, known := FindKind(name)
		if !known {
			if hint := diag.DidYouMean(name, names); hint != "" {
				unknown = append(unknown, diag.Problem{
					Pos: diag.Pos{File: p.File, Line: firstLine(functions)}, Text: fmt.Sprintf("there is no script type %q", name), Hint: hint,
				})
			}
			continue
		}
		t := Type{Kind: kind, Table: name, Line: firstLine(functions)}
		t.Data, _ = body.Get("data").AsTable()
		checkNames(p.File, name, functions, kind.HookNames(), problems)
		for _, hook := range kind.HookNames() {
			if t.Data != nil && t.Data.Get(hook).Kind != vm.KindNil {
				problems.Warnf(diag.Pos{File: p.File, Line: t.Line}, "", "%s.%s is not a function; it is never called", name, hook)
			}
		}
		for i := range functions.Map {
			f, _ := functions.Map[i].Key.AsStr()
			if !slices.Contains(kind.HookNames(), f) {
				t.Functions = append(t.Functions, f)
			}
		}
		p.Types = append(p.Types, t)
	}
	for _, u := range unknown {
		if len(p.Types) == 0 {
			problems.Errorf(u.Pos, u.Hint, "%s", u.Text)
		} else {
			problems.Warnf(u.Pos, u.Hint, "%s", u.Text)
		}
	}
	slices.SortFunc(p.Types, func(a, b Type) int { return strings.Compare(a.Kind.Name, b.Kind.Name) })
	p.Types = slices.CompactFunc(p.Types, func(a, b Type) bool {
		if a.Kind.Name == b.Kind.Name {
			problems.Errorf(diag.Pos{File: p.File, Line: b.Line}, "a file has one script of each type; put the other one into a file of its own",
				"%s and %s are the same script type", a.Table, b.Table)
			return true
		}
		return false
	})
}

// checkNames warns of functions that look like a hook and are none: they would never be called.
func checkNames(file, table string, functions *vm.Table, hooks []string, problems *diag.List) {
	if functions == nil {
		return
	}
	for i := range functions.Map {
		name, _ := functions.Map[i].Key.AsStr()
		if slices.Contains(hooks, name) || strings.HasSuffix(name, "_guid") {
			continue
		}
		hint := diag.DidYouMean(name, hooks)
		if hint == "" && !strings.HasPrefix(name, "on") {
			continue // a helper
		}
		line, _ := functions.Map[i].Value.AsInt()
		problems.Warnf(diag.Pos{File: file, Line: int(line)}, hint, "%s has no hook %q; it is never called", table, name)
	}
}

func firstLine(functions *vm.Table) int {
	first := 0
	for i := range functions.Map {
		if n, ok := functions.Map[i].Value.AsInt(); ok && (first == 0 || int(n) < first) {
			first = int(n)
		}
	}
	return first
}
