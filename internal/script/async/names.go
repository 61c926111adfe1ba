package async

import (
	"fmt"
	"maps"
	"slices"
	"sync"
)

// Names are what scripts registered: by name the "script:line" of the registration.
type Names struct {
	Handlers map[string]string // async.handler
	OnResult map[string]string // async.onresult
	OnError  map[string]string // async.onerror
}

func newNames() Names {
	return Names{Handlers: map[string]string{}, OnResult: map[string]string{}, OnError: map[string]string{}}
}

// Owner is who stands behind names: the scripts of one binding, or one plugin, in all their states. Its methods may be called
// from any goroutine.
type Owner struct {
	shared  *Shared
	name    string
	workers *Workers

	mu    sync.Mutex
	names Names
}

// NewOwner makes an owner, whose handlers and functions run in workers.
func NewOwner(s *Shared, name string, workers *Workers) *Owner {
	s.Handlers.Code(name, workers)
	return &Owner{shared: s, name: name, workers: workers, names: newNames()}
}

// Name is what jobs of the owner have as their job.Body.Owner.
func (o *Owner) Name() string { return o.name }

// Declare makes names known. One that is known from the same place, from another state with the same script, is fine.
func (o *Owner) Declare(n Names) error {
	for _, kind := range []struct {
		names map[string]string
		add   func(name, where string) error
	}{
		{n.Handlers, o.handler},
		{n.OnResult, func(name, where string) error { return o.note("async.onresult", o.names.OnResult, name, where) }},
		{n.OnError, func(name, where string) error { return o.note("async.onerror", o.names.OnError, name, where) }},
	} {
		for _, name := range slices.Sorted(maps.Keys(kind.names)) {
			if err := kind.add(name, kind.names[name]); err != nil {
				return err
			}
		}
	}
	return nil
}

// handler declares one handler.
func (o *Owner) handler(name, where string) error {
	o.mu.Lock()
	_, known := o.names.Handlers[name]
	o.mu.Unlock()
	if err := o.note("async.handler", o.names.Handlers, name, where); err != nil || known {
		return err
	}
	if owner, ok := o.shared.Handlers.Owner(name); ok && owner == o.name {
		return nil // another lane has the same plugin; it will do
	}
	if err := o.shared.Handlers.Handle(name, o.name, o.workers); err != nil {
		return fmt.Errorf("async.handler: %w", err)
	}
	return nil
}

func (o *Owner) note(what string, names map[string]string, name, where string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return note(what, names, name, where)
}

// note adds a name, or says where it was registered before.
func note(what string, names map[string]string, name, where string) error {
	if was, ok := names[name]; ok && was != where {
		return fmt.Errorf("%s: '%s' is registered already, at %s", what, name, was)
	}
	names[name] = where
	return nil
}

// takes says whether a script has registered a name for results, or for errors; if not, which ones there are.
func (o *Owner) takes(name string, failed bool) (there []string, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	names := o.names.OnResult
	if failed {
		names = o.names.OnError
	}
	if _, ok := names[name]; ok {
		return nil, true
	}
	return slices.Sorted(maps.Keys(names)), false
}

// HasHandlers says whether a script has registered a handler.
func (o *Owner) HasHandlers() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.names.Handlers) > 0
}
