package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"eddy/bench/figures"
	"eddy/bench/jobs/load"
)

// The cores: the server under test has the first unless -cores says otherwise, everything else the second.
const (
	serverCore = "0"
	loadCore   = "1"
)

// laneScript does the same work for a request in all cases; with an argument it hands it over as a job.
const laneScript = `local push = ...
local queue = push and async.queue("jobs")
if queue then
    async.handler("note", function(job) return #job.data.request end)
end
core.register_action("mail_this", { "http-req" }, function(txn)
    local item = { method = txn.f:method(), path = txn.f:path(), request = txn.req:dup() }
    if queue then
        local id, why = queue:push { handler = "note", data = item }
        if not id then error(why) end
    end
end)
`

const laneConfig = `global
    nbthread @THREADS
    state-dir @STATE
    lua-load @SCRIPT
    log stderr format short daemon err
    @GLOBAL
@SECTIONS
defaults
    mode http
    timeout client 30s
    timeout server 30s
    timeout connect 5s
listen lane
    bind 127.0.0.1:@PORT
    http-request lua.mail_this
    server s @BACKEND
`

// laneCase is one way to leave work behind.
type laneCase struct {
	title            string
	script           string // with its arguments; @LANE is laneScript, @EMAIL examples/email/email.lua
	global, sections string

	server *process
	addr   string
	rounds []load.Result
	cpu    []float64 // of each round: nanoseconds of eddy's processor time for a request
}

// laneTurns is how many turns there are in a round, each half as long as a measurement: a busy moment of the machine is to
// hit all cases alike.
const laneTurns = 4

// laneCases are the cases; the first leaves no work behind.
func laneCases() []*laneCase {
	const memory = "queue jobs\n    workers 4\n    max-jobs 10k\n    "
	const disk = memory + "store disk\n    durability "
	return []*laneCase{
		{title: "no jobs: the action makes the item and drops it", script: "@LANE"},
		{title: "the same once more: how much the figures swing", script: "@LANE"},
		{title: "a job each, memory", script: "@LANE push", sections: memory},
		{title: "a job each, disk, durability os", script: "@LANE push", sections: disk + "os"},
		{title: "a job each, disk, durability fsync", script: "@LANE push", sections: disk + "fsync"},
		{title: "article's script, `tune.lua.fifo memory`, mail server that says nothing", script: "@EMAIL", global: "tune.lua.fifo memory"},
		{title: "article's script, `tune.lua.fifo disk`, mail server that says nothing", script: "@EMAIL", global: "tune.lua.fifo disk"},
	}
}

// measureLane measures response times at a fixed rate.
func measureLane(ctx context.Context, s settings, root string) (string, error) {
	if _, err := exec.LookPath("taskset"); err != nil || runtime.NumCPU() < 2 {
		return "The lane was left out: it needs taskset and two cores.\n\n", nil
	}
	email, err := filepath.Abs("examples/email/email.lua")
	if err != nil {
		return "", err
	}
	script := filepath.Join(root, "lane.lua")
	if err := os.WriteFile(script, []byte(laneScript), 0o644); err != nil {
		return "", err
	}
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	backend, err1 := freeAddress()
	mail, err2 := freeAddress()
	if err := errors.Join(err1, err2); err != nil {
		return "", err
	}
	behind, err := start(ctx, nil, "tcp", backend, root, "taskset", "-c", loadCore, self, internalServer, backend, mail)
	if err != nil {
		return "", err
	}
	defer behind.stop(syscall.SIGTERM)
	cases := slices.DeleteFunc(laneCases(), func(c *laneCase) bool { return c.script != "@LANE" && !strings.Contains(c.title, s.only) })
	defer func() {
		for _, c := range cases {
			if c.server != nil {
				c.server.stop(syscall.SIGKILL) // what its queues hold is of no use, and nobody takes the mails
			}
		}
	}()
	for i, c := range cases {
		words := strings.NewReplacer("@SCRIPT", c.script, "@GLOBAL", c.global, "@SECTIONS", c.sections, "@BACKEND", backend)
		config := strings.NewReplacer("@LANE", script, "@EMAIL", email).Replace(words.Replace(laneConfig))
		if err := c.start(ctx, s, root, i, config, mail); err != nil {
			return "", fmt.Errorf("%s: %w", c.title, err)
		}
	}
	for round := range s.rounds * laneTurns {
		for turn := range cases {
			c := cases[(turn+round)%len(cases)]
			if err := c.measure(ctx, self, s); err != nil {
				return "", fmt.Errorf("%s: %w: %s", c.title, err, &c.server.says)
			}
			r := c.rounds[len(c.rounds)-1]
			fmt.Fprintf(os.Stderr, "turn %d  %-72s %6.0f/s  mean %-10v p50 %-10v p99 %-10v CPU %s\n", round+1, c.title, r.Rate, r.Mean, r.P50, r.P99, span(c.cpu[len(c.cpu)-1]))
		}
	}
	return laneTable(s, cases), nil
}

