package rule

import (
	"bytes"

	"eddy/internal/fastpath/http1"
	"eddy/internal/fastpath/txn"
)

// redirect sends the client elsewhere (configuration.txt §4.2 redirect).
type redirect struct {
	kind        redirectKind
	to          text
	status      int
	cookie      text
	hasCookie   bool
	cookieEnd   string // what stands behind the cookie
	dropQuery   bool
	keepQuery   bool
	appendSlash bool
	ignoreEmpty bool
}

type redirectKind uint8

const (
	toLocation redirectKind = iota
	toPrefix
	toScheme
)

func (c *compile) redirect() Action {
	r := &redirect{status: 302}
	for i, name := range []string{"location", "prefix", "scheme"} {
		if p, ok := c.a.Opt(name); ok {
			r.kind, r.to = redirectKind(i), c.text(p)
		}
	}
	if p, ok := c.a.Opt("code"); ok {
		r.status = int(p.Int)
	}
	if p, ok := c.a.Opt("set-cookie"); ok {
		r.cookie, r.hasCookie, r.cookieEnd = text{fixed: []byte(p.Text)}, true, "; path=/;"
	}
	if p, ok := c.a.Opt("set-cookie-fmt"); ok {
		r.cookie, r.hasCookie, r.cookieEnd = c.text(p), true, "; path=/;"
	}
	if p, ok := c.a.Opt("clear-cookie"); ok {
		r.cookie, r.hasCookie, r.cookieEnd = text{fixed: []byte(p.Text)}, true, "; path=/; Max-Age=0;"
	}
	_, r.dropQuery = c.a.Opt("drop-query")
	_, r.keepQuery = c.a.Opt("keep-query")
	_, r.appendSlash = c.a.Opt("append-slash")
	_, r.ignoreEmpty = c.a.Opt("ignore-empty")
	return r
}

func (r *redirect) Exec(tx *txn.Txn) txn.Verdict {
	location := r.location(tx)
	if r.ignoreEmpty && len(location) == 0 {
		return txn.Next
	}
	m := &tx.Res
	m.BuildResponse(r.status, "")
	m.SetBody(http1.BodyLength, 0)
	m.AddString("location", "") // SetValueAt refuses what would break the head, and then this stays
	m.SetValueAt(m.Len()-1, location)
	if r.status == 302 || r.status == 303 || r.status == 307 {
		m.AddString("cache-control", "no-cache")
	}
	if r.hasCookie {
		c := r.cookie.bytes(tx)
		v := append(tx.Scratch.Take(len(c) + len(r.cookieEnd))[:0], c...)
		m.Add([]byte("set-cookie"), append(v, r.cookieEnd...))
	}
	tx.ResBody = nil
	tx.HasRes, tx.Local = true, true
	return txn.Answer
}

// location puts the address together; it lives as long as the transaction.
func (r *redirect) location(tx *txn.Txn) []byte {
	to := r.to.bytes(tx)
	req := &tx.Req
	switch r.kind {
	case toLocation:
		query, has := req.Query()
		if !r.keepQuery || !has {
			return to
		}
		mark := byte('?')
		if bytes.IndexByte(to, '?') >= 0 {
			mark = '&'
		}
		dst := append(tx.Scratch.Take(len(to) + len(query) + 1)[:0], to...)
		return append(append(dst, mark), query...)
	case toScheme:
		host := req.HostOf()
		dst := append(tx.Scratch.Take(len(to) + 3 + len(host) + len(req.PathQuery()) + 1)[:0], to...)
		dst = append(dst, "://"...)
		dst = append(dst, host...)
		return r.appendPath(dst, req)
	}
	dst := tx.Scratch.Take(len(to) + len(req.PathQuery()) + 1)[:0]
	if len(to) != 1 || to[0] != '/' { // "/" is no prefix: it means "here"
		dst = append(dst, to...)
	}
	return r.appendPath(dst, req)
}

// appendPath appends the request's path and query, as drop-query and append-slash say.
func (r *redirect) appendPath(dst []byte, req *http1.Message) []byte {
	path := req.PathQuery()
	if r.dropQuery {
		path = req.Path()
	}
	dst = append(dst, path...)
	if r.appendSlash && r.dropQuery && (len(path) == 0 || path[len(path)-1] != '/') {
		dst = append(dst, '/')
	}
	return dst
}
