package async

import (
	"embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"eddy/internal/base/value"
	"eddy/internal/config/diag"
	"eddy/internal/offpath/queue"
	"eddy/internal/script/vm"
)

//go:embed prelude/*.lua
var preludes embed.FS

// Options of Install.
type Options struct {
	Owner *Owner // nil: the state is there to see what a script registers; it can't push
	Lane  Lane   // nil with Owner nil only
	// Worker says that the state is there for handlers: async.handler registers what is to run.
	Worker bool
}

// Desk is one state's part of the off path.
type Desk struct {
	opts  Options
	state *vm.State

	// what the script registered: written while it is loaded
	names    Names
	handlers map[string]vm.Ref // of a worker's state

	takersMu sync.Mutex
	takers   map[takerKey]vm.Ref // onresult and onerror by name
	closed   bool

	// under the state's lock
	queues  []*queue.Queue
	indices map[string]int // of queues
	words   map[string]string
	fields  Fields // of the push in progress, and where it stands
	at      Site
	known   map[string]bool // handlers that exist; they never go
}

// Install puts the module async into a state. It belongs behind the preludes of the state's library and before
// vm.State.KeepKnown.
func Install(s *vm.State, o Options) (*Desk, error) {
	d := &Desk{opts: o, state: s, names: newNames(), handlers: map[string]vm.Ref{}, takers: map[takerKey]vm.Ref{}, indices: map[string]int{},
		words: map[string]string{}, known: map[string]bool{}}
	for name, f := range map[string]vm.Func{
		"async_handler":  d.handler,
		"async_onresult": func(c *vm.Call) error { return d.named(c, "async.onresult", d.names.OnResult, false) },
		"async_onerror":  func(c *vm.Call) error { return d.named(c, "async.onerror", d.names.OnError, true) },
		"async_queue":    d.queue,
		"async_push":     d.push,
		"async_field":    d.field,
		"async_size":     d.size,
		"async_stats":    d.stats,
		"async_await":    d.await,
		"async_give_up":  d.giveUp,
	} {
		s.Register(name, f)
	}
	src, err := preludes.ReadFile("prelude/async.lua")
	if err != nil {
		return nil, err
	}
	return d, s.LoadPrelude("async", string(src))
}

// Names are what the script in the state has registered. It is for after it was loaded.
func (d *Desk) Names() Names { return d.names }

// Close is for before the state's end: names that were registered there have no taker there any more.
func (d *Desk) Close() {
	d.takersMu.Lock()
	d.closed = true
	d.takersMu.Unlock()
	if d.opts.Owner != nil {
		d.opts.Owner.shared.Owners.remove(d)
	}
}

func (d *Desk) shared() *Shared { return d.opts.Owner.shared }

// errProbe is what a script gets to see that pushes while it is looked at.
var errProbe = errors.New("jobs can't be pushed, and queues not be asked for, while the file is loaded")

// site is Lane.Site, for what needs queues.
func (d *Desk) site(c *vm.Call) (Site, error) {
	if d.opts.Owner == nil {
		return Site{}, errProbe
	}
	return d.opts.Lane.Site(c), nil
}

// loading says whether names may be registered.
func (d *Desk) loading(c *vm.Call) bool { return d.opts.Owner == nil || d.opts.Lane.Site(c).Loading }

// registers reads what all three ways to register have in common: a name and a function.
func (d *Desk) registers(c *vm.Call, what string) (name string, err error) {
	switch {
	case !d.loading(c):
		return "", fmt.Errorf("%s: only while the script is loaded, not from a function that runs later", what)
	case c.Kind(1) != vm.KindStr:
		return "", fmt.Errorf("%s: argument 1 must be a name, not a %s", what, c.Kind(1))
	case c.Kind(2) != vm.KindFunc:
		return "", fmt.Errorf("%s: argument 2 must be a function, not a %s", what, c.Kind(2))
	}
	name = c.Str(1)
	if name == "" || len(name) > maxName || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return "", fmt.Errorf("%s: %q can't be a name: it has 1 to %d characters, and no spaces among them", what, name, maxName)
	}
	return name, nil
}

// handler: async_handler(name, function)
func (d *Desk) handler(c *vm.Call) error {
	name, err := d.registers(c, "async.handler")
	if err != nil {
		return err
	}
	where := c.Where()
	if was, twice := d.names.Handlers[name]; twice {
		return fmt.Errorf("async.handler: '%s' is registered already, at %s", name, was)
	}
	if d.opts.Owner != nil && !d.opts.Worker {
		if err := d.opts.Owner.handler(name, where); err != nil {
			return err
		}
	}
	d.names.Handlers[name] = where
	if d.opts.Worker {
		d.handlers[name], err = c.Func(2)
	}
	return err
}

