package shard

import (
	"eddy/internal/fastpath/extract"
	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/learned"
	"eddy/internal/fastpath/packet"
	"eddy/internal/fastpath/ramfs"
)

// Wants says which hooks an implementation has, so that what nobody wants costs nothing.
type Wants uint32

// The hooks.
const (
	WantPackets     Wants = 1 << iota // Packet
	WantLayers                        // Layer: protocol handlers
	WantFlows                         // FlowStart, FlowEnd
	WantPayload                       // Payload
	WantAttributes                    // Attribute
	WantHTTPHeads                     // FileHead
	WantHTTPPayload                   // HTTPPayload
	WantFiles                         // File: bodies are written to the ramfs folder
	WantRawPayload                    // RawPayload of filex_monitor
	WantStore                         // Store, StorePayload: packet_storage
	WantReports                       // FlowReport: message_monitor
)

// Hooks is what scripts hang on one engine. All methods are called on the engine's goroutine, and nothing that they are
// given outlives the call, but flows (until FlowEnd has returned) and exchanges (likewise).
type Hooks interface {
	Wants() Wants

	// Packet sees every packet after its flow (nil for what is not IP) was updated.
	Packet(p *packet.Packet, f *flow.Flow)
	// Layer gives scripts the chance to name layers above the decoded ones; it may append to p.Layers and move the payload.
	Layer(p *packet.Packet)

	// FlowStart says whether scripts want the flow's payload (reassembly_handler's filter) and its files
	// (filex_monitor's filter_flow); the flow was just made by p.
	FlowStart(f *flow.Flow) (payload, files bool)
	// FlowEnd is the last that is heard of a flow.
	FlowEnd(f *flow.Flow)
	// Payload has reassembled bytes, in order; pos counts from the direction's first byte, gaps included.
	Payload(f *flow.Flow, dir flow.Dir, pos int64, data []byte)
	// RawPayload is Payload for filex_monitor's onpayload_raw.
	RawPayload(f *flow.Flow, dir flow.Dir, pos int64, data []byte)
	// Attribute has what was found out about a flow: "Host", "URI", "TLS:O" and so on.
	Attribute(f *flow.Flow, name, value string)

	// FileHead decides by a request's or an answer's head whether its body is extracted (filex_monitor's filter).
	FileHead(f *flow.Flow, x *extract.Exchange, dir flow.Dir) bool
	// HTTPPayload has decoded bytes of a body; no bytes: its end. path is where the file stands or would stand.
	HTTPPayload(f *flow.Flow, x *extract.Exchange, dir flow.Dir, path string, pos int64, data []byte)
	// File has a whole file, or a part of one (partial). Whoever needs it longer than the call holds it (File.Hold).
	File(f *flow.Flow, x *extract.Exchange, dir flow.Dir, file *ramfs.File, partial bool)

	// Store and StorePayload give packet_storage's policy for a flow: -1 to 6.
	Store(f *flow.Flow) int
	StorePayload(f *flow.Flow, dir flow.Dir, pos int64, data []byte) int

	// Message has what another plugin posted to the packet hooks; id may be "".
	Message(id, text string)
	// FlowReport has a flow that another device told of (engine:new_flow_record).
	FlowReport(r learned.FlowReport)

	// Tick comes about once a second.
	Tick()
	Start() error // onload
	Stop()        // onunload
}
