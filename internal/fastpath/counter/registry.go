package counter

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// MaxGroups bounds the groups of a registry.
const MaxGroups = 1024

// Registry has the counter groups of a lane: the built-in ones, and those that scripts add. It is safe for concurrent
// use; finding a group takes no lock. Groups are never removed.
type Registry struct {
	mu  sync.Mutex // writers
	now atomic.Pointer[groups]
}

// groups is what a registry has at a moment; it isn't changed but replaced.
type groups struct {
	all    []*Group // by ID
	byGUID map[string]*Group
}

// NewRegistry gives a registry with the built-in groups.
func NewRegistry() *Registry {
	r := &Registry{}
	r.now.Store(&groups{byGUID: map[string]*Group{}})
	for _, g := range builtin() {
		if _, err := r.Add(g); err != nil {
			panic("counter: built-in group: " + err.Error()) // the table in builtin.go is wrong
		}
	}
	return r
}

// Add registers a group and gives it as it stands in the registry. A group that is there already keeps its place: the
// same script may be loaded once for each engine. It is an error if the two have meters of different types.
func (r *Registry) Add(g Group) (*Group, error) {
	g.Meters, g.KeyInfo = slices.Clone(g.Meters), slices.Clone(g.KeyInfo)
	if err := g.prepare(); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.now.Load()
	if there := old.byGUID[g.GUID]; there != nil {
		if !sameTypes(there.Meters, g.Meters) {
			return nil, fmt.Errorf("counter group %q has the GUID %s of the group %q, but other meters", g.Name, g.GUID, there.Name)
		}
		return there, nil
	}
	if len(old.all) >= MaxGroups {
		return nil, errors.New("there are too many counter groups")
	}
	g.ID = len(old.all)
	next := &groups{all: append(slices.Clip(old.all), &g), byGUID: maps.Clone(old.byGUID)}
	next.byGUID[g.GUID] = &g
	r.now.Store(next)
	return &g, nil
}

// ByGUID finds a group by its GUID in any spelling; nil: there is none.
func (r *Registry) ByGUID(guid string) *Group {
	now := r.now.Load()
	if g := now.byGUID[guid]; g != nil {
		return g
	}
	guid, _ = NormalGUID(guid)
	return now.byGUID[guid]
}

// All gives the groups by ID. The slice is not to be changed.
func (r *Registry) All() []*Group { return r.now.Load().all }

func sameTypes(a, b []Meter) bool {
	return slices.EqualFunc(a, b, func(x, y Meter) bool { return x.Type == y.Type })
}
