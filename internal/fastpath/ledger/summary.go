package ledger

import (
	"eddy/internal/fastpath/counter"
)

// Summary says what went through a ledger.
type Summary struct {
	First, Last int64 // s since 1970: the begin of the first tick, and how far the ledger has come
	Ticks       int   // seconds that the metronome has counted
	Flushes     int   // of the lane's buckets
	Batches     uint64

	Alerts, Resources, Documents uint64            // before filters
	ResourceGroups               map[string]uint64 // resources by group; those of too many groups are under counter.Other

	Top []GroupTop // groups in which something was counted

	// What did not go as it should.
	Late         uint64       // batches for a bucket that was flushed already: they are counted in the next
	Forced       uint64       // buckets flushed before all engines had passed them
	Overflow     uint64       // counts of a second that went to counter.Other as there were too many keys
	Lost         counter.Lost // samples that could not be counted
	Unflushed    uint64       // additions of hooks that came too late or were too many
	OutputErrors uint64       // records that the output refused

	// What a live lane had no room for.
	DroppedBatches, DroppedRecords, DroppedRows uint64
}

// GroupTop has the greatest keys of one group over the whole run, by the first of its meters that has counted anything
// and adds up (VarType.Adds). Groups without one are left out.
type GroupTop struct {
	Group *counter.Group
	Meter int
	Count int        // keys with something in that meter
	Keys  []KeyTotal // the greatest first
	Total float64    // of all keys
	About bool       // Count is that of the heaviest keys: there were too many keys to be exact
}

// KeyTotal is a key with a meter's total: of a rate, bytes and not bytes per second.
type KeyTotal struct {
	Key, Label string
	Total      float64
}

// Summary gives what went through, with so many keys of each group. Run must have returned.
func (l *Ledger) Summary(keys int) Summary {
	s := l.tally
	s.Lost.Add(l.fromRecs.Lost())
	s.Lost.Add(l.added.local.Lost())
	s.Unflushed = l.added.lost
	s.DroppedBatches = l.dropped.batches.Load()
	s.DroppedRecords = l.dropped.items.Load()
	s.DroppedRows = l.dropped.rows.Load()
	for _, a := range l.accounts {
		if a == nil || len(a.top.sums) == 0 {
			continue
		}
		top := GroupTop{Group: a.group, Meter: a.topMeter, Count: len(a.top.sums), Keys: a.top.top(keys), Total: a.top.total, About: a.top.forgot}
		for i := range top.Keys {
			top.Keys[i].Label = l.labels.of(a.group, top.Keys[i].Key)
		}
		s.Top = append(s.Top, top)
	}
	return s
}

// maxResourceGroups bounds the groups of resources that are told apart.
const maxResourceGroups = 1000

func (l *Ledger) tallyResource(guid string) {
	t := &l.tally.ResourceGroups
	if *t == nil {
		*t = map[string]uint64{}
	}
	if _, known := (*t)[guid]; !known && len(*t) >= maxResourceGroups {
		guid = counter.Other
	}
	(*t)[guid]++
}

// Wants says which events of flows engines should tell of. It doesn't change.
type Wants struct{ New, Update, End bool }

// Wants gives what the hooks and the output want; any goroutine may ask.
func (l *Ledger) Wants() Wants {
	w := Wants{End: l.options.Output != nil || len(l.options.Hooks.Tracker) > 0}
	for i := range l.options.Hooks.Flow {
		m := &l.options.Hooks.Flow[i]
		w.New = w.New || m.New != nil
		w.Update = w.Update || m.Update != nil
		w.End = w.End || m.Terminate != nil || m.Filter != nil || m.Flush != nil
	}
	return w
}
