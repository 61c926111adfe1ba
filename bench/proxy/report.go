package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"
)

// row is what a case gave; index 0 is eddy, 1 HAProxy.
type row struct {
	c             *benchCase
	rounds        [2][]measurement
	before, after [2]int64
}

// report is the table in Markdown.
func (b *bench) report(rows []row) string {
	var t strings.Builder
	fmt.Fprintf(&t, "%s, %d cores, %s; %s; %s, %s.\n", cpuModel(), runtime.NumCPU(), kernel(), runtime.Version(), version(b.haproxy, "-v"), time.Now().Format("2006-01-02"))
	fmt.Fprintf(&t, "Server on one core, load on another; wrk with %d connections (D: 8), %d rounds of %v in turn; medians.\n\n", b.conns, b.rounds, b.length)
	t.WriteString("| case | eddy / HAProxy | spread of the rounds | eddy req/s | HAProxy req/s | p50 eddy, HAProxy | p99 eddy, HAProxy | CPU per request eddy, HAProxy |\n")
	t.WriteString("|---|---|---|---|---|---|---|---|\n")
	for _, r := range rows {
		if r.c.idle {
			continue
		}
		ratios := make([]float64, len(r.rounds[0]))
		for i := range ratios {
			ratios[i] = r.rounds[0][i].rate / r.rounds[1][i].rate
		}
		fmt.Fprintf(&t, "| %s: %s | **%.2f×** | %.2f to %.2f | %s | %s | %v, %v | %v, %v | %.1f µs, %.1f µs |\n",
			r.c.letter, r.c.title, median(ratios), slices.Min(ratios), slices.Max(ratios),
			thousands(r.median(0, rate)), thousands(r.median(1, rate)),
			micros(r.median(0, p50)), micros(r.median(1, p50)), micros(r.median(0, p99)), micros(r.median(1, p99)),
			r.median(0, cpu), r.median(1, cpu))
	}
	for _, r := range rows {
		if r.c.idle {
			fmt.Fprintf(&t, "\nE: %s idle keep-alive connections: eddy holds %s (%s before them), HAProxy %s (%s).\n",
				thousands(float64(b.idle)), mb(r.after[0]), mb(r.before[0]), mb(r.after[1]), mb(r.before[1]))
		}
	}
	return t.String()
}

func rate(m measurement) float64 { return m.rate }
func p50(m measurement) float64  { return float64(m.p50.Microseconds()) }
func p99(m measurement) float64  { return float64(m.p99.Microseconds()) }
func cpu(m measurement) float64  { return m.cpuPerReq }

func (r *row) median(server int, of func(measurement) float64) float64 {
	var v []float64
	for _, m := range r.rounds[server] {
		v = append(v, of(m))
	}
	return median(v)
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	n := len(s)
	if n == 0 {
		return 0
	}
	return (s[(n-1)/2] + s[n/2]) / 2
}

func micros(v float64) time.Duration { return time.Duration(v) * time.Microsecond }

func mb(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/1e6) }

func thousands(v float64) string {
	s := fmt.Sprintf("%.0f", v)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func cpuModel() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, ok := strings.CutPrefix(lines.Text(), "model name"); ok {
			return strings.TrimSpace(strings.TrimLeft(name, "\t :"))
		}
	}
	return runtime.GOARCH
}

func kernel() string {
	text, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return runtime.GOOS
	}
	return "Linux " + strings.TrimSpace(string(text))
}

// version is the first line that a program says about itself, up to the second blank after the number.
func version(program string, flag string) string {
	out, err := exec.Command(program, flag).Output()
	if err != nil {
		return program
	}
	first, _, _ := strings.Cut(string(out), "\n")
	words := strings.Fields(first)
	return strings.Join(words[:min(3, len(words))], " ")
}
