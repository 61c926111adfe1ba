package rule

import (
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"eddy/internal/config"
	"eddy/internal/config/diag"
	"eddy/internal/config/keyword"
	"eddy/internal/config/model"
	"eddy/internal/fastpath/http1"
	"eddy/internal/fastpath/patfile"
	"eddy/internal/fastpath/proxy"
	"eddy/internal/fastpath/sample"
	"eddy/internal/fastpath/txn"
)

// stream plays the stream: what it is asked is noted.
type stream struct {
	txn.Control
	waited  time.Duration
	atLeast int
	err     error
	payload string
	noProxy error // what reading a PROXY protocol header gives
}

func (s *stream) ExpectProxy() error { return s.noProxy }

func (s *stream) WaitBody(_ txn.Dir, atLeast int, timeout time.Duration) (bool, error) {
	s.waited, s.atLeast = timeout, atLeast
	return s.err == nil, s.err
}

func (s *stream) Body(txn.Dir) ([]byte, bool)             { return []byte("body"), true }
func (s *stream) Payload(txn.Dir) (data []byte, fin bool) { return []byte(s.payload), false }

// lists loads a frontend with these lines and compiles its rules.
func lists(t testing.TB, mode, lines string) (f *proxy.Proxy, compile func(ctx string) List) {
	t.Helper()
	text := "frontend f\n mode " + mode + "\n bind 127.0.0.1:1\n timeout client 1s\n" + lines + "\n"
	cfg, problems := config.LoadBytes("test.cfg", []byte(text), config.Options{})
	if problems.Failed() {
		t.Fatalf("%s\n%v", lines, problems.All())
	}
	f = &proxy.Proxy{Model: cfg.Proxies[0], Name: "f"}
	set := proxy.NewSet([]*proxy.Proxy{f})
	var list diag.List
	b := &Builder{
		Env:      &sample.Env{Proxies: set, Proc: &txn.ProcVars{}, Files: &patfile.Store{}, Problems: &list},
		Config:   cfg,
		Problems: &list,
		Lua: func(a *model.Action, ctx string) (Action, error) {
			if a.Sub == "bad" {
				return nil, fmt.Errorf("no script registered %q", a.Sub)
			}
			return verdict(txn.Accept), nil
		},
		Service: func(*model.Action, string) (txn.Service, error) { return service{}, nil },
	}
	return f, func(ctx string) List {
		m := f.Model
		rules := map[string][]*model.Rule{
			ctxConn: m.TCPReqConn, ctxSess: m.TCPReqSess, ctxContent: m.TCPReqContent, ctxRequest: m.HTTPRequest, ctxTCPRes: m.TCPRespContent,
			ctxResponse: m.HTTPResponse, ctxAfter: m.HTTPAfter,
		}[ctx]
		l := b.Compile(rules, ctx, f)
		if list.Failed() {
			t.Fatalf("%s\n%v", lines, list.All())
		}
		return l
	}
}

type service struct{}

func (service) Serve(*txn.Txn, txn.ServiceIO) error { return nil }

const request = "GET /a/b?q=1 HTTP/1.1\r\nHost: h:1\r\nX-A: old1\r\nX-R: ab\r\nx-a: old2\r\nX-R: zab\r\nX-L: a, b ,cb,b\r\n" +
	"X-Evil: x\r\n\r\n"

const answerHead = "HTTP/1.1 200 OK\r\nLocation: /old\r\nCache-Control: max-age=3600, public\r\nContent-Length: 4\r\n\r\n"

