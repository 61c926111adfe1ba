package queue

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"eddy/internal/handoff"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore/disk"
	"eddy/internal/offpath/jobstore/memory"
)

func noop(context.Context, *job.Job) Outcome { return Outcome{} }

func benchJob(size int) *job.Job {
	return &job.Job{Body: job.Body{Handler: "h", Data: make([]byte, size)}}
}

// BenchmarkOffer is one push into a queue in memory, with so many jobs that wait at most.
func BenchmarkOffer(b *testing.B) {
	for _, backlog := range []int{100, 100_000} {
		b.Run(fmt.Sprintf("backlog=%d", backlog), func(b *testing.B) {
			q, _ := Open(Options{Name: "q", Store: memory.New()})
			jobs := make([]*job.Job, 0, backlog)
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				if i%backlog == 0 {
					b.StopTimer()
					for {
						l, ok := q.Pop()
						if !ok {
							break
						}
						l.Done()
					}
					for jobs = jobs[:0]; len(jobs) < backlog; {
						jobs = append(jobs, benchJob(100))
					}
					b.StartTimer()
				}
				if _, why := q.Offer(Push{Job: jobs[i%backlog]}); !why.OK() {
					b.Fatal(why)
				}
			}
		})
	}
}

// BenchmarkMemory is jobs that do nothing, from their push to their end.
func BenchmarkMemory(b *testing.B) {
	for _, workers := range []int{1, 4} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			q, _ := Open(Options{Name: "q", Store: memory.New(), Workers: workers, Retry: Retry{Retries: 8}, Runner: runs(noop), Bounds: handoff.Bounds{Entries: 10_000}})
			q.Start()
			b.ReportAllocs()
			for range b.N {
				for {
					if _, why := q.Offer(Push{Job: benchJob(100)}); why.OK() {
						break
					}
					runtime.Gosched()
				}
			}
			q.Stop(context.Background())
		})
	}
}

// BenchmarkPush is producers that wait until each of their jobs of 1 KiB is on the disk; nobody takes them.
func BenchmarkPush(b *testing.B) {
	each(b, func(b *testing.B, sync bool, producers int) { benchDisk(b, sync, producers, 0) })
}

// BenchmarkEndToEnd is the same with workers; it ends when all jobs have.
func BenchmarkEndToEnd(b *testing.B) {
	each(b, func(b *testing.B, sync bool, producers int) { benchDisk(b, sync, producers, 16) })
}

// BenchmarkBare is the same producers with the database alone: a batch with one entry of 1 KiB each, which it puts into groups.
func BenchmarkBare(b *testing.B) {
	each(b, func(b *testing.B, sync bool, producers int) {
		if !sync {
			b.Skip("it has no such thing")
		}
		db, err := pebble.Open(filepath.Join(b.TempDir(), "bare"), &pebble.Options{MemTableSize: 12 << 20, Logger: quiet{}})
		if err != nil {
			b.Fatal(err)
		}
		defer db.Close()
		data := make([]byte, 1024)
		var next atomic.Int64
		produce(b, producers, func() {
			batch := db.NewBatch()
			if err := batch.Set(fmt.Appendf(nil, "b%012d", next.Add(1)), data, nil); err != nil {
				b.Error(err)
			}
			if err := batch.Commit(pebble.Sync); err != nil {
				b.Error(err)
			}
		})
	})
}

type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(string, ...any) {}

func each(b *testing.B, f func(b *testing.B, sync bool, producers int)) {
	for _, sync := range []bool{true, false} {
		for _, producers := range []int{1, 64, 1024} {
			name := map[bool]string{true: "fsync", false: "os"}[sync]
			b.Run(fmt.Sprintf("%s/producers=%d", name, producers), func(b *testing.B) { f(b, sync, producers) })
		}
	}
}

// produce calls f b.N times from so many goroutines.
func produce(b *testing.B, producers int, f func()) {
	var all sync.WaitGroup
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ResetTimer()
	start := time.Now()
	for range producers {
		all.Go(func() {
			for left.Add(-1) >= 0 {
				f()
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "pushes/s")
}

func benchDisk(b *testing.B, sync bool, producers, workers int) {
	store, err := disk.Open(filepath.Join(b.TempDir(), "q"), disk.Options{Sync: sync})
	if err != nil {
		b.Fatal(err)
	}
	q, err := Open(Options{Name: "q", Store: store, Workers: workers, Retry: Retry{Retries: 8}, Runner: runs(noop)})
	if err != nil {
		b.Fatal(err)
	}
	q.Start()
	start := time.Now()
	produce(b, producers, func() {
		r, why := q.Offer(Push{Job: benchJob(1024)})
		if !why.OK() {
			b.Error(why)
			return
		}
		if err := q.Committed(context.Background(), r); err != nil {
			b.Error(err)
		}
	})
	for workers > 0 && q.Stats().Done < uint64(b.N) {
		time.Sleep(100 * time.Microsecond)
	}
	b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "jobs/s")
	b.ReportMetric(float64(b.N)/float64(max(q.Stats().Commits, 1)), "jobs/commit")
	q.Stop(context.Background())
}

func heapInUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkRestart opens a queue with a million jobs on a disk: until the first is done, until all are in order, and what memory
// they take then.
func BenchmarkRestart(b *testing.B) {
	path := filepath.Join(b.TempDir(), "q")
	const n = 1_000_000
	q := benchOpen(b, path, Options{Name: "q"})
	q.Start()
	for i := range n {
		j := benchJob(200)
		if i%4 == 0 {
			j.Key = fmt.Sprint("customer-", i%100_000)
		}
		for {
			if _, why := q.Offer(Push{Job: j}); why.OK() {
				break
			}
			time.Sleep(time.Millisecond)
		}
	}
	q.Stop(context.Background())
	for range b.N {
		before := heapInUse()
		b.ResetTimer()
		start := time.Now()
		first := make(chan struct{})
		var once sync.Once
		block := make(chan struct{})
		q := benchOpen(b, path, Options{Name: "q", Workers: 1, Retry: Retry{Retries: 8}, Runner: runs(func(context.Context, *job.Job) Outcome {
			once.Do(func() { close(first) })
			<-block
			return Outcome{}
		})})
		b.ReportMetric(time.Since(start).Seconds()*1e3, "ms-to-open")
		q.Start()
		<-first
		b.ReportMetric(time.Since(start).Seconds()*1e3, "ms-to-first")
		q.mu.Lock()
		loaded := q.loaded
		q.mu.Unlock()
		<-loaded
		b.ReportMetric(time.Since(start).Seconds()*1e3, "ms-to-all")
		b.StopTimer()
		b.ReportMetric(float64(heapInUse()-before)/n, "bytes/job")
		q.Pause()
		close(block)
		q.Stop(context.Background())
	}
}

func benchOpen(b *testing.B, path string, o Options) *Queue {
	start := time.Now()
	store, err := disk.Open(path, disk.Options{})
	b.ReportMetric(time.Since(start).Seconds()*1e3, "ms-store")
	if err != nil {
		b.Fatal(err)
	}
	o.Store = store
	q, err := Open(o)
	if err != nil {
		b.Fatal(err)
	}
	return q
}
