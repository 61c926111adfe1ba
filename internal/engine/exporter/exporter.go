// Package exporter shows the figures of a process to Prometheus. It keeps nothing: each page is made of a snapshot, which is
// taken when somebody asks. Metrics is the list of what is shown; contrib has a dashboard and alert rules made of it.
package exporter

import (
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"
)

// Exporter writes pages of figures. Any goroutine may use it.
type Exporter struct {
	registry *prometheus.Registry
	mu       sync.Mutex // one page at a time: who asks more often than a page takes waits
}

// New makes an exporter. take gives the figures of the moment; it is called for each page, by one goroutine at a time.
func New(take func() *Snapshot) *Exporter {
	e := &Exporter{registry: prometheus.NewRegistry()}
	e.registry.MustRegister( // they differ in their names, so that nothing here can fail
		newCollector(take),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return e
}

// Write writes a page in the format that an Accept header asks for, or in Prometheus' text format, and gives its content type.
// With an error the page lacks something.
func (e *Exporter) Write(w io.Writer, accept string) (contentType string, err error) {
	format := expfmt.NegotiateAccept(http.Header{"Accept": {accept}}, expfmt.DefaultOpenMetricsAcceptedFormats()...)
	e.mu.Lock()
	families, err := e.registry.Gather() // what it could not gather it leaves out
	e.mu.Unlock()
	enc := expfmt.NewEncoder(w, format)
	for _, f := range families {
		if err := enc.Encode(f); err != nil {
			return string(format), fmt.Errorf("writing %s: %w", f.GetName(), err)
		}
	}
	if c, ok := enc.(expfmt.Closer); ok { // OpenMetrics has a last line
		if err := c.Close(); err != nil {
			return string(format), err
		}
	}
	return string(format), err
}