func transaction(t testing.TB, f *proxy.Proxy, ctx string) (*txn.Txn, *stream) {
	t.Helper()
	control := &stream{}
	tx := &txn.Txn{
		Front: f, Mode: f.Model.Mode, Control: control, LogLevel: -1,
		Conn: &txn.Conn{Src: netip.MustParseAddrPort("192.0.2.7:4711"), Dst: netip.MustParseAddrPort("127.0.0.1:80")},
	}
	tx.Captures.Req, tx.Captures.Res = make([][]byte, len(f.Model.CaptureReq)), make([][]byte, len(f.Model.CaptureResp))
	limits := http1.Limits{MaxHeaders: 101, MaxHead: 16384}
	if f.Model.Mode == model.ModeHTTP {
		if n, err := tx.Req.ParseRequest([]byte(request), limits); n != len(request) || err != nil {
			t.Fatal(n, err)
		}
	}
	tx.Vars.Set("evil", txn.Value{Type: txn.TypeStr, B: []byte("a\r\nEvil: 1\x00")})
	switch ctx {
	case ctxRequest:
		tx.Stage = txn.StageHTTPReq
	case ctxContent:
		tx.Stage = txn.StageReqContent
	case ctxResponse, ctxAfter:
		tx.Stage, tx.HasRes = txn.StageHTTPRes, true
		if n, err := tx.Res.ParseResponse([]byte(answerHead), limits, []byte("GET")); n != len(answerHead) || err != nil {
			t.Fatal(n, err)
		}
	}
	return tx, control
}

// head writes a message's start line and the headers that are asked for, or all of them.
func head(m *http1.Message, names ...string) string {
	var out []string
	for i, line := range strings.Split(strings.TrimSuffix(string(m.AppendHead(nil)), "\r\n\r\n"), "\r\n") {
		name, _, _ := strings.Cut(line, ":")
		if i == 0 || len(names) == 0 || slices.Contains(names, name) {
			out = append(out, line)
		}
	}
	return strings.Join(out, "|")
}

// TestRequestRules: rules and what the request is afterwards.
func TestRequestRules(t *testing.T) {
	for rules, want := range map[string]string{
		"set-header X-A new":                                      "GET /a/b?q=1 HTTP/1.1|x-a: new",
		"add-header X-A new-%[src]":                               "GET /a/b?q=1 HTTP/1.1|x-a: old1|x-a: old2|x-a: new-192.0.2.7",
		"del-header X-A":                                          "GET /a/b?q=1 HTTP/1.1",
		"del-header x- -m beg":                                    "GET /a/b?q=1 HTTP/1.1",
		"del-header -A -m end":                                    "GET /a/b?q=1 HTTP/1.1",
		"del-header -a -m sub":                                    "GET /a/b?q=1 HTTP/1.1",
		"del-header ^x-[ab]$ -m reg":                              "GET /a/b?q=1 HTTP/1.1",
		`replace-header X-A old(.) \1-%[dst_port]-\\x41`:          "GET /a/b?q=1 HTTP/1.1|x-a: 1-80-A|x-a: 2-80-A",
		"set-header X-A %[var(txn.evil)]":                         "GET /a/b?q=1 HTTP/1.1|x-a: a%0D%0AEvil: 1%00",
		"set-path /new":                                           "GET /new?q=1 HTTP/1.1|x-a: old1|x-a: old2",
		"set-pathq /n?z=2":                                        "GET /n?z=2 HTTP/1.1|x-a: old1|x-a: old2",
		"set-query z=%[path]":                                     "GET /a/b?z=/a/b HTTP/1.1|x-a: old1|x-a: old2",
		"set-uri http://x/y":                                      "GET http://x/y HTTP/1.1|x-a: old1|x-a: old2",
		"set-method POST":                                         "POST /a/b?q=1 HTTP/1.1|x-a: old1|x-a: old2",
		`set-path /a\ b`:                                          "GET /a/b?q=1 HTTP/1.1|x-a: old1|x-a: old2",
		`set-method G\ T`:                                         "GET /a/b?q=1 HTTP/1.1|x-a: old1|x-a: old2",
		"set-uri %[var(txn.evil)]":                                "GET /a/b?q=1 HTTP/1.1|x-a: old1|x-a: old2",
		`replace-path /a/(.*) /\\1`:                               "GET /b?q=1 HTTP/1.1|x-a: old1|x-a: old2",
		`replace-path (.*) /foo\\1`:                               "GET /foo/a/b?q=1 HTTP/1.1|x-a: old1|x-a: old2",
		`replace-pathq ([^?]*)(\\?(.*))? \\1/foo\\2`:              "GET /a/b/foo?q=1 HTTP/1.1|x-a: old1|x-a: old2",
		`replace-uri ([^/:]*://[^/]*)?(.*) \\1/foo\\2`:            "GET /foo/a/b?q=1 HTTP/1.1|x-a: old1|x-a: old2",
		"set-header X-A new if { path /nope }":                    "GET /a/b?q=1 HTTP/1.1|x-a: old1|x-a: old2",
		"set-header X-A new unless { path /nope }":                "GET /a/b?q=1 HTTP/1.1|x-a: new",
		"set-var(txn.x) path,upper\nset-header X-A %[var(txn.x)]": "GET /a/b?q=1 HTTP/1.1|x-a: /A/B",
		"set-var-fmt(txn.x) %[src]:%[src_port]\nset-header X-A %[var(txn.x)]":                 "GET /a/b?q=1 HTTP/1.1|x-a: 192.0.2.7:4711",
		"set-var(txn.x) int(1)\nset-var(txn.x,ifnotset) int(2)\nset-header X-A %[var(txn.x)]": "GET /a/b?q=1 HTTP/1.1|x-a: 1",
		"set-var(txn.x) int(1)\nunset-var(txn.x)\nset-header X-A %[var(txn.x,none)]":          "GET /a/b?q=1 HTTP/1.1|x-a: none",
		"set-src hdr(nosuch)\nset-header X-A %[src]":                                          "GET /a/b?q=1 HTTP/1.1|x-a: 192.0.2.7",
		"set-src src,ipmask(24)\nset-src-port int(5)\nset-header X-A %[src]:%[src_port]":      "GET /a/b?q=1 HTTP/1.1|x-a: 192.0.2.0:5",
		"set-dst str(::1)\nset-dst-port int(8080)\nset-header X-A %[dst]:%[dst_port]":         "GET /a/b?q=1 HTTP/1.1|x-a: ::1:8080",
		"set-dst-port int(99999)\nset-header X-A %[dst_port]":                                 "GET /a/b?q=1 HTTP/1.1|x-a: 80",
		"allow\nset-header X-A new": "GET /a/b?q=1 HTTP/1.1|x-a: old1|x-a: old2",
	} {
		var lines []string
		for _, r := range strings.Split(rules, "\n") {
			lines = append(lines, " http-request "+r)
		}
		f, compile := lists(t, "http", strings.Join(lines, "\n"))
		tx, _ := transaction(t, f, ctxRequest)
		compile(ctxRequest).Run(tx)
		if got := head(&tx.Req, "x-a"); got != want {
			t.Errorf("%s\n got %s\nwant %s", rules, got, want)
		}
	}
	f, compile := lists(t, "http", ` http-request replace-value X-L b z`)
	tx, _ := transaction(t, f, ctxRequest)
	compile(ctxRequest).Run(tx)
	if got, want := head(&tx.Req, "x-l"), "GET /a/b?q=1 HTTP/1.1|x-l: a, z,z,z"; got != want {
		t.Errorf("replace-value: got %s, want %s", got, want)
	}
}

