package jobs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Folder is where the state of an installation lies: stores of queues, and the key that seals functions (global's state-dir).
// Nothing is made before Prepare.
type Folder struct {
	path string // as the process will reach it
	made string // as it is reached before a chroot
	err  error  // why there is none
}

// NewFolder names the folder: path, or when that is "" the user's state folder, /var/lib/eddy for root. With a chroot it has
// to lie inside of it.
func NewFolder(path, chroot string) *Folder {
	f := &Folder{path: path}
	if path == "" {
		f.path, f.err = defaultFolder()
	}
	f.made = f.path
	if chroot == "" || f.err != nil {
		return f
	}
	inside, err := filepath.Rel(chroot, f.path)
	if err != nil || inside == ".." || strings.HasPrefix(inside, "../") {
		f.err = fmt.Errorf("the state folder %s cannot be reached behind chroot %s: name one inside of it, state-dir %s", f.path, chroot, filepath.Join(chroot, "eddy"))
		return f
	}
	f.path = filepath.Join("/", inside)
	return f
}

func defaultFolder() (string, error) {
	if os.Geteuid() == 0 {
		return "/var/lib/eddy", nil
	}
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "eddy"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil || !filepath.IsAbs(home) {
		return "", errors.New("there is no home folder to keep state in: name a folder, state-dir PATH in the global section")
	}
	return filepath.Join(home, ".local", "state", "eddy"), nil
}

// Prepare makes the folder for its owner alone, and gives it to a user when uid and gid are not negative. It belongs before
// privileges are given up.
func (f *Folder) Prepare(uid, gid int) error {
	if f.err != nil {
		return f.err
	}
	for _, dir := range []string{f.made, filepath.Join(f.made, queuesFolder)} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("cannot make the state folder: %w", err)
		}
		if os.Geteuid() == 0 && (uid >= 0 || gid >= 0) {
			if err := os.Chown(dir, uid, gid); err != nil {
				return fmt.Errorf("cannot give the state folder to its user: %w", err)
			}
		}
	}
	st, err := os.Stat(f.made)
	if err != nil {
		return fmt.Errorf("the state folder: %w", err)
	}
	if mode := st.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("the state folder %s is open to others (mode %04o): jobs may hold secrets; chmod 700 %s", f.made, mode, f.made)
	}
	return nil
}

const queuesFolder = "queues"

// Queues is the folder of the queues' stores.
func (f *Folder) Queues() string { return filepath.Join(f.path, queuesFolder) }

// Queue is the folder of one queue's store. Names of queues that scripts make may have any characters.
func (f *Folder) Queue(name string) string {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.' && i > 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return filepath.Join(f.Queues(), b.String())
}

// File is a file in the folder.
func (f *Folder) File(name string) string { return filepath.Join(f.path, name) }
