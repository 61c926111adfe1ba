package ledger

import (
	"eddy/internal/fastpath/counter"
	"eddy/internal/fastpath/learned"
)

// labels are the names that people know keys by: those that scripts have given (engine:update_key_info), and those that
// a group was declared with.
type labels struct {
	given    map[labelled]string
	bytes    int                       // of the keys and labels in given
	declared map[int]map[string]string // by Group.ID
}

type labelled struct{ guid, key string }

// The bounds of the labels that scripts give: their number, and the bytes of keys and labels together.
const (
	maxLabels     = 262_144
	maxLabelBytes = 32 << 20
)

func (l *labels) learn(k *learned.KeyInfo) {
	k.Group, _ = counter.NormalGUID(k.Group)
	if k.Label == "" {
		return
	}
	at := labelled{k.Group, k.Key}
	if l.given == nil {
		l.given = make(map[labelled]string)
	}
	old, known := l.given[at]
	more := len(k.Label) - len(old)
	if !known {
		more += len(k.Key)
	}
	if (known || len(l.given) < maxLabels) && l.bytes+more <= maxLabelBytes {
		l.given[at] = k.Label
		l.bytes += more
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
