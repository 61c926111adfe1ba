package stream

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strconv"
	"time"

	"eddy/internal/fastpath/http1"
	"eddy/internal/fastpath/txn"
	"eddy/internal/fastpath/wire"
)

// Errors of a service's use of its ServiceIO.
var (
	errNotStarted = errors.New("the answer was not started")
	errStarted    = errors.New("the answer was started before")
	errTooMuch    = errors.New("more bytes than the answer's content-length")
)

// serviceIO is a stream's txn.ServiceIO.
type serviceIO struct {
	s       *stream
	started bool
	head    bool         // the head waits in s.out
	left    int64        // bytes that content-length still allows; -1: there is none
	gather  *wire.Buffer // body bytes that wait to be sent
	shown   int          // bytes that ReadLine lent out
	err     error        // the client cannot be reached any more
	read    time.Time    // SetReadDeadline's
}

var _ txn.ServiceIO = (*serviceIO)(nil)

// serveService lets tx.Service answer the request, or take the connection in tcp mode.
func (s *stream) serveService() {
	v := &s.svc
	*v = serviceIO{s: s, left: -1}
	tx := &s.tx
	v.gather = s.f.Pools.Full()
	if s.modeHTTP() {
		s.growIn()
	}
	err := tx.Service.Serve(tx, v)
	v.lent()
	if s.modeHTTP() {
		v.finishHTTP(err)
	} else {
		_ = v.Flush()
	}
	s.f.Pools.Put(v.gather)
	v.gather = nil
}

// finishHTTP ends the answer, or makes one where the service did not.
func (v *serviceIO) finishHTTP(err error) {
	s := v.s
	switch {
	case s.dead:
	case !v.started:
		s.tx.Err = [2]byte{'I', 'R'}
		s.tx.Res.Reset()
		s.answerError(500)
	case v.err != nil || s.tx.Err[0] == 'C' || s.tx.Err[0] == 'c':
		s.keep = false
	case err != nil || v.left > 0 && s.sendBody:
		_ = v.send(false)
		s.fault('I', 'D') // the client must see that this is not the whole answer
		s.keep = false
	default:
		_ = v.send(true)
	}
	s.drainBody()
}

// Started implements txn.ServiceIO.
func (v *serviceIO) Started() bool { return v.started }

// Start implements txn.ServiceIO.
func (v *serviceIO) Start() error {
	s := v.s
	if v.started {
		return errStarted
	}
	tx := &s.tx
	res := &tx.Res
	tx.HasRes, tx.Local = true, true
	v.started = true
	if !s.req.done {
		s.keep = false
		s.linger = true
	}
	length, given := contentLength(res)
	status := res.Status()
	switch {
	case bodiless(status):
		res.SetBody(http1.BodyNone, 0)
		v.left = 0
	case given:
		res.SetBody(http1.BodyLength, length)
		v.left = length
	case s.minor == 0:
		res.SetBody(http1.BodyUntilClose, 0)
		s.keep = false
	default:
		res.SetBody(http1.BodyChunked, 0)
	}
	if s.f.HTTPRes != nil {
		tx.Stage = txn.StageHTTPRes
		s.f.HTTPRes.Run(tx)
	}
	s.afterRules()
	s.fitStatus(status)
	s.toCli = outflow{conn: &s.c.conn, none: !s.sendBody, chunked: res.Body() == http1.BodyChunked, tail: s.toCli.tail}
	s.responseHead()
	v.head = true
	return nil
}

// contentLength reads the header that a service set.
func contentLength(m *http1.Message) (int64, bool) {
	text, ok := m.Get("content-length")
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	return n, err == nil && n >= 0
}

// Write implements txn.ServiceIO.
func (v *serviceIO) Write(p []byte) (int, error) {
	s := v.s
	if s.modeHTTP() && !v.started {
		return 0, errNotStarted
	}
	if v.left >= 0 && int64(len(p)) > v.left {
		return 0, errTooMuch
	}
	n := 0
	for n < len(p) {
		if v.err != nil {
			return n, v.err
		}
		m := copy(v.gather.Room(), p[n:])
		v.gather.W += m
		n += m
		if len(v.gather.Room()) == 0 {
			if err := v.Flush(); err != nil {
				return n, err
			}
		}
	}
	if v.left > 0 {
		v.left -= int64(n)
	}
	return n, v.err
}

