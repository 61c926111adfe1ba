package reassembly

// backlog is what one direction of a stream holds behind a hole. There is one only while there is a block in it.
type backlog struct {
	half        *half
	sink        Sink
	first, last *block
	blocks      int64

	since          int64 // capture time of the latest progress
	older, younger *backlog
}

// waitList has all backlogs, the longest without progress first.
type waitList struct{ oldest, youngest *backlog }

func (l *waitList) add(w *backlog) {
	w.older, w.younger = l.youngest, nil
	if l.youngest != nil {
		l.youngest.younger = w
	} else {
		l.oldest = w
	}
	l.youngest = w
}

func (l *waitList) remove(w *backlog) {
	if w.older != nil {
		w.older.younger = w.younger
	} else {
		l.oldest = w.younger
	}
	if w.younger != nil {
		w.younger.older = w.older
	} else {
		l.youngest = w.older
	}
	w.older, w.younger = nil, nil
}

// around gives the blocks before and after the place pos. Segments mostly come behind all that is held; elsewhere the
// search takes a step for each block before.
func (w *backlog) around(pos int64) (before, after *block) {
	if w.last != nil && w.last.end() <= pos {
		return w.last, nil
	}
	for after = w.first; after != nil && after.end() <= pos; after = after.next {
		before = after
	}
	return before, after
}

// overwrite puts the bytes of p over those that are held for the same places.
func (w *backlog) overwrite(p piece) {
	for b := w.first; b != nil && b.pos < p.pos+int64(len(p.data)); b = b.next {
		if off := b.pos - p.pos; off >= 0 {
			copy(b.buf[:b.n], p.data[off:])
		} else if -off < int64(b.n) {
			copy(b.buf[-off:b.n], p.data)
		}
	}
}

// end is the place behind all that is held.
func (w *backlog) end() int64 { return w.last.end() + w.last.cut }
