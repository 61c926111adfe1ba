// Package shard is one engine of the observed lane: the packets of a share of all flows come in, and with them it keeps
// flows, puts payload together, reads HTTP, DNS and TLS, extracts files, runs the plugins' packet hooks, and tells the
// ledger what it has learned. One goroutine owns all of it.
package shard

import (
	"context"
	"net/netip"

	"eddy/internal/fastpath/counter"
	"eddy/internal/fastpath/digest"
	"eddy/internal/fastpath/extract"
	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/learned"
	"eddy/internal/fastpath/ledger"
	"eddy/internal/fastpath/packet"
	"eddy/internal/fastpath/ramfs"
	"eddy/internal/fastpath/reassembly"
	"eddy/internal/reentry"
)

// Options make a Shard.
type Options struct {
	ID       int    // from 0
	Instance string // what scripts are told (engine:instanceid)
	Flows    flow.Options
	Payload  reassembly.Options
	HTTP     extract.Options

	Files  *ramfs.Store // where files for scripts are written
	Hashes digest.Set   // computed for every file
	Decode bool         // bodies are decoded in any case: somebody reads their sizes
	Keep   Keeper       // keeps whole files; may be nil
	Store  Storer       // packet storage; may be nil

	Registry *counter.Registry
	HomeNets []netip.Prefix // nil: the private networks
	Feed     *ledger.Feed
	Inbox    *reentry.Inbox
	// Detail says which records somebody reads: without a reader none is made.
	Detail Detail
	// Post gives a message to the packet hooks of all engines.
	Post func(id, text string)
	// Settle waits, at the engine's end, for the results of what is out until ctx is over; nil: Inbox.Finish.
	Settle func(ctx context.Context)
}

// Detail says what the ledger wants to be told beside counters.
type Detail struct {
	Records      bool // HTTP, DNS, TLS, files: the event log
	Resources    bool
	Documents    bool
	FlowStart    bool
	FlowSnapshot bool // of flows that live long
	FlowUpdate   bool
	FlowEnd      bool
}

// Keeper keeps the bodies of whole files.
type Keeper interface {
	// Keep takes over the file, held, under a name made of its hash. It must not block.
	Keep(file *ramfs.File, name string)
}

// Storer stores packets.
type Storer interface {
	// Store takes a copy of the first n bytes of a frame. It must not block on the disk.
	Store(f *packet.Frame, n int)
}

// Shard is an engine. Its methods are for its goroutine.
type Shard struct {
	opts  Options
	hooks Hooks
	wants Wants

	table   *flow.Table
	payload *reassembly.Assembler
	http    *extract.Pool
	local   *counter.Local
	hashers []*digest.Hasher // idle ones

	cur     *packet.Packet // the packet in progress
	flow    *flow.Flow     // its flow
	now     int64          // latest capture time, ns
	holders holders        // flows whose readers hold something
	dirty   []*conn        // flows that changed in this tick
	conns   slab[conn]
	streams slab[reassembly.Stream] // of TCP
	policy  int                     // a hook's wish for storing the packet in progress; -1: none
	// reported are flows that scripts have told of and that scripts are still to hear of (engine:new_flow_record).
	reported []learned.FlowReport

	stats    Stats
	reports  reports
	traffic  *counter.Traffic
	snapshot int64                      // ns: when living flows were last told of
	ended    func(*flow.Flow, flow.End) // s.flowEnded, made once
}

// New makes an engine without hooks.
func New(o Options) *Shard {
	o.Flows.Engine = o.ID
	s := &Shard{opts: o, hooks: noHooks{}, policy: storeDefault}
	s.table = flow.NewTable(o.Flows)
	s.payload = reassembly.New(o.Payload)
	s.http = extract.NewPool(o.HTTP)
	s.local = o.Feed.Local()
	s.traffic = counter.NewTraffic(o.Registry, s.local, o.HomeNets)
	s.ended = s.flowEnded
	return s
}

// Hang puts scripts' hooks on the engine and starts them. It belongs before the first packet.
func (s *Shard) Hang(h Hooks) error {
	s.hooks = h
	err := h.Start()
	s.wants = h.Wants() // without those that onload has switched off
	return err
}

// Stats gives the figures.
func (s *Shard) Stats() Stats {
	st := s.stats
	st.Payload = s.payload.Stats()
	st.Lost = s.local.Lost()
	return st
}

