package patfile

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net/netip"
	"regexp"
	"slices"

	"eddy/internal/config/expr"
)

// Entry is one pattern with its value; ACL patterns have none.
type Entry struct {
	ID      uint64 // number within its file, never used again
	Pattern string // as written
	Value   string
	Line    int // in the file; 0 when it was added at run time
}

// Match is a pattern that was found. Re is set for Reg.
type Match struct {
	*Entry
	Re *regexp.Regexp
}

// Index holds patterns ready for one method.
type Index struct {
	method Method
	noCase bool

	exact  map[string][]*Entry // Str, Bin, Meth; and Int without ranges
	byLen  lengths             // Beg, End
	list   []needle            // Sub, Dir, Dom, in order
	regs   []Match             // Reg, in order
	ranges []numbers           // Int, Len, Dec, in order
	nets   nets                // IP
	count  int
}

type needle struct {
	text []byte // folded when noCase
	e    *Entry
}

type numbers struct {
	expr.Range
	e *Entry
}

// NewIndex gives an empty index.
func NewIndex(m Method, noCase bool) *Index {
	return &Index{method: m, noCase: noCase}
}

// Method is what the index matches by.
func (x *Index) Method() Method { return x.method }

// Len counts the patterns.
func (x *Index) Len() int { return x.count }

// Add puts a pattern in. The error says what is wrong with its text.
func (x *Index) Add(e *Entry) error {
	switch x.method {
	case Str, Meth:
		x.addExact(x.fold(e.Pattern), e)
	case Bin:
		b, err := hex.DecodeString(e.Pattern)
		if err != nil {
			return fmt.Errorf("%q is no even number of hexadecimal digits", e.Pattern)
		}
		x.addExact(string(b), e)
	case Beg, End:
		x.byLen.add(x.fold(e.Pattern), e)
	case Sub:
		x.list = append(x.list, needle{[]byte(x.fold(e.Pattern)), e})
	case Dir:
		x.list = append(x.list, needle{bytes.Trim([]byte(x.fold(e.Pattern)), "/?"), e})
	case Dom:
		x.list = append(x.list, needle{bytes.Trim([]byte(x.fold(e.Pattern)), "/?.:"), e})
	case Reg:
		re, _, err := expr.CompileRegex(e.Pattern, x.noCase)
		if err != nil {
			return fmt.Errorf("the regular expression %q does not work here: %w", e.Pattern, err)
		}
		x.regs = append(x.regs, Match{e, re})
	case Int, Len, Dec:
		r, err := expr.ParseRange(e.Pattern, x.method == Dec)
		if err != nil {
			return err
		}
		x.ranges = append(x.ranges, numbers{r, e})
	case IP:
		p, err := expr.ParseNet(e.Pattern)
		if err != nil {
			return err
		}
		x.nets.add(p, e)
	}
	x.count++
	return nil
}

func (x *Index) addExact(key string, e *Entry) {
	if x.exact == nil {
		x.exact = map[string][]*Entry{}
	}
	x.exact[key] = append(x.exact[key], e)
}

// Remove takes a pattern out again.
func (x *Index) Remove(e *Entry) {
	x.count--
	switch x.method {
	case Str, Meth:
		dropFrom(x.exact, x.fold(e.Pattern), e)
	case Bin:
		b, _ := hex.DecodeString(e.Pattern)
		dropFrom(x.exact, string(b), e)
	case Beg, End:
		x.byLen.remove(x.fold(e.Pattern), e)
	case Sub, Dir, Dom:
		x.list = slices.DeleteFunc(x.list, func(n needle) bool { return n.e == e })
	case Reg:
		x.regs = slices.DeleteFunc(x.regs, func(m Match) bool { return m.Entry == e })
	case Int, Len, Dec:
		x.ranges = slices.DeleteFunc(x.ranges, func(n numbers) bool { return n.e == e })
	case IP:
		if p, err := expr.ParseNet(e.Pattern); err == nil {
			x.nets.remove(p, e)
		}
	}
}

func dropFrom(m map[string][]*Entry, key string, e *Entry) {
	rest := slices.DeleteFunc(m[key], func(o *Entry) bool { return o == e })
	if len(rest) == 0 {
		delete(m, key)
		return
	}
	m[key] = rest
}

func (x *Index) fold(s string) string {
	if !x.noCase {
		return s
	}
	b := []byte(s)
	lower(b, b)
	return string(b)
}

// lower copies src to dst in ASCII lower case; both may be the same.
func lower(dst, src []byte) {
	for i, c := range src {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		dst[i] = c
	}
}

// Text looks bytes up, by any method but Int, Len, Dec and IP. Of several patterns that match, exact and prefix ones
// give the longest, the others the first.
func (x *Index) Text(b []byte) (Match, bool) {
	switch {
	case x.count == 0:
		return Match{}, false
	case x.method == Reg:
		return x.regex(b)
	case !x.noCase || x.method == Bin:
		return x.literal(b)
	}
	var room [512]byte // stays on the stack: literal lets nothing of it out
	folded := room[:min(len(b), len(room))]
	if len(b) > len(room) {
		folded = make([]byte, len(b))
	}
	lower(folded, b)
	return x.literal(folded)
}

func (x *Index) regex(b []byte) (Match, bool) {
	for i := range x.regs {
		if x.regs[i].Re.Match(b) {
			return x.regs[i], true
		}
	}
	return Match{}, false
}

func (x *Index) literal(b []byte) (Match, bool) {
	switch x.method {
	case Str, Bin, Meth:
		if es := x.exact[string(b)]; es != nil {
			return Match{Entry: es[0]}, true
		}
	case Beg:
		return x.byLen.prefix(b)
	case End:
		return x.byLen.suffix(b)
	case Sub:
		for i := range x.list {
			if bytes.Contains(b, x.list[i].text) {
				return Match{Entry: x.list[i].e}, true
			}
		}
	case Dir:
		return x.delimited(b, isDirEnd)
	case Dom:
		return x.delimited(b, isDomEnd)
	}
	return Match{}, false
}

func isDirEnd(c byte) bool { return c == '/' || c == '?' }
func isDomEnd(c byte) bool { return c == '/' || c == '?' || c == '.' || c == ':' }

// delimited finds a needle that stands between delimiters or ends of b.
func (x *Index) delimited(b []byte, isEnd func(byte) bool) (Match, bool) {
	for i := range x.list {
		n := x.list[i].text
		if len(n) == 0 {
			continue
		}
		for at := 0; at+len(n) <= len(b); {
			k := bytes.Index(b[at:], n)
			if k < 0 {
				break
			}
			k += at
			if (k == 0 || isEnd(b[k-1])) && (k+len(n) == len(b) || isEnd(b[k+len(n)])) {
				return Match{Entry: x.list[i].e}, true
			}
			at = k + 1
		}
	}
	return Match{}, false
}

// Number looks an integer up, by Int, Len or Dec.
func (x *Index) Number(n int64) (Match, bool) {
	for i := range x.ranges {
		if r := &x.ranges[i]; r.Low <= n && n <= r.High {
			return Match{Entry: r.e}, true
		}
	}
	return Match{}, false
}

// Addr looks an address up, by IP. The narrowest network wins. IPv4 and IPv6 meet as configuration.txt §7.1.6 says.
func (x *Index) Addr(a netip.Addr) (Match, bool) {
	if e := x.nets.find(a); e != nil {
		return Match{Entry: e}, true
	}
	return Match{}, false
}
