package counter

import "strings"

// Limits bound what a Local remembers. They may be well below the number of keys in the traffic, but not below that of
// the keys between two flushes.
type Limits struct {
	Keys     int // of one group; 0: 262,144
	KeyBytes int // length of all keys of one group together; 0: 16 MiB
	KeyLen   int // of one key: longer ones are cut; 0: 1024
}

func (l Limits) withDefaults() Limits {
	if l.Keys <= 0 {
		l.Keys = 262_144
	}
	if l.KeyBytes <= 0 {
		l.KeyBytes = 16 << 20
	}
	if l.KeyLen <= 0 {
		l.KeyLen = 1024
	}
	return l
}

// Local counts for one engine. It belongs to that engine's goroutine. Adding to a key that is known allocates nothing.
type Local struct {
	registry *Registry
	limits   Limits
	tables   []*table // by Group.ID; nil: nothing was counted yet
	named    map[string]*Group
	rows     int
	lost     Lost
}

// Lost counts what could not be counted.
type Lost struct {
	Unknown uint64 // samples for a GUID that no group has
	Meters  uint64 // samples for a meter that the group has not
	Keys    uint64 // samples that went to Other because there was no room for their key
}

// Add adds the counts of another engine.
func (l *Lost) Add(o Lost) {
	l.Unknown += o.Unknown
	l.Meters += o.Meters
	l.Keys += o.Keys
}

// NewLocal gives an empty Local for the groups of a registry.
func NewLocal(r *Registry, limits Limits) *Local {
	return &Local{registry: r, limits: limits.withDefaults(), named: make(map[string]*Group)}
}

// maxNamed bounds the spellings of GUIDs that a Local remembers.
const maxNamed = 4096

// Group finds a group by its GUID as a script wrote it; nil: there is none, which is counted.
func (l *Local) Group(guid string) *Group {
	if g := l.named[guid]; g != nil {
		return g
	}
	g := l.registry.ByGUID(guid)
	if g == nil {
		l.lost.Unknown++
		return nil
	}
	if len(l.named) < maxNamed {
		l.named[strings.Clone(guid)] = g // who asks need not keep it
	}
	return g
}

// Add adds a sample of one meter to a key. key is not kept.
func (l *Local) Add(g *Group, key []byte, meter int, value float64) {
	if uint(meter) >= uint(len(g.Meters)) {
		l.lost.Meters++
		return
	}
	g.Sample(l.Cells(g, key), meter, value)
}

// AddString is Add for a key that is a string.
func (l *Local) AddString(g *Group, key string, meter int, value float64) {
	if uint(meter) >= uint(len(g.Meters)) {
		l.lost.Meters++
		return
	}
	g.Sample(l.table(g).cellsString(l, key), meter, value)
}

// Cells gives the cells of a key for several samples (Group.Sample); they are valid until the next call of a method.
func (l *Local) Cells(g *Group, key []byte) []float64 { return l.table(g).cells(l, key) }

// Slot is where a Local keeps a key, for who counts for the same key again and again: finding it needs no look at the
// key. The zero Slot is nobody's.
type Slot struct {
	id  uint32 // place in table.known, or noRoom
	era uint32 // of the table
}

// noRoom is the id of a key that counts as Other.
const noRoom = 1<<32 - 1

// Slot gives the place of a key of a group, for At with the same group.
func (l *Local) Slot(g *Group, key []byte) Slot {
	t := l.table(g)
	if len(key) > l.limits.KeyLen {
		key = key[:l.limits.KeyLen]
	}
	id, ok := t.index[string(key)]
	if !ok {
		id = t.learn(l, string(key))
	}
	return Slot{id, t.era}
}

// At is Cells for the key that has a place. After a Flush the place may be gone: then ok is false, and Slot gives
// another.
func (l *Local) At(g *Group, s Slot) (cells []float64, ok bool) {
	t := l.table(g)
	if s.era != t.era {
		return nil, false
	}
	return t.at(l, s.id), true
}

// Rows counts the keys that the next Flush hands over.
func (l *Local) Rows() int { return l.rows }

// Lost gives what could not be counted so far.
func (l *Local) Lost() Lost { return l.lost }

