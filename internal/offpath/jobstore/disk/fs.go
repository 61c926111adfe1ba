package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A database ends the process when it can't write its log or its manifest. This one must not. So it is told that all went well
// and, from that moment on, nothing of what it does reaches the disk: for the files, it is as if the process had been killed
// then. The store sees it before it says that a commit succeeded, cuts the log behind the last one that did, and opens the
// database anew, which knows how to begin after a kill.

// freezer is the file system of one opened database. Any goroutine may call its methods.
type freezer struct {
	vfs.FS      // the real one
	sync   bool // a commit is on the disk, and not just with the operating system
	closed chan struct{}
	notify func(error) // told once, of the error that froze it

	manifest func(name string, size int64) // told how much of the manifest is on the disk

	writes sync.RWMutex // held for reading while something is written, so that cut can wait for what is on its way

	mu      sync.Mutex
	cause   error      // why it is frozen; nil: it is not
	log     *logFile   // the one that is written
	pending []*logFile // with something that was not accepted: mostly one
	newest  *manifestFile
	opening bool     // the database is being opened: it would try again for ever what failed
	checked bool     // it was seen to have all that was accepted
	removed []string // what it removed before: that waits, as it may be all there is

	tables struct { // a table that can't be written is tried again at once, and again: hold that back
		sync.Mutex
		failed time.Time
	}
}

// holdBack is how long no table is written after one that failed.
const holdBack = time.Second

func newFreezer(base vfs.FS, sync bool, notify func(error)) *freezer {
	return &freezer{FS: base, sync: sync, closed: make(chan struct{}), notify: notify, opening: true}
}

// frozen gives the error that froze it, or nil.
func (z *freezer) frozen() error {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.cause
}

// freeze lets nothing reach the disk any more.
func (z *freezer) freeze(cause error) {
	z.mu.Lock()
	first := z.cause == nil
	if first {
		z.cause = cause
	}
	z.mu.Unlock()
	if first && cause != errFrozen {
		z.notify(cause)
	}
}

// opened says that the database is open.
func (z *freezer) opened() {
	z.mu.Lock()
	z.opening = false
	z.mu.Unlock()
}

// manifestNamed says that the newest manifest is the one that counts. The database calls it before it writes more.
func (z *freezer) manifestNamed() {
	z.mu.Lock()
	m := z.newest
	z.mu.Unlock()
	if m != nil {
		m.named.Store(true)
		_ = m.synced(nil)
	}
}

// accept says that all that was written to the log is part of the store; false, and why, when something was not written.
func (z *freezer) accept() error {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.cause != nil {
		return z.cause
	}
	for _, l := range z.pending {
		l.accepted = l.written
	}
	z.pending = z.pending[:0]
	return nil
}

// settle syncs the log.
func (z *freezer) settle() {
	z.mu.Lock()
	l := z.log
	z.mu.Unlock()
	if l != nil {
		l.settle()
	}
}

// cut removes from the logs what was not accepted. The freezer is frozen.
func (z *freezer) cut() error {
	z.writes.Lock()
	defer z.writes.Unlock()
	z.mu.Lock()
	defer z.mu.Unlock()
	for _, l := range z.pending {
		if err := l.cut(); err != nil {
			return err
		}
	}
	return nil
}

// kind of a file says what becomes of an error.
type kind uint8

const (
	vital kind = iota // manifest, markers, options, folders: without it the database can't go on
	wal               // the log: as vital
	table             // the database tries again by itself
)

func kindOf(name string) kind {
	switch filepath.Ext(name) {
	case ".log":
		return wal
	case ".sst", ".blob":
		return table
	}
	return vital
}

var errFrozen = errors.New("the store is being opened anew")

// do runs a change of the folder, or does nothing when frozen. An error of something vital freezes; then ok is false and err is
// nil: the caller acts as if all went well. Tables get an error in any case, so that nothing is looked for in one that is not
// there.
func (z *freezer) do(k kind, name string, f func() error) (ok bool, err error) {
	z.writes.RLock()
	z.mu.Lock()
	dead, opening := z.cause != nil, z.opening
	z.mu.Unlock()
	if !dead {
		err = f()
	}
	z.writes.RUnlock()
	soft := k == table && !opening // the database lives with an error
	switch {
	case dead && !soft:
		return false, nil
	case dead:
		err = errFrozen
	case err == nil:
		return true, nil
	case !soft:
		z.freeze(named(name, err))
		return false, nil
	}
	z.tables.Lock()
	z.tables.failed = time.Now()
	z.tables.Unlock()
	return false, err
}

