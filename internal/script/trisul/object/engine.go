// Package object has the objects that Trisul's plugins are given: engine, packet, layer, buffer, flow id, HTTP header,
// flow, alert, resource and document. Each is a class in a prelude; what it can't say by itself it asks the Moment, which
// is what a hook is about while it runs. An object that a script keeps is harmless: it says that its time is over.
package object

import (
	"eddy/internal/fastpath/learned"
	"eddy/internal/fastpath/packet"
	"eddy/internal/reentry"
)

// Lane is what both kinds of hooks can ask for (Trisul's page "Object Engine", functions marked F B). All of it is called
// on the goroutine that runs the hooks. GUIDs and keys that come as bytes are valid during the call.
type Lane interface {
	Timestamp() int64 // capture time, ns since 1970
	InstanceID() string
	Inbox() *reentry.Inbox // where results of asynchronous work come in
	UpdateCounter(guid, key []byte, meter int, value float64)
	UpdateCounterRaw(guid, key []byte, meter int, value float64)
	UpdateKeyInfo(guid, key, label, description string)
	SetKeyAttribute(guid, key, name, value string)
	AddAlert(a *learned.Alert)
	AddResource(r *learned.Resource)
	AddEdge(e *learned.Link)
	TagFlow(flow, tag string)
	AddFlowAttribute(flow, name, value string)
	PostFrontend(id, text string)
	PostBackend(id, text string)
}

// Engine is what packet hooks can ask for beside that (functions marked F).
type Engine interface {
	Lane
	Packet() *packet.Packet // the one in progress; nil when there is none
	AddFlowCounter(flow, guid, key string, meter, direction int)
	ResetFlowCounter(flow, guid string)
	UpdateFlow(flow string, meter int, value float64)
	SetFlowDuration(flow string, seconds float64)
	NewFlowRecord(flow string, bytesAZ, bytesZA, packetsAZ, packetsZA uint64)
	DisableReassembly(flow string)
	StorePacket(policy int) // 0 not, 1 whole, 2 its headers
}
