package sample

import (
	"maps"
	"sync"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/http1"
	"eddy/internal/fastpath/txn"
)

// table is a map that is built when it is first asked for, and then never changes.
type table[T any] struct {
	once sync.Once
	m    map[string]T
}

func (t *table[T]) get(parts ...func() map[string]T) map[string]T {
	t.once.Do(func() {
		t.m = map[string]T{}
		for _, part := range parts {
			maps.Copy(t.m, part())
		}
	})
	return t.m
}

var fetchCode table[fetch]

// fetchTable is the code behind expr.Fetches, by name.
func fetchTable() map[string]fetch {
	return fetchCode.get(constantFetches, processFetches, countFetches, connectionFetches, timeoutFetches, timerFetches,
		bufferFetches, tlsFetches, requestFetches, responseFetches, headerFetches, cookieFetches, urlFetches, authFetches)
}

// one makes a fetch of a single value.
func one(get func(tx *txn.Txn, c *call) (txn.Value, bool)) fetch { return fetch{get: get} }

// fixed makes a fetch that needs nothing.
func fixed(v txn.Value) fetch {
	return one(func(*txn.Txn, *call) (txn.Value, bool) { return v, true })
}

// integer makes a fetch of an integer that is always there.
func integer(get func(tx *txn.Txn, c *call) int64) fetch {
	return one(func(tx *txn.Txn, c *call) (txn.Value, bool) { return num(get(tx, c)), true })
}

// text makes a fetch of a string; nil has no value, an empty one has.
func text(get func(tx *txn.Txn, c *call) []byte) fetch {
	return one(func(tx *txn.Txn, c *call) (txn.Value, bool) {
		b := get(tx, c)
		return str(b), b != nil
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

// response is the response's head, or nil when there is none.
func response(tx *txn.Txn) *http1.Message {
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
		return response(tx)
	}
	return request(tx)
}

// keep copies s into the transaction's scratch space.
func keep(tx *txn.Txn, s string) txn.Value {
	b := tx.Scratch.Take(len(s))
	copy(b, s)
	return str(b)
}
