package admin

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// MaxPayload bounds the lines behind a command, in bytes.
const MaxPayload = 16 << 20

// maxPattern is the longest end of a payload that a client may choose (management.txt §9.3).
const maxPattern = 64

// Payload reads what a client sends behind a command's line when the line's last word is "<<": all lines up to an empty one,
// or with "<<PATTERN" up to a line that is the pattern (management.txt §9.3). rest are the other words. given is false, and
// nothing is read, when the last word is no such thing.
func Payload(args []string, conn Conn) (rest []string, payload []byte, given bool, err error) {
	if len(args) == 0 {
		return args, nil, false, nil
	}
	end, given := strings.CutPrefix(args[len(args)-1], "<<")
	if !given || len(end) > maxPattern {
		return args, nil, false, nil
	}
	rest = args[:len(args)-1]
	begin, read := 0, 0 // where the current line begins; bytes in all
	for {
		part, err := conn.ReadLine()
		payload = append(payload, part...)
		read += len(part)
		switch {
		case errors.Is(err, bufio.ErrBufferFull): // a long line comes in parts
		case err != nil:
			if read > MaxPayload {
				err = errTooLong
			} else if errors.Is(err, io.EOF) {
				err = fmt.Errorf("the payload has no end: %q on a line of its own", end)
			}
			return rest, nil, true, err
		case string(bytes.TrimRight(payload[begin:], "\r\n")) == end:
			if read > MaxPayload {
				return rest, nil, true, errTooLong
			}
			return rest, payload[:begin], true, nil
		default:
			begin = len(payload)
		}
		if read > MaxPayload { // what comes is read all the same, so that the client gets to know
			payload, begin = payload[min(begin, len(payload)):], 0
		}
		if read > 4*MaxPayload || len(payload) > MaxPayload {
			return rest, nil, true, errTooLong
		}
	}
}

var errTooLong = fmt.Errorf("the payload is longer than %d bytes", MaxPayload)
