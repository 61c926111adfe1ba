package async

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"path/filepath"

	"eddy/internal/fastpath/ramfs"
	"eddy/internal/handoff"
	"eddy/internal/offpath/fileio"
	"eddy/internal/offpath/pool"
	"eddy/internal/reentry"
	"eddy/internal/script/trisul/lib"
	"eddy/internal/script/trisul/object"
	"eddy/internal/script/vm"
)

//go:embed prelude/*.lua
var preludes embed.FS

// Caller is the state that schedules: it runs onresult.
type Caller interface {
	// Result calls an onresult. It is called on the goroutine of the engine that the state belongs to. file is what the hook
	// that scheduled was about; further work that is scheduled meanwhile holds on to it too.
	Result(onresult vm.Ref, request string, response []byte, file *ramfs.File)
}

// Install puts T.async into a state, in which the plugin's hooks run.
func Install(s *vm.State, w *Work, by Caller) error {
	d := desk{w, s, by}
	for name, f := range map[string]vm.Func{
		"async_schedule": d.schedule, "async_copy": d.copy, "async_cat": d.cat, "async_rm": d.rm, "async_buffer": d.buffer,
		"async_pending": d.pending,
	} {
		s.Register(name, f)
	}
	return lib.Preludes(s, "trisul", preludes, "async")
}

// Why T.async can't be used in some states.
const (
	InWorker = "this runs in a worker already; do the work here, or schedule more of it in onresult"
	Loading  = "this works in hooks, not while the file is loaded; onload is the first place for it"
)

// Refuse puts a T.async into a state whose functions say why they can't be used there.
func Refuse(s *vm.State, why string) error {
	s.Register("async_why", func(c *vm.Call) error { c.PushStr(why); return nil })
	return lib.Preludes(s, "trisul", preludes, "refuse")
}

// desk is where one state schedules.
type desk struct {
	work  *Work
	state *vm.State
	by    Caller
}

// task is work on its way: what its ticket brings back, or its end.
type task struct {
	request  string
	onresult vm.Ref // 0: none
	file     *ramfs.File
}

// offer hands a job over. What belongs to the task is let go of when its ticket ends, or when it is refused. The script
// gets true, or false and why not.
func (d *desk) offer(c *vm.Call, m *object.Moment, j pool.Job, t *task) error {
	if t.file = m.File; t.file != nil {
		t.file.Hold()
	}
	j.Origin.Plugin, j.Origin.Where = d.work.opts.Plugin, c.Where()
	ok, why := d.accept(m, j, t)
	if !ok {
		d.release(t)
		c.PushBool(false)
		c.PushStr(why)
		return nil
	}
	c.PushBool(true)
	return nil
}

// accept gives the job a ticket and puts it into the queue. In an onunload it is done without a ticket: nobody looks at the
// engine's inbox any more.
func (d *desk) accept(m *object.Moment, j pool.Job, t *task) (ok bool, why string) {
	p := d.work.open()
	switch {
	case p == nil:
		return false, d.work.turnAway(handoff.Closed.String())
	case m.Ending && t.onresult != 0:
		return false, d.work.turnAway("the script is being unloaded: the result could not be given to onresult")
	case m.Ending:
		refusal := p.Offer(j)
		return refusal.OK(), refusal.String()
	}
	ticket, ok := m.Lane.Inbox().Issue(func(r reentry.Result) { d.back(t, r) })
	if !ok {
		return false, d.work.turnAway("too many results are on their way to this engine")
	}
	j.Ticket = ticket
	refusal := p.Offer(j)
	if refusal.OK() {
		d.work.issued.Add(1)
	}
	return refusal.OK(), refusal.String()
}

// back is the end of a task, on the goroutine of the engine that scheduled it.
func (d *desk) back(t *task, r reentry.Result) {
	d.work.taken.Add(1)
	if t.onresult != 0 && r.Err == nil && r.Data != nil {
		d.work.results.Add(1)
		d.by.Result(t.onresult, t.request, r.Data, t.file)
	}
	d.release(t)
}

func (d *desk) release(t *task) {
	d.state.Release(t.onresult)
	if t.file != nil {
		t.file.Release()
	}
}

// moment is what the hook that schedules is about.
func moment(c *vm.Call) (*object.Moment, error) {
	m := object.Owner(c)
	if m == nil {
		return nil, lib.Misuse("T.async", "%s", Loading)
	}
	return m, nil
}

