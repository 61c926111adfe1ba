package stream

import (
	"bytes"
	"errors"
	"io"
	"time"

	"eddy/internal/fastpath/http1"
	"eddy/internal/fastpath/proxy"
	"eddy/internal/fastpath/txn"
	"eddy/internal/fastpath/wire"
)

// serveRequest serves one request whose first bytes are in the client's buffer; false: the connection is over.
func (s *stream) serveRequest() bool {
	c := s.c
	s.tx.Start = time.Now()
	c.info.Reqs++
	s.in = c.in
	s.in.Shift()
	if s.readHead() {
		s.process()
		s.tx.BytesIn += int64(s.headLen) + s.req.total
	} else {
		s.tx.BytesIn += int64(s.in.Len())
	}
	s.finish()
	return s.leave()
}

// leave hands the client's buffer back to the client and says whether it can take another request.
func (s *stream) leave() bool {
	c := s.c
	c.in = s.in
	if s.dead {
		return false
	}
	if !s.keep || !s.req.done {
		if s.linger || s.in.Len() > 0 && s.req.buf != nil && s.req.behind() > 0 {
			s.lingeringClose()
		}
		return false
	}
	if s.req.behind() > 0 {
		c.in.R = s.req.raw // the next request came with this one
		return true
	}
	s.f.Pools.Put(c.in)
	c.in = nil
	return true
}

// readHead reads the request's head; false: there is none, and it was dealt with.
func (s *stream) readHead() bool {
	tx, c, f := &s.tx, s.c, s.f
	t := &f.m.Timeouts
	start := tx.Start
	if c.info.Reqs == 1 {
		start = c.info.Accepted
	}
	until := after(start, t.HTTPRequest)
	for waited := false; ; waited = true {
		n, err := tx.Req.ParseRequest(s.in.Bytes(), f.Limits)
		if err != nil {
			s.badRequest(err)
			return false
		}
		if n > 0 {
			tx.Stage = txn.StageHTTPReq
			if tx.Times.ReqHeaders = tx.Start; waited {
				tx.Times.ReqHeaders = time.Now()
			}
			s.minor, s.headLen = tx.Req.Minor(), n
			s.sendBody = !tx.Req.MethodIs("HEAD")
			s.kept = tx.Req.KeepAlive()
			s.keep = s.kept && !f.m.Options.HTTPClose
			s.req.start(&c.conn, s.in, n, tx.Req.Body(), tx.Req.Length())
			if s.req.err != nil {
				s.badRequest(s.req.err)
				return false
			}
			s.countRequest()
			return true
		}
		if s.in.W == len(s.in.B) && !s.growIn() {
			s.badRequest(errTooBig)
			return false
		}
		wait := until
		if t.HTTPRequest <= 0 {
			wait = after(time.Now(), t.Client)
		}
		m, err := c.conn.Recv(s.in.Room(), wait)
		if err != nil {
			s.badRequest(err)
			return false
		}
		s.in.W += m
	}
}

var errTooBig = &http1.ParseError{Status: 400, Text: "the request's head is larger than the buffer"}

// growIn exchanges a small input buffer for a full one; false: it is a full one.
func (s *stream) growIn() bool {
	if len(s.in.B) >= s.f.Pools.Size() {
		return false
	}
	g := s.f.Pools.Full()
	copy(g.B, s.in.B[:s.in.W])
	g.R, g.W = s.in.R, s.in.W
	s.retired, s.in = s.in, g // samples may point into the old one
	s.tx.Req.Rebase(g.Bytes())
	if s.req.buf != nil {
		s.req.buf = g
	}
	return true
}

// countRequest counts a request that was understood.
func (s *stream) countRequest() {
	now := s.tx.Start.UnixNano()
	for _, n := range s.c.counts() {
		if n != nil {
			n.Reqs.Add(1)
			n.ReqRate.Add(now, 1)
		}
	}
}

// badRequest answers, counts and logs what never became a request: err is a *http1.ParseError or the read's error.
func (s *stream) badRequest(err error) {
	s.keep = false
	var bad *http1.ParseError
	switch {
	case errors.As(err, &bad):
		s.fault('P', 'R')
		s.linger = true
		s.countErr(func(n *proxy.Counts) { n.ErrReq.Add(1) })
		s.answerError(bad.Status)
	case errors.Is(err, wire.ErrTimeout):
		s.fault('c', 'R')
		s.countErr(func(n *proxy.Counts) { n.ErrReq.Add(1) })
		if s.started() || !s.f.m.Options.IgnoreProbes {
			s.answerError(408)
		}
	default: // the client left
		s.fault('C', 'R')
		if !s.started() {
			s.quiet = s.quiet || s.f.m.Options.DontLogNull || s.f.m.Options.IgnoreProbes
			return
		}
		s.countErr(func(n *proxy.Counts) { n.ErrReq.Add(1) })
		if errors.Is(err, io.EOF) {
			s.answerError(400)
		}
	}
	if !s.started() && s.f.m.Options.DontLogNull {
		s.quiet = true
	}
}

// started says whether the client sent anything of a request.
func (s *stream) started() bool { return s.in != nil && s.in.Len() > 0 }

// process takes the request through the rules to whoever answers it.
func (s *stream) process() {
	tx, f := &s.tx, s.f
	if f.TCPContent != nil && !s.inspect(f.TCPContent, f.m.TCPInspect) {
		return
	}
	if f.m.MonitorURI != "" && s.monitored() {
		return
	}
	s.capture(tx.Captures.Req, f.m.CaptureReq, &tx.Req)
	if f.UniqueID != nil {
		// Spaces in the format separate what is there; at the ends there is nothing to separate.
		tx.UniqueID = bytes.Trim(f.UniqueID.Append(tx.Scratch.Take(128)[:0], tx), " ")
	}
	tx.Stage = txn.StageHTTPReq
	if f.m.Options.HTTPBufferRequest && !s.bufferRequest() {
		return
	}
	if f.HTTPReq != nil && !s.decided(f.HTTPReq.Run(tx)) {
		return
	}
	b := s.routed()
	if b == nil {
		s.fault('S', 'C')
		s.answerError(503)
		return
	}
	s.enter(b)
	if s.backs() && !s.processBackend() {
		return
	}
	s.addHeaders()
	s.forward()
}

