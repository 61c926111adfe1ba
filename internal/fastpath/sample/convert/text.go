package convert

import (
	"bytes"
	"crypto/subtle"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"eddy/internal/config/expr"
	"eddy/internal/fastpath/sample/call"
	"eddy/internal/fastpath/sample/cast"
	"eddy/internal/fastpath/txn"
)

// textConverters change text.
func textConverters() map[string]call.Converter {
	return map[string]call.Converter{
		"lower": does(func(tx *txn.Txn, v txn.Value, _ *call.Call) (txn.Value, bool) {
			return cast.Str(cast.AppendLower(tx.Scratch.Take(len(v.B))[:0], v.B)), true
		}),
		"upper": does(func(tx *txn.Txn, v txn.Value, _ *call.Call) (txn.Value, bool) {
			out := tx.Scratch.Copy(v.B)
			for i, c := range out {
				if 'a' <= c && c <= 'z' {
					out[i] = c &^ 0x20
				}
			}
			return cast.Str(out), true
		}),
		"length": does(func(_ *txn.Txn, v txn.Value, _ *call.Call) (txn.Value, bool) { return cast.Num(int64(len(v.B))), true }),
		"reverse": does(func(tx *txn.Txn, v txn.Value, _ *call.Call) (txn.Value, bool) {
			out := tx.Scratch.Copy(v.B)
			slices.Reverse(out)
			return cast.Str(out), true
		}),
		"reverse_dom": does(reverseDomain),
		"concat":      does(concat),
		"add_item":    does(addItem),
		"regsub":      {Apply: regsub, Prepare: prepareRegsub},
		"language":    does(language),
		"strcmp": does(func(tx *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool) {
			other, ok := c.Args[0].Var.Get(tx)
			if !ok {
				return txn.Value{}, false
			}
			if other, ok = cast.To(other, txn.TypeStr, &tx.Scratch); !ok {
				return txn.Value{}, false
			}
			return cast.Num(compare(v.B, other.B)), true
		}),
		"secure_memcmp": does(func(tx *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool) {
			other, ok := c.Args[0].Var.Get(tx)
			if !ok {
				return txn.Value{}, false
			}
			if other, ok = cast.To(other, txn.TypeBin, &tx.Scratch); !ok {
				return txn.Value{}, false
			}
			return cast.Bool(subtle.ConstantTimeCompare(v.B, other.B) == 1), true
		}),
		"ipmask": {Apply: ipmask, Prepare: prepareMasks},
	}
}

// compare is strcmp(3): the difference of the first bytes that differ, or of the lengths.
func compare(a, b []byte) int64 {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return int64(a[i]) - int64(b[i])
		}
	}
	return int64(len(a)) - int64(len(b))
}

func reverseDomain(tx *txn.Txn, v txn.Value, _ *call.Call) (txn.Value, bool) {
	in := bytes.TrimSuffix(v.B, []byte{'.'})
	if len(in) == 0 {
		return txn.Value{}, false
	}
	out := tx.Scratch.Take(len(in))[:0]
	for end := len(in); end >= 0; {
		from := bytes.LastIndexByte(in[:end], '.') + 1
		if from == end {
			return txn.Value{}, false // an empty label
		}
		if len(out) > 0 {
			out = append(out, '.')
		}
		out = append(out, in[from:end]...)
		end = from - 1
	}
	return cast.Str(out), true
}

// varText is the variable in argument i as text; nothing when it is not set.
func varText(tx *txn.Txn, c *call.Call, i int) []byte {
	if !c.Has(i) {
		return nil
	}
	v, ok := c.Args[i].Var.Get(tx)
	if !ok {
		return nil
	}
	if v, ok = cast.To(v, txn.TypeStr, &tx.Scratch); !ok {
		return nil
	}
	return v.B
}

func concat(tx *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool) {
	start, middle, end := c.Bytes(0), varText(tx, c, 1), c.Bytes(2)
	n := len(v.B) + len(start) + len(middle) + len(end)
	if n > maxText {
		return txn.Value{}, false
	}
	out := append(tx.Scratch.Take(n)[:0], v.B...)
	out = append(append(append(out, start...), middle...), end...)
	return cast.Str(out), true
}

