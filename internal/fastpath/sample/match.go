package sample

import (
	"net/netip"

	"eddy/internal/config/expr"
	"eddy/internal/config/model"
	"eddy/internal/fastpath/patfile"
	"eddy/internal/fastpath/sample/call"
	"eddy/internal/fastpath/sample/cast"
	"eddy/internal/fastpath/txn"
)

// patterns is what a list of patterns can do, be it inline (patfile.Index) or a file (patfile.View).
type patterns interface {
	Text(b []byte) bool
	Number(n int64) bool
	Addr(a netip.Addr) bool
}

type inlinePatterns struct{ x *patfile.Index }

func (p inlinePatterns) Text(b []byte) bool     { _, ok := p.x.Text(b); return ok }
func (p inlinePatterns) Number(n int64) bool    { _, ok := p.x.Number(n); return ok }
func (p inlinePatterns) Addr(a netip.Addr) bool { _, ok := p.x.Addr(a); return ok }

type filePatterns struct{ v *patfile.View }

func (p filePatterns) Text(b []byte) bool     { _, _, ok := p.v.Text(b); return ok }
func (p filePatterns) Number(n int64) bool    { _, _, ok := p.v.Number(n); return ok }
func (p filePatterns) Addr(a netip.Addr) bool { _, _, ok := p.v.Addr(a); return ok }

// matchKind is how an ACL compares.
type matchKind uint8

const (
	matchFound matchKind = iota
	matchBool
	matchText
	matchBin
	matchNumber
	matchLength
	matchAddr
)

// acl is a test, ready.
type acl struct {
	expr *Expr
	kind matchKind
	sets []patterns
	each bool // try every value of the fetch
}

func (e *Env) acl(m *model.ACL) *acl {
	a := &acl{expr: e.Expr(&m.Expr)}
	a.each = a.expr.fetch.Next != nil && !occurrenceGiven(&a.expr.call)
	name := m.Match
	if name == "" {
		name = "str"
		if spec := expr.Fetch(m.Expr.Fetch.Name); spec != nil && len(m.Expr.Convs) == 0 {
			switch spec.Out {
			case expr.Bool:
				name = "bool"
			case expr.Int:
				name = "int"
			case expr.Addr:
				name = "ip"
			}
		}
	}
	switch name {
	case "found":
		return a
	case "bool":
		a.kind = matchBool
		return a
	}
	method, ok := patfile.MethodOf(name)
	if !ok {
		e.errorf(m.Pos, "", "there is no matching method %q", name)
		return a
	}
	switch method {
	case patfile.Int, patfile.Dec:
		a.kind = matchNumber
	case patfile.Len:
		a.kind = matchLength
	case patfile.IP:
		a.kind = matchAddr
	case patfile.Bin:
		a.kind = matchBin
	default:
		a.kind = matchText
	}
	e.loadPatterns(a, m, method)
	return a
}

// occurrenceGiven: hdr(name,1) looks at one value only, also in ACLs.
func occurrenceGiven(c *call.Call) bool {
	switch c.Name {
	case "urlp", "urlp_val", "req.body_param":
		return false
	}
	return c.Has(1)
}

func (e *Env) loadPatterns(a *acl, m *model.ACL, method patfile.Method) {
	for i, file := range m.Files {
		if e.Files == nil {
			e.errorf(file.Pos, "", "pattern files can't be read here")
			return
		}
		f, err := e.Files.Open(file.Text, m.MapIDs)
		if err != nil {
			e.errorf(file.Pos, "", "the pattern file can't be read: %v", err)
			continue
		}
		noCase := m.NoCase && i >= m.CaseFiles
		a.sets = append(a.sets, filePatterns{f.View(method, noCase, func(bad *patfile.Entry, err error) {
			e.errorf(file.Pos, "", "%s, line %d: %v", f.Name, bad.Line, err)
		})})
	}
	if m.UniqueID != "" && e.Files != nil {
		f := e.Files.Inline(m.UniqueID)
		for _, p := range m.Patterns {
			if err := f.AddNew(p.Text, ""); err != nil {
				e.errorf(p.Pos, "", "%v", err)
			}
		}
		a.sets = append(a.sets, filePatterns{f.View(method, m.NoCase, nil)})
		return
	}
	if len(m.Patterns) == 0 {
		return
	}
	x := patfile.NewIndex(method, m.NoCase)
	for i, p := range m.Patterns {
		if err := x.Add(&patfile.Entry{ID: uint64(i + 1), Pattern: p.Text}); err != nil {
			e.errorf(p.Pos, "", "%v", err)
		}
	}
	a.sets = append(a.sets, inlinePatterns{x})
}

// matches evaluates the test.
func (a *acl) matches(tx *txn.Txn) bool {
	if !a.each {
		v, ok := a.expr.Eval(tx)
		return ok && a.match(v, tx)
	}
	var at call.Cursor
	for {
		v, next, ok := a.expr.fetch.Next(tx, &a.expr.call, at)
		if !ok {
			return false
		}
		if v, ok = a.expr.convert(tx, v); ok && a.match(v, tx) {
			return true
		}
		at = next
	}
}

func (a *acl) match(v txn.Value, tx *txn.Txn) bool {
	var ok bool
	switch a.kind {
	case matchFound:
		return true
	case matchBool:
		v, ok = cast.To(v, txn.TypeInt, &tx.Scratch)
		return ok && v.Int != 0
	case matchNumber:
		if v, ok = cast.To(v, txn.TypeInt, &tx.Scratch); !ok {
			return false
		}
		for _, s := range a.sets {
			if s.Number(v.Int) {
				return true
			}
		}
		return false
	case matchAddr:
		if v, ok = cast.To(v, txn.TypeAddr, &tx.Scratch); !ok {
			return false
		}
		for _, s := range a.sets {
			if s.Addr(v.Addr) {
				return true
			}
		}
		return false
	case matchBin:
		v, ok = cast.To(v, txn.TypeBin, &tx.Scratch)
	case matchLength:
		if v.Type != txn.TypeBin {
			v, ok = cast.To(v, txn.TypeStr, &tx.Scratch)
		} else {
			ok = true
		}
		if !ok {
			return false
		}
		for _, s := range a.sets {
			if s.Number(int64(len(v.B))) {
				return true
			}
		}
		return false
	default:
		v, ok = cast.To(v, txn.TypeStr, &tx.Scratch)
	}
	if !ok {
		return false
	}
	for _, s := range a.sets {
		if s.Text(v.B) {
			return true
		}
	}
	return false
}
