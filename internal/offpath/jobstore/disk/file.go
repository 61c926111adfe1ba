package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// file is a file that is written through a freezer.
type file struct {
	vfs.File
	z    *freezer
	kind kind
	name string
}

func (f *file) Write(p []byte) (int, error) {
	return f.wrote(len(p), func() (int, error) { return f.File.Write(p) })
}

func (f *file) WriteAt(p []byte, at int64) (int, error) {
	return f.wrote(len(p), func() (int, error) { return f.File.WriteAt(p, at) })
}

func (f *file) wrote(all int, write func() (int, error)) (n int, err error) {
	ok, err := f.z.do(f.kind, f.name, func() (err error) {
		n, err = write()
		return err
	})
	if err != nil || ok {
		return n, err
	}
	return all, nil
}

func (f *file) Sync() error { return f.change(f.File.Sync) }

func (f *file) SyncData() error { return f.change(f.File.SyncData) }

func (f *file) SyncTo(length int64) (full bool, err error) {
	err = f.change(func() (err error) {
		full, err = f.File.SyncTo(length)
		return err
	})
	return full, err
}

func (f *file) change(do func() error) error {
	_, err := f.z.do(f.kind, f.name, do)
	return err
}

// Preallocate may fail: then there is none.
func (f *file) Preallocate(offset, length int64) error {
	if f.z.frozen() != nil {
		return nil
	}
	return f.File.Preallocate(offset, length)
}

// Close lets go of the descriptor also when frozen.
func (f *file) Close() error {
	err := f.File.Close()
	_, err = f.z.do(f.kind, f.name, func() error { return err })
	return err
}

// manifestFile tells how much of it is on the disk, as soon as it is the one that counts.
type manifestFile struct {
	file
	written int64
	named   atomic.Bool
}

func (m *manifestFile) Write(p []byte) (int, error) {
	n, err := m.file.Write(p)
	m.written += int64(n)
	return n, err
}

func (m *manifestFile) Sync() error { return m.synced(m.file.Sync()) }

func (m *manifestFile) SyncData() error { return m.synced(m.file.SyncData()) }

func (m *manifestFile) synced(err error) error {
	if err == nil && m.named.Load() && m.z.frozen() == nil {
		m.z.manifest(m.name, m.written)
	}
	return err
}

// logFile is the log that a database writes before all else.
type logFile struct {
	file
	// Under z.mu.
	accepted int64 // bytes of commits that succeeded
	written  int64
}

// Write is called by one goroutine at a time.
func (l *logFile) Write(p []byte) (int, error) {
	_, _ = l.z.do(wal, l.name, func() (err error) {
		n, err := l.File.Write(p)
		l.z.mu.Lock()
		if l.written == l.accepted {
			l.z.pending = append(l.z.pending, l)
		}
		l.written += int64(n)
		l.z.mu.Unlock()
		return err
	})
	return len(p), nil
}

func (l *logFile) Sync() error { return l.SyncData() }

// SyncData does nothing when a commit needs only be with the operating system.
func (l *logFile) SyncData() error {
	if !l.z.sync {
		return nil
	}
	return l.file.SyncData()
}

// settle syncs what is in the log also where a commit needs no sync.
func (l *logFile) settle() { _ = l.change(l.File.SyncData) }

// cut removes what was not accepted.
func (l *logFile) cut() error {
	f, err := os.OpenFile(l.name, os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	err = f.Truncate(l.accepted)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// void is a file that a frozen file system gives for writing.
type void struct {
	name string
	size int64
}

func (v *void) Write(p []byte) (int, error) {
	v.size += int64(len(p))
	return len(p), nil
}

func (v *void) WriteAt(p []byte, at int64) (int, error) { return len(p), nil }
func (v *void) Read([]byte) (int, error)                { return 0, fs.ErrInvalid }
func (v *void) ReadAt([]byte, int64) (int, error)       { return 0, fs.ErrInvalid }
func (v *void) Close() error                            { return nil }
func (v *void) Preallocate(int64, int64) error          { return nil }
func (v *void) Stat() (vfs.FileInfo, error)             { return voidInfo{v}, nil }
func (v *void) Sync() error                             { return nil }
func (v *void) SyncTo(int64) (bool, error)              { return true, nil }
func (v *void) SyncData() error                         { return nil }
func (v *void) Prefetch(int64, int64) error             { return nil }
func (v *void) Fd() uintptr                             { return vfs.InvalidFd }

type voidInfo struct{ v *void }

func (i voidInfo) Name() string           { return filepath.Base(i.v.name) }
func (i voidInfo) Size() int64            { return i.v.size }
func (i voidInfo) Mode() os.FileMode      { return 0o600 }
func (i voidInfo) ModTime() time.Time     { return time.Time{} }
func (i voidInfo) IsDir() bool            { return false }
func (i voidInfo) Sys() any               { return nil }
func (i voidInfo) DeviceID() vfs.DeviceID { return vfs.DeviceID{} }
