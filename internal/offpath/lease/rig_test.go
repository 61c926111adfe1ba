package lease

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"eddy/internal/handoff"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
	"eddy/internal/offpath/jobstore/disk"
	"eddy/internal/offpath/queue"
)

// book has all that runs, in whichever process.
type book struct {
	mu    sync.Mutex
	begun []string // "A one", "B two"
	ended []string
	now   map[string]int // jobs that run at the moment
	most  int            // of one job at a time
	say   func(string)   // told too, when it is there
}

func newBook() *book { return &book{now: map[string]int{}} }

func (b *book) begin(who, what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.begun = append(b.begun, who+" "+what)
	if b.say != nil {
		b.say("begin " + what)
	}
	b.now[what]++
	b.most = max(b.most, b.now[what])
}

func (b *book) end(who, what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now[what]--
	b.ended = append(b.ended, who+" "+what)
}

func (b *book) has(began bool, lines ...string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := b.ended
	if began {
		list = b.begun
	}
	for _, l := range lines {
		if !slices.Contains(list, l) {
			return false
		}
	}
	return true
}

// proc is a process as far as its queues go: one queue "q" with a store on the disk. Jobs run until their name is released.
type proc struct {
	t     *testing.T
	name  string
	dir   string
	book  *book
	q     *queue.Queue
	h     *Holder
	fails error // what Attach gives

	mu    sync.Mutex
	gates map[string]chan struct{}
	said  []string
}

const short = 20 * time.Second

func newProc(t *testing.T, name, dir string, b *book) *proc {
	p := &proc{t: t, name: name, dir: dir, book: b, gates: map[string]chan struct{}{}}
	q, err := queue.Open(queue.Options{
		Name: "q", Disk: true, Workers: 2, Bounds: handoff.Bounds{Entries: 1000, Bytes: 1 << 20},
		Retry: queue.Retry{Retries: 3, Min: time.Millisecond, Max: time.Millisecond}, KeepDead: time.Hour, Runner: p,
	})
	if err != nil {
		t.Fatal(err)
	}
	p.q = q
	q.Start()
	return p
}

func (p *proc) Log(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said = append(p.said, text)
}

// gate is closed when the job of a name may end in this process.
func (p *proc) gate(name string) chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gates[name] == nil {
		p.gates[name] = make(chan struct{})
	}
	return p.gates[name]
}

func (p *proc) release(names ...string) {
	for _, n := range names {
		close(p.gate(n))
	}
}

// Run implements queue.Runner.
func (p *proc) Run(ctx context.Context, j *job.Job) queue.Outcome {
	name := string(j.Data)
	p.book.begin(p.name, name)
	defer p.book.end(p.name, name)
	select {
	case <-p.gate(name):
		return queue.Outcome{}
	case <-ctx.Done():
		return queue.Outcome{Err: ctx.Err()}
	}
}

func (p *proc) options(relieves ...int) Options {
	return Options{Dir: p.dir, State: p.dir, Relieves: relieves, Queues: []string{"q"}, Log: p.Log}
}

func (p *proc) attach(leased []job.ID) error {
	if p.fails != nil {
		return p.fails
	}
	s, err := disk.Open(filepath.Join(p.dir, "q"), disk.Options{})
	if err != nil {
		return err
	}
	if err := p.q.Attach(s, leased); err != nil {
		return errors.Join(err, s.Close())
	}
	return nil
}

func (p *proc) take() error {
	ctx, cancel := context.WithTimeout(context.Background(), short)
	defer cancel()
	h, err := Take(ctx, p.options(os.Getpid()))
	p.h = h
	return err
}

func (p *proc) open() error { return p.h.Open([]Member{{Queue: p.q, Attach: p.attach}}) }

// start makes the process the owner.
func (p *proc) start() *proc {
	p.t.Helper()
	if err := p.take(); err != nil {
		p.t.Fatal(err)
	}
	if err := p.open(); err != nil {
		p.t.Fatal(err)
	}
	return p
}

// stop ends the process as a soft stop does; the jobs that run are let go.
func (p *proc) stop() {
	p.t.Helper()
	if p.h != nil {
		p.h.Stopping()
	}
	ctx, cancel := context.WithTimeout(context.Background(), short)
	defer cancel()
	p.q.Stop(ctx)
	if p.h != nil {
		p.h.Wait(ctx)
		p.h.Close()
	}
}

// cut ends it without letting jobs end.
func (p *proc) cut() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	p.q.Stop(ctx)
	p.h.Close()
}

func offer(q *queue.Queue, names ...string) error {
	for _, n := range names {
		r, why := q.Offer(queue.Push{Job: &job.Job{Body: job.Body{Handler: "h", Data: []byte(n)}}})
		if !why.OK() {
			return errors.New(why.Text)
		}
		ctx, cancel := context.WithTimeout(context.Background(), short)
		err := q.Committed(ctx, r)
		cancel()
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *proc) push(names ...string) {
	p.t.Helper()
	if err := offer(p.q, names...); err != nil {
		p.t.Fatalf("%s: %v", p.name, err)
	}
}

func (p *proc) began(names ...string) {
	p.t.Helper()
	for _, n := range names {
		eventually(p.t, p.name+" runs "+n, func() bool { return p.book.has(true, p.name+" "+n) })
	}
}

func (p *proc) ended(names ...string) {
	p.t.Helper()
	for _, n := range names {
		eventually(p.t, p.name+" ends "+n, func() bool { return p.book.has(false, p.name+" "+n) })
	}
}

// empty waits until the queue has nothing left.
func (p *proc) empty() {
	p.t.Helper()
	eventually(p.t, p.name+"'s queue is empty", func() bool {
		s := p.q.Stats()
		return s.Totals == jobstore.Totals{} && s.Busy == 0
	})
}

func (p *proc) hasSaid(part string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.said, func(s string) bool { return strings.Contains(s, part) })
}

// times is how often a job began.
func (b *book) times(name string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, begun := range b.begun {
		if begun == name {
			n++
		}
	}
	return n
}

func (b *book) check(t *testing.T, want ...string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	got := slices.Clone(b.begun)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("began %q, want %q", got, want)
	}
	if b.most > 1 {
		t.Errorf("a job ran %d times at once", b.most)
	}
}
