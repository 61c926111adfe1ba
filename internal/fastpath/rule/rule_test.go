package rule_test

import (
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
	"eddy/internal/fastpath/rule"
	"eddy/internal/fastpath/sample"
	"eddy/internal/fastpath/txn"
)

const request = "GET /a/b?x=1&y=2 HTTP/1.1\r\nHost: example.org:8080\r\nX-Old: one, two\r\nX-Old: three\r\nCookie: id=7\r\n\r\n"

// stand is a compiled frontend and a transaction on it.
type stand struct {
	rules rule.List
	tx    txn.Txn
	ctrl  control
}

// control plays the stream.
type control struct {
	waited   time.Duration
	atLeast  int
	complete bool
	err      error
	closed   string
}

func (c *control) WaitBody(_ txn.Dir, atLeast int, d time.Duration) (bool, error) {
	c.waited, c.atLeast = d, atLeast
	return c.complete, c.err
}
func (c *control) Body(txn.Dir) ([]byte, bool)    { return nil, true }
func (c *control) Payload(txn.Dir) ([]byte, bool) { return nil, true }
func (c *control) SetPayload(txn.Dir, []byte)     {}
func (c *control) Close(silent bool) {
	c.closed = map[bool]string{true: "silent", false: "close"}[silent]
}

// newStand compiles lines, each a whole rule, as the rules of a frontend; the last list that has any is the one.
func newStand(t testing.TB, lines string) *stand {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("page.http", "HTTP/1.1 410 Gone\r\nContent-Type: text/x\r\nContent-Length: 5\r\n\r\ngone\n")
	write("body.txt", "path is %[path]")
	text := "defaults\n mode http\n timeout client 1s\n timeout server 1s\n timeout connect 1s\nhttp-errors site\n errorfile 404 PAGE\nfrontend f\n bind 127.0.0.1:1\n declare capture request len 4\n" +
		strings.ReplaceAll(lines, "DIR/", dir+"/")
	cfg, problems := config.LoadBytes("t.cfg", []byte(strings.ReplaceAll(text, "PAGE", filepath.Join(dir, "page.http"))), config.Options{Env: os.LookupEnv})
	for _, p := range problems.All() {
		if p.Severity == diag.Error {
			t.Fatalf("%v: %s (%s)", p.Pos, p.Text, p.Hint)
		}
	}
	m := cfg.Proxies[0]
	px := &proxy.Proxy{Model: m, Name: m.Name}
	b := rule.Builder{Env: &sample.Env{Proxies: proxy.NewSet([]*proxy.Proxy{px}), Proc: new(txn.ProcVars), Files: new(patfile.Store), Problems: problems},
		Config: cfg, Problems: problems}
	s := &stand{}
	for _, l := range []struct {
		rules []*model.Rule
		ctx   string
		stage txn.Stage
	}{
		{m.TCPReqConn, "tcp-req-conn", txn.StageConn}, {m.HTTPRequest, "http-req", txn.StageHTTPReq},
		{m.HTTPResponse, "http-res", txn.StageHTTPRes}, {m.HTTPAfter, "http-after-res", txn.StageHTTPAfter},
	} {
		if len(l.rules) > 0 {
			s.rules, s.tx.Stage = b.Compile(l.rules, l.ctx, px), l.stage
		}
	}
	if problems.Failed() {
		t.Fatal(problems.All())
	}
	s.tx.Conn = &txn.Conn{Src: netip.MustParseAddrPort("10.0.0.1:1234"), Dst: netip.MustParseAddrPort("10.0.0.2:80")}
	s.tx.Front, s.tx.Mode, s.tx.Proc, s.tx.Control, s.tx.LogLevel = px, model.ModeHTTP, b.Env.Proc, &s.ctrl, -1
	s.tx.Captures.Req = make([][]byte, len(m.CaptureReq))
	s.tx.Captures.Res = make([][]byte, len(m.CaptureResp))
	lim := http1.Limits{MaxHeaders: 100, MaxHead: 16384}
	if _, err := s.tx.Req.ParseRequest([]byte(request), lim); err != nil {
		t.Fatal(err)
	}
	if s.tx.Stage >= txn.StageHTTPRes {
		head := "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nServer: s1\r\nX-A: 1\r\n\r\n"
		if _, err := s.tx.Res.ParseResponse([]byte(head), lim, []byte("GET")); err != nil {
			t.Fatal(err)
		}
		s.tx.HasRes = true
	}
	return s
}

