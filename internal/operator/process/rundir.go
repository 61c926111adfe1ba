package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// runDirs are the folders in which processes of this user meet, the preferred one first.
func runDirs() []string {
	temp := filepath.Join(os.TempDir(), "eddy-"+strconv.Itoa(os.Geteuid()))
	if os.Geteuid() == 0 {
		return []string{"/run/eddy", temp}
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		return []string{filepath.Join(dir, "eddy"), temp}
	}
	return []string{temp}
}

// makeRunDir makes the first of the folders that can be had, for its owner alone.
func makeRunDir() (string, error) {
	var errs []error
	for _, dir := range runDirs() {
		err := os.Mkdir(dir, 0o700)
		if err == nil || errors.Is(err, fs.ErrExist) {
			err = checkRunDir(dir)
		}
		if err == nil {
			return dir, nil
		}
		errs = append(errs, err)
	}
	return "", errors.Join(errs...)
}

// checkRunDir refuses a folder that others may write to: in a folder such as /tmp anybody can make one of that name.
func checkRunDir(dir string) error {
	st, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	owner, ok := st.Sys().(*syscall.Stat_t)
	if !st.IsDir() || !ok || int(owner.Uid) != os.Geteuid() || st.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s: not a folder of this user alone (mode 0700)", dir)
	}
	return nil
}

// gates gives the sockets of a process and of its children by their pids, as far as they are in the folders of this user.
func gates(pid int) map[int]string {
	found := map[int]string{}
	for _, dir := range runDirs() {
		if checkRunDir(dir) != nil {
			continue
		}
		files, _ := filepath.Glob(filepath.Join(dir, "*"+gateSuffix))
		for _, f := range files {
			id, err := strconv.Atoi(strings.TrimSuffix(filepath.Base(f), gateSuffix))
			if err == nil && found[id] == "" && (id == pid || parentOf(id) == pid) {
				found[id] = f
			}
		}
	}
	return found
}

// sweep removes what processes have left that were killed.
func sweep(dir string) {
	files, _ := filepath.Glob(filepath.Join(dir, "*"+gateSuffix))
	for _, f := range files {
		id, err := strconv.Atoi(strings.TrimSuffix(filepath.Base(f), gateSuffix))
		if err == nil && errors.Is(syscall.Kill(id, 0), syscall.ESRCH) {
			_ = os.Remove(f)
		}
	}
}

const gateSuffix = ".sock"
