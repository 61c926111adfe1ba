package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"eddy/internal/config/model"
)

func load(t *testing.T, path string) *model.Config {
	t.Helper()
	c, list := Load(Options{Files: []string{path}, Dir: "testdata/good", Env: testEnv, Version: "0.1.0"})
	if c == nil {
		t.Fatal(list.All())
	}
	return c
}

// TestArticle checks the configuration that the whole program was begun for.
func TestArticle(t *testing.T) {
	c := load(t, "article.cfg")
	l := c.Global.Lua.Loads
	if len(l) != 1 || l[0].File != "testdata/good/samples.lua" || l[0].Pos.String() != "article.cfg:2:17" {
		t.Errorf("lua-load %+v", l)
	}
	s := c.Global.StatsSocks
	if len(s) != 1 || s[0].Addr.Path != "/tmp/haproxy.sock" || s[0].Mode != 0o644 || s[0].Level != "admin" || s[0].UID != -1 {
		t.Errorf("stats socket %+v", s)
	}
	p := c.Proxies[0]
	if p.Name != "sample4" || p.Side != model.Listen || p.Mode != model.ModeHTTP || p.Timeouts.Client != time.Minute || p.Timeouts.Server != time.Minute {
		t.Errorf("listen %+v", p)
	}
	if len(p.Binds) != 1 || p.Binds[0].Addr.Host != "*" || p.Binds[0].Addr.Port != 10040 {
		t.Errorf("bind %+v", p.Binds)
	}
	if len(p.HTTPRequest) != 2 {
		t.Fatalf("%d rules", len(p.HTTPRequest))
	}
	lua, redirect := p.HTTPRequest[0].Action, p.HTTPRequest[1].Action
	if lua.Name != "lua" || lua.Sub != "async_send_email" || len(lua.Args) != 0 || lua.Pos.String() != "article.cfg:12:21" {
		t.Errorf("action %+v", lua)
	}
	where, _ := redirect.Opt("location")
	if text, ok := where.Fmt.Static(); redirect.Name != "redirect" || !ok || text != "/ok" {
		t.Errorf("redirect %+v", redirect)
	}
}

// TestActions checks the shapes that actions get: what declarations promise to those who run them.
func TestActions(t *testing.T) {
	for _, c := range []struct {
		line string
		ok   func(a *model.Action) bool
	}{
		{"http-request set-header x-a %[src]", func(a *model.Action) bool {
			return a.Name == "set-header" && a.Args[0].Text == "x-a" && a.Args[1].Fmt.Items[0].Expr.Fetch.Name == "src"
		}},
		{"http-request lua.send a \"b c\" if TRUE", func(a *model.Action) bool {
			return a.Name == "lua" && a.Sub == "send" && len(a.Args) == 2 && a.Args[1].Text == "b c"
		}},
		{"http-request set-var(txn.a,ifnotset,ifgt) src,ipmask(24)", func(a *model.Action) bool {
			return a.Sub == "txn.a" && reflect.DeepEqual(a.SubArgs, []string{"ifnotset", "ifgt"}) && a.Args[0].Expr.Convs[0].Name == "ipmask"
		}},
		{"http-request set-var-fmt(req.b) x%ci", func(a *model.Action) bool { return a.Sub == "req.b" && a.Args[0].Fmt != nil }},
		{"http-request unset-var(req.b)", func(a *model.Action) bool { return a.Sub == "req.b" && len(a.Args) == 0 }},
		{"http-request use-service lua.hello", func(a *model.Action) bool {
			_, own := a.OwnService()
			return a.Sub == "hello" && a.Args[0].Text == "lua.hello" && !own
		}},
		{"http-request use-service prometheus-exporter", func(a *model.Action) bool {
			name, own := a.OwnService()
			return own && name == model.MetricsService && a.Sub == ""
		}},
		{"http-request redirect prefix /x code 308 drop-query set-cookie A=1", func(a *model.Action) bool {
			_, drop := a.Opt("drop-query")
			return a.Opts["prefix"].Fmt != nil && a.Opts["code"].Int == 308 && drop && a.Opts["set-cookie"].Text == "A=1"
		}},
		{"http-request deny deny_status 429 hdr a b hdr c %[src]", func(a *model.Action) bool {
			return a.Opts["status"].Int == 429 && len(a.Headers) == 2 && a.Headers[1].Name == "c"
		}},
		{"http-request return content-type text/plain string hello", func(a *model.Action) bool {
			return a.Opts["content-type"].Text == "text/plain" && a.Opts["string"].Text == "hello"
		}},
		{"http-request wait-for-body time 2s at-least 1k", func(a *model.Action) bool {
			return a.Opts["time"].Int == int64(2*time.Second) && a.Opts["at-least"].Int == 1024
		}},
		{"http-request capture src len 12", func(a *model.Action) bool { return a.Opts["len"].Int == 12 && a.Opts["id"].Int == 0 }},
		{"http-request del-header ^x -m reg", func(a *model.Action) bool { return a.Args[0].Text == "^x" && a.Opts["-m"].Text == "reg" }},
		{"http-request replace-value a b c", func(a *model.Action) bool { return a.Args[1].Text == "b" && a.Args[2].Fmt != nil }},
		{"http-request set-log-level silent", func(a *model.Action) bool { return a.Args[0].Text == "silent" }},
		{"redirect location /100%", func(a *model.Action) bool {
			text, ok := a.Opts["location"].Fmt.Static()
			return a.Name == "redirect" && ok && text == "/100%"
		}},
	} {
		cfg, list := LoadBytes("t.cfg", []byte(frame(c.line)), Options{})
		if cfg == nil {
			t.Errorf("%s: %v", c.line, list.All())
			continue
		}
		rules := cfg.Proxies[0].HTTPRequest
		if len(rules) != 1 || !c.ok(&rules[0].Action) {
			t.Errorf("%s: got %+v", c.line, rules[0].Action)
		}
	}
}

