package trisul

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"eddy/internal/config/diag"
	"eddy/internal/fastpath/counter"
	"eddy/internal/fastpath/learned"
	"eddy/internal/script/trisul/plugin"
	"eddy/internal/script/vm"
)

// group is a group with its title.
type group struct{ name, guid string }

// groupNames are the groups of each kind but counter groups, which the registry has: what T.alertgroups and its like
// show, and what monitors are attached to by name.
type groupNames struct {
	alerts, resources, documents, sessions []group
}

// newGroupNames has those of Trisul's page "Well known GUIDs".
func newGroupNames() *groupNames {
	return &groupNames{
		alerts: []group{
			{"IDS Alerts", "{9AFD8C08-07EB-47E0-BF05-28B4A7AE8DC9}"}, {"Blacklist", "{5E97C3A3-41DB-4E34-92C3-87C904FAB83E}"},
			{"Threshold Crossing", "{03AC6B72-FDB7-44C0-9B8C-7A1975C1C5BA}"}, {"Flow Tracker", "{18CE5961-38FF-4AEA-BAF8-2019F3A09063}"},
			{"System Alerts", "{F69C2462-ECEA-45B8-B1CB-F90342D37A4F}"}, {"User Alerts", "{B5F1DECB-51D5-4395-B71B-6FA730B772D9}"},
		},
		resources: []group{
			{"DNS Resources", learned.DNSResources}, {"URL Resources", learned.URLResources},
			{"SSL Certificates", learned.CertificateResources}, {"File Hashes", learned.FileHashResources},
		},
		documents: []group{
			{"SSL Certificate FTS", learned.CertificateDocuments}, {"HTTP Header FTS", learned.HTTPHeaderDocuments},
			{"DNS Records FTS", learned.DNSDocuments},
		},
		sessions: []group{{"IP Flows", "{99A78737-4B41-4387-8F31-8077DB917336}"}},
	}
}

// declare registers what a plugin declares.
func (p *Plugins) declare(l *loaded, problems *diag.List) {
	for i := range l.Types {
		t := &l.Types[i]
		control, _ := t.Data.Get("control").AsTable()
		switch t.Kind.Name {
		case "countergroup":
			p.declareCounters(l, t, control, problems)
		case "alertgroup", "resourcegroup":
			g, ok := newGroup(l, t, control, problems)
			if ok && t.Kind.Name == "alertgroup" {
				p.groups.alerts = add(p.groups.alerts, g)
			} else if ok {
				p.groups.resources = add(p.groups.resources, g)
			}
		case "protocol_handler":
			if g, ok := newGroup(l, t, control, problems); ok {
				p.protocols.Add(g.guid)
			}
		}
	}
}

// newGroup reads a control table's guid and name.
func newGroup(l *loaded, t *plugin.Type, control *vm.Table, problems *diag.List) (group, bool) {
	id, _ := control.Get("guid").AsStr()
	guid, ok := counter.NormalGUID(id)
	if !ok {
		problems.Errorf(diag.Pos{File: l.File, Line: t.Line}, "a GUID looks like {889900CC-0063-11A5-8380-FEBDBABBDBEA}",
			"%s: control.guid is %q", t.Table, id)
		return group{}, false
	}
	name, _ := control.Get("name").AsStr()
	if name == "" {
		problems.Warnf(diag.Pos{File: l.File, Line: t.Line}, "", "%s: control has no name", t.Table)
		name = guid
	}
	return group{name, guid}, true
}

// add puts a group in unless it is there.
func add(list []group, g group) []group {
	if slices.ContainsFunc(list, func(x group) bool { return x.guid == g.guid }) {
		return list
	}
	return append(list, g)
}

