package stream

import (
	"errors"
	"time"

	"eddy/internal/fastpath/http1"
	"eddy/internal/fastpath/proxy"
	"eddy/internal/fastpath/txn"
	"eddy/internal/fastpath/wire"
)

// answer sends the local answer in tx.Res and tx.ResBody.
func (s *stream) answer() {
	tx := &s.tx
	res := &tx.Res
	status := res.Status()
	switch {
	case bodiless(status):
		res.SetBody(http1.BodyNone, 0)
		tx.ResBody = nil
	case res.Body() != http1.BodyLength || res.Length() != int64(len(tx.ResBody)):
		res.SetBody(http1.BodyLength, int64(len(tx.ResBody)))
	}
	s.drainBody()
	s.afterRules()
	s.fitStatus(status)
	out := s.responseHead()
	s.toCli = outflow{conn: &s.c.conn, none: !s.sendBody, tail: s.toCli.tail}
	n, err := s.toCli.send(s.clientIdle(), out, tx.ResBody, true, nil)
	s.sent(n, err)
}

// answerOr sends the local answer that a rule built, or else the error answer for the status that it asked for, or for
// the given one.
func (s *stream) answerOr(status int) {
	switch tx := &s.tx; {
	case tx.HasRes && tx.Local:
		s.answer()
	case tx.ErrorStatus != 0:
		s.answerError(tx.ErrorStatus)
	default:
		s.answerError(status)
	}
}

// answerError sends the answer that is configured for a status, else the standard one.
func (s *stream) answerError(status int) {
	tx := &s.tx
	tx.HasRes, tx.Local = true, true
	if e := s.errorAnswer(status); e != nil {
		switch {
		case e.Answer != nil:
			if v := e.Answer.Run(tx); v == txn.Answer || v == txn.Deny {
				s.answer()
				return
			}
		case len(e.Raw) == 0: // "errorfile 408 /dev/null"
			s.keep = false
			s.answered = status
			return
		default:
			n, err := tx.Res.ParseResponse(e.Raw, http1.Limits{MaxHeaders: maxErrorHeaders, MaxHead: len(e.Raw)}, nil)
			if err == nil && n > 0 {
				tx.ResBody = e.Raw[n:]
				s.answer()
				return
			}
		}
	}
	tx.ResBody = tx.Res.BuildError(status)
	s.answer()
}

// maxErrorHeaders bounds the headers of an errorfile.
const maxErrorHeaders = 100

// errorAnswer finds what the backend, else the frontend, has configured for a status.
func (s *stream) errorAnswer(status int) *ErrorAnswer {
	if s.b != nil {
		if e := s.b.Errors[status]; e != nil {
			return e
		}
	}
	return s.f.Errors[status]
}

// afterRules runs the http-after-response rules over the answer that is about to be sent.
func (s *stream) afterRules() {
	tx := &s.tx
	tx.Stage = txn.StageHTTPAfter
	if s.backs() && s.b.HTTPAfter != nil {
		s.b.HTTPAfter.Run(tx)
	}
	if s.f.HTTPAfter != nil {
		s.f.HTTPAfter.Run(tx)
	}
}

// responseHead puts the answer's head together, with what it says about the client's connection.
func (s *stream) responseHead() *wire.Buffer {
	tx := &s.tx
	s.capture(tx.Captures.Res, s.f.m.CaptureResp, &tx.Res)
	if tx.CloseAfter || s.f.stopping.Load() {
		s.keep = false
	}
	out := s.outBuffer()
	if tx.Res.Body() != http1.BodyTunnel {
		tx.Res.SetKeepAlive(s.keep)
	}
	head := tx.Res.AppendHead(out.B[:0])
	if s.keep && s.minor == 0 && tx.Res.Minor() > 0 {
		// A client of HTTP/1.0 must be told (RFC 9112 §9.3, appendix C.2.2).
		head = append(head[:len(head)-len(crlf)], "connection: keep-alive\r\n\r\n"...)
	}
	hold(out, head)
	s.answered = tx.Res.Status()
	return out
}

const crlf = "\r\n"

// sent counts what went to the client and deals with a failure to send.
func (s *stream) sent(n int, err error) bool {
	s.tx.BytesOut += int64(n)
	if err == nil {
		return true
	}
	s.keep = false
	s.linger = false
	if errors.Is(err, wire.ErrTimeout) {
		s.fault('c', 'D')
	} else {
		s.fault('C', 'D')
	}
	return false
}

// drainBody takes what is there of a request body that nobody wants. If that is not all of it the connection cannot
// go on after the answer.
func (s *stream) drainBody() {
	b := &s.req
	if b.buf == nil || b.done || s.pump.running {
		return
	}
	b.taken()
	if !s.tx.Req.ExpectContinue() {
		if n, err := s.c.conn.Peek(); n > 0 && err == nil {
			_ = b.fill(time.Time{}) // does not wait: there are bytes
			b.taken()
		}
	}
	if !b.done {
		s.keep = false
		s.linger = true
	}
}

// Lingering: how long and how much a connection is read on after the last answer, so that bytes which the client is
// still sending do not make the kernel throw the answer away (RFC 9112 §9.6).
const (
	lingerTime  = 2 * time.Second
	lingerBytes = 1 << 20
)

// lingeringClose says the end to the client and waits a bounded while for the client's.
func (s *stream) lingeringClose() {
	conn := &s.c.conn
	if conn.CloseWrite() != nil {
		return
	}
	until := time.Now().Add(lingerTime)
	for left := lingerBytes; left > 0; {
		b, err := conn.RecvBuffer(s.f.Pools, true, until)
		if err != nil {
			return
		}
		left -= b.Len()
		s.f.Pools.Put(b)
	}
}

// countErr counts an error at the frontend and its listener.
func (s *stream) countErr(count func(*proxy.Counts)) {
	for _, n := range s.c.counts() {
		if n != nil {
			count(n)
		}
	}
}
