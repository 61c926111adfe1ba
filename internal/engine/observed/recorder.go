package observed

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"eddy/internal/fastpath/capture"
	"eddy/internal/fastpath/packet"
)

// recorderBytes bounds what waits to be written.
const recorderBytes = 32 << 20

// recorder writes the packets that packet storage wants to a pcap file, on a goroutine of its own: engines only copy. A
// live lane's packets are dropped and counted when the disk can't keep up, a replay waits.
type recorder struct {
	live bool
	file *os.File

	mu      sync.Mutex
	changed sync.Cond // something waits, or there is room again
	waiting []stored
	bytes   []byte // of what waits
	closing bool
	dropped uint64
	err     error // of the first write that failed; nothing is written behind it

	done chan struct{}
}

// stored is a packet that waits; its bytes stand in the buffer that goes with it.
type stored struct {
	frame packet.Frame // without Data
	off   int
	n     int
}

func openRecorder(path string, live bool) (*recorder, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return nil, fmt.Errorf("packet storage: %w", err)
	}
	r := &recorder{live: live, file: f, done: make(chan struct{})}
	r.changed.L = &r.mu
	go r.run()
	return r, nil
}

// Store implements shard.Storer.
func (r *recorder) Store(f *packet.Frame, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.bytes)+n > recorderBytes && r.err == nil {
		if r.live {
			r.dropped++
			return
		}
		r.changed.Wait()
	}
	if r.err != nil {
		r.dropped++
		return
	}
	s := stored{frame: *f, off: len(r.bytes), n: n}
	s.frame.Data = nil
	if addresses := 12; f.VLAN != 0 && f.Link == packet.LinkEthernet && n >= addresses {
		// The network card took the tag off; a file has no place for it but where it was.
		r.bytes = append(r.bytes, f.Data[:addresses]...)
		r.bytes = append(r.bytes, 0x81, 0x00, byte(f.VLAN>>8), byte(f.VLAN))
		r.bytes = append(r.bytes, f.Data[addresses:n]...)
		s.n += 4
		s.frame.Wire += 4
	} else {
		r.bytes = append(r.bytes, f.Data[:n]...)
	}
	r.waiting = append(r.waiting, s)
	if len(r.waiting) == 1 {
		r.changed.Broadcast()
	}
}

func (r *recorder) run() {
	defer close(r.done)
	var (
		frames []stored
		bytes  []byte
		out    *capture.Writer
	)
	for {
		r.mu.Lock()
		for len(r.waiting) == 0 && !r.closing {
			r.changed.Wait()
		}
		frames, r.waiting = r.waiting, frames[:0]
		bytes, r.bytes = r.bytes, bytes[:0]
		r.changed.Broadcast()
		r.mu.Unlock()
		if len(frames) == 0 {
			if out != nil {
				r.fail(out.Flush())
			}
			return
		}
		var err error
		for i := 0; i < len(frames) && err == nil; i++ {
			s := &frames[i]
			s.frame.Data = bytes[s.off : s.off+s.n]
			if out == nil { // a pcap file has one link type: that of its first packet
				out = capture.NewWriter(r.file, s.frame.Link, capture.MaxFrame)
			}
			err = out.Write(&s.frame, s.n)
		}
		r.fail(err)
	}
}

func (r *recorder) fail(err error) {
	if err == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = fmt.Errorf("packet storage: %w", err)
	}
	r.changed.Broadcast()
}

// close writes what waits.
func (r *recorder) close() error {
	r.mu.Lock()
	r.closing = true
	r.changed.Broadcast()
	r.mu.Unlock()
	<-r.done
	return errors.Join(r.err, r.file.Close())
}