// TestWhole spot-checks the large configuration.
func TestWhole(t *testing.T) {
	c := load(t, "whole.cfg")
	g := c.Global
	if g.BufSize != 32<<10 || g.MaxConn != 4096 || g.NbThread != 2 || g.HardStop != 30*time.Second || !g.Daemon || g.User != "root" || g.UID != 0 {
		t.Errorf("global %+v", g)
	}
	if !reflect.DeepEqual(g.Env, map[string]string{"MINE": "yes"}) {
		t.Errorf("environment %v", g.Env) // PORT was there, so presetenv left it
	}
	if g.Lua.MaxMem != 64<<20 || !reflect.DeepEqual(g.Lua.Loads[0].Args, []string{"one", "two"}) || !reflect.DeepEqual(g.Lua.OpenLibs, []string{"string", "table"}) {
		t.Errorf("lua %+v", g.Lua)
	}
	if l := g.Logs; len(l) != 4 || l[0].Addr.Path != "/dev/log" || l[1].MaxLen != 2048 || l[2].Addr.Port != 1514 || l[2].MinLevel != "err" || l[3].FD != 1 || l[0].Format != "rfc3164" {
		t.Errorf("logs %+v", l)
	}
	www := c.Proxy("www", model.Frontend)
	var addrs []string
	for _, b := range www.Binds {
		addrs = append(addrs, b.Addr.Host+"|"+b.Addr.Path+"|"+string(rune('0'+b.Addr.Port%10)))
	}
	if got := strings.Join(addrs, " "); got != "*||0 ::||0 ||0 ||1 ||2 ||3 127.0.0.1||0 |/tmp/x.sock|0 |foo|0" {
		t.Errorf("addresses %s", got)
	}
	if www.DefaultBackend != "app" || www.Options.ForwardFor.Except != "127.0.0.0/8" || !www.Options.ForwardFor.IfNone || www.Options.ForwardFor.Header != "x-forwarded-for" {
		t.Errorf("www: %q %+v", www.DefaultBackend, www.Options.ForwardFor)
	}
	if r := www.HTTPRequest; r[0].Action.Args[0].Text != "x-from" || r[len(r)-1].Action.Name != "redirect" {
		t.Error("rules of defaults come first, redirect lines last")
	}
	if len(www.CaptureReq) != 3 || www.CaptureReq[2].Len != 10 || www.CaptureCookie.Name != "SESS" {
		t.Errorf("captures %+v", www.CaptureReq)
	}
	if acls := www.ACLs; len(acls) != 4 || acls[3].Name != "local" || len(acls[3].Patterns) != 2 {
		t.Errorf("acls %+v", acls)
	}
	if raw := string(www.ErrorFiles[503].Raw); raw != "HTTP/1.1 503 Service Unavailable\r\nCache-Control: no-cache\r\nContent-Type: text/html\r\ncontent-length: 14\r\n\r\n<h1>Down</h1>\n" {
		t.Errorf("errorfile %q", raw)
	}
	app := c.Proxy("app", model.Backend)
	s := app.Servers
	if s[0].Weight != 10 || s[1].MaxQueue != 9 || s[2].MaxQueue != 5 || s[2].SendProxy != 2 || s[2].Inter != 3*time.Second || s[3].Addr.Path != "/tmp/sock" ||
		!s[4].Addr.PortOffset || s[4].Addr.Port != 10 || !s[4].Disabled {
		t.Errorf("servers %+v", s)
	}
	st := c.Proxy("static", model.Backend)
	if st.Balance.URIDepth != 3 || !st.Balance.URIWhole || st.HashType != "consistent" || st.HashFunction != "djb2" || st.HTTPReuse != model.ReuseAlways {
		t.Errorf("static %+v", st.Balance)
	}
	if st.ErrorFiles[404] == nil || st.ErrorFiles[429].Return == nil || !strings.Contains(string(st.ErrorFiles[400].Raw), "location: http://x/") || len(st.ErrorFiles[403].Raw) != 0 {
		t.Errorf("error files %+v", st.ErrorFiles)
	}
	if api := c.Proxy("api", model.Backend); len(api.Logs) != 0 || api.Options.HTTPServerClose || api.Source != "127.0.0.1" {
		t.Errorf("api %+v", api.Options)
	}
	if tcp := c.Proxy("tcp1", model.Listen); tcp.Mode != model.ModeTCP || tcp.Options.HTTPLog || !tcp.Options.TCPLog || len(tcp.TCPReqContent) != 2 {
		t.Errorf("tcp1 %+v", tcp.Options)
	}
}

