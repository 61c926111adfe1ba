package counter

import (
	"encoding/binary"

	"eddy/internal/fastpath/packet"
)

// linkCounts counts by Ethernet addresses and types within a tick. Pairs of addresses have a place by their hash; a pair
// that finds its place taken moves the other one's count into the Local at once.
type linkCounts struct {
	mac, types *Group
	pairs      [1 << pairBits]macPair
	kinds      [16]linkKind
	cast       [3]float64 // bytes by keyBroadcast, keyMulticast, keyUnicast
	key        [40]byte
}

// pairBits makes room for as many pairs as a busy segment has; all of it stays in the processor's cache.
const pairBits = 12

type macPair struct {
	addresses [12]byte // destination, source, as in the frame
	bytes     float64
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
	c.mac, c.types = r.ByGUID(Mac), r.ByGUID(LinkLayerStats)
}

// packet counts a frame if it is an Ethernet one.
func (c *linkCounts) packet(l *Local, p *packet.Packet) {
	if p.NLayers == 0 || p.Layers[0].Proto != packet.Ethernet || p.Layers[0].Off != 0 || len(p.Data) < 14 {
		return
	}
	bytes := float64(p.Wire)
	c.addresses(l, p.Data[:12], bytes)
	c.etherType(l, binary.BigEndian.Uint16(p.Data[12:]), bytes)
}

func (c *linkCounts) addresses(l *Local, mac []byte, bytes float64) {
	hi, lo := binary.LittleEndian.Uint64(mac), binary.LittleEndian.Uint32(mac[8:])
	switch {
	case hi&0xFFFFFFFFFFFF == 0xFFFFFFFFFFFF:
		c.cast[castBroadcast] += bytes
	case mac[0]&1 != 0:
		c.cast[castMulticast] += bytes
	default:
		c.cast[castUnicast] += bytes
	}
	h := (hi ^ uint64(lo)*0x9E3779B97F4A7C15) * 0xBF58476D1CE4E5B9
	pair := &c.pairs[h>>(64-pairBits)]
	if pair.addresses != [12]byte(mac) {
		c.flushPair(l, pair)
		pair.addresses = [12]byte(mac)
	}
	pair.bytes += bytes
}

func (c *linkCounts) flushPair(l *Local, p *macPair) {
	if p.bytes > 0 {
		l.Add(c.mac, appendMAC(c.key[:0], p.addresses[6:]), 0, p.bytes)
		l.Add(c.mac, appendMAC(c.key[:0], p.addresses[:6]), 1, p.bytes)
		p.bytes = 0
	}
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
	c.types.Sample(cells, 0, k.bytes)
	c.types.Sample(cells, 1, k.packets)
}

// tick moves everything into the Local, but for casts.
func (c *linkCounts) tick(l *Local) {
	for i := range c.pairs {
		c.flushPair(l, &c.pairs[i])
	}
	for i := range c.kinds {
		if k := &c.kinds[i]; k.packets > 0 {
			c.flushKind(l, k)
			*k = linkKind{}
		}
	}
}

// casts moves the bytes by kind of destination into the cells of Aggregates.
func (c *linkCounts) casts(g *Group, cells []float64) {
	g.Sample(cells, aggregateBroadcast, c.cast[castBroadcast])
	g.Sample(cells, aggregateMulticast, c.cast[castMulticast])
	g.Sample(cells, aggregateUnicast, c.cast[castUnicast])
	c.cast = [3]float64{}
}
