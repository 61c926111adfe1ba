package capture

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"eddy/internal/fastpath/packet"
)

// FileOptions says how a capture file is read. The zero value is right for most.
type FileOptions struct {
	BPF string // deliver only what matches, in tcpdump's language; "": all
}

// File reads a capture file: pcap or pcapng, in either byte order, gzip'd or not. It is a Source. It does not map the file
// into memory: that would be no faster, and a mapped file that somebody cuts short ends the process.
type File struct {
	path   string
	in     window
	format format
	filter fileFilter
	err    error // Next has come to its end

	closer io.Closer // nil: nothing to close
	source *countBytes
	size   int64 // of the file as it lies on disk; 0: not known

	stats  Stats
	number uint64 // of frames, those that the filter rejects too
	told   int64  // where in the capture the numbers below were set

	// What other goroutines see.
	packets, bytes atomic.Uint64
	done           atomic.Int64
}

// format is a file format.
type format interface {
	// next fills everything of fr but Number. Its errors are io.EOF, or a *FileError without a path.
	next(in *window, fr *packet.Frame) error
}

// tellEvery is how many bytes of a capture lie between two moments at which other goroutines learn how far it was read.
const tellEvery = 1 << 20

// Open opens a capture file; "-" is standard input.
func Open(path string, opts FileOptions) (*File, error) {
	if path == "-" {
		return open(&File{path: "standard input"}, os.Stdin, opts)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	f := &File{path: path, closer: file}
	if st, err := file.Stat(); err == nil && st.IsDir() {
		return nil, errors.Join(fmt.Errorf("%q is a folder: name the capture files in it", path), file.Close())
	} else if err == nil && st.Mode().IsRegular() {
		f.size = st.Size()
	}
	return open(f, file, opts)
}

// Read reads a capture from r, which stays the caller's to close; name is for messages.
func Read(r io.Reader, name string, opts FileOptions) (*File, error) {
	return open(&File{path: name}, r, opts)
}

// open reads the beginning of the capture.
func open(f *File, r io.Reader, opts FileOptions) (*File, error) {
	err := f.filter.set(opts.BPF)
	if err == nil {
		err = f.begin(r)
	}
	if err != nil {
		return nil, errors.Join(f.named(err), f.Close())
	}
	return f, nil
}

func (f *File) begin(r io.Reader) error {
	f.source = &countBytes{r: r}
	if err := f.unpack(); err != nil {
		return err
	}
	magic, err := f.in.peek(4)
	if err != nil {
		return damaged(0, err, "its first four bytes")
	}
	switch n := u32(magic, false); {
	case n == blockSection:
		f.format = &pcapngFile{}
	case isPcap(n) || isPcap(u32(magic, true)):
		head, err := readPcap(&f.in)
		if err != nil {
			return err
		}
		f.format = head
		return f.filter.use(head.link)
	default:
		return &FileError{Text: fmt.Sprintf("begins with % x, which neither pcap nor pcapng does", magic)}
	}
	return nil
}

// unpack lets the window read f.source, through gzip where the capture begins like that.
func (f *File) unpack() error {
	packed := bufio.NewReaderSize(f.source, readSize)
	head, err := packed.Peek(2)
	if err != nil && err != io.EOF {
		return damaged(0, err, "its first bytes")
	}
	if !isGzip(head) {
		f.in.r = packed
		return nil
	}
	if f.in.r, err = gzip.NewReader(packed); err != nil {
		return damaged(0, within(err), "the header of gzip")
	}
	return nil
}

func isGzip(b []byte) bool { return len(b) >= 2 && b[0] == 0x1f && b[1] == 0x8b }

// Next implements Source. It waits as long as the reader below does.
func (f *File) Next(fr *packet.Frame) error {
	for f.err == nil {
		if err := f.format.next(&f.in, fr); err != nil {
			return f.end(err)
		}
		f.number++
		fr.Number = f.number
		if f.in.offset()-f.told >= tellEvery {
			f.tell()
		}
		if f.filter.expr != "" {
			if wanted, err := f.filter.match(fr); err != nil {
				return f.end(err)
			} else if !wanted {
				continue
			}
		}
		f.stats.Packets++
		f.stats.Bytes += uint64(fr.Wire)
		return nil
	}
	return f.err
}

// end keeps the error that all further calls of Next return.
func (f *File) end(err error) error {
	f.err = f.named(err)
	f.tell()
	return f.err
}

// named puts the capture's name to an error.
func (f *File) named(err error) error {
	var damage *FileError
	if errors.As(err, &damage) {
		damage.Path = f.path
	}
	return err
}

// tell lets other goroutines see how far the capture was read.
func (f *File) tell() {
	f.told = f.in.offset()
	f.packets.Store(f.stats.Packets)
	f.bytes.Store(f.stats.Bytes)
	f.done.Store(f.source.n)
}

// Stats implements Source.
func (f *File) Stats() Stats { return Stats{Packets: f.packets.Load(), Bytes: f.bytes.Load()} }

// Progress tells how many of the file's bytes were read, and how many it has (0: not known). Any goroutine may call it.
func (f *File) Progress() (done, total int64) { return f.done.Load(), f.size }

// Close implements Source.
func (f *File) Close() error {
	f.err = io.EOF
	if f.closer == nil {
		return nil
	}
	err := f.closer.Close()
	f.closer = nil
	return err
}

// countBytes counts what is read through it.
type countBytes struct {
	r io.Reader
	n int64
}

func (c *countBytes) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}
