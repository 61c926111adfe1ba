package shard

import (
	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/learned"
	"eddy/internal/fastpath/ledger"
)

// maxReports bounds the flows of other devices that are collected within a second.
const maxReports = 100_000

// reports collects what scripts say about flows that other devices have seen (engine:update_flow), until the tick. They
// go to the ledger as flows, and are in no flow table.
type reports struct {
	flows map[flow.Key]*learned.FlowRecord
}

// update adds to meter 0 or 1, the bytes from the A to the Z end or back, or 2 or 3, the packets. The A end stands in the
// client's place.
func (r *reports) update(s *Shard, id string, meter int, value float64) {
	key, err := flow.ParseID(id)
	if err != nil || meter < 0 || meter > 3 || !(value >= 0 && value < 1e18) {
		return
	}
	f := r.flows[key]
	if f == nil {
		if r.flows == nil {
			r.flows = map[flow.Key]*learned.FlowRecord{}
		}
		if len(r.flows) >= maxReports {
			return
		}
		f = &learned.FlowRecord{Where: learned.Where{Flow: key, Engine: s.opts.ID}, State: flow.Init, Start: s.now}
		r.flows[key] = f
	}
	c := &f.Count[meter&1]
	if meter < 2 {
		c.Bytes += uint64(value)
	} else {
		c.Packets += uint64(value)
	}
}

// last says how many ns a flow has lasted.
func (r *reports) last(id string, ns int64) {
	if key, err := flow.ParseID(id); err == nil && r.flows[key] != nil {
		r.flows[key].Start -= ns
	}
}

// flush hands them over.
func (r *reports) flush(s *Shard) {
	for key, f := range r.flows {
		f.Time, f.Last, f.Over, f.Why = s.now, s.now, true, flow.Idle
		s.opts.Feed.Flow(ledger.FlowEnd, f)
		delete(r.flows, key)
	}
}