var verdicts = map[txn.Verdict]string{txn.Next: "next", txn.Accept: "accept", txn.Answer: "answer", txn.Deny: "deny", txn.Reject: "reject",
	txn.Drop: "drop", txn.Abort: "abort", txn.Wait: "wait"}

func TestRequestRules(t *testing.T) {
	for _, c := range []struct{ rules, verdict, head string }{
		{" http-request set-header X-New v-%[method]", "next", "x-new: v-GET"},
		{" http-request set-header x-old new", "next", "!x-old: one|x-old: new"},
		{" http-request add-header x-old new", "next", "x-old: one, two|x-old: three|x-old: new"},
		{" http-request del-header X-OLD", "next", "!x-old"},
		{" http-request del-header x- -m beg", "next", "!x-old|cookie: id=7"},
		{" http-request del-header OLD -m end", "next", "!x-old|cookie: id=7"},
		{" http-request del-header oo -m sub", "next", "!cookie|x-old: three"},
		{" http-request del-header ^(?i)(cookie|host)$ -m reg", "next", "!cookie|!host|x-old: three"},
		{` http-request replace-header X-Old "(.*)e(.*)" "\2<\1>%[method]"`, "next", "x-old: , two<on>GET|x-old: <thre>GET"},
		{` http-request replace-value X-Old "^t(.*)" "T-\1"`, "next", "x-old: one, T-wo|x-old: T-hree"},
		{` http-request replace-path "/a(.*)" "/c\1"`, "next", "GET /c/b?x=1&y=2 HTTP/1.1"},
		{` http-request replace-pathq "(.*)\?(.*)" "\2-\1"`, "next", "GET x=1&y=2-/a/b HTTP/1.1"},
		{` http-request replace-uri "^/a" /z`, "next", "GET /z HTTP/1.1"},
		{" http-request set-path /p%[path]", "next", "GET /p/a/b?x=1&y=2 HTTP/1.1"},
		{" http-request set-pathq /only", "next", "GET /only HTTP/1.1"},
		{" http-request set-query q=%[src]", "next", "GET /a/b?q=10.0.0.1 HTTP/1.1"},
		{" http-request set-uri /u?v", "next", "GET /u?v HTTP/1.1"},
		{" http-request set-method POST", "next", "POST /a/b?x=1&y=2 HTTP/1.1"},
		{" http-request set-var(txn.a) int(3)\n http-request set-header x-v %[var(txn.a)]", "next", "x-v: 3"},
		{" http-request set-var(txn.a) str(one)\n http-request set-var(txn.a,ifnotset) str(two)\n http-request set-header x-v %[var(txn.a)]", "next", "x-v: one"},
		{" http-request set-var-fmt(req.a) %[method]-%[path]\n http-request unset-var(req.b)\n http-request set-header x-v %[var(req.a)]", "next", "x-v: GET-/a/b"},
		{" http-request set-var(txn.a) str(one)\n http-request unset-var(txn.a)\n http-request set-header x-v <%[var(txn.a)]>", "next", "x-v: <>"},
		{" http-request set-header a 1 if { path /no }\n http-request set-header b 2 unless { path /no }", "next", "!a: 1|b: 2"},
		{" http-request allow\n http-request set-header a 1", "accept", "!a: 1"},
		{" http-request reject", "reject", ""},
		{" http-request silent-drop", "drop", ""},
		{" http-request set-src ipv4(1.2.3.4)\n http-request set-header x-s %[src]:%[src_port]", "next", "x-s: 1.2.3.4:1234"},
		{" http-request set-src-port int(99)\n http-request set-dst ipv4(5.6.7.8)\n http-request set-dst-port int(77)\n http-request set-header x-s %[src]:%[src_port]-%[dst]:%[dst_port]", "next", "x-s: 10.0.0.1:99-5.6.7.8:77"},
		{" http-request capture path id 0\n http-request set-header x-c %[capture.req.hdr(0)]", "next", "x-c: /a/b"},
		{" http-request capture url len 6\n http-request set-header x-c %[capture.req.hdr(1)]", "next", "x-c: /a/b?x"},
		// What would end the line early never reaches it.
		{` http-request set-header x-bad "%[str(a%0d%0ab:c),url_dec]"`, "next", "x-bad: a%0D%0Ab:c|!b:c"},
		{` http-request set-path "/x%[str(%20HTTP/1.1%0d%0aEvil:1),url_dec]"`, "next", "GET /a/b?x=1&y=2 HTTP/1.1|!evil"},
	} {
		t.Run(c.rules, func(t *testing.T) {
			s := newStand(t, c.rules)
			if got := verdicts[s.rules.Run(&s.tx)]; got != c.verdict {
				t.Fatalf("verdict %s, want %s", got, c.verdict)
			}
			holds(t, string(s.tx.Req.AppendHead(nil)), c.head)
		})
	}
}

