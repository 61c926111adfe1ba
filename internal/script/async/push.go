package async

import (
	"context"
	"errors"
	"fmt"
	"time"

	"eddy/internal/handoff"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/queue"
	"eddy/internal/reentry"
	"eddy/internal/script/vm"
)

// push: async_push(queue, handler, data, ...), see the constants of the arguments. It gives the job's id; nil and the reason;
// or the id of an earlier job and "duplicate".
func (d *Desk) push(c *vm.Call) error {
	q, err := d.arg(c)
	if err != nil {
		return err
	}
	f, site := &d.fields, &d.at
	defer func() { *f, *site = Fields{}, Site{} }()
	f.Queue = q
	if err := d.read(c, f); err != nil {
		f.drop(d.state)
		return err
	}
	*site = d.opts.Lane.Site(c)
	frame := site.Frame
	r, refused, err := d.offer(c, f, site)
	if err != nil {
		return err
	}
	if !refused.OK() {
		if frame != nil {
			frame.refused = refused.Text
		}
		c.PushNil()
		c.PushStr(refused.Text)
		return nil
	}
	if !q.Disk() || site.NoWait != "" {
		pushReceipt(c, r)
		return nil
	}
	return d.opts.Lane.Wait(c, func(ctx context.Context) vm.Resume { return committed(ctx, q, r, frame) })
}

func pushReceipt(c *vm.Call, r queue.Receipt) {
	c.PushStr(r.ID.String())
	if r.Duplicate {
		c.PushStr("duplicate")
	}
}

// committed waits until a push is safe.
func committed(ctx context.Context, q *queue.Queue, r queue.Receipt, f *Frame) vm.Resume {
	err := q.Committed(ctx, r)
	switch {
	case err == nil && r.Duplicate:
		return vm.Resume{Values: []vm.Value{vm.Str(r.ID.String()), vm.Str("duplicate")}}
	case err == nil:
		return vm.Resume{Values: []vm.Value{vm.Str(r.ID.String())}}
	case ctx.Err() != nil:
		return vm.Resume{Err: errors.New("push: the caller has gone before the job was on the disk; it may be there nevertheless")}
	}
	if f != nil {
		f.refused = err.Error()
	}
	return vm.Resume{Values: []vm.Value{vm.Nil(), vm.Str(err.Error())}}
}

// Offer pushes a job, for what has its own way to say it: it waits for nothing. The error is the script's mistake, to be
// raised; a refusal is not. The functions among the fields are taken over in any case.
func (d *Desk) Offer(c *vm.Call, f *Fields) (queue.Receipt, queue.Refused, error) {
	site, err := d.site(c)
	if err != nil {
		f.drop(d.state)
		return queue.Receipt{}, queue.Refused{}, err
	}
	return d.offer(c, f, &site)
}

var errLoading = errors.New("push: not while the script is loaded; its init function, a task or a hook is the first place for it")

func (d *Desk) offer(c *vm.Call, f *Fields, site *Site) (queue.Receipt, queue.Refused, error) {
	o := d.opts.Owner
	switch {
	case site.Loading && d.opts.Worker:
		f.drop(d.state)
		return queue.Receipt{}, inWorker, nil
	case site.Loading:
		f.drop(d.state)
		return queue.Receipt{}, queue.Refused{}, errLoading
	case f.Code == nil && !d.exists(f.Handler):
		f.drop(d.state)
		return queue.Receipt{}, queue.Refused{}, d.unknownHandler(f.Handler)
	}
	room := &struct {
		job    job.Job
		handle queue.Handle
	}{}
	j := &room.job
	j.Priority = f.Priority
	j.Queue, j.Handler, j.Data = f.Queue.Name(), f.Handler, f.Data
	j.Key, j.Unique, j.MaxAttempts, j.Timeout = f.Key, f.Unique, f.Attempts, f.Timeout
	j.OnResult, j.OnError, j.Owner = f.OnResult.Name, f.OnError.Name, o.name
	j.Origin = job.Origin{Where: c.Where(), Request: site.Request}
	if f.Code != nil {
		var err error
		if j.Code, err = o.shared.Seal.Close(o.name, f.Code); err != nil {
			f.drop(d.state)
			return queue.Receipt{}, queue.Refused{Reason: handoff.Closed, Text: err.Error()}, nil
		}
	}
	p := queue.Push{Job: j, Delay: f.Delay}
	if !f.Queue.Disk() { // there the job is to be forgotten before its handle is
		p.Room = &room.handle
	}
	t, err := d.expect(c, f, &p)
	if err != nil {
		f.drop(d.state)
		return queue.Receipt{}, queue.Refused{Reason: tooMany, Text: err.Error()}, nil
	}
	r, refused := f.Queue.Offer(p)
	switch {
	case t == nil:
	case !refused.OK() || r.Duplicate: // the queue has withdrawn the ticket
		f.drop(d.state)
	default:
		t.id = r.ID
	}
	if refused.OK() && site.Frame != nil {
		site.Frame.remember(r.ID, r.Handle)
	}
	return r, refused, nil
}

