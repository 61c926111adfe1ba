package capture_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"slices"
	"testing"
)

// order is a byte order that numbers are appended in.
type order = binary.AppendByteOrder

func cat(parts ...[]byte) []byte { return slices.Concat(parts...) }

// pcapHead is the header of a pcap file of Ethernet frames.
func pcapHead(o order, magic uint32) []byte {
	b := o.AppendUint32(nil, magic)
	b = o.AppendUint16(b, 2)
	b = o.AppendUint16(b, 4)
	b = o.AppendUint64(b, 0)
	b = o.AppendUint32(b, 65535)
	return o.AppendUint32(b, 1)
}

// pcapRecord is a packet; more is what the header has besides in the modified format.
func pcapRecord(o order, sec, frac, wire uint32, data, more []byte) []byte {
	b := o.AppendUint32(nil, sec)
	b = o.AppendUint32(b, frac)
	b = o.AppendUint32(b, uint32(len(data)))
	b = o.AppendUint32(b, wire)
	return cat(b, more, data)
}

// block is a pcapng block.
func block(o order, kind uint32, body ...[]byte) []byte {
	inner := cat(body...)
	inner = append(inner, make([]byte, -len(inner)&3)...)
	size := uint32(len(inner) + 12)
	b := o.AppendUint32(nil, kind)
	b = o.AppendUint32(b, size)
	return o.AppendUint32(append(b, inner...), size)
}

func section(o order) []byte {
	b := o.AppendUint32(nil, 0x1a2b3c4d)
	b = o.AppendUint16(b, 1)
	b = o.AppendUint16(b, 0)
	return block(o, 0x0a0d0d0a, o.AppendUint64(b, 1<<64-1))
}

func iface(o order, link uint16, snap uint32, options ...[]byte) []byte {
	b := o.AppendUint16(nil, link)
	b = o.AppendUint16(b, 0)
	return block(o, 1, o.AppendUint32(b, snap), cat(options...))
}

func option(o order, code uint16, value []byte) []byte {
	b := o.AppendUint16(nil, code)
	b = o.AppendUint16(b, uint16(len(value)))
	return cat(b, value, make([]byte, -len(value)&3))
}

func enhanced(o order, iface uint32, ticks uint64, wire uint32, data []byte) []byte {
	b := o.AppendUint32(nil, iface)
	b = o.AppendUint32(b, uint32(ticks>>32))
	b = o.AppendUint32(b, uint32(ticks))
	b = o.AppendUint32(b, uint32(len(data)))
	return block(o, 6, o.AppendUint32(b, wire), data)
}

// obsolete is a packet block as it was before the enhanced one.
func obsolete(o order, iface uint16, ticks uint64, wire uint32, data []byte) []byte {
	b := o.AppendUint16(nil, iface)
	b = o.AppendUint16(b, 0)
	b = o.AppendUint32(b, uint32(ticks>>32))
	b = o.AppendUint32(b, uint32(ticks))
	b = o.AppendUint32(b, uint32(len(data)))
	return block(o, 2, o.AppendUint32(b, wire), data)
}

func simple(o order, wire uint32, data []byte) []byte {
	return block(o, 3, o.AppendUint32(nil, wire), data)
}

func packed(t testing.TB, b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
