package stream

import (
	"bytes"
	"errors"
	"time"

	"eddy/internal/fastpath/http1"
	"eddy/internal/fastpath/proxy"
	"eddy/internal/fastpath/txn"
	"eddy/internal/fastpath/wire"
)

// respond sends the server's answer, whose head is in tx.Res, to the client.
func (s *stream) respond() {
	tx := &s.tx
	res := &tx.Res
	tx.HasRes = true
	// What the server says counts for the server, whatever rules make of the headers.
	s.srvKeep = res.KeepAlive() && !s.serverCloses() && !s.lost
	if authenticatesConnection(res) {
		s.use.Conn.Keep()
	}
	kept := res.KeepAlive()
	if !s.responseRules() {
		return
	}
	s.afterRules()
	s.fitStatus(tx.ServerStatus)
	if kept && !res.KeepAlive() {
		s.keep = false // a rule wrote "Connection: close": that is for the client
	}
	kind := res.Body()
	switch {
	case kind == http1.BodyTunnel:
		s.keep = false
	case kind == http1.BodyUntilClose:
		s.keep = false
	case kind == http1.BodyChunked && s.minor == 0:
		s.keep = false
		res.SetBody(http1.BodyUntilClose, 0)
		kind = http1.BodyUntilClose
	}
	if s.sendBody && tx.Req.MethodIs("HEAD") {
		s.keep = false // a rule made it so: the client waits for a body that only the close can end
	}
	s.toCli = outflow{conn: &s.c.conn, none: !s.sendBody, chunked: kind == http1.BodyChunked, tail: s.toCli.tail}
	out := s.responseHead()
	if kind == http1.BodyTunnel {
		s.respondTunnel(out)
		return
	}
	if !s.download(out) {
		s.srvKeep = false
		return
	}
	s.srvKeep = s.srvKeep && s.res.kind != http1.BodyUntilClose && s.res.behind() == 0
	if s.pump.running && s.srvKeep {
		s.pump.join() // the server goes on reading; so do we
	}
}

// bodiless says that no body follows an answer with that status (RFC 9112 §6.3).
func bodiless(status int) bool { return status < 200 || status == 204 || status == 304 }

// fitStatus makes the framing suit the status when rules changed it. What came behind a status without a body would pass
// for the next answer; and where there was no body but the status now promises one, the client must not wait for it.
func (s *stream) fitStatus(before int) {
	res := &s.tx.Res
	was, is := bodiless(before), bodiless(res.Status())
	switch {
	case was == is || res.Body() == http1.BodyTunnel:
	case is:
		res.SetBody(http1.BodyNone, 0)
		s.sendBody = false
	case !s.tx.Req.MethodIs("HEAD"):
		res.SetBody(http1.BodyLength, 0)
	}
}

// responseRules runs the rules for responses; false: the answer was replaced or the connection ended.
func (s *stream) responseRules() bool {
	tx := &s.tx
	if s.b.TCPRes != nil {
		tx.Stage = txn.StageResContent
		tx.InspectOver = true
		v := s.b.TCPRes.Run(tx)
		tx.InspectOver, tx.Resume = false, 0
		if v != txn.Next && v != txn.Accept && v != txn.Wait {
			s.refuseResponse(v)
			return false
		}
	}
	tx.Stage = txn.StageHTTPRes
	for _, rules := range [2]Rules{s.b.HTTPRes, s.frontHTTPRes()} {
		if rules == nil {
			continue
		}
		if v := rules.Run(tx); s.dead || v != txn.Next && v != txn.Accept && v != txn.Wait {
			s.refuseResponse(v)
			return false
		}
	}
	return true
}

// frontHTTPRes is the frontend's http-response rules when it has its own.
func (s *stream) frontHTTPRes() Rules {
	if s.backs() {
		return s.f.HTTPRes
	}
	return nil
}

// refuseResponse does what a response rule's verdict says in the place of the server's answer.
func (s *stream) refuseResponse(v txn.Verdict) {
	s.srvKeep = false
	if s.dead {
		return
	}
	switch v {
	case txn.Answer:
		s.fault('L', 'H')
		s.answerOr(500)
		return
	case txn.Reject, txn.Drop:
		s.deniedResponse()
		s.Close(v == txn.Drop)
		return
	case txn.Deny:
		s.deniedResponse()
		s.answerOr(502)
		return
	}
	s.fault('I', 'H')
	s.answerError(500)
}

// deniedResponse counts a response that a rule refused.
func (s *stream) deniedResponse() {
	s.fault('P', 'H')
	s.countErr(func(n *proxy.Counts) { n.DeniedRes.Add(1) })
	s.b.Proxy.Back.DeniedRes.Add(1)
	if v := s.tx.Server; v != nil {
		v.DeniedRes.Add(1)
	}
}

// download sends head and body to the client; false: that was cut short.
func (s *stream) download(out *wire.Buffer) bool {
	b := &s.res
	for {
		data := b.data()
		if b.err != nil {
			s.serverBroke(nil)
			return false
		}
		if len(data) > 0 || b.done || out != nil {
			var trailers []byte
			if b.done {
				trailers = b.chunks.Trailers()
			}
			n, err := s.toCli.send(s.clientIdle(), out, data, b.done, trailers)
			if !s.sent(n, err) {
				return false
			}
			b.taken()
			out = nil
		}
		if b.done {
			return true
		}
		if b.bulk(&s.toCli) {
			return s.downloadBulk()
		}
		if err := b.fill(after(time.Now(), s.serverIdle())); err != nil {
			s.serverBroke(err)
			return false
		}
	}
}

// downloadBulk is download for the rest of a big body.
func (s *stream) downloadBulk() bool {
	serverFailed, err := s.res.splice(&s.toCli, s.serverIdle(), s.clientIdle(), func(n int) { s.tx.BytesOut += int64(n) })
	switch {
	case err == nil:
		return true
	case serverFailed:
		s.serverBroke(err)
		return false
	}
	return s.sent(0, err)
}

// serverBroke ends the client's connection when the server's answer ends too early: the client must see that it is
// not whole.
func (s *stream) serverBroke(err error) {
	s.keep, s.linger = false, false
	switch {
	case err == wire.ErrInterrupted: // by the pump: it is the client that broke
		if errors.Is(s.stopPump(), wire.ErrTimeout) {
			s.fault('c', 'D')
		} else {
			s.fault('C', 'D')
		}
		return
	case errors.Is(err, wire.ErrTimeout):
		s.fault('s', 'D')
	default:
		s.fault('S', 'D')
	}
	s.countServerErr()
}

// authenticatesConnection says whether the server begins one of the authentication schemes that hold for the
// connection instead of the request, so that nobody else may use it (configuration.txt, http-reuse).
func authenticatesConnection(res *http1.Message) bool {
	name := "www-authenticate"
	switch res.Status() {
	case 401:
	case 407:
		name = "proxy-authenticate"
	default:
		return false
	}
	for i := res.Find(name, 0); i >= 0; i = res.Find(name, i+1) {
		v := bytes.ToLower(res.Value(i))
		if bytes.HasPrefix(v, []byte("ntlm")) || bytes.HasPrefix(v, []byte("negotiate")) {
			return true
		}
	}
	return false
}
