package disk

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
)

// faulty is a file system whose writing fails when f says so; kinds of files are those of the freezer.
func faulty(f func(k kind, op errorfs.Op) error) vfs.FS {
	return errorfs.Wrap(vfs.Default, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
			return nil
		}
		return f(kindOf(op.Path), op)
	}))
}

// Whatever is written may fail at any moment: a commit that succeeded is there, one that failed is not, and the store goes on
// when writing does.
func TestFaults(t *testing.T) {
	seeds := []uint64{2, rand.Uint64()}
	if testing.Short() {
		seeds = seeds[1:]
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { testFaults(t, seed) })
	}
}

func testFaults(t *testing.T, seed uint64) {
	var on atomic.Bool
	var count atomic.Uint64
	o := tiny(t)
	o.Log = nil
	o.Sync = seed%2 == 0
	o.patience = 50 * time.Millisecond
	o.fs = faulty(func(k kind, op errorfs.Op) error {
		n, one := count.Add(1), uint64(50)
		if k == table { // of which there are many writes for each
			one = 600
		}
		if on.Load() && rand.NewPCG(seed, n).Uint64()%one == 0 {
			return []error{syscall.EIO, syscall.ENOSPC}[n%2]
		}
		return nil
	})
	path := filepath.Join(t.TempDir(), "queue")
	s := mustOpen(t, path, o)
	const size = 2 << 10
	there := map[job.ID]bool{}
	heads := []job.Head{}
	r := rand.New(rand.NewPCG(seed, 0))
	next, failed := 1, 0
	on.Store(true)
	for range 100 {
		var changes []jobstore.Change
		first := next
		for range 1 + r.IntN(8) {
			changes = append(changes, addition(next, size))
			next++
		}
		var ended *job.Head
		if len(heads) > 0 && r.IntN(2) == 0 {
			ended = &heads[0]
			changes = append(changes, end(*ended)...)
		}
		if err := s.Commit(changes); err != nil {
			failed++
			next = first
			s.again = time.Time{} // the test does not wait
			continue
		}
		for _, c := range changes {
			if c.From.State == 0 {
				there[c.ID()] = true
				heads = append(heads, c.To)
			}
		}
		if ended != nil {
			delete(there, ended.ID)
			heads = heads[1:]
		}
	}
	holds(t, s, there, size)
	on.Store(false)
	s.again = time.Time{}
	c := addition(next, size)
	if err := s.Commit([]jobstore.Change{c}); err != nil {
		t.Fatalf("writing is possible again: %v", err)
	}
	there[c.ID()] = true
	holds(t, s, there, size)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	o.fs = nil
	holds(t, mustOpen(t, path, o), there, size)
	t.Logf("%d commits failed, %d operations", failed, count.Load())
}

// Tables that can't be written stop commits after a time, not for ever, and stop nothing else.
func TestTableFaults(t *testing.T) {
	var on atomic.Bool
	o := tiny(t)
	o.patience = 200 * time.Millisecond
	o.fs = faulty(func(k kind, op errorfs.Op) error {
		if on.Load() && k == table {
			return syscall.ENOSPC
		}
		return nil
	})
	s := mustOpen(t, filepath.Join(t.TempDir(), "queue"), o)
	on.Store(true)
	const size = 16 << 10
	there := map[job.ID]bool{}
	next := 1
	err := fillUp(t, s, &next, size, there)
	var full *jobstore.FullError
	if !errors.As(err, &full) {
		t.Fatalf("the error is %v", err)
	}
	if most := int(4*s.memtable()) / size; len(there) > most {
		t.Fatalf("%d jobs wait in memory, more than %d", len(there), most)
	}
	holds(t, s, there, size)
	on.Store(false)
	eventually(t, "room", func() bool {
		c := addition(next, size)
		if s.Commit([]jobstore.Change{c}) != nil {
			return false
		}
		there[c.ID()] = true
		return true
	})
	holds(t, s, there, size)
}

// A file system that becomes read-only, as they do after an error of the disk.
func TestBecomesReadOnly(t *testing.T) {
	var on atomic.Bool
	o := tiny(t)
	o.fs = faulty(func(kind, errorfs.Op) error {
		if on.Load() {
			return syscall.EROFS
		}
		return nil
	})
	s := mustOpen(t, filepath.Join(t.TempDir(), "queue"), o)
	there := map[job.ID]bool{1: true}
	if err := s.Commit([]jobstore.Change{addition(1, 10)}); err != nil {
		t.Fatal(err)
	}
	on.Store(true)
	for range 3 {
		err := s.Commit([]jobstore.Change{addition(2, 10)})
		if !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), s.Path()) {
			t.Fatalf("the error is %v", err)
		}
		holds(t, s, there, 10)
	}
	on.Store(false)
	eventually(t, "writing", func() bool { return s.Commit([]jobstore.Change{addition(2, 10)}) == nil })
	there[2] = true
	holds(t, s, there, 10)
}

