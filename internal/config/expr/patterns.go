package expr

import (
	"encoding/hex"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"

	"eddy/internal/config/model"
)

// patterns checks the patterns by the way they are matched.
func (a *aclParser) patterns() bool {
	switch a.acl.Match {
	case "found", "bool":
		if len(a.rest) > 0 && !a.marked {
			a.c.Diags.Warnf(a.rest[0].Pos, "leave the patterns out, or choose another -m", "%q takes no patterns: these count for nothing", "-m "+a.acl.Match)
		}
		return true
	case "int", "len", "dec":
		return a.integers()
	}
	if len(a.rest) == 0 && len(a.acl.Files) == 0 && !a.marked {
		a.c.Diags.Warnf(a.acl.Pos, "give patterns, or use -m found to ask whether there is a value", "this ACL has no pattern and never matches")
	}
	ok := true
	for _, w := range a.rest {
		if err := checkPattern(a.acl.Match, w.Text); err != nil {
			a.c.Diags.Errorf(w.Pos, "", "%v", err)
			ok = false
			continue
		}
		if a.acl.Match == "reg" && !a.c.checkRegex(w.Pos, w.Text, a.acl.NoCase, "") {
			ok = false
		}
		a.acl.Patterns = append(a.acl.Patterns, model.Arg{Pos: w.Pos, Text: w.Text})
	}
	if ok && a.acl.Match == "reg" && !a.marked && a.implied == "reg" && len(a.rest) > 0 && strings.HasPrefix(a.rest[0].Text, "(") &&
		len(a.acl.Expr.Fetch.Args) == 0 {
		a.c.Diags.Warnf(a.rest[0].Pos, "remove the blank in front of the parenthesis, or put -- before a pattern that is meant",
			"this looks like the argument of %q", a.acl.Expr.Text)
	}
	return ok
}

// checkPattern checks one pattern that is no integer.
func checkPattern(match, text string) error {
	switch match {
	case "ip":
		if _, err := ParseNet(text); err != nil {
			return err
		}
	case "bin":
		if _, err := hex.DecodeString(text); err != nil {
			return fmt.Errorf("%q is no even number of hexadecimal digits", text)
		}
	}
	return nil
}

// integers reads numbers, ranges and the operators eq ge gt le lt, which hold until the next one.
func (a *aclParser) integers() bool {
	if len(a.rest) == 0 && len(a.acl.Files) == 0 && !a.marked {
		a.c.Diags.Warnf(a.acl.Pos, "give numbers, or use -m found or -m bool", "this ACL has no pattern and never matches")
	}
	op, ok, dangling := "eq", true, false
	for _, w := range a.rest {
		switch w.Text {
		case "eq", "ge", "gt", "le", "lt":
			op, dangling = w.Text, true
			continue
		}
		dangling = false
		r, err := ParseRange(w.Text, a.acl.Match == "dec")
		if err != nil {
			a.c.Diags.Errorf(w.Pos, "write 200, 200:299, 200: or an operator (eq ge gt le lt) and a number", "%v", err)
			ok = false
			continue
		}
		if r = r.apply(op); r.Low <= r.High {
			a.acl.Patterns = append(a.acl.Patterns, model.Arg{Pos: w.Pos, Text: r.String()})
		}
	}
	if dangling {
		a.c.Diags.Errorf(a.rest[len(a.rest)-1].Pos, "", "the operator %q has no number behind it", op)
		return false
	}
	return ok
}

// Range is a range of integers, both ends in it.
type Range struct{ Low, High int64 }

// String writes the range so that ParseRange reads it again.
func (r Range) String() string {
	switch {
	case r.Low == r.High:
		return strconv.FormatInt(r.Low, 10)
	case r.Low == math.MinInt64:
		return ":" + strconv.FormatInt(r.High, 10)
	case r.High == math.MaxInt64:
		return strconv.FormatInt(r.Low, 10) + ":"
	}
	return strconv.FormatInt(r.Low, 10) + ":" + strconv.FormatInt(r.High, 10)
}

