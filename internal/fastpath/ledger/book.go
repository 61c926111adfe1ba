package ledger

import "eddy/internal/fastpath/counter"

// book counts one group's keys over one bucket, in the order in which they came.
type book struct {
	group *counter.Group
	index map[string]uint32 // key to row
	keys  []string
	bytes int         // of all keys
	pages [][]float64 // the cells of pageRows rows each; what is behind the last row is left over from earlier buckets
}

const pageRows = 256

func (b *book) find(key string) (row int, ok bool) {
	i, ok := b.index[key]
	return int(i), ok
}

// maxKeyBytes bounds the keys of a book together: a script or the network chooses how long they are.
const maxKeyBytes = 64 << 20

// room says whether a key that has no row may get one, where a book has at most so many.
func (b *book) room(key string, rows int) bool {
	return len(b.keys) < rows && b.bytes+len(key) <= maxKeyBytes
}

// add makes a row for a key that has none.
func (b *book) add(key string) (row int) {
	row = len(b.keys)
	b.index[key] = uint32(row)
	b.keys = append(b.keys, key)
	b.bytes += len(key)
	if row/pageRows == len(b.pages) {
		b.pages = append(b.pages, make([]float64, pageRows*b.group.Stride()))
	} else {
		clear(b.row(row))
	}
	return row
}

// row gives a row's cells.
func (b *book) row(i int) []float64 {
	n := b.group.Stride()
	at := i % pageRows * n
	return b.pages[i/pageRows][at : at+n : at+n]
}

// freeBooks keeps the memory of books for the next bucket: one for each group.
type freeBooks []*book

func (f *freeBooks) take(g *counter.Group) *book {
	if g.ID < len(*f) {
		if b := (*f)[g.ID]; b != nil {
			(*f)[g.ID] = nil
			return b
		}
	}
	return &book{group: g, index: make(map[string]uint32)}
}

// maxFreeRows is the size of a book whose memory is kept; a greater one was an exception.
const maxFreeRows = 65_536

func (f *freeBooks) put(b *book) {
	if len(b.keys) > maxFreeRows {
		return
	}
	for b.group.ID >= len(*f) {
		*f = append(*f, nil)
	}
	clear(b.index)
	clear(b.keys)
	b.keys, b.bytes = b.keys[:0], 0
	(*f)[b.group.ID] = b
}

// book gives the book of a group in a bucket.
func (l *Ledger) book(iv *interval, g *counter.Group) *book {
	for g.ID >= len(iv.books) {
		iv.books = append(iv.books, nil)
	}
	if iv.books[g.ID] == nil {
		iv.books[g.ID] = l.free.take(g)
	}
	return iv.books[g.ID]
}
