package object

import (
	"errors"
	"slices"

	"eddy/internal/fastpath/extract"
	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/learned"
	"eddy/internal/fastpath/packet"
	"eddy/internal/fastpath/ramfs"
	"eddy/internal/script/trisul/lib"
	"eddy/internal/script/vm"
)

// Moment is what a hook is about while it runs: the owner of its vm.Run. A state has one, used again for every run.
type Moment struct {
	Lane      Lane   // nil: the script is not started yet
	Engine    Engine // the same, in packet hooks; nil in metric hooks
	Protocols *Protocols
	Probe     string // engine:probeid()
	// Fault is told what is wrong with what a script asked its engine for. It may be nil, and must not block.
	Fault func(text string)

	Packet    *packet.Packet
	Flow      *flow.Flow
	FlowID    string // of Flow
	Exchange  *extract.Exchange
	File      *ramfs.File // what asynchronous work holds on to
	Alert     *learned.Alert
	Resource  *learned.Resource
	Record    *learned.FlowRecord
	Input     *Input // of an input filter's step
	Ending    bool   // of an onunload: what is scheduled can still be done, but its result has no way back
	view      vm.View
	spans     []uint32 // of packets
	facts     [numFacts]int64
	serial    vm.Handle
	expr      lib.Matcher
	later     []attribute
	disabling []string
}

// attribute is an add_flow_attribute that waits for the end of the run that asked for it: other hooks want to see it.
type attribute struct{ flow, name, value string }

// packetView is the handle of the objects of packet hooks. They are the same objects for every packet, as making new
// ones would cost more than the rest of the call; all others have handles that are never used again.
const packetView vm.Handle = 1

// Next begins another moment without bytes, and gives the handle of its objects: its view has one span, 0, which is
// empty.
func (m *Moment) Next() vm.Handle {
	if m.serial == 0 {
		m.serial = packetView
	}
	m.serial++
	m.Packet = nil
	m.view.Handle, m.view.Bytes, m.view.Spans, m.view.Facts = m.serial, nil, append(m.view.Spans[:0], 0, 0), nil
	return m.serial
}

// Show is Next for a hook that is given data.
func (m *Moment) Show(data []byte) vm.Handle {
	m.Next()
	m.view.Bytes = data
	m.view.Spans[1] = uint32(len(data))
	return m.serial
}

// The facts of a packet's view, by number.
const (
	factWire = iota // bytes on the wire
	factLayers
	factOrigin // interface
	factSeconds
	factMicros
	numFacts
)

// ShowPacket puts a packet into view: span 0 is the whole, and layer i has the spans 1+2i, its header, and 2+2i, all from
// there on.
func (m *Moment) ShowPacket(p *packet.Packet) {
	m.Packet = p
	size := uint32(len(p.Data))
	m.spans = append(m.spans[:0], 0, size)
	for i := range int(p.NLayers) {
		l := &p.Layers[i]
		off := min(l.Off, size)
		m.spans = append(m.spans, off, min(l.Len, size-off), off, size-off)
	}
	m.facts[factWire], m.facts[factLayers], m.facts[factOrigin] = int64(p.Wire), int64(p.NLayers), int64(p.Iface)
	m.stamp(p.Time)
	m.view.Handle, m.view.Bytes, m.view.Spans, m.view.Facts = packetView, p.Data, m.spans, m.facts[:]
}

// stamp puts a time into the facts.
func (m *Moment) stamp(ns int64) {
	m.facts[factSeconds], m.facts[factMicros] = ns/1e9, ns%1e9/1000
}

// View is what the running hook may look into.
func (m *Moment) View() *vm.View { return &m.view }

// Forget lets go of what the hook was about.
func (m *Moment) Forget() {
	m.Packet, m.Flow, m.FlowID, m.Exchange, m.File = nil, nil, "", nil, nil
	m.Alert, m.Resource, m.Record, m.Input = nil, nil, nil, nil
	m.view.Handle, m.view.Bytes = 0, nil
	m.view.Spans = m.view.Spans[:0]
}

// Settle does what had to wait until the run was over, as it calls other hooks.
func (m *Moment) Settle() {
	if len(m.later) == 0 && len(m.disabling) == 0 {
		return
	}
	later, disabling := m.later, m.disabling
	m.later, m.disabling = nil, nil
	for _, id := range disabling {
		m.Engine.DisableReassembly(id)
	}
	for _, a := range later {
		m.Lane.AddFlowAttribute(a.flow, a.name, a.value)
	}
}

var (
	errGone  = errors.New("this object can be used only inside of the hook that was given it")
	errPlace = errors.New("this function needs a hook of a plugin around it")
)

// of gives the moment of the run that calls.
func of(c *vm.Call) (*Moment, error) {
	if m, ok := c.Owner().(*Moment); ok && m.Lane != nil {
		return m, nil
	}
	return nil, errPlace
}

// current is of for a method of an object whose handle is argument 1.
func current(c *vm.Call) (*Moment, error) {
	m, err := of(c)
	if err != nil {
		return nil, err
	}
	if h, ok := c.Int(1); !ok || vm.Handle(h) != m.view.Handle {
		return nil, errGone
	}
	return m, nil
}

// Data gives the bytes of a buffer object: arguments i and i+1 are its handle and its span. They are valid during the
// hook.
func Data(c *vm.Call, i int) ([]byte, error) {
	m, err := of(c)
	if err != nil {
		return nil, err
	}
	h, isHandle := c.Int(i)
	n, isSpan := c.Int(i + 1)
	if !isHandle || !isSpan || vm.Handle(h) != m.view.Handle || n < 0 || 2*int(n)+1 >= len(m.view.Spans) {
		return nil, errGone
	}
	off, size := m.view.Spans[2*n], m.view.Spans[2*n+1]
	return slices.Clip(m.view.Bytes[off : off+size]), nil
}

// Owner gives the moment of the run that calls, for other parts of the binding; nil when it is no hook's.
func Owner(c *vm.Call) *Moment {
	m, _ := of(c)
	return m
}
