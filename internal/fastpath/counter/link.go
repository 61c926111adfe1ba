package counter

import (
	"encoding/binary"

	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/packet"
)

// linkCounts counts by Ethernet addresses and types within a tick.
type linkCounts struct {
	types    *Group
	stations stations
	kinds    [16]linkKind
	cast     [3]float64 // bytes by castBroadcast, castMulticast, castUnicast
	key      [8]byte
}

type linkKind struct {
	etherType      uint16
	bytes, packets float64
}

const (
	castBroadcast = iota
	castMulticast
	castUnicast
)

func (c *linkCounts) init(r *Registry) {
	c.types = r.ByGUID(LinkLayerStats)
	c.stations.init(r.ByGUID(Mac))
}

// packet counts a frame if it is an Ethernet one.
func (c *linkCounts) packet(l *Local, p *packet.Packet, n *near, dir flow.Dir) {
	if p.NLayers == 0 || p.Layers[0].Proto != packet.Ethernet || p.Layers[0].Off != 0 || len(p.Data) < 14 {
		return
	}
	bytes := float64(p.Wire)
	c.cast[castOf(p.Data)] += bytes
	c.stations.frame(l, p.Data[:12], bytes, n, dir)
	c.etherType(l, binary.BigEndian.Uint16(p.Data[12:]), bytes)
}

// castOf tells by a frame's destination whom it is for.
func castOf(frame []byte) int {
	switch {
	case frame[0]&1 == 0:
		return castUnicast
	case [6]byte(frame) == [6]byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}:
		return castBroadcast
	}
	return castMulticast
}

// etherType counts by the outermost type; lengths of IEEE 802.3 count as 0.
func (c *linkCounts) etherType(l *Local, t uint16, bytes float64) {
	if t < 0x600 {
		t = 0
	}
	for i := range c.kinds {
		k := &c.kinds[i]
		if k.packets == 0 {
			k.etherType = t
		}
		if k.etherType == t {
			k.bytes += bytes
			k.packets++
			return
		}
	}
	c.flushKind(l, &linkKind{t, bytes, 1})
}

func (c *linkCounts) flushKind(l *Local, k *linkKind) {
	key := append(c.key[:0], "LLC"...)
	if k.etherType != 0 {
		key = appendUint16(c.key[:0], k.etherType)
	}
	cells := l.Cells(c.types, key)
	cells[linkBytes] += k.bytes
	cells[linkPackets] += k.packets
}

// tick moves everything into the Local, but for casts.
func (c *linkCounts) tick(l *Local) {
	c.stations.tick(l)
	for i := range c.kinds {
		if k := &c.kinds[i]; k.packets > 0 {
			c.flushKind(l, k)
			*k = linkKind{}
		}
	}
}

// casts moves the bytes by kind of destination into the cells of Aggregates.
func (c *linkCounts) casts(cells []float64) {
	cells[aggregateBroadcast] += c.cast[castBroadcast]
	cells[aggregateMulticast] += c.cast[castMulticast]
	cells[aggregateUnicast] += c.cast[castUnicast]
	c.cast = [3]float64{}
}
