package queue

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"eddy/internal/offpath/job"
)

// Handlers do jobs by the names of their handlers, or, those that are sealed Lua code, by their owners. It is a Runner. Any
// goroutine may call its methods.
type Handlers struct {
	mu    sync.RWMutex
	named map[string]handler
	code  map[string]Runner // by owner
}

type handler struct {
	owner  string
	runner Runner
}

// NewHandlers makes an empty Handlers.
func NewHandlers() *Handlers {
	return &Handlers{named: make(map[string]handler), code: make(map[string]Runner)}
}

// Handle gives a handler's name a Runner. owner is whose it is, for messages. A name can be given once.
func (h *Handlers) Handle(name, owner string, r Runner) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch other, twice := h.named[name]; {
	case name == "" || len(name) > job.MaxName:
		return fmt.Errorf("a handler's name has 1 to %d bytes, this one %d", job.MaxName, len(name))
	case twice && other.owner == owner:
		return fmt.Errorf("handler %q is there twice, both of %s", name, owner)
	case twice:
		return fmt.Errorf("handler %q of %s is already one of %s: choose another name", name, owner, other.owner)
	}
	h.named[name] = handler{owner, r}
	return nil
}

// Code gives an owner's jobs that are code a Runner.
func (h *Handlers) Code(owner string, r Runner) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.code[owner] = r
}

// Has says whether a handler has that name.
func (h *Handlers) Has(name string) bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	_, ok := h.named[name]
	return ok
}

// Owner says whose handler has that name.
func (h *Handlers) Owner(name string) (owner string, ok bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	found, ok := h.named[name]
	return found.owner, ok
}

// Names gives all names, sorted.
func (h *Handlers) Names() []string {
	h.mu.RLock()
	defer h.mu.RUnlock()
	names := make([]string, 0, len(h.named))
	for name := range h.named {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Run does a job. One whose handler or owner is not there fails, and is tried again: the next configuration may have it.
func (h *Handlers) Run(ctx context.Context, j *job.Job) Outcome {
	r, err := h.find(j)
	if err != nil {
		return Outcome{Err: err}
	}
	return r.Run(ctx, j)
}

func (h *Handlers) find(j *job.Job) (Runner, error) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if j.Handler == "" {
		if r := h.code[j.Owner]; r != nil {
			return r, nil
		}
		return nil, fmt.Errorf("the job is a function of %s, which is not loaded", j.Owner)
	}
	if found, ok := h.named[j.Handler]; ok {
		return found.runner, nil
	}
	return nil, fmt.Errorf("no handler is called %q; %s", j.Handler, h.known())
}

// known lists the names for a message. The lock is held.
func (h *Handlers) known() string {
	if len(h.named) == 0 {
		return "there are none"
	}
	const some = 20
	names := make([]string, 0, len(h.named))
	for name := range h.named {
		names = append(names, name)
	}
	slices.Sort(names)
	if len(names) > some {
		names = append(names[:some], "...")
	}
	return "there are: " + strings.Join(names, ", ")
}
