package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"eddy/bench/figures"
)

// benchCase is one thing to compare.
type benchCase struct {
	letter, title string
	config        string // after common; @PORT and @BACKEND are filled in
	path          string // what wrk asks for
	needsBackend  bool
	idle          bool
	conns         int // 0: the flag's
}

// common is the same for all cases and both servers.
const common = `global
    nbthread 1
    maxconn 10100
    lua-load note.lua@EXTRA
defaults
    maxconn 10100
    timeout client 60s
    timeout server 60s
    timeout connect 5s
    timeout http-keep-alive 300s
`

// script is loaded in all cases and used in B. It holds its own FIFO, so that both servers run the same Lua.
const script = `local fifo = { first = 1, last = 1, data = {} }
local function push(v) fifo.data[fifo.last] = v; fifo.last = fifo.last + 1 end
local function pop()
    if fifo.first == fifo.last then return nil end
    local v = fifo.data[fifo.first]
    fifo.data[fifo.first] = nil
    fifo.first = fifo.first + 1
    if fifo.first == fifo.last then fifo.first, fifo.last = 1, 1 end
    return v
end
local bytes = 0
core.register_action("note", { "http-req" }, function(txn)
    push(txn.f:method() .. " " .. txn.f:path())
end)
core.register_task(function()
    while true do
        local v = pop()
        if v == nil then core.msleep(10) else bytes = bytes + #v end
    end
end)
`

func cases() []benchCase {
	return []benchCase{
		{letter: "A", title: "redirect", path: "/a", config: `listen a
    mode http
    bind 127.0.0.1:@PORT
    http-request redirect location /ok
`},
		{letter: "B", title: "redirect + Lua action + FIFO", path: "/some/path?q=1", config: `listen b
    mode http
    bind 127.0.0.1:@PORT
    http-request lua.note
    http-request redirect location /ok
`},
		{letter: "C", title: "proxying 1 KB", path: "/1k", needsBackend: true, config: `listen c
    mode http
    bind 127.0.0.1:@PORT
    server s 127.0.0.1:@BACKEND
`},
		{letter: "D", title: "mode tcp, 1 MB answers", path: "/1m", needsBackend: true, conns: 8, config: `listen d
    mode tcp
    bind 127.0.0.1:@PORT
    server s 127.0.0.1:@BACKEND
`},
		{letter: "E", title: "idle keep-alive connections", path: "/a", idle: true, config: `listen e
    mode http
    bind 127.0.0.1:@PORT
    http-request redirect location /ok
`},
	}
}

// bench is one run.
type bench struct {
	settings
	dir string

	mu      sync.Mutex
	running []*process
}

func (b *bench) runCases() (string, error) {
	if err := os.WriteFile(filepath.Join(b.dir, "note.lua"), []byte(script), 0o644); err != nil {
		return "", err
	}
	var rows []row
	for _, c := range cases() {
		if !strings.Contains(b.cases, c.letter) {
			continue
		}
		r, err := b.runCase(&c)
		b.stopAll()
		if err != nil {
			return "", fmt.Errorf("case %s: %w", c.letter, err)
		}
		rows = append(rows, r)
	}
	return b.report(rows), nil
}

// names are the servers, eddy first.
func names() [2]string { return [2]string{"eddy", "haproxy"} }

// runCase starts both servers and lets them take turns; the one that waits uses no processor time.
func (b *bench) runCase(c *benchCase) (row, error) {
	backendPort := 0
	if c.needsBackend {
		p, err := b.backend()
		if err != nil {
			return row{}, err
		}
		backendPort = p.port
	}
	var servers [2]*process
	for i, name := range names() {
		var err error
		if servers[i], err = b.proxy(name, c, backendPort); err != nil {
			return row{}, err
		}
	}
	r := row{c: c}
	if c.idle {
		for i, s := range servers {
			before, after, err := holdIdle(s, b.idle)
			if err != nil {
				return r, fmt.Errorf("%s: %w", s.name, err)
			}
			r.before[i], r.after[i] = before, after
			fmt.Fprintf(os.Stderr, "%s %-8s %s before, %s with %d connections\n", c.letter, s.name, figures.MB(before), figures.MB(after), b.idle)
		}
		return r, nil
	}
	for _, s := range servers {
		if _, err := b.load(s, c, time.Second); err != nil { // warm up
			return r, err
		}
	}
	for round := range b.rounds {
		for turn := range servers {
			i := (turn + round) % 2 // swap who comes first
			m, err := b.load(servers[i], c, b.length)
			if err != nil {
				return r, err
			}
			r.rounds[i] = append(r.rounds[i], m)
			fmt.Fprintf(os.Stderr, "%s round %d %-8s %9.0f req/s  p50 %-8v p99 %-8v %6.2f µs CPU/req\n",
				c.letter, round+1, servers[i].name, m.rate, m.p50, m.p99, m.cpuPerReq)
		}
	}
	return r, nil
}
