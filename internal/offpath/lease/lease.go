// Package lease passes the queues on the disk from one process to the next, so that no job is lost by a reload and none runs
// twice at once.
//
// A folder of queues has one owner: the process that holds the lock of the file owner.lock. It listens on owner.sock beside
// it. A process that is to replace the owner takes over in these steps:
//
//	new process                           old process
//	Take: asks, naming whom it replaces → its queues stop giving out jobs, write what waits, close their stores (HandOver)
//	has the lock, and the leases        ← passes the lock itself, and the ids of the jobs that still run
//	Open: opens the stores              → (pushes wait)
//	says so                             → goes on as a guest (GoOn): what is pushed there, and how its jobs end, it tells the
//	serves                              ←   new owner, over the same connection, until it has drained
//
// Jobs that a guest has are not given out by the owner. When the connection of a guest ends, what it had not ended is lost
// with it: those jobs are ready again, and counted as redelivered. When the owner dies and its guest is still there, the guest
// takes the folder back. The lock is passed as a descriptor and is never free in between; only the death of its holder frees
// it.
//
// A guest may have guests of its own, when one process after the other is replaced quickly: it passes on what they tell.
package lease

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"eddy/internal/offpath/job"
	"eddy/internal/offpath/queue"
)

// Queue is what is asked of a queue on the disk; *queue.Queue has it.
type Queue interface {
	Name() string
	// HandOver lets go of the store, and says which jobs run here. GoOn or a new Attach follows.
	HandOver(ctx context.Context) (running []job.ID, err error)
	GoOn(a queue.Away)
	Offer(p queue.Push) (queue.Receipt, queue.Refused)
	Committed(ctx context.Context, r queue.Receipt) error
	// Ended tells the end of a job that another process had, Lost that it will never be told.
	Ended(id job.ID, o queue.Outcome) error
	Lost(ids []job.ID)
}

// Member is a queue with the way to its store.
type Member struct {
	Queue Queue
	// Attach opens the store and gives it to the queue. The jobs leased run in other processes. It is called again when the
	// queue comes back from a successor that failed. An error of it fails Open.
	Attach func(leased []job.ID) error
}

// Options of Take and Check.
type Options struct {
	Dir   string // the folder of the queues, which is there
	State string // what the configuration calls it, for messages: the state-dir
	// Relieves are the processes that may be asked for the queues (-sf, -st, the older workers of a master). A worker also
	// gives them when its master is named.
	Relieves []int
	Queues   []string // names of those that are wanted; the old process keeps the others until it ends
	Log      func(text string)
}

// Bounds of waiting.
const (
	pollEvery      = 10 * time.Millisecond
	transition     = 5 * time.Second // how long a folder may be without anybody who answers, while its lock is held
	handOverLimit  = 30 * time.Second
	handshakeLimit = 10 * time.Second
)

// UsedError says that another process has the folder, and was not named as one to be replaced.
type UsedError struct {
	State string
	PID   int // 0: not known
}

func (e *UsedError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("state-dir %s is used by another process: replace it with -sf PID, or choose another state-dir", e.State)
	}
	return fmt.Sprintf("state-dir %s is used by process %d: replace it with -sf %d, or choose another state-dir", e.State, e.PID, e.PID)
}

// Check says why Take would fail, as far as that can be told without changing anything: a *UsedError.
func Check(ctx context.Context, o Options) error {
	if _, err := os.Stat(o.lockPath()); errors.Is(err, os.ErrNotExist) {
		return nil // and the lock is not to be made here: who it belongs to is not known yet
	}
	_, err := o.acquire(ctx, true)
	return err
}

// Take makes this process the owner of the folder: at once when nobody has it, else in place of a process that it relieves,
// which has handed its queues over when Take returns. It waits for a process that stops already, until ctx ends. Open, or
// Close, is to follow soon: until then pushes wait in the old process.
func Take(ctx context.Context, o Options) (*Holder, error) {
	if o.Log == nil {
		o.Log = func(string) {}
	}
	return o.acquire(ctx, false)
}

