package disk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
)

// small mounts a file system of the test's own.
func small(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("a small file system can't be mounted here (root can): %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir
}

// eventually tries until it is so.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !f(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came: %s", what)
		}
	}
}

// holds checks that the store has exactly these jobs, whole.
func holds(t *testing.T, s *Store, want map[job.ID]bool, size int) {
	t.Helper()
	n := 0
	if err := s.Heads(job.Ready, job.Head{}, func(h job.Head) bool {
		n++
		j, err := s.Get(h.ID)
		if err != nil || string(j.Data) != string(pattern(int(h.ID), size)) {
			t.Errorf("job %d: %v", h.ID, err)
		}
		if !want[h.ID] {
			t.Errorf("job %d is there, and was never accepted, or is done", h.ID)
		}
		return !t.Failed()
	}); err != nil {
		t.Fatal(err)
	}
	if n != len(want) || s.Totals().Jobs[job.Ready] != int64(n) {
		t.Fatalf("%d jobs are there, %d by the totals, wanted %d", n, s.Totals().Jobs[job.Ready], len(want))
	}
}

// end takes a job and ends it.
func end(h job.Head) []jobstore.Change {
	run, done := h, h
	run.State, done.State = job.Running, job.Done
	return []jobstore.Change{{From: h, To: run}, {From: run, To: done}}
}

// fillUp adds jobs until they are refused.
func fillUp(t *testing.T, s *Store, next *int, size int, there map[job.ID]bool) error {
	t.Helper()
	for range 100_000 {
		c := addition(*next, size)
		if err := s.Commit([]jobstore.Change{c}); err != nil {
			return err
		}
		there[c.ID()] = true
		*next++
	}
	t.Fatal("the disk is never full")
	return nil
}

func TestFullDisk(t *testing.T) {
	dir := small(t, "24m")
	const size = 16 << 10
	o := tiny(t)
	path := filepath.Join(dir, "queue")
	s := mustOpen(t, path, o)
	there := map[job.ID]bool{}
	next := 1
	for range 2 {
		err := fillUp(t, s, &next, size, there)
		var full *jobstore.FullError
		if !errors.As(err, &full) || !strings.Contains(err.Error(), path) {
			t.Fatalf("the disk is full, and the error is %v", err)
		}
		// What jobs had that are done comes back bit by bit.
		eventually(t, "room for 200 jobs", func() bool {
			if err = fillUp(t, s, &next, size, there); !errors.As(err, &full) {
				t.Fatal(err)
			}
			return len(there) >= 200
		})
		holds(t, s, there, size)
		// It is opened as it is.
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = mustOpen(t, path, o)
		holds(t, s, there, size)
		// Jobs can end, and then there is room.
		endAll(t, s, there)
		addOne(t, s, &next, size, there)
	}
	holds(t, s, there, size)
}

// endAll ends all jobs.
func endAll(t *testing.T, s *Store, there map[job.ID]bool) {
	t.Helper()
	for id := range there {
		j, err := s.Get(id)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Commit(end(j.Head)); err != nil {
			t.Fatalf("a job can't end: %v", err)
		}
		delete(there, id)
	}
}

// addOne adds a job as soon as the store takes one.
func addOne(t *testing.T, s *Store, next *int, size int, there map[job.ID]bool) {
	t.Helper()
	c := addition(*next, size)
	eventually(t, "room for a job", func() bool { return s.Commit([]jobstore.Change{c}) == nil })
	there[c.ID()] = true
	*next++
}

// Somebody else takes the last byte, faster than the reserve can tell.
func TestDiskTakenByOthers(t *testing.T) {
	dir := small(t, "16m")
	const size = 8 << 10
	o := tiny(t)
	o.Sync = true
	var lie atomic.Bool // somebody takes it between the look and the writing
	o.free = func(path string) (int64, int64, error) {
		if lie.Load() {
			return 1 << 40, 1 << 40, nil
		}
		return statfs(path)
	}
	path := filepath.Join(dir, "queue")
	s := mustOpen(t, path, o)
	there := map[job.ID]bool{}
	next := 1
	for _, restarted := range []bool{false, true} {
		for range 100 {
			addOne(t, s, &next, size, there)
		}
		filler := takeAll(t, dir)
		lie.Store(true)
		err := fillUp(t, s, &next, size, there)
		lie.Store(false)
		var full *jobstore.FullError
		if !errors.As(err, &full) {
			t.Fatalf("the disk is full, and the error is %v", err)
		}
		holds(t, s, there, size)
		if err := s.Commit([]jobstore.Change{addition(next, size)}); !errors.As(err, &full) {
			t.Fatalf("then the error is %v", err)
		}
		if restarted { // the process starts again on the full disk
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = mustOpen(t, path, o)
			holds(t, s, there, size)
		}
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		addOne(t, s, &next, size, there)
		holds(t, s, there, size)
		endAll(t, s, there) // so that the next round has room
	}
}

func takeAll(t *testing.T, dir string) string {
	t.Helper()
	name := filepath.Join(dir, "filler")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, n := range []int{1 << 20, 4 << 10} {
		for {
			if _, err := f.Write(make([]byte, n)); errors.Is(err, syscall.ENOSPC) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
	return name
}

func TestNoRoomToBegin(t *testing.T) {
	dir := small(t, "1m")
	takeAll(t, dir)
	_, err := Open(filepath.Join(dir, "queue"), options(t))
	var full *jobstore.FullError
	if !errors.As(err, &full) {
		t.Fatalf("the error is %v", err)
	}
}

func TestReadOnly(t *testing.T) {
	dir := small(t, "64m")
	path := filepath.Join(dir, "queue")
	s := mustOpen(t, path, options(t))
	if err := s.Commit([]jobstore.Change{addition(1, 10)}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, filepath.Join(dir, "other")} {
		_, err := Open(p, options(t))
		if err == nil || !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), p) || !strings.Contains(err.Error(), "not read-only") {
			t.Errorf("the error is %v", err)
		}
	}
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT, ""); err != nil {
		t.Fatal(err)
	}
	holds(t, mustOpen(t, path, options(t)), map[job.ID]bool{1: true}, 10)
}

func TestInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "queue")
	s := mustOpen(t, path, options(t))
	_, err := Open(path, options(t))
	var inUse *InUseError
	if !errors.As(err, &inUse) || inUse.PID != os.Getpid() || !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) {
		t.Fatalf("the error is %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, path, options(t))
}

func TestFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "queue")
	mustOpen(t, path, options(t))
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o700 {
		t.Fatalf("the folder is %v, %v", info, err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file, options(t)); err == nil || !strings.Contains(err.Error(), file) {
		t.Fatalf("a file in the place of the folder: %v", err)
	}
}