// lateAfter is how far time stamps may go back, in ns, before that is told: packets of several queues come a little
// mixed up.
const lateAfter = 1e9

// Process takes a decoded packet. p is the caller's again when it returns.
func (s *Shard) Process(p *packet.Packet) {
	if p.Time < s.now-lateAfter {
		s.stats.Late++
	}
	s.clock(p.Time)
	s.stats.Packets++
	s.stats.Bytes += uint64(p.Wire)
	if s.stats.First == 0 || p.Time < s.stats.First {
		s.stats.First = p.Time
	}
	if s.wants&WantLayers != 0 {
		s.hooks.Layer(p)
	}
	s.cur = p
	switch {
	case p.Version == 0:
		s.stats.NotIP++
		s.traffic.Packet(p)
	case p.Fragment:
		s.stats.Fragments++
		s.traffic.Packet(p)
	default:
		s.flowPacket(p)
	}
	if s.wants&WantPackets != 0 {
		s.hooks.Packet(p, s.flow)
	}
	if s.opts.Store != nil {
		s.storePacket(p)
	}
	s.cur, s.flow = nil, nil
	s.tellReports()
	if s.opts.Inbox.Waiting() {
		s.Deliver()
	}
}

// Idle is called when no packet comes, with the time that it is by the capture's clock.
func (s *Shard) Idle(now int64) {
	s.clock(now)
	s.Deliver()
}

// Deliver runs what has come back from asynchronous work, and messages of other plugins.
func (s *Shard) Deliver() {
	s.opts.Inbox.Drain(0)
	s.tellReports()
}

// Packets is how many packets came.
func (s *Shard) Packets() uint64 { return s.stats.Packets }

// Message gives a plugin's message to the packet hooks.
func (s *Shard) Message(id, text string) { s.hooks.Message(id, text) }

// clock moves capture time forward. It never goes back.
func (s *Shard) clock(now int64) {
	if now < s.now {
		return
	}
	if s.opts.Feed.Due(now) {
		s.tick()
	}
	s.opts.Feed.Advance(now)
	s.now = now
	s.stats.Last = now
}

// tick closes a second: what flows have counted goes to the counters, idle flows end.
func (s *Shard) tick() {
	s.traffic.Tick()
	for _, c := range s.dirty {
		c.dirty = -1
		s.opts.Feed.Flow(ledger.FlowUpdate, s.record(c.f))
	}
	clear(s.dirty)
	s.dirty = s.dirty[:0]
	s.reports.flush(s)
	if s.opts.Detail.FlowSnapshot && s.now >= s.snapshot+ledger.SnapshotInterval {
		s.snapshots()
	}
	s.table.Expire(s.now, s.ended)
	s.payload.Expire(s.now)
	s.hooks.Tick()
}

// snapshots tells of the flows that have lived for a while without being told of.
func (s *Shard) snapshots() {
	s.snapshot = s.now
	s.table.Each(func(f *flow.Flow) bool {
		c, told := f.Hooks.(*conn), f.Start
		if c.extras != nil {
			told = max(told, c.extras.told)
		}
		if s.now-told >= ledger.SnapshotInterval {
			c.more().told = s.now
			s.opts.Feed.Flow(ledger.FlowSnapshot, s.record(f))
		}
		return true
	})
}

// tellReports gives the scripts the flows that scripts have told of since the last time. It stands between packets, so that
// no hook runs inside of another; what is told of meanwhile waits for the next time.
func (s *Shard) tellReports() {
	if len(s.reported) == 0 {
		return
	}
	reported := s.reported
	s.reported = nil
	for _, r := range reported {
		s.hooks.FlowReport(r)
	}
}

// Close ends all flows, waits for what is out (until ctx is over), stops the hooks and says goodbye to the ledger.
func (s *Shard) Close(ctx context.Context) {
	s.table.Close(s.ended)
	s.traffic.Tick()
	if s.opts.Settle != nil {
		s.opts.Settle(ctx)
	} else {
		s.opts.Inbox.Finish(ctx)
	}
	s.tellReports()
	s.reports.flush(s)
	s.hooks.Stop()
	s.opts.Inbox.Close()
	s.opts.Feed.Close()
}
