package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"eddy/bench/figures"
	"eddy/bench/jobs/load"
)

// workers of the end-to-end measurement.
const endToEndWorkers = 16

// measures are what is measured of every queue.
func measures() []measure {
	return []measure{{producers: 1}, {producers: 64}, {producers: 1024}, {producers: 64, workers: endToEndWorkers}}
}

// ownSubjects are those of this program, eddy's durable queue first.
func ownSubjects() ([]*subject, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	all := []*subject{
		{title: "**eddy**, durability fsync", name: "fsync", safe: "synced"},
		{title: "**eddy**, durability os", name: "os", safe: "with the operating system"},
		{title: "**eddy**, memory", name: "memory", safe: "in memory"},
		{title: "bare Pebble, a synced commit for each", name: "pebble-single", safe: "synced", noWork: true},
		{title: "bare Pebble, a synced batch of all that wait", name: "pebble-group", safe: "synced", noWork: true},
	}
	for _, s := range all {
		s.program, s.args = self, []string{internal}
	}
	return all, nil
}

// compareQueues measures all queues in turn.
func compareQueues(ctx context.Context, s settings, root string) (string, error) {
	subjects, err := ownSubjects()
	if err != nil {
		return "", err
	}
	others, versions, left := peers(ctx, root)
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	subjects = append(subjects, others...)
	var chosen []*subject
	for _, sub := range subjects {
		if strings.Contains(sub.title, s.only) {
			sub.results = map[measure][]load.Result{}
			chosen = append(chosen, sub)
		}
	}
	if len(chosen) == 0 {
		return "", fmt.Errorf("-only %q: no queue has that in its name, of those that are there; left out: %q", s.only, left)
	}
	defer func() {
		for _, sub := range chosen {
			sub.close()
		}
	}()
	for round := range s.rounds {
		for _, m := range measures() {
			for turn := range chosen {
				sub := chosen[(turn+round)%len(chosen)] // everybody comes first once
				if m.workers > 0 && sub.noWork {
					continue
				}
				r, err := sub.run(ctx, root, m, s.length)
				if err != nil {
					return "", err
				}
				sub.results[m] = append(sub.results[m], r)
				fmt.Fprintf(os.Stderr, "round %d  %-48s %-40v %9.0f/s  p50 %-10v p99 %v\n", round+1, sub.title, m, r.Rate, r.P50, r.P99)
			}
		}
	}
	return queueTable(chosen, versions, left), nil
}

// queueTable is the comparison in Markdown.
func queueTable(subjects []*subject, versions, left []string) string {
	var t strings.Builder
	t.WriteString("Jobs of 1 KiB; " + strings.Join(append(versions, "each queue with the whole machine, private servers"), "; ") + ".\n\n")
	t.WriteString("| queue | a push is | pushes/s, 1 producer | p50, p99 | 64 producers | p50, p99 | 1,024 producers | p50, p99 | end to end jobs/s |\n")
	t.WriteString("|---|---|---|---|---|---|---|---|---|\n")
	for _, s := range subjects {
		fmt.Fprintf(&t, "| %s | %s |", s.title, s.safe)
		for _, m := range measures() {
			r := s.results[m]
			if len(r) == 0 {
				t.WriteString(" |")
				continue
			}
			fmt.Fprintf(&t, " %s |", figures.Thousands(median(r, rate)))
			if m.workers == 0 {
				fmt.Fprintf(&t, " %s, %s |", span(median(r, p50)), span(median(r, p99)))
			}
		}
		t.WriteString("\n")
	}
	for _, l := range left {
		t.WriteString("\nLeft out: " + l + ".\n")
	}
	t.WriteString("\n" + ratioTable(subjects))
	return t.String()
}

// ratioTable compares the first queue, which is eddy's durable one, with the others round by round.
func ratioTable(subjects []*subject) string {
	if len(subjects) < 2 {
		return ""
	}
	var t strings.Builder
	t.WriteString("| " + subjects[0].title + " / | 1 producer | 64 producers | 1,024 producers | end to end |\n|---|---|---|---|---|\n")
	for _, s := range subjects[1:] {
		fmt.Fprintf(&t, "| %s |", s.title)
		for _, m := range measures() {
			a, b := subjects[0].results[m], s.results[m]
			if len(a) == 0 || len(b) == 0 {
				t.WriteString(" |")
				continue
			}
			ratios := make([]float64, min(len(a), len(b)))
			for i := range ratios {
				ratios[i] = a[i].Rate / b[i].Rate
			}
			fmt.Fprintf(&t, " %s |", ratioText(ratios))
		}
		t.WriteString("\n")
	}
	return t.String() + "\n"
}
