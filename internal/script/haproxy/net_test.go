package haproxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestSocket talks to a server that says every line back in capitals.
func TestSocket(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			for in := bufio.NewScanner(c); in.Scan() && in.Text() != "bye"; {
				fmt.Fprintf(c, "%s\r\n", strings.ToUpper(in.Text()))
			}
			io.WriteString(c, "the end")
			c.Close()
		}
	}()
	defer func() { l.Close(); <-done }()
	host, port, _ := net.SplitHostPort(l.Addr().String())
	b := open(t, every(fmt.Sprintf(`
local s = core.tcp()
s:settimeout(5)
local out = {s:connect(%q, %s)}
local function add(...) out[#out + 1] = show(...) end
add(s:getpeername())
add(s:getsockname() ~= nil)
add(s:send("one\ntwo\n"))
add(s:send("0three\nXX", 2, 7))
add(s:send("0123four\n", -5))
add(s:receive())
add(s:receive("*l", "PRE"))
add(s:receive(6, "PRE"))
add(s:receive("l"))
add(s:receive(4))
s:settimeout(0.02)
add(s:receive("*l"))
add(s:receive("*l"))
s:settimeout(5)
add(s:send("bye\n"))
add(s:receive("*a"))
add(s:receive("*l"))
add(s:setoption("keepalive", true))
add(pcall(s.receive, s, "*x"))
add(pcall(s.receive, s, -1))
s:close() s:close()
add(s:send("x"))
add(s:getpeername())
add(core.tcp():connect("127.0.0.1:1"))
add(pcall(s.connect, s, "127.0.0.1", 70000))
return table.concat(out, " | ")`, host, port)))
	check(t, b.evalOn(t, b.request(t, plainRequest)), "'1 | '"+l.Addr().String()+"' | true | 8 | 7 | 9 | 'ONE' | 'PRETWO' | 'PRETHR' | 'EE' | 'FOUR' | "+
		"'' | nil 'timeout' '' | 4 | 'the end' | nil 'closed' '' | 1 | false '*unsupported pattern*' | false '*cannot be received' | nil 'closed' 0 | nil | nil 'can't connect to 127.0.0.1:1: *' | false '*port 70000 is not between 1 and 65535''")
}

// TestSocketCollected closes what a script forgot.
func TestSocketCollected(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	closed := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			_, err = c.Read(make([]byte, 1))
			c.Close()
		}
		closed <- err
	}()
	b := open(t, every(fmt.Sprintf(`core.tcp():connect("%s") collectgarbage() collectgarbage()`, l.Addr())))
	b.evalOn(t, b.request(t, plainRequest))
	if err := <-closed; err != io.EOF {
		t.Errorf("the forgotten socket: %v, want EOF", err)
	}
}

func TestHTTPClient(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Add("X-A", "1")
		w.Header().Add("X-A", "2")
		w.WriteHeader(201)
		fmt.Fprintf(w, "%s %s %s %v", r.Method, r.URL, body, r.Header["X-List"])
	}))
	defer srv.Close()
	b := open(t, every(fmt.Sprintf(`
local h, url = core.httpclient(), %q
local a = h:post{url = url .. "/p?q", body = "data", headers = {["x-list"] = {"a", "b"}}}
local out = {tostring(h), a.status, a.reason, a.body, a.headers["x-a"], a.headers["content-length"]}
for _, m in ipairs{"get", "put", "delete", "head"} do out[#out + 1] = h[m](h, {url = url, timeout = 5000}).body end
local bad = h:get{url = "http://127.0.0.1:1/", headers = {["x"] = "1"}}
local dst = h:get{url = "http://nowhere.invalid/", dst = "ipv4@" .. url:sub(8)}
out[#out + 1] = bad.status
out[#out + 1] = #bad.reason > 0
out[#out + 1] = dst.status
out[#out + 1] = select(2, pcall(h.get, h, {}))
out[#out + 1] = select(2, pcall(h.get, h, "x"))
return table.unpack(out)`, srv.URL)))
	check(t, b.evalOn(t, b.request(t, plainRequest)), "'HAProxy class HTTPClient' 201 'Created' 'POST /p?q data [a b]' {0='1' 1='2'} {0='20'} "+
		"'GET /  []' 'PUT /  []' 'DELETE /  []' '' 0 true 201 '*httpclient: 'url' is missing' '*httpclient: give a table*'")
}
