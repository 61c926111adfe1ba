package haproxy

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"eddy/internal/fastpath/txn"
)

// TestAction runs each function of the classes that an action sees.
func TestAction(t *testing.T) {
	tests := []struct{ name, body, want string }{
		{"classes", `return tostring(txn), tostring(txn.f), tostring(txn.sf), tostring(txn.c), tostring(txn.req), tostring(txn.http), tostring(txn.http_req), tostring(txn:reply())`,
			"'HAProxy class TXN' 'HAProxy class Fetches' 'HAProxy class Fetches' 'HAProxy class Converters' 'HAProxy class Channel' 'HAProxy class HTTP' 'HAProxy class HTTPMessage' 'HAProxy class Reply'"},
		{"members stay", `return txn.f == txn.f, txn.req == txn.req, txn.nothing`, "true true nil"},
		{"request line", `return txn.f:method(), txn.f:path(), txn.f:url(), txn.f:query(), txn.sf:method()`, "'POST' '/a/b' '/a/b?q=1&r=2' 'q=1&r=2' 'POST'"},
		{"addresses", `return txn.f:src(), txn.f:src_port(), txn.f:dst_port(), math.type(txn.f:src_port())`, "'192.0.2.7' 51000 80 'integer'"},
		{"headers", `return txn.f:hdr("x-multi"), txn.f:hdr("x-multi", 1), txn.f:req_hdr("host"), txn.f["req.hdr"](txn.f, "host")`, "'ghi' 'abc' 'Example.org' 'Example.org'"},
		{"no sample", `return txn.f:hdr("none"), txn.sf:hdr("none"), txn.f:hdr_cnt("x-multi"), txn.sf:hdr_cnt("x-multi")`, "nil '' 3 '3'"},
		{"booleans", `return txn.f:ssl_fc(), txn.sf:ssl_fc()`, "0 '0'"},
		{"unknown fetch", `return txn.f.no_such`, "nil"},
		{"unknown fetch called", `return txn.f:no_such()`, "*test.lua:*attempt to call a nil value (method 'no_such')*"},
		{"bad argument", `return txn.f:hdr({})`, "*hdr: argument 1 must be a string, not table*"},
		{"converters", `return txn.c:lower("ABC"), txn.c:base64("abc"), txn.c:add(3, 4), txn.c:field("a,b,c", 2, ","), txn.sc:length("abc"), txn.c:hex("abc")`,
			"'abc' 'YWJj' 7 'b' '3' '616263'"},
		{"converter ip", `return txn.c:ipmask("10.1.2.3", 8), txn.c:bool(3)`, "'10.0.0.0' 1"},
		{"vars", `txn:set_var("txn.a", "s"); txn:set_var("req.b", 3); txn:set_var("sess.c", true); txn:set_var("proc.d", 2.9)
			return txn:get_var("txn.a"), txn:get_var("req.b"), txn:get_var("sess.c"), txn:get_var("proc.d"), core.get_var("proc.d"), txn:get_var("txn.none")`,
			"'s' 3 1 2 2 nil"},
		{"vars return", `return txn:set_var("txn.a", "s"), txn:set_var("nonsense", 1), txn:set_var("proc.zz", 1, true), txn:unset_var("txn.a"), txn:get_var("txn.a")`, "true false false true nil"},
		{"var nil", `return txn:set_var("txn.n", nil), txn:get_var("txn.n")`, "true 0"},
		{"priv", `local none = txn:get_priv(); txn:set_priv({a = 1}); local t = txn:get_priv(); t.b = 2; return none, txn:get_priv()`, "nil {a=1 b=2}"},
		{"req_get_headers", `return txn.http:req_get_headers()`, "{content-length={0='4'} host={0='Example.org'} x-multi={0='abc, def' 1='ghi'}}"},
		{"change headers", `local h = txn.http
			h:req_add_header("X-New", "v"); h:req_add_header("X-Num", 12); h:req_del_header("x-multi"); h:req_set_header("Host", "b")
			return h:req_get_headers()`, "{content-length={0='4'} host={0='b'} x-new={0='v'} x-num={0='12'}}"},
		{"rep_header", `txn.http:req_rep_header("x-multi", "^(.)(.*)$", "\\2\\1"); return txn.http:req_get_headers()["x-multi"]`, "{0='bc, defa' 1='hig'}"},
		{"rep_value", `txn.http:req_rep_value("x-multi", "^(.)(.*)$", "[\\2\\1]"); return txn.http:req_get_headers()["x-multi"]`, "{0='[bca], [efd]' 1='[hig]'}"},
		{"bad regex", `return txn.http:req_rep_value("x-multi", "(", "x")`, "*rep_value: invalid regular expression*"},
		{"header with line break", `return txn.http:req_add_header("x", "a\r\nb: c")`, "*values have no line breaks*"},
		{"set path", `return txn.http:req_set_path("/new"), txn.f:path(), txn.f:url(), txn.http:req_set_query("b=1"), txn.f:query(), txn.http:req_set_uri("/u?v"), txn.f:url(), txn.f:path(), txn.http:req_set_method("PUT"), txn.f:method()`,
			"true '/new' '/new?q=1&r=2' true 'b=1' true '/u?v' '/u' true 'PUT'"},
		{"set path refused", `return txn.http:req_set_path("/a b"), txn.f:path()`, "false '/a/b'"},
		{"no response yet", `return txn.http:res_get_headers()`, "*there is no response yet*"},
		{"dup", `return txn.req:dup()`, "'" + plainRequest + "body'"},
		{"data", `return txn.req:data(0, 4), txn.req:data(-4), txn.req:line(), txn.req:input(), txn.req:length(), txn.req:get_in_len(), txn.req:output(), txn.req:get_out_len()`,
			"'POST' 'body' 'POST /a/b?q=1&r=2 HTTP/1.1\r\n' 105 105 105 0 0"},
		{"get", `return txn.req:getline(), #txn.req:get(), txn.req:get(), #txn.req:dup()`, "'POST /a/b?q=1&r=2 HTTP/1.1\r\n' 77 nil 105"},
		{"channel facts", `return txn.req:is_resp(), txn.res:is_resp(), txn.req:is_full(), txn.req:may_recv(), txn.res:dup()`, "false true false false nil"},
		{"no writes", `return txn.req:append("x")`, "*a channel cannot be changed in mode http*"},
		{"http_req", `local m = txn.http_req; return m:get_stline(), m:get_headers().host, m:is_resp(), m:body(), m:body(1, 2), m:input(), m:eom(), m.channel:is_resp()`,
			"{method='POST' uri='/a/b?q=1&r=2' version='HTTP/1.1'} {0='Example.org'} false 'body' 'od' 4 true false"},
		{"http_req changes", `local m = txn.http_req; m:add_header("a", "1"); m:set_header("host", "h"); m:del_header("x-multi"); m:rep_header("a", "1", "2"); m:rep_value("a", "2", "3"); m:set_method("GET"); m:set_path("/p"); m:set_query("q"); return m:get_headers(), m:get_stline(), m:set_uri("/x"), txn.f:url()`,
			"{a={0='3'} content-length={0='4'} host={0='h'}} {method='GET' uri='/p?q' version='HTTP/1.1'} true '/x'"},
		{"reply", `local r = txn:reply(); r:set_status(404); r:add_header("a", "b"); r:add_header("a", 3); r:add_header("gone", 1); r:del_header("gone"); r:set_body("x"); return r`,
			"{body='x' headers={a={1='b' 2='3'}} reason='Not Found' status=404}"},
		{"reply bad", `return txn:reply("x")`, "*txn:reply: give a table*"},
		{"log level", `txn:set_loglevel(3); return pcall(txn.set_loglevel, txn, 30)`, "false '*bad log level 30*"},
		{"harmless", `return txn:set_tos(3), txn:set_mark(3), txn:set_fc_tos(1), txn:set_fc_mark(1), txn:set_priority_class(3), txn:set_priority_offset(1), txn:is_http()`, "nil nil nil nil nil nil true"},
		{"thread", `return core.thread`, "0"},
		{"core.tokenize", `return core.tokenize("a,b,,c,", ","), core.tokenize("a,b,,c,", ",", true), core.tokenize("", ","), core.tokenize("", ",", true), core.tokenize("abc", ""), core.tokenize("a]b^c-d%e", "]^-%")`,
			"{1='a' 2='b' 3='' 4='c' 5=''} {1='a' 2='b' 3='c'} {1=''} {} {1='abc'} {1='a' 2='b' 3='c' 4='d' 5='e'}"},
		{"dates", `return core.imf_date("Sun, 06 Nov 1994 08:49:37 GMT"), core.rfc850_date("Sunday, 06-Nov-94 08:49:37 GMT"), core.asctime_date("Sun Nov  6 08:49:37 1994"), core.http_date("Sun Nov  6 08:49:37 1994"), core.http_date("x")`,
			"784111777 784111777 784111777 784111777 nil"},
		{"now", `local n = core.now(); return math.type(n.sec), math.type(n.usec), n.sec > 1700000000, n.usec < 1000000`, "'integer' 'integer' true true"},
		{"addr", `local p, m = core.parse_addr, core.match_addr
			return type(p("127.0.0.1/8")), p("bad"), m(p("127.0.0.1"), p("127.0.0.0/8")), m(p("127.0.0.0/255.0.0.0"), p("127.0.0.1")), m(p("10.0.0.1"), p("127.0.0.0/8")), m(p("::1"), p("127.0.0.0/8")), m(p("::1"), p("::/0"))`,
			"'userdata' nil true true false false true"},
		{"regex", `local st, r = Regex.new("needle (..) (...)", true)
			return st, tostring(r), r:exec("a needle in the hay"), r:exec("NEEDLE in the"), r:match("a needle in the hay"), r:match("zz")`,
			"true 'HAProxy class Regex' true false true false {}"},
		{"regex match", `local st, r = Regex.new("(NEEDLE)|(x)", false); return r:match("a needle")`, "true {1='needle' 2='needle' 3=''}"},
		{"regex bad", `return Regex.new("needle (..", true)`, "false 'regex 'needle (..' is invalid:*'"},
		{"concat", `local c = core.concat(); c:add("a"); c:add(1); local one = c:dump(); c:add("b"); return one, c:dump()`, "'a1' 'a1b'"},
		{"concat bad", `core.concat():add(nil)`, "*concat:add: give a string, not a nil*"},
		{"act", `return act.CONTINUE, act.STOP, act.YIELD, act.ERROR, act.DONE, act.DENY, act.ABORT, act.INVALID`, "0 1 2 3 4 5 6 7"},
		{"levels", `return core.silent, core.emerg, core.alert, core.crit, core.err, core.warning, core.notice, core.info, core.debug`, "-1 0 1 2 3 4 5 6 7"},
		{"get_info", `local i = core.get_info(); return i.Name, i.Pid > 0, math.type(i.Uptime_sec)`, "'eddy' true 'integer'"},
		{"queue", `local q = core.queue(); q:push("a"); q:push({1}); q:push(false); return q:size(), q:pop(), q:pop(), q:pop(), q:pop(), q:size(), tostring(q)`,
			"3 'a' {1=1} false nil 0 'HAProxy class Queue'"},
		{"queue full", `local q, s = core.queue(), string.rep("x", 40 << 20); return q:push(s), q:push(s), q:size(), #q:pop(), q:push(s)`, "true false 1 41943040 true"},
		{"queue nil", `core.queue():push(nil)`, "*queue:push: nil cannot be pushed*"},
		{"waits", `core.sleep(0); core.msleep(1); core.yield(); core.wait(1); return "awake"`, "'awake'"},
		{"negative sleep", `core.sleep(-1)`, "*core.sleep: the time cannot be negative*"},
		{"nice", `return core.set_nice(5)`, ""},
		{"later", `core.register_filter()`, "*HAProxy has core.register_filter, eddy does not have it yet*"},
		{"later classes", `return pcall(function() return filter.CONTINUE end), pcall(core.event_sub), pcall(core.get_patref), pcall(CertCache and function() CertCache.set{} end)`, "false false false false '*HAProxy has CertCache.set, eddy does not have it yet'"},
		{"later ssl", `core.tcp():connect_ssl("a", 1)`, "*HAProxy has Socket.connect_ssl, eddy does not have it yet*"},
		{"late registration", `core.register_action("x", {"http-req"}, function() end)`, "*core.register_action: only while the script is loaded*"},
		{"txn is not global", `local own = txn; return rawget(_G, "txn"), _G.txn`, "nil nil"},
		{"in a coroutine", `local co = coroutine.wrap(function() core.msleep(1); coroutine.yield(txn.f:path()); return txn.f:method() end); return co(), co()`, "'/a/b' 'POST'"},
		{"tcp socket", `local s = core.tcp(); return tostring(s), s:receive(), s:getpeername()`, "'HAProxy class Socket' nil nil"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := eval(t, tt.body, func(b *bench) *txn.Txn { return b.request(t, plainRequest+"body") })
			check(t, got, tt.want)
		})
	}
}

