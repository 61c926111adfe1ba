package lib

import (
	"fmt"
	"regexp"
	"strings"

	"eddy/internal/config/expr"
	"eddy/internal/script/vm"
)

// maxGroups is how many matches of an expression Regex.match gives (lua-api, Regex class).
const maxGroups = 20

// Regexes is the Regex class.
func Regexes() Funcs {
	return Funcs{
		// regex_new(text, case_sensitive): the object, or nil and the reason
		"regex_new": func(c *vm.Call) error {
			s, err := Str(c, 1, "Regex.new", 1)
			if err != nil {
				return err
			}
			re, hint, err := expr.CompileRegex(s, !c.Bool(2))
			if err != nil {
				c.PushNil()
				c.PushStr(fmt.Sprintf("regex '%s' is invalid: %v", s, WithHint(err, hint)))
				return nil
			}
			c.PushOwned(re)
			return nil
		},
		"regex_exec": func(c *vm.Call) error {
			re, s, err := argRegex(c, "regex:exec")
			if err == nil {
				c.PushBool(re.Match(s))
			}
			return err
		},
		// regex_match(re, str): whether it matched, then the matched texts
		"regex_match": func(c *vm.Call) error {
			re, s, err := argRegex(c, "regex:match")
			if err != nil {
				return err
			}
			m := re.FindSubmatchIndex(s)
			c.PushBool(m != nil)
			for i := 0; i+1 < min(len(m), 2*maxGroups); i += 2 {
				if m[i] < 0 {
					c.PushStr("")
				} else {
					c.PushBytes(s[m[i]:m[i+1]])
				}
			}
			return nil
		},
	}
}

func argRegex(c *vm.Call, who string) (*regexp.Regexp, []byte, error) {
	re, ok := c.Object(1).(*regexp.Regexp)
	if !ok {
		return nil, nil, fmt.Errorf("%s: this is no Regex; make one with Regex.new()", who)
	}
	s, err := Bytes(c, 2, who, 1)
	return re, s, err
}

// WithHint is the error for an expression that expr.CompileRegex refused. Hints on how to write expressions in the
// configuration are left out: this one stands in a script.
func WithHint(err error, hint string) error {
	if hint == "" || strings.HasPrefix(hint, "inside a function's arguments") {
		return fmt.Errorf("invalid regular expression: %w", err)
	}
	return fmt.Errorf("invalid regular expression: %w (%s)", err, hint)
}
