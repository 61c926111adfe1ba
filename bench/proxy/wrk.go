package main

import (
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// measurement is one run of wrk against one server.
type measurement struct {
	rate      float64 // requests per second
	p50, p99  time.Duration
	cpuPerReq float64 // µs of the server's processor time
	requests  float64
}

// load runs wrk and takes the server's processor time around it. Errors on sockets or in statuses fail the run: a
// server that drops requests must not look fast.
func (b *bench) load(p *process, c *benchCase, length time.Duration) (measurement, error) {
	conns := b.conns
	if c.conns > 0 {
		conns = c.conns
	}
	before, err := p.cpu()
	if err != nil {
		return measurement{}, err
	}
	out, err := exec.Command("taskset", "-c", loadCore, "wrk", "-t1", "-c"+strconv.Itoa(conns), "-d"+strconv.Itoa(max(1, int(length.Seconds())))+"s",
		"--latency", "http://"+p.addr()+c.path).CombinedOutput()
	if err != nil {
		return measurement{}, fmt.Errorf("wrk: %w\n%s", err, out)
	}
	after, err := p.cpu()
	if err != nil {
		return measurement{}, err
	}
	m, err := parseWrk(string(out))
	if err != nil {
		return m, fmt.Errorf("%s: %w", p.name, err)
	}
	m.cpuPerReq = float64((after - before).Microseconds()) / m.requests
	return m, nil
}

func parseWrk(out string) (m measurement, err error) {
	if strings.Contains(out, "Socket errors") || strings.Contains(out, "Non-2xx") {
		return m, fmt.Errorf("wrk reports errors:\n%s", out)
	}
	get := func(pattern string) string {
		if f := regexp.MustCompile(pattern).FindStringSubmatch(out); f != nil {
			return f[1]
		}
		err = fmt.Errorf("wrk's answer has no %s:\n%s", pattern, out)
		return ""
	}
	rate, p50, p99, n := get(`Requests/sec:\s+([\d.]+)`), get(`(?m)^\s+50%\s+(\S+)`), get(`(?m)^\s+99%\s+(\S+)`), get(`(\d+) requests in`)
	if err != nil {
		return m, err
	}
	if m.rate, err = strconv.ParseFloat(rate, 64); err != nil {
		return m, err
	}
	if m.requests, err = strconv.ParseFloat(n, 64); err != nil {
		return m, err
	}
	if m.p50, err = time.ParseDuration(p50); err != nil {
		return m, err
	}
	m.p99, err = time.ParseDuration(p99)
	return m, err
}
