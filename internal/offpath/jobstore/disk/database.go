package disk

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// database is one opening of the files. After an error that froze it another takes its place; it is closed when its last
// reader is done.
type database struct {
	*pebble.DB
	z        *freezer
	readOnly bool

	leave      context.Context // over when it has no place in the store any more
	cancel     context.CancelFunc
	reclaiming atomic.Bool

	mu   sync.Mutex
	refs int           // its place in the store, and readers
	gone chan struct{} // closed when it is closed

	tick atomic.Int64 // logs begun, flushes and compactions ended
	seen int64        // tick when Store.pressure looked; only the committer
}

// Sizes. A process has these for each disk queue that is busy; a quiet one has hardly any of it.
const (
	blockCache   = 8 << 20 // beside two memtables, which are counted as cache too
	maxSublevels = 24      // of the first level; reading gets slower with each
	closeTime    = 10 * time.Second
)

// openDatabase opens the files, and sees to it that nothing is missing.
func (s *Store) openDatabase(readOnly bool) (*database, meta, error) {
	d := &database{readOnly: readOnly, refs: 1, gone: make(chan struct{})}
	d.leave, d.cancel = context.WithCancel(context.Background())
	d.z = newFreezer(s.o.base(), s.o.Sync, func(cause error) {
		s.log(3, "the jobs in %s: a write failed, the store is opened anew: %v", s.path, cause)
	})
	d.z.manifest = s.owner.manifest
	err := s.owner.checkManifest(s.o.base(), s.path)
	if err == nil {
		err = s.openFiles(d)
	}
	if err != nil {
		d.cancel()
		close(d.z.closed)
		if cause := d.z.frozen(); cause != nil {
			err = cause
		}
		return nil, meta{}, noticed(err)
	}
	cause := d.z.frozen()
	d.z.opened()
	m, err := d.meta()
	if want := max(s.owner.commits, s.meta.commits); err == nil && m.commits < want {
		err = damaged("of %d commits the first %d are there", want, m.commits)
	}
	if err == nil {
		err = s.owner.seen(s.o.base(), s.path)
	}
	if cause != nil {
		err = cause
	}
	if err != nil {
		d.z.freeze(errFrozen) // the files stay as they are
		d.cancel()
		_ = d.release()
		return nil, meta{}, noticed(err)
	}
	d.z.check()
	return d, m, nil
}

// openFiles makes a panic of the database an error.
func (s *Store) openFiles(d *database) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = damaged("opening them ended with: %v", r)
		}
	}()
	cache := pebble.NewCache(blockCache + 2*s.memtable())
	defer cache.Unref()
	d.DB, err = pebble.Open(s.path, s.pebbleOptions(d, cache))
	return err
}

// noticed marks an error that is not of the file system: the database found something wrong in its files, or not all of them.
func noticed(err error) error {
	var of syscall.Errno
	if errors.Is(err, errDamaged) || errors.As(err, &of) && of != syscall.ENOENT || errors.Is(err, errLayout) {
		return err
	}
	return damage{err}
}

func (s *Store) memtable() int64 { return 3 * s.maxCommit }

func (s *Store) pebbleOptions(d *database, cache *pebble.Cache) *pebble.Options {
	o := &pebble.Options{
		FS:           d.z,
		ReadOnly:     d.readOnly,
		Cache:        cache,
		MaxOpenFiles: 256,
		// The database would let a commit wait for ever where the disk is full. Store.pressure waits before it does.
		MemTableSize:                uint64(s.memtable()),
		MemTableStopWritesThreshold: 4, // also bounds the logs that it keeps for writing them again
		L0StopWritesThreshold:       1 << 16,
		L0CompactionThreshold:       4,
		LBaseMaxBytes:               64 << 20,
		CompactionConcurrencyRange:  func() (int, int) { return 1, 2 },
		BytesPerSync:                512 << 10,
		MaxManifestFileSize:         1 << 20, // it is read twice
		// With marks of what was synced in the log, a damaged log is told from one that ends early because the process was
		// killed. Without syncs there is nothing to mark.
		FormatMajorVersion: pebble.FormatColumnarBlocks,
		Logger:             d.logger(s),
		EventListener:      s.listener(d),
	}
	if s.o.Sync {
		o.FormatMajorVersion = pebble.FormatTableFormatV6
	}
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	return o
}

func (s *Store) listener(d *database) *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: d.logger(s).trouble,
		DataCorruption: func(i pebble.DataCorruptionInfo) {
			d.logger(s).trouble(damage{i.Details})
		},
		ManifestCreated: func(i pebble.ManifestCreateInfo) {
			if i.Err == nil {
				d.z.manifestNamed()
			}
		},
		WALCreated:    func(pebble.WALCreateInfo) { d.tick.Add(1) },
		FlushEnd:      func(pebble.FlushInfo) { d.tick.Add(1) },
		CompactionEnd: func(pebble.CompactionInfo) { d.tick.Add(1) },
	}
}

// apply writes a batch; a panic within the database freezes it, as after that nobody knows what it holds.
func (d *database) apply(b *pebble.Batch) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the database ended with: %v", r)
			d.z.freeze(err)
		}
	}()
	if err := d.Apply(b, pebble.Sync); err != nil {
		return err
	}
	return d.z.accept()
}

func (d *database) acquire() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.refs == 0 {
		return false
	}
	d.refs++
	return true
}

// done gives back an acquire.
func (d *database) done() { _ = d.release() }

// release gives back an acquire, or the place in the store. The last one closes.
func (d *database) release() error {
	d.mu.Lock()
	d.refs--
	last := d.refs == 0
	d.mu.Unlock()
	if !last {
		return nil
	}
	defer close(d.gone)
	close(d.z.closed)
	done := make(chan error, 1)
	go func() {
		defer func() {
			if r := recover(); r != nil {
				done <- fmt.Errorf("closing ended with: %v", r)
			}
		}()
		done <- d.DB.Close()
	}()
	t := time.NewTimer(closeTime)
	defer t.Stop()
	select {
	case err := <-done:
		if d.z.frozen() != nil {
			err = nil // it has nothing more to say
		}
		return err
	case <-t.C:
		return errors.New("the database does not close; what was accepted is safe")
	}
}

// logger takes what the database says. Its everyday talk is dropped.
type logger struct {
	s *Store
	d *database
}

func (d *database) logger(s *Store) logger { return logger{s, d} }

func (l logger) Infof(string, ...any) {}

func (l logger) Errorf(format string, args ...any) { l.trouble(fmt.Errorf(format, args...)) }

// trouble is no news when the database is being given up.
func (l logger) trouble(err error) {
	if l.d.z.frozen() == nil {
		l.s.trouble(err)
	}
}

// Fatalf would end the process. The database is given up instead.
func (l logger) Fatalf(format string, args ...any) { l.d.z.freeze(fmt.Errorf(format, args...)) }

var _ vfs.FS = (*freezer)(nil)
