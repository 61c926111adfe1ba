package disk

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// lockName is the file that a process holds locked as long as it has the store. In it are the process's id, for messages, and
// the id of the boot of the machine.
const lockName = "owner"

// ownerFormat gives always the same size, so that a full disk has room for it.
const ownerFormat = "%-10d %-36s\n"

// lockFolder takes the folder, and says whether the machine was started anew since another process had it.
func lockFolder(path, boot string) (f *os.File, restarted bool, err error) {
	f, err = os.OpenFile(filepath.Join(path, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, false, err
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
		return nil, false, err
	}
	restarted = boot != "" && len(words) == 2 && words[1] != boot
	_, _ = f.WriteAt(fmt.Appendf(nil, ownerFormat, os.Getpid(), boot), 0) // the lock holds without
	return f, restarted, nil
}

// bootID tells one run of the machine from the next; "" where that is not known.
func bootID() string {
	b, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(b))
}
