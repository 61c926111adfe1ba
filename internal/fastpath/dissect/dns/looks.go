package dns

import "encoding/binary"

// Looks tells whether a datagram looks like a DNS message: a sane header, and a first name with a known type and class
// behind it. It is for ports other than 53 and 5353, where one had better Parse; an answer of nothing but a header, and
// the NetBIOS name service, which has DNS's form, are none to it.
func Looks(message []byte) bool {
	if len(message) < headerLen {
		return false
	}
	flags := binary.BigEndian.Uint16(message[2:])
	questions, answers := binary.BigEndian.Uint16(message[4:]), binary.BigEndian.Uint16(message[6:])
	isAnswer := flags&0x8000 != 0
	switch opcode := flags >> 11 & 0xf; {
	case opcode != 0 && opcode != 4 && opcode != 5: // query, notify, update
		return false
	case flags&0x0040 != 0: // must be zero (RFC 1035 §4.1.1)
		return false
	case !isAnswer && (flags&0xf != 0 || questions == 0):
		return false
	case questions > 32 || questions == 0 && answers == 0:
		return false
	}
	begin := message[headerLen:]
	if len(begin) > 32 && begin[0] == 32 && netbiosName(begin[1:33]) {
		return false
	}
	_, end, err := appendName(make([]byte, 0, 4*maxName), message, headerLen)
	if err != nil || len(message)-end < 4 {
		return false
	}
	_, known := kinds[binary.BigEndian.Uint16(message[end:])]
	class := binary.BigEndian.Uint16(message[end+2:]) &^ flagMulticast
	return known && (class == 1 || class == 3 || class == 255)
}

// netbiosName tells a name of the NetBIOS name service: 16 bytes as 32 letters A to P (RFC 1001 §14.1).
func netbiosName(label []byte) bool {
	for _, b := range label {
		if b < 'A' || b > 'P' {
			return false
		}
	}
	return true
}

// LooksFramed is Looks for the first bytes of a stream, where a length stands before each message (RFC 1035 §4.2.2). The
// message may go on behind them, but its first name, type and class have to be there.
func LooksFramed(first []byte) bool {
	if len(first) < 2+headerLen {
		return false
	}
	size := int(binary.BigEndian.Uint16(first))
	return size >= headerLen && Looks(first[2:min(len(first), 2+size)])
}
