// Package tls reads what a TLS connection says before it is encrypted: the hellos with their fingerprints, and up to
// TLS 1.2 the server's certificates. It looks on; nothing is checked or refused, and what can't be understood is left out.
package tls

import (
	"encoding/binary"

	"eddy/internal/fastpath/dissect/tls/cert"
	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/learned"
)

// Handler is told what was found, on the goroutine that gives the data.
type Handler interface {
	// Record has a whole record with its head, of any type but application data; valid during the call.
	Record(dir flow.Dir, record []byte)
	// Handshake comes at most once, when what follows is encrypted or no longer of interest: in TLS 1.3 with the
	// ServerHello, before that with the server's certificates, or with the first that shows that there will be none.
	// Its Where is empty.
	Handshake(t *learned.TLS)
}

// Bounds of what a connection holds in each direction.
const (
	maxRecord       = 5 + 1<<14 + 2048 // with the head (RFC 5246 §6.2.3, the largest of all versions)
	maxMessage      = 128 << 10        // of the handshake; long certificate chains have 10 KiB
	maxCertificates = 32
)

// Content types of records (RFC 8446 §5.1, RFC 6520).
const (
	recordChangeCipher = 20
	recordAlert        = 21
	recordHandshake    = 22
	recordData         = 23
	recordHeartbeat    = 24
)

// Handshake messages (RFC 8446 §4, RFC 5246 §7.4).
const (
	msgClientHello = 1
	msgServerHello = 2
	msgCertificate = 11
	msgServerDone  = 14
)

// Conn reads both directions of one connection. Who is client and who is server it sees from the hellos. It belongs to the
// goroutine of its flow's engine.
type Conn struct {
	handler Handler
	sides   [2]side
	found   *learned.TLS // nil: the handler has it, and nobody may write to it any more
	size    int64        // of the messages that found was made of
	server  flow.Dir     // the direction of the server's messages, once HasServer
	modern  bool         // TLS 1.3 was agreed
}

// side is one direction.
type side struct {
	record  []byte // the begin of a record that is not whole yet
	message []byte // the begin of a handshake message that is not whole yet
	cipher  bool   // what follows is encrypted
	over    bool   // nothing that follows is of interest
}

// New gives a Conn for a connection's first bytes.
func New(h Handler) *Conn { return &Conn{handler: h, found: new(learned.TLS)} }

// Data takes the next bytes of a direction.
func (c *Conn) Data(dir flow.Dir, data []byte) {
	s := &c.sides[dir]
	for len(data) > 0 && !s.over {
		if len(s.record) == 0 {
			if size := recordSize(data); size > 0 && size <= len(data) {
				c.take(dir, data[:size])
				data = data[size:]
				continue
			}
		}
		data = c.hold(dir, data)
	}
	if s.over {
		s.record, s.message = nil, nil
	}
}

// hold adds to the record that is not whole, as much as belongs to it, and gives the rest of the data.
func (c *Conn) hold(dir flow.Dir, data []byte) (rest []byte) {
	s := &c.sides[dir]
	want := 5 - len(s.record) // the head first, as it has the length
	if size := recordSize(s.record); size > 0 {
		want = size - len(s.record)
	}
	n := min(want, len(data))
	s.record = append(s.record, data[:n]...)
	switch size := recordSize(s.record); {
	case size < 0:
		s.over = true
	case size > 0 && s.record[0] == recordData:
		c.encrypted(dir) // no need to wait for the rest
	case size == len(s.record):
		c.take(dir, s.record)
		s.record = s.record[:0]
	}
	return data[n:]
}

// recordSize gives the size of the record that begins with data, its head included: 0 when the head is not whole, -1 when
// this is no TLS.
func recordSize(data []byte) int {
	if len(data) > 0 && (data[0] < recordChangeCipher || data[0] > recordHeartbeat) || len(data) > 1 && data[1] != 3 {
		return -1
	}
	if len(data) < 5 {
		return 0
	}
	if size := 5 + int(binary.BigEndian.Uint16(data[3:])); size <= maxRecord {
		return size
	}
	return -1
}

// take has a whole record.
func (c *Conn) take(dir flow.Dir, record []byte) {
	s := &c.sides[dir]
	if record[0] == recordData {
		c.encrypted(dir)
		return
	}
	c.handler.Record(dir, record)
	switch {
	case record[0] == recordChangeCipher:
		c.changeCipher(dir)
	case record[0] == recordHandshake && !s.cipher && c.found != nil:
		c.handshake(dir, record[5:])
	}
}

