package async

import (
	"context"
	"syscall"
	"testing"
	"time"

	"eddy/internal/handoff"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/queue"
	"eddy/internal/script/vm"
)

// BenchmarkPush is what a push into a memory queue costs a script, without what takes the jobs. The loop is in Lua; "loop" is
// the loop alone.
func BenchmarkPush(b *testing.B) {
	for _, bb := range []struct{ name, body string }{
		{"loop", `local j = { handler = "echo", data = "hello" }`},
		{"string", `q:push{ handler = "echo", data = "hello" }`},
		{"string of 1 KiB", `q:push{ handler = "echo", data = kib }`},
		{"table", `q:push{ handler = "echo", data = { id = i, name = "n" } }`},
		{"key and retries", `q:push{ handler = "echo", data = "hello", key = "customer-7", retries = 3, timeout = 10 }`},
	} {
		b.Run(bb.name, func(b *testing.B) {
			r := load(b, handlers+"\nkib = string.rep('x', 1024)", setup{stopped: true,
				queues: []queue.Options{{Name: "room", Workers: 1, Bounds: handoff.Bounds{Entries: 2 * pushesAtOnce, Bytes: 1 << 30}}}})
			q := r.queue("room")
			q.Start()
			q.Pause()
			fn, err := r.state.Load("=bench", "local q = async.queue('room') for i = 1, ... do "+bb.body+" end")
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			var spent time.Duration
			for left := b.N; left > 0; left -= pushesAtOnce {
				b.StopTimer()
				q.Purge(job.Ready)
				run := vm.Run{Fn: fn, Kind: vm.KindAction, Owner: &Frame{}, Args: []vm.Value{vm.Int(int64(min(left, pushesAtOnce)))}}
				began := processorTime()
				b.StartTimer()
				if err := r.state.Run(context.Background(), &run); err != nil {
					b.Fatal(err)
				}
				spent += processorTime() - began
			}
			b.ReportMetric(float64(spent)/float64(b.N), "cpu-ns/op")
		})
	}
}

const pushesAtOnce = 20_000

// processorTime is what the process has computed so far, garbage collection and all: the figure that counts on a busy machine.
func processorTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
