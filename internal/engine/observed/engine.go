package observed

import (
	"errors"
	"io"
	"sync/atomic"
	"time"

	"eddy/internal/fastpath/capture"
	"eddy/internal/fastpath/packet"
	"eddy/internal/fastpath/shard"
	"eddy/internal/reentry"
	"eddy/internal/script/trisul"
)

// source is where frames come from.
type source interface {
	// Next is capture.Source's.
	Next(f *packet.Frame) error
}

// engine is a shard with what feeds it.
type engine struct {
	lane    *Lane
	shard   *shard.Shard
	inbox   *reentry.Inbox
	source  source                       // nil: the sharer feeds it
	input   atomic.Pointer[trisul.Input] // the source when that is a script
	decoder *packet.Decoder
	packets atomic.Uint64
	err     error
}

// take runs the engine on what the sharer gives it.
func (e *engine) take(s *sharer, in <-chan *share) {
	for {
		select {
		case sh, ok := <-in:
			if !ok {
				return
			}
			for i := range sh.packets {
				e.shard.Process(&sh.packets[i])
			}
			e.packets.Add(uint64(len(sh.packets)))
			e.shard.Idle(sh.now)
			s.done(sh)
		case <-e.inbox.Ready():
			e.shard.Deliver()
		}
	}
}

// drain is how an engine ends a live capture: what the kernel had before the stop is processed, if the lane's limit allows.
type drain struct {
	until int64 // ns since 1970
	idle  int   // the first time that nothing came may be the call that woke the engine
}

// over says whether the engine is done, as a packet of that time came; 0: none came.
func (d *drain) over(l *Lane, time int64) bool {
	if time == 0 {
		d.idle++
	}
	return d.idle > 1 || time > d.until || l.limit.Err() != nil
}

// lookEvery is how many packets are processed between two looks at whether the lane is to stop.
const lookEvery = 64

// read runs the engine on its own source.
func (e *engine) read() {
	var p packet.Packet
	live := e.lane.live()
	var last *drain // of a live lane that is to stop
	for n := 0; ; n++ {
		if n%lookEvery == 0 && last == nil {
			e.packets.Store(e.shard.Packets())
			select {
			case <-e.lane.stopping:
				if !live {
					return
				}
				last = &drain{until: time.Now().UnixNano()}
			default:
			}
		}
		if last != nil && last.over(e.lane, p.Time) {
			return
		}
		p.Time = 0
		switch err := e.source.Next(&p.Frame); {
		case err == nil:
			e.decoder.Decode(&p)
			e.shard.Process(&p)
		case errors.Is(err, capture.ErrIdle):
			if live {
				e.shard.Idle(time.Now().UnixNano())
			} else {
				e.shard.Deliver()
			}
			n = -1 // an idle engine has the time to look
		case errors.Is(err, io.EOF):
			return
		default:
			e.err = err
			return
		}
	}
}

// finish ends the engine. Asynchronous work has until the lane's limit, which a replay that nobody stops has not.
func (e *engine) finish() {
	if in := e.input.Load(); in != nil {
		in.Close()
	}
	waiting := e.lane.announce()
	e.shard.Close(e.lane.limit)
	waiting.Stop()
	e.packets.Store(e.shard.Packets())
}
