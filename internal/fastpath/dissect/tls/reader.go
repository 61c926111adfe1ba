package tls

// reader takes a message apart from its begin. When there is not enough left, it gives zeros and nothing, and is empty
// from then on: what is behind a cut is as if it were not there.
type reader []byte

func (r *reader) take(n int) []byte {
	if len(*r) < n {
		*r = nil
		return nil
	}
	b := (*r)[:n]
	*r = (*r)[n:]
	return b
}

func (r *reader) number(bytes int) (n int) {
	for _, b := range r.take(bytes) {
		n = n<<8 | int(b)
	}
	return n
}

func (r *reader) u16() uint16 { return uint16(r.number(2)) }

// block takes a length of so many bytes and what it counts, or what there is of it.
func (r *reader) block(lengthBytes int) []byte {
	n := r.number(lengthBytes)
	return r.take(min(n, len(*r)))
}

// list16 reads all that is left as numbers of two bytes.
func (r reader) list16() []uint16 {
	list := make([]uint16, 0, len(r)/2)
	for len(r) >= 2 {
		list = append(list, r.u16())
	}
	return list
}
