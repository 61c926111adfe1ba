package engine

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"

	"eddy/internal/script/haproxy"
)

// Info is the state of the process in the fields of "show info" that have a meaning here (management.txt §9.3), in
// their order. Any goroutine may call it.
func (e *Engine) Info() []haproxy.InfoField {
	var out []haproxy.InfoField
	text := func(name, v string) { out = append(out, haproxy.InfoField{Name: name, Text: v}) }
	num := func(name string, v int64) { out = append(out, haproxy.InfoField{Name: name, Int: v, IsInt: true}) }

	up := time.Since(e.started)
	now := time.Now().UnixNano()
	var conns, connRate, reqs, reqRate, in, sent int64
	for _, p := range e.proxies.All {
		conns += p.Front.ConnsTot.Load()
		connRate += p.Front.ConnRate.Per(now)
		reqs += p.Front.Reqs.Load()
		reqRate += p.Front.ReqRate.Per(now)
		in += p.Front.BytesIn.Load()
		sent += p.Front.BytesOut.Load()
	}
	g := &e.cfg.Global
	text("Name", "eddy")
	text("Version", e.opts.Version)
	num("Nbthread", int64(e.Threads()))
	num("Nbproc", 1)
	num("Process_num", 1)
	num("Pid", int64(os.Getpid()))
	text("Uptime", uptime(up))
	num("Uptime_sec", int64(up.Seconds()))
	num("Ulimit-n", fileLimit())
	num("Maxconn", int64(g.MaxConn))
	num("CurrConns", e.Conns())
	num("CumConns", conns)
	num("CumReq", reqs)
	num("ConnRate", connRate)
	num("SessRate", reqRate)
	num("Tasks", int64(runtime.NumGoroutine()))
	num("BytesIn", in)
	num("TotalBytesOut", sent)
	stopping := int64(0)
	if e.Stopping() {
		stopping = 1
	}
	num("Stopping", stopping)
	num("DroppedLogs", int64(e.DroppedLogs()))
	if host, err := os.Hostname(); err == nil {
		text("node", first(g.Node, host))
	}
	text("description", g.Description)
	return out
}

func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// uptime writes a duration as "show info" does: "1d 2h03m04s".
func uptime(d time.Duration) string {
	s := int64(d.Seconds())
	return fmt.Sprintf("%dd %dh%02dm%02ds", s/86400, s/3600%24, s/60%60, s%60)
}

func fileLimit() int64 {
	var lim syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim) != nil {
		return 0
	}
	return int64(lim.Cur)
}
