package syslog

import "encoding/binary"

// ring is a bounded first-in first-out buffer of lines: each stands as its length in four bytes and then itself,
// wrapping at the end of the buffer.
type ring struct {
	buf   []byte
	limit int
	head  int // index of the oldest byte
	used  int
	lines int
}

const lengthBytes = 4

// newRing makes a ring that holds at most limit bytes. It grows towards that as it is needed.
func newRing(limit int) ring { return ring{limit: limit} }

// push appends a copy of line, or reports that there is no room.
func (r *ring) push(line []byte) bool {
	need := lengthBytes + len(line)
	if r.used+need > r.limit {
		return false
	}
	if r.used+need > len(r.buf) {
		r.grow(need)
	}
	var n [lengthBytes]byte
	binary.LittleEndian.PutUint32(n[:], uint32(len(line)))
	r.write(n[:])
	r.write(line)
	r.lines++
	return true
}

// pop appends the oldest line to dst and removes it.
func (r *ring) pop(dst []byte) ([]byte, bool) {
	if r.lines == 0 {
		return dst, false
	}
	n := r.read(make([]byte, 0, lengthBytes), lengthBytes)
	dst = r.read(dst, int(binary.LittleEndian.Uint32(n)))
	r.lines--
	return dst, true
}

func (r *ring) grow(need int) {
	size := max(2*len(r.buf), 4096)
	for size < r.used+need {
		size *= 2
	}
	buf := make([]byte, min(size, r.limit))
	used := r.used
	copy(buf, r.read(make([]byte, 0, used), used))
	r.buf, r.head, r.used = buf, 0, used
}

func (r *ring) write(b []byte) {
	at := (r.head + r.used) % len(r.buf)
	n := copy(r.buf[at:], b)
	copy(r.buf, b[n:])
	r.used += len(b)
}

func (r *ring) read(dst []byte, n int) []byte {
	first := min(n, len(r.buf)-r.head)
	dst = append(dst, r.buf[r.head:r.head+first]...)
	dst = append(dst, r.buf[:n-first]...)
	if len(r.buf) > 0 {
		r.head = (r.head + n) % len(r.buf)
	}
	r.used -= n
	return dst
}
