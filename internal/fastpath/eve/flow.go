package eve

import (
	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/learned"
	"eddy/internal/fastpath/ledger"
)

const second = 1_000_000_000 // ns

func (l *line) flow(r *learned.FlowRecord) {
	app := r.App
	if app == "" {
		app = "failed" // Suricata's word for what was not recognised
	}
	if hasPorts(r.Flow.Proto) {
		l.string("app_proto", app)
	}
	l.open("flow")
	up, down := &r.Count[flow.ToServer], &r.Count[flow.ToClient]
	l.uint("pkts_toserver", up.Packets)
	l.uint("pkts_toclient", down.Packets)
	l.uint("bytes_toserver", up.Bytes)
	l.uint("bytes_toclient", down.Bytes)
	l.time("start", r.Start)
	l.time("end", r.Last)
	l.int("age", r.Last/second-r.Start/second)
	l.string("state", flowState(r))
	if r.Over {
		l.string("reason", endReason(r.Why))
	}
	if len(r.Tags) > 0 {
		l.openList("tags")
		for _, tag := range r.Tags {
			l.element(tag)
		}
		l.closeList()
	}
	l.close()
	if r.Flow.Proto == 6 {
		l.tcp(r)
	}
}

// tcp has what was seen of TCP's own doings.
func (l *line) tcp(r *learned.FlowRecord) {
	l.open("tcp")
	l.boolIf("syn", r.State&flow.SeenSYN != 0)
	l.boolIf("fin", r.State&flow.SeenFIN != 0)
	l.boolIf("rst", r.State&flow.SeenRST != 0)
	l.uint("retransmits", uint64(r.Retransmits))
	if r.RTT > 0 {
		l.float("rtt", float64(r.RTT/1000)/1e6)
	}
	l.close()
}

func flowState(r *learned.FlowRecord) string {
	switch {
	case r.State&(flow.Terminated|flow.SeenRST) != 0:
		return "closed"
	case r.State&flow.SeenSYNACK != 0 || r.Count[flow.ToServer].Packets > 0 && r.Count[flow.ToClient].Packets > 0:
		return "established"
	}
	return "new"
}

// endReason uses Suricata's words where it has one.
func endReason(why flow.End) string {
	switch why {
	case flow.Closed:
		return "closed"
	case flow.Idle:
		return "timeout"
	case flow.Reused:
		return "tcp_reuse"
	case flow.Evicted:
		return "forced"
	case flow.Finish:
		return "shutdown"
	}
	return "unknown"
}

// tracked is a flow in a flow tracker's snapshot.
func (l *line) tracked(r *ledger.Tracked) {
	l.open("tracked")
	l.string("tracker", r.Tracker)
	l.int("rank", int64(r.Rank))
	l.float("metric", r.Metric)
	l.close()
}
