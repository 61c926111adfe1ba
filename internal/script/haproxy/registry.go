package haproxy

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"eddy/internal/config/diag"
	"eddy/internal/script/haproxy/lib"
	"eddy/internal/script/vm"
)

// registry is what scripts registered. It is written while scripts load, by one goroutine, and only read afterwards.
type registry struct {
	actions, services, fetches, converters map[string]*registration

	commands []*registration
	inits    []initFunc
	loading  *unit // the state whose script is being loaded
	sealed   bool
}

// registration is one registered name with its function in each state that has it.
type registration struct {
	name   string
	shared bool
	fns    []vm.Ref // by unit; 0 where the unit has none
	where  []string // actions: facilities
	nargs  int      // actions: how many arguments the configuration gives
	http   bool     // services: mode
	path   []string // commands
	usage  string
}

type initFunc struct {
	unit int
	fn   vm.Ref
}

// seal ends the time of registering.
func (r *registry) seal() { r.sealed = true }

// in gives the function of the registration in a unit.
func (r *registration) in(u *unit) vm.Ref { return r.fns[u.index] }

// add puts a name into one of the tables, or the function of a further thread into the registration of the first.
func (u *unit) add(table *map[string]*registration, kind, name string, fn vm.Ref) (*registration, error) {
	if name == "" || strings.ContainsAny(name, " \t\r\n,()") {
		return nil, fmt.Errorf("core.register_%s: %q cannot be a name in the configuration", kind, name)
	}
	if *table == nil {
		*table = map[string]*registration{}
	}
	r := (*table)[name]
	shared := u.index == 0
	if r == nil {
		r = &registration{name: name, shared: shared, fns: make([]vm.Ref, len(u.b.units))}
		(*table)[name] = r
	} else if r.shared != shared || r.in(u) != 0 {
		return nil, fmt.Errorf("core.register_%s: '%s' is registered already", kind, name)
	}
	r.fns[u.index] = fn
	return r, nil
}

// bodyOnly refuses a registration outside of main chunks.
func (u *unit) bodyOnly(what string) error {
	if !u.loading() {
		return fmt.Errorf("core.%s: only while the script is loaded, not from a function that runs later", what)
	}
	return nil
}

func (u *unit) registerFuncs() lib.Funcs {
	if u.worker != nil {
		return u.worker.registerFuncs()
	}
	return lib.Funcs{
		"register_action":     u.registerAction,
		"register_service":    u.registerService,
		"register_fetches":    func(c *vm.Call) error { return u.registerSample(c, &u.b.reg.fetches, "fetches") },
		"register_converters": func(c *vm.Call) error { return u.registerSample(c, &u.b.reg.converters, "converters") },
		"register_init":       u.registerInit,
		"register_cli":        u.registerCLI,
		"register_task":       u.registerTask,
	}
}

// facilities are where actions may be registered for.
func facilities() []string {
	return []string{"tcp-req", "tcp-res", "http-req", "http-res", "http-after-res"}
}

func (u *unit) registerAction(c *vm.Call) error {
	if err := u.bodyOnly("register_action"); err != nil {
		return err
	}
	name, err := lib.Str(c, 1, "core.register_action", 1)
	if err != nil {
		return err
	}
	t, err := c.Table(2)
	if err != nil {
		return lib.Wrong(c, 2, "core.register_action", 2, "a table such as {\"http-req\"}")
	}
	var where []string
	for _, v := range t.Arr {
		s, _ := v.AsStr()
		if !slices.Contains(facilities(), s) {
			hint := diag.DidYouMean(s, facilities())
			if hint == "" {
				hint = "expected are " + strings.Join(facilities(), ", ")
			}
			return fmt.Errorf("core.register_action: Lua action environment '%s' is unknown; %s", s, hint)
		}
		where = append(where, s)
	}
	nargs := int64(0)
	if !c.IsNil(4) {
		if nargs, err = lib.Int(c, 4, "core.register_action", 4); err != nil {
			return err
		}
	}
	if nargs < 0 || nargs > 63 {
		return fmt.Errorf("core.register_action: %d arguments: give a number from 0 to 63", nargs)
	}
	fn, err := c.Func(3)
	if err != nil {
		return err
	}
	r, err := u.add(&u.b.reg.actions, "action", name, fn)
	if err != nil {
		return err
	}
	r.where, r.nargs = where, int(nargs)
	return nil
}