// TestResponse does so on the way of the response.
func TestResponse(t *testing.T) {
	raw := "HTTP/1.1 200 Fine\r\nServer: x\r\nContent-Length: 2\r\n\r\nhi"
	tests := []struct{ name, body, want string }{
		{"headers", `txn.http:res_add_header("a", "1"); txn.http:res_set_header("server", "y"); txn.http:res_rep_header("a", "1", "2"); txn.http:res_del_header("content-length"); return txn.http:res_get_headers()`,
			"{a={0='2'} server={0='y'}}"},
		{"status", `txn.http:res_set_status(404); local a = txn.http_res:get_stline(); txn.http:res_set_status(500, "Bad day"); return a, txn.http_res:get_stline()`,
			"{code='404' reason='Not Found' version='HTTP/1.1'} {code='500' reason='Bad day' version='HTTP/1.1'}"},
		{"dup", `return txn.res:dup(), txn.http_res:body(), txn.f:status()`, "'" + raw + "' 'hi' 200"},
		{"request is still there", `return txn.f:path(), txn.http:req_get_headers().host`, "'/a/b' {0='Example.org'}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := eval(t, tt.body, func(b *bench) *txn.Txn {
				tx := b.request(t, plainRequest)
				respond(t, tx, raw)
				return tx
			})
			check(t, got, tt.want)
		})
	}
}

