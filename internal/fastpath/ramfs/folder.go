package ramfs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// folder is one that belongs to a single store. As long as the store lives it holds a lock on the folder, so that others
// can tell those of dead processes.
type folder struct {
	path string
	lock *os.File // the folder itself
}

// prefix begins the names of all folders.
const prefix = "eddy-ramfs-"

// parentFolder gives the folder in which stores make theirs. One that was named is made if it is missing.
func parentFolder(named string) (string, error) {
	const shm = "/dev/shm"
	if named == "" {
		if st, err := os.Stat(shm); err == nil && st.IsDir() && unix.Access(shm, unix.W_OK) == nil {
			return shm, nil
		}
		return os.TempDir(), nil
	}
	if err := os.Mkdir(named, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return "", fmt.Errorf("making the ramfs folder: %w", err)
	}
	return filepath.Abs(named)
}

// makeFolder makes a new folder that only this user can read.
func makeFolder(parent string) (folder, error) {
	for range 100 {
		path, err := os.MkdirTemp(parent, prefix)
		if err != nil {
			return folder{}, fmt.Errorf("making a folder for extracted files: %w", err)
		}
		// Until it is locked, another process can take it for a leftover and remove it.
		if lock := lockFolder(path); lock != nil {
			return folder{path, lock}, nil
		}
	}
	return folder{}, fmt.Errorf("making a folder for extracted files in %s: others keep removing it", parent)
}

// removeLeftovers removes the folders of this user whose stores died.
func removeLeftovers(parent string) {
	entries, _ := os.ReadDir(parent) // what can't be read is no leftover
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), prefix) {
			continue
		}
		path := filepath.Join(parent, e.Name())
		if lock := lockFolder(path); lock != nil {
			folder{path, lock}.remove()
		}
	}
}

// lockFolder locks the folder at path, if it is this user's, nobody else has locked it and it still stands there.
func lockFolder(path string) *os.File {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	lock := os.NewFile(uintptr(fd), path)
	var locked, there unix.Stat_t
	if unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) == nil && unix.Fstat(fd, &locked) == nil && unix.Lstat(path, &there) == nil &&
		locked.Ino == there.Ino && locked.Dev == there.Dev && int(locked.Uid) == os.Geteuid() {
		return lock
	}
	lock.Close()
	return nil
}

// remove deletes the folder and, behind that, gives up the lock.
func (f folder) remove() error { return errors.Join(os.RemoveAll(f.path), f.lock.Close()) }
