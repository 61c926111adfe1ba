package haproxy

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"eddy/internal/config/diag"
	"eddy/internal/config/model"
	"eddy/internal/fastpath/http1"
	"eddy/internal/fastpath/patfile"
	"eddy/internal/fastpath/proxy"
	"eddy/internal/fastpath/sample"
	"eddy/internal/fastpath/txn"
)

// logs is a Logger that remembers.
type logs struct {
	mu    sync.Mutex
	lines []string
	more  chan struct{}
}

func (l *logs) Log(px *proxy.Proxy, level int, text string) bool {
	name := "-"
	if px != nil {
		name = px.Name
	}
	l.mu.Lock()
	l.lines = append(l.lines, fmt.Sprintf("%s %s %s", name, levelName(level), text))
	l.mu.Unlock()
	select {
	case l.more <- struct{}{}:
	default:
	}
	return true
}

func (l *logs) all() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

// await waits until a line has text in it.
func (l *logs) await(t *testing.T, text string) string {
	t.Helper()
	over := time.After(20 * time.Second)
	for {
		l.mu.Lock()
		for _, line := range l.lines {
			if strings.Contains(line, text) {
				l.mu.Unlock()
				return line
			}
		}
		l.mu.Unlock()
		select {
		case <-l.more:
		case <-over:
			t.Fatalf("no log line with %q; there are:\n%s", text, l.all())
		}
	}
}

// control is the stream of a test.
type control struct {
	body     []byte
	complete bool
	payload  [2][]byte
	ended    [2]bool
	arrives  [][]byte // what WaitBody brings in, a piece each time
	closed   string
}

func (c *control) WaitBody(dir txn.Dir, atLeast int, _ time.Duration) (bool, error) {
	for len(c.arrives) > 0 && (atLeast == 0 || len(c.payload[dir])+len(c.body) < atLeast) {
		c.payload[dir] = append(c.payload[dir], c.arrives[0]...)
		c.arrives = c.arrives[1:]
	}
	if len(c.arrives) == 0 {
		c.ended[dir] = true
	}
	return c.ended[dir], nil
}
func (c *control) Body(txn.Dir) ([]byte, bool)       { return c.body, c.complete }
func (c *control) Payload(d txn.Dir) ([]byte, bool)  { return c.payload[d], c.ended[d] }
func (c *control) SetPayload(d txn.Dir, data []byte) { c.payload[d] = data }
func (c *control) ExpectProxy() error                { return nil }
func (c *control) Close(silent bool)                 { c.closed = fmt.Sprint("closed silent=", silent) }

// bench is a binding with a script in it.
type bench struct {
	*Binding
	logs *logs
	env  *sample.Env
	dir  string
}

// show makes the results of a script comparable: every value as Lua text, tables sorted.
const show = `
function show(...)
  local function one(v)
    if type(v) == "table" then
      local t = {}
      for k, x in pairs(v) do t[#t + 1] = tostring(k) .. "=" .. one(x) end
      table.sort(t)
      return "{" .. table.concat(t, " ") .. "}"
    elseif type(v) == "string" then
      return "'" .. v .. "'"
    end
    return tostring(v)
  end
  local out = {}
  for i = 1, select("#", ...) do out[i] = one((select(i, ...))) end
  return table.concat(out, " ")
end
`

type change func(*Options)

// open makes a binding and loads script into it.
func open(t testing.TB, script string, changes ...change) *bench {
	t.Helper()
	b, problems := load(t, script, changes...)
	for _, p := range problems.All() {
		t.Fatalf("%v: %s", p.Pos, p.Text)
	}
	return b
}

// load is open for scripts that may have problems.
func load(t testing.TB, script string, changes ...change) (*bench, *diag.List) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "test.lua")
	if err := os.WriteFile(path, []byte(script), 0o644); err != nil {
		t.Fatal(err)
	}
	lua := &model.Lua{
		Loads: []model.LuaLoad{{File: path, Pos: diag.Pos{File: "t.cfg", Line: 2, Col: 3}}}, LogLoggers: true, LogStderr: "off",
		BurstTimeout: time.Second, SessionTime: 4 * time.Second, ServiceTime: 4 * time.Second,
		PrependPath: []model.LuaPath{{Path: dir + "/?.lua"}},
	}
	l := &logs{more: make(chan struct{}, 1)}
	env := &sample.Env{Proc: &txn.ProcVars{}, Files: &patfile.Store{Dir: dir}, Proxies: testProxies()}
	o := Options{Lua: lua, Env: env, Logger: l, Threads: 2}
	for _, c := range changes {
		c(&o)
	}
	b, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	problems := new(diag.List)
	b.Load(problems)
	return &bench{b, l, env, dir}, problems
}

