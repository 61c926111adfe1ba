package trisul

import (
	"fmt"

	"eddy/internal/fastpath/counter"
	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/packet"
	"eddy/internal/script/trisul/instance"
	"eddy/internal/script/trisul/object"
)

// packetCounter is a simplecounter: onpacket for each packet that has a layer of its protocol.
type packetCounter struct {
	in       *instance.Instance
	hook     *instance.Hook
	protocol object.Protocol
}

func (h *PacketHooks) addCounter(l *loaded, in *instance.Instance) {
	hook := in.Hook("onpacket")
	if hook == nil {
		return
	}
	id, _ := in.Type.Data.Get("protocol_guid").AsStr()
	guid, _ := counter.NormalGUID(id)
	protocol, ok := h.p.protocols.Find(guid)
	if !ok {
		h.p.warn(l, fmt.Sprintf("%v: simplecounter: there is no protocol %q: onpacket is never called", place(in), id))
		return
	}
	hook.With(in.Engine(), in.Layer(0))
	h.counters = append(h.counters, &packetCounter{in, hook, protocol})
}

// Packet implements shard.Hooks. It allocates nothing.
func (h *PacketHooks) Packet(p *packet.Packet, f *flow.Flow) {
	for _, c := range h.counters {
		i := c.protocol.In(p)
		if i < 0 {
			continue
		}
		c.in.Moment.ShowPacket(p)
		c.hook.Args()[1] = c.in.Layer(i)
		c.hook.Call()
	}
}

// layerHandler is a protocol_handler: parselayer for what lies on top of its host protocol.
type layerHandler struct {
	in       *instance.Instance
	hook     *instance.Hook
	protocol object.Protocol
	host     object.Protocol
	anywhere bool // it names no ports
	ports    map[uint16]bool
}

func (h *PacketHooks) addHandler(in *instance.Instance) {
	hook := in.Hook("parselayer")
	control, _ := in.Type.Data.Get("control").AsTable()
	own, _ := control.Get("guid").AsStr()
	under, _ := control.Get("host_protocol_guid").AsStr()
	guid, _ := counter.NormalGUID(own)
	hostGUID, _ := counter.NormalGUID(under)
	protocol, ok := h.p.protocols.Find(guid)
	if !ok || hook == nil {
		return
	}
	c := &layerHandler{in: in, hook: hook, protocol: protocol, ports: map[uint16]bool{}}
	if c.host, ok = h.p.protocols.Find(hostGUID); !ok {
		c.host = object.Protocol{Proto: packet.NumProtos} // it is reached only from another handler
	}
	if list, ok := control.Get("host_protocol_ports").AsTable(); ok {
		for _, v := range list.Arr {
			if n, ok := v.AsInt(); ok {
				c.ports[uint16(n)] = true
			}
		}
	}
	c.anywhere = len(c.ports) == 0
	h.handlers = append(h.handlers, c)
}

// Layer implements shard.Hooks: handlers split up what the decoder has left as payload, from below to above.
func (h *PacketHooks) Layer(p *packet.Packet) {
	var next object.Protocol // what the handler below has announced; None: nothing
	for p.NLayers > 1 && p.NLayers < packet.MaxLayers {
		top := int(p.NLayers) - 1
		if p.Layers[top].Proto != packet.Payload || p.Layers[top].Len == 0 {
			return
		}
		c := h.handlerFor(p, top-1, next)
		if c == nil {
			return
		}
		eaten, announced := c.parse(p, top)
		if eaten <= 0 {
			return
		}
		split(p, top, uint32(min(eaten, int64(p.Layers[top].Len))), c.protocol)
		if next = (object.Protocol{}); announced == "" {
			continue // what is attached to this protocol may follow
		}
		if next, _ = h.p.protocols.Find(announced); next.Proto == packet.ProtoNone {
			return
		}
	}
}

// handlerFor finds the handler for the payload above layer host.
func (h *PacketHooks) handlerFor(p *packet.Packet, host int, next object.Protocol) *layerHandler {
	for _, c := range h.handlers {
		if next.Proto != packet.ProtoNone {
			if c.protocol == next {
				return c
			}
			continue
		}
		l := &p.Layers[host]
		if l.Proto == c.host.Proto && (l.Proto != packet.Custom || l.ID == c.host.ID) && (c.anywhere || c.access(p, l)) {
			return c
		}
	}
	return nil
}

// access says whether the host layer leads to the handler: by a port, an IP protocol number, or an EtherType.
func (c *layerHandler) access(p *packet.Packet, l *packet.Layer) bool {
	switch l.Proto {
	case packet.TCP, packet.UDP, packet.SCTP:
		return c.ports[p.SrcPort] || c.ports[p.DstPort]
	case packet.IPv4, packet.IPv6, packet.IPv6Ext:
		return c.ports[uint16(p.Proto)]
	case packet.Ethernet, packet.VLAN:
		if end := l.Off + l.Len; l.Len >= 2 && int(end) <= len(p.Data) {
			return c.ports[uint16(p.Data[end-2])<<8|uint16(p.Data[end-1])]
		}
	case packet.Custom: // what tells the protocols above a plugin's own apart, only that plugin knows
		return true
	}
	return false
}

// parse calls parselayer: the bytes that it takes, and the GUID of what follows.
func (c *layerHandler) parse(p *packet.Packet, top int) (eaten int64, next string) {
	c.in.Moment.ShowPacket(p)
	if !c.hook.With(c.in.Layer(top)).Call() {
		return 0, ""
	}
	results := c.hook.Results()
	if len(results) == 0 {
		return 0, ""
	}
	if n, ok := results[0].AsNum(); ok && n >= 1 {
		eaten = int64(min(n, float64(len(p.Data))))
	}
	if len(results) > 1 {
		id, _ := results[1].AsStr()
		next, _ = counter.NormalGUID(id)
	}
	return eaten, next
}

// split makes the first n bytes of the payload, which is layer top, a layer of its own.
func split(p *packet.Packet, top int, n uint32, protocol object.Protocol) {
	l := &p.Layers[top]
	rest := packet.Layer{Proto: packet.Payload, Off: l.Off + n, Len: l.Len - n}
	*l = packet.Layer{Proto: protocol.Proto, ID: protocol.ID, Off: l.Off, Len: n}
	if rest.Len > 0 && p.NLayers < packet.MaxLayers {
		p.Layers[p.NLayers] = rest
		p.NLayers++
	}
}
