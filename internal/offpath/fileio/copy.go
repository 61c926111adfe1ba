package fileio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// How much is moved between two looks at the context.
const (
	copyStep = 16 << 20 // the kernel moves it, so it costs no memory
	catStep  = 256 << 10
)

var errSame = errors.New("source and target are the same file")

// Copy makes the file to have the content of the file from, as cp does: to keeps its mode when it exists. When it fails in
// between, to has the first part.
func Copy(ctx context.Context, from, to string) error {
	err := transfer(from, to, 0, func(dst, src *os.File) error {
		if err := truncate(dst); err != nil {
			return err
		}
		for {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			switch _, err := io.CopyN(dst, src, copyStep); err { // copy_file_range(2) where the file systems have it
			case nil:
			case io.EOF:
				return nil
			default:
				return err
			}
		}
	})
	if err != nil {
		return fmt.Errorf("copy %q to %q: %w", from, to, err)
	}
	return nil
}

// Cat appends the content of the file from to the file to. A small file (256 KiB) is appended by one call of the operating
// system, so that it stays in one piece whoever else appends.
func Cat(ctx context.Context, from, to string) error {
	err := transfer(from, to, os.O_APPEND, func(dst, src *os.File) error {
		size := int64(catStep)
		if info, err := src.Stat(); err == nil {
			size = min(size, info.Size()+1) // one more, to see the end
		}
		buf := make([]byte, max(size, 512)) // files of /proc have no size
		for {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			n, err := io.ReadFull(src, buf)
			if _, err := dst.Write(buf[:n]); err != nil {
				return err
			}
			switch err {
			case nil:
			case io.EOF, io.ErrUnexpectedEOF:
				return nil
			default:
				return err
			}
		}
	})
	if err != nil {
		return fmt.Errorf("append %q to %q: %w", from, to, err)
	}
	return nil
}

// transfer opens both files for move. They have to be two: a file would grow for ever while it is appended to itself.
func transfer(from, to string, flag int, move func(dst, src *os.File) error) error {
	src, err := openSource(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := openTarget(to, flag)
	if err != nil {
		return err
	}
	if same(dst, src) {
		err = errSame
	} else {
		err = cause(move(dst, src))
	}
	return errors.Join(err, cause(dst.Close()))
}

func same(a, b *os.File) bool {
	ia, err := a.Stat()
	if err != nil {
		return false
	}
	ib, err := b.Stat()
	return err == nil && os.SameFile(ia, ib)
}

// truncate empties a regular file; a device has nothing to empty.
func truncate(f *os.File) error {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	return f.Truncate(0)
}