// TestChannelTCP changes the data of a stream of mode tcp.
func TestChannelTCP(t *testing.T) {
	tests := []struct {
		name, body, want, payload string
		arrives                   []string
	}{
		{name: "read", body: `return txn.req:dup(), txn.req:data(2), txn.req:data(1, 3), txn.req:data(-2), txn.req:line(), txn.req:input(), txn.http`,
			want: "'one\ntwo' 'e\ntwo' 'ne\n' 'wo' 'one\n' 7 nil", payload: "one\ntwo"},
		{name: "get", body: `return txn.req:get(), txn.req:input()`, want: "'one\ntwo' 0"},
		{name: "getline", body: `return txn.req:getline()`, want: "'one\n'", payload: "two"},
		{name: "getline waits", body: `txn.req:getline(); return txn.req:getline(), txn.req:getline()`, want: "'two three\n' 'rest'", arrives: []string{" three\n", "rest"}},
		{name: "data waits", body: `return txn.req:data(0, 12)`, want: "'one\ntwothree'", payload: "one\ntwothree", arrives: []string{"three"}},
		{name: "insert", body: `return txn.req:append("Z"), txn.req:prepend("A"), txn.req:insert("--", 2), txn.req:insert("++", -1), txn.req:dup()`,
			want: "1 1 2 2 'Ao--ne\ntwo++Z'", payload: "Ao--ne\ntwo++Z"},
		{name: "set", body: `return txn.req:set("xx", 1, 2), txn.req:dup(), txn.req:set("new"), txn.req:dup()`, want: "2 'oxx\ntwo' 3 'new'", payload: "new"},
		{name: "remove", body: `return txn.req:remove(0, 4), txn.req:dup(), txn.req:remove(), txn.req:dup()`, want: "4 'two' 3 ''"},
		{name: "send and forward", body: `return txn.req:send("hello "), txn.req:input(), txn.req:output(), txn.req:forward(4), txn.req:dup(), txn.req:output()`,
			want: "6 7 6 4 'two' 10", payload: "hello one\ntwo"},
		{name: "too much", body: `return txn.req:append(string.rep("x", 20000)), txn.req:is_full()`, want: "-1 false", payload: "one\ntwo"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := open(t, every(tt.body))
			tx, c := b.stream(t, "one\ntwo")
			for _, a := range tt.arrives {
				c.arrives = append(c.arrives, []byte(a))
			}
			check(t, b.evalOn(t, tx), tt.want)
			if got := string(c.payload[0]); got != tt.payload {
				t.Errorf("payload %q, want %q", got, tt.payload)
			}
		})
	}
}

