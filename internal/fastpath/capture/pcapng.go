package capture

import (
	"fmt"
	"math"
	"slices"

	"eddy/internal/fastpath/packet"
)

// The pcapng file format, https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html: blocks, each with its type
// and its length before and behind it. Section headers give the byte order of what follows.
const (
	blockSection   = 0x0a0d0d0a // the same in both byte orders
	blockInterface = 1
	blockOldPacket = 2
	blockSimple    = 3
	blockEnhanced  = 6

	orderMagic = 0x1a2b3c4d

	blockFrame = 12 // type and the two lengths
	maxBlock   = 16 << 20
	maxIfaces  = math.MaxUint16
)

// pcapngFile reads the blocks of a pcapng file.
type pcapngFile struct {
	swap   bool
	ifaces []pcapngIface // of all sections
	first  int           // index of the section's first interface
	time   int64         // of the last packet that had one; simple packet blocks have none
}

// pcapngIface is an interface that packets were captured on.
type pcapngIface struct {
	link  packet.Link
	snap  uint32
	clock clock
}

func (f *pcapngFile) next(in *window, fr *packet.Frame) error {
	for {
		at := in.offset()
		kind, block, err := f.block(in)
		if err != nil {
			return err
		}
		var text string
		found := false
		switch kind {
		case blockSection:
			f.first = len(f.ifaces)
		case blockInterface:
			text = f.iface(block)
		case blockEnhanced, blockOldPacket:
			text, found = f.packet(block, kind, fr), true
		case blockSimple:
			text, found = f.simple(block, fr), true
		}
		if text != "" {
			return &FileError{Offset: at, Text: text}
		}
		if found {
			return nil
		}
	}
}

// block takes a block, with its frame.
func (f *pcapngFile) block(in *window) (kind uint32, block []byte, err error) {
	at := in.offset()
	head, err := in.peek(blockFrame)
	if err != nil {
		return 0, nil, damaged(at, err, "a block's header")
	}
	kind = u32(head, f.swap)
	if kind == blockSection {
		switch magic := u32(head[8:], false); {
		case magic == orderMagic:
			f.swap = false
		case u32(head[8:], true) == orderMagic:
			f.swap = true
		default:
			return 0, nil, &FileError{Offset: at, Text: fmt.Sprintf("a section begins with %#08x, not with the byte-order magic", magic)}
		}
	}
	size := u32(head[4:], f.swap)
	if size < blockFrame || size > maxBlock || size%4 != 0 {
		return 0, nil, &FileError{Offset: at, Text: fmt.Sprintf("a block of %d bytes: the file is damaged", size)}
	}
	block, err = in.take(int(size))
	if err != nil {
		return 0, nil, damaged(at, within(err), "a block")
	}
	if again := u32(block[size-4:], f.swap); again != size {
		return 0, nil, &FileError{Offset: at, Text: fmt.Sprintf("a block of %d bytes says at its end that it has %d", size, again)}
	}
	return kind, block, nil
}

// iface takes an interface description block; the text says what is wrong with it.
func (f *pcapngFile) iface(block []byte) string {
	const options = 16
	if len(block) < options+4 {
		return "an interface's block is too short"
	}
	if len(f.ifaces) == maxIfaces {
		return fmt.Sprintf("more than %d interfaces", maxIfaces)
	}
	i := pcapngIface{link: packet.Link(u16(block[8:], f.swap)), snap: u32(block[12:], f.swap), clock: microseconds}
	if text := i.options(block[options:len(block)-4], f.swap); text != "" {
		return text
	}
	f.ifaces = append(f.ifaces, i)
	return ""
}

// options reads those of an interface's options that matter for time.
func (i *pcapngIface) options(b []byte, swap bool) string {
	const (
		end      = 0
		tsresol  = 9
		tsoffset = 14
	)
	for len(b) >= 4 {
		code, size := u16(b, swap), int(u16(b[2:], swap))
		b = b[4:]
		if code == end {
			return ""
		}
		if size > len(b) {
			return "an interface's option is longer than its block"
		}
		switch {
		case code == tsresol && size == 1:
			i.clock.resolve(b[0])
		case code == tsoffset && size == 8:
			low, high := u32(b, swap), u32(b[4:], swap)
			if swap {
				low, high = high, low
			}
			i.clock.offset = int64(uint64(high)<<32 | uint64(low))
		}
		b = b[min((size+3)&^3, len(b)):]
	}
	return ""
}

// packet takes an enhanced packet block, or an obsolete packet block, whose interface number is shorter.
func (f *pcapngFile) packet(block []byte, kind uint32, fr *packet.Frame) string {
	const data = 28
	if len(block) < data+4 {
		return "a packet's block is too short"
	}
	n := int(u32(block[8:], f.swap))
	if kind == blockOldPacket {
		n = int(u16(block[8:], f.swap))
	}
	if n >= len(f.ifaces)-f.first {
		return fmt.Sprintf("a packet of interface %d, which was not described", n)
	}
	high, low := u32(block[12:], f.swap), u32(block[16:], f.swap)
	size, wire := u32(block[20:], f.swap), u32(block[24:], f.swap)
	if size > MaxFrame || int(size) > len(block)-data-4 {
		return fmt.Sprintf("a packet of %d bytes in a block of %d", size, len(block))
	}
	i := &f.ifaces[f.first+n]
	f.time = i.clock.nanoseconds(uint64(high)<<32 | uint64(low))
	f.frame(fr, f.first+n, slices.Clip(block[data:data+size]), wire)
	return ""
}

// simple takes a simple packet block, which belongs to the section's first interface and has no time.
func (f *pcapngFile) simple(block []byte, fr *packet.Frame) string {
	const data = 12
	if len(block) < data+4 {
		return "a packet's block is too short"
	}
	if f.first == len(f.ifaces) {
		return "a packet of an interface that was not described"
	}
	wire := u32(block[8:], f.swap)
	size := min(wire, uint32(len(block)-data-4))
	if snap := f.ifaces[f.first].snap; snap != 0 {
		size = min(size, snap)
	}
	if size > MaxFrame {
		return fmt.Sprintf("a packet of %d bytes", size)
	}
	f.frame(fr, f.first, slices.Clip(block[data:data+size]), wire)
	return ""
}

func (f *pcapngFile) frame(fr *packet.Frame, iface int, data []byte, wire uint32) {
	fr.Data, fr.Time = data, f.time
	fr.Wire, fr.Link, fr.Iface, fr.VLAN = max(wire, uint32(len(data))), f.ifaces[iface].link, uint16(iface), 0
}
