package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// PIDFile is a file that holds this process's id while it runs.
type PIDFile struct{ path string }

// WritePIDFile writes the file, over whatever it held. A nil *PIDFile comes from an empty path.
func WritePIDFile(path string) (*PIDFile, error) {
	if path == "" {
		return nil, nil
	}
	if err := os.WriteFile(path, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644); err != nil {
		return nil, fmt.Errorf("cannot write the pid file: %w", err)
	}
	return &PIDFile{path: path}, nil
}

// CheckPIDFile says why WritePIDFile would fail, as far as that can be told without writing.
func CheckPIDFile(path string) error {
	if path == "" {
		return nil
	}
	err := unix.Access(path, unix.W_OK)
	if st, statErr := os.Stat(path); statErr == nil && st.IsDir() {
		err = unix.EISDIR
	}
	if errors.Is(err, unix.ENOENT) {
		err = unix.Access(filepath.Dir(path), unix.W_OK)
	}
	if err != nil {
		return fmt.Errorf("cannot write the pid file %s: %w", path, err)
	}
	return nil
}

// Remove takes the file away, unless a newer process has put its own id there. After a chroot the file may be out of
// reach; that is no error.
func (p *PIDFile) Remove() {
	if p == nil {
		return
	}
	b, err := os.ReadFile(p.path)
	if err == nil && strings.TrimSpace(string(b)) == strconv.Itoa(os.Getpid()) {
		_ = os.Remove(p.path)
	}
}
