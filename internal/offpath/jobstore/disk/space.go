package disk

import (
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
)

const (
	mostReserve = 64 << 20
	openRoom    = 1 << 20 // bytes that opening takes beside the logs

	reclaimPause = 2 * time.Second
)

// statfs says how many bytes of a folder's file system are free for us, and how many there are.
func statfs(path string) (free, all int64, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return 0, 0, err
	}
	return int64(st.Bavail) * st.Bsize, int64(st.Blocks) * st.Bsize, nil
}

// space is what statfs said, for a moment, as long as it is plenty: each commit asks.
type space struct {
	mu        sync.Mutex
	path      string
	asked     time.Time
	left, all int64
}

const (
	spaceGood = 10 * time.Millisecond
	plenty    = 4 << 30 // bytes: no disk writes that many in the time
)

// free is statfs.
func (s *space) free(path string) (free, all int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.left >= plenty && s.path == path && now.Sub(s.asked) < spaceGood {
		return s.left, s.all, nil
	}
	free, all, err = statfs(path)
	s.path, s.asked, s.left, s.all = path, now, free, all
	return free, all, err
}

// room refuses a commit of that cost when it would take from the reserve. What adds no job may take most of it: ending jobs
// is what makes room.
func (s *Store) room(cost int64, adds bool) error {
	free, all, err := s.o.free(s.path)
	if err != nil {
		return nil // writing will tell
	}
	reserve := s.reserve(all)
	if !adds {
		reserve /= 4
	}
	if free >= reserve+cost {
		return nil
	}
	return &jobstore.FullError{Text: fmt.Sprintf("there is no room for the jobs in %s: %s are free on the disk, and %s are kept as a reserve",
		s.path, size(free), size(reserve))}
}

// span is from the smallest to the largest id of some jobs; the zero span is of none.
type span struct{ first, last job.ID }

func (p *span) add(id job.ID) {
	if p.last == 0 || id < p.first {
		p.first = id
	}
	p.last = max(p.last, id)
}

// reclaim frees what jobs had that ended since it was called last, where the disk is full: the database would do so by and by,
// as more is written, and nothing more can be. It does the work aside; only the committer calls it.
func (s *Store) reclaim(d *database) {
	if s.ended.last == 0 || time.Since(s.reclaimed) < reclaimPause || d.readOnly || !d.reclaiming.CompareAndSwap(false, true) {
		return
	}
	s.reclaimed = time.Now()
	from, to := idKey(nil, keyBody, s.ended.first), append(idKey(nil, keyBody, s.ended.last), 0)
	s.ended = span{}
	flushed, err := d.AsyncFlush() // that they ended is in memory
	if err != nil || !d.acquire() {
		return
	}
	go func() {
		defer d.done()
		defer d.reclaiming.Store(false)
		select {
		case <-flushed:
		case <-d.leave.Done():
			return
		}
		if err := d.Compact(d.leave, from, to, false); err != nil && d.leave.Err() == nil && d.z.frozen() == nil {
			s.trouble(err)
		}
	}()
}

func (s *Store) reserve(all int64) int64 {
	if s.o.Reserve > 0 {
		return s.o.Reserve
	}
	return min(mostReserve, all/4)
}

// roomToOpen says whether what is in the logs can be written into tables, which is done when the database is opened. Trying in
// vain would leave behind what takes even more room.
func (s *Store) roomToOpen() error {
	free, _, err := s.o.free(s.path)
	if err != nil {
		return nil
	}
	need := s.logBytes()
	if d := s.current; d != nil && d.readOnly { // it knows better: logs are kept for their room, too
		need = min(need, int64(d.Metrics().MemTable.Size))
	}
	if free < need+openRoom {
		return fmt.Errorf("%s are free, and opening takes %s: %w", size(free), size(need+openRoom), syscall.ENOSPC)
	}
	return nil
}

func size(n int64) string {
	switch {
	case n >= 10<<30:
		return fmt.Sprintf("%d GiB", n>>30)
	case n >= 10<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 10<<10:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}

// pressure waits, within bounds, while the database has too much to do: what is committed must be written into tables, and these
// into one another. It is an error when that does not go on.
func (s *Store) pressure(d *database) error {
	tick := d.tick.Load()
	if tick == d.seen { // one look for each log, flush and compaction, as looking costs
		return nil
	}
	end := time.Now().Add(s.o.patience)
	for {
		m := d.Metrics()
		full := int64(m.MemTable.Size) > s.memtable()*5/2
		levels := m.Levels[0].Sublevels
		if !full && levels <= maxSublevels {
			break
		}
		if err := s.stuck(d, end); err != nil {
			if full || levels > 4*maxSublevels {
				return err
			}
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	d.seen = tick
	return nil
}

// stuck says that waiting is in vain.
func (s *Store) stuck(d *database, end time.Time) error {
	if cause := d.z.frozen(); cause != nil {
		return cause
	}
	if d.z.tableTrouble() {
		if err := s.troubles.last(); err != nil {
			return err
		}
	}
	if time.Now().After(end) {
		return fmt.Errorf("the disk does not keep up: what was accepted waits for being written for %v", s.o.patience)
	}
	return nil
}

// troubles are errors of what the database does by itself. It goes on doing it; the log does not tell each.
type troubles struct {
	mu   sync.Mutex
	err  error
	told time.Time
	more int
}

// troublePause is how long the same trouble is not told again.
const troublePause = 10 * time.Second

func (t *troubles) last() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

// trouble remembers and tells an error. The database's locks may be held: it must not be called.
func (s *Store) trouble(err error) {
	t := &s.troubles
	t.mu.Lock()
	same := t.err != nil && isFull(t.err) == isFull(err) && errors.Is(t.err, errDamaged) == errors.Is(err, errDamaged)
	t.err = err
	if same && time.Since(t.told) < troublePause {
		t.more++
		t.mu.Unlock()
		return
	}
	more := t.more
	t.told, t.more = time.Now(), 0
	t.mu.Unlock()
	text := ""
	if more > 0 {
		text = fmt.Sprintf(" (%d more before)", more)
	}
	s.log(3, "%v%s", s.explain(err), text)
}
