package crash

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// mount puts a file system of the test's own into a folder, or skips the test where that is not permitted.
func mount(t *testing.T, source, dir, kind string, flags uintptr, options string) {
	t.Helper()
	if err := syscall.Mount(source, dir, kind, flags, options); err != nil {
		t.Skipf("no file system can be mounted here (this takes root): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil && !errors.Is(err, syscall.EINVAL) {
			t.Error(err)
		}
	})
}

// onSmallDisk moves the site's state folder to a file system in memory.
func (s *site) onSmallDisk(t *testing.T, size string) {
	t.Helper()
	disk := filepath.Join(s.dir, "disk")
	if err := os.Mkdir(disk, 0o700); err != nil {
		t.Fatal(err)
	}
	mount(t, "tmpfs", disk, "tmpfs", 0, "size="+size)
	s.moveState(filepath.Join(disk, "state"))
}

func (s *site) moveState(dir string) {
	s.state = dir
	s.env = append(s.env, "STATE_DIR="+dir)
}

// fill takes all the room that a folder's file system has; what it gives frees it.
func fill(t *testing.T, dir string) (free func()) {
	t.Helper()
	path := filepath.Join(dir, "ballast")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size >= 1<<12; {
		if _, err := f.Write(make([]byte, size)); errors.Is(err, syscall.ENOSPC) {
			size /= 2
		} else if err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
	}
}

// image is a disk in a file, which can break.
type image struct{ file, dir string }

// newImage makes a disk, and mounts it into a folder of the site for its state.
func newImage(t *testing.T, s *site) *image {
	t.Helper()
	i := &image{filepath.Join(s.dir, "image"), filepath.Join(s.dir, "disk")}
	if err := os.Mkdir(i.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(i.file)
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(f.Truncate(256<<20), f.Close())
	if err != nil {
		t.Fatal(err)
	}
	mustHave(t, "mkfs.ext4", "-q", i.file)
	i.mount(t)
	s.moveState(filepath.Join(i.dir, "state"))
	return i
}

func (i *image) mount(t *testing.T) {
	t.Helper()
	mustHave(t, "mount", "-o", "loop,errors=remount-ro", i.file, i.dir)
	t.Cleanup(func() { _ = exec.Command("umount", "-l", i.dir).Run() })
}

// breaks lets the file system find that its disk has failed: from now on it can only be read, even what is open already.
func (i *image) breaks(t *testing.T) {
	t.Helper()
	mustHave(t, "mount", "-o", "remount,abort", i.dir)
}

// replace puts a copy of the disk, as it is now, into its place, as after a repair.
func (i *image) replace(t *testing.T) {
	t.Helper()
	copied := i.file + "2"
	mustHave(t, "cp", "--sparse=always", i.file, copied)
	mustHave(t, "umount", "-l", i.dir)
	i.file = copied
	i.mount(t)
}

// mustHave runs a program, and skips the test where that fails: these need root, and devices.
func mustHave(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		t.Skipf("no disk of the test's own can be had here: %s: %v %s", strings.Join(args, " "), err, out)
	}
}
