// Package ramfs keeps extracted files on a memory file system, as long as somebody needs them and within a cap.
package ramfs

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// ErrFull is why a file was given up when the store's cap was reached.
var ErrFull = errors.New("the ramfs folder is full")

// Options of a store. The zero value has good defaults.
type Options struct {
	Dir      string // the folder in which the store makes one of its own; "": /dev/shm, or else the one for temporary files
	MaxBytes int64  // that all files may take together; 0: 512 MiB, but at most half of what is free
	PartSize int64  // bytes from which a file is handed over in parts; 0: 5 MB
}

const (
	defaultMax  = 512 << 20
	defaultPart = 5_000_000
)

// Store is a private folder for files. Its methods may be called from any goroutine.
type Store struct {
	folder folder
	max    int64
	part   int64

	serial  atomic.Uint64 // of the latest file
	used    atomic.Int64  // bytes that stand in the folder
	open    atomic.Int64  // file descriptors
	peak    atomic.Int64
	written atomic.Uint64
	count   atomic.Uint64
	refused atomic.Uint64

	mu    sync.Mutex
	files map[string]*File // by path; those with users

	buffers  sync.Pool    // of *buffer
	buffered atomic.Int64 // bytes of the buffers in use
}

// keepOpen is how many files that are being written keep their descriptors between two writes. Traffic says how many
// there are at a time, and must not take the descriptors that others in the process need.
const keepOpen = 256

// freeBuffers is how many bytes of buffers don't count against the cap.
const freeBuffers = 64 * bufferSize

// Open makes a store. Folders that processes left behind which died are removed.
func Open(o Options) (*Store, error) {
	parent, err := parentFolder(o.Dir)
	if err != nil {
		return nil, err
	}
	s := &Store{max: o.MaxBytes, part: cmp.Or(o.PartSize, defaultPart), files: map[string]*File{}}
	s.buffers.New = func() any { return new(buffer) }
	removeLeftovers(parent)
	if s.max <= 0 {
		var st unix.Statfs_t
		if err := unix.Statfs(parent, &st); err != nil {
			return nil, fmt.Errorf("the free space of %s: %w", parent, err)
		}
		s.max = min(defaultMax, int64(st.Bavail)*st.Bsize/2)
	}
	s.folder, err = makeFolder(parent)
	return s, err
}

// Dir is the store's own folder.
func (s *Store) Dir() string { return s.folder.path }

// Lookup gives the file at a path, held for the caller, or nil.
func (s *Store) Lookup(path string) *File {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.files[path]
	if f != nil {
		f.users.Add(1)
	}
	return f
}

// Stats counts what a store did.
type Stats struct {
	Files   uint64 // written, each part counts
	Bytes   uint64 // of those
	Refused uint64 // files that were given up, or not begun: the store was full, or the file system failed
	Held    int64  // bytes that stand in it now, those of unfinished files too
	Peak    int64  // most bytes that stood in it
}

// Stats gives the counts.
func (s *Store) Stats() Stats {
	return Stats{Files: s.count.Load(), Bytes: s.written.Load(), Refused: s.refused.Load(), Held: s.used.Load(), Peak: s.peak.Load()}
}

// Close removes the folder with all that is in it, held or not.
func (s *Store) Close() error { return s.folder.remove() }

// takeBuffer gives a buffer, or nil: a file of one byte has one too, so they count as bytes that stand in the folder.
func (s *Store) takeBuffer() *buffer {
	if n := s.buffered.Add(bufferSize); n > freeBuffers && n+s.used.Load() > s.max {
		s.buffered.Add(-bufferSize)
		return nil
	}
	return s.buffers.Get().(*buffer)
}

func (s *Store) putBuffer(b *buffer) {
	s.buffered.Add(-bufferSize)
	s.buffers.Put(b)
}

// take reserves room for n bytes.
func (s *Store) take(n int64) bool {
	used := s.used.Add(n)
	if used+max(0, s.buffered.Load()-freeBuffers) > s.max {
		s.used.Add(-n)
		return false
	}
	for peak := s.peak.Load(); used > peak && !s.peak.CompareAndSwap(peak, used); {
		peak = s.peak.Load()
	}
	return true
}

// add makes the file at path known, with one user.
func (s *Store) add(path string, size, offset int64) *File {
	f := &File{Path: path, Size: size, Offset: offset, store: s}
	f.users.Store(1)
	s.count.Add(1)
	s.written.Add(uint64(size))
	s.mu.Lock()
	s.files[path] = f
	s.mu.Unlock()
	return f
}

// drop deletes a file that has lost its last user, unless Lookup has given it a new one since.
func (s *Store) drop(f *File) {
	s.mu.Lock()
	gone := f.users.Load() == 0 && s.files[f.Path] == f
	if gone {
		delete(s.files, f.Path)
	}
	s.mu.Unlock()
	if gone {
		os.Remove(f.Path) // a user may have moved it away
		s.used.Add(-f.Size)
	}
}
