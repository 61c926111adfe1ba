package capture

import (
	"eddy/internal/fastpath/capture/filter"
	"eddy/internal/fastpath/packet"
)

// Filter decides which frames are wanted: a classic BPF program, immutable.
type Filter = filter.Program

// CompileFilter translates an expression of tcpdump's filter language for frames of a link type; see package filter for
// what it knows. Of matching frames snap bytes are kept (0: MaxFrame) when the kernel runs the filter; for this it must
// have been compiled by Live, which knows where the kernel keeps VLAN tags.
func CompileFilter(expr string, link packet.Link, snap int) (Filter, error) {
	return filter.Compile(expr, filter.Options{Link: link, Keep: keep(snap)})
}

// keep gives how many bytes of a frame are kept.
func keep(snap int) int {
	if snap <= 0 || snap > MaxFrame {
		return MaxFrame
	}
	return snap
}
