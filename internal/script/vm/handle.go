package vm

import (
	"io"
	"sync"
)

// Handle names a Go object inside Lua: an integer that is never given out twice, so that a script that keeps one too
// long gets an error instead of another object.
type Handle int64

// handles is a table of pinned objects.
type handles struct {
	mu   sync.Mutex
	slot []slot
	free []int32
}

type slot struct {
	gen int32
	obj any
}

func (t *handles) pin(o any) Handle {
	t.mu.Lock()
	defer t.mu.Unlock()
	var i int32
	if n := len(t.free); n > 0 {
		i = t.free[n-1]
		t.free = t.free[:n-1]
	} else {
		i = int32(len(t.slot))
		t.slot = append(t.slot, slot{gen: 1})
	}
	t.slot[i].obj = o
	return Handle(int64(t.slot[i].gen)<<32 | int64(i))
}

func (t *handles) get(h Handle) any {
	i, gen := int64(h)&0xffffffff, int32(h>>32)
	t.mu.Lock()
	defer t.mu.Unlock()
	if i >= int64(len(t.slot)) || t.slot[i].gen != gen {
		return nil
	}
	return t.slot[i].obj
}

func (t *handles) unpin(h Handle) any {
	i, gen := int64(h)&0xffffffff, int32(h>>32)
	t.mu.Lock()
	defer t.mu.Unlock()
	if i >= int64(len(t.slot)) || t.slot[i].gen != gen || t.slot[i].obj == nil {
		return nil
	}
	o := t.slot[i].obj
	t.slot[i].obj = nil
	t.slot[i].gen++
	if t.slot[i].gen < 0 {
		t.slot[i].gen = 1
	}
	t.free = append(t.free, int32(i))
	return o
}

func (t *handles) closeAll() {
	t.mu.Lock()
	slots := t.slot
	t.slot, t.free = nil, nil
	t.mu.Unlock()
	for _, s := range slots {
		if c, ok := s.obj.(io.Closer); ok {
			c.Close()
		}
	}
}

// Pin gives o a handle. Whoever pins unpins, or hands the handle to Lua with OwnedValue.
func (s *State) Pin(o any) Handle { return s.handles.pin(o) }

// Unpin makes the handle stale.
func (s *State) Unpin(h Handle) { s.handles.unpin(h) }

// Object is what h names, or nil when it is stale.
func (s *State) Object(h Handle) any { return s.handles.get(h) }

// release is called by the collector for an owned userdata, with the lock held. Closing may take time (a socket's
// close does not), so objects that need long close in the background themselves.
func (s *State) release(h Handle) {
	if c, ok := s.handles.unpin(h).(io.Closer); ok {
		c.Close()
	}
}
