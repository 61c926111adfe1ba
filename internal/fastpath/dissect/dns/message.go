// Package dns reads DNS messages as they were sent, broken or not, into plain data and text. What is damaged costs no
// more than itself: a record that can't be understood is given as its bytes, and what stands before a cut is kept.
package dns

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

	"eddy/internal/fastpath/learned"
)

// headerLen is the size of a message's header (RFC 1035 §4.1.1).
const headerLen = 12

// maxText bounds the bytes of text that a message is turned into, as compression lets it name the same long name in every
// record: a message of 1,400 bytes could stand for 150 KB. What servers really send comes to 4 times its size at most.
func maxText(message []byte) int { return 4<<10 + 8*len(message) }

// The ways in which a message can be wrong.
var (
	errShort   = errors.New("the message is cut off")
	errPointer = errors.New("a compressed name does not point back, or too often")
	errLabel   = errors.New("a label of an unknown kind")
	errName    = errors.New("a name is longer than 255 bytes")
	errText    = errors.New("the message unpacks to too much text")
)

// Parse reads a message (of a stream: without its length, see Stream). An error says what is wrong with it; then the
// result has all that could be read nevertheless, and is nil only when there is no whole header.
// The result refers to none of the message's bytes.
func Parse(message []byte) (*learned.DNS, error) {
	if len(message) < headerLen {
		return nil, fmt.Errorf("dns: %w", errShort)
	}
	flags := binary.BigEndian.Uint16(message[2:])
	d := &learned.DNS{
		ID:     binary.BigEndian.Uint16(message),
		Answer: flags&0x8000 != 0,
		Flags:  flags,
		Opcode: int(flags >> 11 & 0xf),
	}
	for i := range d.Counts {
		d.Counts[i] = binary.BigEndian.Uint16(message[4+2*i:])
	}
	r := reader{msg: message, at: headerLen, left: maxText(message)}
	r.rcode = flags & 0xf
	r.sections(d)
	d.RCode = rcodeName(r.rcode)
	if r.problem != nil {
		return d, fmt.Errorf("dns: byte %d: %w", r.problemAt, r.problem)
	}
	return d, nil
}

// reader goes through a message once.
type reader struct {
	msg       []byte
	at        int    // next byte
	left      int    // bytes of text that may still be made
	rcode     uint16 // the header's, and from an OPT record its upper bits (RFC 6891 §6.1.3)
	problem   error  // the first one
	problemAt int
}

// sections reads until the end or until nothing behind can be found any more.
func (r *reader) sections(d *learned.DNS) {
	for range d.Counts[0] {
		q, ok := r.question()
		if !ok {
			return
		}
		d.Questions = append(d.Questions, q)
	}
	for i, section := range []*[]learned.DNSRecord{&d.Answers, &d.Authority, &d.Extra} {
		for range d.Counts[1+i] {
			rec, ok := r.record()
			if !ok {
				return
			}
			*section = append(*section, rec)
		}
	}
}

func (r *reader) question() (q learned.DNSQuestion, ok bool) {
	name, ok := r.owner()
	if !ok || !r.need(4) {
		return q, false
	}
	q = learned.DNSQuestion{Name: name, Type: typeName(r.u16()), Class: className(r.u16())}
	return q, true
}

func (r *reader) record() (rec learned.DNSRecord, ok bool) {
	name, ok := r.owner()
	if !ok || !r.need(10) {
		return rec, false
	}
	kind, class := r.u16(), r.u16()
	ttl := r.u32()
	size := int(r.u16())
	if !r.need(size) {
		return rec, false
	}
	if kind == typeOPT {
		r.rcode |= uint16(ttl >> 24 << 4)
	}
	from, to := r.at, r.at+size
	data, bad := rdata(r.msg, kind, from, to)
	if bad != nil {
		r.wrong(bad, from)
	}
	r.at = to
	if !r.spend(len(data)) {
		return rec, false
	}
	return learned.DNSRecord{Name: name, Type: typeName(kind), Class: className(class), TTL: ttl, Data: data}, true
}

// owner reads the name in front of a question or a record. A bad pointer spoils the name only, as it ends it anyway.
func (r *reader) owner() (name string, ok bool) {
	text, end, err := appendName(nil, r.msg, r.at)
	if err != nil {
		r.wrong(err, r.at)
	}
	if end < 0 || !r.spend(len(text)) {
		return "", false
	}
	r.at = end
	return string(text), true
}

func (r *reader) need(n int) bool {
	if len(r.msg)-r.at < n {
		r.wrong(errShort, r.at)
		return false
	}
	return true
}

func (r *reader) spend(n int) bool {
	if r.left -= n; r.left < 0 {
		r.wrong(errText, r.at)
	}
	return r.left >= 0
}

func (r *reader) wrong(err error, at int) {
	if r.problem == nil {
		r.problem, r.problemAt = err, at
	}
}

// u16 and u32 take numbers that need has made sure of.
func (r *reader) u16() uint16 {
	r.at += 2
	return binary.BigEndian.Uint16(r.msg[r.at-2:])
}

func (r *reader) u32() uint32 {
	r.at += 4
	return binary.BigEndian.Uint32(r.msg[r.at-4:])
}

func rcodeName(n uint16) string {
	if name, ok := rcodes[n]; ok {
		return name
	}
	return "RCODE" + strconv.Itoa(int(n))
}
