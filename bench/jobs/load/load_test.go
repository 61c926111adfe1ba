package load

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// chanQueue is a subject in memory.
type chanQueue struct {
	c     chan []byte
	err   error
	twice bool
	n     atomic.Int64
}

func (q *chanQueue) Push(ctx context.Context, _ int, payload []byte) error {
	if q.n.Add(1) > 50 && q.err != nil {
		return q.err
	}
	select {
	case q.c <- payload:
	case <-ctx.Done():
	}
	return ctx.Err()
}

func (q *chanQueue) Work(ctx context.Context, _ int, done func()) error {
	for {
		select {
		case <-q.c:
			done()
			if q.twice {
				done()
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (*chanQueue) Close() error { return nil }

func TestPushes(t *testing.T) {
	q := &chanQueue{c: make(chan []byte, 1<<20)}
	r, err := Measure(t.Context(), q, Plan{Producers: 3, Payload: 100, Length: 20 * time.Millisecond})
	if err != nil || r.N == 0 || r.N > int(q.n.Load()) || r.P99 < r.P50 || r.Rate != float64(r.N)/0.02 {
		t.Errorf("%+v, %v", r, err)
	}
	if len(<-q.c) != 100 {
		t.Error("the payload has another size")
	}
}

func TestJobs(t *testing.T) {
	for _, twice := range []bool{false, true} {
		q := &chanQueue{c: make(chan []byte, 1<<20), twice: twice}
		r, err := Measure(t.Context(), q, Plan{Producers: 3, Workers: 1, Payload: 100, Length: 20 * time.Millisecond})
		if err != nil || r.N == 0 || r.N != int(q.n.Load()) || r.Rate <= 0 || !twice && len(q.c) > 0 {
			t.Errorf("%+v, %v, %d left", r, err, len(q.c))
		}
	}
}

func TestErrors(t *testing.T) {
	for _, workers := range []int{0, 1} {
		q := &chanQueue{c: make(chan []byte, 1<<20), err: errors.New("no room")}
		if _, err := Measure(t.Context(), q, Plan{Producers: 2, Workers: workers, Length: time.Minute}); err == nil || err.Error() != "push: no room" {
			t.Errorf("said %v", err)
		}
	}
	if _, err := Measure(t.Context(), pushOnly{}, Plan{Producers: 2, Workers: 1, Length: time.Minute}); !errors.Is(err, ErrNoWork) {
		t.Errorf("said %v", err)
	}
	if err := command(t.Context(), map[string]Open{"a": nil}, "b", "", "", Plan{}); err == nil || !strings.Contains(err.Error(), "[a]") {
		t.Errorf("said %v", err)
	}
}

type pushOnly struct{}

func (pushOnly) Push(ctx context.Context, _ int, _ []byte) error {
	time.Sleep(time.Millisecond)
	return ctx.Err()
}
func (pushOnly) Work(context.Context, int, func()) error { return ErrNoWork }
func (pushOnly) Close() error                            { return nil }
