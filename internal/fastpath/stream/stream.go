package stream

import (
	"time"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/backend"
	"eddy/internal/fastpath/txn"
	"eddy/internal/fastpath/wire"
)

// stream serves one transaction. It is pooled: everything in it is made once and used again.
type stream struct {
	f  *Frontend
	c  *client
	b  *Backend // nil until it is chosen
	tx txn.Txn

	req   inflow // the request's body
	res   inflow // the response's
	toCli outflow
	toSrv outflow
	use   backend.Use
	pump  pump
	svc   serviceIO

	in      *wire.Buffer // what the client sent: head and body
	retired *wire.Buffer // the small buffer that in was before it grew; slices of it may be around
	out     *wire.Buffer // a head that is being put together
	resIn   *wire.Buffer // what the server sent

	minor    int  // the client's HTTP version, 1.minor
	headLen  int  // bytes of the request's head
	keep     bool // the client's connection lives on after this transaction
	kept     bool // the client wanted to keep its connection
	linger   bool // the client may still be sending: read a while before the close
	sendBody bool // not a HEAD request
	srvKeep  bool // the server's connection can be used again
	lost     bool // ... but not this one: it is out of step, or half closed
	uploaded bool // part of the request's body has left the buffer
	dead     bool // the connection was closed by a rule
	quiet    bool // nothing is to be logged
	answered int  // status that was sent to the client; 0: none
}

func newStream(f *Frontend) *stream {
	s := &stream{f: f}
	s.tx.Control = s
	s.tx.Proc = f.Proc
	s.pump.init(s)
	s.svc.s = s
	if n := len(f.m.CaptureReq); n > 0 || len(f.m.DeclaredCaptures) > 0 {
		s.tx.Captures.Req = make([][]byte, n, n+len(f.m.DeclaredCaptures))
	}
	if n := len(f.m.CaptureResp); n > 0 || len(f.m.DeclaredCaptures) > 0 {
		s.tx.Captures.Res = make([][]byte, n, n+len(f.m.DeclaredCaptures))
	}
	for _, d := range f.m.DeclaredCaptures {
		if d.Response {
			s.tx.Captures.Res = append(s.tx.Captures.Res, nil)
		} else {
			s.tx.Captures.Req = append(s.tx.Captures.Req, nil)
		}
	}
	return s
}

// begin binds the stream to a client connection.
func (s *stream) begin(c *client) {
	tx := &s.tx
	s.c = c
	tx.Conn = &c.info
	tx.Front = s.f.Proxy
	tx.Mode = s.f.m.Mode
	tx.LogLevel = -1
	tx.ID = s.f.IDs.Add(1)
	tx.Ready = c.ready
	tx.Err = [2]byte{'-', '-'}
	s.use.Session, s.use.Client, s.use.Ctx = &c.sess, &c.conn, s.f.ctx
	s.keep, s.linger, s.sendBody, s.srvKeep, s.dead, s.quiet = true, false, true, false, false, false
	s.lost, s.uploaded = false, false
	s.answered, s.minor = 0, 1
}

// release ends the transaction and gives the stream back.
func (s *stream) release() {
	f := s.f
	if s.tx.Script != nil {
		s.tx.Script.Close()
	}
	f.Pools.Put(s.out)
	f.Pools.Put(s.resIn)
	f.Pools.Put(s.retired)
	s.out, s.resIn, s.retired, s.in = nil, nil, nil, nil
	s.req.buf, s.req.conn, s.res.buf, s.res.conn = nil, nil, nil, nil
	s.toCli = outflow{tail: s.toCli.tail}
	s.toSrv = outflow{tail: s.toSrv.tail}
	s.tx.Reset()
	s.c, s.b = nil, nil
	s.use = backend.Use{}
	f.streams.Put(s)
}

// backs tells whether the transaction's backend is another proxy than its frontend, with rules of its own.
func (s *stream) backs() bool { return s.b != nil && s.b.Proxy != s.f.Proxy }

// clientIdle bounds waits for the client, serverIdle those for the server; 0: no bound.
func (s *stream) clientIdle() time.Duration {
	return first(s.tx.Timeouts.Client, s.f.m.Timeouts.Client)
}

func (s *stream) serverIdle() time.Duration {
	if s.b == nil {
		return 0
	}
	return first(s.tx.Timeouts.Server, s.b.Proxy.Model.Timeouts.Server)
}

// fault notes why the transaction ends early, unless something noted that before (configuration.txt §8.5).
func (s *stream) fault(who, where byte) {
	if s.tx.Err[0] == '-' {
		s.tx.Err = [2]byte{who, where}
	}
}

// outBuffer gives the empty buffer to put a head together in.
func (s *stream) outBuffer() *wire.Buffer {
	if s.out == nil {
		s.out = s.f.Pools.Full()
	}
	s.out.R, s.out.W = 0, 0
	return s.out
}

// hold puts bytes that were appended to out's memory, or outgrew it, into out.
func hold(out *wire.Buffer, b []byte) {
	if cap(b) != cap(out.B) {
		out.B = b[:cap(b)]
	}
	out.W = len(b)
}

// modeHTTP says whether this is a transaction of http mode.
func (s *stream) modeHTTP() bool { return s.tx.Mode == model.ModeHTTP }

// routed finds the backend of the transaction; nil: none.
func (s *stream) routed() *Backend {
	f := s.f
	for i := range f.UseBackend {
		u := &f.UseBackend[i]
		if u.Cond != nil && !u.Cond.Holds(&s.tx) {
			continue
		}
		if u.Fmt == nil {
			return u.Backend
		}
		name := u.Fmt.Append(s.tx.Scratch.Take(128)[:0], &s.tx)
		if f.Find != nil {
			if b := f.Find(string(name)); b != nil {
				return b
			}
		}
		break // an unknown dynamic name falls to the default backend
	}
	return f.Default
}

// enter makes b the transaction's backend.
func (s *stream) enter(b *Backend) {
	s.b = b
	s.tx.Back = b.Proxy
	s.use.Pool = b.Pool
	c := &b.Proxy.Back
	n := c.Conns.Add(1)
	c.ConnsTot.Add(1)
	for m := c.ConnsMax.Load(); n > m && !c.ConnsMax.CompareAndSwap(m, n); m = c.ConnsMax.Load() {
	}
}
