// Package txn is what rules, samples and scripts see of the traffic they work on: one request with its response in
// http mode, one connection in tcp mode. The stream that forwards the traffic owns it.
//
// A Txn belongs to one goroutine, the one that runs the stream. Everything in it that is a byte slice lives until
// the transaction ends and no longer.
package txn

import (
	"net/netip"
	"time"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/http1"
	"eddy/internal/fastpath/proxy"
)

// Conn is what is known of the client's connection; it outlives its transactions.
type Conn struct {
	Src, Dst   netip.AddrPort // may be rewritten by set-src, set-dst or the PROXY protocol
	RealSrc    netip.AddrPort // as the kernel said
	RealDst    netip.AddrPort
	Unix       bool
	Listener   *proxy.Listener
	Accepted   time.Time
	Vars       Vars // sess.*
	Reqs       int  // requests seen on this connection, this one included
	ProxyProto bool
}

// Dir is a direction of the traffic.
type Dir uint8

const (
	Req Dir = iota // from the client to the server
	Res            // from the server to the client
)

// Stage is where in its life the transaction is: which samples have a value and what rules may do.
type Stage uint8

const (
	StageConn Stage = iota // tcp-request connection
	StageSess              // tcp-request session
	StageReqContent
	StageHTTPReq
	StageResContent
	StageHTTPRes
	StageHTTPAfter
	StageLog
	StageTask // no traffic: a task, init or CLI of a script
)

// Txn is one transaction.
type Txn struct {
	Conn   *Conn
	Front  *proxy.Proxy
	Back   *proxy.Proxy  // nil until it is chosen
	Server *proxy.Server // nil until it is chosen
	Stage  Stage
	Mode   model.Mode

	Req http1.Message // valid from StageHTTPReq on, in http mode
	Res http1.Message // valid when HasRes
	// HasRes: Res is an answer: the server's, or one that a rule, a service or the engine built.
	HasRes bool
	// Local: the answer in Res was made here and its body is ResBody.
	Local   bool
	ResBody []byte
	// CloseAfter: close the client's connection once the answer is out.
	CloseAfter bool

	Vars    Vars // txn.*
	ReqVars Vars // req.*
	ResVars Vars // res.*
	Proc    *ProcVars

	Start    time.Time // first byte of the request
	Times    Times
	LogLevel int8 // -1: as configured, -2: silent, else syslog level
	UniqueID []byte
	Captures Captures
	Err      [2]byte // termination state (configuration.txt §8.5), '-' each when all went well
	Tarpit   bool
	Retries  int
	Redisp   bool
	BytesIn  int64
	BytesOut int64

	Ready        time.Time      // when the connection could take this request: its accept, or the end of the one before
	ID           uint64         // number of the transaction in the process (%rt)
	BackSrc      netip.AddrPort // our end of the server connection; zero before there is one
	BackDst      netip.AddrPort // the server's end
	Reused       bool           // the server connection had carried a request before
	BackQueue    int            // streams that were ahead in the backend's queue (%bq)
	ServerQueue  int            // the same at the server (%sq)
	ServerStatus int            // status that the server sent; 0: none
	Timeouts     model.Timeouts // what set-timeout put in the place of the configured ones; 0: nothing

	// Control is the stream that owns the transaction.
	Control Control

	// ErrorStatus, with the verdicts Answer and Deny while Local is false: answer with what the proxy has for this
	// status; 0 means the verdict's usual one.
	ErrorStatus int
	NoRetry     bool // once it was sent, the request is not sent again (disable-l7-retry)

	// Service answers when a rule gave the verdict UseService.
	Service Service

	// Undecided is set by a fetch that had to look at buffered bytes (tcp payload, body) while more may still come
	// and InspectOver is false. A rule list that sees it set after a condition gives the verdict Wait. The stream
	// clears it before it runs the list again, with Resume telling where to go on.
	Undecided   bool
	InspectOver bool // the inspection delay is over or no more bytes can come: what is there is all there is
	Resume      int  // index of the rule that gave Wait; 0 otherwise

	// Script is a place for the script binding to keep what it made for this transaction; whoever set it is told
	// the end through Close.
	Script interface{ Close() }

	// Scratch is room for samples to build values in; taken back at every Reset.
	Scratch Scratch
}

