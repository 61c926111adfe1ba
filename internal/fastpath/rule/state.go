package rule

import (
	"errors"
	"net/netip"
	"os"
	"time"

	"eddy/internal/fastpath/sample"
	"eddy/internal/fastpath/sample/call"
	"eddy/internal/fastpath/sample/cast"
	"eddy/internal/fastpath/txn"
)

// waitForBody holds the message up until its body is there, or enough of it, or the buffer is full. When the time is
// over before that, the client gets 408, or 504 when it is the server's body that did not come.
type waitForBody struct {
	dir     txn.Dir
	time    time.Duration
	atLeast int
}

func (c *compile) waitForBody() Action {
	w := &waitForBody{}
	if c.response() {
		w.dir = txn.Res
	}
	if p, ok := c.a.Opt("time"); ok {
		w.time = time.Duration(p.Int)
	}
	if p, ok := c.a.Opt("at-least"); ok {
		w.atLeast = int(p.Int)
	}
	return w
}

func (w *waitForBody) Exec(tx *txn.Txn) txn.Verdict {
	_, err := tx.Control.WaitBody(w.dir, w.atLeast, w.time)
	if err == nil {
		return txn.Next
	}
	// Who let us down, and in which phase, is for the log (configuration.txt §8.5).
	status, gone, late, phase := 408, byte('C'), byte('c'), byte('R')
	if w.dir == txn.Res {
		status, gone, late, phase = 504, 'S', 's', 'H'
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		tx.Err = [2]byte{gone, phase}
		return txn.Reject
	}
	tx.Err = [2]byte{late, phase}
	tx.ErrorStatus, tx.Local = status, false
	return txn.Answer
}

// setLogLevel changes the level of the transaction's log line.
type setLogLevel int8

func (c *compile) setLogLevel() Action {
	if c.a.Args[0].Text == "silent" {
		return setLogLevel(-2)
	}
	for i, name := range []string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"} {
		if c.a.Args[0].Text == name {
			return setLogLevel(i)
		}
	}
	c.errorf("", "set-log-level: unknown level %q", c.a.Args[0].Text)
	return nil
}

func (l setLogLevel) Exec(tx *txn.Txn) txn.Verdict {
	tx.LogLevel = int8(l)
	return txn.Next
}

// capture keeps a sample in one of the frontend's places for captures.
type capture struct {
	x        *sample.Expr
	slot     int
	response bool
}

func (c *compile) capture() Action {
	id, _ := c.a.Opt("id")
	return &capture{x: c.Env.Expr(c.a.Args[0].Expr), slot: int(id.Int), response: c.response()}
}

func (a *capture) Exec(tx *txn.Txn) txn.Verdict {
	text, ok := a.x.EvalStr(tx)
	if !ok {
		return txn.Next
	}
	dir := txn.Req
	if a.response {
		dir = txn.Res
	}
	call.StoreCapture(tx, dir, a.slot, text)
	return txn.Next
}

// setAddr changes what is known as the client's address, or as the one that it called.
type setAddr struct {
	x     *sample.Expr
	which func(c *txn.Conn) *netip.AddrPort
	port  bool
}

func source(c *txn.Conn) *netip.AddrPort      { return &c.Src }
func destination(c *txn.Conn) *netip.AddrPort { return &c.Dst }

func (c *compile) setAddr(which func(*txn.Conn) *netip.AddrPort, port bool) Action {
	return &setAddr{x: c.Env.Expr(c.a.Args[0].Expr), which: which, port: port}
}

func (s *setAddr) Exec(tx *txn.Txn) txn.Verdict {
	v, ok := s.x.Eval(tx)
	if !ok {
		return txn.Next
	}
	want := txn.TypeAddr
	if s.port {
		want = txn.TypeInt
	}
	if v, ok = cast.To(v, want, &tx.Scratch); !ok {
		return txn.Next
	}
	a := s.which(tx.Conn)
	if !s.port {
		*a = netip.AddrPortFrom(v.Addr, a.Port())
		return txn.Next
	}
	if v.Int >= 0 && v.Int <= 65535 {
		ip := a.Addr()
		if !ip.IsValid() { // a unix socket has none
			ip = netip.IPv4Unspecified()
		}
		*a = netip.AddrPortFrom(ip, uint16(v.Int))
	}
	return txn.Next
}

// expectProxy reads a PROXY protocol header; a connection without one is refused.
type expectProxy struct{}

func (expectProxy) Exec(tx *txn.Txn) txn.Verdict {
	if tx.Control.ExpectProxy() != nil {
		return txn.Reject
	}
	return txn.Next
}
