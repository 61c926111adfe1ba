package sample

import (
	"strings"
	"testing"
	"time"

	"eddy/internal/config/expr"
	"eddy/internal/config/model"
	"eddy/internal/fastpath/http1"
	"eddy/internal/fastpath/sample/cast"
	"eddy/internal/fastpath/txn"
)

// logTx is a transaction that is over, with hostile bytes in its request.
func logTx(t testing.TB, env *Env) *txn.Txn {
	tx := testTx(t, env, "GET /a{b?c\"d=\\x]e HTTP/1.1\r\nHost: h\r\nX-H: a\"b{c|d}#]\\\xc3\xa9\tz\r\nCookie: x=0; SESS=abcdef; y=1\r\n\r\n")
	at := time.Unix(1795329408, 962e6).UTC()
	tx.Stage = txn.StageLog
	tx.Start = at.Add(5 * time.Millisecond)
	tx.Ready = at
	tx.Times = txn.Times{ReqHeaders: at.Add(7 * time.Millisecond), Queue: at.Add(10 * time.Millisecond),
		Connect: at.Add(14 * time.Millisecond), ResHeaders: at.Add(19 * time.Millisecond), End: at.Add(29 * time.Millisecond)}
	tx.HasRes = true
	tx.Res.BuildResponse(200, "")
	tx.Res.AddString("set-cookie", "SESS=zzz; path=/")
	tx.BytesIn, tx.BytesOut = 78, 196
	tx.Captures.Req = [][]byte{[]byte("a\"b{c|d}#]\\\xc3\xa9\tz"), nil}
	tx.Captures.Res = [][]byte{nil}
	tx.Err = [2]byte{'L', 'R'}
	tx.Front.Model.CaptureCookie = model.CaptureHeader{Name: "SESS=", Len: 8}
	tx.Vars.Set("h", cast.Str([]byte("a\"b{c|d}#]\\\xc3\xa9\tz")))
	return tx
}

// TestLogFormat: the texts are those of HAProxy 2.6 for the same request, but for expressions' values, whose unsafe
// bytes 2.6 lets through.
func TestLogFormat(t *testing.T) {
	env := testEnv()
	tx := logTx(t, env)
	for in, want := range map[string]string{
		"%ci:%cp %fi:%fp":                    "192.0.2.7:4711 127.0.0.1:80",
		"%T|%Tl|%Ts|%t|%ms":                  "22/Nov/2026:06:36:48 +0000|22/Nov/2026:06:36:48 +0000|1795329408|22/Nov/2026:06:36:48.962|962",
		"%tr|%trg|%trl":                      "22/Nov/2026:06:36:48.967|22/Nov/2026:06:36:48 +0000|22/Nov/2026:06:36:48 +0000",
		"%Th/%Ti/%TR/%Tq":                    "0/5/2/7",
		"%Tw/%Tc/%Tr/%Td":                    "3/4/5/10",
		"%Ta/%Tt/%Tu":                        "24/29/24",
		"%B %U %ST":                          "196 78 200",
		"%CC %CS":                            "SESS=abc SESS=zzz",
		"%H %pid":                            "box 77",
		"%HM %HU %HP %HPO":                   `GET /a{b?c#22d=\x]e /a{b /a{b`,
		"%HQ %HV %r":                         `?c#22d=\x]e HTTP/1.1 GET /a{b?c#22d=\x]e HTTP/1.1`,
		"%ID":                                "-",
		"%ac %fc %bc %sc":                    "0 0 0 0",
		"%rc %sq %bq":                        "0 0 0",
		"%b %f %ft %s":                       "f f f <NOSRV>",
		"%si %sp %bi %bp":                    "- - - -",
		"%hr|%hrl|%hs|%hsl":                  `{a#22b#7Bc#7Cd#7D#23]\#C3#A9#09z|}|a#22b#7Bc#7Cd#7D#23]\#C3#A9#09z -|{}|-`,
		"%ts %tsc":                           "LR LR--",
		"%rt %{+X}rt":                        "1234 04D2",
		"%{+X}ci %{+X}cp":                    "C0000207 1267",
		"%{+X}Ts %{+X}pid":                   "6B028D80 4D",
		"%{+X}ms":                            "3C2",
		"%{+Q}ci %{+Q}s":                     `"192.0.2.7" "<NOSRV>"`,
		"%{+Q}ST %{+Q}ID":                    `200 ""`,
		"%{+Q}o %ci %{-Q}ci":                 `"192.0.2.7" 192.0.2.7`,
		"%{+E}hr":                            `{a#22b#7Bc#7Cd#7D#23\]\\#C3#A9#09z|}`,
		"%{+E}HU":                            `/a{b?c#22d=\\x\]e`,
		"%[var(txn.h)]":                      `a"b{c|d}#]\#C3#A9#09z`,
		"%{+Q,+E}[var(txn.h)]":               `"a\"b{c|d}#\]\\#C3#A9#09z"`,
		"%[var(txn.n)] %{+Q}[var(txn.n)]":    `- ""`,
		"%[capture.req.hdr(1)]":              "-",
		"%[src] %{+X}[src] %{+X}[int(255)]":  "192.0.2.7 C0000207 FF",
		"%OG %sslc":                          "txn_close -",
		"%lc %lc":                            "0 1",
		"100%% a":                            "100% a",
		`{"ua":"%[var(txn.h),json(utf8s)]"}`: `{"ua":"a\"b{c|d}#]\\\u00e9\tz"}`,
	} {
		if got := string(format(t, env, in, expr.Log).Append(nil, tx)); got != want {
			t.Errorf("%s:\n got %s\nwant %s", in, got, want)
		}
	}
}

