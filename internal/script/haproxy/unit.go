package haproxy

import (
	"context"
	"embed"
	"fmt"
	"regexp"
	"strings"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/txn"
	"eddy/internal/script/async"
	"eddy/internal/script/haproxy/lib"
	"eddy/internal/script/vm"
)

//go:embed prelude/*.lua
var preludes embed.FS

// preludeOrder lists the preludes; each uses what those before it left in the private table.
var preludeOrder = []string{
	"base", "core", "samples", "channel", "http", "reply", "txn", "applet", "proxy", "socket", "httpclient", "queue",
	"concat", "map", "regex", "smtp", "fifo", "modules",
}

// preludeMark starts every line of a traceback that is in a prelude.
const preludeMark = "[eddy] "

// unit is one Lua state with the functions that belong to it.
type unit struct {
	b      *Binding
	index  int // in Binding.units; 0 is the shared one
	state  *vm.State
	limits limits
	worker *workerUnit // what a state for handlers has beside that; nil: it is none
	desk   *async.Desk // nil without jobs
	fifos  unitFifos

	vars    map[string]varName        // interned variable names, under the state's lock
	regexes map[string]*regexp.Regexp // of rep_header and rep_value, under the state's lock
}

// spans of the view that a transaction's run carries; the preludes know them by these names.
const (
	spanRaw = iota
	spanMethod
	spanPath
	spanPathQ
	spanURL
	spanQuery
	spanCount
)

func (b *Binding) newUnit(index int, worker bool) (*unit, error) {
	u := &unit{b: b, index: index, vars: map[string]varName{}, regexes: map[string]*regexp.Regexp{}}
	u.limits = newLimits(&b.lua)
	if worker {
		u.worker = &workerUnit{preparing: true}
	}
	opts := vm.Options{
		MaxMem:      b.lua.MaxMem,
		ForcedYield: b.lua.ForcedYield,
		Warn:        func(text string) { b.log(nil, levelWarning, text) },
	}
	if b.lua.OpenLibsGiven {
		opts.OpenLibs = append([]string{}, b.lua.OpenLibs...)
	}
	var err error
	if u.state, err = vm.New(opts); err != nil {
		return nil, err
	}
	if err := u.open(); err != nil {
		u.state.Close()
		return nil, err
	}
	return u, nil
}

// open fills the new state.
func (u *unit) open() error {
	if setup := u.b.opts.Setup; setup != nil {
		if err := setup(u.state); err != nil {
			return err
		}
	}
	for _, part := range []lib.Funcs{
		u.registerFuncs(), u.coreFuncs(), u.timeFuncs(), u.queueFuncs(), u.sampleFuncs(), u.varFuncs(),
		u.txnFuncs(), u.channelFuncs(), u.httpFuncs(), u.appletFuncs(), u.fifoFuncs(),
		lib.Dates(), lib.Addresses(), lib.Regexes(), lib.Sockets(u.wait), lib.HTTPClient(u.wait, u.b.http),
		lib.Mail(u.wait, u.b.opts.Mail), lib.Maps(u.b.files, u.loading), u.b.dir.Funcs(),
	} {
		for name, f := range part {
			u.state.Register(name, f)
		}
	}
	facts := fmt.Sprintf("local P = ... P.thread = %d P.SPAN_RAW, P.SPAN_METHOD, P.SPAN_PATH, P.SPAN_PATHQ, P.SPAN_URL, "+
		"P.SPAN_QUERY = %d, %d, %d, %d, %d, %d", u.index, spanRaw, spanMethod, spanPath, spanPathQ, spanURL, spanQuery)
	if err := u.state.LoadPrelude("haproxy/facts", facts); err != nil {
		return err
	}
	for _, name := range preludeOrder {
		src, err := preludes.ReadFile("prelude/" + name + ".lua")
		if err != nil {
			return err
		}
		if err := u.state.LoadPrelude("haproxy/"+name, string(src)); err != nil {
			return err
		}
	}
	if err := u.state.LoadPrelude("haproxy/path", pathPrelude(u.b.lua.PrependPath)); err != nil || u.b.jobs == nil {
		return err
	}
	return u.openJobs()
}

// close ends the state; nothing runs in it any more.
func (u *unit) close() {
	if u.desk != nil {
		u.desk.Close()
	}
	u.state.Close()
}

// pathPrelude applies lua-prepend-path: later lines come to stand in front.
func pathPrelude(paths []model.LuaPath) string {
	var s strings.Builder
	for _, p := range paths {
		kind := p.Type
		if kind == "" {
			kind = "path"
		}
		fmt.Fprintf(&s, "if package then package.%s = %s .. ';' .. package.%s end\n", kind, luaQuote(p.Path), kind)
	}
	return s.String()
}

// luaQuote writes s as a Lua string literal.
func luaQuote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c > '~' {
			fmt.Fprintf(&b, "\\%03d", c)
		} else {
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// load runs a script's main chunk.
func (u *unit) load(l *model.LuaLoad) error {
	if u.worker == nil {
		u.b.reg.loading = u
		defer func() { u.b.reg.loading = nil }()
	}
	return u.state.LoadText(u.b.ctx, "@"+l.File, u.b.texts[l.File], l.Args)
}

// wait is lib.Wait for whatever runs in this state.
func (u *unit) wait(c *vm.Call, f func(ctx context.Context) vm.Resume) error {
	return u.owner(c).wait(c, f)
}

// loading tells whether a main chunk of this state is running.
func (u *unit) loading() bool {
	if u.worker != nil {
		return u.worker.preparing
	}
	return u.b.reg.loading == u && !u.b.reg.sealed
}

// owner is the call that a Func runs for. Main chunks and preludes have none of their own and get a bare one.
func (u *unit) owner(c *vm.Call) *call {
	if k, ok := c.Owner().(*call); ok {
		return k
	}
	return &call{b: u.b, u: u, ctx: u.b.ctx, what: "script"}
}

// self is the call of the transaction, applet or command that argument 1 stands for: objects work only inside the
// function that got them.
func (u *unit) self(c *vm.Call) (*call, error) {
	k, ok := c.Owner().(*call)
	h, isInt := c.Int(1)
	if !isInt {
		return nil, errNoSelf
	}
	if !ok || h>>handleShift != k.handle>>handleShift || k.handle == 0 {
		return nil, errStale
	}
	return k, nil
}

// selfTxn is self for what needs a transaction.
func (u *unit) selfTxn(c *vm.Call) (*call, *txn.Txn, error) {
	k, err := u.self(c)
	if err != nil {
		return nil, nil, err
	}
	if k.tx == nil {
		return nil, nil, errStale
	}
	return k, k.tx, nil
}

// wait runs f off the state's lock, on this goroutine. What an applet has written goes out first.
func (k *call) wait(c *vm.Call, f func(ctx context.Context) vm.Resume) error {
	return k.off(c, true, f)
}

// off is wait; flush says whether the applet's output has to reach the client before f runs.
func (k *call) off(c *vm.Call, flush bool, f func(ctx context.Context) vm.Resume) error {
	free := c.CanWait()
	return c.Wait(func(run context.Context) vm.Resume {
		k.free = free
		defer func() { k.free = false }()
		if k.parked != nil {
			k.parked.Store(1)
			defer k.parked.Store(0)
		}
		if k.applet != nil {
			k.applet.hand(flush)
		}
		ctx := k.ctx
		if end, bounded := run.Deadline(); bounded {
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(ctx, end)
			defer cancel()
		}
		return f(ctx)
	})
}
