package capture

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"

	"eddy/internal/fastpath/packet"
)

// Writer writes a pcap file with nanoseconds. It belongs to one goroutine.
type Writer struct {
	out  *bufio.Writer
	link packet.Link
	snap uint32
	err  error // the first that was met; nothing is written after it
}

// NewWriter begins a file for frames of one link type, of which at most snaplen bytes are kept (0: MaxFrame). Output is
// buffered: Flush ends it.
func NewWriter(w io.Writer, link packet.Link, snaplen int) *Writer {
	if snaplen <= 0 || snaplen > MaxFrame {
		snaplen = MaxFrame
	}
	p := &Writer{out: bufio.NewWriterSize(w, 64<<10), link: link, snap: uint32(snaplen)}
	var head [pcapHeaderLen]byte
	le := binary.LittleEndian
	le.PutUint32(head[0:], magicNano)
	le.PutUint16(head[4:], 2) // version 2.4
	le.PutUint16(head[6:], 4)
	le.PutUint32(head[16:], p.snap)
	le.PutUint32(head[20:], uint32(link))
	_, p.err = p.out.Write(head[:])
	return p
}

// Write appends the first length bytes of a frame; a negative length means all of it. The frame's length on the wire
// is kept beside them.
func (p *Writer) Write(f *packet.Frame, length int) error {
	if p.err != nil {
		return p.err
	}
	if f.Link != p.link {
		return fmt.Errorf("a frame of link type %d in a file of link type %d", f.Link, p.link)
	}
	data := f.Data[:min(len(f.Data), int(p.snap))]
	if length >= 0 {
		data = data[:min(len(data), length)]
	}
	var head [pcapRecordLen]byte
	le := binary.LittleEndian
	le.PutUint32(head[0:], uint32(f.Time/1e9))
	le.PutUint32(head[4:], uint32(f.Time%1e9))
	le.PutUint32(head[8:], uint32(len(data)))
	le.PutUint32(head[12:], max(f.Wire, uint32(len(f.Data))))
	if _, p.err = p.out.Write(head[:]); p.err == nil {
		_, p.err = p.out.Write(data)
	}
	return p.err
}

// Flush hands everything to the writer below.
func (p *Writer) Flush() error {
	if p.err == nil {
		p.err = p.out.Flush()
	}
	return p.err
}