// processBackend runs what the backend has of its own for requests; false: the request is dealt with.
func (s *stream) processBackend() bool {
	tx, b := &s.tx, s.b
	m := b.Proxy.Model
	if b.TCPContent != nil && !s.inspect(b.TCPContent, m.TCPInspect) {
		return false
	}
	tx.Stage = txn.StageHTTPReq
	if m.Options.HTTPBufferRequest && !s.bufferRequest() {
		return false
	}
	return b.HTTPReq == nil || s.decided(b.HTTPReq.Run(tx))
}

// inspect runs tcp-request content rules; false: the request or connection is dealt with.
func (s *stream) inspect(rules Rules, delay time.Duration) bool {
	return s.decided(s.inspectWith(rules, txn.StageReqContent, delay, s.moreInput))
}

// inspectWith runs content rules, waiting for more bytes as long as they ask for them and the inspection delay lasts.
func (s *stream) inspectWith(rules Rules, stage txn.Stage, delay time.Duration, more func(until time.Time) bool) txn.Verdict {
	tx := &s.tx
	tx.Stage, tx.Resume, tx.InspectOver = stage, 0, delay <= 0
	until := time.Now().Add(delay)
	for {
		tx.Undecided = false
		v := rules.Run(tx)
		if v != txn.Wait || tx.InspectOver || s.dead {
			tx.Resume, tx.InspectOver = 0, false
			return v
		}
		tx.InspectOver = !more(until)
	}
}

// moreInput reads more of what the client sends; false: nothing more comes, in time or at all.
func (s *stream) moreInput(until time.Time) bool {
	if s.modeHTTP() {
		if s.req.done || s.req.err != nil {
			return false
		}
		s.growIn()
		return s.req.fill(until) == nil
	}
	return s.morePayload(until)
}

// bufferRequest waits for the body as option http-buffer-request asks; false: the request failed.
func (s *stream) bufferRequest() bool {
	d := first(s.f.m.Timeouts.HTTPRequest, s.f.m.Timeouts.Client)
	if _, err := s.WaitBody(txn.Req, 0, d); err != nil {
		s.badBody(err)
		return false
	}
	return true
}

// badBody answers a request whose body did not come as it should.
func (s *stream) badBody(err error) {
	s.keep = false
	var bad *http1.ParseError
	switch {
	case errors.As(err, &bad):
		s.fault('P', 'R')
		s.linger = true
		s.answerError(400)
	case errors.Is(err, wire.ErrTimeout):
		s.fault('c', 'R')
		s.linger = true
		s.answerError(408)
	default:
		s.fault('C', 'R')
		s.answerError(400)
	}
	s.countErr(func(n *proxy.Counts) { n.ErrReq.Add(1) })
}

// decided does what a request rule's verdict says; true: the request goes on.
func (s *stream) decided(v txn.Verdict) bool {
	tx := &s.tx
	if s.dead {
		return false
	}
	switch v {
	case txn.Next, txn.Accept, txn.Wait:
		return true
	case txn.Answer:
		s.fault('L', 'R')
		s.answerOr(500)
	case txn.Deny:
		s.denied()
		if tx.Tarpit {
			s.fault('P', 'T')
			if !s.tarpit() {
				return false
			}
		}
		s.fault('P', 'R')
		s.answerOr(403)
	case txn.Reject:
		s.denied()
		s.fault('P', 'R')
		s.Close(false)
	case txn.Drop:
		s.denied()
		s.fault('P', 'R')
		s.Close(true)
	case txn.UseService:
		s.fault('L', 'R')
		s.serveService()
	default:
		s.fault('I', 'R')
		s.answerError(500)
	}
	return false
}

// denied counts a request that a rule refused.
func (s *stream) denied() {
	s.c.refused()
	if s.backs() {
		s.b.Proxy.Back.Denied.Add(1)
	}
}

// tarpit holds the client for "timeout tarpit"; false: it went away.
func (s *stream) tarpit() bool {
	t := &s.f.m.Timeouts
	if s.backs() {
		t = &s.b.Proxy.Model.Timeouts
	}
	over := time.Now().Add(first(t.Tarpit, t.Connect, time.Second))
	for now := time.Now(); now.Before(over); now = time.Now() {
		time.Sleep(min(over.Sub(now), tarpitLook))
		if n, err := s.c.conn.Peek(); n == 0 && err != nil {
			s.tx.Err = [2]byte{'C', 'T'}
			s.keep = false
			return false
		}
	}
	return true
}

// tarpitLook is how often a tarpitted connection is looked after.
const tarpitLook = time.Second

// monitored answers a request for the monitor URI, which no rule sees and no log.
func (s *stream) monitored() bool {
	tx, uri := &s.tx, s.f.m.MonitorURI
	target := tx.Req.Target()
	if uri[0] == '/' {
		target = tx.Req.PathQuery()
	}
	if string(target) != uri {
		return false
	}
	s.quiet = true
	status := 200
	for _, c := range s.f.MonitorFail {
		if c.Holds(tx) {
			status = 503
			break
		}
	}
	if s.f.stopping.Load() {
		status = 503
	}
	s.fault('L', 'R')
	s.answerError(status)
	return true
}
