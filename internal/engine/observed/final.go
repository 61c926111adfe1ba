package observed

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"eddy/internal/fastpath/counter"
	"eddy/internal/fastpath/packet"
	"eddy/internal/fastpath/report"
	"eddy/internal/fastpath/shard"
	"eddy/internal/reentry"
	"eddy/internal/script/trisul"
)

// Progress tells how many of the capture's bytes were read and of how many (0: not known), and the packets so far.
func (l *Lane) Progress() (done, total int64, packets uint64) {
	for _, e := range l.engines {
		packets += e.packets.Load()
	}
	if l.in != nil {
		done, total = l.in.progress()
	}
	return done, total, packets
}

// Report tells what the lane has done: while it runs only how far it has come.
func (l *Lane) Report() *report.Lane {
	select {
	case <-l.ended:
		if l.final != nil {
			return l.final
		}
	default:
	}
	r := l.outline()
	_, _, r.Packets = l.Progress()
	return r
}

// outline is what can be told at any time.
func (l *Lane) outline() *report.Lane {
	r := &report.Lane{Name: l.cfg.Name, Engines: len(l.engines), Began: l.began, Elapsed: time.Since(l.began)}
	switch {
	case l.in != nil:
		r.Inputs = l.in.report()
	case l.cfg.Interface != "":
		r.Inputs = []report.Input{{Name: l.cfg.Interface}}
		var dropped uint64
		for _, ring := range l.rings {
			s := ring.Stats()
			r.Inputs[0].Packets += s.Packets
			dropped += s.Dropped
		}
		r.Drops = some(kernelDrops(dropped))
	default:
		r.Inputs = []report.Input{{Name: "inputfilter"}}
	}
	return r
}

// Name is the section's name.
func (l *Lane) Name() string { return l.cfg.Name }

// Tickets says what became of the tickets of all engines and of the ledger. Any goroutine may call it.
func (l *Lane) Tickets() reentry.Counts {
	var all reentry.Counts
	if boxes := l.boxes.Load(); boxes != nil {
		for _, in := range *boxes {
			all.Add(in.Counts())
		}
	}
	return all
}

// LuaStates are the Lua states of the plugins. Any goroutine may call it; it waits for the states' locks.
func (l *Lane) LuaStates() []trisul.LuaState {
	if l.plugins == nil {
		return nil
	}
	return l.plugins.LuaStates()
}

// sum adds the figures of all engines.
func (l *Lane) sum() (t shard.Stats) {
	for _, e := range l.engines {
		t.Add(e.shard.Stats())
	}
	return t
}

// makeFinal is for when everything has ended.
func (l *Lane) makeFinal() *report.Lane {
	r := l.outline()
	s := l.sum()
	r.Over = true
	r.Packets, r.Bytes = s.Packets, s.Bytes
	if s.Packets > 0 {
		r.First, r.Last = time.Unix(0, s.First).UTC(), time.Unix(0, s.Last).UTC()
	}
	r.Flows = report.Flows{TCP: s.FlowsTCP, UDP: s.FlowsUDP, Other: s.FlowsOther, Most: uint64(s.MostFlows), Evicted: s.Evicted}
	r.Files = report.Files{Whole: s.FilesWhole, Truncated: s.FilesCut, Bytes: s.FileBytes}
	if l.keep != nil {
		r.Files.Kept = l.keep.kept.Load()
	}
	r.Learned = some(
		report.Count{Name: "HTTP requests", N: s.Requests}, report.Count{Name: "HTTP answers", N: s.Responses},
		report.Count{Name: "DNS messages", N: s.DNS}, report.Count{Name: "TLS handshakes", N: s.Handshakes},
		report.Count{Name: "alerts", N: s.Alerts}, report.Count{Name: "resources", N: s.Resources},
	)
	l.reportLedger(r)
	if l.plugins != nil {
		r.Async, r.Jobs, r.Scripts = l.plugins.Async(), l.plugins.Jobs(), l.plugins.Scripts()
		r.Queues = l.offPath.left
	}
	r.Drops = l.drops(&s)
	r.Problems = l.problems(&s)
	return r
}

