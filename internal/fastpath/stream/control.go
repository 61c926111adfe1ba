package stream

import (
	"io"
	"time"

	"eddy/internal/fastpath/proxyproto"
	"eddy/internal/fastpath/txn"
	"eddy/internal/fastpath/wire"
)

// stream is the transaction's txn.Control.
var _ txn.Control = (*stream)(nil)

// WaitBody implements txn.Control.
func (s *stream) WaitBody(dir txn.Dir, atLeast int, timeout time.Duration) (bool, error) {
	if !s.modeHTTP() {
		return s.waitPayload(dir, atLeast, after(time.Now(), timeout)), nil
	}
	b := s.body(dir)
	if b == nil {
		return true, nil
	}
	if dir == txn.Req && !b.done {
		s.growIn()
		if err := s.sayContinue(); err != nil {
			return false, err
		}
	}
	until := after(time.Now(), timeout)
	for !b.done && b.err == nil && (atLeast <= 0 || len(b.data()) < atLeast) {
		err := b.fill(until)
		if err == io.ErrShortBuffer {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	return b.done, b.err
}

// waitPayload is WaitBody in tcp mode, where the payload is what is inspected. It reports that no more can come.
func (s *stream) waitPayload(dir txn.Dir, atLeast int, until time.Time) bool {
	more := s.morePayload
	if dir == txn.Res {
		if s.tx.Stage != txn.StageResContent {
			return true // the server's bytes are read for inspection only there
		}
		more = s.moreResponse
	}
	for {
		if data, _ := s.Payload(dir); atLeast > 0 && len(data) >= atLeast {
			return false
		}
		if !more(until) {
			return true
		}
	}
}

// ExpectProxy implements txn.Control.
func (s *stream) ExpectProxy() error {
	c := s.c
	t := &s.f.m.Timeouts
	nc := c.conn.NetConn()
	if err := nc.SetReadDeadline(time.Now().Add(first(t.HTTPRequest, t.Client, headerTime))); err != nil {
		return err
	}
	h, err := proxyproto.Read(nc)
	if err != nil {
		return err
	}
	if h.Known() {
		c.info.Src, c.info.Dst, c.info.ProxyProto = h.Src, h.Dst, true
	}
	return nc.SetReadDeadline(time.Time{})
}

// headerTime bounds the wait for a PROXY protocol header where no timeout is configured.
const headerTime = 10 * time.Second

// sayContinue sends the interim answer that the client waits for before it sends the body; what is forwarded then
// expects nothing any more.
func (s *stream) sayContinue() error {
	if !s.tx.Req.ExpectContinue() {
		return nil
	}
	s.tx.Req.Del("expect")
	if s.req.total > 0 {
		return nil
	}
	_, err := s.c.conn.Send(s.clientIdle(), continueAnswer)
	return err
}

var continueAnswer = []byte("HTTP/1.1 100 Continue\r\n\r\n")

// body is the body of one direction; nil when there is none to look at.
func (s *stream) body(dir txn.Dir) *inflow {
	b := &s.req
	if dir == txn.Res {
		b = &s.res
	} else if s.pump.running {
		return nil
	}
	if b.buf == nil {
		return nil
	}
	return b
}

// Body implements txn.Control.
func (s *stream) Body(dir txn.Dir) ([]byte, bool) {
	if dir == txn.Res && s.tx.Local {
		return s.tx.ResBody, true
	}
	b := s.body(dir)
	if b == nil {
		return nil, true
	}
	return b.data(), b.done
}

// Payload implements txn.Control.
func (s *stream) Payload(dir txn.Dir) ([]byte, bool) {
	b := s.payload(dir)
	if b == nil {
		return nil, s.tx.InspectOver
	}
	return (*b).Bytes(), s.tx.InspectOver || (*b).W == len((*b).B) && len((*b).B) >= s.f.Pools.Size()
}

func (s *stream) payload(dir txn.Dir) **wire.Buffer {
	p := &s.in
	if dir == txn.Res {
		p = &s.resIn
	}
	if *p == nil {
		return nil
	}
	return p
}

// SetPayload implements txn.Control.
func (s *stream) SetPayload(dir txn.Dir, data []byte) {
	if s.modeHTTP() {
		return
	}
	p := &s.in
	if dir == txn.Res {
		p = &s.resIn
	}
	old := *p
	b := s.f.Pools.Full()
	if len(data) > len(b.B) {
		s.f.Pools.Put(b)
		b = &wire.Buffer{B: make([]byte, len(data))}
	}
	b.W = copy(b.B, data)
	*p = b
	if s.retired == nil {
		s.retired = old // slices of it may be around
	}
}

// Close implements txn.Control.
func (s *stream) Close(silent bool) {
	s.dead, s.keep, s.linger = true, false, false
	s.c.silent = s.c.silent || silent
	if !silent {
		_ = s.c.conn.Close()
	}
}
