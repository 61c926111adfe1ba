package backend

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strconv"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/txn"

	"github.com/zeebo/xxh3"
)

// key is the hash that the balance line asks for; false: the algorithm hashes nothing, or what it hashes is missing,
// and round robin applies.
func (p *Pool) key(tx *txn.Txn) (uint64, bool) {
	b := &p.m.Balance
	switch b.Algo {
	case "source":
		a := tx.Conn.Src.Addr().Unmap()
		if !a.IsValid() {
			return 0, false
		}
		k := a.As16()
		return xxh3.Hash(k[:]), true
	case "hash":
		if p.cfg.Hash == nil {
			return 0, false
		}
		v, ok := p.cfg.Hash.Eval(tx)
		if !ok {
			return 0, false
		}
		return hashValue(v), true
	}
	if tx.Mode != model.ModeHTTP {
		return 0, false
	}
	switch b.Algo {
	case "uri":
		return xxh3.Hash(uriKey(tx, b)), true
	case "hdr":
		i := tx.Req.Find(b.Arg, 0)
		if i < 0 || len(tx.Req.Value(i)) == 0 {
			return 0, false
		}
		v := tx.Req.Value(i)
		if b.HdrUseDomainOnly {
			v = mainDomain(v)
		}
		return xxh3.Hash(v), true
	case "url_param":
		if q, ok := tx.Req.Query(); ok {
			if v := param(q, b.Arg); len(v) > 0 {
				return xxh3.Hash(v), true
			}
		}
		if b.URLParamCheckPost > 0 && tx.Req.MethodIs("POST") {
			body, _ := tx.Control.Body(txn.Req)
			if v := param(body, b.Arg); len(v) > 0 {
				return xxh3.Hash(v), true
			}
		}
	}
	return 0, false
}

func hashValue(v txn.Value) uint64 {
	switch v.Type {
	case txn.TypeStr, txn.TypeBin, txn.TypeMeth:
		return xxh3.Hash(v.B)
	case txn.TypeAddr:
		k := v.Addr.As16()
		return xxh3.Hash(k[:])
	}
	var k [8]byte
	binary.BigEndian.PutUint64(k[:], uint64(v.Int))
	return xxh3.Hash(k[:])
}

// uriKey is the part of the URI that "balance uri" looks at.
func uriKey(tx *txn.Txn, b *model.Balance) []byte {
	uri := tx.Req.Target()
	if b.URIPathOnly {
		uri = tx.Req.PathQuery()
	}
	if b.URILen > 0 && len(uri) > b.URILen {
		uri = uri[:b.URILen]
	}
	slashes := 0
	for i, c := range uri {
		if c == '/' && b.URIDepth > 0 {
			if slashes++; slashes > b.URIDepth {
				return uri[:i]
			}
		}
		if c == '?' && !b.URIWhole {
			return uri[:i]
		}
	}
	return uri
}

// mainDomain is "site" of "www.site.org:80".
func mainDomain(host []byte) []byte {
	if i := bytes.LastIndexByte(host, ':'); i >= 0 {
		host = host[:i]
	}
	end := bytes.LastIndexByte(host, '.')
	if end < 0 {
		return host
	}
	return host[bytes.LastIndexByte(host[:end], '.')+1 : end]
}

// param finds name=value in a query string.
func param(query []byte, name string) []byte {
	for len(query) > 0 {
		pair := query
		if i := bytes.IndexByte(query, '&'); i >= 0 {
			pair, query = query[:i], query[i+1:]
		} else {
			query = nil
		}
		if len(pair) > len(name) && pair[len(name)] == '=' && string(pair[:len(name)]) == name {
			return pair[len(name)+1:]
		}
	}
	return nil
}

// byHash maps a key to a usable server. Pool.mu is held.
func (p *Pool) byHash(key uint64) *server {
	backup, usable := p.tier()
	if !usable {
		return nil
	}
	if p.m.HashType == "consistent" {
		return p.consistent(key, backup)
	}
	var total uint64
	for _, s := range p.servers {
		if s.candidate(nil, backup) {
			total += uint64(s.Weight.Load())
		}
	}
	at := key % total
	for _, s := range p.servers {
		if !s.candidate(nil, backup) {
			continue
		}
		w := uint64(s.Weight.Load())
		if at < w {
			return s
		}
		at -= w
	}
	return nil
}

// ring is a hash ring: points in order, each a server's. A server that comes or goes moves only its own keys.
type ring struct {
	points  []point
	weights []int64 // what it was built from
}

type point struct {
	at  uint64
	srv *server
}

// pointsPerWeight is how many points a server has on the ring for each unit of weight.
const pointsPerWeight = 16

func (p *Pool) consistent(key uint64, backup *server) *server {
	r := p.currentRing()
	n := len(r.points)
	if n == 0 {
		return nil
	}
	i, _ := slices.BinarySearchFunc(r.points, key, func(x point, k uint64) int {
		switch {
		case x.at < k:
			return -1
		case x.at > k:
			return 1
		}
		return 0
	})
	for j := range n {
		if s := r.points[(i+j)%n].srv; s.candidate(nil, backup) {
			return s
		}
	}
	return nil
}

// currentRing builds the ring again when a weight changed.
func (p *Pool) currentRing() *ring {
	if p.ring != nil {
		same := true
		for i, s := range p.servers {
			same = same && p.ring.weights[i] == s.Weight.Load()
		}
		if same {
			return p.ring
		}
	}
	r := &ring{}
	for _, s := range p.servers {
		w := s.Weight.Load()
		r.weights = append(r.weights, w)
		for i := range w * pointsPerWeight {
			r.points = append(r.points, point{xxh3.HashString(strconv.Itoa(s.ID) + "/" + strconv.FormatInt(i, 10)), s})
		}
	}
	slices.SortFunc(r.points, func(a, b point) int {
		switch {
		case a.at < b.at:
			return -1
		case a.at > b.at:
			return 1
		}
		return 0
	})
	p.ring = r
	return r
}
