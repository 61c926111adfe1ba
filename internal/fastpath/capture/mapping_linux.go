package capture

import (
	"os"

	"golang.org/x/sys/unix"
)

// mapping is a file mapped into memory.
type mapping struct {
	data []byte
	gone int // data[:gone] was given back to the kernel
}

// keepBehind is how much of a mapped file stays in this process's memory behind the place where it is read: those who
// work on frames later find them there. What was given back is read again when it is touched.
const keepBehind = 8 << 20

func mapFile(f *os.File, size int64) (*mapping, error) {
	data, err := unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		return nil, err
	}
	_ = unix.Madvise(data, unix.MADV_SEQUENTIAL) // advice: without it the file is read the same, only slower
	return &mapping{data: data}, nil
}

// passed tells the mapping how far the file was read. Memory counts as used as long as it is mapped and was touched, so
// that a large file would look like a large process.
func (m *mapping) passed(pos int) {
	const page = 64 << 10 // at least the page size of every machine
	if upTo := (pos - keepBehind) &^ (page - 1); upTo > m.gone {
		_ = unix.Madvise(m.data[m.gone:upTo], unix.MADV_DONTNEED) // advice as well
		m.gone = upTo
	}
}

func (m *mapping) close() error { return unix.Munmap(m.data) }
