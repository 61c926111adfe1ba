package lease

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"eddy/internal/offpath/job"
)

// Holder is a process's part in a folder of queues: its owner, and later a guest of the next one. Methods may be called from
// any goroutine, Open once.
type Holder struct {
	dir, sock, lockPath string
	log                 func(string)

	before *guest // the connection from the process that handed over; nil: there is none

	// turn is held for reading by what guests tell, and for writing while the queues change hands.
	turn sync.RWMutex
	// What follows is guarded by mu; to change lock, owner or a member's away, turn is held too.
	mu       sync.Mutex
	lock     *os.File           // nil: somebody else is the owner
	door     *net.UnixListener  // nil: nobody is to come
	members  map[string]*member // by name
	leased   map[string][]job.ID
	guests   map[*guest]bool
	talks    map[*link]bool // with processes that ask
	owner    *client        // the next process; nil: this one is the owner
	stopping bool
	closed   bool
	gone     chan struct{} // closed and made anew when a guest has gone

	ctx     context.Context // ends with Close
	end     context.CancelFunc
	running sync.WaitGroup
}

type member struct {
	Member
	away bool // the next process has it
}

func newHolder(o *Options, lock *os.File, l *link, leased map[string][]job.ID) *Holder {
	sign(lock)
	h := &Holder{
		dir: o.Dir, sock: o.sockPath(), lockPath: o.lockPath(), log: o.Log,
		lock: lock, members: map[string]*member{}, leased: leased,
		guests: map[*guest]bool{}, talks: map[*link]bool{}, gone: make(chan struct{}),
	}
	h.ctx, h.end = context.WithCancel(context.Background())
	if h.leased == nil {
		h.leased = map[string][]job.ID{}
	}
	if l != nil {
		h.before = newGuest(h, l, leased)
		h.guests[h.before] = true
	}
	return h
}

// Leased says how many jobs the process that handed over has still to end.
func (h *Holder) Leased() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for g := range h.guests {
		n += g.count()
	}
	return n
}

// Open opens the stores of the queues, lets the old process go on as a guest, and is there for the next one that asks. When it
// fails, close the stores that were opened, and then the Holder: the old process takes everything back.
func (h *Holder) Open(members []Member) error {
	for _, m := range members {
		if err := h.attach(m); err != nil {
			return err
		}
	}
	if err := h.openDoor(); err != nil {
		return err
	}
	if h.before == nil {
		return nil
	}
	if err := h.before.link.send(&message{Kind: kindOpened}); err != nil {
		h.log("the older process is gone: what it had not ended is given again")
	}
	h.serve(h.before)
	return nil
}

// Add opens the store of a queue that came to be after Open.
func (h *Holder) Add(m Member) error { return h.attach(m) }

func (h *Holder) attach(m Member) error {
	h.turn.Lock()
	defer h.turn.Unlock()
	h.mu.Lock()
	name := m.Queue.Name()
	leased := h.leased[name]
	delete(h.leased, name)
	owner := h.owner
	h.mu.Unlock()
	if owner != nil {
		return fmt.Errorf("queue '%s': the queues went on to process %d", name, owner.pid)
	}
	if err := m.Attach(leased); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.members[name] = &member{Member: m}
	return nil
}

// openDoor listens where processes ask. The socket is made under another name, and moved over the one of the old process.
func (h *Holder) openDoor() error {
	temp := filepath.Join(h.dir, "."+strconv.Itoa(os.Getpid())+".sock")
	_ = os.Remove(temp)
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: temp, Net: "unix"})
	if err != nil {
		return fmt.Errorf("cannot listen for the process that comes after this one: %w", err)
	}
	ln.SetUnlinkOnClose(false)
	err = os.Chmod(temp, 0o600)
	if err == nil {
		err = os.Rename(temp, h.sock)
	}
	if err != nil {
		_ = os.Remove(temp)
		_ = ln.Close()
		return fmt.Errorf("cannot listen for the process that comes after this one: %w", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		_ = ln.Close()
		return net.ErrClosed
	}
	h.door = ln
	h.running.Go(func() { h.receive(ln) })
	return nil
}

// maxTalks bounds how many processes ask at a time.
const maxTalks = 4

// receive talks to the processes that come to the door.
func (h *Holder) receive(ln *net.UnixListener) {
	for {
		c, err := ln.AcceptUnix()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			select {
			case <-h.ctx.Done():
				return
			case <-time.After(50 * time.Millisecond): // out of descriptors, most likely
			}
			continue
		}
		l := newLink(c)
		if !h.admit(l) {
			l.close()
			continue
		}
		h.running.Go(func() {
			defer h.leave(l)
			h.talk(l)
		})
	}
}

func (h *Holder) admit(l *link) bool {
	if _, err := l.peer(); err != nil {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || len(h.talks) >= maxTalks {
		return false
	}
	h.talks[l] = true
	return true
}

func (h *Holder) leave(l *link) {
	l.close()
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.talks, l)
}

// Stopping says that this process stops its queues now: who asks from now on is told to wait for its end. Until then a process
// that drains connections still hands over.
func (h *Holder) Stopping() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopping = true
}

// Wait waits until the guests of this process have gone, or ctx ends. That matters to one that is a guest itself: what they tell
// goes through it. An owner need not wait, its guests take the folder back when it ends.
func (h *Holder) Wait(ctx context.Context) {
	for {
		h.mu.Lock()
		n, gone := len(h.guests), h.gone
		if h.owner == nil {
			n = 0
		}
		h.mu.Unlock()
		if n == 0 {
			return
		}
		select {
		case <-gone:
		case <-ctx.Done():
			return
		}
	}
}

// Close lets go of the folder. The queues are stopped and their stores closed before that: what a queue has not told the next
// owner by now is lost with this process, and given again there.
func (h *Holder) Close() {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return
	}
	h.closed = true
	h.end()
	h.shutDoor()
	if h.lock != nil {
		_ = h.lock.Truncate(0)
		_ = h.lock.Close() // guests and waiting processes try the lock once their connection has ended
		h.lock = nil
	}
	links := slices.Collect(maps.Keys(h.talks))
	for g := range h.guests {
		links = append(links, g.link)
	}
	if h.owner != nil {
		links = append(links, h.owner.link)
	}
	h.mu.Unlock()
	for _, l := range links {
		l.close()
	}
	h.running.Wait()
}

// shutDoor stops listening; mu is held. The file goes with the owner only: its successor has put its own there.
func (h *Holder) shutDoor() {
	if h.door == nil {
		return
	}
	if h.lock != nil {
		_ = os.Remove(h.sock)
	}
	_ = h.door.Close()
	h.door = nil
}

// serve listens to a guest on a goroutine of its own.
func (h *Holder) serve(g *guest) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	h.running.Go(func() {
		g.run()
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.guests, g)
		close(h.gone)
		h.gone = make(chan struct{})
	})
}

// leasedBy gives the jobs of a queue that guests have.
func (h *Holder) leasedBy(name string) []job.ID {
	h.mu.Lock()
	defer h.mu.Unlock()
	var ids []job.ID
	for g := range h.guests {
		ids = append(ids, g.has(name)...)
	}
	return ids
}

// member gives a queue, and the next process when that one has it.
func (h *Holder) member(name string) (Queue, *client, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	m := h.members[name]
	if m == nil {
		return nil, nil, fmt.Errorf("queue '%s' is not known to process %d", name, os.Getpid())
	}
	if m.away {
		return m.Queue, h.owner, nil
	}
	return m.Queue, nil, nil
}