func (c *laneCase) start(ctx context.Context, s settings, root string, n int, config, mail string) error {
	dir := filepath.Join(root, "lane-"+strconv.Itoa(n))
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	addr, err := freeAddress()
	if err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(addr)
	_, mailPort, _ := net.SplitHostPort(mail)
	file := filepath.Join(dir, "lane.cfg")
	config = strings.NewReplacer("@PORT", port, "@STATE", filepath.Join(dir, "state"), "@THREADS", strconv.Itoa(len(strings.Split(s.cores, ",")))).Replace(config)
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		return err
	}
	c.addr = addr
	c.server, err = start(ctx, nil, "tcp", addr, dir, "env", "SMTP_PORT="+mailPort, "taskset", "-c", s.cores, s.eddy, "-db", "-f", file)
	return err
}

// measure sends requests from the other core.
func (c *laneCase) measure(ctx context.Context, self string, s settings) error {
	before, err := cpuTime(c.server.cmd.Process.Pid)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "taskset", "-c", loadCore, self, internalLoad, "-address", c.addr,
		"-rate", strconv.Itoa(s.rate), "-length", (s.length / 2).String(), "-warm", warmLane.String())
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		return err
	}
	var r load.Result
	if err := json.Unmarshal(out, &r); err != nil {
		return err
	}
	if said := c.server.says.String(); said != "" { // a push that was refused must not look fast
		return errors.New("eddy logged errors")
	}
	after, err := cpuTime(c.server.cmd.Process.Pid)
	sent := float64(s.rate) * (s.length/2 + warmLane).Seconds()
	c.rounds, c.cpu = append(c.rounds, r), append(c.cpu, float64(after-before)/sent)
	return err
}

// warmLane is how long a turn's first requests do not count.
const warmLane = 300 * time.Millisecond

// laneTable is the comparison in Markdown.
func laneTable(s settings, cases []*laneCase) string {
	var t strings.Builder
	fmt.Fprintf(&t, "Response times of the proxied lane at %s requests a second (answers of 1 KiB from a server, %d connections, eddy on core %s, everything else on core %s; %d turns of %v).\n\n",
		figures.Thousands(float64(s.rate)), paceConns, s.cores, loadCore, s.rounds*laneTurns, s.length/2)
	t.WriteString("| what a request leaves behind | mean | p50 | p99 | eddy's processor time | mean / without | p50 / without | p99 / without | processor time / without |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, c := range cases {
		fmt.Fprintf(&t, "| %s | %s | %s | %s | %s |", c.title, span(median(c.rounds, meanTime)), span(median(c.rounds, p50)), span(median(c.rounds, p99)), span(figures.Median(c.cpu)))
		for _, of := range []func(c *laneCase, turn int) float64{
			func(c *laneCase, turn int) float64 { return meanTime(c.rounds[turn]) },
			func(c *laneCase, turn int) float64 { return p50(c.rounds[turn]) },
			func(c *laneCase, turn int) float64 { return p99(c.rounds[turn]) },
			func(c *laneCase, turn int) float64 { return c.cpu[turn] },
		} {
			if c == cases[0] {
				t.WriteString(" |")
				continue
			}
			ratios := make([]float64, len(c.rounds))
			for i := range ratios {
				ratios[i] = of(c, i) / of(cases[0], i)
			}
			low, high := middle(ratios)
			fmt.Fprintf(&t, " **%.3f** (%.2f to %.2f) |", figures.Median(ratios), low, high)
		}
		t.WriteString("\n")
	}
	t.WriteString("\nA ratio is the median over the turns, each with its neighbour that left nothing behind; in brackets the middle half of them.\n")
	return t.String() + "\n"
}

// middle gives the values between which the middle half lies.
func middle(values []float64) (low, high float64) {
	s := slices.Sorted(slices.Values(values))
	n := len(s) - 1
	return s[n/4], s[n-n/4]
}

func meanTime(r load.Result) float64 { return float64(r.Mean) }

func freeAddress() (string, error) {
	port, err := freePort()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), err
}

// waitFor waits until a file is there.
func waitFor(ctx context.Context, p *process, path string, patience time.Duration) error {
	for end := time.Now().Add(patience); ; time.Sleep(200 * time.Microsecond) {
		if _, err := os.Stat(path); err == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("eddy ended: %s", &p.says)
		case <-ctx.Done():
			return ctx.Err()
		default:
		}
		if time.Now().After(end) {
			return fmt.Errorf("eddy did not make %s within %v: %s", path, patience, &p.says)
		}
	}
}
