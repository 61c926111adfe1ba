package exporter

import (
	"slices"
	"strings"

	"eddy/internal/base/histogram"

	"github.com/prometheus/client_golang/prometheus"
)

// maxSeries bounds how many combinations of labels one metric may have. Names come from configurations and scripts, which
// have fewer; what is over it is left out.
const maxSeries = 10_000

// collector makes metrics of snapshots. It is a prometheus.Collector.
type collector struct {
	take     func() *Snapshot
	families []family
	descs    []*prometheus.Desc
}

func newCollector(take func() *Snapshot) *collector {
	c := &collector{take: take, families: families()}
	for _, f := range c.families {
		c.descs = append(c.descs, prometheus.NewDesc(f.Name, f.Help, f.Labels, nil))
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	s := c.take()
	for i := range c.families {
		f, desc := &c.families[i], c.descs[i]
		if f.histograms != nil {
			sums := series[histogram.Snapshot]{}
			f.histograms(s, func(h *histogram.Snapshot, labels ...string) {
				if at := sums.at(labels); at != nil {
					at.Add(*h)
				}
			})
			for _, one := range sums.all {
				out <- constHistogram(desc, &one.value, one.labels)
			}
			continue
		}
		kind := prometheus.GaugeValue
		if f.Type == Counter {
			kind = prometheus.CounterValue
		}
		sums := series[float64]{}
		f.values(s, func(v float64, labels ...string) {
			if at := sums.at(labels); at != nil {
				*at += v
			}
		})
		for _, one := range sums.all {
			out <- prometheus.MustNewConstMetric(desc, kind, one.value, one.labels...)
		}
	}
}

// constHistogram turns a histogram's figures, each bucket for itself and in nanoseconds, into Prometheus' ones, which count
// what is below each bound and are in seconds.
func constHistogram(desc *prometheus.Desc, h *histogram.Snapshot, labels []string) prometheus.Metric {
	buckets := make(map[float64]uint64, histogram.Buckets-1)
	var below uint64
	for i := range histogram.Buckets - 1 {
		below += h.Counts[i]
		buckets[histogram.Bound(i).Seconds()] = below
	}
	return prometheus.MustNewConstHistogram(desc, h.Count, h.Sum.Seconds(), buckets, labels...)
}

// series are the values of one metric by their labels. Where two have the same labels, as two scripts of one name, they are
// added up: a page that has something twice is worth nothing to Prometheus.
type series[V any] struct {
	all   []*labelled[V]
	index map[string]*labelled[V]
}

type labelled[V any] struct {
	labels []string
	value  V
}

// at gives the place of a value; nil when there are too many.
func (s *series[V]) at(labels []string) *V {
	labels = slices.Clone(labels)
	for i := range labels {
		labels[i] = clean(labels[i])
	}
	key := strings.Join(labels, "\x00")
	if one, ok := s.index[key]; ok {
		return &one.value
	}
	if len(s.all) >= maxSeries {
		return nil
	}
	one := &labelled[V]{labels: labels}
	if s.index == nil {
		s.index = map[string]*labelled[V]{}
	}
	s.index[key] = one
	s.all = append(s.all, one)
	return &one.value
}

// maxLabel bounds the bytes of a label's value.
const maxLabel = 200

// clean makes a label's value of a name: UTF-8, and of bounded length.
func clean(s string) string {
	if len(s) > maxLabel {
		s = s[:maxLabel]
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
