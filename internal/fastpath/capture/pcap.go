package capture

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"

	"eddy/internal/fastpath/packet"
)

// The pcap file format, https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html. A file is in the byte order of
// the machine that wrote it, which its magic number shows.
const (
	pcapHeaderLen   = 24
	pcapRecordLen   = 16
	pcapModifiedLen = 24 // of a record in Alexey Kuznetsov's variant, which has the interface, protocol and type besides

	magicMicro    = 0xa1b2c3d4
	magicNano     = 0xa1b23c4d
	magicModified = 0xa1b2cd34
)

// pcapFile reads the records of a pcap file.
type pcapFile struct {
	swap   bool  // big-endian
	record int   // length of a record's header
	unit   int64 // of the timestamps' second half, in ns
	link   packet.Link
}

// u32 reads a number in the capture's byte order; swap means big-endian.
func u32(b []byte, swap bool) uint32 {
	v := binary.LittleEndian.Uint32(b)
	if swap {
		return bits.ReverseBytes32(v)
	}
	return v
}

// u16 is u32 for shorter numbers.
func u16(b []byte, swap bool) uint16 {
	v := binary.LittleEndian.Uint16(b)
	if swap {
		return bits.ReverseBytes16(v)
	}
	return v
}

// isPcap tells by a capture's first 4 bytes.
func isPcap(magic uint32) bool {
	return magic == magicMicro || magic == magicNano || magic == magicModified
}

// readPcap reads the header of a pcap file.
func readPcap(in *window) (*pcapFile, error) {
	head, err := in.take(pcapHeaderLen)
	if err != nil {
		return nil, damaged(0, err, "the header of the file")
	}
	f := &pcapFile{record: pcapRecordLen, unit: 1000}
	magic := u32(head, false)
	if !isPcap(magic) {
		f.swap = true
		magic = u32(head, true)
	}
	switch magic {
	case magicNano:
		f.unit = 1
	case magicModified:
		f.record = pcapModifiedLen
	}
	if version := u16(head[4:], f.swap); version != 2 {
		return nil, &FileError{Offset: 4, Text: fmt.Sprintf("pcap version %d is not known, only 2", version)}
	}
	f.link = packet.Link(u32(head[20:], f.swap)) // the upper half tells of checksums behind frames
	return f, nil
}

func (f *pcapFile) next(in *window, fr *packet.Frame) error {
	at := in.offset()
	head, err := in.take(f.record)
	if err != nil {
		return damaged(at, err, "a packet's header")
	}
	sec, frac := u32(head, f.swap), u32(head[4:], f.swap)
	size, wire := u32(head[8:], f.swap), u32(head[12:], f.swap)
	if size > MaxFrame {
		return &FileError{Offset: at, Text: fmt.Sprintf("a packet of %d bytes: the file is damaged", size)}
	}
	data, err := in.take(int(size))
	if err != nil {
		return damaged(at, within(err), "a packet")
	}
	fr.Data, fr.Time = data, int64(sec)*1e9+int64(frac)*f.unit
	fr.Wire, fr.Link, fr.Iface, fr.VLAN = max(wire, size), f.link, 0, 0
	return nil
}

// damaged says that a capture ended or could not be read within something; an end before its first byte stays an io.EOF.
func damaged(at int64, err error, what string) error {
	switch err {
	case io.EOF:
		if at > 0 {
			return io.EOF
		}
		return &FileError{Offset: at, Text: "the file is empty"}
	case io.ErrUnexpectedEOF:
		return &FileError{Offset: at, Text: "the file ends within " + what}
	default:
		return &FileError{Offset: at, Text: fmt.Sprintf("reading %s: %v", what, err)}
	}
}

// within turns an end of the capture into an unexpected one.
func within(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
