package flow

import "time"

// class is a set of flows with one timeout. A flow is in one class at a time.
type class uint8

const (
	unlisted class = iota // in no list: a flow that is being made
	opening               // TCP that sent nothing but SYNs yet
	established
	closed // TCP after FINs or RST: waits for stragglers
	udp
	other
	numClasses
)

// grain is how far a flow's place in its list may lag behind its latest packet, so that most packets don't touch the
// list at all. Flows end at most that much late.
const grain = int64(time.Second)

// links are a flow's neighbours in the list of its class, as numbers of the arena; 0: none.
type links struct{ older, younger uint32 }

// ages has the flows of each class in a list, the longest idle first, exact to a grain.
type ages struct {
	arena *arena
	lists [numClasses]struct{ oldest, newest uint32 }
}

// oldest gives the flow of a class that is idle the longest, or nil.
func (a *ages) oldest(c class) *Flow {
	if id := a.lists[c].oldest; id != 0 {
		return a.arena.at(id)
	}
	return nil
}

// touch puts f, which had a packet at the capture time now, where it belongs.
func (a *ages) touch(f *Flow, c class, now int64) {
	if f.class != unlisted {
		if f.class == c && now-f.placed < grain {
			return
		}
		a.unlink(f)
	}
	l := &a.lists[c]
	f.class, f.placed, f.links = c, now, links{older: l.newest}
	if l.newest != 0 {
		a.arena.at(l.newest).links.younger = f.id
	} else {
		l.oldest = f.id
	}
	l.newest = f.id
}

func (a *ages) unlink(f *Flow) {
	l, at := &a.lists[f.class], f.links
	if at.older != 0 {
		a.arena.at(at.older).links.younger = at.younger
	} else {
		l.oldest = at.younger
	}
	if at.younger != 0 {
		a.arena.at(at.younger).links.older = at.older
	} else {
		l.newest = at.older
	}
	f.class, f.placed, f.links = unlisted, 0, links{}
}

// victim is the flow to lose when there is no room: one that is closed anyway, then one that never got further than a
// SYN (so that a SYN flood costs the flood's own flows), then the one that is idle the longest.
func (a *ages) victim() *Flow {
	for _, c := range [...]class{closed, opening} {
		if f := a.oldest(c); f != nil {
			return f
		}
	}
	var v *Flow
	for _, c := range [...]class{established, udp, other} {
		if f := a.oldest(c); f != nil && (v == nil || f.placed < v.placed) {
			v = f
		}
	}
	return v
}
