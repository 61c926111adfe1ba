package disk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/atomicfs"
	"golang.org/x/sys/unix"
)

// ownerName is the file that a process holds locked as long as it has the store. It says who has it, in which run of the machine,
// and what must be there: so many commits, and so much of the manifest. The database itself takes a file that ends too early, or
// has something wrong in it, for one that was not written to its end, as after a kill: it would begin with what is before that,
// and delete all files of which it knows nothing then.
const ownerName = "owner"

const manifestMarker = "manifest" // the database's name of what names its manifest

// Each part has always the same size, so that a full disk has room for what it is next.
const (
	ownerFormat = "%-10d %-36s %-5s "
	commitsAt   = 10 + 1 + 36 + 1 + 5 + 1
	manifestAt  = commitsAt + digits + 1
	ownerSize   = manifestAt + 24 + 1 + digits + 1
	digits      = 20
)

type owner struct {
	f *os.File
	// What the file said when it was opened.
	restarted bool   // the machine was started anew since, and not all commits were synced
	commits   uint64 // that must be there

	number [digits]byte // the committer's

	mu   sync.Mutex
	name string // of the manifest; "": not known
	size int64  // that it has at least
}

// takeFolder locks the folder.
func takeFolder(path, boot string, synced bool) (*owner, error) {
	f, err := os.OpenFile(filepath.Join(path, ownerName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	b := make([]byte, ownerSize)
	n, _ := f.ReadAt(b, 0)
	words := strings.Fields(string(b[:n]))
	if err != nil {
		if err == unix.EWOULDBLOCK {
			pid := 0
			if len(words) > 0 {
				pid, _ = strconv.Atoi(words[0])
			}
			err = &InUseError{path, pid}
		}
		_ = f.Close()
		return nil, err
	}
	o := &owner{f: f}
	if boot == "" {
		boot = "unknown"
	}
	if len(words) == 6 {
		again := boot != words[1]
		o.restarted = again && words[2] == "os"
		if !o.restarted {
			o.commits, _ = strconv.ParseUint(words[3], 10, 64)
		}
		if !again { // else the file may be older than the manifest, which is always synced
			o.name = words[4]
			o.size, _ = strconv.ParseInt(words[5], 10, 64)
		}
	}
	how := "os"
	if synced {
		how = "fsync"
	}
	// The lock holds without, and there is nothing to be lost yet where there is no room for it.
	_, _ = f.WriteAt(fmt.Appendf(nil, ownerFormat+"%020d %-24s %020d\n", os.Getpid(), boot, how, o.commits, o.name, o.size), 0)
	return o, nil
}

// accepted says how many commits there are now; one goroutine at a time calls it. It is not synced: what is on the disk is never
// ahead of commits that are.
func (o *owner) accepted(n uint64) {
	for i := range o.number {
		o.number[len(o.number)-1-i] = byte('0' + n%10)
		n /= 10
	}
	_, _ = o.f.WriteAt(o.number[:], commitsAt)
}

// manifest says how much of a manifest was synced.
func (o *owner) manifest(name string, size int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.name, o.size = filepath.Base(name), size
	_, _ = o.f.WriteAt(fmt.Appendf(nil, "%-24s %020d\n", o.name, o.size), manifestAt)
}

// checkManifest reads what must be there of the manifest.
func (o *owner) checkManifest(base vfs.FS, folder string) error {
	o.mu.Lock()
	name, size := o.name, o.size
	o.mu.Unlock()
	current, err := atomicfs.ReadMarker(base, folder, manifestMarker)
	switch {
	case err != nil:
		return err
	case name == "":
		return nil
	case current == "":
		return damaged("the file that names the manifest is missing")
	case current != name: // a new one; the process ended before it could be written here
		return nil
	}
	f, err := os.Open(filepath.Join(folder, name))
	if err != nil {
		return err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Size() < size {
		return errors.Join(err, damaged("of %s only a part is there", name))
	}
	records := record.NewReader(io.LimitReader(f, size), 0)
	for {
		r, err := records.Next()
		if err == nil {
			_, err = io.Copy(io.Discard, r)
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return damaged("%s: %v", name, err)
		}
	}
}

// seen says which manifest a database has that was opened.
func (o *owner) seen(base vfs.FS, folder string) error {
	current, err := atomicfs.ReadMarker(base, folder, manifestMarker)
	if err != nil {
		return err
	}
	o.mu.Lock()
	same := current == o.name
	o.mu.Unlock()
	if same {
		return nil
	}
	info, err := base.Stat(base.PathJoin(folder, current))
	if err == nil {
		o.manifest(current, info.Size())
	}
	return err
}

func (o *owner) close() { _ = o.f.Close() }

// bootID tells one run of the machine from the next; "" where that is not known.
func bootID() string {
	b, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(b))
}
