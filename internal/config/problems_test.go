package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"eddy/internal/config/diag"
)

// problems loads text and gives what is said, as "line:col severity: text".
func problems(t *testing.T, text string) []string {
	t.Helper()
	_, list := LoadBytes("t.cfg", []byte(text), Options{Env: testEnv, ReadFile: noFiles})
	var out []string
	for _, p := range list.All() {
		out = append(out, fmt.Sprintf("%d:%d %s: %s", p.Pos.Line, p.Pos.Col, p.Severity, p.Text))
	}
	return out
}

// noFiles is a disk without files.
func noFiles(path string, _ int64) ([]byte, error) { return nil, fmt.Errorf("%s: no files here", path) }

// frame puts lines into a whole configuration; the first of them is line 7.
func frame(lines string) string {
	return "defaults\n mode http\n timeout client 1s\n timeout connect 1s\n timeout server 1s\nlisten l\n" + lines + "\n bind :80\n server sv 127.0.0.1:81\n"
}

// TestLines checks what single lines of a listen section in mode http give; "" stands for nothing.
func TestLines(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"bind :81,127.0.0.1:82-83 name x", ""},
		{"bind 80", "7:6 error: bind: the port is missing in \"80\""},
		{"bind :81,:99999", "7:10 error: bind: port 99999 does not exist"},
		{"bind :90-81", "7:6 error: bind: the range of ports \"90-81\" runs backwards"},
		{"bind udp@:53", "7:6 error: HAProxy has 'bind on datagram sockets'; eddy does not have it yet"},
		{"bind :81 mode 6x0", "7:15 error: mode: \"6x0\" are not permission bits"},
		{"bind :81 maxconn", "7:10 error: maxconn: the <number> is missing"},
		{"bind :80", "8:2 error: bind: :80 is bound in line 7 already"},
		{"server s 127.0.0.1:1 weight 300", "7:29 error: weight: the <number> must be between 0 and 256, not 300"},
		{"server s [::1:80", "7:10 error: server: the \"[\" in \"[::1:80\" is never closed"},
		{"server s ::1:80 disabled", ""},
		{"server s fd@3", "7:10 error: server: a connection cannot go to a file descriptor"},
		{"server sv 127.0.0.1", "9:9 error: there is a server 'sv' in line 7 already"},
		{"http-request redirect location /ok", ""},
		{"http-request redirect location /ok code 300", "7:41 error: code: unknown <code> \"300\""},
		{"http-request set-header x-a %[src", "7:30 error: the bracket is not closed"},
		{"http-request add-header bad:name x", "7:25 error: http-request add-header: \"bad:name\" is not a header name"},
		{"http-request replace-path ( x", "7:27 error: http-request replace-path: bad regular expression: missing closing ): ("},
		{"http-request set-var(txn.a,ifsat) src", "7:14 error: set-var: unknown condition \"ifsat\" behind the variable"},
		{"http-request set-var(txna) src", "7:22 error: \"txna\" is no variable"},
		{"http-request wait-for-body", "7:14 error: http-request wait-for-body: \"time\" is missing"},
		{"http-request wait-for-body time 1s at-least 2k unless METH_GET", ""},
		{"http-request lua.f a b if { path / }", ""},
		{"http-request lua. x", "7:14 error: nothing stands behind \"lua.\""},
		{"http-request use-service hello", "7:26 error: use-service: unknown service \"hello\""},
		{"http-request capture src len 10 id 3", "7:14 error: http-request capture: several of them cannot stand together"},
		{"http-request use-service luaa.x", "7:26 error: use-service: unknown service \"luaa.x\""},
		{"capture request header X", "7:1 error: capture request header: \"len\" is missing"},
		{"server \"\" 127.0.0.1:1", "7:9 error: the name is empty"},
		{"log globl", "7:5 error: log: the facility is missing"},
		{"http-request deny if {path /x}", "7:22 error: there is no ACL \"{path\""},
		{"http-request deny status 99", "7:26 error: status: the <status> must be between 100 and 999, not 99"},
		{"http-request return status 150", "7:28 error: http-request return: the status must be between 200 and 599, not 150"},
		{"http-response deny if { status 500 }", ""},
		{"http-request deny if { status 500 }", "7:22 warning: \"status\" never matches in http-request rules: it looks at the HTTP response"},
		{"tcp-request connection expect-proxy layer5", "7:37 error: tcp-request connection expect-proxy: unknown <layer> \"layer5\""},
		{"tcp-request content set-header a b", "7:21 error: tcp-request content: 'set-header' cannot stand in these rules"},
		{"timeout client 2147483648", "7:16 error: timeout client: \"2147483648\" is too long: the longest time is 2147483647ms, about 24.8 days"},
		{"timeout client 99999999999999999999", "7:16 error: timeout client: \"99999999999999999999\" is not a time: the number is too large"},
		{"timeout client", "7:1 error: timeout client: the <time> is missing"},
		{"retries 101", "7:9 error: retries: the <number> must be between 0 and 100, not 101"},
		{"option redispatch -2", ""},
		{"option redispatch x", "7:19 error: option redispatch: \"x\" is not a number"},
		{"option forwardfor except 10.0.0.0/255.0.0.0 header x-c", ""},
		{"option forwardfor except 10/8", "7:26 error: except: \"10/8\" is not a network"},
		{"option forwardfor heder x", "7:19 error: option forwardfor: unknown option \"heder\""},
		{"no option httplog", "7:1 error: \"option httplog\" cannot have \"no\" before it"},
		{"no option redispatch", ""},
		{"balance random(0)", "7:9 error: balance random: the <draws> must be between 1 and 1000, not 0"},
		{"balance roundrobin(3)", "7:9 error: balance: bad argument of roundrobin"},
		{"balance hash src,lower", ""},
		{"balance url_param", "7:9 error: balance: the parameter's name is missing"},
		{"log 127.0.0.1", "7:1 error: log: the facility is missing"},
		{"log 127.0.0.1:514 len 10 local0", "7:23 error: len: the <bytes> must be between 80 and 65535, not 10"},
		{"log stdout format row daemon", "7:19 error: format: unknown <format> \"row\""},
		{"log 127.0.0.1 sample 3:2 local0", "7:22 error: log: bad sample \"3:2\""},
		{"log stdout daemon infos", "7:19 error: log: unknown level \"infos\""},
		{"capture request header a len", "7:1 error: capture request header: the <bytes> is missing"},
		{"capture request header a lem 5", "7:26 error: capture request header: unknown <keyword> \"lem\""},
		{"errorfile 404 x", "7:15 error: errorfile: x: x: no files here"},
		{"acl a/b path /", "7:9 error: the character '/' is not allowed in the name of ACL \"a/b\""},
		{"acl x", "7:1 error: acl: the <criterion [flags] [value] …> is missing"},
		{"use_backend l", "7:13 error: use_backend: 'l' would send to itself"},
		{"use_backend %[req.hdr(host)] if TRUE", ""},
		{"use-server sx if TRUE", "7:12 error: use-server: 'l' has no server 'sx'"},
		{"monitor fail if", "7:14 error: monitor fail: no condition behind \"if\""},
		{"retry-on conn-failure 503", ""},
		{"retry-on none 503", "7:10 error: retry-on: none cannot stand with others"},
		{"source 1.2.3.4 usesrc client", "7:16 error: HAProxy has 'source … usesrc'; eddy does not have it yet"},
		{"hash-type consistent sdbm avalanche", ""},
		{"redirect location /50%off", ""},
		{"description a b c", ""},
		{"track-sc0 src", "7:1 error: unknown keyword \"track-sc0\" in a listen section"},
	} {
		want := []string{}
		if c.want != "" {
			want = append(want, c.want)
		}
		if got := problems(t, frame(c.line)); !slices.Equal(got, want) {
			t.Errorf("%s\n got %q\nwant %q", c.line, got, want)
		}
	}
}

