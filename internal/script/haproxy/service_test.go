package haproxy

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/txn"
)

// serviceIO is the stream's side of a service.
type serviceIO struct {
	tx      *txn.Txn
	in      *bufio.Reader
	out     bytes.Buffer
	started bool
	fail    error
	rules   func() // http-response rules
}

func (s *serviceIO) Read(p []byte) (int, error) { return s.in.Read(p) }

func (s *serviceIO) SetReadDeadline(time.Time) error { return nil }

func (s *serviceIO) ReadLine() ([]byte, error) { return s.in.ReadBytes('\n') }

func (s *serviceIO) Start() error {
	s.started = true
	if s.rules != nil {
		s.rules()
	}
	s.out.Write(s.tx.Res.AppendHead(nil))
	return nil
}

func (s *serviceIO) Started() bool { return s.started }

func (s *serviceIO) Write(p []byte) (int, error) {
	if s.fail != nil {
		return 0, s.fail
	}
	return s.out.Write(p)
}

func (s *serviceIO) Flush() error { return nil }

// serve runs the service "s" and gives what it sent.
func (b *bench) serve(t *testing.T, tx *txn.Txn, ctx, body string) (*serviceIO, error) {
	t.Helper()
	svc, err := b.Service(&model.Action{Sub: "s"}, ctx)
	if err != nil {
		t.Fatal(err)
	}
	io := &serviceIO{tx: tx, in: bufio.NewReader(strings.NewReader(body))}
	return io, svc.Serve(tx, io)
}

func TestServiceHTTP(t *testing.T) {
	tests := []struct{ name, body, want, log string }{
		{name: "hello", body: `local r = "Hello World !"
			applet:set_status(200) applet:add_header("content-length", string.len(r)) applet:add_header("content-type", "text/plain")
			applet:start_response() applet:send(r)`,
			want: "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 13\r\n\r\nHello World !"},
		{name: "chunked", body: `applet:set_status(404, "Gone away") applet:start_response() applet:send("a") core.msleep(1) applet:send("b")`,
			want: "HTTP/1.1 404 Gone away\r\ntransfer-encoding: chunked\r\n\r\nab"},
		{name: "attributes", body: `applet:start_response() applet:send(show(applet.method, applet.path, applet.version, applet.qs, applet.length, applet.headers, tostring(applet), applet.f:path(), applet.sf:src(), applet.c:lower("A")))`,
			want: "*'POST' '/a/b' 'HTTP/1.1' 'q=1&r=2' 4 {content-length={0='4'} host={0='Example.org'} x-multi={0='abc, def' 1='ghi'}} 'HAProxy class AppletHTTP' '/a/b' '192.0.2.7' 'a'"},
		{name: "body", body: `local a, b, c, d = applet:getline(), applet:receive(3), applet:receive(), applet:receive() applet:start_response() applet:send(show(a, b, c, d))`,
			want: "*'line one\n' 'lin' 'e two\nrest' ''"},
		{name: "results", body: `local a, b = applet:set_status(200), applet:set_status(999) local c = applet:add_header("a", "b") applet:start_response() local d = applet:send("12345") applet:send(show(a, b, c, d))`,
			want: "*12345true false true 5"},
		{name: "vars and priv", body: `applet:set_var("txn.a", 1) applet:set_priv("p") local v = applet:get_var("txn.a") applet:unset_var("txn.a") applet:start_response() applet:send(show(v, applet:get_var("txn.a"), applet:get_priv()))`,
			want: "*1 nil 'p'"},
		{name: "big", body: `applet:start_response() for i = 1, 10 do applet:send(string.rep("x", 10000)) end`, want: "*\r\n\r\n" + strings.Repeat("x", 100000)},
		{name: "no start", body: ``, want: ""},
		{name: "send too early", body: `applet:send("x")`, want: "", log: "*call applet:start_response() before sending data*"},
		{name: "without its object", body: `applet.set_status("200")`, want: "", log: "*test.lua:*: this method was called without its object; write object:method(...), with ':'*"},
		{name: "error", body: `error("x")`, want: "", log: "fe err Lua applet http 's': runtime error: *test.lua:*: x*"},
		{name: "bad length", body: `applet:add_header("content-length", "many") applet:start_response()`, want: "", log: "*content-length \"many\" is no length*"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := open(t, show+"core.register_service('s', 'http', function(applet) "+tt.body+"\nend)")
			tx := b.request(t, plainRequest)
			io, err := b.serve(t, tx, "http-req", "line one\nline two\nrest")
			if (err != nil) != (tt.log != "") {
				t.Errorf("error %v", err)
			}
			check(t, io.out.String(), tt.want)
			check(t, b.logs.all(), tt.log)
		})
	}
}

func TestServiceTCP(t *testing.T) {
	b := open(t, show+`core.register_service('s', 'tcp', function(applet)
  applet:send("hello\n")
  local l = applet:getline()
  local a, rest, none = applet:receive(2), applet:receive(), applet:try_receive()
  applet:set_var("txn.v", "w")
  applet:send(show(l, a, rest, none, applet:get_var("txn.v"), tostring(applet), applet.f:src()))
end)`)
	tx, _ := b.stream(t, "")
	io, err := b.serve(t, tx, "tcp-req-cont", "one\ntwo three")
	if err != nil {
		t.Fatal(err)
	}
	check(t, io.out.String(), "hello\n'one\n' 'tw' 'o three' '' 'w' 'HAProxy class AppletTCP' '192.0.2.7'")
}