// Flush implements txn.ServiceIO.
func (v *serviceIO) Flush() error {
	if v.s.modeHTTP() && !v.started {
		return nil
	}
	return v.send(false)
}

// send sends what waits; last ends the answer.
func (v *serviceIO) send(last bool) error {
	s := v.s
	if v.err != nil {
		return v.err
	}
	data := v.gather.Bytes()
	if !v.head && len(data) == 0 && !last {
		return nil
	}
	var n int
	var err error
	switch {
	case !s.modeHTTP():
		n, err = s.c.conn.Send(s.clientIdle(), data)
	case v.head:
		n, err = s.toCli.send(s.clientIdle(), s.out, data, last, nil)
		v.head = false
	default:
		n, err = s.toCli.send(s.clientIdle(), nil, data, last, nil)
	}
	v.gather.R, v.gather.W = 0, 0
	if !s.sent(n, err) {
		v.err = err
	}
	return v.err
}

// lent takes back what ReadLine gave.
func (v *serviceIO) lent() {
	if v.s.modeHTTP() {
		v.s.req.from += v.shown
	} else if v.s.in != nil {
		v.s.in.R += v.shown
	}
	v.shown = 0
}

// waiting is the bytes that can be read without waiting.
func (v *serviceIO) waiting() []byte {
	if v.s.modeHTTP() {
		return v.s.req.data()
	}
	if v.s.in == nil {
		return nil
	}
	return v.s.in.Bytes()
}

// more waits for more bytes from the client.
func (v *serviceIO) more() error {
	s := v.s
	_ = v.Flush() // what was written may be what the client waits for
	until := after(time.Now(), s.clientIdle())
	if own := v.read; !own.IsZero() && (until.IsZero() || own.Before(until)) {
		err := v.moreUntil(own)
		if errors.Is(err, wire.ErrTimeout) {
			return os.ErrDeadlineExceeded
		}
		return err
	}
	return v.moreUntil(until)
}

func (v *serviceIO) moreUntil(until time.Time) error {
	s := v.s
	if !s.modeHTTP() {
		return v.moreTCP(until)
	}
	if s.req.done {
		return io.EOF
	}
	if err := s.sayContinue(); err != nil {
		return err
	}
	err := s.req.fill(until)
	if err == nil && s.req.done && len(s.req.data()) == 0 {
		return io.EOF
	}
	if err != nil && err != io.ErrShortBuffer && !(errors.Is(err, wire.ErrTimeout) && until.Equal(v.read)) {
		s.keep = false
	}
	return err
}

// SetReadDeadline implements txn.ServiceIO.
func (v *serviceIO) SetReadDeadline(t time.Time) error {
	v.read = t
	return nil
}

func (v *serviceIO) moreTCP(until time.Time) error {
	s := v.s
	if s.in != nil {
		if s.in.Len() == 0 {
			s.in.R, s.in.W = 0, 0
		} else if len(s.in.Room()) == 0 {
			s.in.Shift()
		}
		if len(s.in.Room()) == 0 {
			return io.ErrShortBuffer
		}
		n, err := s.c.conn.Recv(s.in.Room(), until)
		s.in.W += n
		s.tx.BytesIn += int64(n)
		return err
	}
	b, err := s.c.conn.RecvBuffer(s.f.Pools, true, until)
	if err == nil {
		s.in = b
		s.tx.BytesIn += int64(b.Len())
	}
	return err
}

// Read implements txn.ServiceIO.
func (v *serviceIO) Read(p []byte) (int, error) {
	v.lent()
	for len(v.waiting()) == 0 {
		if err := v.more(); err != nil {
			return 0, err
		}
	}
	v.shown = copy(p, v.waiting())
	n := v.shown
	v.lent()
	return n, nil
}

// ReadLine implements txn.ServiceIO.
func (v *serviceIO) ReadLine() ([]byte, error) {
	v.lent()
	for {
		data := v.waiting()
		if i := bytes.IndexByte(data, '\n'); i >= 0 {
			v.shown = i + 1
			return data[:i+1], nil
		}
		err := v.more()
		if err == nil {
			continue
		}
		data = v.waiting()
		if len(data) > 0 && (err == io.EOF || err == io.ErrShortBuffer) {
			v.shown = len(data)
			return data, nil
		}
		return nil, err
	}
}
