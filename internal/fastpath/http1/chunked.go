package http1

import (
	"math"
	"strconv"
)

// Bounds of a chunked body's framing, in bytes.
const (
	MaxChunkLine = 4 << 10  // a chunk's size with its extensions
	MaxTrailers  = 16 << 10 // the trailer section
)

// Chunks decodes a chunked body (RFC 9112 §7.1) as it comes. Its zero value is ready for a body; Reset makes it
// ready for the next and keeps its memory.
//
// It is strict: sizes are bare hexadecimal digits, lines end in CRLF, extensions are read over and dropped, and the
// body is written anew with AppendChunk, so that no reader behind can see other chunks than were seen here.
type Chunks struct {
	state    chunkState
	line     uint32 // bytes of the size line taken so far
	left     int64  // data bytes of the chunk yet to come
	trailers []byte // kept lines, ready to be sent
	mark     int    // where the line that is being read begins in trailers
	count    int    // bytes of the trailer section taken so far
	err      ParseError
}

type chunkState uint8

const (
	chunkSize      chunkState = iota // digits, at least one
	chunkSizeBlank                   // blanks behind the digits
	chunkExt                         // extension, up to CR
	chunkSizeLF                      // LF of the size line
	chunkData
	chunkDataCR
	chunkDataLF
	chunkTrailer   // in a trailer line, or before the last CR
	chunkTrailerLF // LF of a trailer line
	chunkLastLF    // LF of the last, empty line
	chunkDone
)

// Reset makes c ready for another body.
func (c *Chunks) Reset() {
	t := c.trailers[:0]
	if cap(t) > arenaKeep {
		t = nil
	}
	*c = Chunks{trailers: t}
}

// Done tells whether the whole body, trailers included, was taken.
func (c *Chunks) Done() bool { return c.state == chunkDone }

// Trailers gives the trailer fields as lines, "name: value\r\n", names in lower case, ready for AppendLastChunk.
// They are complete when Done; the bytes live until Reset.
func (c *Chunks) Trailers() []byte {
	if c.state != chunkDone {
		return nil
	}
	return c.trailers
}

// Next takes bytes from buf, which begins with the first byte that was not consumed before. It consumes framing and
// at most one run of body bytes: these are buf[dataOff:dataOff+dataLen], and consumed ends with them. As long as
// consumed is less than len(buf) there is more to take. Once done is true, what follows in buf belongs to the next
// message. The error is a *ParseError with status 400 (whose body is a server's answers 502) and lives until Reset.
func (c *Chunks) Next(buf []byte) (dataOff, dataLen, consumed int, done bool, err error) {
	for i := 0; i < len(buf); i++ {
		b := buf[i]
		switch c.state {
		case chunkData:
			n := int(min(c.left, int64(len(buf)-i)))
			if c.left -= int64(n); c.left == 0 {
				c.state = chunkDataCR
			}
			return i, n, i + n, false, nil
		case chunkSize:
			d := hexDigit(b)
			switch {
			case d >= 0 && c.left > math.MaxInt64>>4:
				return 0, 0, 0, false, c.fail(i, "chunk size too big")
			case d >= 0:
				c.left = c.left<<4 | int64(d)
			case c.line == 0:
				return 0, 0, 0, false, c.fail(i, "chunk size without a digit")
			default:
				if !c.sizeEnd(b) {
					return 0, 0, 0, false, c.fail(i, "invalid byte in a chunk size")
				}
			}
			c.line++
		case chunkSizeBlank:
			if !c.sizeEnd(b) {
				return 0, 0, 0, false, c.fail(i, "invalid byte in a chunk size")
			}
			c.line++
		case chunkExt:
			if b == '\r' {
				c.state = chunkSizeLF
			} else if b < ' ' && b != '\t' || b == 0x7f {
				return 0, 0, 0, false, c.fail(i, "invalid byte in a chunk extension")
			}
			c.line++
		case chunkSizeLF:
			if b != '\n' {
				return 0, 0, 0, false, c.fail(i, "CR without LF in a chunk size")
			}
			c.line = 0
			if c.state = chunkData; c.left == 0 {
				c.state = chunkTrailer
			}
		case chunkDataCR:
			if b != '\r' {
				return 0, 0, 0, false, c.fail(i, "a chunk goes on behind its size")
			}
			c.state = chunkDataLF
		case chunkDataLF:
			if b != '\n' {
				return 0, 0, 0, false, c.fail(i, "a chunk goes on behind its size")
			}
			c.state = chunkSize
		default:
			if text := c.trailer(b); text != "" {
				return 0, 0, 0, false, c.fail(i, text)
			}
			if c.state == chunkDone {
				return 0, 0, i + 1, true, nil
			}
		}
		if c.line > MaxChunkLine {
			return 0, 0, 0, false, c.fail(i, "chunk extension too long")
		}
	}
	return 0, 0, len(buf), c.state == chunkDone, nil
}

