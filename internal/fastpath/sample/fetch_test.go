package sample

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"eddy/internal/config/expr"
	"eddy/internal/fastpath/http1"
	"eddy/internal/fastpath/sample/cast"
	"eddy/internal/fastpath/txn"
)

// TestRequestFetches: most values are those of HAProxy 2.6 for the same request.
func TestRequestFetches(t *testing.T) {
	env := testEnv()
	env.Process.Env = func(name string) (string, bool) { return "value of " + name, name == "SET" }
	env.Process.Conns = func() int64 { return 11 }
	tx := testTx(t, env, testRequest)
	for text, want := range map[string]string{
		"base":                    "[Ex.com:8080/a/b.html]",
		"base32":                  "[832760570]",
		"url32":                   "[3971906185]",
		"base32+src,hex":          "[31A2EAFAC0000207]",
		"url32+src,hex":           "[ECBE7A89C0000207]",
		"baseq":                   "[Ex.com:8080/a/b.html?q=1&p=a%20b;r=3&e=&q=2]",
		"path":                    "[/a/b.html]",
		"pathq":                   "[/a/b.html?q=1&p=a%20b;r=3&e=&q=2]",
		"query":                   "[q=1&p=a%20b;r=3&e=&q=2]",
		"query(with_qm)":          "[?q=1&p=a%20b;r=3&e=&q=2]",
		"url":                     "[/a/b.html?q=1&p=a%20b;r=3&e=&q=2]",
		"url_param(q)":            "[1]",
		"urlp(p)":                 "[a%20b]",
		"urlp(r)":                 "[3]",
		"urlp(e)":                 "[]",
		"urlp(nosuch)":            "none",
		"urlp(r,;)":               "[3]",
		"urlp(Q)":                 "none",
		"urlp(Q,,i)":              "[1]",
		"urlp":                    "[1]",
		"urlp_val(q)":             "[1]",
		"urlp_val(p)":             "[0]",
		"url_ip":                  "none",
		"url_port":                "none",
		"req.hdr(x-l)":            "[d]",
		"req.hdr(x-l,1)":          "[a]",
		"req.hdr(x-l,2)":          "[b]",
		"req.hdr(x-l,-1)":         "[d]",
		"req.hdr(x-l,-2)":         "[c]",
		"req.hdr(x-l,-4)":         "[a]",
		"req.hdr(x-l,-5)":         "none",
		"req.hdr(x-l,9)":          "none",
		"req.hdr(x-q,1)":          `[x;q="a,b"]`,
		"req.hdr(x-q,2)":          "[y]",
		"req.fhdr(x-l)":           "[d]",
		"req.fhdr(x-l,1)":         "[a,b , c]",
		"req.hdr_cnt(x-l)":        "[4]",
		"req.fhdr_cnt(x-l)":       "[2]",
		"req.fhdr_cnt":            "[10]",
		"req.hdr(,1)":             "[Ex.com:8080]",
		"req.hdr(x-e)":            "[]",
		"req.hdr(nosuch)":         "none",
		"hdr(x-n)":                "[65]",
		"res.hdr(x-n)":            "none",
		"req.hdr_cnt(x-e)":        "[1]",
		"req.hdr_cnt(nosuch)":     "[0]",
		"req.hdr_names":           "[host,x-l,x-l,x-q,cookie,cookie,x-ip,x-e,x-n,authorization]",
		"req.hdr_names(;)":        "[host;x-l;x-l;x-q;cookie;cookie;x-ip;x-e;x-n;authorization]",
		"req.hdr_ip(x-ip)":        "none",
		"req.hdr_ip(x-ip,1)":      "[1.2.3.4]",
		"req.hdr_ip(x-ip,2)":      "[5.6.7.8]",
		"req.hdr_ip(x-ip,4)":      "[::2]",
		"req.hdr_ip(x-ip,5)":      "none",
		"req.hdr_val(x-l)":        "[0]",
		"req.hdr_val(x-n)":        "[65]",
		"req.cook(a)":             "[9]",
		"req.cook(b)":             "[2]",
		"req.cook(c)":             "none",
		"cook(d)":                 `["q z"]`,
		"req.cook":                "[1]",
		"req.cook_cnt(a)":         "[3]",
		"req.cook_val(a)":         "[9]",
		"req.cook_names":          "[a,b,a,d,a]",
		"cookie(a)":               "[9]",
		"method":                  "[GET]",
		"req.ver":                 "[1.1]",
		"capture.req.uri":         "[/a/b.html?q=1&p=a%20b;r=3&e=&q=2]",
		"capture.req.method":      "[GET]",
		"capture.req.ver":         "[HTTP/1.1]",
		"http_first_req":          "[1]",
		"http_auth_type":          "[Basic]",
		"http_auth_user":          "[user]",
		"http_auth_pass":          "[pass:w\n]",
		"http_auth_bearer":        "none",
		"req.body":                "[a=1&b=%20&A=3]",
		"req.body_len":            "[13]",
		"req.body_param(b)":       "[%20]",
		"req.body_param(A)":       "[3]",
		"req.body_param(B,i)":     "[%20]",
		"req.body_param":          "[1]",
		"req.hdrs,length":         "[215]",
		"req.hdrs_bin,bytes(0,6)": "[\x04host\x0b]",
		"fe_name":                 "[f]",
		"be_name":                 "[f]",
		"fe_id":                   "[3]",
		"so_id":                   "[9]",
		"so_name":                 "[b1]",
		"src":                     "[192.0.2.7]",
		"src_port":                "[4711]",
		"dst":                     "[127.0.0.1]",
		"dst_port":                "[80]",
		"fc_src":                  "[192.0.2.7]",
		"dst_is_local":            "[1]",
		"src_is_local":            "[0]",
		"fc_rcvd_proxy":           "[0]",
		"fc_http_major":           "[1]",
		"bc_dst":                  "none",
		"hostname":                "[box]",
		"version":                 "[1.2]",
		"pid":                     "[77]",
		"nbthread":                "[2]",
		"nbproc":                  "[1]",
		"act_conn":                "[11]",
		"stopping":                "[0]",
		"env(SET)":                "[value of SET]",
		"env(UNSET)":              "none",
		"rand(1)":                 "[0]",
		"always_true":             "[1]",
		"bool(false)":             "[0]",
		"bin(6162)":               "[ab]",
		"meth(POST)":              "[POST]",
		"ipv6(::1)":               "[::1]",
		"int(-7)":                 "[-7]",
		"str":                     "[]",
		"var(txn.s)":              "[hello]",
		"var(txn.nosuch)":         "none",
		"var(txn.nosuch,x)":       "[x]",
		"var(txn.nosuch,)":        "[]",
		"var(txn.b),hex":          "[00FF10]",
		"nbsrv":                   "[1]",
		"nbsrv(f)":                "[1]",
		"srv_conn(s2)":            "[1]",
		"srv_conn(f/s2)":          "[1]",
		"srv_conn(nosuch)":        "none",
		"srv_conn_free(s2)":       "[19]",
		"srv_is_up(s1)":           "[1]",
		"srv_is_up(s2)":           "[0]",
		"srv_weight(s1)":          "[10]",
		"srv_weight(s2)":          "[0]",
		"srv_uweight(s2)":         "[10]",
		"srv_iweight(s2)":         "[10]",
		"connslots":               "[49]",
		"be_conn_free":            "[20]",
		"queue":                   "[0]",
		"avg_queue":               "[0]",
		"fe_conn":                 "[0]",
		"fe_client_timeout":       "[5000]",
		"cur_client_timeout":      "[5000]",
		"be_server_timeout":       "[0]",
		"txn.id32":                "[1234]",
		"txn.sess_term_state":     "[--]",
		"unique-id":               "none",
		"status":                  "none",
		"ssl_fc":                  "[0]",
		"ssl_fc_sni":              "none",
		"accept_date":             "[1795329408]",
		"accept_date(ms)":         "[1795329408962]",
		"accept_date(us)":         "[1795329408962000]",
		"uuid,length":             "[36]",
		"uuid(7),bytes(14,1)":     "[7]",
		"uuid,bytes(14,1)":        "[4]",
		"wait_end":                "[1]",
		"req.proto_http":          "[1]",
		"req.len":                 "none",
		"acl(METH_GET,!FALSE)":    "[1]",
		"acl(!METH_GET)":          "[0]",
		"dump_all_vars(txn,i)":    "[txn.i=7]",
		"dump_all_vars(sess)":     "[]",
	} {
		if got := evaluate(t, env, tx, text); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
	now := time.Now().Unix()
	if v, _ := compile(t, env, "date").Eval(tx); v.Int < now || v.Int > now+1 {
		t.Errorf("date: %d, now is %d", v.Int, now)
	}
}

func TestResponseFetches(t *testing.T) {
	env := testEnv()
	tx := testTx(t, env, testRequest)
	tx.Stage, tx.HasRes = txn.StageHTTPRes, true
	head := "HTTP/1.1 302 Found\r\nLocation: /x\r\nSet-Cookie: s=1; path=/; q=9\r\nSet-Cookie: t=2\r\nContent-Length: 5\r\n\r\n"
	if n, err := tx.Res.ParseResponse([]byte(head), http1.Limits{MaxHeaders: 101, MaxHead: 16384}, []byte("GET")); n != len(head) || err != nil {
		t.Fatal(n, err)
	}
	tx.Server, tx.Back = tx.Front.Servers[0], tx.Front
	tx.BackSrc, tx.BackDst = netip.MustParseAddrPort("10.0.0.1:555"), netip.MustParseAddrPort("10.0.0.2:80")
	tx.ServerStatus, tx.Retries, tx.Redisp = 200, 2, true
	for text, want := range map[string]string{
		"status": "[302]", "txn.status": "[302]", "server_status": "[200]", "res.ver": "[1.1]", "capture.res.ver": "[HTTP/1.1]",
		"res.hdr(location)": "[/x]", "hdr(location)": "[/x]", "res.hdr_cnt(set-cookie)": "[2]", "res.fhdr(set-cookie,1)": "[s=1; path=/; q=9]",
		"res.cook(s)": "[1]", "res.cook(q)": "none", "scook(t)": "[2]", "res.cook_names": "[s,t]", "res.cook_cnt": "[2]", "cookie(t)": "[2]",
		"set-cookie(s)": "[1]", "res.body_size": "[5]", "bc_src": "[10.0.0.1]", "bc_src_port": "[555]", "bc_dst": "[10.0.0.2]", "bc_dst_port": "[80]",
		"srv_name": "[s1]", "srv_id": "[1]", "txn.conn_retries": "[2]", "txn.redispatched": "[1]", "bc_reused": "[0]",
		"res.hdr_names": "[location,set-cookie,set-cookie,content-length]", "capture.req.uri,length": "[32]",
	} {
		if got := evaluate(t, env, tx, text); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

// TestNoTraffic: in a script's task no fetch fails in another way than by having no value.
func TestNoTraffic(t *testing.T) {
	env := testEnv()
	env.Problems = nil
	for _, stage := range []txn.Stage{txn.StageTask, txn.StageConn, txn.StageLog, txn.StageHTTPRes, txn.StageReqContent} {
		for _, f := range expr.Fetches() {
			tx := &txn.Txn{Stage: stage}
			env.CallFetch(tx, f.Name, exampleArgs(f.Args))
		}
	}
}

func exampleArgs(decl []expr.Arg) []string {
	var out []string
	for _, a := range decl {
		switch a.Kind {
		case expr.KindVar:
			out = append(out, "txn.x")
		case expr.KindIPv4:
			out = append(out, "1.2.3.4")
		case expr.KindIPv6:
			out = append(out, "::1")
		case expr.KindHex:
			out = append(out, "61")
		case expr.KindBack, expr.KindFront:
			out = append(out, "f")
		case expr.KindServer:
			out = append(out, "f/s1")
		case expr.KindChoice:
			out = append(out, a.Choices[0])
		case expr.KindACL:
			out = append(out, "TRUE")
		default:
			out = append(out, "1")
		}
	}
	return out
}

// TestAbsoluteTarget: what only an absolute target has.
func TestAbsoluteTarget(t *testing.T) {
	env := testEnv()
	tx := testTx(t, env, "GET http://10.1.2.3:81/p?x HTTP/1.1\r\nHost: 10.1.2.3:81\r\n\r\n")
	for text, want := range map[string]string{
		"url_ip": "[10.1.2.3]", "url_port": "[81]", "path": "[/p]", "pathq": "[/p?x]", "url": "[http://10.1.2.3:81/p?x]", "query": "[x]",
	} {
		if got := evaluate(t, env, tx, text); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
	tx = testTx(t, env, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n")
	for text, want := range map[string]string{"path": "none", "url": "[*]", "query": "none", "base": "[h]"} {
		if got := evaluate(t, env, tx, text); got != want {
			t.Errorf("*: %s: got %s, want %s", text, got, want)
		}
	}
}

func TestCallFromScript(t *testing.T) {
	env := testEnv()
	tx := testTx(t, env, testRequest)
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"path", nil, "/a/b.html"},
		{"req_hdr", []string{"x-l", "1"}, "a"},
		{"req.hdr", []string{"x-l", "1"}, "a"},
		{"unique_id", nil, "none"},
		{"base32_src", nil, "\x31\xa2\xea\xfa\xc0"},
		{"hdr", nil, "Basic dXNlcjpwYXNzOncK"},
		{"nosuch", nil, `error: unknown fetch "nosuch"`},
		{"pathh", nil, `error: unknown fetch "pathh" (did you mean "path"?)`},
		{"sc0_conn_cnt", nil, `error: HAProxy has the fetch "sc0_conn_cnt", eddy does not have it yet`},
		{"req_hdr", []string{"a", "b"}, `error: <occ> of "req.hdr" is to be a whole number, not "b"`},
		{"nbsrv", []string{"x"}, `error: nbsrv: there is no backend "x"`},
	} {
		for range 2 { // the second comes out of the cache
			v, ok, err := env.CallFetch(tx, test.name, test.args)
			got := "none"
			if ok {
				got = string(cast.Append(nil, v))
			}
			if err != nil {
				got = "error: " + err.Error()
			}
			if got != test.want && !strings.HasPrefix(got, test.want+"\x00") {
				t.Errorf("%s%q: got %q, want %q", test.name, test.args, got, test.want)
			}
		}
	}
	for name, want := range map[string]string{"lower": "ab", "hex": "4142", "lowr": `error: unknown converter "lowr" (did you mean "lower"?)`} {
		v, _, err := env.CallConverter(tx, name, cast.Str([]byte("AB")), nil)
		got := string(cast.Append(nil, v))
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// scripted has one fetch and one converter.
type scripted struct{}

func (scripted) Fetch(name string) (func(*txn.Txn, []string) (txn.Value, bool), bool) {
	return func(_ *txn.Txn, args []string) (txn.Value, bool) {
		return cast.Str([]byte(name + fmt.Sprint(args))), true
	}, name == "mine"
}

func (scripted) Converter(name string) (func(*txn.Txn, txn.Value, []string) (txn.Value, bool), bool) {
	return func(_ *txn.Txn, in txn.Value, args []string) (txn.Value, bool) {
		return cast.Str(append(cast.Append(nil, in), fmt.Sprint(args)...)), true
	}, name == "conv"
}

func TestScripted(t *testing.T) {
	env := testEnv()
	env.Lua = scripted{}
	tx := testTx(t, env, testRequest)
	if got := evaluate(t, env, tx, "lua.mine(a,b),lua.conv(c),upper"); got != "[MINE[A B][C]]" {
		t.Error(got)
	}
}

func TestMain(m *testing.M) {
	time.Local = time.UTC
	os.Exit(m.Run())
}