// TestVerdicts maps what an action returns, or how it ends, to what the stream does.
func TestVerdicts(t *testing.T) {
	tests := []struct {
		name, body string
		want       txn.Verdict
		status     int // of the answer that was built
		refused    int // of the error answer that is asked for
		head       string
	}{
		{name: "nothing", body: ``, want: txn.Next},
		{name: "continue", body: `return act.CONTINUE`, want: txn.Next},
		{name: "stop", body: `return act.STOP`, want: txn.Accept},
		{name: "error", body: `return act.ERROR`, want: txn.Abort},
		{name: "done", body: `return act.DONE`, want: txn.Accept},
		{name: "deny", body: `return act.DENY`, want: txn.Deny, refused: 403},
		{name: "abort", body: `return act.ABORT`, want: txn.Reject},
		{name: "invalid", body: `return act.INVALID`, want: txn.Answer, refused: 400},
		{name: "a Lua error is passed over", body: `local x = nil; x.y = 1`, want: txn.Next},
		{name: "core.done", body: `core.done(act.DENY); error("not reached")`, want: txn.Deny},
		{name: "txn:done", body: `pcall(function() txn:done() end); return act.CONTINUE`, want: txn.Reject},
		{name: "txn:done with a table", body: `txn:done{status = 403, reason = "No", body = "hi", headers = {["x-a"] = {"1", "2"}, ["x-b"] = "3", ["content-length"] = {"99"}}}`,
			want: txn.Answer, status: 403, head: "HTTP/1.1 403 No\r\nx-a: 1\r\nx-a: 2\r\nx-b: 3\r\ncontent-length: 2\r\n\r\nhi"},
		{name: "txn:done with a Reply", body: `local r = txn:reply{status = 302}; r:add_header("location", "/x"); txn:done(r)`,
			want: txn.Answer, status: 302, head: "HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n"},
		{name: "txn:done with nonsense", body: `txn:done{status = "abc"}`, want: txn.Next},
		{name: "yield", body: `n = (n or 0) + 1; act.wake_time(1); if n < 3 then return act.YIELD end; return act.STOP`, want: txn.Accept},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := open(t, `core.register_action("t", {"http-req"}, function(txn) `+tt.body+` end)`)
			tx := b.request(t, plainRequest)
			if got := b.run(t, tx, "t"); got != tt.want {
				t.Errorf("verdict %d, want %d; log: %s", got, tt.want, b.logs.all())
			}
			if tt.status != 0 && (!tx.HasRes || !tx.Local || tx.Res.Status() != tt.status) {
				t.Errorf("answer: has %v, status %d, want %d", tx.HasRes, tx.Res.Status(), tt.status)
			}
			if tx.ErrorStatus != tt.refused && tt.status == 0 && tt.refused != 0 {
				t.Errorf("error answer %d, want %d", tx.ErrorStatus, tt.refused)
			}
			if tt.head != "" {
				if got := string(append(tx.Res.AppendHead(nil), tx.ResBody...)); got != tt.head {
					t.Errorf("answer %q\nwant   %q", got, tt.head)
				}
			}
		})
	}
}