// apply gives the range that "op r" means; an empty one has Low above High.
func (r Range) apply(op string) Range {
	nothing := Range{Low: math.MaxInt64, High: math.MinInt64}
	switch op {
	case "ge":
		return Range{r.Low, math.MaxInt64}
	case "gt":
		if r.High == math.MaxInt64 {
			return nothing
		}
		return Range{r.High + 1, math.MaxInt64}
	case "le":
		return Range{math.MinInt64, r.High}
	case "lt":
		if r.Low == math.MinInt64 {
			return nothing
		}
		return Range{math.MinInt64, r.Low - 1}
	}
	return r
}

// ParseRange reads a number or a range, "200", "200:299", "200:", ":299", with '-' for ':' between positive numbers
// (configuration.txt §7.1.2). With decimals a number may be MAJOR.MINOR, which counts as major*65536+minor.
func ParseRange(text string, decimals bool) (Range, error) {
	number := func(s string) (int64, error) {
		if major, minor, ok := strings.Cut(s, "."); ok && decimals {
			hi, err := strconv.ParseInt(major, 10, 32)
			if err != nil {
				return 0, err
			}
			lo, err := strconv.ParseUint(minor, 10, 16)
			return hi<<16 + int64(lo), err
		}
		n, err := strconv.ParseInt(s, 10, 64)
		if err == nil && decimals && n < 1<<16 {
			n <<= 16
		}
		return n, err
	}
	low, high, isRange := strings.Cut(text, ":")
	if !isRange && len(text) > 0 {
		if i := strings.IndexByte(text[1:], '-'); i >= 0 {
			low, high, isRange = text[:i+1], text[i+2:], true
		}
	}
	r := Range{math.MinInt64, math.MaxInt64}
	var err error
	switch {
	case !isRange:
		r.Low, err = number(text)
		r.High = r.Low
	case low == "" && high == "":
		err = strconv.ErrSyntax
	default:
		if low != "" {
			r.Low, err = number(low)
		}
		if high != "" && err == nil {
			r.High, err = number(high)
		}
	}
	if err != nil {
		return Range{}, fmt.Errorf("%q is neither a number nor a range", text)
	}
	if r.Low > r.High {
		return Range{}, fmt.Errorf("the range %q ends before it begins", text)
	}
	return r, nil
}

// ParseNet reads an address or network: "10.0.0.0/8", "10.0.0.0/255.0.0.0", "127.1/8", "::1", "fe80::/10". IPv4 may
// leave out octets that are zero (configuration.txt §7.1.6). Host names are refused.
func ParseNet(text string) (netip.Prefix, error) {
	bad := fmt.Errorf("%q is no IPv4 or IPv6 address or network", text)
	addr, mask, hasMask := strings.Cut(text, "/")
	ip, err := netip.ParseAddr(addr)
	if err != nil {
		var ok bool
		if ip, ok = shortIPv4(addr); !ok {
			return netip.Prefix{}, bad
		}
	}
	if ip.Zone() != "" {
		return netip.Prefix{}, bad
	}
	bits := ip.BitLen()
	if hasMask {
		if ip.Is4() {
			m, err := ParseMask4(mask)
			if err != nil {
				return netip.Prefix{}, bad
			}
			if bits = leadingOnes(m[:]); bits < 0 {
				return netip.Prefix{}, fmt.Errorf("the mask of %q has holes", text)
			}
		} else {
			n, err := strconv.ParseUint(mask, 10, 8)
			if err != nil || n > 128 {
				return netip.Prefix{}, bad
			}
			bits = int(n)
		}
	}
	return netip.PrefixFrom(ip, bits).Masked(), nil
}

// leadingOnes counts the one bits at the front of a mask, or gives -1 when a zero comes before a one.
func leadingOnes(m []byte) int {
	n, ended := 0, false
	for _, b := range m {
		for bit := 7; bit >= 0; bit-- {
			if b>>bit&1 == 0 {
				ended = true
			} else if ended {
				return -1
			} else {
				n++
			}
		}
	}
	return n
}

// shortIPv4 reads "10.12" as 10.0.0.12 and "127.1" as 127.0.0.1.
func shortIPv4(s string) (netip.Addr, bool) {
	parts := strings.Split(s, ".")
	if len(parts) < 2 || len(parts) > 3 {
		return netip.Addr{}, false
	}
	var ip [4]byte
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 10, 8)
		if err != nil {
			return netip.Addr{}, false
		}
		if i == len(parts)-1 {
			i = 3
		}
		ip[i] = byte(n)
	}
	return netip.AddrFrom4(ip), true
}