// declareCounters adds a counter group to the registry.
func (p *Plugins) declareCounters(l *loaded, t *plugin.Type, control *vm.Table, problems *diag.List) {
	g, ok := newGroup(l, t, control, problems)
	if !ok {
		return
	}
	cg := counter.Group{GUID: g.guid, Name: g.name}
	cg.Description, _ = control.Get("description").AsStr()
	cg.Resolver, _ = control.Get("resolver_guid").AsStr()
	if n, ok := control.Get("bucketsize").AsNum(); ok && n >= 1 && n <= 86400 {
		cg.Bucket = time.Duration(n) * time.Second
	}
	where := diag.Pos{File: l.File, Line: t.Line}
	meters, _ := t.Data.Get("meters").AsTable()
	if meters != nil {
		for i, row := range rows(meters) {
			m, err := newMeter(row)
			if err != nil {
				problems.Errorf(where, `{ 0, T.K.vartype.COUNTER, 10, 0, "Name", "description", "units" }`, "%s: meter %d: %v", t.Table, i, err)
				return
			}
			cg.Meters = append(cg.Meters, m)
		}
	}
	slices.SortStableFunc(cg.Meters, func(a, b counter.Meter) int { return a.ID - b.ID })
	if info, ok := t.Data.Get("keyinfo").AsTable(); ok {
		for _, row := range rows(info) {
			if len(row) < 2 {
				continue
			}
			key, _ := row[0].AsStr()
			label, _ := row[1].AsStr()
			cg.KeyInfo = append(cg.KeyInfo, counter.Label{Key: key, Label: label})
		}
	}
	if _, err := p.opts.Registry.Add(cg); err != nil {
		problems.Errorf(where, "", "%s: %v", t.Table, err)
	}
}

// rows gives the arrays in an array, whatever numbers they have.
func rows(t *vm.Table) [][]vm.Value {
	var all [][]vm.Value
	for i := range t.Arr {
		if row, ok := t.Arr[i].AsTable(); ok {
			all = append(all, row.Arr)
		}
	}
	for i := range t.Map {
		if row, ok := t.Map[i].Value.AsTable(); ok {
			all = append(all, row.Arr)
		}
	}
	return all
}

// newMeter reads {id, type, top, bottom, name, description, units}; bottom may be missing, as in the second tutorial.
func newMeter(row []vm.Value) (m counter.Meter, err error) {
	number := func() (n int, ok bool) {
		if len(row) == 0 {
			return 0, false
		}
		i, ok := row[0].AsInt()
		if ok {
			row = row[1:]
		}
		return int(i), ok
	}
	text := func() (s string) {
		if len(row) > 0 {
			s, _ = row[0].AsStr()
			row = row[1:]
		}
		return s
	}
	var ok bool
	if m.ID, ok = number(); !ok {
		return m, fmt.Errorf("its first value must be its number, from 0")
	}
	kind, ok := number()
	if m.Type = counter.VarType(kind); !ok || kind < 0 || kind > 255 || !m.Type.Valid() {
		names := slices.Sorted(maps.Keys(counter.VarTypes()))
		return m, fmt.Errorf("its second value must be one of T.K.vartype: %s", strings.Join(names, ", "))
	}
	m.TopN, _ = number()
	m.BottomN, _ = number()
	m.Name, m.Description, m.Units = text(), text(), text()
	return m, nil
}

// ResourceGroup names a group of resources; without a name it is its GUID. p may be nil: there are no plugins.
func (p *Plugins) ResourceGroup(guid string) string {
	known := newGroupNames().resources
	if p != nil {
		known = p.groups.resources
	}
	for _, g := range known {
		if strings.EqualFold(g.guid, guid) {
			return g.name
		}
	}
	return guid
}

// tables are T.countergroups and its like, for metric hooks.
func (p *Plugins) tables() *vm.Table {
	counters := []group{}
	for _, g := range p.opts.Registry.All() {
		counters = append(counters, group{g.Name, g.GUID})
	}
	all := &vm.Table{}
	for _, list := range []struct {
		field  string
		groups []group
	}{
		{"countergroups", counters}, {"alertgroups", p.groups.alerts}, {"resourcegroups", p.groups.resources},
		{"ftsgroups", p.groups.documents}, {"sessiongroups", p.groups.sessions},
	} {
		t := &vm.Table{}
		for _, g := range list.groups {
			t.Set(g.name, vm.Str(g.guid))
		}
		all.Set(list.field, vm.Tab(t))
	}
	return all
}
