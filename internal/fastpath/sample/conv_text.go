package sample

import (
	"bytes"
	"crypto/subtle"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"eddy/internal/config/expr"
	"eddy/internal/fastpath/txn"
)

// textConverters change text.
func textConverters() map[string]converter {
	return map[string]converter{
		"lower": does(func(tx *txn.Txn, v txn.Value, _ *call) (txn.Value, bool) {
			return str(appendLower(tx.Scratch.Take(len(v.B))[:0], v.B)), true
		}),
		"upper": does(func(tx *txn.Txn, v txn.Value, _ *call) (txn.Value, bool) {
			out := tx.Scratch.Copy(v.B)
			for i, c := range out {
				if 'a' <= c && c <= 'z' {
					out[i] = c &^ 0x20
				}
			}
			return str(out), true
		}),
		"length": does(func(_ *txn.Txn, v txn.Value, _ *call) (txn.Value, bool) { return num(int64(len(v.B))), true }),
		"reverse": does(func(tx *txn.Txn, v txn.Value, _ *call) (txn.Value, bool) {
			out := tx.Scratch.Copy(v.B)
			slices.Reverse(out)
			return str(out), true
		}),
		"reverse_dom": does(reverseDomain),
		"concat":      does(concat),
		"add_item":    does(addItem),
		"regsub":      {apply: regsub, prepare: prepareRegsub},
		"language":    does(language),
		"strcmp": does(func(tx *txn.Txn, v txn.Value, c *call) (txn.Value, bool) {
			other, ok := c.args[0].v.Get(tx)
			if !ok {
				return txn.Value{}, false
			}
			if other, ok = Cast(other, txn.TypeStr, &tx.Scratch); !ok {
				return txn.Value{}, false
			}
			return num(compare(v.B, other.B)), true
		}),
		"secure_memcmp": does(func(tx *txn.Txn, v txn.Value, c *call) (txn.Value, bool) {
			other, ok := c.args[0].v.Get(tx)
			if !ok {
				return txn.Value{}, false
			}
			if other, ok = Cast(other, txn.TypeBin, &tx.Scratch); !ok {
				return txn.Value{}, false
			}
			return boolean(subtle.ConstantTimeCompare(v.B, other.B) == 1), true
		}),
		"ipmask": {apply: ipmask, prepare: prepareMasks},
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

func reverseDomain(tx *txn.Txn, v txn.Value, _ *call) (txn.Value, bool) {
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
	return str(out), true
}

// varText is the variable in argument i as text; nothing when it is not set.
func varText(tx *txn.Txn, c *call, i int) []byte {
	if !c.has(i) {
		return nil
	}
	v, ok := c.args[i].v.Get(tx)
	if !ok {
		return nil
	}
	if v, ok = Cast(v, txn.TypeStr, &tx.Scratch); !ok {
		return nil
	}
	return v.B
}

func concat(tx *txn.Txn, v txn.Value, c *call) (txn.Value, bool) {
	start, middle, end := c.bytes(0), varText(tx, c, 1), c.bytes(2)
	n := len(v.B) + len(start) + len(middle) + len(end)
	if n > maxText {
		return txn.Value{}, false
	}
	out := append(tx.Scratch.Take(n)[:0], v.B...)
	out = append(append(append(out, start...), middle...), end...)
	return str(out), true
}

// addItem appends a delimiter, when there is something on both sides of it, and the item.
func addItem(tx *txn.Txn, v txn.Value, c *call) (txn.Value, bool) {
	item, suffix := varText(tx, c, 1), c.bytes(2)
	if c.has(1) && item == nil {
		suffix = nil // no variable, no item
	}
	if len(item)+len(suffix) == 0 {
		return v, true
	}
	n := len(v.B) + len(c.bytes(0)) + len(item) + len(suffix)
	if n > maxText {
		return txn.Value{}, false
	}
	out := append(tx.Scratch.Take(n)[:0], v.B...)
	if len(v.B) > 0 {
		out = append(out, c.bytes(0)...)
	}
	return str(append(append(out, item...), suffix...)), true
}

type substitution struct {
	re  *regexp.Regexp
	to  []byte
	all bool
}

func prepareRegsub(c *call) error {
	flags := c.text(2)
	re, _, err := expr.CompileRegex(c.text(0), strings.Contains(flags, "i"))
	if err != nil {
		return err
	}
	c.data = &substitution{re, c.bytes(1), strings.Contains(flags, "g")}
	return nil
}

func regsub(tx *txn.Txn, v txn.Value, c *call) (txn.Value, bool) {
	s := c.data.(*substitution)
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
		out = AppendExpanded(out, s.to, v.B, at)
		from = at[1]
		if len(out) > maxText {
			return txn.Value{}, false
		}
	}
	return str(append(out, v.B[from:]...)), true
}

// AppendExpanded appends a replacement in which \0 to \9 stand for what the groups of a regular expression matched in
// src, \xHH for a byte, and a backslash makes any other character plain. at is what Regexp.FindSubmatchIndex gave.
func AppendExpanded(dst, replacement, src []byte, at []int) []byte {
	for i := 0; i < len(replacement); i++ {
		c := replacement[i]
		if c != '\\' || i+1 == len(replacement) {
			dst = append(dst, c)
			continue
		}
		i++
		switch c = replacement[i]; {
		case '0' <= c && c <= '9':
			if g := 2 * int(c-'0'); g+1 < len(at) && at[g] >= 0 {
				dst = append(dst, src[at[g]:at[g+1]]...)
			}
		case c == 'x' && i+2 < len(replacement) && hexDigit(replacement[i+1]) >= 0 && hexDigit(replacement[i+2]) >= 0:
			dst = append(dst, byte(hexDigit(replacement[i+1])<<4|hexDigit(replacement[i+2])))
			i += 2
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// language gives the one of the known languages that Accept-Language likes best.
func language(_ *txn.Txn, v txn.Value, c *call) (txn.Value, bool) {
	best, bestQ := "", 0
	rest := v.B
	for len(rest) > 0 {
		var item []byte
		item, rest, _ = bytes.Cut(rest, []byte{','})
		tag, params, _ := bytes.Cut(item, []byte{';'})
		tag = trimBlanks(tag)
		q := quality(trimBlanks(params))
		if q <= bestQ {
			continue
		}
		if known := knownLanguage(c.text(0), tag); known != "" {
			best, bestQ = known, q
		}
	}
	switch {
	case best != "":
		return str([]byte(best)), true
	case c.has(1):
		return str(c.bytes(1)), true
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

func prepareMasks(c *call) error {
	m := &masks{hasV6: c.has(1)}
	var err error
	if m.v4, err = expr.ParseMask4(c.text(0)); err == nil && m.hasV6 {
		m.v6, err = expr.ParseMask6(c.text(1))
	}
	c.data = m
	return err
}

// ipmask zeroes the host part. IPv6 needs a mask of its own; IPv4 mapped into IPv6 counts as IPv4.
func ipmask(_ *txn.Txn, v txn.Value, c *call) (txn.Value, bool) {
	m := c.data.(*masks)
	a := v.Addr.Unmap()
	if a.Is4() {
		b := a.As4()
		for i := range b {
			b[i] &= m.v4[i]
		}
		return addr(netip.AddrFrom4(b))
	}
	if !m.hasV6 {
		return txn.Value{}, false
	}
	b := a.As16()
	for i := range b {
		b[i] &= m.v6[i]
	}
	return addr(netip.AddrFrom16(b))
}