func TestResponseRules(t *testing.T) {
	for rule, want := range map[string]string{
		"set-header Location /new":                     "HTTP/1.1 200 OK|location: /new",
		"set-status 503 reason \"Slow Down\"":          "HTTP/1.1 503 Slow Down|location: /old",
		"set-status 404":                               "HTTP/1.1 404 Not Found|location: /old",
		"replace-value cache-control ^public$ private": "HTTP/1.1 200 OK|cache-control: max-age=3600, private|location: /old",
		"del-header Location":                          "HTTP/1.1 200 OK",
		"set-header Location %[status]":                "HTTP/1.1 200 OK|location: 200",
	} {
		for _, list := range []string{"http-response", "http-after-response"} {
			f, compile := lists(t, "http", " "+list+" "+rule)
			ctx := map[string]string{"http-response": ctxResponse, "http-after-response": ctxAfter}[list]
			tx, _ := transaction(t, f, ctx)
			compile(ctx).Run(tx)
			names := []string{"location"}
			if strings.HasPrefix(rule, "replace-value") {
				names = append(names, "cache-control")
			}
			got := strings.Split(head(&tx.Res, names...), "|")
			slices.Sort(got[1:])
			if strings.Join(got, "|") != want {
				t.Errorf("%s %s\n got %s\nwant %s", list, rule, strings.Join(got, "|"), want)
			}
		}
	}
}

