package stream

import (
	"sync/atomic"
	"time"

	"eddy/internal/fastpath/wire"
)

// pump sends the rest of a request's body to the server on a goroutine of its own, while the stream's goroutine waits
// for the answer, which may come before the body's end. While it runs it owns the stream's req, toSrv and in.
type pump struct {
	s       *stream
	run     func()        // made once
	done    chan struct{} // one token when the goroutine has ended
	running bool          // as the stream's goroutine sees it: from start to join
	err     error         // why the body did not go out completely; to be read after join
	// The timeouts as they were at the start: rules for the response may change the transaction's.
	clientIdle, serverIdle time.Duration
	moved                  atomic.Int64 // when bytes last moved, in nanoseconds
}

func (p *pump) init(s *stream) {
	p.s = s
	p.done = make(chan struct{}, 1)
	p.run = func() {
		p.err = p.upload()
		p.done <- struct{}{}
	}
}

// start begins to send.
func (p *pump) start() {
	p.running, p.err = true, nil
	p.clientIdle, p.serverIdle = p.s.clientIdle(), p.s.serverIdle()
	p.moved.Store(time.Now().UnixNano())
	go p.run()
}

// lastMove is when bytes last moved.
func (p *pump) lastMove() time.Time { return time.Unix(0, p.moved.Load()) }

// upload runs on the pump's goroutine.
func (p *pump) upload() error {
	s := p.s
	b, o := &s.req, &s.toSrv
	for !b.done {
		if b.bulk(o) {
			clientFailed, err := b.splice(o, p.clientIdle, p.serverIdle, func(int) { p.moved.Store(time.Now().UnixNano()) })
			if clientFailed {
				return p.broken(err)
			}
			return nil
		}
		if err := b.fill(after(time.Now(), p.clientIdle)); err != nil {
			return p.broken(err)
		}
		data := b.data()
		if len(data) == 0 && !b.done {
			continue
		}
		var trailers []byte
		if b.done {
			trailers = b.chunks.Trailers()
		}
		if _, err := o.send(p.serverIdle, nil, data, b.done, trailers); err != nil {
			return nil // the server takes no more; what it says about that is the answer
		}
		b.taken()
		p.moved.Store(time.Now().UnixNano())
	}
	return nil
}

// broken wakes the stream when the body does not come.
func (p *pump) broken(err error) error {
	if err != wire.ErrInterrupted {
		p.s.use.Conn.Interrupt()
	}
	return err
}

// join waits for the pump to end by itself.
func (p *pump) join() {
	if p.running {
		<-p.done
		p.running = false
	}
}

// stopPump ends the pump and gives the client's failure, if that ended it before.
func (s *stream) stopPump() error {
	p := &s.pump
	if p.running {
		s.c.conn.Interrupt()
		_ = s.use.Conn.Close() // it may be waiting for room there
		p.join()
		s.c.conn.Resume()
		if p.err == wire.ErrInterrupted {
			p.err = nil
		}
	}
	err := p.err
	p.err = nil
	return err
}
