// Package traffic makes captures for comparisons: deterministic, with valid checksums and timestamps. It shares no code with
// what is measured.
package traffic

import (
	"bufio"
	"encoding/binary"
	"io"
)

// start is the time of a capture's first packet, in nanoseconds since 1970: 2026-01-01.
const start = 1_767_225_600_000_000_000

// Writer writes a capture file: pcap, little endian, microseconds, Ethernet.
type Writer struct {
	Packets int
	Bytes   int64 // of the file, so far

	w   *bufio.Writer
	now int64 // ns since 1970 of the next packet
	err error // the first; nothing is written after it
}

// NewWriter writes the file's header.
func NewWriter(w io.Writer) *Writer {
	out := &Writer{w: bufio.NewWriterSize(w, 1<<20), now: start}
	var head [24]byte
	le := binary.LittleEndian
	le.PutUint32(head[0:], 0xa1b2c3d4) // microseconds
	le.PutUint16(head[4:], 2)          // version 2.4
	le.PutUint16(head[6:], 4)
	le.PutUint32(head[16:], 65535) // snap length
	le.PutUint32(head[20:], 1)     // LINKTYPE_ETHERNET
	out.put(head[:])
	return out
}

// packet writes a frame, and moves the clock on.
func (w *Writer) packet(frame []byte, gap int64) {
	var head [16]byte
	le := binary.LittleEndian
	le.PutUint32(head[0:], uint32(w.now/1e9))
	le.PutUint32(head[4:], uint32(w.now%1e9/1e3))
	le.PutUint32(head[8:], uint32(len(frame)))
	le.PutUint32(head[12:], uint32(len(frame)))
	w.put(head[:])
	w.put(frame)
	w.Packets++
	w.now += gap
}

func (w *Writer) put(b []byte) {
	if w.err == nil {
		_, w.err = w.w.Write(b)
	}
	w.Bytes += int64(len(b))
}

// Flush writes what is buffered, and gives the first error of all writes.
func (w *Writer) Flush() error {
	if w.err != nil {
		return w.err
	}
	return w.w.Flush()
}