// TestAnswers: rules that answer, the verdict and the answer.
func TestAnswers(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	page := file("page.http", "HTTP/1.0 200 OK\r\nX-Page: 1\r\n\r\nhello")
	raw, format := file("raw.txt", "%[path]\n"), file("lf.txt", "<%[path]>")
	for _, test := range []struct {
		ctx, rule string
		verdict   txn.Verdict
		want      string
	}{
		{ctxRequest, "redirect location /ok", txn.Answer, "HTTP/1.1 302 Found|content-length: 0|location: /ok|cache-control: no-cache"},
		{ctxRequest, "redirect code 301 location http://x%[path]", txn.Answer, "HTTP/1.1 301 Moved Permanently|content-length: 0|location: http://x/a/b"},
		{ctxRequest, "redirect location /x keep-query code 308", txn.Answer, "HTTP/1.1 308 Permanent Redirect|content-length: 0|location: /x?q=1"},
		{ctxRequest, "redirect location /x?y keep-query code 301", txn.Answer, "HTTP/1.1 301 Moved Permanently|content-length: 0|location: /x?y&q=1"},
		{ctxRequest, "redirect prefix https://x code 301", txn.Answer, "HTTP/1.1 301 Moved Permanently|content-length: 0|location: https://x/a/b?q=1"},
		{ctxRequest, "redirect prefix / drop-query append-slash code 301", txn.Answer, "HTTP/1.1 301 Moved Permanently|content-length: 0|location: /a/b/"},
		{ctxRequest, "redirect scheme https code 303", txn.Answer, "HTTP/1.1 303 See Other|content-length: 0|location: https://h:1/a/b?q=1|cache-control: no-cache"},
		{ctxRequest, "redirect location / set-cookie A=1 code 301", txn.Answer, "HTTP/1.1 301 Moved Permanently|content-length: 0|location: /|set-cookie: A=1; path=/;"},
		{ctxRequest, "redirect location / clear-cookie A= code 301", txn.Answer, "HTTP/1.1 301 Moved Permanently|content-length: 0|location: /|set-cookie: A=; path=/; Max-Age=0;"},
		{ctxRequest, "redirect location / set-cookie-fmt A=%[src] code 301", txn.Answer, "HTTP/1.1 301 Moved Permanently|content-length: 0|location: /|set-cookie: A=192.0.2.7; path=/;"},
		{ctxRequest, "redirect location %[hdr(nosuch)] ignore-empty", txn.Next, ""},
		{ctxRequest, "redirect location %[var(txn.evil)] code 301", txn.Answer, "HTTP/1.1 301 Moved Permanently|content-length: 0|location: a%0D%0AEvil: 1%00"},
		{ctxRequest, "return", txn.Answer, "HTTP/1.1 200 OK|content-length: 0"},
		{ctxRequest, "return status 404 hdr a %[src] hdr b %[hdr(nosuch)]", txn.Answer, "HTTP/1.1 404 Not Found|content-length: 0|a: 192.0.2.7"},
		{ctxRequest, `return content-type text/plain string "%[src]"`, txn.Answer, "HTTP/1.1 200 OK|content-length: 6|content-type: text/plain||%[src]"},
		{ctxRequest, `return content-type text/plain lf-string "%[src]\n"`, txn.Answer, "HTTP/1.1 200 OK|content-length: 10|content-type: text/plain||192.0.2.7\n"},
		{ctxRequest, "return content-type a/b file " + raw, txn.Answer, "HTTP/1.1 200 OK|content-length: 8|content-type: a/b||%[path]\n"},
		{ctxRequest, "return content-type a/b lf-file " + format, txn.Answer, "HTTP/1.1 200 OK|content-length: 6|content-type: a/b||</a/b>"},
		{ctxRequest, "return errorfile " + page, txn.Answer, "HTTP/1.1 200 OK|x-page: 1|content-length: 5||hello"},
		{ctxRequest, "return status 403 default-errorfiles", txn.Answer, "403"},
		{ctxRequest, "deny", txn.Deny, "403"},
		{ctxRequest, "deny deny_status 429", txn.Deny, "429"},
		{ctxRequest, `deny status 418 content-type a/b string x`, txn.Deny, "HTTP/1.1 418 I'm a teapot|content-length: 1|content-type: a/b||x"},
		{ctxRequest, "tarpit", txn.Deny, "500 after the tarpit"},
		{ctxRequest, "tarpit deny_status 429", txn.Deny, "429 after the tarpit"},
		{ctxRequest, "reject", txn.Reject, ""},
		{ctxRequest, "silent-drop", txn.Drop, ""},
		{ctxRequest, "allow", txn.Accept, ""},
		{ctxRequest, "lua.x a", txn.Accept, ""},
		{ctxRequest, "use-service lua.s", txn.UseService, ""},
		{ctxResponse, "deny", txn.Deny, "502"},
		{ctxResponse, "redirect location /x code 301", txn.Answer, "HTTP/1.1 301 Moved Permanently|content-length: 0|location: /x"},
		{ctxResponse, "return status 200 hdr was %[status]", txn.Answer, "HTTP/1.1 200 OK|content-length: 0|was: 200"},
	} {
		list := map[string]string{ctxRequest: "http-request", ctxResponse: "http-response"}[test.ctx]
		f, compile := lists(t, "http", " "+list+" "+test.rule)
		tx, _ := transaction(t, f, test.ctx)
		was := tx.HasRes
		if got := compile(test.ctx).Run(tx); got != test.verdict {
			t.Errorf("%s %s: verdict %d, want %d", list, test.rule, got, test.verdict)
		}
		got := ""
		switch {
		case tx.ErrorStatus != 0:
			if got = fmt.Sprint(tx.ErrorStatus); tx.Tarpit {
				got += " after the tarpit"
			}
			if tx.Local {
				t.Errorf("%s %s: an answer and a status", list, test.rule)
			}
		case tx.Local:
			lines := strings.Split(head(&tx.Res), "|")
			if n := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "content-length") }); n > 1 {
				length := lines[n]
				lines = slices.Insert(slices.Delete(lines, n, n+1), 1, length)
			}
			got = strings.Join(lines, "|")
			if len(tx.ResBody) > 0 {
				got += "||" + string(tx.ResBody)
			}
		case tx.HasRes != was:
			t.Errorf("%s %s: an answer that is not local", list, test.rule)
		}
		want := test.want
		if strings.Contains(test.rule, "errorfile "+page) {
			want = "HTTP/1.1 200 OK|content-length: 5|x-page: 1||hello"
		}
		if got != want {
			t.Errorf("%s %s\n got %s\nwant %s", list, test.rule, got, want)
		}
	}
}

