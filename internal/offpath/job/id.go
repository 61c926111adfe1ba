package job

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"
)

// ID tells jobs of an installation apart. Later ones are larger: the upper 44 bits are milliseconds since 1970, the lower 20
// count within one. People see it as 13 characters (Crockford's base 32), which sort the same.
type ID uint64

const (
	idLength = 13
	idDigits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	idCount  = 20 // bits that count within a millisecond
)

// String gives the 13 characters.
func (id ID) String() string {
	var b [idLength]byte
	for i := idLength - 1; i >= 0; i-- {
		b[i] = idDigits[id&31]
		id >>= 5
	}
	return string(b[:])
}

// Time is when the id was given, to the millisecond.
func (id ID) Time() time.Time { return time.UnixMilli(int64(id >> idCount)) }

// ParseID reads what String wrote. As people copy by hand: small letters are as good, I and L are 1, O is 0.
func ParseID(s string) (ID, error) {
	if len(s) != idLength {
		return 0, fmt.Errorf("%q is not the id of a job: it has %d characters, an id has %d, as in 01KQ2N8S4G0D7", clip(s, 40), len(s), idLength)
	}
	var id ID
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		switch c {
		case 'I', 'L':
			c = '1'
		case 'O':
			c = '0'
		}
		d := strings.IndexByte(idDigits, c)
		if d < 0 {
			return 0, fmt.Errorf("%q is not the id of a job: character %d (%q) is none of %s", s, i+1, s[i:i+1], idDigits)
		}
		if i == 0 && d > 15 { // 13 characters have 65 bits
			return 0, fmt.Errorf("%q is not the id of a job: it is larger than any", s)
		}
		id = id<<5 | ID(d)
	}
	return id, nil
}

// Clock gives ids, each larger than all before, also when the time goes back or the process starts again (Behind). Queues of
// one process share one, so that an id names one job. Any goroutine may use it.
type Clock struct {
	last atomic.Uint64
	now  func() time.Time
}

// NewClock makes a Clock of a time: time.Now.
func NewClock(now func() time.Time) *Clock { return &Clock{now: now} }

// Behind lets all further ids be larger than last, which a store had before (jobstore.Store.Last).
func (c *Clock) Behind(last ID) {
	for {
		old := c.last.Load()
		if old >= uint64(last) || c.last.CompareAndSwap(old, uint64(last)) {
			return
		}
	}
}

// Next gives an id. Each millisecond begins at a random place in the lower half of the count, so that two clocks (two processes
// of an installation, while one follows the other) hardly ever give the same.
func (c *Clock) Next() ID { return c.At(c.now()) }

// At is Next for who has just asked for the time.
func (c *Clock) At(now time.Time) ID {
	ms := uint64(max(now.UnixMilli(), 0))
	for {
		old := c.last.Load()
		next := old + 1
		if ms > old>>idCount {
			next = ms<<idCount | rand.Uint64N(1<<(idCount-1))
		}
		if c.last.CompareAndSwap(old, next) {
			return ID(next)
		}
	}
}
