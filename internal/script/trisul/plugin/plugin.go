// Package plugin knows what a plugin file is: where files are found, which script types there are, and what a file says
// about itself in its table TrisulPlugin.
package plugin

import (
	"path/filepath"
	"slices"
	"strings"

	"eddy/internal/config/diag"
	"eddy/internal/script/vm"
)

// Plugin is a plugin file as it describes itself.
type Plugin struct {
	Source
	Name          string // id.name; else the file's
	Description   string
	Author        string
	Major, Minor  int
	Workers       int      // request_async_workers; 0: not given
	Subscriptions []string // message_subscriptions, in capital letters
	Types         []Type
}

// Type is a script type in a plugin.
type Type struct {
	Kind  Kind
	Table string    // the name that its table has there
	Hooks []string  // functions that the script has
	Data  *vm.Table // the rest of the table: strings, numbers, tables; functions are left out
	// Functions are fields that are functions where others have strings: counter_guid and its like.
	Functions []string
	Line      int // of the first function; 0: not known
}

// Short is the file's own name, for log lines.
func (p *Plugin) Short() string { return filepath.Base(p.File) }

// Has says whether the script has a hook.
func (t *Type) Has(hook string) bool { return slices.Contains(t.Hooks, hook) }

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
	p := &Plugin{Source: src, Major: 1}
	if id, ok := t.Get("id").AsTable(); ok {
		p.Name, _ = id.Get("name").AsStr()
		p.Description, _ = id.Get("description").AsStr()
		p.Author, _ = id.Get("author").AsStr()
		p.Major, p.Minor = number(id.Get("version_major"), 1), number(id.Get("version_minor"), 0)
	}
	if p.Name == "" {
		problems.Warnf(diag.Pos{File: src.File}, `id = { name = "...", description = "..." }`, "the plugin has no id with a name")
		p.Name = strings.TrimSuffix(p.Short(), ".lua")
	}
	p.Workers = number(t.Get("workers"), 0)
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
	return p
}

// readTypes finds the script types among the tables of TrisulPlugin. Other tables are the plugin's own business, unless
// they look like a script type that is not spelled right.
func (p *Plugin) readTypes(tables *vm.Table, problems *diag.List) {
	var names []string
	for _, k := range Kinds() {
		names = append(names, k.Name)
	}
	for i := range tables.Map {
		name, _ := tables.Map[i].Key.AsStr()
		body, ok := tables.Map[i].Value.AsTable()
		if !ok {
			continue
		}
		functions, _ := body.Get("functions").AsTable()
		kind, known := FindKind(name)
		if !known {
			if hint := diag.DidYouMean(name, names); hint != "" && len(functions.Map) > 0 {
				problems.Errorf(diag.Pos{File: p.File, Line: firstLine(functions)}, hint, "there is no script type %q", name)
			}
			continue
		}
		t := Type{Kind: kind, Table: name, Line: firstLine(functions)}
		t.Data, _ = body.Get("data").AsTable()
		checkNames(p.File, name, functions, kind.HookNames(), problems)
		for i := range functions.Map {
			f, _ := functions.Map[i].Key.AsStr()
			if slices.Contains(kind.HookNames(), f) {
				t.Hooks = append(t.Hooks, f)
			} else {
				t.Functions = append(t.Functions, f)
			}
		}
		slices.Sort(t.Hooks)
		p.Types = append(p.Types, t)
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
		if slices.Contains(hooks, name) {
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

func number(v vm.Value, otherwise int) int {
	if n, ok := v.AsInt(); ok {
		return int(n)
	}
	return otherwise
}
