package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"eddy/bench/figures"
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
	fmt.Fprintf(&t, "%s; %s, %s.\n", figures.Machine(), figures.FirstLine(3, b.haproxy, "-v"), time.Now().Format("2006-01-02"))
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
			r.c.letter, r.c.title, figures.Median(ratios), slices.Min(ratios), slices.Max(ratios),
			figures.Thousands(r.median(0, rate)), figures.Thousands(r.median(1, rate)),
			micros(r.median(0, p50)), micros(r.median(1, p50)), micros(r.median(0, p99)), micros(r.median(1, p99)),
			r.median(0, cpu), r.median(1, cpu))
	}
	for _, r := range rows {
		if r.c.idle {
			fmt.Fprintf(&t, "\nE: %s idle keep-alive connections: eddy holds %s (%s before them), HAProxy %s (%s).\n",
				figures.Thousands(float64(b.idle)), figures.MB(r.after[0]), figures.MB(r.before[0]), figures.MB(r.after[1]), figures.MB(r.before[1]))
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
	return figures.Median(v)
}

func micros(v float64) time.Duration { return time.Duration(v) * time.Microsecond }