// sizeEnd takes a byte behind the digits of a size.
func (c *Chunks) sizeEnd(b byte) bool {
	switch b {
	case ' ', '\t':
		c.state = chunkSizeBlank
	case ';':
		c.state = chunkExt
	case '\r':
		c.state = chunkSizeLF
	default:
		return false
	}
	return true
}

// trailer takes a byte of the trailer section; the text says what is wrong.
func (c *Chunks) trailer(b byte) string {
	if c.count++; c.count > MaxTrailers {
		return "trailers too long"
	}
	switch c.state {
	case chunkTrailer:
		switch b {
		case '\r':
			if c.state = chunkTrailerLF; len(c.trailers) == c.mark {
				c.state = chunkLastLF
			}
		case '\n', 0:
			return "invalid byte in a trailer"
		default:
			c.trailers = append(c.trailers, b)
		}
	case chunkTrailerLF:
		if b != '\n' {
			return "CR without LF in a trailer"
		}
		c.state = chunkTrailer
		return c.trailerLine()
	case chunkLastLF:
		if b != '\n' {
			return "CR without LF behind the last chunk"
		}
		c.state = chunkDone
	}
	return ""
}

// trailerLine puts the line that was just read into the form it is sent in. Fields that frame or route a message
// have no place in trailers (RFC 9110 §6.5.1).
func (c *Chunks) trailerLine() string {
	line := c.trailers[c.mark:]
	i := 0
	for i < len(line) && isToken[line[i]] {
		line[i] = lower[line[i]]
		i++
	}
	if i == 0 || i == len(line) || line[i] != ':' {
		return "invalid byte in a trailer's name"
	}
	if classify(line[:i]) != fieldOther {
		return "a header that must not be a trailer"
	}
	from := skipBlanks(line, i+1)
	value := line[from:trimEnd(line, from, len(line))]
	// Make the gap behind the colon one space wide; at most one byte is missing for that.
	if from < i+2 {
		c.trailers = append(c.trailers, 0)
		line = c.trailers[c.mark:]
	}
	n := copy(line[i+2:], value)
	line[i+1] = ' '
	c.trailers = append(c.trailers[:c.mark+i+2+n], '\r', '\n')
	c.mark = len(c.trailers)
	return ""
}

func (c *Chunks) fail(off int, text string) error {
	c.err = ParseError{Status: 400, Off: off, Text: text}
	return &c.err
}

func hexDigit(b byte) int {
	switch {
	case '0' <= b && b <= '9':
		return int(b - '0')
	case 'a' <= b|0x20 && b|0x20 <= 'f':
		return int(b|0x20-'a') + 10
	}
	return -1
}

// AppendChunk appends data as one chunk; nothing when data is empty, for that would end the body.
func AppendChunk(dst, data []byte) []byte {
	if len(data) == 0 {
		return dst
	}
	dst = AppendChunkSize(dst, len(data))
	dst = append(dst, data...)
	return append(dst, '\r', '\n')
}

// AppendChunkSize appends the line in front of n bytes of chunk data, for who sends the data from where it is. A CRLF
// must follow the data, and n must not be 0.
func AppendChunkSize(dst []byte, n int) []byte {
	dst = strconv.AppendUint(dst, uint64(n), 16)
	return append(dst, '\r', '\n')
}

// AppendLastChunk appends the end of a chunked body, with trailers as Chunks.Trailers gives them.
func AppendLastChunk(dst, trailers []byte) []byte {
	dst = append(dst, '0', '\r', '\n')
	dst = append(dst, trailers...)
	return append(dst, '\r', '\n')
}