// TestSeveralFiles checks that problems name their own file, and that a second file must open a section.
func TestSeveralFiles(t *testing.T) {
	c, list := Load(Options{Files: []string{"testdata/folder", "testdata/good/minimal.cfg"}, Env: testEnv})
	var got []string
	for _, p := range list.All() {
		got = append(got, p.Pos.String()+" "+p.Text)
	}
	want := []string{
		"testdata/folder/20-second.cfg:1:1 \"bind\" stands outside of any section",
		"testdata/folder/20-second.cfg:2:10 there is a frontend 'a' in line 1 of testdata/folder/10-first.cfg already",
		"testdata/good/minimal.cfg:1:8 there is a frontend 'a' in line 1 of testdata/folder/10-first.cfg already",
	}
	if c != nil || !slices.Equal(got, want) {
		t.Errorf("got %s\nwant %s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if _, list := Load(Options{Files: []string{"testdata/nowhere"}}); !list.Failed() {
		t.Error("a file that is not there was loaded")
	}
}

// TestTooMuch checks that reading ends when there is too much of something.
func TestTooMuch(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"problems", strings.Repeat("nonsense\n", 10*MaxProblems), "the rest was not read"},
		{"line", "global\n" + strings.Repeat("x", 70_000), "longer than 65536 bytes"},
		{"words", "global\n" + strings.Repeat("x ", 2000), "more than 1024 words"},
		{"variables", "global\n setenv A xxxxxxxxxxxxxxxx\n" + strings.Repeat(" setenv A \"$A$A\"\n", 40), "longer than 65536 bytes"},
		{"nesting", strings.Repeat(".if 1\n", 5000), "more than 64 .if blocks"},
		{"parentheses", "global\n.if " + strings.Repeat("(", 5000), "more than 64 parentheses"},
		{"ports", "listen l\n" + strings.Repeat(" bind :1-65535\n", 1000), "more than 100000 listening addresses"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, list := LoadBytes("t.cfg", []byte(c.text), Options{ReadFile: noFiles})
			if !slices.ContainsFunc(list.All(), func(p diag.Problem) bool { return strings.Contains(p.Text, c.want) }) {
				t.Errorf("nothing says %q: %s", c.want, list.Summary())
			}
			if list.Len() > MaxProblems+10 {
				t.Errorf("%d problems", list.Len())
			}
		})
	}
}

