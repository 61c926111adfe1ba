package stream

import (
	"errors"
	"io"
	"slices"
	"time"

	"eddy/internal/fastpath/backend"
	"eddy/internal/fastpath/http1"
	"eddy/internal/fastpath/wire"
)

// outcome is what came of one attempt to have a server answer.
type outcome uint8

const (
	answered outcome = iota // the response's head is in tx.Res
	again                   // another attempt is to be made
	failed                  // the client was told, or is gone
)

// forward sends the request to a server and its answer to the client.
func (s *stream) forward() {
	for {
		if err := s.use.Acquire(&s.tx); err != nil {
			s.noServer(err)
			return
		}
		if !s.c.setPeer(&s.use.Conn.Conn) {
			s.use.Release(false)
			s.keep = false
			return
		}
		o := s.attempt()
		if o == answered {
			s.respond()
		}
		if o == again {
			s.c.setPeer(nil)
			continue
		}
		s.endServer()
		return
	}
}

// noServer answers when no connection to a server could be had.
func (s *stream) noServer(err error) {
	st := backend.State(err)
	s.fault(st[0], st[1])
	s.b.Proxy.Back.ErrConn.Add(1)
	if errors.Is(err, backend.ErrClientGone) {
		s.keep = false
		return
	}
	s.answerError(503)
}

// attempt sends the request on the connection at hand and reads the head of the answer.
func (s *stream) attempt() outcome {
	conn := s.use.Conn
	out := s.requestHead()
	s.toSrv = outflow{conn: &conn.Conn, chunked: s.req.kind == http1.BodyChunked, tail: s.toSrv.tail}
	until := after(s.tx.Times.Connect, s.serverIdle())
	var sent bool
	var err error
	s.lost = false
	if s.req.done {
		s.resIn, sent, err = s.exchangeWhole(out, until)
		if err == nil && !sent {
			s.lost = true // an answer to no request: whoever made it will not go on
			if conn.Reused() {
				err = io.EOF
			}
		}
	} else {
		sent, err = s.beginUpload(out)
		if err == nil {
			err = s.awaitServer(until)
		}
	}
	if err == nil {
		err = s.readResponseHead()
	}
	if err != nil {
		return s.noAnswer(sent, err)
	}
	if on := s.b.Proxy.Model.RetryOn.Status; len(on) > 0 && !s.uploaded && slices.Contains(on, s.tx.Res.Status()) && s.retry() {
		return again
	}
	return answered
}

// requestHead puts the request's head together.
func (s *stream) requestHead() *wire.Buffer {
	tx := &s.tx
	tx.Req.SetKeepAlive(!s.serverCloses() || tx.Req.Upgrade())
	out := s.outBuffer()
	out.W = copy(out.B, s.use.Conn.Preface)
	s.use.Conn.Preface = nil
	hold(out, tx.Req.AppendHead(out.Bytes()))
	return out
}

// serverCloses says that the configuration wants the server's connection closed after this request: by an option, or by
// a rule that wrote "Connection: close" into it.
func (s *stream) serverCloses() bool {
	fo, bo := &s.f.m.Options, &s.b.Proxy.Model.Options
	return bo.HTTPClose || bo.HTTPServerClose || fo.HTTPServerClose || s.kept && !s.tx.Req.KeepAlive()
}

// exchangeWhole sends a request that is completely in the buffer and waits for the first bytes of the answer.
func (s *stream) exchangeWhole(out *wire.Buffer, until time.Time) (in *wire.Buffer, sent bool, err error) {
	conn, pools := &s.use.Conn.Conn, s.f.Pools
	step := s.patience(until)
	head, data, tail := out.Bytes(), s.req.data(), []byte(nil)
	if s.toSrv.chunked {
		if len(data) > 0 {
			head = http1.AppendChunkSize(head, len(data))
			tail = append(s.toSrv.tail[:0], crlf...)
		}
		tail = http1.AppendLastChunk(tail, s.req.chunks.Trailers())
		s.toSrv.tail = tail
	}
	if n := len(data) + len(tail); n > 0 && n <= smallBody && n <= cap(head)-len(head) {
		head = append(append(head, data...), tail...)
		data, tail = nil, nil
	}
	in, sent, err = conn.Exchange(pools, s.serverIdle(), step, head, data, tail)
	for err == wire.ErrTimeout && s.waitOn(until) {
		in, err = conn.RecvBuffer(pools, true, s.patience(until))
	}
	return in, sent, err
}