// TestDefaults checks what comes from which defaults section.
func TestDefaults(t *testing.T) {
	c := load(t, "defaults.cfg")
	f1, shared, l1 := c.Proxies[0], c.Proxies[1], c.Proxies[2]
	if f1.Mode != model.ModeHTTP || f1.Timeouts.Client != 2*time.Second || f1.Timeouts.Server != 0 || f1.DefaultBackend != "shared" || len(f1.HTTPRequest) != 1 || f1.HTTPRequest[0].Cond == nil {
		t.Errorf("f1 %+v", f1)
	}
	if shared.Timeouts.Server != time.Minute || shared.Timeouts.Client != 0 || shared.Retries != 7 || shared.Balance.Algo != "source" || shared.DefaultBackend != "" {
		t.Errorf("shared %+v", shared)
	}
	if shared.Servers[0].Weight != 9 || shared.Servers[1].Weight != 3 {
		t.Errorf("weights %d %d", shared.Servers[0].Weight, shared.Servers[1].Weight)
	}
	if l1.Mode != model.ModeTCP || l1.Timeouts.Client != 3*time.Second || l1.Retries != 3 || l1.Servers[0].Weight != 1 || len(l1.HTTPRequest) != 0 {
		t.Errorf("l1 %+v", l1)
	}
}

// TestPatternFiles checks that default-path (§3.1) holds for maps and pattern files, and that missing ones are told.
func TestPatternFiles(t *testing.T) {
	const text = `global
  default-path config
listen l
  mode http
  bind :80
  timeout client 1s
  acl a path -f list -f opt@nosuch -f virt@none -f /abs
  http-request set-path %[path,map(file@paths)]
`
	disk := func(path string, _ int64) ([]byte, error) {
		if path == "conf/list" || path == "conf/paths" || path == "/abs" {
			return nil, nil
		}
		return nil, fmt.Errorf("%s: no such file", path)
	}
	c, list := LoadBytes("conf/t.cfg", []byte(text), Options{ReadFile: disk})
	if c == nil {
		t.Fatal(list.All())
	}
	l := c.Proxies[0]
	var got []string
	for _, f := range l.ACLs[0].Files {
		got = append(got, f.Text)
	}
	got = append(got, l.HTTPRequest[0].Action.Args[0].Fmt.Items[0].Expr.Convs[0].Args[0].Text)
	if want := []string{"conf/list", "opt@conf/nosuch", "virt@none", "/abs", "file@conf/paths"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	_, list = LoadBytes("t.cfg", []byte(text), Options{ReadFile: disk})
	var said []string
	for _, p := range list.All() {
		said = append(said, fmt.Sprintf("%d:%d %s", p.Pos.Line, p.Pos.Col, p.Text))
	}
	want := []string{"7:17 the file cannot be read: list: no such file", "8:36 the file cannot be read: paths: no such file"}
	if !slices.Equal(said, want) {
		t.Errorf("said %q, want %q", said, want)
	}
}
