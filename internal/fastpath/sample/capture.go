package sample

import (
	"bytes"

	"eddy/internal/fastpath/http1"
	"eddy/internal/fastpath/txn"
)

// StoreCapture keeps text in a capture slot of the frontend, cut to the slot's length. A slot that is not there is no
// error: the text is dropped.
func StoreCapture(tx *txn.Txn, d txn.Dir, slot int, text []byte) {
	if tx.Front == nil {
		return
	}
	list, declared := tx.Captures.Req, tx.Front.Model.CaptureReq
	if d == txn.Res {
		list, declared = tx.Captures.Res, tx.Front.Model.CaptureResp
	}
	if slot < 0 || slot >= len(list) || slot >= len(declared) {
		return
	}
	if n := declared[slot].Len; n > 0 && n < len(text) {
		text = text[:n]
	}
	list[slot] = tx.Scratch.Copy(text)
}

// capturedCookie finds the cookie that "capture cookie" asks for, as name=value, in a message's headers of that name
// (configuration.txt §8.7). The configured name is the beginning of the cookie's; one that ends in '=' is the whole.
func capturedCookie(tx *txn.Txn, m *http1.Message, header string) []byte {
	if tx.Front == nil || m == nil {
		return nil
	}
	want := tx.Front.Model.CaptureCookie
	if want.Name == "" {
		return nil
	}
	for i := m.Find(header, 0); i >= 0; i = m.Find(header, i+1) {
		rest := m.Value(i)
		for more := true; more; {
			var pair []byte
			pair, rest, more = bytes.Cut(rest, []byte{';'})
			pair = trimBlanks(pair)
			if len(pair) >= len(want.Name) && string(pair[:len(want.Name)]) == want.Name {
				return pair[:min(len(pair), want.Len)]
			}
			more = more && header == "cookie" // in Set-Cookie attributes follow
		}
	}
	return nil
}
