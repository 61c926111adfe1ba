package sample

import (
	"time"

	"eddy/internal/fastpath/txn"
)

// The timers of configuration.txt §8.4, in milliseconds; -1 means that it did not come to that.

// since is b-a in milliseconds, or -1 when one of them did not happen.
func since(a, b time.Time) int64 {
	if a.IsZero() || b.IsZero() {
		return -1
	}
	return max(0, b.Sub(a).Milliseconds())
}

// ready is when the connection could take the request.
func ready(tx *txn.Txn) time.Time {
	if !tx.Ready.IsZero() {
		return tx.Ready
	}
	if tx.Conn != nil {
		return tx.Conn.Accepted
	}
	return tx.Start
}

// start is the request's first byte; without one, the accept.
func start(tx *txn.Txn) time.Time {
	if tx.Start.IsZero() {
		return ready(tx)
	}
	return tx.Start
}

// end is the end, or now before it.
func end(tx *txn.Txn) time.Time {
	if tx.Times.End.IsZero() {
		return time.Now()
	}
	return tx.Times.End
}

// headers is the end of the request's head; in mode tcp there is none and it is the accept.
func headers(tx *txn.Txn) time.Time {
	if tx.Times.ReqHeaders.IsZero() && len(tx.Req.Method()) == 0 {
		return ready(tx)
	}
	return tx.Times.ReqHeaders
}

func timerIdle(tx *txn.Txn) int64    { return since(ready(tx), start(tx)) }
func timerHeader(tx *txn.Txn) int64  { return since(start(tx), tx.Times.ReqHeaders) }
func timerTq(tx *txn.Txn) int64      { return since(ready(tx), tx.Times.ReqHeaders) }
func timerQueue(tx *txn.Txn) int64   { return since(headers(tx), tx.Times.Queue) }
func timerConnect(tx *txn.Txn) int64 { return since(tx.Times.Queue, tx.Times.Connect) }
func timerReply(tx *txn.Txn) int64   { return since(tx.Times.Connect, tx.Times.ResHeaders) }
func timerActive(tx *txn.Txn) int64  { return since(start(tx), end(tx)) }
func timerTotal(tx *txn.Txn) int64   { return since(ready(tx), end(tx)) }

// timerUser is the total without the idle time.
func timerUser(tx *txn.Txn) int64 { return max(0, timerTotal(tx)-max(0, timerIdle(tx))) }

func timerData(tx *txn.Txn) int64 {
	from := tx.Times.ResHeaders
	if from.IsZero() && tx.Times.ReqHeaders.IsZero() {
		from = tx.Times.Connect // mode tcp
	}
	return since(from, end(tx))
}

// unit turns a time into seconds, milliseconds or microseconds since 1970.
func unit(t time.Time, name string) int64 {
	switch name {
	case "ms":
		return t.UnixMilli()
	case "us":
		return t.UnixMicro()
	}
	return t.Unix()
}
