package stream

import (
	"errors"
	"io"
	"sync/atomic"
	"time"

	"eddy/internal/fastpath/wire"
)

// tunnel carries bytes both ways between client and server until both have ended. Its timeouts look at both
// directions together: what moves in one keeps the other alive.
type tunnel struct {
	s        *stream
	up, down flow
	idle     time.Duration // "timeout tunnel", in force once bytes have moved both ways
	start    time.Time
	last     atomic.Int64 // when bytes last moved, since start
	both     atomic.Int32 // directions in which bytes have moved
	over     atomic.Bool  // an error or timeout ended it
	ended    atomic.Int32 // bits of the flows that came to their end
}

// flow is one direction of a tunnel. It belongs to the goroutine that runs it.
type flow struct {
	from, to *wire.Conn
	bit      int32
	n        int64 // bytes sent
	read     bool  // the failure was in reading
	byFin    bool  // the time to read was that of the other side's fin timeout
	err      error // nil: the end came in good order
	// idle bounds inactivity; fin takes its place when the other direction has ended first.
	idle, fin, sendIdle time.Duration
	moved               bool
}

// runTunnel carries bytes until both sides have ended, and notes faults and counts. begin runs before anything of the
// server's is passed on, while the client's bytes already go to the server; false ends the tunnel. It may be nil.
func (s *stream) runTunnel(begin func() bool) {
	ft, bt := &s.f.m.Timeouts, &s.b.Proxy.Model.Timeouts
	cli, srv := &s.c.conn, &s.use.Conn.Conn
	cliIdle, srvIdle := s.clientIdle(), s.serverIdle()
	t := &tunnel{s: s, start: time.Now(), idle: first(s.tx.Timeouts.Tunnel, bt.Tunnel)}
	t.up = flow{from: cli, to: srv, bit: 1, idle: cliIdle, fin: bt.ServerFin, sendIdle: srvIdle}
	t.down = flow{from: srv, to: cli, bit: 2, idle: srvIdle, fin: ft.ClientFin, sendIdle: cliIdle}
	done := make(chan struct{})
	go func() {
		t.run(&t.up, &t.down)
		close(done)
	}()
	if begin == nil || begin() {
		t.run(&t.down, &t.up)
	} else {
		t.end()
	}
	<-done
	s.tx.BytesIn += t.up.n
	s.tx.BytesOut += t.down.n
	t.blame()
}

// blame notes which side ended the tunnel out of order.
func (t *tunnel) blame() {
	s := t.s
	for _, f := range []*flow{&t.up, &t.down} {
		if f.err == nil {
			continue
		}
		client := (f == &t.up) == (f.read != f.byFin)
		switch {
		case errors.Is(f.err, wire.ErrTimeout) && client:
			s.fault('c', 'D')
		case errors.Is(f.err, wire.ErrTimeout):
			s.fault('s', 'D')
		case client:
			s.fault('C', 'D')
		default:
			s.fault('S', 'D')
		}
	}
}

// run carries f's bytes to the end; other is the opposite direction.
func (t *tunnel) run(f, other *flow) {
	err := t.carry(f)
	if err == io.EOF {
		_ = f.to.CloseWrite()
		t.ended.Or(f.bit)
		if other.fin > 0 {
			other.from.Interrupt() // it has less time now
		}
		return
	}
	if t.end() {
		f.err = err
	}
}

// end closes both sides; false: that was done before.
func (t *tunnel) end() bool {
	if !t.over.CompareAndSwap(false, true) {
		return false
	}
	_ = t.up.from.Close()
	_ = t.up.to.Close()
	return true
}

// until is when the direction has been idle for too long.
func (t *tunnel) until(f *flow) time.Time {
	idle := f.idle
	if t.idle > 0 && t.both.Load() == 2 {
		idle = t.idle
	}
	if f.fin > 0 && t.ended.Load() != 0 && (idle == 0 || f.fin < idle) {
		idle, f.byFin = f.fin, true
	}
	if idle <= 0 {
		return time.Time{}
	}
	return t.start.Add(time.Duration(t.last.Load()) + idle)
}

// active notes that bytes moved.
func (t *tunnel) active(f *flow, n int) {
	t.last.Store(int64(time.Since(t.start)))
	f.n += int64(n)
	if !f.moved {
		f.moved = true
		t.both.Add(1)
	}
}

// more says whether a read that ended early is to be tried again.
func (t *tunnel) more(f *flow, err error) bool {
	switch {
	case t.over.Load():
		return false
	case err == wire.ErrInterrupted:
		f.from.Resume()
		return true
	case err == wire.ErrTimeout:
		u := t.until(f)
		return u.IsZero() || time.Now().Before(u)
	}
	return false
}

// bulkAfter is after how many full buffers in a row bytes go through a pipe in the kernel.
const bulkAfter = 2

// carry copies until an error, or io.EOF at the end. A direction that waits holds no buffer.
func (t *tunnel) carry(f *flow) error {
	pools := t.s.f.Pools
	for full := 0; full < bulkAfter; {
		b, err := f.from.RecvBuffer(pools, true, t.until(f))
		if err != nil {
			if t.more(f, err) {
				continue
			}
			f.read = true
			return err
		}
		full++
		if b.W < len(b.B) {
			full = 0
		}
		n, err := f.to.Send(f.sendIdle, b.Bytes())
		pools.Put(b)
		t.active(f, n)
		if err != nil {
			return err
		}
	}
	return t.carryBulk(f)
}

// carryBulk is carry without the bytes passing through this process.
func (t *tunnel) carryBulk(f *flow) error {
	p, err := wire.NewPipe()
	if err != nil {
		return err
	}
	defer p.Close()
	for {
		if _, err := f.from.SpliceTo(p, wire.SpliceStep, t.until(f)); err != nil {
			if t.more(f, err) {
				continue
			}
			f.read = true
			return err
		}
		n, err := f.to.SpliceFrom(p, f.sendIdle)
		t.active(f, n)
		if err != nil {
			return err
		}
	}
}

// respondTunnel sends the answer that turns the connection into a tunnel, and runs it.
func (s *stream) respondTunnel(out *wire.Buffer) {
	s.pump.join()
	s.srvKeep = false
	if !s.sent(s.c.conn.Send(s.clientIdle(), out.Bytes(), s.res.data())) {
		return
	}
	if behind := s.in.B[s.req.raw:s.in.W]; len(behind) > 0 { // sent without waiting for the answer
		if _, err := s.use.Conn.Send(s.serverIdle(), behind); err != nil {
			s.fault('S', 'D')
			return
		}
	}
	s.req.raw = s.in.W
	s.runTunnel(nil)
}
