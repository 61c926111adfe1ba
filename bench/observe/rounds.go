package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"eddy/bench/figures"
)

// patience is what one execution may take.
const patience = 5 * time.Minute

// run measures all subjects: first each with a single packet, then in rounds. The first round only warms up.
func (cmp *comparison) run(ctx context.Context, s settings, c *captures) error {
	for range s.rounds {
		for _, sub := range cmp.subjects {
			m, err := sub.execute(ctx, s.dir, c.single, nil)
			if err != nil {
				return fmt.Errorf("%s: %w", sub.name, err)
			}
			sub.starts = append(sub.starts, m.wall.Seconds())
		}
	}
	for round := range s.rounds + 1 {
		for turn := range cmp.subjects {
			sub := cmp.subjects[(turn+round)%len(cmp.subjects)] // everybody comes first once
			m, err := sub.execute(ctx, s.dir, sub.capture, c)
			if err != nil {
				return fmt.Errorf("%s: %w", sub.name, err)
			}
			fmt.Fprintf(os.Stderr, "round %d  %-24s %7.3f s  CPU %7.3f s  peak %9s, private %9s\n",
				round, sub.name, m.wall.Seconds(), m.cpu.Seconds(), figures.MB(m.peak), figures.MB(m.private))
			if round > 0 {
				sub.rounds = append(sub.rounds, m)
			}
		}
	}
	return nil
}

// execute lets the subject read a capture, and checks what it wrote unless c is nil.
func (sub *subject) execute(ctx context.Context, dir, capture string, c *captures) (measurement, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	out := filepath.Join(dir, "out")
	if err := os.Mkdir(out, 0o755); err != nil {
		return measurement{}, err
	}
	defer os.RemoveAll(out)
	args, err := sub.args(out, capture)
	if err != nil {
		return measurement{}, err
	}
	m, err := measure(ctx, out, args)
	if err != nil || c == nil {
		return m, err
	}
	f, err := sub.check(c, out)
	if sub.found.of == 0 || f.right != f.of {
		sub.found = f
	}
	return m, err
}

// median of a figure over the rounds.
func (sub *subject) median(of func(measurement) float64) float64 {
	values := make([]float64, len(sub.rounds))
	for i, m := range sub.rounds {
		values[i] = of(m)
	}
	return figures.Median(values)
}

func wall(m measurement) float64    { return m.wall.Seconds() }
func cpu(m measurement) float64     { return m.cpu.Seconds() }
func peak(m measurement) float64    { return float64(m.peak) }
func private(m measurement) float64 { return float64(m.private) }
