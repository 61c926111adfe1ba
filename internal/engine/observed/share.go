package observed

import (
	"errors"
	"io"
	"time"

	"eddy/internal/fastpath/packet"
)

// How packets go from the reader to the engines.
const (
	shareSize  = 256       // packets of a share
	shareBytes = 256 << 10 // of their frames, about
	shareDepth = 4         // shares that wait for an engine
)

// share is a number of packets for one engine.
type share struct {
	packets []packet.Packet // room for shareSize; behind its length is what was there before
	bytes   []byte          // their frames: those of a source live until the next one only
	now     int64           // how far the capture has come
}

// sharer reads a capture, decodes it, and shares the packets out over engines: both directions of a flow, and the
// fragments that make up its packets once they are whole, go to the same one.
type sharer struct {
	source  source
	decoder *packet.Decoder
	stop    <-chan struct{}
	out     []chan *share
	free    chan *share
	cur     []*share
	second  int64
}

func newSharer(engines int, stop <-chan struct{}) *sharer {
	s := &sharer{stop: stop, free: make(chan *share, engines*(shareDepth+2))}
	for range engines {
		s.out = append(s.out, make(chan *share, shareDepth))
		s.cur = append(s.cur, nil)
	}
	for range cap(s.free) {
		s.free <- &share{packets: make([]packet.Packet, 0, shareSize)}
	}
	return s
}

// run shares out until the capture ends or the lane is stopped; then the engines' channels are closed.
func (s *sharer) run() error {
	defer func() {
		for i, ch := range s.out {
			if s.cur[i] != nil {
				ch <- s.cur[i]
			}
			close(ch)
		}
	}()
	var p packet.Packet
	for {
		select {
		case <-s.stop:
			return nil
		default:
		}
		if err := s.source.Next(&p.Frame); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		s.decoder.Decode(&p)
		// The others have to know the time too: nothing is flushed before all engines have passed a bucket's end.
		if sec := p.Time / int64(time.Second); sec > s.second {
			s.second = sec
			s.flush(p.Time)
		}
		s.add(int(p.Hash()%uint64(len(s.out))), &p)
	}
}

// add puts a packet into engine i's share.
func (s *sharer) add(i int, p *packet.Packet) {
	sh := s.cur[i]
	if sh == nil {
		sh = <-s.free
		s.cur[i] = sh
	}
	sh.packets = sh.packets[:len(sh.packets)+1]
	to := &sh.packets[len(sh.packets)-1]
	p.CopyTo(to)
	at := len(sh.bytes)
	sh.bytes = append(sh.bytes, p.Data...) // earlier packets keep the old array when this one has to grow
	to.Data = sh.bytes[at:len(sh.bytes):len(sh.bytes)]
	sh.now = p.Time
	if len(sh.packets) == shareSize || len(sh.bytes) >= shareBytes {
		s.cur[i] = nil
		s.out[i] <- sh
	}
}

// flush hands over all that is collected, with the time.
func (s *sharer) flush(now int64) {
	for i := range s.out {
		sh := s.cur[i]
		if sh == nil {
			sh = <-s.free
		}
		s.cur[i] = nil
		sh.now = now
		s.out[i] <- sh
	}
}

// done takes a share back.
func (s *sharer) done(sh *share) {
	sh.packets, sh.bytes = sh.packets[:0], sh.bytes[:0]
	s.free <- sh
}
