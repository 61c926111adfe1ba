package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"eddy/internal/config/diag"
)

// Bounds of what is read.
const (
	maxFileSize  = 16 << 20 // one configuration file
	maxTotalSize = 64 << 20 // all of them, and all files that they name
	maxFiles     = 4096
)

// expand turns folders into their *.cfg files in lexical order, as HAProxy does for -f.
func (l *loader) expand(paths []string) []string {
	var out []string
	for _, path := range paths {
		info, err := os.Stat(l.inDir(path))
		if err != nil {
			l.diags.Errorf(diag.Pos{File: path}, "", "cannot read the configuration: %v", reason(err))
			continue
		}
		if !info.IsDir() {
			out = append(out, path)
			continue
		}
		entries, err := os.ReadDir(l.inDir(path))
		if err != nil {
			l.diags.Errorf(diag.Pos{File: path}, "", "cannot read the folder: %v", reason(err))
			continue
		}
		var names []string
		for _, e := range entries {
			if n := e.Name(); strings.HasSuffix(n, ".cfg") && !strings.HasPrefix(n, ".") && !e.IsDir() {
				names = append(names, filepath.Join(path, n))
			}
		}
		if len(names) == 0 {
			l.diags.Warnf(diag.Pos{File: path}, "", "the folder holds no *.cfg files")
		}
		slices.Sort(names)
		out = append(out, names...)
	}
	if len(out) > maxFiles {
		l.diags.Errorf(diag.Pos{}, "", "more than %d configuration files", maxFiles)
		out = out[:maxFiles]
	}
	return out
}

// inDir gives the place of a path given on the command line.
func (l *loader) inDir(path string) string {
	if l.opts.Dir == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(l.opts.Dir, path)
}

func (l *loader) readConfig(path string) ([]byte, error) {
	return l.ReadFile(l.inDir(path), maxFileSize)
}

// ReadFile implements keyword.Host.
func (l *loader) ReadFile(path string, max int64) ([]byte, error) {
	read := l.opts.ReadFile
	if read == nil {
		read = readFile
	}
	text, err := read(path, max)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, reason(err))
	}
	if l.total += int64(len(text)); l.total > maxTotalSize {
		return nil, fmt.Errorf("%s: the configuration and its files are larger than %d MiB together", path, maxTotalSize>>20)
	}
	return text, nil
}

func readFile(path string, max int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, max+1))
	if err == nil && int64(len(text)) > max {
		err = fmt.Errorf("larger than %d bytes", max)
	}
	return text, err
}

// Exists implements keyword.Host.
func (l *loader) Exists(path string) error {
	if l.opts.ReadFile != nil {
		_, err := l.opts.ReadFile(path, maxFileSize)
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("%s: %w", path, reason(err))
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return fmt.Errorf("%s is a folder", path)
	}
	return nil
}

// Present implements keyword.Host.
func (l *loader) Present(path string) error {
	if l.opts.ReadFile != nil {
		_, err := l.opts.ReadFile(path, maxFileSize)
		return err
	}
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("%s: %w", path, reason(err))
	}
	return nil
}

// SameFile says whether two paths lead to one file, or would when it is made. Devices and pipes may be shared.
func SameFile(a, b string) bool {
	if filepath.Clean(a) == filepath.Clean(b) {
		info, err := os.Stat(a)
		return err != nil || info.Mode().IsRegular()
	}
	first, err := os.Stat(a)
	if err != nil || !first.Mode().IsRegular() {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}

// reason takes the operation and path out of a file error: the message around it has them.
func reason(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// UserID implements keyword.Host.
func (l *loader) UserID(name string) (int, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return 0, fmt.Errorf("there is no user '%s'", name)
	}
	return strconv.Atoi(u.Uid)
}

// GroupID implements keyword.Host.
func (l *loader) GroupID(name string) (int, error) {
	g, err := user.LookupGroup(name)
	if err != nil {
		return 0, fmt.Errorf("there is no group '%s'", name)
	}
	return strconv.Atoi(g.Gid)
}
