package lease

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"eddy/internal/offpath/job"
)

// TestPass: the queue goes on to the next process while a job runs; nothing is lost, nothing runs twice.
func TestPass(t *testing.T) {
	b, dir := newBook(), t.TempDir()
	old := newProc(t, "old", dir, b).start()
	old.push("one", "two", "three")
	old.began("one", "two") // it has two workers
	next := newProc(t, "new", dir, b)
	if err := next.take(); err != nil {
		t.Fatal(err)
	}
	if n := next.h.Leased(); n != 2 {
		t.Errorf("%d jobs are leased", n)
	}
	pushed := make(chan error, 1)
	go func() { pushed <- offer(old.q, "four") }() // waits
	old.release("two")                             // its end, too
	old.ended("two")
	if err := next.open(); err != nil {
		t.Fatal(err)
	}
	if err := <-pushed; err != nil {
		t.Errorf("a push meanwhile: %v", err)
	}
	next.began("three", "four") // what is pushed while a store is read may come first
	old.push("five")
	next.push("six")
	next.release("three", "four", "five", "six")
	next.ended("five", "six")
	eventually(t, "only one is left", func() bool {
		s := next.q.Stats()
		return s.Done == 5 && s.Totals.Jobs[job.Running] == 1
	})
	old.release("one")
	next.empty()
	old.stop()
	if s := next.q.Stats(); s.Redelivered != 0 || s.Done != 6 {
		t.Errorf("%d redelivered, %d done", s.Redelivered, s.Done)
	}
	next.stop()
	b.check(t, "old one", "old two", "new three", "new four", "new five", "new six")
}

// TestGuestGone: what an old process had not ended when it left runs again, and is counted.
func TestGuestGone(t *testing.T) {
	b, dir := newBook(), t.TempDir()
	old := newProc(t, "old", dir, b).start()
	old.push("one", "two")
	old.began("one", "two")
	next := newProc(t, "new", dir, b).start()
	old.release("one")
	eventually(t, "one is told", func() bool { return next.h.Leased() == 1 })
	old.cut()
	next.began("two")
	next.release("two")
	next.empty()
	if s := next.q.Stats(); s.Redelivered != 1 || s.Failed != 0 {
		t.Errorf("%d redelivered, %d failed", s.Redelivered, s.Failed)
	}
	next.stop()
	b.check(t, "old one", "old two", "new two")
}

// TestSuccessorFails: whatever the new process fails at, the old one goes on as if nothing had been.
func TestSuccessorFails(t *testing.T) {
	for name, fail := range map[string]func(p *proc){
		"before it opens": func(p *proc) { p.h.Close() },
		"at opening": func(p *proc) {
			p.fails = errors.New("damaged")
			if err := p.open(); !errors.Is(err, p.fails) {
				p.t.Errorf("got %v", err)
			}
			p.h.Close()
		},
		"later": func(p *proc) {
			if err := p.open(); err != nil {
				p.t.Fatal(err)
			}
			p.push("three")
			p.cut()
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, dir := newBook(), t.TempDir()
			old := newProc(t, "old", dir, b).start()
			old.push("one", "two")
			old.began("one", "two")
			next := newProc(t, "new", dir, b)
			if err := next.take(); err != nil {
				t.Fatal(err)
			}
			fail(next)
			eventually(t, "the queues are back", func() bool { return old.hasSaid("the queues are back") })
			old.release("one", "two", "three", "four")
			old.push("four")
			old.ended("four")
			old.empty()
			if s := old.q.Stats(); s.Redelivered != 0 {
				t.Errorf("%d redelivered", s.Redelivered)
			}
			// and once more, for good
			third := newProc(t, "third", dir, b).start()
			third.release("five")
			old.push("five")
			third.ended("five")
			old.stop()
			third.empty()
			third.stop()
			if name != "later" {
				next.q.Stop(t.Context())
				b.check(t, "old one", "old two", "old four", "third five")
			}
		})
	}
}

