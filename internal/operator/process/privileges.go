package process

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Privileges are what a process gives up after it has opened its ports (configuration.txt §3.1).
type Privileges struct {
	User, Group string // names; "" when the number below is used
	UID, GID    int    // -1: not given
	Chroot      string
}

// Drop changes root folder, groups, group and user, in that order. The names are looked up before the root folder
// changes. It holds for all threads, and there is no way back.
func (p Privileges) Drop() error {
	uid, gid, err := p.resolve()
	if err != nil {
		return err
	}
	if p.Chroot != "" {
		if err := syscall.Chroot(p.Chroot); err != nil {
			return fmt.Errorf("chroot %s: %w", p.Chroot, needsRoot(err))
		}
		if err := os.Chdir("/"); err != nil {
			return fmt.Errorf("chroot %s: %w", p.Chroot, err)
		}
	}
	if (gid >= 0 || uid >= 0) && os.Geteuid() == 0 {
		groups := []int{}
		if gid >= 0 {
			groups = append(groups, gid)
		}
		if err := syscall.Setgroups(groups); err != nil {
			return fmt.Errorf("cannot drop the supplementary groups: %w", err)
		}
	}
	if gid >= 0 && gid != os.Getgid() {
		if err := syscall.Setgid(gid); err != nil {
			return fmt.Errorf("cannot become group %s: %w", p.groupName(), needsRoot(err))
		}
	}
	if uid >= 0 && uid != os.Getuid() {
		if err := syscall.Setuid(uid); err != nil {
			return fmt.Errorf("cannot become user %s: %w", p.userName(), needsRoot(err))
		}
	}
	return nil
}

// Check says why Drop would fail, as far as that can be told beforehand.
func (p Privileges) Check() error {
	uid, gid, err := p.resolve()
	if err != nil {
		return err
	}
	if p.Chroot != "" {
		st, err := os.Stat(p.Chroot)
		if err == nil && !st.IsDir() {
			err = syscall.ENOTDIR
		}
		if err == nil && os.Geteuid() != 0 {
			err = needsRoot(syscall.EPERM)
		}
		if err != nil {
			return fmt.Errorf("chroot: %w", err)
		}
	}
	if os.Geteuid() != 0 && (gid >= 0 && gid != os.Getgid() || uid >= 0 && uid != os.Getuid()) {
		return fmt.Errorf("cannot become user %s, group %s: %w", p.userName(), p.groupName(), needsRoot(syscall.EPERM))
	}
	return nil
}

// needsRoot adds what helps against a missing privilege.
func needsRoot(err error) error {
	if errors.Is(err, syscall.EPERM) {
		return fmt.Errorf("%w: it needs root", err)
	}
	return err
}

func (p Privileges) resolve() (uid, gid int, err error) {
	uid, gid = p.UID, p.GID
	if p.User != "" {
		u, err := user.Lookup(p.User)
		if err != nil {
			return 0, 0, fmt.Errorf("user %q does not exist on this machine", p.User)
		}
		uid, _ = strconv.Atoi(u.Uid)
	}
	if p.Group != "" {
		g, err := user.LookupGroup(p.Group)
		if err != nil {
			return 0, 0, fmt.Errorf("group %q does not exist on this machine", p.Group)
		}
		gid, _ = strconv.Atoi(g.Gid)
	}
	return uid, gid, nil
}

func (p Privileges) userName() string {
	if p.User != "" {
		return p.User
	}
	return strconv.Itoa(p.UID)
}

func (p Privileges) groupName() string {
	if p.Group != "" {
		return p.Group
	}
	return strconv.Itoa(p.GID)
}

// RaiseFileLimit lets the process have n open files. 0 leaves the limit alone.
func RaiseFileLimit(n int) error {
	if n <= 0 {
		return nil
	}
	var lim unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &lim); err != nil {
		return fmt.Errorf("cannot read the limit of open files: %w", err)
	}
	want := uint64(n)
	if lim.Cur == want {
		return nil
	}
	set := unix.Rlimit{Cur: want, Max: max(lim.Max, want)}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &set); err != nil {
		return fmt.Errorf("cannot set the limit of open files to %d (the hard limit is %d): %w", n, lim.Max, err)
	}
	return nil
}
