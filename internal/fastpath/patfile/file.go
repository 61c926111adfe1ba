package patfile

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
)

// MaxEntries bounds a file: loading or adding more is an error.
const MaxEntries = 4 << 20

// File is a list of patterns, or of patterns with values (a map), that may change at run time. Any goroutine may use
// it; look-ups share a read lock that is only held for memory work.
type File struct {
	Name  string
	ID    int  // number within the store
	IsMap bool // lines have two columns

	mu      sync.RWMutex
	entries []*Entry
	views   []*View
	lastID  uint64
}

// View is a file seen by one way to match.
type View struct {
	f *File
	x *Index
}

// View gives the file seen by a method; the same view for the same arguments. Patterns that don't fit the method are
// given to bad, which may be nil, and left out.
func (f *File) View(m Method, noCase bool, bad func(e *Entry, err error)) *View {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, v := range f.views {
		if v.x.method == m && v.x.noCase == noCase {
			return v
		}
	}
	v := &View{f, NewIndex(m, noCase)}
	for _, e := range f.entries {
		if err := v.x.Add(e); err != nil && bad != nil {
			bad(e, err)
		}
	}
	f.views = append(f.views, v)
	return v
}

// File is what the view looks at.
func (v *View) File() *File { return v.f }

// Method is what the view matches by.
func (v *View) Method() Method { return v.x.method }

// Text is Index.Text, on the file as it is now. What it gives is a copy that later changes do not touch.
func (v *View) Text(b []byte) (m Match, value string, ok bool) {
	v.f.mu.RLock()
	defer v.f.mu.RUnlock()
	if m, ok = v.x.Text(b); ok {
		value = m.Value
	}
	return m, value, ok
}

// Number is Index.Number.
func (v *View) Number(n int64) (m Match, value string, ok bool) {
	v.f.mu.RLock()
	defer v.f.mu.RUnlock()
	if m, ok = v.x.Number(n); ok {
		value = m.Value
	}
	return m, value, ok
}

// Addr is Index.Addr.
func (v *View) Addr(a netip.Addr) (m Match, value string, ok bool) {
	v.f.mu.RLock()
	defer v.f.mu.RUnlock()
	if m, ok = v.x.Addr(a); ok {
		value = m.Value
	}
	return m, value, ok
}

// Add puts a pattern in, for maps with a value, also when it is there already. It refuses what does not fit one of
// the ways in which the file is used.
func (f *File) Add(pattern, value string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.add(pattern, value, 0)
}

func (f *File) add(pattern, value string, line int) error {
	if len(f.entries) >= MaxEntries {
		return fmt.Errorf("%s holds %d patterns, which is the most there may be", f.Name, MaxEntries)
	}
	f.lastID++
	e := &Entry{ID: f.lastID, Pattern: pattern, Value: value, Line: line}
	for i, v := range f.views {
		if err := v.x.Add(e); err != nil {
			for _, done := range f.views[:i] {
				done.x.Remove(e)
			}
			return err
		}
	}
	f.entries = append(f.entries, e)
	return nil
}

// Set gives all entries of that pattern a new value and counts them.
func (f *File) Set(pattern, value string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, e := range f.entries {
		if e.Pattern == pattern {
			e.Value = value
			n++
		}
	}
	return n
}

// SetOrAdd sets the value of a pattern, which is added when it is not there (the set-map action).
func (f *File) SetOrAdd(pattern, value string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	found := false
	for _, e := range f.entries {
		if e.Pattern == pattern {
			e.Value, found = value, true
		}
	}
	if found {
		return nil
	}
	return f.add(pattern, value, 0)
}

// AddNew adds a pattern unless it is there (the add-acl action).
func (f *File) AddNew(pattern, value string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if slices.ContainsFunc(f.entries, func(e *Entry) bool { return e.Pattern == pattern }) {
		return nil
	}
	return f.add(pattern, value, 0)
}

// Del removes all entries of that pattern and counts them.
func (f *File) Del(pattern string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(f.entries)
	f.entries = slices.DeleteFunc(f.entries, func(e *Entry) bool {
		if e.Pattern != pattern {
			return false
		}
		for _, v := range f.views {
			v.x.Remove(e)
		}
		return true
	})
	return n - len(f.entries)
}

// Clear removes everything.
func (f *File) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.entries = nil
	for _, v := range f.views {
		v.x = NewIndex(v.x.method, v.x.noCase)
	}
}

// Entries copies what is in the file, in order.
func (f *File) Entries() []Entry {
	f.mu.RLock()
	defer f.mu.RUnlock()
	out := make([]Entry, len(f.entries))
	for i, e := range f.entries {
		out[i] = *e
	}
	return out
}

// Len counts the entries.
func (f *File) Len() int {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return len(f.entries)
}