// lookPeriod is how often a stream that waits for its server looks after its client (option abortonclose).
const lookPeriod = 250 * time.Millisecond

// patience is how far to wait for the server before looking after other things.
func (s *stream) patience(until time.Time) time.Time {
	if !s.b.Proxy.Model.Options.AbortOnClose || s.pump.running {
		return until
	}
	look := time.Now().Add(lookPeriod)
	if until.IsZero() || look.Before(until) {
		return look
	}
	return until
}

// waitOn looks after the client when a wait for the server ended early; false: the wait is really over. A client that
// closed its side makes us close ours towards the server, which decides how to go on.
func (s *stream) waitOn(until time.Time) bool {
	if !until.IsZero() && !time.Now().Before(until) {
		return false
	}
	if s.req.behind() == 0 && !s.pump.running {
		if n, err := s.c.conn.Peek(); n == 0 && err != nil && !s.lost {
			s.lost, s.keep = true, false
			_ = s.use.Conn.CloseWrite()
		}
	}
	return true
}

// beginUpload sends the head with what is there of the body and starts the pump for the rest.
func (s *stream) beginUpload(out *wire.Buffer) (sent bool, err error) {
	conn := &s.use.Conn.Conn
	if s.use.Conn.Reused() {
		if n, err := conn.Peek(); n > 0 || err != nil {
			return false, io.EOF // it died while it was idle
		}
	}
	n, err := s.toSrv.send(s.serverIdle(), out, s.req.data(), false, nil)
	if err != nil {
		return n > 0, err
	}
	s.req.taken()
	s.uploaded = true
	s.growIn()
	s.pump.start()
	return true, nil
}

// awaitServer waits for bytes from the server until until, or longer while the request's body is still moving.
func (s *stream) awaitServer(until time.Time) error {
	for {
		in, err := s.use.Conn.RecvBuffer(s.f.Pools, true, s.patience(until))
		if err == nil {
			s.resIn = in
			return nil
		}
		if err != wire.ErrTimeout {
			return err
		}
		if s.pump.running {
			if until = after(s.pump.lastMove(), s.serverIdle()); time.Now().Before(until) {
				continue
			}
			return err
		}
		if !s.waitOn(until) {
			return err
		}
	}
}

// errJunk is a response that is none, errPartial one whose head breaks off.
var (
	errJunk    = errors.New("the server's answer is not an HTTP response")
	errPartial = errors.New("the server's answer breaks off in its head")
)

// readResponseHead reads the answer's head, forwarding interim answers on the way.
func (s *stream) readResponseHead() error {
	tx, conn := &s.tx, &s.use.Conn.Conn
	for {
		n, err := tx.Res.ParseResponse(s.resIn.Bytes(), s.f.Limits, tx.Req.Method())
		if err != nil {
			return errJunk
		}
		if n == 0 {
			if s.resIn.W == len(s.resIn.B) {
				if s.resIn.R == 0 {
					return errJunk
				}
				s.resIn.Shift()
				tx.Res.Reset()
				continue
			}
			m, err := conn.Recv(s.resIn.Room(), after(time.Now(), s.serverIdle()))
			if err == io.EOF && s.resIn.Len() > 0 {
				return errPartial
			}
			if err != nil {
				return err
			}
			s.resIn.W += m
			continue
		}
		status := tx.Res.Status()
		if status == 101 && !tx.Req.Upgrade() {
			return errJunk // nobody asked for another protocol
		}
		if status >= 200 || status == 101 {
			s.res.start(conn, s.resIn, n, tx.Res.Body(), tx.Res.Length())
			if s.res.err != nil {
				return errJunk
			}
			tx.Times.ResHeaders, tx.ServerStatus = time.Now(), status
			return nil
		}
		if err := s.forwardInterim(); err != nil {
			return err
		}
		s.resIn.R += n
		tx.Res.Reset()
	}
}

