// Package load drives one queue at a time the way a program would, and measures it: so many producers that each wait for
// one push after the other, and workers that have nothing to do. eddy's own queues and those it is compared with are
// driven by the same code.
package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Subject is a queue under test. Its methods may be called from many goroutines at once.
type Subject interface {
	// Push returns when the job is as safe as the queue promises. producer counts from 0.
	Push(ctx context.Context, producer int, payload []byte) error
	// Work does jobs that have nothing to do on so many workers, and calls done after each, until ctx is over.
	Work(ctx context.Context, workers int, done func()) error
	// Close ends it, and the goroutines that it began.
	Close() error
}

// ErrNoWork is what a Subject gives that can only be pushed to.
var ErrNoWork = errors.New("it has no workers")

// Plan says what to measure.
type Plan struct {
	Producers int
	Workers   int           // 0: only pushes
	Payload   int           // bytes of a job
	Warm      time.Duration // pushes that do not count, before
	Length    time.Duration
}

// Result is what a measurement gave.
type Result struct {
	Rate float64       // pushes, or jobs from the push to their end, in a second
	P50  time.Duration // of a push
	P99  time.Duration
	Mean time.Duration
	N    int // what was counted
}

// backlog bounds the jobs that wait while workers run: what is measured is the way through the queue, not a queue that
// only fills.
const backlog = 10_000

// patience is how long the jobs that wait at the end may take.
const patience = 2 * time.Minute

// Measure drives s as the plan says.
func Measure(ctx context.Context, s Subject, p Plan) (Result, error) {
	if p.Workers == 0 {
		return pushes(ctx, s, p)
	}
	return jobs(ctx, s, p)
}

// Payload makes text that does not compress well, the same every time.
func Payload(size int) []byte {
	const letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"
	r := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, size)
	for i := range b {
		b[i] = letters[r.IntN(len(letters))]
	}
	return b
}

// pushes counts those that ended within the measured time.
func pushes(ctx context.Context, s Subject, p Plan) (Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	took := make([][]time.Duration, p.Producers)
	begin := time.Now().Add(p.Warm)
	end := begin.Add(p.Length)
	var wg sync.WaitGroup
	for i := range p.Producers {
		wg.Go(func() {
			payload := Payload(p.Payload)
			for ctx.Err() == nil {
				from := time.Now()
				if from.After(end) {
					return
				}
				if err := s.Push(ctx, i, payload); err != nil {
					cancel(fmt.Errorf("push: %w", err))
					return
				}
				if to := time.Now(); from.After(begin) && to.Before(end) {
					took[i] = append(took[i], to.Sub(from))
				}
			}
		})
	}
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		return Result{}, err
	}
	return Summary(took, p.Length), nil
}

// Summary is the result of what each of several goroutines measured in a time.
func Summary(took [][]time.Duration, length time.Duration) Result {
	all := slices.Concat(took...)
	return Result{Rate: float64(len(all)) / length.Seconds(), P50: quantile(all, 0.50), P99: quantile(all, 0.99), Mean: mean(all), N: len(all)}
}

// jobs counts those that were pushed and done, from the first push to the end of the last job.
func jobs(ctx context.Context, s Subject, p Plan) (Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	working, enough := context.WithCancel(ctx)
	defer enough()
	room := make(chan struct{}, backlog) // a token for each job that is not done
	var pushed, done atomic.Int64
	var work sync.WaitGroup
	work.Go(func() {
		err := s.Work(working, p.Workers, func() {
			done.Add(1)
			select {
			case <-room:
			default: // a queue may do a job twice
			}
		})
		if err != nil && working.Err() == nil {
			cancel(fmt.Errorf("work: %w", err))
		}
	})
	begin := time.Now()
	end := begin.Add(p.Length)
	var wg sync.WaitGroup
	for i := range p.Producers {
		wg.Go(func() {
			payload := Payload(p.Payload)
			for time.Now().Before(end) {
				select {
				case room <- struct{}{}:
				case <-ctx.Done():
					return
				}
				if err := s.Push(ctx, i, payload); err != nil {
					cancel(fmt.Errorf("push: %w", err))
					return
				}
				pushed.Add(1)
			}
		})
	}
	wg.Wait()
	last := time.Now()
	for giveUp := last.Add(patience); done.Load() < pushed.Load() && ctx.Err() == nil; last = time.Now() {
		if last.After(giveUp) {
			cancel(fmt.Errorf("%d of %d jobs were not done after %v", pushed.Load()-done.Load(), pushed.Load(), patience))
		}
		time.Sleep(time.Millisecond)
	}
	enough()
	work.Wait()
	if err := context.Cause(ctx); err != nil {
		return Result{}, err
	}
	n := int(pushed.Load())
	return Result{Rate: float64(n) / last.Sub(begin).Seconds(), N: n}, nil
}

// quantile of durations, which it sorts.
func quantile(d []time.Duration, q float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[int(q*float64(len(d)-1))]
}

func mean(d []time.Duration) time.Duration {
	var sum time.Duration
	for _, v := range d {
		sum += v
	}
	return sum / time.Duration(max(len(d), 1))
}