// Reset makes the transaction ready for another one and keeps a bounded part of its memory. Control and Proc stay.
func (t *Txn) Reset() {
	t.Req.Reset()
	t.Res.Reset()
	t.Vars.Reset()
	t.ReqVars.Reset()
	t.ResVars.Reset()
	t.Scratch.Reset(scratchKeep)
	clear(t.Captures.Req)
	clear(t.Captures.Res)
	t.Conn, t.Front, t.Back, t.Server = nil, nil, nil, nil
	t.Stage, t.Mode = StageConn, model.ModeTCP
	t.HasRes, t.Local, t.ResBody, t.CloseAfter = false, false, nil, false
	t.Start, t.Times = time.Time{}, Times{}
	t.LogLevel, t.UniqueID, t.Err = -1, nil, [2]byte{'-', '-'}
	t.Tarpit, t.Redisp, t.Retries = false, false, 0
	t.BytesIn, t.BytesOut = 0, 0
	t.Service, t.Script = nil, nil
	t.ErrorStatus, t.NoRetry = 0, false
	t.Ready, t.ID = time.Time{}, 0
	t.BackSrc, t.BackDst = netip.AddrPort{}, netip.AddrPort{}
	t.Reused, t.BackQueue, t.ServerQueue, t.ServerStatus = false, 0, 0, 0
	t.Timeouts = model.Timeouts{}
	t.Undecided, t.InspectOver, t.Resume = false, false, 0
}

// scratchKeep is how much scratch space survives a Reset.
const scratchKeep = 8 << 10

// Control is what a transaction can ask of its stream.
type Control interface {
	// WaitBody reads until the body of dir is complete, atLeast bytes of it are buffered (0: all of it), the
	// buffer is full or timeout is over; it blocks the calling goroutine. It reports whether the body is complete.
	WaitBody(dir Dir, atLeast int, timeout time.Duration) (complete bool, err error)
	// Body gives the body bytes of dir that are buffered, chunk framing removed, and whether that is all of it.
	Body(dir Dir) (data []byte, complete bool)
	// Payload gives the raw bytes that are buffered in dir in tcp mode, and whether no more can come.
	Payload(dir Dir) (data []byte, done bool)
	// SetPayload replaces the raw bytes buffered in dir, tcp mode only.
	SetPayload(dir Dir, data []byte)
	// ExpectProxy reads a PROXY protocol header off the front of the connection and takes the addresses that it names; it
	// blocks. It is for the rules of a new connection.
	ExpectProxy() error
	// Close ends the client's connection without another byte; silent leaves the peer in the dark (silent-drop).
	Close(silent bool)
}

// Times are moments of the transaction; zero means "did not happen".
type Times struct {
	ReqHeaders time.Time // request head complete
	Queue      time.Time // left the queue
	Connect    time.Time // connected to the server
	ResHeaders time.Time // response head complete
	End        time.Time
}

// Captures are values that capture rules kept, for logs and samples. Slot i belongs to the frontend's i-th capture.
type Captures struct {
	Req, Res [][]byte
}

// Scratch hands out short-lived byte space; what it gave stays valid until Reset.
type Scratch struct {
	buf []byte
	off int
}

// Take gives n bytes with unspecified content and length n.
func (s *Scratch) Take(n int) []byte {
	if s.off+n > len(s.buf) {
		size := max(2*len(s.buf), n, 1024)
		s.buf = make([]byte, size) // what was handed out keeps the old array alive
		s.off = 0
	}
	b := s.buf[s.off : s.off+n : s.off+n]
	s.off += n
	return b
}

// Copy keeps b until Reset.
func (s *Scratch) Copy(b []byte) []byte {
	d := s.Take(len(b))
	copy(d, b)
	return d
}

// Reset takes everything back. Space beyond keep bytes is let go.
func (s *Scratch) Reset(keep int) {
	if len(s.buf) > keep {
		s.buf = nil
	}
	s.off = 0
}