func named(name string, err error) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		return err
	}
	return fmt.Errorf("%s: %w", name, err)
}

func (z *freezer) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return z.open(name, func() (vfs.File, error) { return z.FS.Create(name, c) })
}

func (z *freezer) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	return z.open(name, func() (vfs.File, error) { return z.FS.OpenReadWrite(name, c, o...) })
}

func (z *freezer) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return z.open(name, func() (vfs.File, error) { return z.FS.ReuseForWrite(old, name, c) })
}

func (z *freezer) open(name string, open func() (vfs.File, error)) (vfs.File, error) {
	k := kindOf(name)
	if k == table {
		z.waitBack()
	}
	var f vfs.File
	ok, err := z.do(k, name, func() (err error) {
		f, err = open()
		return err
	})
	if err != nil {
		return nil, err
	}
	if !ok {
		return &void{name: name}, nil
	}
	if strings.HasPrefix(filepath.Base(name), "MANIFEST-") {
		m := &manifestFile{file: file{File: f, z: z, kind: k, name: name}}
		z.mu.Lock()
		z.newest = m
		z.mu.Unlock()
		return m, nil
	}
	if k != wal {
		return &file{File: f, z: z, kind: k, name: name}, nil
	}
	l := &logFile{file: file{File: f, z: z, kind: k, name: name}}
	z.mu.Lock()
	if z.cause == nil {
		z.log = l
	}
	z.mu.Unlock()
	return l, nil
}

// waitBack waits until some time has gone by since a table could not be written.
func (z *freezer) waitBack() {
	z.tables.Lock()
	wait := holdBack - time.Since(z.tables.failed)
	z.tables.Unlock()
	if wait <= 0 {
		return
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
	case <-z.closed:
	}
}

// tableTrouble says that a table could not be written lately.
func (z *freezer) tableTrouble() bool {
	z.tables.Lock()
	defer z.tables.Unlock()
	return time.Since(z.tables.failed) < 2*holdBack
}

func (z *freezer) OpenDir(name string) (vfs.File, error) {
	f, err := z.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &file{File: f, z: z, kind: vital, name: name}, nil
}

func (z *freezer) Link(old, name string) error {
	return z.change(name, func() error { return z.FS.Link(old, name) })
}

func (z *freezer) Rename(old, name string) error {
	return z.change(name, func() error { return z.FS.Rename(old, name) })
}

func (z *freezer) MkdirAll(dir string, perm os.FileMode) error {
	return z.change(dir, func() error { return z.FS.MkdirAll(dir, perm) })
}

func (z *freezer) change(name string, f func() error) error {
	_, err := z.do(kindOf(name), name, f)
	return err
}

// Remove may fail without harm: the file is in the way of nothing.
func (z *freezer) Remove(name string) error {
	z.writes.RLock()
	defer z.writes.RUnlock()
	z.mu.Lock()
	dead, wait := z.cause != nil, !z.checked
	if wait {
		z.removed = append(z.removed, name)
	}
	z.mu.Unlock()
	if dead || wait {
		return nil
	}
	return z.FS.Remove(name)
}

// RemoveAll is Remove: the database makes no folders.
func (z *freezer) RemoveAll(name string) error { return z.Remove(name) }

// check says that the database has all that was accepted.
func (z *freezer) check() {
	z.mu.Lock()
	z.checked = true
	names := z.removed
	z.removed = nil
	z.mu.Unlock()
	for _, name := range names {
		_ = z.Remove(name)
	}
}

// Lock does nothing: the store has the folder's lock, also between two databases.
func (z *freezer) Lock(string) (io.Closer, error) { return io.NopCloser(strings.NewReader("")), nil }

func (z *freezer) Unwrap() vfs.FS { return z.FS }
