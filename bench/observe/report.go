package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"eddy/bench/figures"
)

// report is the table in Markdown.
func (cmp *comparison) report(s settings, c *captures) string {
	var t strings.Builder
	fmt.Fprintf(&t, "%s; %s, %s.\n", figures.Machine(), cmp.peers(s), time.Now().Format("2006-01-02"))
	fmt.Fprintf(&t, "%s downloads in %s, and %s small packets in %s; eddy with %s engine(s), Suricata with one packet thread; %d rounds in turn; medians.\n\n",
		figures.Thousands(float64(len(c.files))), figures.MB(c.bytes[c.downloads]),
		figures.Thousands(float64(c.mixed.Packets)), figures.MB(c.bytes[c.small]), s.engines, s.rounds)
	t.WriteString("| work | peer | peer's time / eddy's | spread of the rounds | without starting | time eddy, peer | processor time eddy, peer | peak memory eddy, peer | right eddy, peer |\n")
	t.WriteString("|---|---|---|---|---|---|---|---|---|\n")
	for _, r := range cmp.rows {
		r.write(&t)
	}
	ns := cmp.hookCost() / float64(c.mixed.Packets) * 1e9
	fmt.Fprintf(&t, "\nA Lua `onpacket` that counts costs %.0f ns a packet.\n", ns)
	t.WriteString("Memory is what was resident, in brackets without pages of mapped files.\n")
	return t.String()
}

// wrong says what eddy did not find: a fast wrong answer is not worth a table.
func (cmp *comparison) wrong() error {
	eddies := []*subject{cmp.hooked}
	for _, r := range cmp.rows {
		eddies = append(eddies, r.eddy)
	}
	for _, sub := range eddies {
		if sub.found.right != sub.found.of {
			return fmt.Errorf("%s was not right: %s", sub.name, right(sub))
		}
	}
	return nil
}

// peers names the programs that eddy was compared with.
func (cmp *comparison) peers(s settings) string {
	var names []string
	if s.suricata != "" {
		names = append(names, strings.TrimPrefix(figures.FirstLine(5, s.suricata, "-V"), "This is "))
	}
	if s.tcpflow != "" {
		names = append(names, figures.FirstLine(2, s.tcpflow, "--version"))
	}
	if names == nil {
		return "no peer"
	}
	return strings.Join(names, "; ")
}

func (r *row) write(t *strings.Builder) {
	e, p := r.eddy, r.peer
	if p == nil {
		fmt.Fprintf(t, "| %s | | | | | %s | %s | %s | %s |\n", r.title, seconds(e.median(wall)), seconds(e.median(cpu)), held(e), right(e))
		return
	}
	ratios := make([]float64, len(e.rounds))
	net := make([]float64, len(e.rounds))
	startE, startP := figures.Median(e.starts), figures.Median(p.starts)
	for i := range ratios {
		te, tp := e.rounds[i].wall.Seconds(), p.rounds[i].wall.Seconds()
		ratios[i], net[i] = tp/te, (tp-startP)/(te-startE)
	}
	fmt.Fprintf(t, "| %s | %s | **%.2f×** | %.2f to %.2f | %.2f× | %s, %s | %s, %s | %s, %s | %s, %s |\n",
		r.title, p.name, figures.Median(ratios), slices.Min(ratios), slices.Max(ratios), figures.Median(net),
		seconds(e.median(wall)), seconds(p.median(wall)), seconds(e.median(cpu)), seconds(p.median(cpu)), held(e), held(p), right(e), right(p))
}

// hookCost is what the script for every packet adds, in seconds.
func (cmp *comparison) hookCost() float64 {
	costs := make([]float64, len(cmp.plain.rounds))
	for i := range costs {
		costs[i] = (cmp.hooked.rounds[i].wall - cmp.plain.rounds[i].wall).Seconds()
	}
	return figures.Median(costs)
}

func seconds(v float64) string { return fmt.Sprintf("%.2f s", v) }

func held(s *subject) string {
	return fmt.Sprintf("%s (%s)", figures.MB(int64(s.median(peak))), figures.MB(int64(s.median(private))))
}

// right is what the subject found, all or the number of a round that was not right.
func right(s *subject) string {
	if s.found.right == s.found.of {
		return fmt.Sprintf("all %s %s", figures.Thousands(float64(s.found.of)), s.found.what)
	}
	return fmt.Sprintf("%s of %s %s", figures.Thousands(float64(s.found.right)), figures.Thousands(float64(s.found.of)), s.found.what)
}
