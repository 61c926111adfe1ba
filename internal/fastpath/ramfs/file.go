package ramfs

import "sync/atomic"

// File is a file on the memory file system, complete and closed. Who holds it may read Path; the last Release deletes it.
// Its methods may be called from any goroutine.
type File struct {
	Path   string
	Size   int64
	Offset int64 // of its first byte in the body, when it is a part of one

	store *Store
	users atomic.Int32
}

// Hold adds a user. Only who holds the file may call it.
func (f *File) Hold() { f.users.Add(1) }

// Release takes a user away. Behind the last one the file is gone.
func (f *File) Release() {
	if f.users.Add(-1) == 0 {
		f.store.drop(f)
	}
}