// Flush moves what was counted to d, whose former contents are gone. The Local goes on with d's memory.
func (l *Local) Flush(d *Delta) {
	d.Groups = d.Groups[:0]
	if l.rows == 0 {
		return
	}
	for _, t := range l.tables {
		if t != nil && len(t.keys) > 0 {
			t.flush(d.next(), l.limits)
		}
	}
	l.rows = 0
}

func (l *Local) table(g *Group) *table {
	for g.ID >= len(l.tables) {
		l.tables = append(l.tables, nil)
	}
	t := l.tables[g.ID]
	if t == nil {
		t = &table{group: g, index: make(map[string]uint32), epoch: 1, era: 1}
		l.tables[g.ID] = t
	}
	return t
}

// table counts the keys of one group. Keys are remembered from flush to flush, so that one that comes again needs no
// new string; the rows of the present tick stand in keys and numbers in the order in which they came.
type table struct {
	group *Group
	index map[string]uint32 // key to place in known
	known []known
	bytes int    // length of all known keys
	epoch uint32 // of the present tick; never 0
	era   uint32 // how often keys were forgotten, and one; never 0

	keys    []string
	numbers []float64
	other   bool   // Other has a row in this tick
	otherAt uint32 // which
}

type known struct {
	key   string
	epoch uint32 // of the tick that row belongs to
	row   uint32
}

func (t *table) cells(l *Local, key []byte) []float64 {
	if len(key) > l.limits.KeyLen {
		key = key[:l.limits.KeyLen]
	}
	id, ok := t.index[string(key)]
	if !ok {
		id = t.learn(l, string(key))
	}
	return t.at(l, id)
}

func (t *table) cellsString(l *Local, key string) []float64 {
	if len(key) > l.limits.KeyLen {
		key = key[:l.limits.KeyLen]
	}
	id, ok := t.index[key]
	if !ok {
		id = t.learn(l, key)
	}
	return t.at(l, id)
}

// at gives the cells of a known key, and a new row if this tick has none for it yet; for noRoom those of Other.
func (t *table) at(l *Local, id uint32) []float64 {
	if id == noRoom {
		l.lost.Keys++
		if !t.other {
			t.other, t.otherAt = true, t.newRow(l, Other)
		}
		return t.row(t.otherAt)
	}
	k := &t.known[id]
	if k.epoch != t.epoch {
		k.epoch, k.row = t.epoch, t.newRow(l, k.key)
	}
	return t.row(k.row)
}

// learn remembers a key, as far as there is room for one more.
func (t *table) learn(l *Local, key string) uint32 {
	if len(t.known) >= l.limits.Keys || t.bytes+len(key) > l.limits.KeyBytes {
		return noRoom
	}
	id := uint32(len(t.known))
	t.known = append(t.known, known{key: key})
	t.index[key] = id
	t.bytes += len(key)
	return id
}

func (t *table) newRow(l *Local, key string) uint32 {
	row := len(t.keys)
	t.keys = append(t.keys, key)
	need := len(t.numbers) + t.group.Stride()
	if need <= cap(t.numbers) {
		t.numbers = t.numbers[:need]
		clear(t.numbers[need-t.group.Stride():])
	} else {
		t.numbers = append(t.numbers, make([]float64, t.group.Stride())...)
	}
	l.rows++
	return uint32(row)
}

func (t *table) row(i uint32) []float64 {
	n := t.group.Stride()
	return t.numbers[int(i)*n : (int(i)+1)*n]
}

// flush swaps the tick's rows against the memory of d. A table that has come to know half of what it may forgets all:
// so a key that comes every tick costs a string now and then, and one that never comes back makes room.
func (t *table) flush(d *GroupDelta, limits Limits) {
	d.Group = t.group
	d.Keys, t.keys = t.keys, d.Keys
	d.Cells, t.numbers = t.numbers, d.Cells
	t.other = false
	t.epoch++
	if t.epoch == 0 || len(t.known) > limits.Keys/2 || t.bytes > limits.KeyBytes/2 {
		clear(t.index)
		clear(t.known)
		t.known, t.bytes, t.epoch = t.known[:0], 0, 1
		t.era = max(t.era+1, 1)
	}
}
