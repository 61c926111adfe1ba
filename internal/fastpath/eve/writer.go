// Package eve writes what was learned as EVE JSON: one object a line, in the shape that readers of Suricata's events know
// (https://docs.suricata.io/en/suricata-7.0.10/output/eve/eve-json-format.html). docs/eve.md has every field.
package eve

import (
	"io"

	"eddy/internal/fastpath/learned"
	"eddy/internal/fastpath/ledger"
)

// Options of a Writer.
type Options struct {
	Buffer int      // bytes that are kept until they are written; 0: 64 KiB
	Types  []string // the event types that are written, of Types; nil: all
}

// Writer writes events. It belongs to one goroutine. Writing a record allocates nothing once its buffer has grown to the
// longest line.
type Writer struct {
	out   io.Writer
	limit int
	lines line            // not yet written
	err   error           // of out; nothing is written after it
	types map[string]bool // nil: all
}

// New gives a writer of events. It does not close w; Flush before that.
func New(w io.Writer, o Options) *Writer {
	if o.Buffer <= 0 {
		o.Buffer = 64 << 10
	}
	e := &Writer{out: w, limit: o.Buffer}
	for _, name := range o.Types {
		if e.types == nil {
			e.types = map[string]bool{}
		}
		e.types[name] = true
	}
	return e
}

// TypeOf is the event type of a record; "" of one that has no line.
func TypeOf(r learned.Record) string {
	switch r.(type) {
	case *learned.FlowRecord:
		return "flow"
	case *learned.HTTP:
		return "http"
	case *learned.File:
		return "fileinfo"
	case *learned.DNS:
		return "dns"
	case *learned.TLS:
		return "tls"
	case *learned.Alert:
		return "alert"
	case *learned.Resource:
		return "resource"
	case *learned.Counter:
		return "counter"
	case *learned.Link:
		return "edge"
	case *learned.KeyInfo:
		return "keyinfo"
	case *ledger.Topper:
		return "topper"
	case *ledger.Tracked:
		return "tracked"
	}
	return ""
}

// Write adds a record's line. Documents have none, as what they are made of has one itself; nor has a record of a kind
// that is unknown here. The record is not kept. The error is that of an earlier line when it comes from the buffer.
func (w *Writer) Write(r learned.Record) error {
	if w.err != nil {
		return w.err
	}
	kind := TypeOf(r)
	if kind == "" || w.types != nil && !w.types[kind] {
		return nil
	}
	l := &w.lines
	switch r := r.(type) {
	case *learned.FlowRecord:
		l.begin(&r.Where, kind, fromClient)
		l.flow(r)
	case *learned.HTTP:
		l.begin(&r.Where, kind, fromClient)
		l.http(r)
	case *learned.File:
		l.begin(&r.Where, kind, direction(r.Dir))
		l.fileinfo(r)
	case *learned.DNS:
		l.begin(&r.Where, kind, fromClient)
		l.dns(r)
	case *learned.TLS:
		l.begin(&r.Where, kind, fromClient)
		l.tls(r)
	case *learned.Alert:
		l.begin(&r.Where, kind, flowIf(r.HasFlow))
		l.alert(r)
	case *learned.Resource:
		l.begin(&r.Where, kind, flowIf(r.HasFlow))
		l.resource(r)
	case *learned.Counter:
		l.begin(&r.Where, kind, noFlow)
		l.counter(r)
	case *learned.Link:
		l.begin(&r.Where, kind, noFlow)
		l.edge(r)
	case *learned.KeyInfo:
		l.begin(&r.Where, kind, noFlow)
		l.keyInfo(r)
	case *ledger.Topper:
		l.begin(&r.Where, kind, noFlow)
		l.topper(r)
	case *ledger.Tracked:
		l.begin(&r.Where, kind, fromClient)
		l.tracked(r)
	}
	l.end()
	if len(l.text) >= w.limit {
		return w.Flush()
	}
	return nil
}

// Flush writes what is kept. A live capture does so now and then, as its readers wait.
func (w *Writer) Flush() error {
	if w.err == nil && len(w.lines.text) > 0 {
		_, w.err = w.out.Write(w.lines.text)
	}
	w.lines.text = w.lines.text[:0]
	if cap(w.lines.text) > 4*w.limit {
		w.lines.text = nil // an uncommonly long line has gone through
	}
	return w.err
}
