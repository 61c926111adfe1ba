package haproxy

import (
	"bytes"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/txn"
	"eddy/internal/script/vm"
)

// session is what the binding keeps for one transaction: a call in the shared state and one in the state of its
// thread. The transaction holds it in Script and closes it when it ends; then it serves another one, under another
// handle.
type session struct {
	b     *Binding
	tx    *txn.Txn
	calls [2]call
	id    int64
}

// keepBuf is how much room a session keeps for showing messages.
const keepBuf = 64 << 10

// Close is called by the stream when the transaction has ended.
func (s *session) Close() {
	for i := range s.calls {
		k := &s.calls[i]
		k.release()
		k.tx, k.handle, k.applet = nil, 0, nil
		k.view.Bytes = nil
		k.ahead, k.taken = [2]int{}, [2]int{}
		if cap(k.buf) > keepBuf {
			k.buf = nil
		}
	}
	if s.tx != nil {
		s.tx.Script = nil
		s.tx = nil
	}
	b := s.b
	s.b = nil
	if b != nil {
		b.sessions.Put(s)
	}
}

// enter gives the call in which a transaction runs a registered function. It is nil, and the matter is logged, when
// that state is already running for this transaction: a script asked for a sample that a script makes.
func (b *Binding) enter(tx *txn.Txn, r *registration, what string) *call {
	s, ok := tx.Script.(*session)
	if !ok || s.b != b {
		s = b.sessions.Get().(*session)
		s.b, s.tx, s.id = b, tx, b.handles.Add(1)
		tx.Script = s
	}
	u := b.unitFor(r, connKey(tx))
	k := &s.calls[min(u.index, 1)]
	for k.inner != nil {
		k = k.inner
	}
	if k.busy && k.free {
		k = &call{outer: k}
	}
	if k.busy {
		b.log(tx.Front, levelErr, "Lua "+what+" '"+r.name+"' was asked for while another function of this transaction "+
			"runs in the same Lua state; it gives nothing")
		return nil
	}
	k.b, k.u, k.ctx, k.tx = b, u, b.ctx, tx
	k.what, k.name = what, r.name
	k.handle = s.id<<handleShift | stageBits(tx)
	k.r.View = nil
	return k
}

// connKey is a number that stays the same for a connection and differs between connections.
func connKey(tx *txn.Txn) uint32 {
	if tx.Conn == nil {
		return 0
	}
	return uint32(tx.Conn.Src.Port()) ^ uint32(tx.Conn.Accepted.UnixNano()>>12)
}

func stageBits(tx *txn.Txn) int64 {
	var bits int64
	if tx.Mode == model.ModeHTTP {
		bits |= handleHTTP
	}
	switch tx.Stage {
	case txn.StageResContent, txn.StageHTTPRes, txn.StageHTTPAfter:
		bits |= handleResponse
	}
	return bits
}

// absent is a span that view answers with nil.
const absent = ^uint32(0)

// show puts the head of an HTTP request where Lua can read it without coming to Go. Parts that a rule has changed do
// not stand in the received head any more and are left out; so is the whole when there are body bytes to add.
func (k *call) show() {
	tx := k.tx
	raw := tx.Req.Raw()
	if tx.Mode != model.ModeHTTP || tx.Control == nil || len(raw) == 0 {
		return
	}
	for i := range k.spans {
		k.spans[i] = absent
	}
	set := func(i, off, n int) { k.spans[2*i], k.spans[2*i+1] = uint32(off), uint32(n) }
	if body, _ := tx.Control.Body(txn.Req); len(body) == 0 {
		set(spanRaw, 0, len(raw))
	}
	if m := tx.Req.Method(); standsAt(raw, 0, m) {
		set(spanMethod, 0, len(m))
	}
	at := bytes.IndexByte(raw, ' ') + 1
	if t := tx.Req.Target(); standsAt(raw, at, t) {
		set(spanURL, at, len(t))
		pathq, path := tx.Req.PathQuery(), tx.Req.Path()
		start := at + len(t) - len(pathq)
		if len(path) > 0 {
			set(spanPath, start, len(path))
			set(spanPathQ, start, len(pathq))
		}
		if q, ok := tx.Req.Query(); ok && len(q) > 0 {
			set(spanQuery, at+len(t)-len(q), len(q))
		}
	}
	k.view = vm.View{Handle: vm.Handle(k.handle), Bytes: raw, Spans: k.spans[:]}
	k.r.View = &k.view
}

// standsAt reports whether part is the very bytes of whole that begin at off.
func standsAt(whole []byte, off int, part []byte) bool {
	return len(part) > 0 && off+len(part) <= len(whole) && &whole[off] == &part[0]
}

// hide takes spans out of the view of the run in progress, after the script has changed what they show.
func (k *call) hide(spans ...int) {
	for _, i := range spans {
		k.spans[2*i] = absent
	}
}
