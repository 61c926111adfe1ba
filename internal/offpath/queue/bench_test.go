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

// BenchmarkOffer is one push into a queue in memory from which nobody takes; every 100,000 the queue is new.
func BenchmarkOffer(b *testing.B) {
	for _, key := range []string{"", "key"} {
		b.Run("key="+key, func(b *testing.B) {
			var q *Queue
			b.ReportAllocs()
			for i := range b.N {
				if i%100_000 == 0 {
					b.StopTimer()
					q, _ = Open(Options{Name: "q", Store: memory.New()})
					runtime.GC()
					b.StartTimer()
				}
				j := benchJob(100)
				j.Key = key
				if _, why := q.Offer(Push{Job: j}); !why.OK() {
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
			q, _ := Open(Options{Name: "q", Store: memory.New(), Workers: workers, Runner: runs(noop), Bounds: handoff.Bounds{Entries: 10_000}})
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
	q, err := Open(Options{Name: "q", Store: store, Workers: workers, Runner: runs(noop)})
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
