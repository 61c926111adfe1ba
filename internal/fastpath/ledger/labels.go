package ledger

import (
	"eddy/internal/fastpath/counter"
	"eddy/internal/fastpath/learned"
)

// labels are the names that people know keys by: those that scripts have given (engine:update_key_info), and those that
// a group was declared with.
type labels struct {
	given    map[labelled]string
	declared map[int]map[string]string // by Group.ID
}

type labelled struct{ guid, key string }

// maxLabels bounds the labels that scripts give.
const maxLabels = 262_144

func (l *labels) learn(k *learned.KeyInfo) {
	k.Group, _ = counter.NormalGUID(k.Group)
	if k.Label == "" {
		return
	}
	at := labelled{k.Group, k.Key}
	if l.given == nil {
		l.given = make(map[labelled]string)
	}
	if _, known := l.given[at]; known || len(l.given) < maxLabels {
		l.given[at] = k.Label
	}
}

// of gives a key's label: its own, that of its group's resolver, or the readable form of a key that has one. "": none.
func (l *labels) of(g *counter.Group, key string) string {
	if label, ok := l.given[labelled{g.GUID, key}]; ok {
		return label
	}
	if g.Resolver != "" {
		if label, ok := l.given[labelled{g.Resolver, key}]; ok {
			return label
		}
	}
	if len(g.KeyInfo) > 0 {
		if label, ok := l.table(g)[key]; ok {
			return label
		}
	}
	return counter.Readable(g, key)
}

func (l *labels) table(g *counter.Group) map[string]string {
	t := l.declared[g.ID]
	if t == nil {
		t = make(map[string]string, len(g.KeyInfo))
		for _, k := range g.KeyInfo {
			t[k.Key] = k.Label
		}
		if l.declared == nil {
			l.declared = make(map[int]map[string]string)
		}
		l.declared[g.ID] = t
	}
	return t
}