func (u *unit) registerService(c *vm.Call) error {
	if err := u.bodyOnly("register_service"); err != nil {
		return err
	}
	name, err := lib.Str(c, 1, "core.register_service", 1)
	if err != nil {
		return err
	}
	mode, _ := lib.Str(c, 2, "core.register_service", 2)
	if mode != "tcp" && mode != "http" {
		return fmt.Errorf("core.register_service: Lua service environment '%s' is unknown; 'tcp' or 'http' are expected", mode)
	}
	fn, err := c.Func(3)
	if err != nil {
		return err
	}
	r, err := u.add(&u.b.reg.services, "service", name, fn)
	if err != nil {
		return err
	}
	r.http = mode == "http"
	return nil
}

func (u *unit) registerSample(c *vm.Call, table *map[string]*registration, kind string) error {
	if err := u.bodyOnly("register_" + kind); err != nil {
		return err
	}
	name, err := lib.Str(c, 1, "core.register_"+kind, 1)
	if err != nil {
		return err
	}
	if c.Kind(2) != vm.KindFunc {
		return lib.Wrong(c, 2, "core.register_"+kind, 2, "a function")
	}
	fn, err := c.Func(2)
	if err != nil {
		return err
	}
	_, err = u.add(table, kind, name, fn)
	return err
}

func (u *unit) registerInit(c *vm.Call) error {
	if err := u.bodyOnly("register_init"); err != nil {
		return err
	}
	if c.Kind(1) != vm.KindFunc {
		return lib.Wrong(c, 1, "core.register_init", 1, "a function")
	}
	fn, err := c.Func(1)
	if err != nil {
		return err
	}
	u.b.reg.inits = append(u.b.reg.inits, initFunc{u.index, fn})
	return nil
}

func (u *unit) registerCLI(c *vm.Call) error {
	if err := u.bodyOnly("register_cli"); err != nil {
		return err
	}
	t, err := c.Table(1)
	if err != nil {
		return lib.Wrong(c, 1, "core.register_cli", 1, "a table of words such as {\"show\", \"mine\"}")
	}
	var path []string
	for _, v := range t.Arr {
		s, ok := v.AsStr()
		if !ok || s == "" || strings.ContainsAny(s, " \t\r\n;") {
			return fmt.Errorf("core.register_cli: the path must be words")
		}
		path = append(path, s)
	}
	if len(path) == 0 {
		return fmt.Errorf("core.register_cli: the path is empty")
	}
	usage := c.Str(2)
	fn, err := c.Func(3)
	if err != nil {
		return err
	}
	for _, r := range u.b.reg.commands {
		if slices.Equal(r.path, path) {
			if r.shared || u.index < 2 {
				return fmt.Errorf("core.register_cli: '%s' is registered already", strings.Join(path, " "))
			}
			u.state.Release(fn) // a command runs in the first thread's state only
			return nil
		}
	}
	r := &registration{name: strings.Join(path, " "), shared: u.index == 0, path: path, usage: usage,
		fns: make([]vm.Ref, len(u.b.units))}
	r.fns[u.index] = fn
	u.b.reg.commands = append(u.b.reg.commands, r)
	return nil
}

// unknown is the error for a name that no script registered.
func unknown(kind, name string, table map[string]*registration) error {
	var names []string
	for n := range table {
		names = append(names, n)
	}
	sort.Strings(names)
	msg := fmt.Sprintf("no script registers the %s '%s'", kind, name)
	if hint := diag.DidYouMean(name, names); hint != "" {
		return fmt.Errorf("%s; %s", msg, hint)
	}
	if len(names) == 0 {
		return fmt.Errorf("%s; load it with lua-load in the global section", msg)
	}
	return fmt.Errorf("%s; there are: %s", msg, strings.Join(names, ", "))
}
