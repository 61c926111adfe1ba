package flow

import "time"

// class is a set of flows with one timeout. A flow is in one class at a time.
type class uint8

const (
	opening class = iota // TCP that sent nothing but SYNs yet
	established
	closed // TCP after FINs or RST: waits for stragglers
	udp
	other
	numClasses
)

// grain is how far a flow's place in its list may lag behind its latest packet, so that most packets don't touch the
// list at all. Flows end at most that much late.
const grain = int64(time.Second)

// age is a flow's place among the flows of its class.
type age struct {
	older, younger *Flow
	placed         int64 // when it was put there: later than Last-grain
	class          class
	linked         bool
}

// ageList has the flows of one class, the longest idle first, exact to a grain.
type ageList struct{ oldest, newest *Flow }

// ages has the lists of all classes.
type ages [numClasses]ageList

// touch puts f, which had a packet at the capture time now, where it belongs.
func (a *ages) touch(f *Flow, c class, now int64) {
	if f.age.linked {
		if f.age.class == c && now-f.age.placed < grain {
			return
		}
		a.unlink(f)
	}
	l := &a[c]
	f.age = age{older: l.newest, placed: now, class: c, linked: true}
	if l.newest != nil {
		l.newest.age.younger = f
	} else {
		l.oldest = f
	}
	l.newest = f
}

func (a *ages) unlink(f *Flow) {
	l, at := &a[f.age.class], &f.age
	if at.older != nil {
		at.older.age.younger = at.younger
	} else {
		l.oldest = at.younger
	}
	if at.younger != nil {
		at.younger.age.older = at.older
	} else {
		l.newest = at.older
	}
	*at = age{}
}

// victim is the flow to lose when there is no room: one that is closed anyway, then one that never got further than a
// SYN (so that a SYN flood costs the flood's own flows), then the one that is idle the longest.
func (a *ages) victim() *Flow {
	for _, c := range [...]class{closed, opening} {
		if f := a[c].oldest; f != nil {
			return f
		}
	}
	var v *Flow
	for _, c := range [...]class{established, udp, other} {
		if f := a[c].oldest; f != nil && (v == nil || f.age.placed < v.age.placed) {
			v = f
		}
	}
	return v
}
