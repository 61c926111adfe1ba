package flow

// arena owns the memory of a table's flows. Flows never move, and a flow that was given back is used again; memory goes
// back to the system with the table only, so the most flows at once are what a table costs.
type arena struct {
	slabs []*[slabFlows]Flow
	free  uint32 // linked by links.older; 0: none
}

// slabFlows makes a slab so large that it begins with a page: flows lie on whole cache lines then.
const slabFlows = 256

// at gives the flow with an id that take has given.
func (a *arena) at(id uint32) *Flow { return &a.slabs[(id-1)/slabFlows][(id-1)%slabFlows] }

// take gives a flow whose fields but id are zero.
func (a *arena) take() *Flow {
	if a.free == 0 {
		a.add()
	}
	f := a.at(a.free)
	a.free = f.links.older
	f.links.older = 0
	return f
}

func (a *arena) add() {
	slab := new([slabFlows]Flow)
	first := uint32(len(a.slabs)*slabFlows) + 1
	a.slabs = append(a.slabs, slab)
	for i := len(slab) - 1; i >= 0; i-- { // so that ids are taken in rising order
		slab[i].id = first + uint32(i)
		slab[i].links.older = a.free
		a.free = slab[i].id
	}
}

func (a *arena) giveBack(f *Flow) {
	*f = Flow{id: f.id, links: links{older: a.free}}
	a.free = f.id
}