// acquire is Take, or with probe Check.
func (o *Options) acquire(ctx context.Context, probe bool) (*Holder, error) {
	silent := time.Time{} // since when the lock is held and nobody answers
	for {
		lock, err := tryLock(o.lockPath())
		if err != nil {
			return nil, fmt.Errorf("state-dir %s: %w", o.State, err)
		}
		if lock != nil && probe {
			return nil, lock.Close()
		}
		if lock != nil {
			return newHolder(o, lock, nil, nil), nil
		}
		h, again, err := o.ask(ctx, probe)
		if !again {
			return h, err
		}
		switch now := time.Now(); {
		case err == nil: // it answers, and stops already
			silent = time.Time{}
		case silent.IsZero():
			silent = now
		case now.Sub(silent) > transition:
			return nil, &UsedError{o.State, lockedBy(o.lockPath())}
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("state-dir %s: %w: %w", o.State, context.Cause(ctx), &UsedError{o.State, lockedBy(o.lockPath())})
		case <-time.After(pollEvery):
		}
	}
}

// ask asks the owner for the folder. again says that it is to be tried again: nobody answered, which is an error, or the owner
// is about to end.
func (o *Options) ask(ctx context.Context, probe bool) (h *Holder, again bool, err error) {
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: o.sockPath(), Net: "unix"})
	if err != nil {
		return nil, true, err
	}
	l := newLink(c)
	defer func() {
		if h == nil {
			l.close()
		}
	}()
	pid, err := l.peer()
	if err != nil {
		return nil, true, err
	}
	stop := context.AfterFunc(ctx, l.close)
	defer stop()
	hello := message{Kind: kindTakeover, Version: version, Relieves: o.Relieves, Names: o.Queues}
	if probe {
		hello.Kind = kindProbe
	}
	l.deadline(handOverLimit + handshakeLimit)
	if err := l.send(&hello); err != nil {
		return nil, true, err
	}
	var answer message
	if err := l.receive(&answer); err != nil {
		return nil, true, err // it died, or closed its door just now
	}
	switch {
	case answer.Version != version:
		return nil, false, fmt.Errorf("state-dir %s: process %d is an eddy of another version, which hands queues over in another way: stop it first", o.State, pid)
	case answer.Kind == kindStranger:
		return nil, false, &UsedError{o.State, pid}
	case answer.Kind == kindStopping:
		return nil, !probe, nil
	case answer.Kind == kindRefused:
		return nil, false, fmt.Errorf("state-dir %s: process %d does not hand its queues over: %s", o.State, pid, answer.Text)
	case answer.Kind != kindGiven:
		return nil, false, fmt.Errorf("state-dir %s: process %d gives an answer that is not understood", o.State, pid)
	case probe:
		return nil, false, nil
	}
	lock, err := l.receiveFile()
	if err != nil {
		return nil, true, err
	}
	l.deadline(0)
	return newHolder(o, lock, l, answer.Running), false, nil
}

func (o *Options) lockPath() string { return filepath.Join(o.Dir, "owner.lock") }
func (o *Options) sockPath() string { return filepath.Join(o.Dir, "owner.sock") }

// tryLock takes the lock; nil: somebody else has it.
func tryLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, err
	}
	switch err := flock(f); {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return nil, f.Close()
	case err != nil:
		return nil, errors.Join(fmt.Errorf("cannot lock %s: %w", path, err), f.Close())
	}
	return f, nil
}

// flock locks a file that was opened, without waiting. The lock goes with the open file: whoever gets the descriptor has it.
func flock(f *os.File) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var lockErr error
	if err := raw.Control(func(fd uintptr) { lockErr = syscall.Flock(int(fd), syscall.LOCK_EX|syscall.LOCK_NB) }); err != nil {
		return err
	}
	return lockErr
}

// sign writes this process's id into the lock's file, for messages of others.
func sign(lock *os.File) {
	text := strconv.Itoa(os.Getpid()) + "\n"
	if _, err := lock.WriteAt([]byte(text), 0); err == nil {
		_ = lock.Truncate(int64(len(text)))
	}
}

// lockedBy reads what sign wrote; 0: nothing of use.
func lockedBy(path string) int {
	b, _ := os.ReadFile(path)
	pid, _ := strconv.Atoi(strings.TrimSpace(string(b)))
	return pid
}

// meant tells whether one of the processes named is this one, or the one that started it.
func meant(pids []int) bool {
	return slices.Contains(pids, os.Getpid()) || os.Getppid() > 1 && slices.Contains(pids, os.Getppid())
}
