package haproxy

import (
	"bytes"
	"context"
	"strconv"
	"strings"
	"testing"

	"eddy/internal/fastpath/sample"
	"eddy/internal/fastpath/txn"
)

func TestFetchesAndConverters(t *testing.T) {
	b := open(t, show+`
local function same(...) return ... end
for name, f in pairs{
  str = function() return "s" end, int = function() return 3 end, num = function() return 3.7 end, yes = function() return true end,
  tab = function() return {} end, none = function() return nil end, nothing = function() end, done = function() core.done("d") end,
  err = function() error("oops") end, args = function(txn, ...) return show(...) end, path = function(txn) return txn.f:path() end,
  sleepy = function() core.msleep(1) return "slept" end,
} do
  core.register_fetches(name, f)
end
core.register_converters("args", function(...) return show(...) end)
core.register_converters("up", function(s) return s:upper() end)
`)
	tx := b.request(t, plainRequest)
	tests := []struct {
		name string
		want txn.Value
		ok   bool
	}{
		{"str", txn.Value{Type: txn.TypeStr, B: []byte("s")}, true},
		{"int", txn.Value{Type: txn.TypeInt, Int: 3}, true},
		{"num", txn.Value{Type: txn.TypeInt, Int: 3}, true},
		{"yes", txn.Value{Type: txn.TypeBool, Int: 1}, true},
		{"tab", txn.Value{Type: txn.TypeBool}, true},
		{"none", txn.Value{Type: txn.TypeBool}, true},
		{"nothing", txn.Value{}, false},
		{"done", txn.Value{Type: txn.TypeStr, B: []byte("d")}, true},
		{"err", txn.Value{}, false},
		{"args", txn.Value{Type: txn.TypeStr, B: []byte("'x' 'y'")}, true},
		{"path", txn.Value{Type: txn.TypeStr, B: []byte("/a/b")}, true},
		{"sleepy", txn.Value{Type: txn.TypeStr, B: []byte("slept")}, true},
	}
	for _, tt := range tests {
		f, found := b.Fetch(tt.name)
		if !found {
			t.Fatalf("%s is not registered", tt.name)
		}
		got, ok := f(tx, []string{"x", "y"})
		if ok != tt.ok || got.Type != tt.want.Type || got.Int != tt.want.Int || !bytes.Equal(got.B, tt.want.B) {
			t.Errorf("%s: %+v, %v; want %+v, %v", tt.name, got, ok, tt.want, tt.ok)
		}
	}
	check(t, b.logs.all(), "fe err Lua sample-fetch 'err': runtime error: *test.lua:*: oops*")

	conv, _ := b.Converter("args")
	got, _ := conv(tx, txn.Value{Type: txn.TypeInt, Int: 12}, []string{"a"})
	check(t, string(got.B), "'12' 'a'")
	up, _ := b.Converter("up")
	got, _ = up(nil, txn.Value{Type: txn.TypeStr, B: []byte("abc")}, nil)
	check(t, string(got.B), "ABC")

	if _, ok := b.Fetch("nope"); ok {
		t.Error("an unknown fetch was found")
	}
	check(t, b.CheckFetch("pat").Error(), `no script registers the sample fetch 'pat'; did you mean "path"?`)
	check(t, b.CheckConverter("zzzzzz").Error(), `no script registers the converter 'zzzzzz'; there are: args, up`)
}

// TestFetchInsideAction asks, from a script, for a sample that needs the same Lua state.
func TestFetchInsideAction(t *testing.T) {
	b := open(t, `core.register_fetches("f", function() return "x" end)
core.register_action("t", {"http-req"}, function(txn) txn.f:path() end)`)
	tx := b.request(t, plainRequest)
	k := b.enter(tx, b.reg.actions["t"], "action")
	k.busy = true
	f, _ := b.Fetch("f")
	if _, ok := f(tx, nil); ok {
		t.Error("a run inside a run of the same state gave a value")
	}
	check(t, b.logs.all(), "*'f' was asked for while another function of this transaction runs*")
	k.busy = false
}

// TestEverySample calls every fetch and every converter from a script, with and without arguments, where there is
// traffic and where there is none: a value, nil or a Lua error, and nothing else.
func TestEverySample(t *testing.T) {
	var fetches, converters []string
	for _, n := range fetchNames() {
		fetches = append(fetches, strconv.Quote(n))
	}
	for _, n := range sample.ConverterNames() {
		converters = append(converters, strconv.Quote(n))
	}
	b := open(t, `local fetches, converters = {`+strings.Join(fetches, ", ")+`}, {`+strings.Join(converters, ", ")+`}
local function all(o)
  local n = 0
  for _, args in ipairs{{}, {"1"}, {"be"}, {"host", 1}, {"txn.a"}, {1, 2, 3}, {"x", "y", "z"}} do
    for _, f in ipairs(fetches) do
      local ok, v = pcall(o.f[f], o.f, table.unpack(args))
      local sok, sv = pcall(o.sf[f], o.sf, table.unpack(args))
      if sok and type(sv) ~= "string" then core.Alert("safe fetch " .. f .. " gave " .. type(sv)) end
      if ok and v ~= nil then n = n + 1 end
    end
    for _, c in ipairs(converters) do
      for _, input in ipairs{"10.0.0.1", 12, true, "", "a=b&c", "{}"} do
        local ok, v = pcall(o.c[c], o.c, input, table.unpack(args))
        local sok, sv = pcall(o.sc[c], o.sc, input, table.unpack(args))
        if sok and type(sv) ~= "string" then core.Alert("safe converter " .. c .. " gave " .. type(sv)) end
        if ok and v ~= nil then n = n + 1 end
      end
    end
  end
  core.Info("values: " .. n)
end
core.register_action("t", {"http-req", "http-res", "tcp-req"}, all)
core.register_cli({"t"}, "", all)`)
	tx := b.request(t, plainRequest+"body")
	b.run(t, tx, "t")
	respond(t, tx, "HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\nhi")
	b.run(t, tx, "t")
	tcp, _ := b.stream(t, "payload")
	b.run(t, tcp, "t")
	if _, err := b.CLI(context.Background(), []string{"t"}, &serviceIO{}); err != nil {
		t.Error(err)
	}
	lines := strings.Split(b.logs.all(), "\n")
	if len(lines) != 4 {
		t.Errorf("log: %s", b.logs.all())
	}
	for _, l := range lines {
		check(t, l, "* info values: *")
		t.Log(l)
	}
}
