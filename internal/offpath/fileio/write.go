package fileio

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Remove deletes a file, never a folder. It is fine when there is none.
func Remove(path string) error {
	info, err := os.Lstat(path)
	if err == nil {
		if info.IsDir() {
			return fmt.Errorf("remove %q: it is a folder", path)
		}
		err = os.Remove(path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove %q: %w", path, cause(err))
	}
	return nil
}

// Append writes data to the end of a file, by one call of the operating system.
func Append(path string, data []byte) error {
	return write("append to", path, os.O_APPEND, func(f *os.File) error {
		_, err := f.Write(data)
		return err
	})
}

// WriteAt writes data into a file at an offset in bytes from its beginning, which may lie beyond its end; the rest of the
// file stays as it is.
func WriteAt(path string, data []byte, offset int64) error {
	if offset < 0 {
		return fmt.Errorf("write into %q: offset %d is negative", path, offset)
	}
	return write("write into", path, 0, func(f *os.File) error {
		_, err := f.WriteAt(data, offset)
		return err
	})
}

// write opens a target for put.
func write(what, path string, flag int, put func(*os.File) error) error {
	f, err := openTarget(path, flag)
	if err != nil {
		return fmt.Errorf("%s %q: %w", what, path, err)
	}
	if err := errors.Join(cause(put(f)), cause(f.Close())); err != nil {
		return fmt.Errorf("%s %q: %w", what, path, err)
	}
	return nil
}
