package disk

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
)

// BenchmarkCommit adds jobs of 1 KiB in groups, and, in turns with that, writes the same entries into a database as it is: what
// else goes on in the machine meets both. "of-bare" is the speed as a part of the bare one's, "of-bare-median" that of the
// commit in the middle.
func BenchmarkCommit(b *testing.B) {
	for _, sync := range []bool{true, false} {
		for _, n := range []int{1, 64, 1024} {
			name := map[bool]string{true: "fsync", false: "os"}[sync]
			b.Run(fmt.Sprintf("%s/jobs=%d", name, n), func(b *testing.B) { benchCommit(b, n, sync) })
		}
	}
}

func benchCommit(b *testing.B, n int, sync bool) {
	s, err := Open(filepath.Join(b.TempDir(), "q"), Options{Sync: sync})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	bare, err := pebble.Open(filepath.Join(b.TempDir(), "bare"), &pebble.Options{MemTableSize: 12 << 20, Logger: quiet{}, FS: lazyFS{vfs.Default, !sync}})
	if err != nil {
		b.Fatal(err)
	}
	defer bare.Close()
	id := 0
	data := pattern(1, 1024)
	changes := make([]jobstore.Change, n)
	commit := func() error { return s.Commit(changes) }
	commitBare := func() error {
		batch := bare.NewBatch()
		for i := range changes {
			c := &changes[i]
			_ = batch.Set(headKey(nil, job.Ready, 0, c.ID()), appendHead(nil, &c.To), nil)
			_ = batch.Set(idKey(nil, keyBody, c.ID()), data, nil)
		}
		return batch.Commit(pebble.Sync)
	}
	var ours, theirs times
	b.ResetTimer()
	for round := range b.N {
		for i := range changes {
			id++
			j := &job.Job{Body: job.Body{Queue: "q", Handler: "h", Data: data}}
			j.Head = job.Head{ID: job.ID(id), State: job.Ready, Size: 1200}
			changes[i] = jobstore.Change{Job: j, To: j.Head}
		}
		if round%2 == 0 {
			ours.take(b, commit)
			theirs.take(b, commitBare)
		} else {
			theirs.take(b, commitBare)
			ours.take(b, commit)
		}
	}
	b.ReportMetric(float64(n)/ours.mean().Seconds(), "jobs/s")
	b.ReportMetric(float64(n)/theirs.mean().Seconds(), "bare-jobs/s")
	b.ReportMetric(theirs.mean().Seconds()/ours.mean().Seconds(), "of-bare")
	b.ReportMetric(theirs.median().Seconds()/ours.median().Seconds(), "of-bare-median")
	b.ReportMetric(float64(ours.median().Nanoseconds())/1000, "µs-median")
}

type times []time.Duration

func (t *times) take(b *testing.B, f func() error) {
	start := time.Now()
	if err := f(); err != nil {
		b.Fatal(err)
	}
	*t = append(*t, time.Since(start))
}

func (t times) mean() (sum time.Duration) {
	for _, d := range t {
		sum += d
	}
	return sum / time.Duration(len(t))
}

func (t times) median() time.Duration {
	slices.Sort(t)
	return t[len(t)/2]
}

// lazyFS is the real file system, whose logs don't sync when lazy: the least that lets a commit survive the process.
type lazyFS struct {
	vfs.FS
	lazy bool
}

func (l lazyFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := l.FS.Create(name, c)
	if l.lazy && err == nil && kindOf(name) == wal {
		return lazyFile{f}, nil
	}
	return f, err
}

func (l lazyFS) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := l.FS.ReuseForWrite(old, name, c)
	if l.lazy && err == nil && kindOf(name) == wal {
		return lazyFile{f}, nil
	}
	return f, err
}

type lazyFile struct{ vfs.File }

func (lazyFile) Sync() error     { return nil }
func (lazyFile) SyncData() error { return nil }

type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(string, ...any) {}

// BenchmarkMillion opens a store with a million jobs of 1 KiB that are ready.
func BenchmarkMillion(b *testing.B) {
	path := os.Getenv("EDDY_BENCH_STORE") // made once, for looking at memory in a process that did not fill it
	if path == "" {
		path = filepath.Join(b.TempDir(), "q")
	}
	fill(b, path, 1_000_000)
	var open, first, all time.Duration
	b.ResetTimer()
	for range b.N {
		start := time.Now()
		s, err := Open(path, Options{Sync: true})
		if err != nil {
			b.Fatal(err)
		}
		open += time.Since(start)
		n := 0
		if err := s.Heads(job.Ready, job.Head{}, func(job.Head) bool {
			if n++; n == 1000 {
				first += time.Since(start)
			}
			return true
		}); err != nil || n < 1_000_000 {
			b.Fatal(n, err)
		}
		all += time.Since(start)
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 / float64(b.N) }
	b.ReportMetric(ms(open), "ms-open")
	b.ReportMetric(ms(first), "ms-first-1000")
	b.ReportMetric(ms(all), "ms-all")
	b.ReportMetric(resident(b), "MB-resident")
}

func fill(b *testing.B, path string, most int) {
	b.Helper()
	s, err := Open(path, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	var changes []jobstore.Change
	for n := int(s.Last()) + 1; n <= most; n++ {
		changes = append(changes, addition(n, 1024))
		if len(changes) == 1000 || n == most {
			if err := s.Commit(changes); err != nil {
				b.Fatal(err)
			}
			changes = changes[:0]
		}
	}
}

func resident(b *testing.B) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	var kb float64
	_, _ = fmt.Sscan(rest, &kb)
	return kb / 1024
}

// BenchmarkLife is the whole way of jobs: added, taken, done, in groups of 64, with a queue of 100 groups.
func BenchmarkLife(b *testing.B) {
	s, err := Open(filepath.Join(b.TempDir(), "q"), Options{Sync: false})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	id := 0
	data := pattern(1, 1024)
	var queue [][]job.Head
	b.ResetTimer()
	for range b.N {
		var changes []jobstore.Change
		var group []job.Head
		for range 64 {
			id++
			j := &job.Job{Body: job.Body{Queue: "q", Handler: "h", Data: data}}
			j.Head = job.Head{ID: job.ID(id), State: job.Ready, Size: 1200}
			changes = append(changes, jobstore.Change{Job: j, To: j.Head})
			group = append(group, j.Head)
		}
		queue = append(queue, group)
		if len(queue) > 100 {
			for _, h := range queue[0] {
				if _, err := s.Get(h.ID); err != nil {
					b.Fatal(err)
				}
				run, done := h, h
				run.State, done.State = job.Running, job.Done
				changes = append(changes, jobstore.Change{From: h, To: run}, jobstore.Change{From: run, To: done})
			}
			queue = queue[1:]
		}
		if err := s.Commit(changes); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(64*float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
}