// forwardInterim sends a 1xx answer on to clients that can understand it.
func (s *stream) forwardInterim() error {
	if s.minor == 0 {
		return nil
	}
	out := s.outBuffer()
	hold(out, s.tx.Res.AppendHead(out.B[:0]))
	n, err := s.c.conn.Send(s.clientIdle(), out.Bytes())
	if !s.sent(n, err) {
		return backend.ErrClientGone
	}
	return nil
}

// noAnswer deals with a server that gave no answer: another attempt when that is safe or configured, else an error to
// the client. sent tells whether the server may have seen any of the request.
func (s *stream) noAnswer(sent bool, err error) outcome {
	tx := &s.tx
	whole := !s.uploaded // it can be sent once more
	got := sent && s.resIn != nil
	on := &s.b.Proxy.Model.RetryOn
	uploadErr := s.stopPump()
	s.dropResponse()
	reused := s.use.Conn.Reused()
	if reused && !got && err != wire.ErrTimeout && uploadErr == nil && whole && (!sent || s.idempotent()) {
		s.use.Redo()
		return again
	}
	s.keep = s.keep && s.req.done
	s.linger = s.linger || !s.req.done
	s.countServerErr()
	switch {
	case uploadErr != nil:
		s.uploadFailed(uploadErr)
	case errors.Is(err, backend.ErrClientGone), s.c.state.Load() == closed:
		s.fault('C', 'H')
		s.keep = false
	case err == wire.ErrTimeout:
		if on.ResponseTimeout && whole && s.retry() {
			return again
		}
		s.fault('s', 'H')
		s.answerError(504)
	case err == errJunk, err == errPartial:
		if on.JunkResponse && whole && s.retry() {
			return again
		}
		if err == errJunk {
			s.fault('P', 'H') // it is we who refuse it (configuration.txt §8.5)
		} else {
			s.fault('S', 'H')
		}
		s.answerError(502)
	default:
		if on.EmptyResponse && whole && s.retry() {
			return again
		}
		s.fault('S', 'H')
		if reused && tx.Conn.Reqs > 1 {
			// Nobody knows whether the server acted on the request. The client sees what it would see without a proxy:
			// its own kept connection closes, and it decides whether to repeat (RFC 9110 §9.2.2).
			s.keep = false
			return failed
		}
		s.answerError(502)
	}
	return failed
}

// retry prepares another attempt, for which it forgets this one's answer; false: there are none left, and an answer
// that came is still there.
func (s *stream) retry() bool {
	if !s.use.Retry(&s.tx) {
		return false
	}
	s.dropResponse()
	return true
}

// dropResponse forgets what the server sent.
func (s *stream) dropResponse() {
	s.f.Pools.Put(s.resIn)
	s.resIn, s.res.buf, s.res.conn = nil, nil, nil
	s.tx.Res.Reset()
	s.tx.HasRes, s.tx.Local = false, false
}

// idempotent says whether the request may be sent twice (RFC 9110 §9.2.2).
func (s *stream) idempotent() bool {
	switch string(s.tx.Req.Method()) {
	case "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE":
		return true
	}
	return false
}

// uploadFailed answers when the request's body did not come.
func (s *stream) uploadFailed(err error) {
	s.keep = false
	var bad *http1.ParseError
	switch {
	case errors.As(err, &bad):
		s.fault('P', 'D')
		s.answerError(400)
	case errors.Is(err, wire.ErrTimeout):
		s.fault('c', 'D')
		s.answerError(408)
	default:
		s.fault('C', 'D')
		s.linger = false
		s.answerError(400)
	}
}

// countServerErr counts an answer that the server did not give as it should.
func (s *stream) countServerErr() {
	s.b.Proxy.Back.ErrRes.Add(1)
	if v := s.tx.Server; v != nil {
		v.ErrRes.Add(1)
	}
}

// endServer ends the use of the server.
func (s *stream) endServer() {
	err := s.stopPump()
	keep := s.srvKeep && err == nil && s.req.done && s.use.Conn != nil
	s.c.setPeer(nil)
	s.use.Release(keep)
	if err != nil || !s.req.done {
		s.keep = false
		s.linger = s.linger || !s.req.done
	}
}
