package call

import "eddy/internal/fastpath/txn"

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