// TestRewritten: logs tell of the request as it was received.
func TestRewritten(t *testing.T) {
	env := testEnv()
	tx := testTx(t, env, "GET http://h/a?b HTTP/1.1\r\nHost: h\r\n\r\n")
	tx.Req.SetMethod([]byte("PUT"))
	tx.Req.SetTarget([]byte("/other?x"))
	const text = "%r|%HM|%HU|%HP|%HPO|%HQ|%[capture.req.method] %[capture.req.uri]|%[method] %[url]"
	want := "GET http://h/a?b HTTP/1.1|GET|http://h/a?b|http://h/a|/a|?b|GET /a?b|PUT /other?x"
	if got := string(format(t, env, text, expr.HTTPReq).Append(nil, tx)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	tx.Req.Reset()
	_, _ = tx.Req.ParseRequest([]byte("GET / x\r\n\r\n"), http1.Limits{MaxHeaders: 10, MaxHead: 1000})
	if got := string(format(t, env, "%{+Q}r", expr.Log).Append(nil, tx)); got != `"<BADREQ>"` {
		t.Errorf("a request that is none: %s", got)
	}
}

func TestDefaultLogLines(t *testing.T) {
	env := testEnv()
	tx := logTx(t, env)
	for in, want := range map[string]string{
		expr.HTTPLog: `192.0.2.7:4711 [22/Nov/2026:06:36:48.967] f f/<NOSRV> 2/3/4/5/24 200 196 SESS=abc SESS=zzz LR-- 0/0/0/0/0 0/0 ` +
			`{a#22b#7Bc#7Cd#7D#23]\#C3#A9#09z|} {} "GET /a{b?c#22d=\x]e HTTP/1.1"`,
		expr.TCPLog: `192.0.2.7:4711 [22/Nov/2026:06:36:48.962] f f/<NOSRV> 3/4/29 196 LR 0/0/0/0/0 0/0`,
		expr.HTTPLogCLF: `192.0.2.7 - - [22/Nov/2026:06:36:48 +0000] "GET /a{b?c#22d=\x]e HTTP/1.1" 200 196 "" "" 4711 962 "f" "f" "<NOSRV>" ` +
			`2 3 4 5 24 LR-- 0 0 0 0 0 0 0 "SESS=abc" "SESS=zzz" "a#22b#7Bc#7Cd#7D#23]\#C3#A9#09z" "" ""`,
		expr.DefaultLog("HTTP"): "Connect from 192.0.2.7:4711 to 127.0.0.1:80 (f/HTTP)",
	} {
		if got := string(format(t, env, in, expr.Log).Append(nil, tx)); got != want {
			t.Errorf("%s:\n got %s\nwant %s", in, got, want)
		}
	}
	tx.Captures = txn.Captures{}
	line := string(format(t, env, expr.HTTPLog, expr.Log).Append(nil, tx))
	if !strings.Contains(line, ` 0/0 "GET `) {
		t.Errorf("without captures their fields are not left out: %s", line)
	}
}

// TestHeaderFormat: in headers only what a header can't carry is escaped, and what is missing leaves nothing.
func TestHeaderFormat(t *testing.T) {
	env := testEnv()
	tx := logTx(t, env)
	tx.Stage = txn.StageHTTPReq
	tx.Vars.Set("evil", cast.Str([]byte("a\r\nb\x00c\x7f\xe9\t")))
	for in, want := range map[string]string{
		"%[var(txn.evil)]":                     "a%0D%0Ab%00c%7F\xe9\t",
		"%[var(txn.nosuch)]":                   "",
		"%{+Q}[var(txn.nosuch)]":               "",
		"%ci,%[req.hdr(nosuch)],%s,%b,%si,%ID": "192.0.2.7,,<NOSRV>,f,,",
		"%{+Q}[var(txn.h)]":                    "\"a\"b{c|d}#]\\\xc3\xa9\tz\"",
		"%HU":                                  "/a{b?c\"d=\\x]e",
		"%hr":                                  "{a\"b{c|d}#]\\\xc3\xa9\tz|}",
		"x  y":                                 "x  y",
		"%[bin(616200)]":                       "ab",
	} {
		if got := string(format(t, env, in, expr.HTTPReq).Append(nil, tx)); got != want {
			t.Errorf("%s:\n got %q\nwant %q", in, got, want)
		}
	}
	var none *Format
	if got := none.Append([]byte("x"), tx); string(got) != "x" {
		t.Errorf("no format appends %q", got)
	}
}

// TestAllocations: the common work on a request leaves nothing for the garbage collector.
func TestAllocations(t *testing.T) {
	env := testEnv()
	tx := logTx(t, env)
	tx.Stage = txn.StageHTTPReq
	line := make([]byte, 0, 4096)
	run := map[string]func(){}
	for _, text := range []string{
		"path", "method", "src", "hdr(host)", "req.hdr(x-h,1)", "req.fhdr(x-h)", "url", "query", "base", "req.cook(SESS)", "var(txn.h)", "dst_port",
		"path,lower", "src,ipmask(24)", "hdr(host),lower,concat(x)", "str(a,b)", "be_name", "urlp(c)", "hdr_cnt(x-h)", "path,field(2,/)", "int(3),add(2)",
		"path,crc32", "path,hex", "path,map_beg(beg.map,x)", "path,set-var(txn.p)", "path,url_dec", "path,xxh64", "path,base64", "date(3600),http_date",
		"date,utime(%Y%m%d)", "txn.sess_term_state",
	} {
		x := compile(t, env, strings.Replace(text, "str(a,b)", "str(a)", 1))
		run[text] = func() { x.Eval(tx) }
	}
	for _, text := range []string{
		"{ path_beg /a /b /c }", "{ hdr(host) -i h }", "{ hdr_dom(host) -i example }", "{ src 10.0.0.0/8 192.0.2.0/24 }", "METH_GET", "{ path -i -f paths.lst }",
		"{ hdr(x-h) -m found } or !{ ssl_fc }", "{ req.cook(SESS) abcdef }", "{ urlp(c) x }", "{ path_end -i .JPG .gif }", "{ dst_port 80 443 }",
		"{ path_len gt 3 }", "{ nbsrv lt 1 }", "{ path,lower /x }",
	} {
		c := condition(t, env, text)
		run[text] = func() { c.Holds(tx) }
	}
	for _, text := range []string{expr.HTTPLog, expr.TCPLog, expr.HTTPLogCLF, "%[src]:%[src_port] %[req.hdr(host),lower] %{+X}Ts"} {
		f := format(t, env, text, expr.Log)
		run[text] = func() { f.Append(line[:0], tx) }
	}
	run["script: path"] = func() { env.CallFetch(tx, "path", nil) }
	run["script: method"] = func() { env.CallFetch(tx, "method", nil) }
	for name, f := range run {
		if n := testing.AllocsPerRun(50, func() { f(); tx.Scratch.Reset(1 << 16) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// TestInitVars: set-var in the global section.
func TestInitVars(t *testing.T) {
	env := testEnv()
	x := &model.Expr{Fetch: model.Call{Name: "int", Args: []model.Arg{{Text: "5"}}}}
	env.InitVars([]model.SetVar{
		{Name: "proc.n", Expr: x},
		{Name: "proc.t", Fmt: &model.Format{Items: []model.FormatItem{{Text: "v="}, {Expr: &model.Expr{Fetch: model.Call{Name: "var", Args: []model.Arg{{Text: "proc.n"}}}}}}}},
	})
	tx := testTx(t, env, testRequest)
	if got := evaluate(t, env, tx, "var(proc.t)"); got != "[v=5]" {
		t.Error(got)
	}
	if got := evaluate(t, env, tx, "dump_all_vars(proc,n)"); got != "[proc.n=5]" {
		t.Error(got)
	}
}
