package async

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"eddy/internal/offpath/job"
	"eddy/internal/script/vm"
)

// WorkersOptions describe the workers of an owner.
type WorkersOptions struct {
	Shared *Shared
	Owner  string
	// Max is how many states there are; 0: 1. A state runs one script at a time, and another while that one waits: more states
	// than processors gain nothing.
	Max int
	// Open makes a state with the owner's scripts in it, on the goroutine of a queue's worker. ctx ends when the workers are
	// closed.
	Open func(ctx context.Context) (*Worker, error)
	// MaxResult bounds a handler's result, in bytes as it is kept; 0: 1 MiB.
	MaxResult int
}

// Worker is a state for handlers.
type Worker struct {
	State *vm.State
	Desk  *Desk // installed with Options.Worker
	// Run calls a handler, or a function that was pushed, to its end. arg is its argument (vm.Run.Ready), j the job that it is
	// made of. While it runs, the lane's Site gives f as its Frame. nil: a vm.Run whose Owner is f. ErrExit may be returned as
	// it is.
	Run   func(ctx context.Context, fn vm.Ref, f *Frame, j *job.Job, arg []byte) ([]vm.Value, error)
	Close func() // ends the state and what belongs to it
}

// Workers are the states in which the handlers of an owner run. They are made when they are needed. Workers are the
// queue.Runner of the owner's handlers; its methods may be called from any goroutine.
type Workers struct {
	opts   WorkersOptions
	ctx    context.Context
	cancel context.CancelFunc

	mu     sync.Mutex
	seats  []*seat
	closed bool
}

// seat is a worker with those who use it.
type seat struct {
	busy   int
	ready  chan struct{} // closed when worker or err is there
	worker *Worker
	err    error
}

// NewWorkers makes no state yet.
func NewWorkers(o WorkersOptions) *Workers {
	if o.Max <= 0 {
		o.Max = 1
	}
	if o.MaxResult <= 0 {
		o.MaxResult = 1 << 20
	}
	w := &Workers{opts: o}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	return w
}

var errNoWorkers = errors.New("the scripts' workers have stopped")

// sit chooses the least busy state, or makes one while all are busy and there may be more.
func (w *Workers) sit(ctx context.Context) (*seat, error) {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return nil, errNoWorkers
	}
	var s *seat
	for _, have := range w.seats {
		if s == nil || have.busy < s.busy {
			s = have
		}
	}
	opens := s == nil || s.busy > 0 && len(w.seats) < w.opts.Max
	if opens {
		s = &seat{ready: make(chan struct{})}
		w.seats = append(w.seats, s)
	}
	s.busy++
	w.mu.Unlock()
	if opens {
		w.open(s)
	}
	select {
	case <-s.ready: // nearly always; ctx need not make a channel
	default:
		select {
		case <-s.ready:
		case <-ctx.Done():
			w.rise(s)
			return nil, context.Cause(ctx)
		}
	}
	if s.err != nil {
		w.rise(s)
		return nil, s.err
	}
	return s, nil
}

// open makes the state of a seat. One that can't be made loses its seat, so that the next one tries anew.
func (w *Workers) open(s *seat) {
	worker, err := w.opts.Open(w.ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil && w.closed {
		worker.Close()
		err = errNoWorkers
	}
	if err != nil {
		s.err = fmt.Errorf("a worker's Lua state can't be made: %w", err)
		for i, have := range w.seats {
			if have == s {
				w.seats = append(w.seats[:i:i], w.seats[i+1:]...)
				break
			}
		}
	}
	s.worker = worker
	close(s.ready)
}

func (w *Workers) rise(s *seat) {
	w.mu.Lock()
	s.busy--
	w.mu.Unlock()
}

// States are the states there are.
func (w *Workers) States() []*vm.State {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []*vm.State
	for _, s := range w.seats {
		if s.worker != nil {
			all = append(all, s.worker.State)
		}
	}
	return all
}

// Close ends the states. It belongs behind the end of the queues; what runs nevertheless is stopped.
func (w *Workers) Close() {
	w.cancel()
	w.mu.Lock()
	w.closed = true
	seats := w.seats
	w.seats = nil
	w.mu.Unlock()
	for _, s := range seats {
		<-s.ready
		if s.worker == nil {
			continue
		}
		s.worker.State.Kill()
		s.worker.Desk.Close()
		s.worker.Close()
	}
}

// Warm makes a state when there is none yet, and says what is wrong with it.
func (w *Workers) Warm(ctx context.Context) error {
	s, err := w.sit(ctx)
	if err == nil {
		w.rise(s)
	}
	return err
}

// Interrupt stops what runs in the states, at once. Close follows.
func (w *Workers) Interrupt() {
	w.cancel()
	for _, s := range w.States() {
		s.Kill()
	}
}
