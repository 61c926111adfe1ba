package fetch

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

// Ready is when the connection could take the request.
func Ready(tx *txn.Txn) time.Time {
	if !tx.Ready.IsZero() {
		return tx.Ready
	}
	if tx.Conn != nil {
		return tx.Conn.Accepted
	}
	return tx.Start
}

// Start is the request's first byte; without one, the accept.
func Start(tx *txn.Txn) time.Time {
	if tx.Start.IsZero() {
		return Ready(tx)
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
		return Ready(tx)
	}
	return tx.Times.ReqHeaders
}

// TimerIdle is the time before the request (%Ti).
func TimerIdle(tx *txn.Txn) int64 { return since(Ready(tx), Start(tx)) }

// TimerHeader is the time to receive the head (%TR).
func TimerHeader(tx *txn.Txn) int64 { return since(Start(tx), tx.Times.ReqHeaders) }

// TimerTq is both together (%Tq).
func TimerTq(tx *txn.Txn) int64 { return since(Ready(tx), tx.Times.ReqHeaders) }

// TimerQueue is the time in queues (%Tw).
func TimerQueue(tx *txn.Txn) int64 { return since(headers(tx), tx.Times.Queue) }

// TimerConnect is the time to connect to the server (%Tc).
func TimerConnect(tx *txn.Txn) int64 { return since(tx.Times.Queue, tx.Times.Connect) }

// TimerReply is the time to the answer's head (%Tr).
func TimerReply(tx *txn.Txn) int64 { return since(tx.Times.Connect, tx.Times.ResHeaders) }

// TimerActive is the time from the first byte to the end (%Ta).
func TimerActive(tx *txn.Txn) int64 { return since(Start(tx), end(tx)) }

// TimerTotal is the time from the accept to the end (%Tt).
func TimerTotal(tx *txn.Txn) int64 { return since(Ready(tx), end(tx)) }

// TimerUser is the total without the idle time.
func TimerUser(tx *txn.Txn) int64 { return max(0, TimerTotal(tx)-max(0, TimerIdle(tx))) }

// TimerData is the time of the answer's body (%Td).
func TimerData(tx *txn.Txn) int64 {
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
