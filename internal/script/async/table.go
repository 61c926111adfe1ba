package async

import (
	"time"

	"eddy/internal/base/value"
	"eddy/internal/handoff"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/queue"
	"eddy/internal/script/vm"
)

// inWorker is what a push gives where a script makes itself ready a second time.
var inWorker = queue.Refused{Reason: handoff.Closed, Text: "this state is a worker's, which runs the script once more; it pushes in handlers"}

const tooMany = handoff.SharedEntriesFull

// decode gives the value of a payload or result; nil for none.
func decode(b []byte) (vm.Value, error) {
	if len(b) == 0 {
		return vm.Nil(), nil
	}
	v, _, err := value.Decode(b)
	return v, err
}

// jobTable is a job as handlers and onresult functions see it. Data that is damaged is left out.
func jobTable(j *job.Job) vm.Value {
	b, err := appendJob(nil, j)
	if err != nil {
		whole := *j
		whole.Data = nil
		b, _ = appendJob(nil, &whole)
	}
	v, _, _ := value.Decode(b)
	return v
}

// jobRoom is about what appendJob takes beside the job's data.
const jobRoom = 384

// appendJob is the same, encoded. The error is one of Data.
func appendJob(dst []byte, j *job.Job) ([]byte, error) {
	start := len(dst)
	dst = value.AppendTable(dst, 0)
	pairs := 0
	key := func(name string) {
		dst = value.AppendStr(dst, name)
		pairs++
	}
	text := func(name, s string) {
		if s != "" {
			key(name)
			dst = value.AppendStr(dst, s)
		}
	}
	number := func(name string, v vm.Value) {
		key(name)
		dst, _ = value.Append(dst, v)
	}
	text("id", j.ID.String())
	text("queue", j.Queue)
	text("handler", j.Handler)
	if len(j.Data) > 0 {
		rest, err := value.Check(j.Data)
		if err != nil {
			return dst, err
		}
		key("data") // nil in a table is what is not there
		dst = append(dst, j.Data[:len(j.Data)-len(rest)]...)
	}
	text("key", j.Key)
	if j.Attempts > 0 {
		number("attempt", vm.Int(int64(j.Attempts)))
	}
	if j.MaxAttempts > 0 {
		number("attempts", vm.Int(int64(j.MaxAttempts)))
	}
	number("priority", vm.Int(int64(j.Priority)))
	if j.Pushed > 0 {
		number("pushed", vm.Num(float64(j.Pushed)/float64(time.Second)))
	}
	text("where", j.Origin.Where)
	text("request", j.Origin.Request)
	value.AppendTable(dst[:start], pairs)
	return dst, nil
}

// size: async_size(queue) is the number of jobs that are not at their end.
func (d *Desk) size(c *vm.Call) error {
	q, err := d.arg(c)
	if err != nil {
		return err
	}
	c.PushInt(unfinished(q.Stats().Totals.Jobs))
	return nil
}

func unfinished(jobs [job.Gone + 1]int64) int64 {
	return jobs[job.Ready] + jobs[job.Scheduled] + jobs[job.Running] + jobs[job.Retrying]
}

// stats: async_stats(queue)
func (d *Desk) stats(c *vm.Call) error {
	q, err := d.arg(c)
	if err != nil {
		return err
	}
	s := q.Stats()
	t := &vm.Table{}
	t.Set("name", vm.Str(s.Name))
	t.Set("store", vm.Str(map[bool]string{true: "disk", false: "memory"}[s.Disk]))
	t.Set("paused", vm.Bool(s.Paused))
	t.Set("draining", vm.Bool(s.Draining))
	num := func(key string, n int64) { t.Set(key, vm.Int(n)) }
	num("size", unfinished(s.Totals.Jobs))
	var bytes int64
	for state, n := range s.Totals.Bytes {
		if job.State(state) != job.Dead {
			bytes += n
		}
	}
	num("bytes", bytes)
	for _, state := range []job.State{job.Ready, job.Scheduled, job.Running, job.Retrying, job.Dead} {
		num(state.String(), s.Totals.Jobs[state])
	}
	num("workers", int64(s.Workers))
	num("busy", int64(s.Busy))
	age := 0.0
	if !s.OldestReady.IsZero() {
		age = time.Since(s.OldestReady).Seconds()
	}
	t.Set("oldest", vm.Num(age))
	var refused uint64
	for _, n := range s.Refused {
		refused += n
	}
	for _, f := range []struct {
		key string
		n   uint64
	}{
		{"pushed", s.Pushed}, {"duplicates", s.Duplicates}, {"refused", refused}, {"started", s.Started}, {"done", s.Done}, {"failed", s.Failed},
		{"retried", s.Retried}, {"timed_out", s.TimedOut}, {"died", s.Died}, {"dropped", s.Dropped}, {"deleted", s.Deleted}, {"redelivered", s.Redelivered},
	} {
		num(f.key, int64(f.n))
	}
	return c.PushValue(vm.Tab(t))
}