// addItem appends a delimiter, when there is something on both sides of it, and the item.
func addItem(tx *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool) {
	item, suffix := varText(tx, c, 1), c.Bytes(2)
	if c.Has(1) && item == nil {
		suffix = nil // no variable, no item
	}
	if len(item)+len(suffix) == 0 {
		return v, true
	}
	n := len(v.B) + len(c.Bytes(0)) + len(item) + len(suffix)
	if n > maxText {
		return txn.Value{}, false
	}
	out := append(tx.Scratch.Take(n)[:0], v.B...)
	if len(v.B) > 0 {
		out = append(out, c.Bytes(0)...)
	}
	return cast.Str(append(append(out, item...), suffix...)), true
}

type substitution struct {
	re  *regexp.Regexp
	to  []byte
	all bool
}

func prepareRegsub(c *call.Call) error {
	flags := c.Text(2)
	re, _, err := expr.CompileRegex(c.Text(0), strings.Contains(flags, "i"))
	if err != nil {
		return err
	}
	c.Data = &substitution{re, c.Bytes(1), strings.Contains(flags, "g")}
	return nil
}

func regsub(tx *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool) {
	s := c.Data.(*substitution)
	n := 1
	if s.all {
		n = -1
	}
	found := s.re.FindAllSubmatchIndex(v.B, n)
	if len(found) == 0 {
		return v, true
	}
	out := tx.Scratch.Take(len(v.B) + len(s.to))[:0]
	from := 0
	for _, at := range found {
		out = append(out, v.B[from:at[0]]...)
		out = cast.AppendExpanded(out, s.to, v.B, at)
		from = at[1]
		if len(out) > maxText {
			return txn.Value{}, false
		}
	}
	return cast.Str(append(out, v.B[from:]...)), true
}

// language gives the one of the known languages that Accept-Language likes best.
func language(_ *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool) {
	best, bestQ := "", 0
	rest := v.B
	for len(rest) > 0 {
		var item []byte
		item, rest, _ = bytes.Cut(rest, []byte{','})
		tag, params, _ := bytes.Cut(item, []byte{';'})
		tag = cast.TrimBlanks(tag)
		q := quality(cast.TrimBlanks(params))
		if q <= bestQ {
			continue
		}
		if known := knownLanguage(c.Text(0), tag); known != "" {
			best, bestQ = known, q
		}
	}
	switch {
	case best != "":
		return cast.Str([]byte(best)), true
	case c.Has(1):
		return cast.Str(c.Bytes(1)), true
	}
	return txn.Value{}, false
}

// knownLanguage finds a tag in a list like "es;fr;en": as it is, or without its variant.
func knownLanguage(list string, tag []byte) string {
	base, _, _ := bytes.Cut(tag, []byte{'-'})
	found := ""
	for list != "" {
		var l string
		l, list, _ = strings.Cut(list, ";")
		if l == string(tag) {
			return l
		}
		if l == string(base) {
			found = l
		}
	}
	return found
}

// quality reads "q=0.8" in thousandths; 1000 when there is none.
func quality(p []byte) int {
	if len(p) < 3 || p[0]|0x20 != 'q' || p[1] != '=' {
		return 1000
	}
	q, scale := 0, 1000
	seenDot := false
	for _, c := range p[2:] {
		switch {
		case c == '.' && !seenDot:
			seenDot = true
		case c < '0' || c > '9':
			return q
		case !seenDot:
			q = min(1, 10*q/1000+int(c-'0')) * 1000
		case scale > 1:
			scale /= 10
			q += int(c-'0') * scale
		}
	}
	return min(q, 1000)
}

type masks struct {
	v4    [4]byte
	v6    [16]byte
	hasV6 bool
}

func prepareMasks(c *call.Call) error {
	m := &masks{hasV6: c.Has(1)}
	var err error
	if m.v4, err = expr.ParseMask4(c.Text(0)); err == nil && m.hasV6 {
		m.v6, err = expr.ParseMask6(c.Text(1))
	}
	c.Data = m
	return err
}

// ipmask zeroes the host part. IPv6 needs a mask of its own; IPv4 mapped into IPv6 counts as IPv4.
func ipmask(_ *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool) {
	m := c.Data.(*masks)
	a := v.Addr.Unmap()
	if a.Is4() {
		b := a.As4()
		for i := range b {
			b[i] &= m.v4[i]
		}
		return cast.Addr(netip.AddrFrom4(b))
	}
	if !m.hasV6 {
		return txn.Value{}, false
	}
	b := a.As16()
	for i := range b {
		b[i] &= m.v6[i]
	}
	return cast.Addr(netip.AddrFrom16(b))
}
