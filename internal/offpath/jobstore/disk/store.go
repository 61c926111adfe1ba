// Package disk keeps the jobs of a queue in a folder, in a database (Pebble). What was committed survives the end of the process
// at any moment, and with Options.Sync that of the machine.
package disk

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
)

// Options of a Store. The zero value is sensible but for Sync.
type Options struct {
	// Sync lets a commit be on the disk when it returns (`durability fsync`). Without, the operating system has it: it survives
	// the process, and not a loss of power.
	Sync bool
	// MaxJob is how many bytes a job may have; 0: 1 MiB. Memory for some of these is used.
	MaxJob int64
	// Reserve is how many bytes of the file system jobs leave free: a disk that is really full stops what goes on within the
	// database, and the jobs that would make room by ending. 0: 64 MiB, or a quarter of a small file system.
	Reserve int64
	Now     func() time.Time             // for unique keys that are over; nil: time.Now
	Log     func(level int, text string) // syslog's levels; nil: nothing is said. Any goroutine calls it; it must not call the store

	fs       vfs.FS                                    // nil: the real one
	free     func(string) (free, all int64, err error) // nil: that of a space
	patience time.Duration                             // how long a commit waits for a slow disk; 0: 5 s
	boot     string                                    // of this run of the machine
	commit   int64                                     // bytes of the largest commit; 0: minCommit, or more for large jobs
}

func (o *Options) base() vfs.FS {
	if o.fs != nil {
		return o.fs
	}
	return vfs.Default
}

const (
	minCommit   = 3 << 20 // bytes of the largest commit, where jobs are small
	defaultJob  = 1 << 20
	reopenPause = time.Second // between two attempts to write again
)

// Store is a jobstore.Store and jobstore.Durable. Where the disk fails, commits are refused with an error, what was accepted can
// be read, and a later commit tries to open the files anew.
type Store struct {
	path      string
	o         Options
	maxCommit int64
	owner     *owner

	committing sync.Mutex // one commit, reopening or closing at a time
	closed     bool
	again      time.Time // not opened anew before
	problem    error     // why the files could not be opened anew; nil: they could
	sweep      sweep
	ended      span      // jobs that were removed since reclaimed
	reclaimed  time.Time // when a full disk was helped last
	key, val   []byte    // of the commit

	mu      sync.RWMutex
	current *database // nil: closed
	meta    meta

	troubles troubles
}

// Open opens the folder of a store, or makes it (0700). Its errors are *InUseError, *DamagedError, *jobstore.FullError where
// there is no room to make one, and those of the file system. A full disk does not hinder a store that is there: it can be
// read, and refuses commits until there is room.
func Open(path string, o Options) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxJob == 0 {
		o.MaxJob = defaultJob
	}
	if o.free == nil {
		o.free = new(space).free
	}
	if o.boot == "" {
		o.boot = bootID()
	}
	if o.patience == 0 {
		o.patience = 5 * time.Second
	}
	s := &Store{path: path, o: o, maxCommit: max(minCommit, o.MaxJob+minCommit/2)}
	if o.commit != 0 {
		s.maxCommit = o.commit
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, s.explain(err)
	}
	if info, err := os.Stat(path); err == nil && info.Mode()&0o077 != 0 {
		if err := os.Chmod(path, 0o700); err != nil {
			return nil, s.explain(err)
		}
	}
	var err error
	if s.owner, err = takeFolder(path, o.boot, o.Sync); err != nil {
		var inUse *InUseError
		if errors.As(err, &inUse) {
			return nil, err
		}
		return nil, s.explain(err)
	}
	if err := s.first(); err != nil {
		s.owner.close()
		return nil, err
	}
	return s, nil
}

// first opens the files, or only for reading when there is no room to write.
func (s *Store) first() error {
	err := s.reopen()
	for s.owner.restarted && s.current == nil && err != nil && s.dropLog(err) {
		err = s.reopen()
	}
	if err != nil && s.current == nil {
		return err
	}
	return nil
}