// TestResponseRulesOfService runs an action on the answer of a service of the same state, while the service waits for
// its head to be sent; the two share what the script keeps with the transaction.
func TestResponseRulesOfService(t *testing.T) {
	b := open(t, `core.register_service("s", "http", function(applet) applet:set_priv("mine") applet:start_response() applet:send(applet:get_priv()) end)
core.register_action("r", {"http-res"}, function(txn) core.msleep(1) txn.http:res_add_header("x-priv", txn:get_priv()) txn:set_priv("yours") end)`)
	tx := b.request(t, plainRequest)
	svc, _ := b.Service(&model.Action{Sub: "s"}, "http-req")
	io := &serviceIO{tx: tx, in: bufio.NewReader(strings.NewReader(""))}
	io.rules = func() {
		tx.Stage = txn.StageHTTPRes
		b.run(t, tx, "r")
	}
	if err := svc.Serve(tx, io); err != nil {
		t.Fatal(err)
	}
	check(t, b.logs.all(), "")
	check(t, io.out.String(), "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nx-priv: mine\r\n\r\nyours")
}

// TestServiceTooLong sends more than the content-length.
func TestServiceTooLong(t *testing.T) {
	b := open(t, `core.register_service("s", "http", function(applet) applet:add_header("content-length", 5) applet:start_response() applet:send("123") applet:send("4567") applet:send("8") end)`)
	io, err := b.serve(t, b.request(t, plainRequest), "http-req", "")
	if err != nil {
		t.Fatal(err)
	}
	check(t, io.out.String(), "*\r\n\r\n12345")
	check(t, b.logs.all(), "fe warning Lua service 's' sends more than its content-length says; the rest is cut off")
}

// TestDoneTCP ends a stream of mode tcp with some last words.
func TestDoneTCP(t *testing.T) {
	b := open(t, `core.register_action("t", {"tcp-req"}, function(txn) txn.res:send("go away\n") txn:done() end)
core.register_action("silent", {"tcp-req"}, function(txn) txn:done() end)
core.register_action("wait", {"tcp-req"}, function(txn) if txn.req:input() < 5 then return act.YIELD end return act.DENY end)`)
	tx, c := b.stream(t, "x")
	if v := b.run(t, tx, "t"); v != txn.UseService {
		t.Fatalf("verdict %d", v)
	}
	io := &serviceIO{}
	if err := tx.Service.Serve(tx, io); err != nil || io.out.String() != "go away\n" {
		t.Errorf("sent %q, %v", io.out.String(), err)
	}
	c.payload[1] = nil
	if v := b.run(t, tx, "silent"); v != txn.Reject {
		t.Errorf("verdict %d, want reject", v)
	}
	if v := b.run(t, tx, "wait"); v != txn.Wait || !tx.Undecided {
		t.Errorf("verdict %d, undecided %v: a YIELD waits for more bytes", v, tx.Undecided)
	}
	c.payload[0] = []byte("12345")
	if v := b.run(t, tx, "wait"); v != txn.Reject {
		t.Errorf("verdict %d, want reject", v)
	}
}

// TestServiceClientGone lets writing fail in the middle: the script sees -1 and ends.
func TestServiceClientGone(t *testing.T) {
	b := open(t, `core.register_service('s', 'http', function(applet) applet:start_response()
  local n repeat n = applet:send(string.rep("x", 5000)) until n == -1 core.Info("gone") end)`)
	tx := b.request(t, plainRequest)
	svc, _ := b.Service(&model.Action{Sub: "s"}, "http-req")
	if err := svc.Serve(tx, &serviceIO{tx: tx, in: bufio.NewReader(strings.NewReader("")), fail: errors.New("broken pipe")}); err == nil {
		t.Error("no error for a client that went away")
	}
	b.logs.await(t, "gone")
}

func TestCLI(t *testing.T) {
	b := open(t, show+`core.register_cli({"show", "mine"}, "Mine", function(applet, ...) applet:send(show(...)) applet:send(" " .. applet:getline()) end)
core.register_cli({"show"}, "All", function(applet) applet:send("short") end)
core.register_cli({"bad"}, "Bad", function(applet) error("x") end)`)
	run := func(words ...string) string {
		io := &serviceIO{in: bufio.NewReader(strings.NewReader("input\n"))}
		found, err := b.CLI(context.Background(), words, io)
		if err != nil {
			return err.Error()
		}
		if !found {
			return "not found"
		}
		return io.out.String()
	}
	check(t, run("show", "mine", "x", "y"), "'show' 'mine' 'x' 'y' input\n")
	check(t, run("show", "other"), "short")
	check(t, run("hide"), "not found")
	check(t, run("bad"), "*test.lua:*: x")
	if c := b.Commands(); len(c) != 3 || c[0].Usage != "Mine" || strings.Join(c[0].Path, " ") != "show mine" {
		t.Errorf("commands %v", c)
	}
}
