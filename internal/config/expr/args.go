package expr

import (
	"encoding/hex"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"eddy/internal/config/diag"
	"eddy/internal/config/model"
)

// checkArgs holds a call's arguments against their declaration.
func (c *Ctx) checkArgs(call *model.Call, decl []Arg, repeat bool) bool {
	if len(call.Args) > len(decl) && !repeat {
		extra := call.Args[len(decl)]
		if len(decl) == 0 {
			c.Diags.Errorf(extra.Pos, "", "%q takes no arguments", call.Name)
		} else {
			c.Diags.Errorf(extra.Pos, "it is "+call.Name+Signature(decl), "%q has an argument too many", call.Name)
		}
		return false
	}
	ok := true
	for i, d := range decl {
		if i >= len(call.Args) || call.Args[i].Text == "" && d.Kind != KindStr && d.Kind != KindRegex {
			if !d.Optional {
				c.Diags.Errorf(call.Pos, "it is "+call.Name+Signature(decl), "%q needs the argument <%s>", call.Name, d.Name)
				ok = false
			}
			continue
		}
		ok = c.checkArg(call.Name, &call.Args[i], d) && ok
	}
	for i := len(decl); i < len(call.Args); i++ {
		ok = c.checkArg(call.Name, &call.Args[i], decl[len(decl)-1]) && ok
	}
	return ok && c.checkSpecial(call)
}

func (c *Ctx) checkArg(name string, a *model.Arg, d Arg) bool {
	bad := func(hint, want string) bool {
		c.Diags.Errorf(a.Pos, hint, "<%s> of %q is to be %s, not %q", d.Name, name, want, a.Text)
		return false
	}
	switch d.Kind {
	case KindInt:
		if _, err := ParseInt(a.Text); err != nil {
			return bad("", "a whole number")
		}
	case KindUint:
		if n, err := ParseInt(a.Text); err != nil || n < 0 {
			return bad("", "a whole number from 0 on")
		}
	case KindVar:
		return CheckVar(c.Diags, a.Pos, a.Text)
	case KindIntVar:
		if _, err := ParseInt(a.Text); err != nil {
			if !strings.Contains(a.Text, ".") {
				return bad("", "a whole number or a variable like txn.name")
			}
			return CheckVar(c.Diags, a.Pos, a.Text)
		}
	case KindMask4:
		if _, err := ParseMask4(a.Text); err != nil {
			return bad("", "a mask like 24 or 255.255.255.0")
		}
	case KindMask6:
		if _, err := ParseMask6(a.Text); err != nil {
			return bad("", "a mask like 64 or ffff:ffff::")
		}
	case KindIPv4:
		if ip, err := netip.ParseAddr(a.Text); err != nil || !ip.Is4() {
			return bad("", "an IPv4 address")
		}
	case KindIPv6:
		if ip, err := netip.ParseAddr(a.Text); err != nil || !ip.Is6() || ip.Zone() != "" {
			return bad("", "an IPv6 address")
		}
	case KindRegex:
		return c.checkRegex(a.Pos, a.Text, false, "in an argument, put the expression in quotes of its own: '"+name+"(\"(a|b)\",x)'")
	case KindFile:
		return c.file(a)
	case KindHex:
		if _, err := hex.DecodeString(a.Text); err != nil {
			return bad("", "pairs of hexadecimal digits")
		}
	case KindBool:
		if !slices.Contains([]string{"true", "false", "1", "0"}, a.Text) {
			return bad("", "true or false")
		}
	case KindChoice:
		if !slices.Contains(d.Choices, strings.ToLower(a.Text)) {
			return bad(diag.DidYouMean(a.Text, d.Choices), "one of "+strings.Join(d.Choices, ", "))
		}
	case KindACL:
		w := Word{Text: strings.TrimPrefix(a.Text, "!"), Pos: a.Pos}
		p := condParser{c: c}
		var ok bool
		a.ACLs, ok = p.named(w)
		return ok
	case KindJSON:
		if !strings.HasPrefix(a.Text, "$") {
			return bad("for instance $.name or $.list[0]", "a JSON path that begins with $")
		}
	}
	return true
}

// file puts the path of a map or pattern file in the place of its name.
func (c *Ctx) file(a *model.Arg) bool {
	if c.File == nil {
		return true
	}
	path, err := c.File(a.Text)
	if err != nil {
		c.Diags.Errorf(a.Pos, "", "the file cannot be read: %v", err)
		return false
	}
	a.Text = path
	return true
}