// testProxies is a frontend "fe" with a listener and a backend "be" with two servers.
func testProxies() *proxy.Set {
	fe := &proxy.Proxy{Name: "fe", ID: 2, Model: &model.Proxy{Name: "fe", Side: model.Frontend, Mode: model.ModeHTTP, MaxConn: 100}}
	fe.Listeners = []*proxy.Listener{{Model: &model.Bind{}, ID: 1, Addr: "127.0.0.1:80"}}
	be := &proxy.Proxy{Name: "be", ID: 3, Model: &model.Proxy{Name: "be", Side: model.Backend, Mode: model.ModeHTTP,
		Balance: model.Balance{Algo: "roundrobin"}}}
	for i, name := range []string{"s1", "s2"} {
		s := &proxy.Server{Name: name, ID: i + 1, Proxy: be, Model: &model.Server{Name: name, Weight: 20, Backup: name == "s2"}}
		ap := netip.MustParseAddrPort("10.0.0.1:8080")
		s.Addr.Store(&ap)
		s.Weight.Store(20)
		s.MaxCon.Store(7)
		s.Up.Store(true)
		be.Servers = append(be.Servers, s)
	}
	return proxy.NewSet([]*proxy.Proxy{fe, be})
}

const plainRequest = "POST /a/b?q=1&r=2 HTTP/1.1\r\nHost: Example.org\r\nX-Multi: abc, def\r\nx-multi: ghi\r\nContent-Length: 4\r\n\r\n"

// request makes a transaction at the http-request stage out of raw, head and body.
func (b *bench) request(t testing.TB, raw string) *txn.Txn {
	t.Helper()
	tx := &txn.Txn{Stage: txn.StageHTTPReq, Mode: model.ModeHTTP, Front: b.env.Proxies.All[0], Proc: b.env.Proc, LogLevel: -1}
	tx.Conn = &txn.Conn{Src: netip.MustParseAddrPort("192.0.2.7:51000"), Dst: netip.MustParseAddrPort("192.0.2.1:80"), Accepted: time.Now()}
	n, err := tx.Req.ParseRequest([]byte(raw), http1.Limits{MaxHeaders: 101, MaxHead: 16384})
	if err != nil || n == 0 {
		t.Fatalf("request: %d, %v", n, err)
	}
	tx.Control = &control{body: []byte(raw[n:]), complete: true}
	t.Cleanup(func() { end(tx) })
	return tx
}

// stream makes a transaction of mode tcp with data waiting.
func (b *bench) stream(t testing.TB, data string) (*txn.Txn, *control) {
	t.Helper()
	c := &control{payload: [2][]byte{[]byte(data), nil}}
	tx := &txn.Txn{Stage: txn.StageReqContent, Mode: model.ModeTCP, Front: b.env.Proxies.All[0], Proc: b.env.Proc, LogLevel: -1,
		Conn: &txn.Conn{Src: netip.MustParseAddrPort("192.0.2.7:51000")}, Control: c}
	t.Cleanup(func() { end(tx) })
	return tx, c
}

// respond gives the transaction the server's answer and puts it into the http-response stage.
func respond(t testing.TB, tx *txn.Txn, raw string) {
	t.Helper()
	n, err := tx.Res.ParseResponse([]byte(raw), http1.Limits{MaxHeaders: 101, MaxHead: 16384}, []byte("GET"))
	if err != nil || n == 0 {
		t.Fatalf("response: %d, %v", n, err)
	}
	tx.HasRes, tx.Stage = true, txn.StageHTTPRes
	tx.Control.(*control).body = []byte(raw[n:])
}

func end(tx *txn.Txn) {
	if tx.Script != nil {
		tx.Script.Close()
	}
}

// run runs a registered action of the right rule list on tx.
func (b *bench) run(t testing.TB, tx *txn.Txn, name string, args ...string) txn.Verdict {
	t.Helper()
	ctx := map[txn.Stage]string{txn.StageHTTPReq: "http-req", txn.StageHTTPRes: "http-res", txn.StageReqContent: "tcp-req-cont"}[tx.Stage]
	a := &model.Action{Name: "lua", Sub: name}
	for _, s := range args {
		a.Args = append(a.Args, model.Param{Text: s})
	}
	act, err := b.Action(a, ctx)
	if err != nil {
		t.Fatal(err)
	}
	return act.Exec(tx)
}

// every is a script whose action "t" evaluates body and leaves what it returned in txn.out.
func every(body string) string {
	return show + `
core.register_action("t", {"tcp-req", "http-req", "http-res"}, function(txn)
  local function body()
` + body + `
  end
  txn:set_var("txn.out", show(body()))
end)`
}

// eval runs body as an action on tx and gives what it returned as text, or the error it logged.
func eval(t testing.TB, body string, make func(b *bench) *txn.Txn) string {
	t.Helper()
	b := open(t, every(body))
	return b.evalOn(t, make(b))
}

func (b *bench) evalOn(t testing.TB, tx *txn.Txn) string {
	t.Helper()
	b.run(t, tx, "t")
	v, ok := tx.Vars.Get("out")
	if !ok {
		return b.logs.all()
	}
	return string(v.B)
}

// like compares text with a pattern in which '*' stands for anything.
func like(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if !strings.HasPrefix(text, parts[0]) {
		return false
	}
	text = text[len(parts[0]):]
	for i, p := range parts[1:] {
		at := strings.Index(text, p)
		if i == len(parts)-2 && p != "" {
			return strings.HasSuffix(text, p)
		}
		if at < 0 {
			return false
		}
		text = text[at+len(p):]
	}
	return len(parts) > 1 || text == ""
}

func check(t *testing.T, got, want string) {
	t.Helper()
	if !like(want, got) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
