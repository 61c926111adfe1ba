package dns

import "encoding/binary"

// Stream takes messages out of one direction of a TCP flow, where a length of two bytes stands before each (RFC 1035
// §4.2.2). The zero Stream is ready. It keeps at most one message, 64 KiB.
type Stream struct {
	held []byte // the begin of a message, with its length
	lost bool   // after a gap: where the next message begins is not known
}

// Data takes the next bytes and gives each whole message in them, without its length, valid during the call.
func (s *Stream) Data(data []byte, each func(message []byte)) {
	if s.lost {
		if !LooksFramed(data) { // a sender mostly begins a segment with a message
			return
		}
		s.lost = false
	}
	for len(data) > 0 {
		if len(s.held) == 0 {
			message, rest, ok := cutMessage(data)
			if ok {
				each(message)
				data = rest
				continue
			}
		}
		data = s.hold(data)
		if message, _, ok := cutMessage(s.held); ok {
			each(message)
			s.release()
		}
	}
}

// keepHeld is how large a message may be whose memory serves for the next one.
const keepHeld = 4 << 10

func (s *Stream) release() {
	if s.held = s.held[:0]; cap(s.held) > keepHeld {
		s.held = nil
	}
}

// Held tells how many bytes of memory the begin of a message takes that waits for its rest.
func (s *Stream) Held() int64 { return int64(cap(s.held)) }

// hold takes over as much as belongs to the held message, and gives the rest.
func (s *Stream) hold(data []byte) (rest []byte) {
	n := 2 // the length comes first
	if len(s.held) >= 2 {
		n += int(binary.BigEndian.Uint16(s.held))
	}
	n = min(n-len(s.held), len(data))
	s.held = append(s.held, data[:n]...)
	return data[n:]
}

// Gap says that bytes are missing here: the message they belong to is lost, and so is the framing until it is found
// again.
func (s *Stream) Gap() { s.held, s.lost = nil, true }

func cutMessage(data []byte) (message, rest []byte, ok bool) {
	if len(data) < 2 {
		return nil, nil, false
	}
	end := 2 + int(binary.BigEndian.Uint16(data))
	if len(data) < end {
		return nil, nil, false
	}
	return data[2:end], data[end:], true
}
