// Package fetch has the code of the fetches that package expr declares (configuration.txt §7.3.2 to §7.3.6). Where a
// fetch looks at bytes of which more may come, and they could change what it says, it sets tx.Undecided.
package fetch

import (
	"eddy/internal/config/model"
	"eddy/internal/fastpath/http1"
	"eddy/internal/fastpath/sample/call"
	"eddy/internal/fastpath/sample/cast"
	"eddy/internal/fastpath/txn"
)

var code call.Table[call.Fetch]

// Table is the code behind expr.Fetches, by name; acl() is not there, since it needs conditions.
func Table() map[string]call.Fetch {
	return code.Get(constantFetches, processFetches, countFetches, connectionFetches, timeoutFetches, timerFetches,
		bufferFetches, tlsFetches, requestFetches, responseFetches, headerFetches, cookieFetches, urlFetches, authFetches)
}

// one makes a fetch of a single value.
func one(get func(tx *txn.Txn, c *call.Call) (txn.Value, bool)) call.Fetch {
	return call.Fetch{Get: get}
}

// fixed makes a fetch that needs nothing.
func fixed(v txn.Value) call.Fetch {
	return one(func(*txn.Txn, *call.Call) (txn.Value, bool) { return v, true })
}

// integer makes a fetch of an integer that is always there.
func integer(get func(tx *txn.Txn, c *call.Call) int64) call.Fetch {
	return one(func(tx *txn.Txn, c *call.Call) (txn.Value, bool) { return cast.Num(get(tx, c)), true })
}

// text makes a fetch of a string; nil has no value, an empty one has.
func text(get func(tx *txn.Txn, c *call.Call) []byte) call.Fetch {
	return one(func(tx *txn.Txn, c *call.Call) (txn.Value, bool) {
		b := get(tx, c)
		return cast.Str(b), b != nil
	})
}

// request is the request's head, or nil when there is none. In mode tcp the buffered bytes are read as HTTP/1 for the
// rules that look at content (configuration.txt §7.3.6).
func request(tx *txn.Txn) *http1.Message {
	if tx.Mode == model.ModeTCP && tx.Stage == txn.StageReqContent && tx.Control != nil {
		data, done := tx.Control.Payload(txn.Req)
		tx.Req.Reset()
		n, err := tx.Req.ParseRequest(data, http1.Limits{MaxHeaders: 101, MaxHead: 16384})
		if n == 0 || err != nil {
			if err == nil && !done {
				tx.Undecided = true
			}
			tx.Req.Reset()
			return nil
		}
		return &tx.Req
	}
	if len(tx.Req.Method()) == 0 {
		return nil
	}
	return &tx.Req
}

// Response is the response's head, or nil when there is none.
func Response(tx *txn.Txn) *http1.Message {
	if !tx.HasRes {
		return nil
	}
	return &tx.Res
}

// direction is the message that hdr() and its kin mean where they are used.
func direction(tx *txn.Txn) txn.Dir {
	switch tx.Stage {
	case txn.StageResContent, txn.StageHTTPRes, txn.StageHTTPAfter:
		return txn.Res
	}
	return txn.Req
}

func messageOf(tx *txn.Txn, d txn.Dir) *http1.Message {
	if d == txn.Res {
		return Response(tx)
	}
	return request(tx)
}
