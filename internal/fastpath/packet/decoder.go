package packet

import "time"

// Options says how a Decoder works. The zero value is ready for use.
type Options struct {
	FragMaxBytes int64         // memory that waiting fragments may take; 0: 8 MiB
	FragTimeout  time.Duration // by capture time, from a datagram's first fragment; 0: 30 s
}

// Decoder decodes frames and puts fragmented datagrams together. It belongs to one goroutine.
type Decoder struct {
	problems [NumProblems]uint64
	frags    assembly
}

// NewDecoder makes a Decoder.
func NewDecoder(o Options) *Decoder {
	if o.FragMaxBytes <= 0 {
		o.FragMaxBytes = 8 << 20
	}
	if o.FragTimeout <= 0 {
		o.FragTimeout = 30 * time.Second
	}
	d := &Decoder{}
	d.frags.start(o.FragMaxBytes, int64(o.FragTimeout))
	return d
}

// Decode fills everything of p but Frame, which the caller has set. It allocates nothing, except for what fragments
// need that wait for others.
//
// When p completes a fragmented datagram, p.Data is replaced: it has the headers of the frame with the first fragment
// and behind them the whole datagram, as if it had come in one frame (an IPv6 fragment header is taken out). These
// bytes live until the next Decode. p.Wire stays the length of the frame that came last.
func (d *Decoder) Decode(p *Packet) {
	if !d.common(p) {
		d.walk(p)
	}
	if p.Problem != None {
		d.problems[p.Problem]++
	}
}

// Problems counts the packets with each kind of problem since the decoder was made. Datagrams whose fragments were
// given up count as FragmentLimit, though no packet carries that problem. The array is the decoder's own: it goes on
// counting, and belongs to the same goroutine.
func (d *Decoder) Problems() *[NumProblems]uint64 { return &d.problems }

// Waiting tells how many bytes of memory the fragments of unfinished datagrams take.
func (d *Decoder) Waiting() int64 { return d.frags.held }