// checkRegex reports an expression that does not work; onParen is the hint when a parenthesis is the trouble, "" leaves
// the usual one.
func (c *Ctx) checkRegex(pos diag.Pos, text string, noCase bool, onParen string) bool {
	_, hint, err := CompileRegex(text, noCase)
	if err != nil {
		if hint == parenHint && onParen != "" {
			hint = onParen
		}
		c.Diags.Errorf(pos, hint, "the regular expression does not work here: %v", err)
		return false
	}
	return true
}

// checkSpecial checks what the kinds of arguments can't say.
func (c *Ctx) checkSpecial(call *model.Call) bool {
	arg := func(i int) (model.Arg, bool) {
		if i < len(call.Args) {
			return call.Args[i], true
		}
		return model.Arg{}, false
	}
	switch call.Name {
	case "uuid":
		if a, ok := arg(0); ok && a.Text != "4" && a.Text != "7" && a.Text != "" {
			c.Diags.Errorf(a.Pos, "", "UUIDs are of version 4 or 7, not %q", a.Text)
			return false
		}
	case "sha2":
		if a, ok := arg(0); ok && !slices.Contains([]string{"", "224", "256", "384", "512"}, a.Text) {
			c.Diags.Errorf(a.Pos, "", "SHA-2 has 224, 256, 384 or 512 bits, not %q", a.Text)
			return false
		}
	case "field", "word":
		if a, _ := arg(0); a.Text == "0" {
			c.Diags.Errorf(a.Pos, "1 is the first, -1 the last", "%q counts from 1", call.Name)
			return false
		}
	case "be2dec", "le2dec":
		if a, _ := arg(1); !slices.Contains([]string{"1", "2", "3", "4", "5", "6", "7", "8"}, a.Text) {
			c.Diags.Errorf(a.Pos, "", "<chunk_size> of %q is to be 1 to 8, not %q", call.Name, a.Text)
			return false
		}
	case "req.payload_lv", "res.payload_lv", "payload_lv":
		if a, ok := arg(2); ok && a.Text != "" {
			if _, err := ParseInt(strings.TrimPrefix(a.Text, "+")); err != nil {
				c.Diags.Errorf(a.Pos, "", "<offset2> of %q is to be a number, with + or - when it is relative, not %q", call.Name, a.Text)
				return false
			}
		}
	case "regsub":
		if a, ok := arg(2); ok {
			if strings.Trim(a.Text, "gi") != "" {
				c.Diags.Errorf(a.Pos, "", "the flags of regsub are g and i, not %q", a.Text)
				return false
			}
		}
	case "add_item":
		v, _ := arg(1)
		suff, _ := arg(2)
		if v.Text == "" && suff.Text == "" {
			c.Diags.Errorf(call.Pos, "", "add_item needs a variable or a suffix")
			return false
		}
	}
	return true
}

// ParseInt reads a whole number, decimal or 0x.
func ParseInt(text string) (int64, error) {
	if h, ok := strings.CutPrefix(text, "0x"); ok {
		return strconv.ParseInt(h, 16, 64)
	}
	return strconv.ParseInt(text, 10, 64)
}

// ParseMask4 reads "24" or "255.255.255.0" as an IPv4 mask.
func ParseMask4(text string) ([4]byte, error) {
	if ip, err := netip.ParseAddr(text); err == nil && ip.Is4() {
		return ip.As4(), nil
	}
	n, err := strconv.ParseUint(text, 10, 8)
	if err != nil || n > 32 {
		return [4]byte{}, strconv.ErrRange
	}
	var m [4]byte
	maskBits(m[:], int(n))
	return m, nil
}

// ParseMask6 reads "64" or "ffff:ffff::" as an IPv6 mask.
func ParseMask6(text string) ([16]byte, error) {
	if ip, err := netip.ParseAddr(text); err == nil && ip.Is6() {
		return ip.As16(), nil
	}
	n, err := strconv.ParseUint(text, 10, 8)
	if err != nil || n > 128 {
		return [16]byte{}, strconv.ErrRange
	}
	var m [16]byte
	maskBits(m[:], int(n))
	return m, nil
}

func maskBits(m []byte, n int) {
	for i := range m {
		switch {
		case n >= 8:
			m[i] = 0xff
		case n > 0:
			m[i] = ^byte(0xff >> n)
		}
		n -= 8
	}
}
