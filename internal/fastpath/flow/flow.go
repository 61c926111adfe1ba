// Package flow keeps the flows of one engine: who talks to whom, how much, since when, and in which state.
package flow

import "eddy/internal/fastpath/packet"

// Dir is a direction within a flow.
type Dir uint8

// The directions: from the client (who sent the SYN, or else the first packet seen unless ports speak against it), or
// to it.
const (
	ToServer Dir = 0
	ToClient Dir = 1
)

// Other gives the opposite direction.
func (d Dir) Other() Dir { return d ^ 1 }

// State is a set of what happened to a flow. The bits are those of Trisul's session state (sg_monitor).
type State uint16

// The bits of a State.
const (
	Init       State = 0x0001
	SeenSYN    State = 0x0002
	SeenSYNACK State = 0x0004
	SeenACK    State = 0x0008 // the handshake's third packet
	AIsServer  State = 0x0010
	ZIsServer  State = 0x0020
	SeenFIN    State = 0x0040
	SeenRST    State = 0x0080
	TimedOut   State = 0x0100
	Errored    State = 0x0200
	Incomplete State = 0x0400 // one direction did not close
	Terminated State = 0x0800 // closed in both directions
	Ended            = SeenFIN | SeenRST | TimedOut | Terminated
)

// Key identifies a flow: the tuple of its client's packets.
type Key = packet.Tuple

// Count is what went in one direction.
type Count struct {
	Packets uint64
	Bytes   uint64 // on the wire, with all headers
	Payload uint64 // transport payload
}

// Flow is a two-way 5-tuple plus VLAN. It belongs to its engine's goroutine until the ended function that its Table was
// given has returned; then the table uses the memory for another flow. Who wants to know whether a pointer he kept is
// still the same flow compares Serial.
//
// A flow takes three cache lines of 64 bytes. Most packets need what stands in the first two, up to placed.
type Flow struct {
	Key       Key // Src is the client
	State     State
	NoPayload bool // reassembly was switched off
	class     class

	// Hooks is the place of the engine's own state for this flow: streams, extractors, what scripts attached.
	Hooks any

	Count  [2]Count // by Dir
	Last   int64    // ns since 1970 of the latest packet; never falls
	placed int64    // ns: when the flow got its place in its class's list, later than Last-grain

	Start       int64  // ns since 1970 of the first packet
	Serial      uint64 // unique within the process; 0: the flow is over
	RTT         int64  // ns from the SYN to the handshake's third packet as seen here; 0: not seen
	Retransmits uint32 // segments with bytes that were seen before; counted by who reassembles

	id    uint32 // in the table's arena, from 1
	links links
	tcp   handshake
}

// Closed reports whether the connection is over: FIN in both directions, or RST.
func (f *Flow) Closed() bool { return f.State&(Terminated|SeenRST) != 0 }

// count adds a packet.
func (f *Flow) count(dir Dir, p *packet.Packet) {
	c := &f.Count[dir]
	c.Packets++
	c.Bytes += uint64(p.Wire)
	c.Payload += uint64(p.PayloadLen) + uint64(p.PayloadCut)
	f.Last = max(f.Last, p.Time)
}

// direction compares k with the flow's key.
func (f *Flow) direction(k *Key) (Dir, bool) {
	own := &f.Key
	if k.Proto != own.Proto || k.VLAN != own.VLAN || k.Version != own.Version {
		return 0, false
	}
	if k.SrcPort == own.SrcPort && k.DstPort == own.DstPort && k.Src == own.Src && k.Dst == own.Dst {
		return ToServer, true
	}
	return ToClient, k.SrcPort == own.DstPort && k.DstPort == own.SrcPort && k.Src == own.Dst && k.Dst == own.Src
}

// End says why a table let go of a flow.
type End uint8

// Why a flow ended.
const (
	Closed  End = iota // FIN in both directions, or RST; whatever made the table let go of it then
	Idle               // nothing for its timeout
	Reused             // a new connection with the same tuple
	Evicted            // the table was full
	Finish             // the capture ended
	NumEnds
)
