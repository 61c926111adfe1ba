package exporter

import (
	"eddy/internal/base/histogram"
)

// Type is what kind of metric something is, as Prometheus calls it.
type Type string

// The types.
const (
	Counter   Type = "counter"
	Gauge     Type = "gauge"
	Histogram Type = "histogram"
)

// Metric describes one metric. Histograms have, in Prometheus' queries, the names Name_bucket, Name_sum and Name_count.
type Metric struct {
	Name   string
	Type   Type
	Help   string
	Labels []string
}

// Metrics lists all metrics of eddy's own, in the order of the documentation. A page has them, as far as there is something to
// count, and those of the Go runtime and the process (go_…, process_…).
func Metrics() []Metric {
	var out []Metric
	for _, f := range families() {
		out = append(out, f.Metric)
	}
	return out
}

// family is a metric, and where its values come from.
type family struct {
	Metric
	values     func(s *Snapshot, add addValue)     // of counters and gauges
	histograms func(s *Snapshot, add addHistogram) // of histograms
}

// addValue and addHistogram take a value with those of its labels, in their order.
type (
	addValue     func(v float64, labels ...string)
	addHistogram func(h *histogram.Snapshot, labels ...string)
)

func families() []family {
	var all []family
	for _, room := range [][]family{processFamilies(), queueFamilies(), handlerFamilies(), ticketFamilies(), luaFamilies(), proxyFamilies(), laneFamilies()} {
		all = append(all, room...)
	}
	return all
}

func counter(name, help string, labels []string, values func(*Snapshot, addValue)) family {
	return family{Metric: Metric{name, Counter, help, labels}, values: values}
}

func gauge(name, help string, labels []string, values func(*Snapshot, addValue)) family {
	return family{Metric: Metric{name, Gauge, help, labels}, values: values}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
