package async

import (
	"sync"

	"eddy/internal/offpath/job"
	"eddy/internal/offpath/queue"
)

// Owners find who takes the results of jobs whose onresult or onerror is a name. It is the queue.Owners of all queues of a
// process. Its methods may be called from any goroutine.
type Owners struct {
	mu sync.Mutex
	by map[takerKey][]*Desk // those that have the name; the first takes
}

type takerKey struct {
	owner, name string
	failed      bool // an onerror
}

// NewOwners makes an empty one.
func NewOwners() *Owners { return &Owners{by: map[takerKey][]*Desk{}} }

// Take implements queue.Owners.
func (o *Owners) Take(j *job.Job, out queue.Outcome) bool {
	k := takerKey{j.Owner, j.OnResult, false}
	if out.Err != nil {
		k = takerKey{j.Owner, j.OnError, true}
	}
	if k.name == "" {
		return false
	}
	o.mu.Lock()
	desks := o.by[k]
	o.mu.Unlock()
	for _, d := range desks { // they are replaced, never changed
		if d.takeNamed(k, j, out) {
			return true
		}
	}
	return false
}

func (o *Owners) add(k takerKey, d *Desk) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.by[k] = append(o.by[k][:len(o.by[k]):len(o.by[k])], d)
}

// remove forgets a desk that is about to close.
func (o *Owners) remove(d *Desk) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for k, desks := range o.by {
		var left []*Desk
		for _, have := range desks {
			if have != d {
				left = append(left, have)
			}
		}
		if len(left) > 0 {
			o.by[k] = left
		} else {
			delete(o.by, k)
		}
	}
}
