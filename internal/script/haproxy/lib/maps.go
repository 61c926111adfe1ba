package lib

import (
	"bytes"
	"fmt"
	"net/netip"
	"strconv"

	"eddy/internal/fastpath/patfile"
	"eddy/internal/script/vm"
)

// Maps is the Map class and core's functions that change pattern files. files gives the generation's files, which the
// configuration's ACLs and map converters share; loading tells whether scripts are being loaded: that is when maps are
// read from disk.
func Maps(files func() *patfile.Store, loading func() bool) Funcs {
	m := maps{files, loading}
	return Funcs{
		"map_new":      m.open,
		"map_lookup":   mapLookup,
		"pattern_edit": m.edit,
	}
}

type maps struct {
	files   func() *patfile.Store
	loading func() bool
}

// store gives the pattern files.
func (m maps) store() (*patfile.Store, error) {
	if s := m.files(); s != nil {
		return s, nil
	}
	return nil, fmt.Errorf("there are no pattern files here")
}

// open(name, method) loads a map while scripts load.
func (m maps) open(c *vm.Call) error {
	const who = "Map.new"
	if !m.loading() {
		return fmt.Errorf("%s: maps are loaded while the script is loaded, not from a function that runs later", who)
	}
	name, err := Str(c, 1, who, 1)
	if err != nil {
		return err
	}
	word := "str"
	if !c.IsNil(2) {
		word = c.Str(2)
	}
	method, ok := patfile.MethodOf(word)
	if !ok {
		return fmt.Errorf("%s: unknown method; use Map._str, Map._ip and so on", who)
	}
	store, err := m.store()
	if err != nil {
		return fmt.Errorf("%s: %w", who, err)
	}
	file, err := store.Open(name, true)
	if err != nil {
		return fmt.Errorf("%s: %w", who, err)
	}
	var first error
	view := file.View(method, false, func(e *patfile.Entry, err error) {
		if first == nil {
			first = fmt.Errorf("%s: %s:%d: %w", who, name, e.Line, err)
		}
	})
	if first != nil {
		return first
	}
	c.PushOwned(view)
	return nil
}

// mapLookup(map, key, safe)
func mapLookup(c *vm.Call) error {
	view, ok := c.Object(1).(*patfile.View)
	if !ok {
		return fmt.Errorf("map:lookup: this is no Map; make one with Map.new()")
	}
	key, err := Bytes(c, 2, "map:lookup", 1)
	if err != nil {
		return err
	}
	value, found := lookup(view, key)
	switch {
	case found:
		c.PushStr(value)
	case c.Bool(3):
		c.PushStr("")
	default:
		c.PushNil()
	}
	return nil
}

// lookup asks a view in the type that its method wants; a key that is none of that type is not found.
func lookup(view *patfile.View, key []byte) (value string, ok bool) {
	switch view.Method() {
	case patfile.Int:
		n, err := strconv.ParseInt(string(bytes.TrimSpace(key)), 10, 64)
		if err != nil {
			return "", false
		}
		_, value, ok = view.Number(n)
	case patfile.IP:
		a, err := netip.ParseAddr(string(bytes.TrimSpace(key)))
		if err != nil {
			return "", false
		}
		_, value, ok = view.Addr(a)
	default:
		_, value, ok = view.Text(key)
	}
	return value, ok
}

// edit(what, name, key, value) is core.add_acl and its kin: at run time, in memory only.
func (m maps) edit(c *vm.Call) error {
	what := c.Str(1)
	who := "core." + what
	name, err := Str(c, 2, who, 1)
	if err != nil {
		return err
	}
	key, err := Str(c, 3, who, 2)
	if err != nil {
		return err
	}
	value := ""
	isMap := what == "add_map" || what == "set_map" || what == "del_map"
	if what == "add_map" || what == "set_map" {
		if value, err = Str(c, 4, who, 3); err != nil {
			return err
		}
	}
	store, err := m.store()
	if err != nil {
		return fmt.Errorf("%s: %w", who, err)
	}
	file := store.Find(name)
	if file == nil || file.IsMap != isMap {
		kind := "list of ACL patterns"
		if isMap {
			kind = "map"
		}
		return fmt.Errorf("%s: no %s is called '%s'; it must be used in the configuration or loaded with Map.new", who, kind, name)
	}
	switch what {
	case "add_acl":
		err = file.AddNew(key, "")
	case "add_map":
		err = file.Add(key, value)
	case "set_map":
		err = file.SetOrAdd(key, value)
	default:
		file.Del(key)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", who, err)
	}
	return nil
}
