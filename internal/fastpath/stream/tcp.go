package stream

import (
	"time"

	"eddy/internal/fastpath/backend"
	"eddy/internal/fastpath/txn"
	"eddy/internal/fastpath/wire"
)

// serveTCP serves a connection of tcp mode.
func (s *stream) serveTCP() {
	s.tx.Start = s.c.info.Accepted
	s.c.info.Reqs = 1
	s.keep = false
	s.relay()
	s.c.in, s.in = s.in, nil
	s.finish()
}

// relay takes the connection through the rules to a server.
func (s *stream) relay() {
	tx, f := &s.tx, s.f
	if f.TCPContent != nil && !s.inspect(f.TCPContent, f.m.TCPInspect) {
		return
	}
	b := s.routed()
	if b == nil {
		s.fault('S', 'C')
		return
	}
	s.enter(b)
	if s.backs() && b.TCPContent != nil && !s.inspect(b.TCPContent, b.Proxy.Model.TCPInspect) {
		return
	}
	tx.Stage = txn.StageReqContent
	if err := s.use.Acquire(tx); err != nil {
		st := backend.State(err)
		s.fault(st[0], st[1])
		b.Proxy.Back.ErrConn.Add(1)
		return
	}
	defer s.use.Release(false)
	if !s.c.setPeer(&s.use.Conn.Conn) {
		return
	}
	defer s.c.setPeer(nil)
	if s.beginTCP() {
		s.runTunnel(s.inspectResponse)
	}
}

// beginTCP sends what was read for inspection, behind the PROXY header if there is one.
func (s *stream) beginTCP() bool {
	conn := s.use.Conn
	var data []byte
	if s.in != nil {
		data = s.in.Bytes()
	}
	if len(data)+len(conn.Preface) > 0 {
		_, err := conn.Send(s.serverIdle(), conn.Preface, data)
		s.tx.BytesIn += int64(len(data))
		conn.Preface = nil
		if err != nil {
			s.fault('S', 'D')
			return false
		}
	}
	s.f.Pools.Put(s.in)
	s.in = nil
	return true
}

// inspectResponse runs the tcp-response content rules on what the server sends first and passes that on; false: the
// connection ends.
func (s *stream) inspectResponse() bool {
	rules := s.b.TCPRes
	if rules == nil {
		return true
	}
	v := s.inspectWith(rules, txn.StageResContent, s.b.Proxy.Model.TCPRespInspect, s.moreResponse)
	if s.dead || v != txn.Next && v != txn.Accept && v != txn.Wait {
		s.deniedResponse()
		s.Close(v == txn.Drop)
		return false
	}
	if s.resIn == nil {
		return true
	}
	n, err := s.c.conn.Send(s.clientIdle(), s.resIn.Bytes())
	s.f.Pools.Put(s.resIn)
	s.resIn = nil
	return s.sent(n, err)
}

// morePayload reads more of what the client sends, for inspection; false: no more in time, or no room.
func (s *stream) morePayload(until time.Time) bool {
	b, ok := readMore(&s.c.conn, s.in, s.f.Pools, until)
	s.in = b
	return ok
}

// moreResponse is morePayload for the server.
func (s *stream) moreResponse(until time.Time) bool {
	b, ok := readMore(&s.use.Conn.Conn, s.resIn, s.f.Pools, until)
	s.resIn = b
	return ok
}

// readMore reads into b, or into a buffer taken when bytes are there.
func readMore(conn *wire.Conn, b *wire.Buffer, pools *wire.Pools, until time.Time) (*wire.Buffer, bool) {
	if b == nil {
		nb, err := conn.RecvBuffer(pools, true, until)
		return nb, err == nil
	}
	if len(b.Room()) == 0 {
		return b, false
	}
	n, err := conn.Recv(b.Room(), until)
	if err != nil {
		return b, false
	}
	b.W += n
	return b, true
}
