package haproxy

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"eddy/internal/offpath/client/smtp"
)

func TestProxies(t *testing.T) {
	b := open(t, every(`
local be, fe = core.backends.be, core.frontends.fe
local s = be.servers.s1
local out = {
  be:get_name(), be.name, be:get_uuid(), be.uuid, be:get_cap(), be:get_mode(), be:get_srv_act(), be:get_srv_bck(), tostring(be),
  s:get_name(), s.name, s:get_puid(), s.puid, s:get_rid(), s:is_draining(), s:is_backup(), be.servers.s2:is_backup(), s:is_dynamic(),
  s:get_cur_sess(), s:get_pend_conn(), s:get_maxconn(), s:get_weight(), s:get_addr(), s:get_proxy() == be, tostring(s),
  s:set_weight("50%") == nil, s:get_weight(), s:set_weight("11") == nil, s:get_weight(), s:set_weight("abc"),
  s:set_maxconn("5") == nil, s:get_maxconn(), s:set_addr("127.0.0.2", 81), s:get_addr(), s:set_addr("nonsense"),
  s:set_drain() == nil, s:is_draining(), s:set_maint() == nil, s:get_stats().status, s:set_ready() == nil, s:get_stats().status,
  s:check_disable() == nil, s:check_force_down() == nil, be:get_srv_act(), s:check_force_up() == nil, be:get_srv_act(), s:check_enable() == nil,
  #s:get_trackers(), fe:get_cap(), core.proxies.fe == fe, tostring(fe.listeners["sock-1"]),
}
return table.unpack(out)`))
	tx := b.request(t, plainRequest)
	check(t, b.evalOn(t, tx), "'be' 'be' '3' '3' 'backend' 'http' 1 1 'HAProxy class Proxy' "+
		"'s1' 's1' '1' '1' 0 false false true false "+
		"0 0 7 20 '10.0.0.1:8080' true 'HAProxy class Server' "+
		"true 10 true 11 ''abc' is no weight; use 0 to 256, or 0% to 100%' "+
		"true 5 'IP changed from '10.0.0.1' to '127.0.0.2', port changed from '8080' to '81' by 'Lua script'' '127.0.0.2:81' ''nonsense' is no IP address' "+
		"true true true 'MAINT' true 'no check' "+
		"true true 0 true 1 true "+
		"0 'frontend' true 'HAProxy class Listener'")
	b = open(t, every(`
local f, s, l, b = core.frontends.fe:get_stats(), core.backends.be.servers.s1:get_stats(), core.frontends.fe.listeners["sock-1"]:get_stats(), core.backends.be:get_stats()
return f.svname, f.type, f.slim, f.status, s.svname, s.type, s.slim, s.addr, s.weight, l.svname, l.type, l.addr, b.svname, b.type, b.act, b.bck, b.algo, b.scur, math.type(b.stot),
  pcall(core.backends.be.stop)`))
	check(t, b.evalOn(t, b.request(t, plainRequest)), "'FRONTEND' 0 100 'OPEN' 's1' 2 7 '10.0.0.1:8080' 20 'sock-1' 3 '127.0.0.1:80' 'BACKEND' 1 1 1 'roundrobin' 0 'integer' "+
		"false '*HAProxy has Proxy.stop, eddy does not have it yet'")
}

func TestMaps(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{"str.map": "a one\nb two words\n", "ip.map": "10.0.0.0/8 net\n", "int.map": "5:9 mid\n", "beg.map": "/a x\n", "reg.map": "^a.c$ y\n", "sub.map": "mid s\n", "end.map": ".com e\n", "dom.map": "org d\n", "dir.map": "img i\n"}
	for name, text := range files {
		os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644)
	}
	script := show + `
local m = {}
for _, k in ipairs{"str", "ip", "int", "beg", "reg", "sub", "end", "dom", "dir"} do m[k] = Map.new(k .. ".map", Map["_" .. k]) end
local again = Map.new("str.map", Map.str)
core.register_action("t", {"http-req"}, function(txn)
  local out = show(tostring(m.str), m.str:lookup("a"), m.str:slookup("b"), m.str:lookup("c"), m.str:slookup("c"), m.ip:lookup("10.1.2.3"), m.ip:lookup("bad"),
    m.int:lookup("7"), m.int:lookup(10), m.beg:lookup("/abc"), m.reg:lookup("abc"), m.sub:lookup("amidb"), m["end"]:lookup("x.com"), m.dom:lookup("www.x.org"), m.dir:lookup("/img/x"))
  core.set_map("str.map", "c", "three") core.set_map("str.map", "a", "1") core.del_map("str.map", "b") core.add_map("str.map", "d", "4")
  out = out .. " / " .. show(m.str:lookup("a"), m.str:lookup("b"), again:lookup("c"), m.str:lookup("d"))
  local _, err = pcall(core.set_map, "nope.map", "a", "b")
  local _, err2 = pcall(core.add_acl, "str.map", "a")
  local ok = pcall(Map.new, "str.map", Map._str)
  txn:set_var("txn.out", out .. " / " .. err .. " / " .. err2 .. " / " .. tostring(ok))
end)`
	b := open(t, script, func(o *Options) { o.Env.Files.Dir = dir })
	check(t, b.evalOn(t, b.request(t, plainRequest)), "'HAProxy class Map' 'one' 'two words' nil '' 'net' nil 'mid' nil 'x' 'y' 's' 'e' 'd' 'i'"+
		" / '1' nil 'three' '4' / *core.set_map: no map is called 'nope.map'* / *core.add_acl: no list of ACL patterns is called 'str.map'* / false")
}

// mails is a Mailer that remembers.
type mails struct {
	got  []smtp.Message
	fail error
}

func (m *mails) send(ctx context.Context, msg smtp.Message) error {
	m.got = append(m.got, msg)
	return m.fail
}

func TestMail(t *testing.T) {
	var m mails
	b := open(t, every(`
local a = smtp_send_email("127.0.0.1", 25, "d", "f@x", "t@x", "msg")
local b = smtp_send_email("127.0.0.1:2525", 1500, "d", "f@x", {"t@x", "u@x"}, "msg2")
local c = smtp_send_email{server = "[::1]:587", domain = "d", from = "f@x", to = {"t@x"}, msg = "m3", auth = {user = "u", pass = "p"}, starttls = true, timeout = 2000}
return a, b, c, pcall(smtp_send_email, {server = "x", too = "y"})`), func(o *Options) { o.Mail = m.send })
	check(t, b.evalOn(t, b.request(t, plainRequest)), "true true true false '*there is no field 'too'*'")
	if len(m.got) != 3 {
		t.Fatalf("%d mails", len(m.got))
	}
	g := m.got
	if g[0].Server != "127.0.0.1" || g[0].Port != 25 || g[0].Domain != "d" || g[0].From != "f@x" || len(g[0].To) != 1 || string(g[0].Data) != "msg" {
		t.Errorf("first form: %+v", g[0])
	}
	if g[1].Port != 2525 || g[1].Timeout != 1500*time.Millisecond || len(g[1].To) != 2 {
		t.Errorf("second form: %+v", g[1])
	}
	if g[2].Server != "::1" || g[2].Port != 587 || g[2].Auth.User != "u" || !g[2].StartTLS || g[2].Timeout != 2*time.Second {
		t.Errorf("table form: %+v", g[2])
	}
	m.fail = errors.New("connection refused")
	b = open(t, every(`return smtp_send_email("127.0.0.1", 25, "d", "f@x", "t@x", "msg")`), func(o *Options) { o.Mail = m.send })
	check(t, b.evalOn(t, b.request(t, plainRequest)), "false 'connection refused'")
}
