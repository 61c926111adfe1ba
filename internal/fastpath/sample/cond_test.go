package sample

import (
	"os"
	"path/filepath"
	"testing"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/txn"
)

// TestConditions: '·' is a blank. Most answers are those of HAProxy 2.6.
func TestConditions(t *testing.T) {
	env := testEnv()
	tx := testTx(t, env, testRequest)
	for text, want := range map[string]bool{
		"TRUE":                                        true,
		"FALSE":                                       false,
		"!FALSE":                                      true,
		"TRUE FALSE":                                  false,
		"FALSE or TRUE":                               true,
		"FALSE || TRUE FALSE":                         false,
		"METH_GET":                                    true,
		"METH_POST":                                   false,
		"HTTP_1.1":                                    true,
		"HTTP_URL_SLASH":                              true,
		"HTTP_CONTENT":                                false,
		"LOCALHOST":                                   false,
		"{ path_beg /a }":                             true,
		"{ path_end .html }":                          true,
		"{ path_dir b.html }":                         true,
		"{ path_sub b. }":                             true,
		"{ path_reg ^/A }":                            false,
		"{ path_reg -i ^/A }":                         true,
		"{ path_len 9 }":                              true,
		"{ path_len gt 8 }":                           true,
		"{ path_len lt 11 }":                          true,
		"{ path /a/b.html }":                          true,
		"{ path /A/B.html }":                          false,
		"{ path -i /A/B.html }":                       true,
		"{ path,upper /A/B.HTML }":                    true,
		"{ hdr(host) -i ex.COM:8080 }":                true,
		"{ hdr_dom(host) -i ex }":                     true,
		"{ hdr_beg(host) Ex }":                        true,
		"{ hdr(x-l) b }":                              true,
		"{ hdr(x-l) a }":                              true,
		"{ hdr(x-l,1) b }":                            false,
		"{ hdr(x-l) -m found }":                       true,
		"{ hdr(x-e) -m found }":                       true,
		"{ hdr(nosuch) -m found }":                    false,
		"{ hdr_cnt(x-l) 4 }":                          true,
		"{ hdr_ip(x-ip) ::2 }":                        true,
		"{ hdr_ip(x-ip) 5.6.0.0/16 }":                 true,
		"{ hdr_val(x-n) 60:70 }":                      true,
		"{ req.hdr_val(x-n) gt 3 lt 2 }":              true,
		"{ cook(a) 3 }":                               true,
		"{ cook(a) 4 }":                               false,
		"{ cook_reg(a) ^[34]$ }":                      true,
		"{ urlp(q) 2 }":                               true,
		"{ urlp(q) 3 }":                               false,
		"{ src 192.0.2.0/24 }":                        true,
		"{ src 192.0.3.0/24 10.0.0.0/8 }":             false,
		"{ src,ipmask(24) 192.0.2.0 }":                true,
		"{ src -m str 192.0.2.7 }":                    true,
		"{ src -m beg 192. }":                         true,
		"{ dst_port 80 443 }":                         true,
		"{ method GET POST }":                         true,
		"{ method get }":                              false,
		"{ var(txn.s) -m str hello }":                 true,
		"{ var(txn.i) -m int 7 }":                     true,
		"{ var(txn.nosuch) -m found }":                false,
		"{ var(txn.b) -m bin 00ff10 }":                true,
		"{ int(5) gt 3 lt 2 }":                        true,
		"{ int(-5) lt 0 }":                            true,
		"{ str(5x) -m int 5 }":                        true,
		"{ str(127.0.0.1) -m ip 127.0.0.0/8 }":        true,
		"{ bin(7f000001) -m ip 127.0.0.1 }":           true,
		"{ ipv6(::ffff:127.0.0.1) 127.0.0.1 }":        true,
		"{ ipv6(2002:7f00:1::) 127.0.0.1 }":           true,
		"{ ipv4(127.0.0.1) ::ffff:0:0/96 }":           true,
		"{ bool(true) -m str 1 }":                     true,
		"{ str(x) -m bool }":                          false,
		"{ str(1) -m bool }":                          true,
		"{ int(0) -m found }":                         true,
		"{ int(0) -m bool }":                          false,
		"{ bin(610062) -m str a }":                    true,
		"{ bin(610062) -m sub b }":                    false,
		"{ str(a·b) -m str a·b }":                     true,
		"{ req.ver 1.1 }":                             true,
		"{ url_beg /a } !{ src 10.0.0.0/8 } METH_GET": true,
		"{ path -f paths.lst }":                       true,
		"{ path -f paths.lst -i -f PATHS.lst /zzz }":  true,
		"{ path -m beg -f empty.lst /a }":             true,
		"{ path -m beg -f empty.lst /zzz }":           false,
		"{ str(foo) -m str -M -f str.map }":           true,
		"{ acl(METH_GET,!FALSE) }":                    true,
	} {
		c := condition(t, env, text)
		if got := c.Holds(tx); got != want {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
		c.unless = true
		if got := c.Holds(tx); got == want {
			t.Errorf("unless %s: got %v", text, got)
		}
		if tx.Undecided {
			t.Errorf("%s: undecided in mode http", text)
		}
	}
	var none *Cond
	if !none.Holds(tx) {
		t.Error("no condition does not hold")
	}
}

// TestPatternFileChanges: a list that a condition uses is changed while it runs.
func TestPatternFileChanges(t *testing.T) {
	env := testEnv()
	env.Files.Dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(env.Files.Dir, "block"), []byte("10.0.0.0/8\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tx := testTx(t, env, testRequest)
	c := condition(t, env, "{ src -f block }")
	if c.Holds(tx) {
		t.Fatal("matched before")
	}
	if err := env.Files.Find("block").Add("192.0.2.0/24", ""); err != nil {
		t.Fatal(err)
	}
	if !c.Holds(tx) {
		t.Error("an added pattern does not count")
	}
	env.Files.Find("block").Del("192.0.2.0/24")
	if c.Holds(tx) {
		t.Error("a deleted pattern counts")
	}
	byID := condition(t, env, "{ path -u 55 /x }")
	env.Files.Find("#55").Add("/a/b.html", "")
	if !byID.Holds(tx) {
		t.Error("a pattern added to an inline list by its id does not count")
	}
	m := compile(t, env, "path,map(virt@paths,none)")
	env.Files.Find("virt@paths").Add("/a/b.html", "found")
	if v, _ := m.Eval(tx); string(v.B) != "found" {
		t.Errorf("a map's added key gives %q", v.B)
	}
}

// TestUndecided: what looks at bytes waits for them as long as they may come.
func TestUndecided(t *testing.T) {
	type want struct{ holds, undecided bool }
	for _, test := range []struct {
		cond, bytes string
		over        bool
		want        want
	}{
		{"{ req.len gt 3 }", "ab", false, want{false, true}},
		{"{ req.len gt 3 }", "abcd", false, want{true, false}},
		{"{ req.len gt 3 }", "ab", true, want{false, false}},
		{"!{ req.len gt 3 }", "ab", false, want{false, true}},
		{"!{ req.len gt 3 }", "ab", true, want{true, false}},
		{"{ req.len gt 3 } FALSE", "ab", false, want{false, false}},
		{"{ req.len gt 3 } or TRUE", "ab", false, want{true, false}},
		{"{ req.len gt 3 } or FALSE", "ab", false, want{false, true}},
		{"{ req.payload(0,4) -m bin 61626364 }", "abc", false, want{false, true}},
		{"{ req.payload(0,4) -m bin 61626364 }", "abcde", false, want{true, false}},
		{"{ req.payload(0,4) -m bin 61626364 }", "xxxxx", false, want{false, false}},
		{"{ req.payload(0,0) -m sub cd }", "ab", false, want{false, true}},
		{"{ req.payload(0,0) -m sub cd }", "abcd", false, want{true, false}},
		{"{ req.payload_lv(0,2) -m str abc }", "\x00\x03ab", false, want{false, true}},
		{"{ req.payload_lv(0,2) -m str abc }", "\x00\x03abcd", false, want{true, false}},
		{"{ req.payload_lv(1,1,+2) -m str bc }", "x\x02..bc", false, want{true, false}},
		{"{ req.payload_lv(1,1,0) -m len 2 }", "x\x02..bc", false, want{true, false}},
		{"WAIT_END", "", false, want{false, true}},
		{"WAIT_END", "", true, want{true, false}},
		{"HTTP", "GET / HT", false, want{false, true}},
		{"HTTP", "GET / HTTP/1.1\r\n\r\n", false, want{true, false}},
		{"HTTP", "\x16\x03\x01\x00\x00", false, want{false, false}},
		{"HTTP", "GET / HT", true, want{false, false}},
		{"{ path /x }", "GET /x HTTP/1.1\r\nHost: a\r\n\r\n", false, want{true, false}},
		{"{ path /x }", "GET /x HTTP/1.1\r\n", false, want{false, true}},
		{"{ req.ssl_hello_type 1 }", "\x16\x03\x01", false, want{false, true}},
		{"{ req.ssl_hello_type 1 }", "GET /", false, want{false, false}},
		{"RDP_COOKIE", "\x03\x00\x00\x2a\x25\xe0\x00\x00\x00\x00\x00Cookie: mstshash=me\r\n", false, want{true, false}},
		{"{ req.rdp_cookie(MSTSHASH) me }", "\x03\x00\x00\x2a\x25\xe0\x00\x00\x00\x00\x00Cookie: mstshash=me\r\n", false, want{true, false}},
		{"RDP_COOKIE", "\x03\x00\x00", true, want{false, false}},
	} {
		env := testEnv()
		tx := testTx(t, env, testRequest)
		tx.Req.Reset()
		tx.Mode, tx.Stage, tx.InspectOver = model.ModeTCP, txn.StageReqContent, test.over
		tx.Control = &buffers{req: test.bytes}
		c := condition(t, env, test.cond)
		if got := (want{c.Holds(tx), tx.Undecided}); got != test.want {
			t.Errorf("%s with %q, over %v: got %+v, want %+v", test.cond, test.bytes, test.over, got, test.want)
		}
	}
}