// reportLedger adds what the ledger knows.
func (l *Lane) reportLedger(r *report.Lane) {
	sum := l.ledger.Summary(report.TopKeys)
	for guid, n := range sum.ResourceGroups {
		r.Resources = append(r.Resources, report.Count{Name: l.plugins.ResourceGroup(guid), N: n})
	}
	slices.SortFunc(r.Resources, func(a, b report.Count) int { return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Name, b.Name)) })
	for _, g := range sum.Top {
		m := g.Group.Meters[g.Meter]
		out := report.Group{GUID: g.Group.GUID, Name: g.Group.Name, Meter: m.Name, Unit: m.Units}
		if m.Units == "Bps" { // the total of a rate is what it is a rate of
			out.Unit, out.Meter = report.UnitBytes, strings.TrimSuffix(m.Name, " bytes/sec")
		}
		for _, k := range g.Keys {
			out.Top = append(out.Top, report.Key{Key: k.Key, Label: k.Label, Value: k.Total})
		}
		out.Keys = g.Count
		if g.Group.GUID == counter.AlertSignatures {
			for _, k := range g.Keys {
				r.Alerts = append(r.Alerts, report.Count{Name: k.Key, N: uint64(k.Total)})
			}
		}
		r.Groups = append(r.Groups, out)
	}
	slices.SortStableFunc(r.Groups, func(a, b report.Group) int { return cmp.Compare(a.Name, b.Name) })
}

// drops lists what was lost, by reason.
func (l *Lane) drops(s *shard.Stats) []report.Count {
	var kernel, stored, unkept, events uint64
	if l.keep != nil {
		unkept = l.keep.lost.Load()
	}
	if l.events != nil {
		events = l.events.out.lost.Load()
	}
	for _, ring := range l.rings {
		kernel += ring.Stats().Dropped
	}
	if l.store != nil {
		stored = l.store.dropped
	}
	sum := l.ledger.Summary(0)
	return some(
		kernelDrops(kernel),
		report.Count{Name: "payload bytes, missing in the capture", N: s.Payload.GapBytes},
		report.Count{Name: "flows, evicted from a full table", N: s.Evicted},
		report.Count{Name: "flows not read to their end, too much of their payload waited for its rest", N: s.GivenUp},
		report.Count{Name: "files, the ramfs folder was full", N: s.FilesLost},
		report.Count{Name: "files that could not be kept", N: unkept},
		report.Count{Name: "packets that could not be stored", N: stored},
		report.Count{Name: "records, the metric hooks were too slow", N: sum.DroppedRecords},
		report.Count{Name: "counters, the metric hooks were too slow", N: sum.DroppedRows},
		report.Count{Name: "counter updates of unknown groups", N: s.Lost.Unknown + sum.Lost.Unknown},
		report.Count{Name: "counter updates of unknown meters", N: s.Lost.Meters + sum.Lost.Meters},
		report.Count{Name: "counter updates of too many keys", N: s.Lost.Keys + sum.Lost.Keys + sum.Overflow},
		report.Count{Name: "additions of metric hooks, too late or too many", N: sum.Unflushed},
		report.Count{Name: "events that could not be written", N: events},
		report.Count{Name: "batches of a time bucket that was closed already (counted in the next)", N: sum.Late + sum.Forced},
		report.Count{Name: "messages to packet hooks, the inbox was full", N: l.untold.Load()},
	)
}

// kernelDrops are packets that came while a ring was full.
func kernelDrops(n uint64) report.Count {
	return report.Count{Name: "packets, the kernel's ring was full", N: n}
}

// problems lists what was wrong with packets, by kind.
func (l *Lane) problems(s *shard.Stats) []report.Count {
	var all [packet.NumProblems]uint64
	add := func(d *packet.Decoder) {
		if d == nil {
			return
		}
		for kind, n := range d.Problems() {
			all[kind] += n
		}
	}
	if l.sharer != nil {
		add(l.sharer.decoder)
	}
	for _, e := range l.engines {
		add(e.decoder)
	}
	var out []report.Count
	for kind, n := range all {
		if n > 0 && packet.Problem(kind) != packet.None {
			out = append(out, report.Count{Name: packet.Problem(kind).String(), N: n})
		}
	}
	return append(out, some(report.Count{Name: "time stamp before that of an earlier packet", N: s.Late})...)
}

// some leaves out what is zero.
func some(counts ...report.Count) []report.Count {
	return slices.DeleteFunc(counts, func(c report.Count) bool { return c.N == 0 })
}
