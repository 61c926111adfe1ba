package ledger

import (
	"cmp"
	"slices"
)

// best keeps the items with the greatest values out of many: a heap whose root is the least of those kept. Of items of
// the same value the ones that came first are kept.
type best[T any] struct {
	limit int
	heap  []scored[T]
	came  int
}

type scored[T any] struct {
	item  T
	value float64
	came  int
}

// worse orders by value, then by coming.
func worse[T any](a, b scored[T]) int {
	if c := cmp.Compare(a.value, b.value); c != 0 {
		return c
	}
	return cmp.Compare(b.came, a.came)
}

// offer keeps an item if it is among the best so far.
func (b *best[T]) offer(item T, value float64) {
	s := scored[T]{item, value, b.came}
	b.came++
	switch {
	case len(b.heap) < b.limit:
		b.heap = append(b.heap, s)
		b.up(len(b.heap) - 1)
	case b.limit > 0 && value > b.heap[0].value:
		b.heap[0] = s
		b.down(0)
	}
}

// take gives what was kept, the best first, and forgets it. The slice is valid until the next offer.
func (b *best[T]) take() []scored[T] {
	items := b.heap
	slices.SortFunc(items, func(x, y scored[T]) int { return worse(y, x) })
	b.heap, b.came = b.heap[:0], 0
	return items
}

func (b *best[T]) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if worse(b.heap[i], b.heap[parent]) >= 0 {
			return
		}
		b.heap[i], b.heap[parent] = b.heap[parent], b.heap[i]
		i = parent
	}
}

func (b *best[T]) down(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(b.heap); child++ {
			if worse(b.heap[child], b.heap[least]) < 0 {
				least = child
			}
		}
		if least == i {
			return
		}
		b.heap[i], b.heap[least] = b.heap[least], b.heap[i]
		i = least
	}
}
