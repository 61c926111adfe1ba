package patfile

import "slices"

// lengths finds the longest prefix or suffix: one table for each length that occurs, longest first.
type lengths struct {
	sizes  []int // descending
	tables map[int]map[string][]*Entry
}

func (l *lengths) add(key string, e *Entry) {
	n := len(key)
	if l.tables == nil {
		l.tables = map[int]map[string][]*Entry{}
	}
	t := l.tables[n]
	if t == nil {
		t = map[string][]*Entry{}
		l.tables[n] = t
		l.sizes = append(l.sizes, n)
		slices.SortFunc(l.sizes, func(a, b int) int { return b - a })
	}
	t[key] = append(t[key], e)
}

func (l *lengths) remove(key string, e *Entry) {
	n := len(key)
	t := l.tables[n]
	dropFrom(t, key, e)
	if t != nil && len(t) == 0 {
		delete(l.tables, n)
		l.sizes = slices.DeleteFunc(l.sizes, func(s int) bool { return s == n })
	}
}

func (l *lengths) prefix(b []byte) (Match, bool) {
	for _, n := range l.sizes {
		if n <= len(b) {
			if es := l.tables[n][string(b[:n])]; es != nil {
				return Match{Entry: es[0]}, true
			}
		}
	}
	return Match{}, false
}

func (l *lengths) suffix(b []byte) (Match, bool) {
	for _, n := range l.sizes {
		if n <= len(b) {
			if es := l.tables[n][string(b[len(b)-n:])]; es != nil {
				return Match{Entry: es[0]}, true
			}
		}
	}
	return Match{}, false
}
