package stdlib

import (
	"context"
	"io"
	"strconv"
	"strings"

	"eddy/internal/script/vm"
)

// maxNumeral is how long a numeral may be that read("n") takes, as in Lua.
const maxNumeral = 200

// numeral collects a number byte by byte, with one byte of look-ahead.
type numeral struct {
	f    *file
	ctx  context.Context
	text []byte
	err  error
}

// peek is the next byte; -1 at the end.
func (n *numeral) peek() int {
	if n.err == nil {
		n.err = n.f.fill(n.ctx)
	}
	if n.err != nil {
		return -1
	}
	return int(n.f.in[n.f.from])
}

// accept takes the next byte when it is one of set and there is room.
func (n *numeral) accept(set string) bool {
	b := n.peek()
	if b < 0 || strings.IndexByte(set, byte(b)) < 0 {
		return false
	}
	if len(n.text) >= maxNumeral {
		n.text = n.text[:0] // not a number
		return false
	}
	n.text = append(n.text, byte(b))
	n.f.from++
	return true
}

func (n *numeral) digits(set string) (count int) {
	for n.accept(set) {
		count++
	}
	return count
}

// number reads a numeral as Lua's read("n") does: the longest text that can be the beginning of one.
func (f *file) number(ctx context.Context) (vm.Value, error) {
	n := &numeral{f: f, ctx: ctx}
	for b := n.peek(); b >= 0 && strings.IndexByte(" \t\n\v\f\r", byte(b)) >= 0; b = n.peek() {
		f.from++
	}
	n.accept("+-")
	digits, exponent, count := "0123456789", "eE", 0
	if n.accept("0") {
		if n.accept("xX") {
			digits, exponent = "0123456789abcdefABCDEF", "pP"
		} else {
			count = 1
		}
	}
	count += n.digits(digits)
	if n.accept(".") {
		count += n.digits(digits)
	}
	if count > 0 && n.accept(exponent) {
		n.accept("+-")
		n.digits("0123456789")
	}
	if n.err != nil && n.err != io.EOF {
		return vm.Nil(), n.err
	}
	return parseNumber(string(n.text)), nil
}

// parseNumber is Lua's conversion of a numeral: an integer where it is written as one and fits (hexadecimal ones wrap
// around), else a float; nil when it is none.
func parseNumber(s string) vm.Value {
	body, negative := strings.CutPrefix(strings.TrimPrefix(s, "+"), "-")
	if len(body) > 2 && (body[:2] == "0x" || body[:2] == "0X") {
		if !strings.ContainsAny(body, ".pP") {
			hex := body[2:]
			u, err := strconv.ParseUint(hex[max(0, len(hex)-16):], 16, 64)
			if err != nil {
				return vm.Nil()
			}
			if negative {
				u = -u
			}
			return vm.Int(int64(u))
		}
		if !strings.ContainsAny(body, "pP") {
			s += "p0"
		}
	} else if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return vm.Int(i)
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil && !isRange(err) {
		return vm.Nil()
	}
	return vm.Num(v)
}

func isRange(err error) bool {
	e, ok := err.(*strconv.NumError)
	return ok && e.Err == strconv.ErrRange
}
