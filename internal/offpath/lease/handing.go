package lease

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"eddy/internal/offpath/job"
)

// talk answers a process that asks, and hands over to it where it may have the queues. It returns when that process is gone,
// or has become the owner and this process is closed.
func (h *Holder) talk(l *link) {
	l.deadline(handshakeLimit)
	var ask message
	if err := l.receive(&ask); err != nil {
		return
	}
	h.mu.Lock()
	stopping := h.stopping
	h.mu.Unlock()
	answer := message{Version: version}
	switch {
	case ask.Version != version || ask.Kind != kindTakeover && ask.Kind != kindProbe:
		answer.Kind = kindRefused
	case !meant(ask.Relieves):
		answer.Kind = kindStranger
	case stopping:
		answer.Kind = kindStopping
	case ask.Kind == kindProbe:
		answer.Kind = kindGiven
	default:
		h.handOver(l, ask.Names)
		return
	}
	_ = l.send(&answer)
}

// handOver gives the folder to the process at the other end of l, with the queues that it wants. If that process never opens
// the stores, or dies, the folder is taken back.
func (h *Holder) handOver(l *link, wanted []string) {
	refuse := func(text string) { _ = l.send(&message{Kind: kindRefused, Version: version, Text: text}) }
	h.turn.Lock()
	locked := true
	defer func() {
		if locked {
			h.turn.Unlock()
		}
	}()
	h.mu.Lock()
	mayHand := h.lock != nil && !h.closed
	h.mu.Unlock()
	if !mayHand {
		refuse("it is not the owner any more")
		return
	}
	running, handed, err := h.letGo(wanted)
	if err != nil {
		h.regain(handed)
		refuse(err.Error())
		return
	}
	pid, err := l.peer()
	if err == nil {
		err = h.passLock(l, running)
	}
	if err != nil {
		h.log(fmt.Sprintf("the process that was to take the queues over is gone: %v", err))
		h.takeBack(handed)
		return
	}
	// From here on the lock is not ours. The other process opens the stores, however long that takes; meanwhile pushes wait.
	l.deadline(0)
	var opened message
	if err = l.receive(&opened); err == nil && opened.Kind != kindOpened {
		err = errors.New("it did not open the stores")
	}
	if err != nil {
		h.log(fmt.Sprintf("process %d did not come to have the queues: %v", pid, err))
		l.close()
		h.takeBack(handed)
		return
	}
	next := newClient(l, pid)
	h.mu.Lock()
	h.owner = next
	for _, m := range handed {
		m.away = true
	}
	h.mu.Unlock()
	over := make(chan struct{})
	h.running.Go(func() {
		defer close(over)
		next.run()
	})
	for _, m := range handed {
		m.Queue.GoOn(away{next, m.Queue.Name()}) // which tells what has ended meanwhile, and waits until it is heard
	}
	h.turn.Unlock()
	locked = false
	h.log(fmt.Sprintf("process %d has the queues now", pid))
	<-over

	// It has ended. Whoever owned it may be the owner now, or nobody.
	h.turn.Lock()
	locked = true
	h.takeBack(handed)
}

// letGo has the queues hand over. running are the jobs that this process and its guests have.
func (h *Holder) letGo(wanted []string) (running map[string][]job.ID, handed []*member, err error) {
	ctx, cancel := context.WithTimeout(h.ctx, handOverLimit)
	defer cancel()
	running = map[string][]job.ID{}
	for _, name := range wanted {
		h.mu.Lock()
		m := h.members[name]
		h.mu.Unlock()
		if m == nil {
			continue
		}
		ids, err := m.Queue.HandOver(ctx)
		if err != nil {
			return nil, handed, fmt.Errorf("queue '%s': %w", name, err)
		}
		handed = append(handed, m)
		ids = append(slices.Clone(ids), h.leasedBy(name)...)
		slices.Sort(ids)
		running[name] = slices.Compact(ids)
	}
	return running, handed, nil
}

// passLock gives the lock away. The door is shut: the next owner opens its own.
func (h *Holder) passLock(l *link, running map[string][]job.ID) error {
	l.deadline(handshakeLimit)
	if err := l.send(&message{Kind: kindGiven, Version: version, Running: running}); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	err := l.sendFile(h.lock)
	lock := h.lock
	h.lock = nil
	h.shutDoor()
	_ = lock.Close() // the descriptor on its way keeps it locked
	return err
}

// regain gives queues their stores again, with the lock still here.
func (h *Holder) regain(handed []*member) {
	for _, m := range handed {
		if err := m.Attach(h.leasedBy(m.Queue.Name())); err != nil {
			h.log(fmt.Sprintf("queue '%s' cannot be opened again: %v", m.Queue.Name(), err))
		}
	}
}

// takeBack waits for the lock, which is free when the process that had it is dead, and takes the queues back. turn is held.
func (h *Holder) takeBack(handed []*member) {
	pause := pollEvery // short at first: whoever starts next is not to come before this process
	for told := false; ; pause = min(pause+pause/8, time.Second) {
		lock, err := tryLock(h.lockPath)
		if err != nil && !told {
			h.log(fmt.Sprintf("cannot take the queues back: %v", err))
		}
		if lock == nil && err == nil && !told {
			if pid := lockedBy(h.lockPath); pid != 0 {
				h.log(fmt.Sprintf("process %d has the queues", pid))
			}
		}
		told = true
		if lock != nil {
			h.mu.Lock()
			if h.closed {
				h.mu.Unlock()
				_ = lock.Close()
				return
			}
			sign(lock)
			h.lock, h.owner = lock, nil
			for _, m := range handed {
				m.away = false
			}
			h.mu.Unlock()
			break
		}
		select {
		case <-h.ctx.Done():
			return
		case <-time.After(pause):
		}
	}
	h.regain(handed)
	if err := h.openDoor(); err != nil {
		h.log(err.Error())
	}
	h.log("the queues are back")
}
