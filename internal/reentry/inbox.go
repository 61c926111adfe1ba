package reentry

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Inbox is an owner's mailbox. Issue, IssueLater, Drain, Finish and Close are for the owner's goroutine; the other methods, and those of
// tickets, for any.
type Inbox struct {
	opts    Options
	waiting atomic.Int64 // letters in the box; a look that needs no lock
	ready   chan struct{}

	mu     sync.Mutex
	box    []letter
	head   int // box[:head] was taken
	posts  int // of the letters in the box
	bytes  int64
	room   chan struct{} // closed when bytes goes down; nil: nobody waits for that
	counts Counts
	later  later
	closed bool
}

// letter is something in an inbox: a settled ticket, or a function that was posted.
type letter struct {
	ticket *Ticket
	post   func()
	bytes  int64
}

// New makes an empty inbox.
func New(o Options) *Inbox {
	if o.Tickets == 0 {
		o.Tickets = 100_000
	}
	if o.Posts == 0 {
		o.Posts = 10_000
	}
	if o.Bytes == 0 {
		o.Bytes = 64 << 20
	}
	return &Inbox{opts: o, ready: make(chan struct{}, 1)}
}

// Issue makes a ticket. When it is settled, Drain calls take with the result; take is not called when the owner is gone. It
// gives false when as many tickets are open as may be, or when the inbox is closed.
func (in *Inbox) Issue(take func(Result)) (*Ticket, bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed || in.counts.Open >= uint64(in.opts.Tickets) {
		return nil, false
	}
	return in.issue(take), true
}

// IssueLater is Issue for work that does not begin before a time: until then Finish does not wait for it.
func (in *Inbox) IssueLater(due time.Time, take func(Result)) (*Ticket, bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed || in.counts.Open >= uint64(in.opts.Tickets) {
		return nil, false
	}
	t := in.issue(take)
	in.later.add(t, due.UnixNano())
	return t, true
}

// issue makes a ticket. The lock is held.
func (in *Inbox) issue(take func(Result)) *Ticket {
	in.counts.Issued++
	in.counts.Open++
	return &Ticket{inbox: in, take: take}
}

// Post has the owner call f. bytes is what f holds in memory. It never waits: it gives false when there is no room, or the
// owner is gone.
func (in *Inbox) Post(bytes int64, f func()) bool {
	in.mu.Lock()
	if in.closed || in.posts >= in.opts.Posts || !in.fits(bytes) {
		in.mu.Unlock()
		return false
	}
	in.posts++
	first := in.put(letter{post: f, bytes: bytes})
	in.mu.Unlock()
	in.announce(first)
	return true
}

// Waiting says that Drain has something to do. It costs a load.
func (in *Inbox) Waiting() bool { return in.waiting.Load() > 0 }

// Ready has a token when there may be something to drain.
func (in *Inbox) Ready() <-chan struct{} { return in.ready }

// Drain calls what waits in the inbox, oldest first, at most max calls; 0: as many as wait when it begins. It gives their
// number. What is called may issue tickets, post, drain and close.
func (in *Inbox) Drain(max int) int {
	if n := int(in.waiting.Load()); max <= 0 || max > n {
		max = n
	}
	for n := range max {
		l, ok := in.next()
		if !ok {
			return n
		}
		if l.ticket != nil {
			l.ticket.take(l.ticket.result)
		} else {
			l.post()
		}
	}
	if in.Waiting() {
		in.signal()
	}
	return max
}

// Finish drains until no ticket is open and nothing waits, or ctx is over; for tickets whose work does not begin yet it does
// not wait. It gives the number of tickets that it waited for and that are still open. What it calls may issue more.
func (in *Inbox) Finish(ctx context.Context) (open int) {
	for {
		in.Drain(0)
		if open = in.Begun(); open == 0 && !in.Waiting() {
			return 0
		}
		select {
		case <-in.ready:
		case <-ctx.Done():
			return open
		}
	}
}

// Close ends all open tickets as OwnerGone and drops what waits.
func (in *Inbox) Close() {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return
	}
	in.closed = true
	in.counts.OwnerGone += in.counts.Open
	in.counts.Open = 0
	in.later = later{}
	in.box, in.head, in.posts, in.bytes = nil, 0, 0, 0
	in.waiting.Store(0)
	in.makeRoom()
}

// Open is how many tickets have not ended.
func (in *Inbox) Open() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return int(in.counts.Open)
}

// Begun is how many tickets are open whose work may have begun.
func (in *Inbox) Begun() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return int(in.counts.Open) - in.later.waiting()
}

// Counts gives the counts as they are at one moment.
func (in *Inbox) Counts() Counts {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.counts
}

// fits says whether so many more bytes may wait. What is larger than the bound may wait alone. The lock is held.
func (in *Inbox) fits(n int64) bool {
	return n == 0 || in.bytes == 0 || in.bytes+n <= in.opts.Bytes
}

// waitForRoom gives a channel that is closed when there may be room. The lock is held.
func (in *Inbox) waitForRoom() <-chan struct{} {
	if in.room == nil {
		in.room = make(chan struct{})
	}
	return in.room
}

// makeRoom lets those who wait for room look again. The lock is held.
func (in *Inbox) makeRoom() {
	if in.room != nil {
		close(in.room)
		in.room = nil
	}
}

// put appends a letter, and says whether the box was empty; if so, the caller has to announce it after it let the lock go.
func (in *Inbox) put(l letter) (first bool) {
	if in.head > len(in.box)/2 { // keep the box as small as what waits
		n := copy(in.box, in.box[in.head:])
		clear(in.box[n:])
		in.box, in.head = in.box[:n], 0
	}
	in.box = append(in.box, l)
	in.bytes += l.bytes
	return in.waiting.Add(1) == 1
}

// announce tells the owner that there is something in the box.
func (in *Inbox) announce(first bool) {
	if !first {
		return
	}
	in.signal()
	if in.opts.Wake != nil {
		in.opts.Wake()
	}
}

func (in *Inbox) signal() {
	select {
	case in.ready <- struct{}{}:
	default:
	}
}

// remove takes a settled ticket's letter out of the box; false: it is not there any more. The lock is held.
func (in *Inbox) remove(t *Ticket) bool {
	i := slices.IndexFunc(in.box[in.head:], func(l letter) bool { return l.ticket == t })
	if i < 0 {
		return false
	}
	in.bytes -= in.box[in.head+i].bytes
	in.box = slices.Delete(in.box, in.head+i, in.head+i+1)
	in.waiting.Add(-1)
	return true
}

// next takes the oldest letter out and ends its ticket.
func (in *Inbox) next() (letter, bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.head == len(in.box) {
		return letter{}, false
	}
	l := in.box[in.head]
	in.box[in.head] = letter{}
	in.head++
	in.waiting.Add(-1)
	if l.bytes > 0 {
		in.bytes -= l.bytes
		in.makeRoom()
	}
	if l.ticket == nil {
		in.posts--
		return l, true
	}
	in.counts.Open--
	in.later.drop(l.ticket)
	l.ticket.end(&in.counts)
	return l, true
}
