package extract

import (
	"bytes"
	"math"
)

// maxChunkLine bounds the line with a chunk's size and extensions, in bytes.
const maxChunkLine = 4 << 10

// chunks takes a chunked body apart (RFC 9112 §7.1). It is lenient: lines may end in LF alone, the line end behind a
// chunk's data may be missing.
type chunks struct {
	left    int64 // of the chunk's data
	state   chunkState
	trailer int    // bytes of the trailer section
	line    []byte // the part of a line that came so far
}

type chunkState uint8

const (
	chunkFirst   chunkState = iota // in the first size line
	chunkSize                      // in a later one, or at the line end of the data before it
	chunkData                      // left bytes of data follow
	chunkTrailer                   // behind the last chunk
	chunkDone
	chunkBroken
	chunkNone // the body is not chunked at all: its first line has no size
)

// reset makes c ready for another body.
func (c *chunks) reset() { *c = chunks{line: c.line[:0]} }

// next consumes bytes of buf: framing, or a run of data. data is part of buf and ends where consumed does. When the state
// becomes chunkNone, c.line holds the bytes that were taken for a size: they belong to the body.
func (c *chunks) next(buf []byte, maxTrailer int) (data []byte, consumed int) {
	if c.state == chunkData {
		n := int(min(c.left, int64(len(buf))))
		c.skip(int64(n))
		return buf[:n], n
	}
	line, n, whole := c.readLine(buf)
	if !whole && len(line) <= maxChunkLine {
		return nil, n
	}
	switch c.state {
	case chunkFirst, chunkSize:
		if len(line) > maxChunkLine || !c.size(line) {
			c.broken(line)
			return nil, n
		}
	case chunkTrailer:
		if c.trailer += len(line); len(trimLine(line)) == 0 {
			c.state = chunkDone
		} else if c.trailer > maxTrailer {
			c.state = chunkBroken
		}
	}
	c.line = c.line[:0]
	return nil, n
}

// over says how a body ends that is cut off here. The last chunk makes it whole.
func (c *chunks) over() BodyState {
	if c.state == chunkTrailer {
		return Closed
	}
	return Truncated
}

// skip passes over n bytes of data that are missing; n is at most c.left.
func (c *chunks) skip(n int64) {
	if c.left -= n; c.left == 0 {
		c.state = chunkSize
	}
}

// readLine takes a line off buf. What there is of an incomplete one waits in c.line.
func (c *chunks) readLine(buf []byte) (line []byte, consumed int, whole bool) {
	n := bytes.IndexByte(buf, '\n') + 1
	if n > 0 && len(c.line) == 0 {
		return buf[:n], n, true
	}
	if whole = n > 0; !whole {
		n = len(buf)
	}
	n = min(n, maxChunkLine+1-len(c.line))
	c.line = append(c.line, buf[:n]...)
	return c.line, n, whole
}

// size reads a size line.
func (c *chunks) size(line []byte) bool {
	line = trimLine(line)
	if len(line) == 0 && c.state == chunkSize {
		return true // the end of the data before
	}
	var n int64
	i := 0
	for ; i < len(line); i++ {
		d := hexDigit(line[i])
		if d < 0 {
			break
		}
		if n > math.MaxInt64>>4 {
			return false
		}
		n = n<<4 | int64(d)
	}
	if i == 0 || i < len(line) && line[i] != ';' && !isBlank(line[i]) {
		return false
	}
	if c.left, c.state = n, chunkData; n == 0 {
		c.state = chunkTrailer
	}
	return true
}

// broken notes that line has no size.
func (c *chunks) broken(line []byte) {
	if c.state != chunkFirst {
		c.state = chunkBroken
		return
	}
	c.state = chunkNone
	if len(c.line) == 0 {
		c.line = append(c.line, line...)
	}
}

func trimLine(line []byte) []byte { return bytes.Trim(line, "\r\n \t") }

func hexDigit(b byte) int {
	switch {
	case '0' <= b && b <= '9':
		return int(b - '0')
	case 'a' <= b|0x20 && b|0x20 <= 'f':
		return int(b|0x20-'a') + 10
	}
	return -1
}