// holds checks the lines, parted by '|', that a head must have, or with '!' must not have a start of.
func holds(t *testing.T, head, want string) {
	t.Helper()
	lines := strings.Split(head, "\r\n")
	for _, w := range strings.Split(want, "|") {
		if w == "" {
			continue
		}
		if no, ok := strings.CutPrefix(w, "!"); ok {
			if slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(strings.ToLower(l), no) }) {
				t.Errorf("there is %q in\n%s", no, head)
			}
			continue
		}
		if !slices.Contains(lines, w) {
			t.Errorf("no line %q in\n%s", w, head)
		}
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct{ rule, verdict, head, body string }{
		{" http-request redirect location /ok", "answer", "HTTP/1.1 302 Found|content-length: 0|location: /ok|cache-control: no-cache", ""},
		{" http-request redirect location /x%[path] code 301", "answer", "HTTP/1.1 301 Moved Permanently|location: /x/a/b|!cache-control", ""},
		{" http-request redirect location /l?a keep-query", "answer", "location: /l?a&x=1&y=2", ""},
		{" http-request redirect location /l keep-query", "answer", "location: /l?x=1&y=2", ""},
		{" http-request redirect prefix /pre", "answer", "location: /pre/a/b?x=1&y=2", ""},
		{" http-request redirect prefix / drop-query append-slash code 308", "answer", "HTTP/1.1 308 Permanent Redirect|location: /a/b/", ""},
		{" http-request redirect scheme https code 307", "answer", "HTTP/1.1 307 Temporary Redirect|location: https://example.org:8080/a/b?x=1&y=2|cache-control: no-cache", ""},
		{" http-request redirect location / set-cookie A=b", "answer", "set-cookie: A=b; path=/;", ""},
		{" http-request redirect location / clear-cookie A=", "answer", "set-cookie: A=; path=/; Max-Age=0;", ""},
		{" http-request redirect location %[var(txn.none)] ignore-empty", "next", "", ""},
		{` http-request redirect location "/%[str(%0d%0aEvil: 1),url_dec]"`, "answer", "!evil|location: /%0D%0AEvil: 1", ""},
		{" http-request return", "answer", "HTTP/1.1 200 OK|content-length: 0", ""},
		{" http-request return status 404", "answer", "HTTP/1.1 404 Not Found|content-length: 0", ""},
		{` http-request return content-type text/plain string "a b" hdr x-a %[method]`, "answer", "HTTP/1.1 200 OK|content-length: 3|content-type: text/plain|x-a: GET", "a b"},
		{` http-request return content-type text/plain lf-string "at %[path]"`, "answer", "content-length: 7", "at /a/b"},
		{` http-request return content-type text/plain file DIR/body.txt`, "answer", "content-length: 15", "path is %[path]"},
		{` http-request return content-type text/plain lf-file DIR/body.txt`, "answer", "content-length: 12", "path is /a/b"},
		{` http-request return errorfile DIR/page.http`, "answer", "HTTP/1.1 410 Gone|content-type: text/x", "gone\n"},
		{` http-request return status 404 errorfiles site`, "answer", "HTTP/1.1 410 Gone", "gone\n"},
		{" http-request deny deny_status 429 hdr x-b c", "deny", "HTTP/1.1 429 Too Many Requests|x-b: c|content-length: 0", ""},
		{" http-request deny content-type text/plain string no", "deny", "HTTP/1.1 403 Forbidden|content-length: 2", "no"},
		{" http-response return status 503", "answer", "HTTP/1.1 503 Service Unavailable|!server", ""},
		{" http-response redirect location /r", "answer", "location: /r|!server", ""},
		{" http-response set-status 418 reason \"I'm a teapot\"", "next", "HTTP/1.1 418 I'm a teapot", ""},
		{" http-response set-header x-a %[res.hdr(server)]-%[status]", "next", "x-a: s1-200|!x-a: 1", ""},
		{" http-after-response del-header server", "next", "!server|x-a: 1", ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			s := newStand(t, c.rule)
			if got := verdicts[s.rules.Run(&s.tx)]; got != c.verdict {
				t.Fatalf("verdict %s, want %s", got, c.verdict)
			}
			if c.verdict == "next" && s.tx.Stage == txn.StageHTTPReq {
				return
			}
			if local := c.verdict != "next"; s.tx.Local != local || !s.tx.HasRes {
				t.Errorf("Local %v, HasRes %v", s.tx.Local, s.tx.HasRes)
			}
			holds(t, string(s.tx.Res.AppendHead(nil)), c.head)
			if string(s.tx.ResBody) != c.body {
				t.Errorf("body %q, want %q", s.tx.ResBody, c.body)
			}
		})
	}
}

