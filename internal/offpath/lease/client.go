package lease

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"eddy/internal/handoff"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/queue"
)

// Bounds of what a guest has told its owner and has no answer to.
const (
	maxAsked      = 4096
	maxAskedBytes = 64 << 20
	endLimit      = 10 * time.Second // for the answer to the end of a job
)

// errOwnerGone is why what a guest told may not have been heard.
var errOwnerGone = errors.New("the process that has the queues is gone")

// client is a guest's connection to its owner.
type client struct {
	link *link
	pid  int
	wake chan struct{} // there is something to send; one is enough

	mu    sync.Mutex
	seq   uint64
	out   []*message // to be sent
	asked map[uint64]asked
	bytes int64
	over  bool
}

// asked is what waits for an answer.
type asked struct {
	bytes int64
	done  func(error)
}

func newClient(l *link, pid int) *client {
	return &client{link: l, pid: pid, wake: make(chan struct{}, 1), asked: map[uint64]asked{}}
}

// run sends and receives until the connection ends; then all that has no answer has one.
func (c *client) run() {
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		c.sendAll(stop)
	}()
	for {
		var m message
		if c.link.receive(&m) != nil || m.Kind != kindAnswer {
			break
		}
		c.answer(m.Seq, m.Failure.unpack())
	}
	c.link.close()
	close(stop)
	<-stopped
	c.mu.Lock()
	c.over = true
	left := c.asked
	c.asked, c.out = nil, nil
	c.mu.Unlock()
	for _, a := range left {
		a.done(errOwnerGone)
	}
}

func (c *client) sendAll(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-c.wake:
		}
		c.mu.Lock()
		out := c.out
		c.out = nil
		c.mu.Unlock()
		for _, m := range out {
			if c.link.send(m) != nil {
				c.link.close() // which ends run
				return
			}
		}
	}
}

func (c *client) answer(seq uint64, err error) {
	c.mu.Lock()
	a, ok := c.asked[seq]
	delete(c.asked, seq)
	c.bytes -= a.bytes
	c.mu.Unlock()
	if ok {
		a.done(err)
	}
}

// ask sends a message and has done called with the answer, once. It never waits. With bounded, false says that too much has no
// answer yet; else that the owner is gone.
func (c *client) ask(m *message, bytes int64, bounded bool, done func(error)) (ok, full bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return false, false
	}
	if bounded && (len(c.asked) >= maxAsked || c.bytes+bytes > maxAskedBytes) {
		return false, true
	}
	c.seq++
	m.Seq = c.seq
	c.asked[m.Seq] = asked{bytes, done}
	c.bytes += bytes
	c.tell(m)
	return true, false
}

// tell has a message sent; mu is held.
func (c *client) tell(m *message) {
	c.out = append(c.out, m)
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// ended tells the end of a job, and waits until the owner has heard it. The ends are as many as jobs run here, which bounds
// them.
func (c *client) ended(name string, id job.ID, o queue.Outcome) error {
	answer := make(chan error, 1)
	ok, _ := c.ask(&message{Kind: kindEnded, Queue: name, ID: id, Outcome: packOutcome(o)}, 0, false, func(err error) { answer <- err })
	if !ok {
		return errOwnerGone
	}
	t := time.NewTimer(endLimit)
	defer t.Stop()
	select {
	case err := <-answer:
		return err
	case <-t.C:
		return fmt.Errorf("process %d, which has the queues, does not answer", c.pid)
	}
}

// lost passes on that guests of this process died with jobs.
func (c *client) lost(name string, ids []job.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over {
		c.tell(&message{Kind: kindLost, Queue: name, IDs: ids})
	}
}

// away is a queue that the next process has. It implements queue.Away.
type away struct {
	client *client
	name   string
}

// Push gives a job to the process that has the queue; done is told when it is safe there, or why not.
func (a away) Push(j *job.Job, delay time.Duration, done func(error)) queue.Refused {
	ok, full := a.client.ask(&message{Kind: kindPush, Queue: a.name, Job: j, Delay: delay}, int64(len(j.Data)+len(j.Code)), true, done)
	switch {
	case full:
		return queue.Refused{Reason: handoff.Unavailable, Text: fmt.Sprintf("queue '%s' has gone on to process %d, which does not keep up", a.name, a.client.pid)}
	case !ok:
		return queue.Refused{Reason: handoff.Unavailable, Text: fmt.Sprintf("queue '%s' has gone on to process %d, which is gone", a.name, a.client.pid)}
	}
	return queue.Refused{}
}

// Ended tells the process that has the queue what became of a job that runs here.
func (a away) Ended(id job.ID, o queue.Outcome) error { return a.client.ended(a.name, id, o) }
