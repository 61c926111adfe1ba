package haproxy

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"eddy/internal/base/value"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/queue"
	"eddy/internal/script/haproxy/lib"
	"eddy/internal/script/vm"
)

// A fifo with tune.lua.fifo disk is a queue without workers. Each Fifo.new() of a script's main chunk has one, with a name
// that is the same at the next start. The states of a binding that run the same script share it.
//
// A queue is not open while scripts load, and writes nothing before it is started. What main chunks and init functions push
// waits in their state, where they may pop it too, and goes to the queue when all of them have ended.

// diskFifo is one state's end of such a fifo.
type diskFifo struct {
	u     *unit
	q     *queue.Queue
	early [][]byte // pushed by main chunk and init functions; under the state's lock
}

// lease is an item that a run has popped and not done with.
type lease struct {
	q    *queue.Queue
	item queue.Lease
}

// fifoSet are the queues of a binding's fifos.
type fifoSet struct {
	mu     sync.Mutex
	queues map[string]*queue.Queue
	files  map[string]string // script's name in names of fifos → its file
	ends   []*diskFifo       // with early items
}

// unitFifos are the fifos of one state, under its lock.
type unitFifos struct {
	made map[string]int // by script: how many Fifo.new() there were
	disk []*diskFifo
	all  map[*memoryQueue]struct{}
}

// forget drops what a worker's state has pushed while it was made ready: another state has done so.
func (f *unitFifos) forget() {
	for _, d := range f.disk {
		d.early = nil
	}
}

// name gives the queue's name for the n-th fifo of a script file.
func (s *fifoSet) name(file string, n int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.files == nil {
		s.files = map[string]string{}
	}
	base := filepath.Base(file)
	if have, ok := s.files[base]; ok && have != file { // another script of that name
		base = file
	}
	s.files[base] = file
	return fmt.Sprintf("fifo/%s:%d", base, n)
}

// open gives the queue of a name.
func (s *fifoSet) open(b *Binding, name string) (*queue.Queue, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q := s.queues[name]; q != nil {
		return q, nil
	}
	if b.opts.Fifo == nil {
		return nil, errors.New("fifo: there is no place for fifos on the disk (tune.lua.fifo disk)")
	}
	q, err := b.opts.Fifo(name)
	if err != nil {
		return nil, fmt.Errorf("fifo: %w", err)
	}
	if s.queues == nil {
		s.queues = map[string]*queue.Queue{}
	}
	s.queues[name] = q
	return q, nil
}

// flush pushes what main chunks and init functions have left.
func (s *fifoSet) flush() error {
	s.mu.Lock()
	ends := s.ends
	s.ends = nil
	s.mu.Unlock()
	for _, d := range ends {
		var early [][]byte
		d.u.state.Do(func() { early, d.early = d.early, nil })
		for _, data := range early {
			if _, refused := d.q.Offer(queue.Push{Job: fifoItem(d.q, data, "", "the start")}); !refused.OK() {
				return errors.New(refused.Text)
			}
		}
	}
	return nil
}

func fifoItem(q *queue.Queue, data []byte, where, request string) *job.Job {
	j := &job.Job{}
	j.Queue, j.Owner, j.Data = q.Name(), Owner, data
	j.Origin = job.Origin{Where: where, Request: request}
	return j
}

func (u *unit) fifoFuncs() lib.Funcs {
	return lib.Funcs{
		"fifo_on_disk": func(c *vm.Call) error {
			c.PushBool(u.b.lua.FifoDisk)
			return nil
		},
		"fifo_new":  u.fifoNew,
		"fifo_size": u.fifoSize,
		"fifo_push": u.fifoPush,
		"fifo_pop":  u.fifoPop,
	}
}

// fifoNew() makes the script's next fifo.
func (u *unit) fifoNew(c *vm.Call) error {
	if !u.loading() {
		return fmt.Errorf("fifo: with tune.lua.fifo disk, Fifo.new() works only while the script is loaded: a fifo is known by its place among those of its script")
	}
	file := c.Where()
	if i := strings.LastIndexByte(file, ':'); i >= 0 {
		file = file[:i]
	}
	if u.fifos.made == nil {
		u.fifos.made = map[string]int{}
	}
	u.fifos.made[file]++
	q, err := u.b.fifos.open(u.b, u.b.fifos.name(file, u.fifos.made[file]))
	if err != nil {
		return err
	}
	d := &diskFifo{u: u, q: q}
	u.fifos.disk = append(u.fifos.disk, d)
	c.PushInt(int64(len(u.fifos.disk) - 1))
	return nil
}

func (u *unit) argFifo(c *vm.Call) (*diskFifo, error) {
	if i, ok := c.Int(1); ok && i >= 0 && i < int64(len(u.fifos.disk)) {
		return u.fifos.disk[i], nil
	}
	return nil, fmt.Errorf("this is no Fifo; make one with Fifo.new()")
}

// fifoSize(fifo)
func (u *unit) fifoSize(c *vm.Call) error {
	d, err := u.argFifo(c)
	if err != nil {
		return err
	}
	n := int64(len(d.early))
	if !starts(c) {
		n = d.q.Stats().Totals.Jobs[job.Ready]
	}
	c.PushInt(n)
	return nil
}

// starts says that a main chunk or an init function runs.
func starts(c *vm.Call) bool {
	k, ok := c.Owner().(*call)
	return !ok || k.r.Kind == vm.KindInit
}

