package wire

import (
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Parking watches connections that have been idle for a while, so that none of them needs a goroutine: a parked
// connection costs its socket and a Spot. One goroutine serves them all. Methods may be called from any goroutine.
type Parking struct {
	ep  *os.File // an epoll instance, which waits in the runtime's poller like any socket
	raw syscall.RawConn

	mu     sync.Mutex
	spots  Spot // ring of what is parked
	byFD   map[int32]*Spot
	gen    int32
	closed bool
	done   chan struct{}
}

// Spot is the place of one parked connection. Its zero value is ready; it is used again and again. It belongs to the
// Parking from Park until wake is called or Leave returns true.
type Spot struct {
	next, prev *Spot
	fd, gen    int32
	until      time.Time
	wake       func(timeout bool)
}

// sweepEvery is how exactly the end of a parked connection's time is kept.
const sweepEvery = time.Second

// NewParking starts the goroutine; Close ends it.
func NewParking() (*Parking, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	p := &Parking{ep: os.NewFile(uintptr(fd), "parking"), byFD: map[int32]*Spot{}, done: make(chan struct{})}
	p.spots.next, p.spots.prev = &p.spots, &p.spots
	if p.raw, err = p.ep.SyscallConn(); err != nil {
		_ = p.ep.Close()
		return nil, err
	}
	go p.watch()
	return p, nil
}

// Park watches c, which nobody reads from, in s. wake is called once, on a goroutine of its own: with false when there
// is something to read (bytes, or the end), with true when until is over (zero: never). It reports false, and does
// nothing, when the Parking is closed or the kernel refuses.
func (p *Parking) Park(c *Conn, s *Spot, until time.Time, wake func(timeout bool)) bool {
	ok := false
	err := c.raw.Control(func(fd uintptr) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.closed {
			return
		}
		p.gen++
		s.fd, s.gen, s.until, s.wake = int32(fd), p.gen, until, wake
		ev := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLONESHOT, Fd: s.fd, Pad: s.gen}
		if p.ctl(unix.EPOLL_CTL_ADD, s.fd, &ev) != nil {
			return
		}
		first := p.spots.next == &p.spots
		s.prev, s.next = p.spots.prev, &p.spots
		s.prev.next, s.next.prev = s, s
		p.byFD[s.fd] = s
		ok = true
		if first {
			_ = p.ep.SetReadDeadline(time.Now().Add(sweepEvery))
		}
	})
	return ok && err == nil
}

// Leave takes s out; true: it was parked, and wake will not be called. The connection is still open then.
func (p *Parking) Leave(s *Spot) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.next == nil {
		return false
	}
	p.remove(s)
	return true
}

// Count is the number of parked connections.
func (p *Parking) Count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.byFD)
}

// Close ends the goroutine. What is parked stays its owner's to close; nothing is woken any more.
func (p *Parking) Close() {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return
	}
	p.closed = true
	for s := p.spots.next; s != &p.spots; s = p.spots.next {
		p.remove(s)
	}
	p.mu.Unlock()
	_ = p.ep.Close()
	<-p.done
}

// remove takes s out of all lists; the lock is held.
func (p *Parking) remove(s *Spot) {
	s.prev.next, s.next.prev = s.next, s.prev
	s.next, s.prev = nil, nil
	delete(p.byFD, s.fd)
	_ = p.ctl(unix.EPOLL_CTL_DEL, s.fd, nil) // fails when the socket was closed, which took it out already
}

func (p *Parking) ctl(op int, fd int32, ev *unix.EpollEvent) error {
	var err error
	if e := p.raw.Control(func(ep uintptr) { err = unix.EpollCtl(int(ep), op, int(fd), ev) }); e != nil {
		return e
	}
	return err
}

// watch wakes connections until Close.
func (p *Parking) watch() {
	defer close(p.done)
	events := make([]unix.EpollEvent, 128)
	for {
		n := 0
		err := p.raw.Read(func(fd uintptr) bool {
			var err error
			n, err = unix.EpollWait(int(fd), events, 0)
			return n > 0 || err != nil && err != unix.EINTR
		})
		switch {
		case err == nil && n > 0:
			p.wakeReady(events[:n])
		case os.IsTimeout(err):
		case err != nil:
			return
		}
		p.sweep(time.Now(), os.IsTimeout(err))
	}
}

func (p *Parking) wakeReady(events []unix.EpollEvent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range events {
		if s := p.byFD[events[i].Fd]; s != nil && s.gen == events[i].Pad {
			p.remove(s)
			go s.wake(false)
		}
	}
}

// sweep wakes those whose time is over, and sees to the next sweep.
func (p *Parking) sweep(now time.Time, due bool) {
	if !due {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for s := p.spots.next; s != &p.spots; {
		next := s.next
		if !s.until.IsZero() && !now.Before(s.until) {
			p.remove(s)
			go s.wake(true)
		}
		s = next
	}
	var again time.Time
	if p.spots.next != &p.spots {
		again = now.Add(sweepEvery)
	}
	_ = p.ep.SetReadDeadline(again)
}
