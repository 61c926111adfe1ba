package main

import (
	"fmt"
	"slices"
	"time"

	"eddy/bench/figures"
	"eddy/bench/jobs/load"
)

func rate(r load.Result) float64 { return r.Rate }
func p50(r load.Result) float64  { return float64(r.P50) }
func p99(r load.Result) float64  { return float64(r.P99) }

func median(results []load.Result, of func(load.Result) float64) float64 {
	values := make([]float64, len(results))
	for i, r := range results {
		values[i] = of(r)
	}
	return figures.Median(values)
}

// span writes nanoseconds for people, with three digits that count.
func span(ns float64) string {
	switch d := time.Duration(ns); {
	case d < time.Microsecond:
		return fmt.Sprintf("%d ns", d)
	case d < 10*time.Microsecond:
		return fmt.Sprintf("%.2f µs", ns/1e3)
	case d < time.Millisecond:
		return fmt.Sprintf("%.0f µs", ns/1e3)
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.2f ms", ns/1e6)
	case d < time.Second:
		return fmt.Sprintf("%.0f ms", ns/1e6)
	}
	return fmt.Sprintf("%.2f s", ns/1e9)
}

// ratioText is the median of the rounds' ratios and their spread.
func ratioText(ratios []float64) string {
	return fmt.Sprintf("**%s×** (%s to %s)", digits(figures.Median(ratios)), digits(slices.Min(ratios)), digits(slices.Max(ratios)))
}

func digits(v float64) string {
	if v >= 10 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
