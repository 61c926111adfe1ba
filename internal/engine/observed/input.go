package observed

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"eddy/internal/fastpath/capture"
	"eddy/internal/fastpath/packet"
	"eddy/internal/fastpath/report"
)

// input is the capture files of a replay, one behind the other. Next is for one goroutine.
type input struct {
	paths []string
	bpf   string
	at    atomic.Int32 // the file that is read
	cur   atomic.Pointer[capture.File]
	seen  []atomic.Uint64 // packets, by file
	sizes []int64         // bytes, as far as they are known

	mu    sync.Mutex
	fails []error // why a file ended early, by file
}

// openFiles opens the first file, and looks at the others.
func openFiles(paths []string, bpf string) (*input, error) {
	in := &input{paths: paths, bpf: bpf, seen: make([]atomic.Uint64, len(paths)), fails: make([]error, len(paths)), sizes: make([]int64, len(paths))}
	for i, p := range paths {
		in.sizes[i] = fileSize(p)
	}
	return in, in.next(0)
}

// next opens file i.
func (in *input) next(i int) error {
	f, err := capture.Open(in.paths[i], capture.FileOptions{BPF: in.bpf})
	if err != nil {
		return err
	}
	in.at.Store(int32(i))
	in.cur.Store(f)
	return nil
}

// Next gives the next frame of all files. A damaged file ends early, which is noted; the next one follows.
func (in *input) Next(f *packet.Frame) error {
	for {
		i := int(in.at.Load())
		err := in.cur.Load().Next(f)
		if err == nil {
			in.seen[i].Add(1)
			return nil
		}
		if !errors.Is(err, io.EOF) {
			in.fail(i, err)
		}
		in.cur.Load().Close()
		for i++; ; i++ {
			if i == len(in.paths) {
				return io.EOF
			}
			if err := in.next(i); err == nil {
				break
			} else {
				in.fail(i, err)
			}
		}
	}
}

func (in *input) fail(i int, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.fails[i] = err
}

// progress tells how many bytes of how many have been read; of what has no known size total is 0.
func (in *input) progress() (done, total int64) {
	at := int(in.at.Load())
	for i, n := range in.sizes {
		if n < 0 {
			return 0, 0
		}
		total += n
		if i < at {
			done += n
		}
	}
	d, _ := in.cur.Load().Progress()
	return done + d, total
}

// Close closes the file in progress.
func (in *input) Close() {
	if f := in.cur.Load(); f != nil {
		f.Close()
	}
}

// err joins what was wrong with the files. It is for after the end.
func (in *input) err() error { return errors.Join(in.fails...) }

func (in *input) report() []report.Input {
	in.mu.Lock()
	defer in.mu.Unlock()
	out := make([]report.Input, len(in.paths))
	for i, p := range in.paths {
		out[i] = report.Input{Name: p, Packets: in.seen[i].Load()}
		if err := in.fails[i]; err != nil {
			out[i].Error = err.Error()
		}
	}
	return out
}

// rings are the live captures of all engines on one interface.
type rings []*capture.Ring

// openRings makes a ring for each engine.
func openRings(o capture.LiveOptions, engines int) (rings, error) {
	if err := roomForRings(o.RingSize, engines); err != nil {
		return nil, err
	}
	var rs rings
	o.FanoutSize = engines
	for range engines {
		r, err := capture.Live(o)
		if err != nil {
			rs.close()
			return nil, fmt.Errorf("interface %s: %w", o.Interface, err)
		}
		o.Fanout = r.Fanout()
		rs = append(rs, r)
	}
	return rs, nil
}

func (rs rings) close() {
	for _, r := range rs {
		r.Close()
	}
}

// fileSize is a regular file's size in bytes; -1 when there is no telling.
func fileSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return -1
	}
	return info.Size()
}

// roomForRings refuses rings that would take most of the memory: the kernel would give it, and kill processes later.
func roomForRings(size int64, engines int) error {
	if size == 0 {
		size = capture.DefaultRing
	}
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return nil
	}
	all := int64(info.Totalram) * int64(info.Unit)
	if size > all/2/int64(engines) {
		return fmt.Errorf("rings of %d MB for %d engines take more than half of this machine's memory (%d MB): choose a smaller ring-size or fewer engines",
			size>>20, engines, all>>20)
	}
	return nil
}