// task is a job on its way whose end a function of this state is told of.
type task struct {
	d                 *Desk
	id                job.ID // under the state's lock: the job may end before its pusher knows the id
	body              job.Body
	priority          int8
	onresult, onerror vm.Ref
}

// expect makes the ticket of a job; the task is nil when no function of the state is to be told.
func (d *Desk) expect(c *vm.Call, f *Fields, p *queue.Push) (*task, error) {
	var due time.Time
	if f.Delay > 0 {
		due = time.Now().Add(f.Delay)
	}
	if f.OnResult.Fn == 0 && f.OnError.Fn == 0 {
		ticket, err := d.opts.Lane.Issue(c, due, nil)
		p.Ticket = ticket
		return nil, err
	}
	t := &task{d: d, body: p.Job.Body, priority: p.Job.Priority, onresult: f.OnResult.Fn, onerror: f.OnError.Fn}
	t.body.Pushed = time.Now().UnixNano()
	ticket, err := d.opts.Lane.Issue(c, due, t.settle)
	p.Ticket = ticket
	return t, err
}

// settle is the end of a task, where the lane may run Lua.
func (t *task) settle(r reentry.Result) {
	d := t.d
	j := &job.Job{Body: t.body}
	j.Priority = t.priority
	d.state.Do(func() { j.ID = t.id })
	switch {
	case r.Err != nil && t.onerror != 0:
		d.opts.Lane.Take(t.onerror, []vm.Value{jobTable(j), vm.Str(r.Err.Error())})
	case r.Err == nil && t.onresult != 0:
		v, err := decode(r.Data)
		if err != nil {
			break
		}
		d.opts.Lane.Take(t.onresult, []vm.Value{jobTable(j), v})
	}
	d.state.Release(t.onresult)
	d.state.Release(t.onerror)
}

// takeNamed has a named onresult or onerror called; false: it is not there, or there is no room.
func (d *Desk) takeNamed(k takerKey, j *job.Job, out queue.Outcome) bool {
	d.takersMu.Lock()
	fn := d.takers[k]
	ok := fn != 0 && !d.closed
	d.takersMu.Unlock()
	if !ok {
		return false
	}
	what := vm.Value{}
	if out.Err != nil {
		what = vm.Str(out.Err.Error())
	} else {
		var err error
		if what, err = decode(out.Result); err != nil {
			return false
		}
	}
	args := []vm.Value{jobTable(j), what}
	return d.opts.Lane.Post(int64(len(j.Data)+len(out.Result)), func() { d.opts.Lane.Take(fn, args) })
}

// result says in Lua's words what became of a job.
func outcome(r reentry.Result) vm.Resume {
	if r.Err != nil {
		return vm.Resume{Values: []vm.Value{vm.Nil(), vm.Str(r.Err.Error())}}
	}
	v, err := decode(r.Data)
	if err != nil {
		return vm.Resume{Values: []vm.Value{vm.Nil(), vm.Str(fmt.Sprintf("the result is damaged: %v", err))}}
	}
	return vm.Resume{Values: []vm.Value{v}}
}
