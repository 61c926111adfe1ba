// Package fileio does file operations for scripts off the fast path: copy, append, remove, and writing bytes. There is no
// shell in between. Targets are made with mode 0644 less the umask; folders are not made. Nothing is synced to the disk.
//
// Two operations on one file at the same time mix their bytes: whoever calls keeps them apart (a pool's keys do).
package fileio

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// openSource opens a file to be read. It has to be a regular file: a pipe could hold up the caller for ever.
func openSource(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // not to wait for a pipe's writer before the check
	if err != nil {
		return nil, fmt.Errorf("cannot read %q: %w", path, cause(err))
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("it is %s, not a regular file", kind(info))
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("cannot read %q: %w", path, cause(err))
	}
	return f, nil
}

// openTarget opens a file to be written, and makes it where there is none. It has to be a regular file or a character
// device. Its content is left alone.
func openTarget(path string, flag int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|syscall.O_NONBLOCK|flag, 0o644)
	if err != nil {
		return nil, fmt.Errorf("cannot write %q: %w%s", path, cause(err), advice(path, err))
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() && info.Mode()&fs.ModeCharDevice == 0 {
		err = fmt.Errorf("it is %s, not a regular file", kind(info))
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("cannot write %q: %w", path, cause(err))
	}
	return f, nil
}

// cause takes the path out of an error of package os: messages here have paths quoted, as names of files may come from the
// network.
func cause(err error) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		return p.Err
	}
	return err
}

// advice says what to do about a target that could not be opened.
func advice(path string, err error) string {
	if !errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	folder := filepath.Dir(path)
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		return fmt.Sprintf(" (the folder %q is missing: create it first)", folder)
	}
	return ""
}

// kind is a word for what is not a regular file.
func kind(info fs.FileInfo) string {
	switch m := info.Mode(); {
	case m.IsDir():
		return "a folder"
	case m&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	default:
		return "a device"
	}
}