// A refusal without a body of its own is the proxy's page for the status, which only the stream knows.
func TestAnswersLeftToTheStream(t *testing.T) {
	for _, c := range []struct {
		rule   string
		status int
		tarpit bool
	}{
		{" http-request deny", 403, false},
		{" http-request deny status 401", 401, false},
		{" http-request tarpit", 500, true},
		{" http-request tarpit deny_status 429", 429, true},
		{" http-request return status 404 default-errorfiles", 404, false},
		{" http-response deny", 502, false},
	} {
		s := newStand(t, c.rule)
		v := s.rules.Run(&s.tx)
		if v != txn.Deny && v != txn.Answer || s.tx.Local || s.tx.ErrorStatus != c.status || s.tx.Tarpit != c.tarpit {
			t.Errorf("%s: verdict %v, local %v, status %d, tarpit %v", c.rule, verdicts[v], s.tx.Local, s.tx.ErrorStatus, s.tx.Tarpit)
		}
	}
}

func TestOtherActions(t *testing.T) {
	s := newStand(t, " http-request wait-for-body time 3s at-least 1k\n http-request set-log-level silent")
	if v := s.rules.Run(&s.tx); v != txn.Next || s.ctrl.waited != 3*time.Second || s.ctrl.atLeast != 1024 || s.tx.LogLevel != -2 {
		t.Errorf("verdict %v, waited %v for %d, log level %d", v, s.ctrl.waited, s.ctrl.atLeast, s.tx.LogLevel)
	}
	s = newStand(t, " http-request set-log-level err\n http-request disable-l7-retry")
	if s.rules.Run(&s.tx); s.tx.LogLevel != 3 || !s.tx.NoRetry {
		t.Errorf("log level %d, no retry %v", s.tx.LogLevel, s.tx.NoRetry)
	}
	s = newStand(t, " tcp-request connection reject if { src 10.0.0.0/8 }")
	if v := s.rules.Run(&s.tx); v != txn.Reject {
		t.Errorf("verdict %v", v)
	}
}

// Every action that the configuration declares can be built, and no other.
func TestActionsMatchDeclarations(t *testing.T) {
	built := rule.ActionNames()
	declared := []string{"lua"}
	for _, d := range keyword.Actions() {
		declared = append(declared, d.Name)
	}
	slices.Sort(built)
	slices.Sort(declared)
	if !slices.Equal(built, declared) {
		t.Errorf("declared\n%v\nbuilt\n%v", declared, built)
	}
}

func TestRulesDoNotAllocate(t *testing.T) {
	s := newStand(t, " http-request set-header x-a %[src]-%[path] if { path_beg /a } !{ hdr(host) nobody }\n http-request set-var(txn.a) path\n http-request del-header cookie\n http-request redirect location /ok")
	head := []byte(request)
	lim := http1.Limits{MaxHeaders: 100, MaxHead: 16384}
	conn, front, ctrl := s.tx.Conn, s.tx.Front, s.tx.Control
	run := func() {
		s.tx.Reset()
		s.tx.Conn, s.tx.Front, s.tx.Mode, s.tx.Stage, s.tx.Control = conn, front, model.ModeHTTP, txn.StageHTTPReq, ctrl
		if _, err := s.tx.Req.ParseRequest(head, lim); err != nil {
			t.Fatal(err)
		}
		if v := s.rules.Run(&s.tx); v != txn.Answer {
			t.Fatal(verdicts[v])
		}
	}
	run()
	if n := testing.AllocsPerRun(200, run); n > 1 { // the variable's copy
		t.Errorf("%v allocations per run", n)
	}
}
