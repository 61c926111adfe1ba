// Package extract reads HTTP/1 from the two directions of a reassembled flow: it pairs requests with answers, takes
// bodies out of their framing and coding, and gives them on piece by piece. It sees what others sent, broken or not, so it
// refuses nothing: where a message can't be understood it says so and looks for the next one.
package extract

import "eddy/internal/fastpath/flow"

// Exchange is a request and its answer. Either may be nil when it was not seen (yet). An exchange and its heads are never
// used again for another one, so who needs them longer may keep them.
type Exchange struct {
	N        int    // place in its flow, from 0
	Request  *Head  // immutable, as Response
	Response *Head  // an interim answer (100 to 199, but 101) is replaced by what follows it
	Any      [2]any // the handler's own, by direction

	open     [2]bool // the message in that direction has begun and is not over
	answered bool    // no (other) answer is waited for
	cost     int64   // bytes of memory that Conn.held counts for it
}

// BodyState says how a body ended.
type BodyState uint8

// How a body ended. Where several are true the last of them is told.
const (
	Closed    BodyState = iota // whole
	Undecoded                  // its Content-Encoding is unknown or broken: what came is the coded bytes, or a part of it
	Truncated                  // the flow ended, or a gap took a part
	TooLong                    // over Options.MaxBody or Options.MaxRatio; what follows was skipped
)

// Handler is told what was found. Its methods are called on the goroutine that gives the data, and must not call the Conn.
//
// For each message comes Head, then any number of Body and Gap, then End; messages of the two directions mix. For each
// exchange comes Done once, behind all else.
type Handler interface {
	// Head: a request's or an answer's head is complete, or as complete as it will be. The result says whether the body
	// is wanted. An interim answer is a message of its own, without a body.
	Head(x *Exchange, dir flow.Dir) bool
	// Body has decoded bytes of the message in that direction, valid during the call; never empty.
	Body(x *Exchange, dir flow.Dir, pos int64, data []byte)
	// Gap: n bytes of the body are missing at pos; what follows stands at pos+n.
	Gap(x *Exchange, dir flow.Dir, pos, n int64)
	// End: the message is over; size is of the decoded body, gaps included, or of the coded one when nobody wanted it.
	// It comes for messages without a body too.
	End(x *Exchange, dir flow.Dir, size int64, state BodyState)
	// Done: the answer and the request are over, or no more of them will be seen.
	Done(x *Exchange)
}