// TestBrokenLinesSayNothingMore checks that a line whose text cannot be read is told once, and not again by those after it.
func TestBrokenLinesSayNothingMore(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"acl":       {frame(" acl a path \"/x\n http-request deny if a"), "7:13 error: this double quote is never closed"},
		"section":   {frame(" default_backend b") + "backend b from \"x\n server s 127.0.0.1:1\n balance bad\nfrontend f\n bind :9\n bind x\n", "10:16 error: this double quote is never closed\n15:7 error: bind: the port is missing in \"x\""},
		"continued": {frame(" http-request return \\\n status 200 \\\n string x"), "7:22 error: a line cannot be continued on the next one"},
		"if":        {frame(".if streq(\"a,b)\n junk\n.else\n junk\n.endif"), "7:11 error: this double quote is never closed"},
		"elif":      {frame(".if 0\n junk\n.elif \"1\n junk\n.endif"), "9:7 error: this double quote is never closed"},
		"empty":     {frame(".warning \"\""), "7:1 error: .warning takes one message"},
		"misspelt":  {frame(" default_backend b") + "backnd b\n server s 127.0.0.1:1\n", "10:1 error: unknown keyword \"backnd\" in a listen section"},
	} {
		if got := strings.Join(problems(t, c.text), "\n"); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, c.want)
		}
	}
}