// schedule: async_schedule(data, onexecute, onresult)
func (d *desk) schedule(c *vm.Call) error {
	m, err := moment(c)
	if err != nil {
		return err
	}
	data, err := argument(c, 1, "T.async:schedule: data")
	if err != nil {
		return err
	}
	packed, err := c.Pack(2, "onexecute")
	if err != nil {
		return lib.Misuse("T.async:schedule", "onexecute runs in a worker: %w", err)
	}
	t := &task{request: data}
	if !c.IsNil(3) {
		if t.onresult, err = c.Func(3); err != nil {
			return err
		}
	}
	run := func(ctx context.Context, worker int) reentry.Result { return d.work.execute(ctx, worker, packed, data) }
	return d.offer(c, m, pool.Job{Origin: pool.Origin{Kind: "schedule"}, Bytes: int64(len(data) + packed.Size()), Run: run}, t)
}

// execute runs an onexecute in a worker.
func (w *Work) execute(ctx context.Context, worker int, packed *vm.Packed, data string) reentry.Result {
	s, err := w.worker(worker)
	if err != nil {
		return reentry.Result{Err: err}
	}
	fn, err := s.Unpack(packed)
	if err != nil {
		return reentry.Result{Err: err}
	}
	defer s.Release(fn)
	r := vm.Run{Fn: fn, Kind: vm.KindTask, Args: []vm.Value{vm.Str(data)}}
	if err := s.Run(ctx, &r); err != nil {
		return reentry.Result{Err: err}
	}
	if len(r.Results) > 0 {
		if text, ok := r.Results[0].AsStr(); ok {
			return reentry.Result{Data: append([]byte{}, text...)}
		}
	}
	return reentry.Result{}
}

// copy: async_copy(from, to)
func (d *desk) copy(c *vm.Call) error { return d.transfer(c, "copy", fileio.Copy) }

// cat: async_cat(from, to)
func (d *desk) cat(c *vm.Call) error { return d.transfer(c, "cat", fileio.Cat) }

func (d *desk) transfer(c *vm.Call, kind string, do func(ctx context.Context, from, to string) error) error {
	from, err := argument(c, 1, "T.async:"+kind+": the source's name")
	if err != nil {
		return err
	}
	to, err := argument(c, 2, "T.async:"+kind+": the target's name")
	if err != nil {
		return err
	}
	return d.file(c, kind, []string{to, from}, 0, func(ctx context.Context) error { return do(ctx, from, to) })
}

// rm: async_rm(file)
func (d *desk) rm(c *vm.Call) error {
	name, err := argument(c, 1, "T.async:rm: the file's name")
	if err != nil {
		return err
	}
	return d.file(c, "rm", []string{name}, 0, func(context.Context) error { return fileio.Remove(name) })
}

// buffer: async_buffer(handle, span, file, position) writes a copy of the buffer's bytes; without a position, at the
// file's end.
func (d *desk) buffer(c *vm.Call) error {
	shown, err := object.Data(c, 1)
	if err != nil {
		return err
	}
	name, err := argument(c, 3, "T.async:copybuffer: the file's name")
	if err != nil {
		return err
	}
	data := bytes.Clone(shown)
	put := func(context.Context) error { return fileio.Append(name, data) }
	if !c.IsNil(4) {
		at, ok := c.Int(4)
		if !ok {
			return lib.Misuse("T.async:copybuffer", "the position must be a whole number, not %s", c.Kind(4))
		}
		put = func(context.Context) error { return fileio.WriteAt(name, data, at) }
	}
	return d.file(c, "copybuffer", []string{name}, len(data), put)
}

// file offers an operation on one or two files. Operations that have a file in common keep their order: each reads what
// those before it wrote. With one worker everything does, scripts as well, so there are no keys.
func (d *desk) file(c *vm.Call, kind string, names []string, size int, do func(ctx context.Context) error) error {
	m, err := moment(c)
	if err != nil {
		return err
	}
	var keys [2]string
	for i, name := range names {
		size += len(name)
		if d.work.opts.Workers == 1 {
			continue
		}
		if keys[i], err = filepath.Abs(name); err != nil {
			keys[i] = name
		}
	}
	run := func(ctx context.Context, _ int) reentry.Result { return reentry.Result{Err: do(ctx)} }
	return d.offer(c, m, pool.Job{Origin: pool.Origin{Kind: kind}, Key: keys[0], Key2: keys[1], Bytes: int64(size), Run: run}, &task{})
}

// pending: async_pending()
func (d *desk) pending(c *vm.Call) error {
	c.PushInt(int64(d.work.Pending()))
	return nil
}

// argument is a string; what names it in messages.
func argument(c *vm.Call, i int, what string) (string, error) {
	switch c.Kind(i) {
	case vm.KindStr, vm.KindInt, vm.KindNum:
		return c.Str(i), nil
	}
	return "", fmt.Errorf("%s must be a string, not %s", what, c.Kind(i))
}