// TestErrorText wants script, line and where it came from.
func TestErrorText(t *testing.T) {
	b := open(t, "local function inner()\n  local x = nil\n  x.y = 1\nend\ncore.register_action('boom', {'http-req'}, function(txn)\n  inner()\nend)\n"+
		"core.register_action('arg', {'http-req'}, function(txn)\n  txn:set_loglevel('x')\nend)\n")
	tx := b.request(t, plainRequest)
	b.run(t, tx, "boom")
	check(t, b.logs.all(), "fe err Lua action 'boom': runtime error: */test.lua:3: attempt to index a nil value (local 'x') from *test.lua:3: in *test.lua:6: in function*")
	b.run(t, tx, "arg")
	got := b.logs.await(t, "'arg'")
	check(t, got, "fe err Lua action 'arg': runtime error: */test.lua:9: txn:set_loglevel: argument 1 must be a whole number, not string from *test.lua:9: in function*")
	if strings.Contains(b.logs.all(), "[eddy]") {
		t.Errorf("a position inside eddy's own preludes shows: %s", b.logs.all())
	}
}

// TestStaleObjects keeps objects beyond their transaction: an error, no crash, and never another transaction's data.
func TestStaleObjects(t *testing.T) {
	b := open(t, show+`
core.register_action("keep", {"http-req"}, function(txn) kept = {txn, txn.f, txn.c, txn.req, txn.http, txn.http_req} txn:get_var("txn.a") end)
core.register_action("use", {"http-req"}, function(txn)
  local out = {}
  for i, f in ipairs{
    function() return kept[1]:get_var("txn.a") end, function() return kept[2]:path() end, function() return kept[2]:src() end,
    function() return kept[3]:lower("A") end, function() return kept[4]:dup() end, function() return kept[5]:req_get_headers() end,
    function() return kept[6]:get_stline() end, function() return kept[1]:get_priv() end, function() kept[1]:Info("x") end,
    function() kept[1]:done() end,
  } do
    local ok, err = pcall(f)
    if ok then out[#out + 1] = i end
    if not tostring(err):find("belongs to a transaction that has ended", 1, true) then out[#out + 1] = tostring(err) end
  end
  txn:set_var("txn.out", "bad: " .. table.concat(out, ","))
end)
core.register_task(function() while not kept do core.msleep(1) end core.Info("task " .. tostring(select(2, pcall(function() return kept[2]:path() end)))) end)
`)
	first := b.request(t, plainRequest)
	b.run(t, first, "keep")
	second := b.request(t, strings.Replace(plainRequest, "/a/b", "/other", 1))
	b.run(t, second, "use") // while the first is alive
	v, _ := second.Vars.Get("out")
	check(t, string(v.B), "bad: ")
	first.Script.Close()
	third := b.request(t, plainRequest) // takes the first one's place
	b.run(t, third, "use")
	v, _ = third.Vars.Get("out")
	check(t, string(v.B), "bad: ")
	b.StartTasks(context.Background())
	b.logs.await(t, "task ")
	check(t, b.logs.await(t, "task "), "*belongs to a transaction that has ended*")
}

func TestLogs(t *testing.T) {
	var stderr bytes.Buffer
	script := `core.Debug("d") core.Info("i") core.Warning("w") core.Alert("a") core.log(core.crit, 12)
core.register_action("t", {"http-req"}, function(txn) txn:Debug("d") txn:Info("i") txn:Warning("w") txn:Alert("a") txn:log(core.notice, "n") txn:deflog("x") txn:set_loglevel(core.silent) end)`
	b := open(t, script, func(o *Options) { o.Stderr, o.Lua.LogStderr = &stderr, "on" })
	tx := b.request(t, plainRequest)
	b.run(t, tx, "t")
	check(t, b.logs.all(), "- debug d\n- info i\n- warning w\n- alert a\n- crit 12\nfe debug d\nfe info i\nfe warning w\nfe alert a\nfe notice n\nfe info x")
	if tx.LogLevel != -2 {
		t.Errorf("log level %d, want silent", tx.LogLevel)
	}
	check(t, stderr.String(), "[debug] */* (*) : d\n[info] *: x\n")
}
