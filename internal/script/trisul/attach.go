package trisul

import (
	"fmt"
	"slices"
	"strings"

	"eddy/internal/fastpath/counter"
	"eddy/internal/script/trisul/instance"
	"eddy/internal/script/trisul/lib"
	"eddy/internal/script/trisul/object"
	"eddy/internal/script/trisul/plugin"
	"eddy/internal/script/vm"
)

// attachment finds out which groups a monitor is attached to: by GUID, by a part of the title, or by an expression that
// the title matches (cg_monitor, "Multi-group attachment"). Each group has a state of its own.
type attachment struct {
	p      *Plugins
	l      *loaded
	t      *plugin.Type
	groups *vm.Table // T.countergroups and its like
}

// attached is a state with its group; nil: it is attached to none, or to all.
type attached struct {
	in    *instance.Instance
	group *group
}

// prefix begins the names of the fields that say what a type is attached to; "": there are none.
func (a *attachment) prefix() string {
	switch a.t.Kind.Name {
	case "cg_monitor":
		return "counter"
	case "alert_monitor":
		return "alert"
	case "resource_monitor":
		return "resource"
	case "fts_monitor":
		return "fts"
	case "sg_monitor":
		return "session"
	}
	return ""
}

// all are the groups that the type can be attached to.
func (a *attachment) all() []group {
	switch a.t.Kind.Name {
	case "cg_monitor":
		var all []group
		for _, g := range a.p.opts.Registry.All() {
			all = append(all, group{g.Name, g.GUID})
		}
		return all
	case "alert_monitor":
		return a.p.groups.alerts
	case "resource_monitor":
		return a.p.groups.resources
	case "fts_monitor":
		return a.p.groups.documents
	}
	return a.p.groups.sessions
}

// open opens a state for each group.
func (a *attachment) open() ([]attached, error) {
	first, err := a.instance()
	if err != nil {
		return nil, err
	}
	if a.prefix() == "" {
		return []attached{{first, nil}}, nil
	}
	groups, said, err := a.find(first)
	if err != nil {
		return nil, err
	}
	if !said && a.t.Kind.Name != "cg_monitor" {
		return []attached{{first, nil}}, nil
	}
	if len(groups) == 0 {
		a.p.warn(a.l, fmt.Sprintf("%v: %s is attached to no group: it is not called", place(first), a.t.Table))
		return nil, nil
	}
	var out []attached
	for i := range groups {
		in := first
		if i > 0 {
			if in, err = a.instance(); err != nil {
				return nil, err
			}
		}
		if err := in.Bind(groups[i].name, groups[i].guid); err != nil {
			return nil, err
		}
		out = append(out, attached{in, &groups[i]})
	}
	return out, nil
}

func (a *attachment) instance() (*instance.Instance, error) {
	named := !a.l.has(plugin.Packets) && !a.l.has(plugin.Input)
	return a.p.instance(a.l, a.t, &object.Moment{}, a.groups, named)
}

// find gives the groups that the script names, each once; said tells whether it names any at all.
func (a *attachment) find(in *instance.Instance) (found []group, said bool, err error) {
	prefix := a.prefix()
	guids, err := in.Resolve(prefix + "_guid")
	if err != nil {
		return nil, true, err
	}
	all := a.all()
	for _, id := range guids {
		guid, ok := counter.NormalGUID(id)
		i := slices.IndexFunc(all, func(g group) bool { return g.guid == guid })
		switch {
		case i >= 0:
			found = add(found, all[i])
		case !ok || prefix == "counter" || prefix == "session":
			a.p.warn(a.l, fmt.Sprintf("%v: %s: there is no %s group %s", place(in), a.t.Table, prefix, id))
		default: // alerts and the like may come from anywhere
			found = add(found, group{guid, guid})
		}
	}
	parts, err := in.Resolve(prefix + "_name_match")
	if err != nil {
		return nil, true, err
	}
	for _, g := range all {
		if slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(strings.ToLower(g.name), strings.ToLower(part)) }) {
			found = add(found, g)
		}
	}
	expressions, err := in.Resolve(prefix + "_name_regex")
	if err != nil {
		return nil, true, err
	}
	var matcher lib.Matcher
	for _, expression := range expressions {
		for _, g := range all {
			ok, err := matcher.Match([]byte(expression), g.name)
			if err != nil {
				return nil, true, fmt.Errorf("%v: %s_name_regex: %w", place(in), prefix, err)
			}
			if ok {
				found = add(found, g)
			}
		}
	}
	// A field that is a function which finds nothing has said something, too.
	said = len(guids)+len(parts)+len(expressions) > 0 || slices.Contains(a.t.Functions, prefix+"_guid")
	return found, said, nil
}