// dropLog puts the last log aside, where the machine ended and commits were only with the operating system: it may have written
// the last log and not the one before, which can be read to its end only when it is the last.
func (s *Store) dropLog(err error) bool {
	var d *DamagedError
	logs, _ := filepath.Glob(filepath.Join(s.path, "*.log"))
	if !errors.As(err, &d) || len(logs) < 2 {
		return false
	}
	last := slices.MaxFunc(logs, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	if os.Rename(last, last+".lost") != nil {
		return false
	}
	s.log(4, "the jobs in %s: the machine ended before all was on the disk: what was accepted last is lost, %s is put aside", s.path, last)
	return true
}

// Path is the store's folder.
func (s *Store) Path() string { return s.path }

// MaxCommit is how much jobstore.Cost one commit may have.
func (s *Store) MaxCommit() int64 { return s.maxCommit }

// Problem says why the files can be read only, as on a full disk; nil: commits are taken, as far as is known.
func (s *Store) Problem() error {
	s.committing.Lock()
	defer s.committing.Unlock()
	return s.problem
}

// writable gives a database that takes commits, and opens the files anew where it must.
func (s *Store) writable() (*database, error) {
	if s.closed {
		return nil, jobstore.ErrClosed
	}
	d := s.current
	if !d.readOnly && d.z.frozen() == nil {
		return d, nil
	}
	if s.problem != nil && time.Now().Before(s.again) {
		return nil, s.problem
	}
	if err := s.reopen(); err != nil {
		return nil, err
	}
	return s.current, nil
}

// reopen puts a new database in the place of the current one, which is frozen, reads only, or is none. Where the new one can't
// write, one that reads is better than one that may show what was not accepted.
func (s *Store) reopen() error {
	s.again = time.Now().Add(reopenPause)
	err := s.replace(false)
	if err != nil && (s.current != nil && !s.current.readOnly || s.current == nil && isFull(err)) {
		if s.replace(true) == nil && isFull(err) {
			err = s.replace(false) // what reads knows how much room is needed
		}
	}
	if err == nil {
		if s.problem != nil {
			s.log(5, "the jobs in %s can be written again", s.path)
		}
		s.problem = nil
		return nil
	}
	text := s.explain(err)
	if s.problem == nil || s.problem.Error() != text.Error() {
		s.log(3, "%v", text)
	}
	s.problem = text
	return text
}

func (s *Store) replace(readOnly bool) error {
	old := s.current
	if old != nil && old.z.frozen() != nil {
		if err := old.z.cut(); err != nil {
			return err
		}
	}
	if !readOnly {
		if err := s.roomToOpen(); err != nil {
			return err
		}
	}
	d, m, err := s.openDatabase(readOnly)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.current, s.meta = d, m
	s.mu.Unlock()
	if old != nil {
		old.cancel()
		if err := old.release(); err != nil {
			s.log(4, "the jobs in %s: %v", s.path, err)
		}
	}
	return nil
}

func (d *database) meta() (meta, error) {
	p, closer, err := d.Get([]byte{keyMeta})
	if errors.Is(err, pebble.ErrNotFound) {
		return meta{}, nil
	}
	if err != nil {
		return meta{}, err
	}
	defer closer.Close()
	return decodeMeta(p)
}

// Close waits for readers for a time, and lets go of the folder.
func (s *Store) Close() error {
	s.committing.Lock()
	defer s.committing.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.mu.Lock()
	d := s.current
	s.current = nil
	s.mu.Unlock()
	d.z.settle()
	if d.z.frozen() != nil {
		if err := d.z.cut(); err != nil {
			s.log(3, "the jobs in %s: %v", s.path, err)
		}
	}
	d.cancel()
	err := d.release()
	t := time.NewTimer(closeTime)
	defer t.Stop()
	select {
	case <-d.gone:
	case <-t.C:
		// Whoever reads still: it must not write into what may soon be another's.
		d.z.freeze(jobstore.ErrClosed)
		s.log(4, "the jobs in %s were being read while they were closed", s.path)
	}
	s.owner.close()
	if err != nil {
		return fmt.Errorf("the jobs in %s: %w", s.path, plain(err))
	}
	return nil
}

func (s *Store) log(level int, format string, args ...any) {
	if s.o.Log != nil {
		s.o.Log(level, fmt.Sprintf(format, args...))
	}
}

// Totals says how many jobs there are.
func (s *Store) Totals() jobstore.Totals {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.meta.totals
}

// Last is the largest id that was ever added.
func (s *Store) Last() job.ID {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.meta.last
}

// logBytes is what a database has in its logs: so much it writes into tables when it opens.
func (s *Store) logBytes() (n int64) {
	logs, _ := filepath.Glob(filepath.Join(s.path, "*.log"))
	for _, name := range logs {
		if info, err := os.Stat(name); err == nil {
			n += info.Size()
		}
	}
	return n
}