// TestEndsBehindADeath: a job ends just when the new process is dead, and before the queue is back.
func TestEndsBehindADeath(t *testing.T) {
	b, dir := newBook(), t.TempDir()
	old := newProc(t, "old", dir, b).start()
	old.push("one")
	old.began("one")
	next := newProc(t, "new", dir, b).start()
	stranger, err := os.OpenFile(filepath.Join(dir, "owner.lock"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	old.fails = errors.New("no")
	next.cut()
	old.release("one")
	old.ended("one")
	eventually(t, "it cannot be opened", func() bool { return old.hasSaid("cannot be opened again: no") })
	old.fails = nil
	third := newProc(t, "third", dir, b).start()
	third.release("one")
	old.stop()
	third.empty()
	third.stop()
	if s := third.q.Stats(); s.Done > 1 {
		t.Errorf("%d done", s.Done)
	}
}

// TestChain: one process after the other is replaced while the first still has a job.
func TestChain(t *testing.T) {
	b, dir := newBook(), t.TempDir()
	first := newProc(t, "first", dir, b).start()
	first.push("one", "two")
	first.began("one", "two")
	second := newProc(t, "second", dir, b).start()
	second.push("three")
	second.began("three")
	third := newProc(t, "third", dir, b).start()
	if n := third.h.Leased(); n != 3 {
		t.Errorf("%d leased", n)
	}
	first.push("four")
	second.push("five")
	third.began("four", "five")
	third.release("four", "five")
	left := make(chan struct{})
	second.release("three")
	second.ended("three")
	go func() { defer close(left); second.stop() }()
	first.release("one")
	eventually(t, "the end of one gets through", func() bool { return third.h.Leased() == 1 })
	select {
	case <-left:
		t.Error("the second has left, and the first still has a job")
	default:
	}
	first.cut() // with two
	<-left
	third.began("two")
	third.release("two")
	third.empty()
	if s := third.q.Stats(); s.Redelivered != 1 || s.Done != 5 {
		t.Errorf("%d redelivered, %d done", s.Redelivered, s.Done)
	}
	third.stop()
	b.check(t, "first one", "first two", "second three", "third two", "third four", "third five")
}

// TestStranger: a process that was not named keeps what it has.
func TestStranger(t *testing.T) {
	b, dir := newBook(), t.TempDir()
	other := newProc(t, "other", dir, b)
	if err := Check(t.Context(), other.options()); err != nil {
		t.Errorf("nobody is there: %v", err)
	}
	old := newProc(t, "old", dir, b).start()
	want := fmt.Sprintf("state-dir %s is used by process %d: replace it with -sf %d, or choose another state-dir", dir, os.Getpid(), os.Getpid())
	for _, pids := range [][]int{nil, {1}, {os.Getpid() + 1}} {
		if err := Check(t.Context(), other.options(pids...)); err == nil || err.Error() != want {
			t.Errorf("Check with %v: %v", pids, err)
		}
		if h, err := Take(t.Context(), other.options(pids...)); h != nil || err == nil || err.Error() != want {
			t.Errorf("Take with %v: %v", pids, err)
		}
	}
	if err := Check(t.Context(), other.options(os.Getpid())); err != nil {
		t.Errorf("Check of one that is named: %v", err)
	}
	if err := Check(t.Context(), other.options(os.Getppid())); err != nil {
		t.Errorf("Check with its parent named: %v", err)
	}
	old.push("one")
	old.release("one")
	old.ended("one")
	old.stop()
	other.start().stop()
}

// TestNobodyAnswers: somebody has the lock and says nothing.
func TestNobodyAnswers(t *testing.T) {
	p := newProc(t, "p", t.TempDir(), newBook())
	defer p.stop()
	o := p.options()
	lock, err := tryLock(o.lockPath())
	if err != nil || lock == nil {
		t.Fatal(lock, err)
	}
	defer lock.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var used *UsedError
	if _, err := Take(ctx, o); !errors.As(err, &used) || used.PID != 0 || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	sign(lock)
	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Take(ctx, o); !errors.As(err, &used) || used.PID != os.Getpid() {
		t.Errorf("got %v", err)
	}
}

// TestStopping: who asks a process that ends already waits for its end.
func TestStopping(t *testing.T) {
	b, dir := newBook(), t.TempDir()
	old := newProc(t, "old", dir, b).start()
	old.push("one")
	old.began("one")
	old.h.Stopping()
	next := newProc(t, "new", dir, b)
	taken := make(chan error, 1)
	go func() { taken <- next.take() }()
	if err := Check(t.Context(), next.options(os.Getpid())); err != nil {
		t.Error(err)
	}
	old.release("one")
	old.ended("one")
	select {
	case err := <-taken:
		t.Fatalf("taken too early: %v", err)
	default:
	}
	old.stop()
	if err := <-taken; err != nil {
		t.Fatal(err)
	}
	if err := next.open(); err != nil {
		t.Fatal(err)
	}
	if n := next.h.Leased(); n != 0 {
		t.Errorf("%d leased", n)
	}
	next.stop()
	b.check(t, "old one")
}

// TestLaterQueue: a queue that comes to be after Open gets what was leased of it.
func TestLaterQueue(t *testing.T) {
	b, dir := newBook(), t.TempDir()
	old := newProc(t, "old", dir, b).start()
	old.push("one")
	old.began("one")
	next := newProc(t, "new", dir, b)
	if err := next.take(); err != nil {
		t.Fatal(err)
	}
	if err := next.h.Open(nil); err != nil {
		t.Fatal(err)
	}
	if err := next.h.Add(Member{Queue: next.q, Attach: next.attach}); err != nil {
		t.Fatal(err)
	}
	old.release("one")
	next.empty()
	old.stop()
	next.stop()
	b.check(t, "old one")
}

// TestUnwanted: a queue that the new process does not have stays.
func TestUnwanted(t *testing.T) {
	b, dir := newBook(), t.TempDir()
	old := newProc(t, "old", dir, b).start()
	old.push("one")
	o := old.options(os.Getpid())
	o.Queues = []string{"another"}
	h, err := Take(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Open(nil); err != nil {
		t.Fatal(err)
	}
	old.release("one", "two")
	old.push("two")
	old.ended("two")
	old.empty()
	old.stop()
	h.Close()
	b.check(t, "old one", "old two")
}

// TestOtherVersion: processes that speak in another way are told apart from broken ones.
func TestOtherVersion(t *testing.T) {
	b, dir := newBook(), t.TempDir()
	old := newProc(t, "old", dir, b).start()
	o := old.options(os.Getpid())
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: o.sockPath(), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l := newLink(c)
	defer l.close()
	if err := l.send(&message{Kind: kindTakeover, Version: version + 1, Relieves: o.Relieves}); err != nil {
		t.Fatal(err)
	}
	var answer message
	if err := l.receive(&answer); err != nil || answer.Kind != kindRefused || answer.Version != version {
		t.Errorf("got %+v, %v", answer, err)
	}
	old.stop()

	lock, err := tryLock(o.lockPath())
	if err != nil || lock == nil {
		t.Fatal(lock, err)
	}
	defer lock.Close()
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: o.sockPath(), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	served := make(chan struct{})
	go func() {
		defer close(served)
		c, err := ln.AcceptUnix()
		if err != nil {
			return
		}
		l := newLink(c)
		defer l.close()
		var ask message
		if l.receive(&ask) == nil {
			_ = l.send(&message{Kind: kindGiven, Version: version + 1})
		}
	}()
	if _, err := Take(t.Context(), o); err == nil || !strings.Contains(err.Error(), "is an eddy of another version") {
		t.Errorf("got %v", err)
	}
	<-served
}
