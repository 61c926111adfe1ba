package sample

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"eddy/internal/config/diag"
	"eddy/internal/config/expr"
	"eddy/internal/config/model"
	"eddy/internal/fastpath/http1"
	"eddy/internal/fastpath/patfile"
	"eddy/internal/fastpath/proxy"
	"eddy/internal/fastpath/sample/cast"
	"eddy/internal/fastpath/txn"
)

// buffers is a stream that has these bytes buffered.
type buffers struct {
	txn.Control
	req, res string
	body     string
	done     bool
}

func (b *buffers) Payload(d txn.Dir) ([]byte, bool) {
	if d == txn.Res {
		return []byte(b.res), b.done
	}
	return []byte(b.req), b.done
}

func (b *buffers) Body(txn.Dir) ([]byte, bool) { return []byte(b.body), true }

func testEnv() *Env {
	px := &proxy.Proxy{Model: &model.Proxy{Name: "f", Side: model.Listen}, Name: "f", ID: 3}
	px.Model.Timeouts.Client = 5 * time.Second
	for i, name := range []string{"s1", "s2"} {
		s := &proxy.Server{Model: &model.Server{Name: name, Weight: 10, MaxQueue: 5}, Proxy: px, Name: name, ID: i + 1}
		s.Up.Store(true)
		s.Weight.Store(10)
		s.MaxCon.Store(20)
		s.Conns.Store(int64(i))
		px.Servers = append(px.Servers, s)
	}
	px.Servers[1].Admin.Store(int32(proxy.Maint))
	return &Env{
		Proxies: proxy.NewSet([]*proxy.Proxy{px}), Proc: &txn.ProcVars{}, Files: &patfile.Store{Dir: "testdata"},
		Process: Process{Hostname: "box", Version: "1.2", PID: 77, Threads: 2, Started: time.Now()},
	}
}

const testRequest = "GET /a/b.html?q=1&p=a%20b;r=3&e=&q=2 HTTP/1.1\r\n" +
	"Host: Ex.com:8080\r\nX-L: a,b , c\r\nX-L: d\r\nX-Q: x;q=\"a,b\", y\r\n" +
	"Cookie: a=1; b=2;a=3; c; =e; d = \"q z\" \r\nCookie: a=9\r\n" +
	"X-IP: 1.2.3.4, 5.6.7.8:80, [::1]:90, ::2, x\r\nX-E: \r\nX-N: 65\r\n" +
	"Authorization: Basic dXNlcjpwYXNzOncK\r\n\r\n"

const testJSON = `{"a":{"b":[1,2,{"c":true}]},"f":1.5,"i":4,"n":null,"s":"x\"y","my.key":"v","big":12345678901234567890,` +
	`"t":true,"o":{"b":1}}`

// testTx is a transaction in http-request rules that holds the request.
func testTx(t testing.TB, env *Env, head string) *txn.Txn {
	t.Helper()
	tx := &txn.Txn{
		Stage: txn.StageHTTPReq, Mode: model.ModeHTTP, Front: env.Proxies.All[0], Proc: env.Proc, ID: 1234,
		Conn: &txn.Conn{
			Src: netip.MustParseAddrPort("192.0.2.7:4711"), Dst: netip.MustParseAddrPort("127.0.0.1:80"),
			RealSrc: netip.MustParseAddrPort("192.0.2.7:4711"), RealDst: netip.MustParseAddrPort("127.0.0.1:80"),
			Accepted: time.Unix(1795329408, 962e6), Reqs: 1,
			Listener: &proxy.Listener{Name: "b1", ID: 9},
		},
		Control: &buffers{body: "a=1&b=%20&A=3"},
	}
	n, err := tx.Req.ParseRequest([]byte(head), http1.Limits{MaxHeaders: 101, MaxHead: 16384})
	if n != len(head) || err != nil {
		t.Fatalf("parsing the request: %d, %v", n, err)
	}
	tx.Vars.Set("s", cast.Str([]byte("hello")))
	tx.Vars.Set("i", cast.Num(7))
	tx.Vars.Set("lang", cast.Str([]byte("de;q=0.5,fr,en;q=0.8")))
	tx.Vars.Set("json", cast.Str([]byte(testJSON)))
	tx.Vars.Set("b", cast.Bin([]byte("\x00\xff\x10")))
	return tx
}

// compile parses and builds an expression; problems fail the test.
func compile(t testing.TB, env *Env, text string) *Expr {
	t.Helper()
	var list diag.List
	m, _ := expr.ParseExpr(&expr.Ctx{Diags: &list, Mode: model.ModeHTTP}, []expr.Word{{Text: text}})
	if m == nil {
		t.Fatalf("%s: %v", text, list.All())
	}
	env.Problems = &list
	x := env.Expr(m)
	if list.Failed() {
		t.Fatalf("%s: %v", text, list.All())
	}
	return x
}

// evaluate gives the value as text in brackets, or "none".
func evaluate(t testing.TB, env *Env, tx *txn.Txn, text string) string {
	t.Helper()
	v, ok := compile(t, env, text).Eval(tx)
	if !ok {
		return "none"
	}
	return "[" + string(cast.Append(nil, v)) + "]"
}

func condition(t testing.TB, env *Env, text string) *Cond {
	t.Helper()
	var list diag.List
	var words []expr.Word
	for _, f := range strings.Fields("if " + text) {
		words = append(words, expr.Word{Text: strings.ReplaceAll(f, "·", " ")})
	}
	m := expr.ParseCond(&expr.Ctx{Diags: &list, Mode: model.ModeHTTP}, words)
	if m == nil {
		t.Fatalf("%s: %v", text, list.All())
	}
	env.Problems = &list
	c := env.Cond(m)
	if list.Failed() {
		t.Fatalf("%s: %v", text, list.All())
	}
	return c
}

func format(t testing.TB, env *Env, text string, scope expr.Scope) *Format {
	t.Helper()
	var list diag.List
	m := expr.ParseFormat(&expr.Ctx{Diags: &list, Scope: scope, Mode: model.ModeHTTP}, expr.Word{Text: text})
	if m == nil {
		t.Fatalf("%s: %v", text, list.All())
	}
	env.Problems = &list
	f := env.Format(m)
	if list.Failed() {
		t.Fatalf("%s: %v", text, list.All())
	}
	return f
}

func captureHeader(name string, n int) model.CaptureHeader {
	return model.CaptureHeader{Name: name, Len: n}
}