// changeCipher: up to TLS 1.2 all that follows in this direction is encrypted. In TLS 1.3 it means nothing, and one may
// stand between a HelloRetryRequest and the ServerHello (RFC 8446 §D.4).
func (c *Conn) changeCipher(dir flow.Dir) {
	if c.found == nil || c.modern || !c.found.HasServer {
		return
	}
	c.sides[dir].cipher = true
	if dir == c.server {
		c.found.Resumed = len(c.found.Chain) == 0
		c.tell()
	}
}

// encrypted: application data comes, so that there is nothing more to read in this direction. A client's may be early
// data, before the server has said anything (RFC 8446 §2.3).
func (c *Conn) encrypted(dir flow.Dir) {
	c.sides[dir].over = true
	if c.found != nil && (c.found.HasServer || c.Done()) {
		c.tell()
	}
}

// handshake takes a record's part of the handshake. Messages and records need not begin and end together.
func (c *Conn) handshake(dir flow.Dir, part []byte) {
	s := &c.sides[dir]
	pending, held := part, len(s.message) > 0
	if held {
		s.message = append(s.message, part...)
		pending = s.message
	}
	used := 0
	for len(pending)-used >= 4 {
		head := pending[used:]
		size := 4 + int(head[1])<<16 + int(head[2])<<8 + int(head[3])
		if size > maxMessage {
			s.over = true
			return
		}
		if size > len(head) {
			break
		}
		c.message(dir, head[0], head[4:size])
		if c.found == nil {
			return
		}
		used += size
	}
	if held && used == 0 {
		return // a long message in short records is not moved with each of them
	}
	s.message = append(s.message[:0], pending[used:]...)
}

func (c *Conn) message(dir flow.Dir, kind byte, body []byte) {
	t := c.found
	c.size += int64(len(body))
	switch kind {
	case msgClientHello:
		if h, ok := parseClientHello(body); ok && !t.HasClient { // a second one answers a HelloRetryRequest
			t.HasClient = true
			h.describe(t)
		}
	case msgServerHello:
		h, ok := parseServerHello(body)
		if !ok || h.retry || t.HasServer {
			return
		}
		t.HasServer = true
		c.server = dir
		c.modern = h.agreed() >= versionTLS13
		h.describe(t)
		if c.modern {
			c.tell()
		}
	case msgCertificate:
		if t.HasServer && dir == c.server && !c.modern {
			t.Chain = certificates(body)
			c.tell()
		}
	case msgServerDone:
		c.tell()
	}
}

// certificates reads a Certificate message (RFC 5246 §7.4.2).
func certificates(body []byte) (chain []learned.Certificate) {
	r := reader(body)
	list := reader(r.block(3))
	for len(list) > 0 && len(chain) < maxCertificates {
		der := list.block(3)
		if len(der) == 0 {
			break
		}
		chain = append(chain, cert.Parse(append([]byte(nil), der...)))
	}
	return chain
}

// tell gives the handshake to the handler, once, if there was one. What is left of it in the sides is of no use then.
func (c *Conn) tell() {
	if t := c.found; t != nil && (t.HasClient || t.HasServer) {
		c.found, c.size = nil, 0
		c.sides[0].message, c.sides[1].message = nil, nil
		c.handler.Handshake(t)
	}
}

// Gap says that bytes are missing here. Where the next record begins can't be known, so that the direction is given up.
func (c *Conn) Gap(dir flow.Dir) {
	c.sides[dir] = side{over: true}
	if c.found != nil && (c.found.HasServer && dir == c.server || c.Done()) {
		c.tell()
	}
}

// End says that the flow is over: a handshake that was begun is told as far as it went.
func (c *Conn) End() {
	c.tell()
	c.sides = [2]side{{over: true}, {over: true}}
}

// Done tells that nothing more will come of this connection, so that it need not be given more.
func (c *Conn) Done() bool { return c.sides[0].over && c.sides[1].over }

// Held tells how many bytes of memory wait for what completes them, about.
func (c *Conn) Held() int64 {
	n := c.size
	for i := range c.sides {
		n += int64(cap(c.sides[i].record) + cap(c.sides[i].message))
	}
	return n
}

// Looks tells whether the first bytes of a direction look like TLS: a record with a hello in it. It takes 6 bytes to say so.
func Looks(first []byte) bool {
	return len(first) >= 6 && first[0] == recordHandshake && recordSize(first) > 9 &&
		(first[5] == msgClientHello || first[5] == msgServerHello)
}