// TestState: rules that change what is known of the transaction.
func TestState(t *testing.T) {
	f, compile := lists(t, "http", ` declare capture request len 4
 http-request set-log-level silent
 http-request set-log-level notice if { path /nope }
 http-request capture path id 0
 http-request capture req.hdr(x-r) len 2
 http-request disable-l7-retry
 http-request wait-for-body time 2s at-least 1k`)
	tx, control := transaction(t, f, ctxRequest)
	if v := compile(ctxRequest).Run(tx); v != txn.Next {
		t.Fatalf("verdict %d", v)
	}
	if tx.LogLevel != -2 {
		t.Errorf("log level %d", tx.LogLevel)
	}
	if len(tx.Captures.Req) != 2 || string(tx.Captures.Req[0]) != "/a/b" || string(tx.Captures.Req[1]) != "za" {
		t.Errorf("captures %q", tx.Captures.Req)
	}
	if !tx.NoRetry {
		t.Error("the request may still be sent twice")
	}
	if control.waited != 2*time.Second || control.atLeast != 1024 {
		t.Errorf("waited %v for %d bytes", control.waited, control.atLeast)
	}
	for err, want := range map[error]struct {
		verdict txn.Verdict
		status  int
		state   string
	}{os.ErrDeadlineExceeded: {txn.Answer, 408, "cR"}, os.ErrClosed: {txn.Reject, 0, "CR"}} {
		tx, control := transaction(t, f, ctxRequest)
		control.err = err
		if v := compile(ctxRequest).Run(tx); v != want.verdict || tx.ErrorStatus != want.status {
			t.Errorf("%v: verdict %d, status %d", err, v, tx.ErrorStatus)
		}
		if got := string(tx.Err[:]); got != want.state {
			t.Errorf("%v: state %q, want %q", err, got, want.state)
		}
	}
}

