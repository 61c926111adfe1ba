package process

import (
	"fmt"
	"os"
	"strconv"
	"strings"
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
