package object

import (
	"errors"

	"eddy/internal/fastpath/counter"
	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/packet"
	"eddy/internal/script/trisul/lib"
	"eddy/internal/script/vm"
)

// inProgress is the packet that the hook is about, or that the engine is at.
func (m *Moment) inProgress() *packet.Packet {
	if m.Packet == nil && m.Engine != nil {
		return m.Engine.Packet()
	}
	return m.Packet
}

// packetFuncs is what packet and layer objects ask for. Argument 1 is the handle.
func packetFuncs() lib.Funcs {
	return lib.Funcs{
		// packet_facts(): how many layers a packet may have, and the numbers of a view's facts
		"packet_facts": func(c *vm.Call) error {
			for _, n := range []int64{packet.MaxLayers, factWire, factLayers, factOrigin, factSeconds, factMicros} {
				c.PushInt(n)
			}
			return nil
		},
		// packet_set_time(handle, seconds, microseconds)
		"packet_set_time": func(c *vm.Call) error {
			m, err := current(c)
			if err != nil {
				return err
			}
			ns, err := timeArg(c, 2, "packet:set_timestamp")
			switch {
			case err != nil:
			case m.Input != nil:
				m.Input.Time = ns
			case m.Packet != nil:
				m.Packet.Time = ns
				m.stamp(ns)
			}
			return err
		},
		// packet_flow(handle): the flow's id; of what is not IP, one of all zeroes
		"packet_flow": func(c *vm.Call) error {
			m, p, err := packetOf(c)
			if err != nil {
				return err
			}
			var room [96]byte
			switch {
			case p.Version == 0:
				c.PushStr(noFlow)
			case m.Flow != nil && m.FlowID != "":
				c.PushStr(m.FlowID)
			default:
				c.PushBytes(flow.AppendID(room[:0], p.Tuple))
			}
			return nil
		},
		// packet_find(handle, guid): the place of the layer, or nil
		"packet_find": func(c *vm.Call) error {
			m, p, err := packetOf(c)
			if err != nil {
				return err
			}
			guid, _ := counter.NormalGUID(c.Str(2))
			i := -1
			if pr, ok := m.Protocols.Find(guid); ok {
				i = pr.In(p)
			}
			if i < 0 {
				return nothing(c, nil)
			}
			c.PushInt(int64(i))
			return nil
		},
		// layer_protocol(handle, i)
		"layer_protocol": func(c *vm.Call) error {
			m, p, err := packetOf(c)
			if err != nil {
				return err
			}
			i, ok := c.Int(2)
			if !ok || i < 0 || i >= int64(p.NLayers) {
				return nothing(c, nil)
			}
			c.PushStr(m.Protocols.GUID(&p.Layers[i]))
			return nil
		},
		"packet_set": setPacket,
	}
}

// noFlow is the flow id of a packet that is not IP (obj_packet, flowid).
const noFlow = "00A:00.00.00.00:p-0000_00.00.00.00:p-0000"

func packetOf(c *vm.Call) (*Moment, *packet.Packet, error) {
	m, err := current(c)
	if err != nil {
		return nil, nil, err
	}
	if m.Packet == nil {
		return nil, nil, errGone
	}
	return m, m.Packet, nil
}

// Input is the packet that an input filter's step makes.
type Input struct {
	Set   bool // set_packet was called
	Time  int64
	Link  packet.Link
	Bytes []byte
}

// maxInput bounds the bytes of a packet from an input filter.
const maxInput = 256 << 10

// setPacket: packet:set_packet(sec, usec, dlt, bytes), which an input filter's step is given the packet for.
func setPacket(c *vm.Call) error {
	m, err := current(c)
	if err != nil {
		return err
	}
	if m.Input == nil {
		return errors.New("packet:set_packet: only an input filter's step can make packets")
	}
	ns, err := timeArg(c, 2, "packet:set_packet")
	if err != nil {
		return err
	}
	link, ok := c.Int(4)
	if !ok || link < 0 || link > 1<<16-1 {
		return errors.New("packet:set_packet: argument 3 must be a link type, such as 1 for Ethernet")
	}
	data, err := lib.Bytes(c, 5, "packet:set_packet", 4)
	if err != nil {
		return err
	}
	if len(data) > maxInput {
		return errors.New("packet:set_packet: a packet has at most 256 KiB")
	}
	in := m.Input
	in.Set, in.Time, in.Link = true, ns, packet.Link(link)
	in.Bytes = append(in.Bytes[:0], data...)
	return nil
}

// timeArg reads seconds and microseconds from arguments i and i+1; the latter may be missing.
func timeArg(c *vm.Call, i int, who string) (ns int64, err error) {
	sec, ok := c.Num(i)
	usec, _ := c.Num(i + 1)
	if !ok || sec < 0 || sec > 1<<33 || usec < 0 || usec >= 1e9 {
		return 0, errors.New(who + ": arguments 1 and 2 must be seconds since 1970 and microseconds")
	}
	return int64(sec)*1e9 + int64((sec-float64(int64(sec)))*1e9) + int64(usec)*1000, nil
}