// TestWait: a list stops at the rule that can't tell, and goes on there.
func TestExpectProxy(t *testing.T) {
	_, compile := lists(t, "tcp", " tcp-request connection expect-proxy layer4")
	l := compile(ctxConn)
	for _, tt := range []struct {
		err  error
		want txn.Verdict
	}{{nil, txn.Next}, {io.ErrUnexpectedEOF, txn.Reject}} {
		if got := l.Run(&txn.Txn{Control: &stream{noProxy: tt.err}}); got != tt.want {
			t.Errorf("header read with %v: verdict %v, want %v", tt.err, got, tt.want)
		}
	}
}

func TestWait(t *testing.T) {
	f, compile := lists(t, "tcp", ` tcp-request inspect-delay 1s
 tcp-request content set-var(sess.n) int(1),add(sess.n) unless { var(sess.n) -m int gt 0 }
 tcp-request content accept if { req.payload(0,3) -m bin 616263 }
 tcp-request content reject if WAIT_END`)
	l := compile(ctxContent)
	tx, control := transaction(t, f, ctxContent)
	control.payload = "ab"
	if v := l.Run(tx); v != txn.Wait || tx.Resume != 1 {
		t.Fatalf("with two bytes: verdict %d at %d", v, tx.Resume)
	}
	control.payload = "abc"
	if v := l.Run(tx); v != txn.Accept || tx.Resume != 0 {
		t.Errorf("with three bytes: verdict %d at %d", v, tx.Resume)
	}
	control.payload = "xyz"
	if v := l.Run(tx); v != txn.Wait || tx.Resume != 2 {
		t.Errorf("with other bytes: verdict %d at %d", v, tx.Resume)
	}
	tx.InspectOver = true
	if v := l.Run(tx); v != txn.Reject {
		t.Errorf("at the end: verdict %d", v)
	}
}

// TestDeclared: every action that the configuration knows can be built, and no other.
func TestDeclared(t *testing.T) {
	declared := map[string]bool{"lua": true}
	for _, d := range keyword.Actions() {
		declared[d.Name] = true
		if constructors()[d.Name] == nil {
			t.Errorf("the action %s has no code", d.Name)
		}
	}
	for _, name := range ActionNames() {
		if !declared[name] {
			t.Errorf("the action %s is not declared", name)
		}
	}
}

func TestProblems(t *testing.T) {
	f, _ := lists(t, "http", " http-request lua.bad")
	var list diag.List
	b := &Builder{
		Env: &sample.Env{Problems: &list}, Config: &model.Config{}, Problems: &list,
		Lua: func(a *model.Action, _ string) (Action, error) {
			return nil, fmt.Errorf("no script registered %q", a.Sub)
		},
	}
	b.Compile(f.Model.HTTPRequest, ctxRequest, f)
	if all := list.All(); len(all) != 1 || all[0].Text != `no script registered "bad"` || all[0].Pos.Line != 5 {
		t.Errorf("%v", all)
	}
}

// TestNoAllocation: running common rules leaves nothing for the garbage collector.
func TestNoAllocation(t *testing.T) {
	f, compile := lists(t, "http", ` acl static path_beg /static /img
 http-request deny if { src 10.0.0.0/8 } or { hdr(user-agent) -m sub -i bot }
 http-request set-header x-forwarded-proto http if !{ ssl_fc }
 http-request set-header x-src %[src]:%[src_port]
 http-request set-var(txn.host) hdr(host),lower
 http-request redirect location /ok unless static`)
	l := compile(ctxRequest)
	tx, _ := transaction(t, f, ctxRequest)
	head := []byte(request)
	if n := testing.AllocsPerRun(100, func() {
		tx.Req.Reset()
		tx.Req.ParseRequest(head, http1.Limits{MaxHeaders: 101, MaxHead: 16384})
		if l.Run(tx) != txn.Answer {
			t.Fatal("no answer")
		}
		tx.Scratch.Reset(1 << 16)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
