package shard

// slab gives out values of one type, many of which are made at once; those that come back are used again.
type slab[T any] struct{ free []*T }

const slabSize = 64

// take gives a zero T.
func (s *slab[T]) take() *T {
	if len(s.free) == 0 {
		values := new([slabSize]T)
		for i := range values {
			s.free = append(s.free, &values[slabSize-1-i])
		}
	}
	last := len(s.free) - 1
	v := s.free[last]
	s.free = s.free[:last]
	return v
}

// put takes one back.
func (s *slab[T]) put(v *T) {
	*v = *new(T)
	s.free = append(s.free, v)
}