// fifoPush(fifo, item) returns when the item is on the disk.
func (u *unit) fifoPush(c *vm.Call) error {
	d, err := u.argFifo(c)
	if err != nil {
		return err
	}
	if c.IsNil(2) {
		return fmt.Errorf("fifo:push: nil cannot be pushed; push false or a table")
	}
	data, err := c.AppendEncoded(nil, 2)
	if errors.Is(err, vm.ErrNotPlain) {
		err = fmt.Errorf("the item is, or has in it, a function, a coroutine or an object; with tune.lua.fifo disk, items are strings, numbers, booleans, and tables of these")
	}
	if err != nil {
		return fmt.Errorf("fifo:push: %w", err)
	}
	if starts(c) {
		return u.pushEarly(d, data)
	}
	k := u.owner(c)
	r, refused := d.q.Offer(queue.Push{Job: fifoItem(d.q, data, c.Where(), k.origin())})
	if !refused.OK() {
		return fmt.Errorf("fifo:push: %s", refused.Text)
	}
	return k.wait(c, func(ctx context.Context) vm.Resume {
		if err := d.q.Committed(ctx, r); err != nil {
			return vm.Resume{Err: fmt.Errorf("fifo:push: %w", err)}
		}
		return vm.Resume{}
	})
}

// maxEarly bounds what the start leaves in a fifo.
const maxEarly = 100_000

func (u *unit) pushEarly(d *diskFifo, data []byte) error {
	if len(d.early) >= maxEarly {
		return fmt.Errorf("fifo:push: more than %d items while the process starts", maxEarly)
	}
	if d.early = append(d.early, data); len(d.early) == 1 && u.worker == nil {
		u.b.fifos.keep(d)
	}
	return nil
}

// keep has flush look at an end.
func (s *fifoSet) keep(d *diskFifo) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, have := range s.ends {
		if have == d {
			return
		}
	}
	s.ends = append(s.ends, d)
}

// fifoPop(fifo) returns the oldest item, or nil. The item that the run has popped before from this fifo is done.
func (u *unit) fifoPop(c *vm.Call) error {
	d, err := u.argFifo(c)
	if err != nil {
		return err
	}
	if starts(c) {
		return popEarly(c, d)
	}
	k := u.owner(c)
	return k.wait(c, func(context.Context) vm.Resume {
		k.endLease(d.q)
		l, err := d.q.PopWait(notNow())
		if err != nil {
			return vm.Resume{Values: []vm.Value{vm.Nil()}}
		}
		v, err := k.leased(d.q, l)
		return vm.Resume{Values: []vm.Value{v}, Err: err}
	})
}

// leased notes what the run has popped, and gives the item.
func (k *call) leased(q *queue.Queue, l queue.Lease) (vm.Value, error) {
	v, _, err := value.Decode(l.Job.Data)
	if err != nil {
		l.Done() // nobody will ever be able to read it
		return v, fmt.Errorf("fifo:pop: item %v is damaged and was dropped: %w", l.Job.ID, err)
	}
	k.leases = append(k.leases, lease{q, l})
	return v, nil
}

// notNow is a context that is over: what gets it waits for the disk, and not for an item.
func notNow() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func popEarly(c *vm.Call, d *diskFifo) error {
	if len(d.early) == 0 {
		c.PushNil()
		return nil
	}
	v, _, err := value.Decode(d.early[0])
	if err != nil {
		return err
	}
	d.early = d.early[1:]
	return c.PushValue(v)
}

// endLease says that what the run has popped from a queue is done.
func (k *call) endLease(q *queue.Queue) {
	for i := range k.leases {
		if k.leases[i].q == q {
			k.leases[i].item.Done()
			k.leases = append(k.leases[:i], k.leases[i+1:]...)
			return
		}
	}
}

// endLeases is for the end of a run: what it has popped is done, or given again when the run has failed.
func (k *call) endLeases(well bool) {
	for i := range k.leases {
		if well {
			k.leases[i].item.Done()
		} else {
			k.leases[i].item.Return()
		}
		k.leases[i] = lease{}
	}
	k.leases = k.leases[:0]
}

// FifoInfo is what an operator sees of a fifo or a Queue of a script.
type FifoInfo struct {
	Name  string // of a disk fifo: of its queue; of others the script line that made it
	Disk  bool
	Items int
	Bytes int64 // of strings, for those in memory
	// Refused is how often push found no room; of a disk fifo the queue knows.
	Refused uint64
}

// Fifos lists the scripts' fifos. Any goroutine may call it; it waits for the states' locks.
func (b *Binding) Fifos() []FifoInfo {
	var all []FifoInfo
	b.fifos.mu.Lock()
	for name, q := range b.fifos.queues {
		t := q.Stats().Totals
		all = append(all, FifoInfo{Name: name, Disk: true, Items: int(t.Jobs[job.Ready] + t.Jobs[job.Running]), Bytes: t.Bytes[job.Ready] + t.Bytes[job.Running]})
	}
	b.fifos.mu.Unlock()
	for _, u := range b.units {
		u.state.Do(func() {
			for q := range u.fifos.all {
				all = append(all, FifoInfo{Name: q.where, Items: q.size(), Bytes: q.bytes, Refused: q.refused})
			}
		})
	}
	slices.SortFunc(all, func(a, b FifoInfo) int { return strings.Compare(a.Name, b.Name) })
	return all
}
