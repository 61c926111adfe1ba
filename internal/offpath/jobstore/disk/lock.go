package disk

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// ownerName is the file that a process holds locked as long as it has the store. It says who has it, in which run of the machine,
// how many commits there are, and whether they were synced. The database itself takes a file that ends too early for one that
// was not written to its end, as after a kill, and would begin with what is left, and delete what it does not know.
const ownerName = "owner"

// Each part has always the same size, so that a full disk has room for what it is next.
const (
	ownerFormat = "%-10d %-36s %s %s\n"
	commitsAt   = 10 + 1 + 36 + 1
	commitsSize = 20
)

type owner struct {
	f *os.File
	// What the file said when it was opened.
	restarted bool   // the machine was started anew since, and not all commits were synced
	commits   uint64 // that must be there
	buf       [commitsSize]byte
}

// takeFolder locks the folder.
func takeFolder(path, boot string, sync bool) (*owner, error) {
	f, err := os.OpenFile(filepath.Join(path, ownerName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	b := make([]byte, 100)
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
	if len(words) == 4 {
		o.restarted = boot != words[1] && words[3] == "os"
		if !o.restarted {
			o.commits, _ = strconv.ParseUint(words[2], 10, 64)
		}
	}
	how := "os"
	if sync {
		how = "fsync"
	}
	if boot == "" {
		boot = "unknown"
	}
	// The lock holds without, and there is nothing to be lost yet where there is no room for it.
	_, _ = f.WriteAt(fmt.Appendf(nil, ownerFormat, os.Getpid(), boot, o.digits(o.commits), how), 0)
	return o, nil
}

func (o *owner) digits(n uint64) []byte {
	for i := range o.buf {
		o.buf[len(o.buf)-1-i] = byte('0' + n%10)
		n /= 10
	}
	return o.buf[:]
}

// accepted says how many commits there are now; one goroutine at a time calls it. It is not synced: what is on the disk is never
// ahead of commits that are.
func (o *owner) accepted(n uint64) { _, _ = o.f.WriteAt(o.digits(n), commitsAt) }

func (o *owner) close() { _ = o.f.Close() }

// bootID tells one run of the machine from the next; "" where that is not known.
func bootID() string {
	b, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(b))
}