// TestDamaged changes bytes of each file in turn. Opening or reading says so, and what to do; nothing panics.
func TestDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "queue")
	o := tiny(t)
	o.Sync = true
	s := mustOpen(t, path, o)
	const size = 1 << 10
	next := 1
	for range 40 { // tables, and a log
		var changes []jobstore.Change
		for range 50 {
			changes = append(changes, addition(next, size))
			next++
		}
		if err := s.Commit(changes); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	names, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(names) // the newest of each kind
	seen := map[string]bool{}
	for _, name := range names {
		what := strings.TrimRight(name.Name(), "0123456789-")
		if ext := filepath.Ext(name.Name()); ext != "" {
			what = ext
		}
		info, err := name.Info()
		if err != nil || info.Size() == 0 || name.Name() == ownerName || seen[what] {
			continue
		}
		seen[what] = true
		for _, how := range []string{"bytes", "shorter", "gone", "zeros"} {
			t.Run(name.Name()+"/"+how, func(t *testing.T) {
				copied := filepath.Join(t.TempDir(), "queue")
				if err := os.CopyFS(copied, os.DirFS(path)); err != nil {
					t.Fatal(err)
				}
				harm(t, filepath.Join(copied, name.Name()), how)
				s, err := Open(copied, o)
				n := 0
				if err == nil {
					n, err = readAll(s)
					if closeErr := s.Close(); closeErr != nil {
						t.Logf("closing: %v", closeErr)
					}
				}
				var d *DamagedError
				switch {
				case err == nil: // nothing in there was needed
					if n != next-1 {
						t.Errorf("nobody noticed that there are %d jobs", n)
					}
				case strings.Count(err.Error(), "damaged") != 1:
					t.Errorf("it is said more than once: %v", err)
				case !errors.As(err, &d) || !strings.Contains(err.Error(), copied) || !strings.Contains(err.Error(), "move that folder away"):
					t.Errorf("the error is %T %v", err, err)
				}
			})
		}
	}
	if len(seen) < 4 {
		t.Fatalf("only %v", seen)
	}
}

func harm(t *testing.T, name, how string) {
	t.Helper()
	p, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	switch how {
	case "bytes":
		for i := len(p) / 3; i < len(p)/3+8 && i < len(p); i++ {
			p[i] ^= 0x5a
		}
	case "shorter":
		p = p[:len(p)/2]
	case "zeros":
		clear(p[len(p)/2:])
	case "gone":
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := os.WriteFile(name, p, 0o600); err != nil {
		t.Fatal(err)
	}
}

func readAll(s *Store) (n int, err error) {
	var first error
	err = s.Heads(job.Ready, job.Head{}, func(h job.Head) bool {
		n++
		_, first = s.Get(h.ID)
		return first == nil
	})
	return n, errors.Join(first, err)
}

// Another version's store is not touched.
func TestOtherLayout(t *testing.T) {
	path := filepath.Join(t.TempDir(), "queue")
	s := mustOpen(t, path, Options{Sync: true})
	m := s.meta.append(nil)
	m[0]++
	if err := s.current.Set([]byte{keyMeta}, m, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, options(t)); err == nil || !strings.Contains(err.Error(), "another version") {
		t.Fatalf("the error is %v", err)
	}
}

// After a machine ended, commits that were only with the operating system may be there in part: the store begins with what is
// whole, up to some commit.
func TestMachineEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "queue")
	o := tiny(t)
	o.boot = "one"
	var on atomic.Bool
	o.fs = faulty(func(k kind, op errorfs.Op) error {
		if on.Load() && k == table {
			return syscall.EIO // so that logs stay
		}
		return nil
	})
	s := mustOpen(t, path, o)
	on.Store(true)
	const size = 20 << 10
	next := 1
	logs := func() []string {
		list, _ := filepath.Glob(filepath.Join(path, "*.log"))
		return list
	}
	for len(logs()) < 3 {
		if err := s.Commit([]jobstore.Change{addition(next, size)}); err != nil {
			t.Fatal(err)
		}
		next++
	}
	copied := filepath.Join(t.TempDir(), "queue")
	if err := os.CopyFS(copied, os.DirFS(path)); err != nil {
		t.Fatal(err)
	}
	list, _ := filepath.Glob(filepath.Join(copied, "*.log"))
	torn := list[len(list)-2]
	info, err := os.Stat(torn)
	if err != nil {
		t.Fatal(err)
	}
	p, err := os.ReadFile(torn)
	if err != nil {
		t.Fatal(err)
	}
	clear(p[info.Size()/4:])
	if err := os.WriteFile(torn, p, 0o600); err != nil {
		t.Fatal(err)
	}
	o.fs = nil
	var d *DamagedError
	if _, err := Open(copied, o); !errors.As(err, &d) {
		t.Fatalf("in the same run of the machine: %v", err)
	}
	o.boot = "two"
	s = mustOpen(t, copied, o)
	last := int(s.Last())
	if last == 0 || last >= next-1 {
		t.Fatalf("%d of %d jobs", last, next-1)
	}
	there := map[job.ID]bool{}
	for n := 1; n <= last; n++ {
		there[job.ID(n)] = true
	}
	holds(t, s, there, size)
}