// named: async_onresult(name, function), async_onerror(name, function)
func (d *Desk) named(c *vm.Call, what string, names map[string]string, failed bool) error {
	name, err := d.registers(c, what)
	if err != nil {
		return err
	}
	where := c.Where()
	if was, twice := names[name]; twice {
		return fmt.Errorf("%s: '%s' is registered already, at %s", what, name, was)
	}
	names[name] = where
	o := d.opts.Owner
	if o == nil || d.opts.Worker {
		return nil
	}
	known := o.names.OnResult
	if failed {
		known = o.names.OnError
	}
	if err := o.note(what, known, name, where); err != nil {
		return err
	}
	fn, err := c.Func(2)
	if err != nil {
		return err
	}
	k := takerKey{o.name, name, failed}
	d.takersMu.Lock()
	d.takers[k] = fn
	d.takersMu.Unlock()
	o.shared.Owners.add(k, d)
	return nil
}

// Queue finds a queue by its name.
func (d *Desk) Queue(name string) (*queue.Queue, error) {
	set := d.shared().Queues
	if q, ok := set.Queue(name); ok {
		return q, nil
	}
	var names []string
	for _, q := range set.All() {
		names = append(names, q.Name())
	}
	return nil, fmt.Errorf("async.queue: there is no queue '%s'; %s", name, choose(name, names, "write a section 'queue "+name+"'"))
}

// choose says which of the names could be meant, or what to do when there are none.
func choose(word string, names []string, otherwise string) string {
	if hint := diag.DidYouMean(word, names); hint != "" {
		return hint
	}
	if len(names) == 0 {
		return otherwise
	}
	slices.Sort(names)
	return "there are: " + strings.Join(names, ", ")
}

// queue: async_queue(name) gives its number.
func (d *Desk) queue(c *vm.Call) error {
	if d.opts.Owner == nil {
		c.PushInt(0) // a file may keep its queues in variables
		return nil
	}
	if c.Kind(1) != vm.KindStr {
		return fmt.Errorf("async.queue: the name must be a string, not a %s", c.Kind(1))
	}
	name := c.Str(1)
	i, ok := d.indices[name]
	if !ok {
		q, err := d.Queue(name)
		if err != nil {
			return err
		}
		i = len(d.queues)
		d.queues = append(d.queues, q)
		d.indices[name] = i
	}
	c.PushInt(int64(i))
	return nil
}

var errNoQueue = errors.New("this is no queue; make one with async.queue(), and call its methods with ':'")

// arg is the queue with the number in argument 1.
func (d *Desk) arg(c *vm.Call) (*queue.Queue, error) {
	if d.opts.Owner == nil {
		return nil, errProbe
	}
	i, ok := c.Int(1)
	if !ok || c.Kind(1) != vm.KindInt || i < 0 || i >= int64(len(d.queues)) {
		return nil, errNoQueue
	}
	return d.queues[i], nil
}

// word gives a text as a string that is made once: names come again and again.
func (d *Desk) word(b []byte) string {
	if s, ok := d.words[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(d.words) < maxWords {
		d.words[s] = s
	}
	return s
}

// exists says whether there is a handler of that name. The state's lock is held.
func (d *Desk) exists(handler string) bool {
	if d.known[handler] {
		return true
	}
	ok := d.shared().Handlers.Has(handler)
	if ok && len(d.known) < maxWords {
		d.known[handler] = true
	}
	return ok
}

// maxWords bounds what word remembers.
const maxWords = 1024

// Encode gives argument i as a payload; what names it in messages. nil is no payload.
func (d *Desk) Encode(c *vm.Call, i int, what string) ([]byte, error) {
	var b []byte
	switch c.Kind(i) {
	case vm.KindNil:
		return nil, nil
	case vm.KindStr:
		b = make([]byte, 0, 5+len(c.Bytes(i)))
	}
	b, err := c.AppendEncoded(b, i)
	if err == nil {
		return b, nil
	}
	if errors.Is(err, vm.ErrNotPlain) {
		return nil, fmt.Errorf("%s %s: a job holds strings, numbers, booleans, and tables of these", misplaced(c, i, what), err)
	}
	return nil, fmt.Errorf("%s: %w", what, err)
}

// misplaced names what is no plain data in argument i.
func misplaced(c *vm.Call, i int, what string) string {
	v, err := c.Value(i)
	if err != nil {
		return what
	}
	var path func(v value.Value) (string, bool)
	path = func(v value.Value) (string, bool) {
		t, ok := v.AsTable()
		if !ok {
			return "", v.Kind > value.KindTable
		}
		for n, item := range t.Arr {
			if p, found := path(item); found {
				return fmt.Sprintf("[%d]%s", n+1, p), true
			}
		}
		for _, pair := range t.Map {
			if p, found := path(pair.Value); found {
				if key, ok := pair.Key.AsStr(); ok {
					return "." + key + p, true
				}
				return "[...]" + p, true
			}
		}
		return "", false
	}
	p, _ := path(v)
	if ref, ok := vm.RefOf(v); ok {
		c.State().Release(ref)
	}
	return what + p
}
