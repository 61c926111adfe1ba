package expr

import (
	"strings"
	"testing"

	"eddy/internal/config/diag"
	"eddy/internal/config/model"
)

func showACL(a *model.ACL) string {
	s := show(&a.Expr) + " -m " + a.Match
	if a.NoCase {
		s += " -i"
	}
	for i, f := range a.Files {
		s += " -f " + f.Text
		if i < a.CaseFiles {
			s += "(case)"
		}
	}
	for _, p := range a.Patterns {
		s += " <" + p.Text + ">"
	}
	return s
}

func TestParseACL(t *testing.T) {
	for in, want := range map[string]string{
		"path_beg /a /b":                    "path -m beg </a> </b>",
		"path /a":                           "path -m str </a>",
		"hdr(host) -i a.b":                  "req.hdr(5:host) -m str -i <a.b>",
		"hdr_dom(host) -m beg www.":         "req.hdr(9:host) -m beg <www.>",
		"path_beg,lower /x":                 "path lower -m str </x>",
		"src 10.0.0.0/8 ::1 127.1/8":        "src -m ip <10.0.0.0/8> <::1> <127.1/8>",
		"status 200:299 500":                "status -m int <200:299> <500>",
		"status gt 3 lt 5 eq 7":             "status -m int <4:> <:4> <7>",
		"status ge 3 le 5":                  "status -m int <3:> <:5>",
		"status 200-299":                    "status -m int <200:299>",
		"hdr_cnt(x) gt 1":                   "req.hdr_cnt(9:x) -m int <2:>",
		"path_len 3:":                       "path -m len <3:>",
		"req.ssl_ver 3:3.1":                 "req.ssl_ver -m dec <196608:196609>",
		"req.payload(0,6) 48656c":           "req.payload(13:0|15:6) -m bin <48656c>",
		"method GET HEAD":                   "method -m meth <GET> <HEAD>",
		"always_true":                       "always_true -m bool",
		"req.cook(a) -m found":              "req.cook(10:a) -m found",
		"path -- -i":                        "path -m str <-i>",
		"hdr(ua) -f a.lst -i -f b.lst test": "req.hdr(5:ua) -m str -i -f a.lst(case) -f b.lst <test>",
		"var(txn.x) -m str -M -f m x":       "var(5:txn.x) -m str -f m(case) <x>",
		"str(x),length eq 1":                "str(5:x) length -m int <1>",
		"lua.f(x) -m bool":                  "lua.f(7:x) -m bool",
		"lua.f 7":                           "lua.f -m str <7>",
		"path,lua.c x":                      "path lua.c -m str <x>",
		"urlp_reg(a) ^x":                    "urlp(10:a) -m reg <^x>",
		"src -n 1.2.3.4":                    "src -m ip <1.2.3.4>",
		"res.hdr_beg(a) b":                  "res.hdr(13:a) -m beg <b>",
		"int(3) gt 9223372036854775807":     "int(5:3) -m int",
		"path -m sub -u 7 a·b":              "path -m sub <a b>",
	} {
		var l diag.List
		a := ParseACL(&Ctx{Diags: &l, Scope: HTTPReq, Mode: model.ModeHTTP}, "x", at(in))
		if a == nil {
			t.Errorf("%s: %s", in, problems(&l))
			continue
		}
		if got := showACL(a); got != want {
			t.Errorf("%s:\n got %s\nwant %s", in, got, want)
		}
	}
}

func TestACLProblems(t *testing.T) {
	for in, want := range map[string]string{
		"path_bge /x":              `1 error: unknown fetch "path_bge" | did you mean "path_beg"?`,
		"path_reg (":               `10 error: the regular expression does not work here: missing closing ): ( | write \( and \) for the characters themselves`,
		"nosuchx y":                `1 error: unknown fetch "nosuchx"`,
		"src 1.2.3.999":            `5 error: "1.2.3.999" is no IPv4 or IPv6 address or network`,
		"src 10.0.0.0/255.0.255.0": `5 error: the mask of "10.0.0.0/255.0.255.0" has holes`,
		"path -m nosuch x":         `9 error: unknown matching method "nosuch"`,
		"path -m bge x":            `9 error: unknown matching method "bge" | did you mean "beg"?`,
		"req.body x":               `1 error: "req.body" can be of any type: say with -m how to match it | for instance: req.body -m str ...`,
		"var(txn.x) x":             `1 error: "var(txn.x)" can be of any type: say with -m how to match it | for instance: var(txn.x) -m str ...`,
		"path -x foo":              `6 error: "-x" is no flag of ACLs | put -- in front of patterns that begin with '-'`,
		"path -f":                  `6 error: the flag -f needs a value`,
		"status 3:2":               `8 error: the range "3:2" ends before it begins | write 200, 200:299, 200: or an operator (eq ge gt le lt) and a number`,
		"status x":                 `8 error: "x" is neither a number nor a range | write 200, 200:299, 200: or an operator (eq ge gt le lt) and a number`,
		"status gt":                `8 error: the operator "gt" has no number behind it`,
		"payload(0,1) 6":           `14 error: "6" is no even number of hexadecimal digits`,
		"path":                     `1 warning: this ACL has no pattern and never matches | give patterns, or use -m found to ask whether there is a value`,
		"path -m found x":          `15 warning: "-m found" takes no patterns: these count for nothing | leave the patterns out, or choose another -m`,
		"path_reg (a)":             `1 warning: this looks like`,
		"path_reg a(":              `10 error: the regular expression does not work here: missing closing ): a( | write \( and \) for the characters themselves`,
		"src -m bool":              `1 error: "src" is an address, which -m bool can't match`,
		"path,":                    `6 error: unexpected "," after the criterion`,
	} {
		var l diag.List
		a := ParseACL(&Ctx{Diags: &l, Mode: model.ModeHTTP}, "x", at(in))
		got := problems(&l)
		if in == "path_reg (a)" {
			want, got = "remove the blank", got[max(0, strings.Index(got, "remove")):]
			got = got[:min(len(got), len(want))]
		}
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", in, got, want)
		}
		if l.Failed() == (a != nil) {
			t.Errorf("%s: an ACL and an error, or neither", in)
		}
	}
	var l diag.List
	if ParseACL(&Ctx{Diags: &l}, "b@d", at("path x")) != nil {
		t.Error("the name b@d was taken")
	}
}

func TestParseCond(t *testing.T) {
	var l diag.List
	declared := map[string][]*model.ACL{}
	for _, line := range []string{"a path /a", "a path /b", "res res.hdr(x) -m found"} {
		name, rest, _ := strings.Cut(line, " ")
		declared[name] = append(declared[name], ParseACL(&Ctx{Diags: &l}, name, at(rest)))
	}
	acls := func(name string) []*model.ACL { return declared[name] }
	showCond := func(c *model.Cond) string {
		var or []string
		for _, and := range c.Or {
			var terms []string
			for _, t := range and {
				s := ""
				if t.Not {
					s = "!"
				}
				var all []string
				for _, a := range t.ACLs {
					all = append(all, showACL(a))
				}
				terms = append(terms, s+"("+strings.Join(all, " | ")+")")
			}
			or = append(or, strings.Join(terms, " & "))
		}
		s := strings.Join(or, " or ")
		if c.Unless {
			return "not: " + s
		}
		return s
	}
	for in, want := range map[string]string{
		"if a":                     "(path -m str </a> | path -m str </b>)",
		"unless TRUE":              "not: (always_true -m bool)",
		"if !a METH_GET":           "!(path -m str </a> | path -m str </b>) & (method -m meth <GET> <HEAD>)",
		"if ! a":                   "!(path -m str </a> | path -m str </b>)",
		"if !! TRUE":               "(always_true -m bool)",
		"if TRUE or FALSE || TRUE": "(always_true -m bool) or (always_false -m bool) or (always_true -m bool)",
		"if { src 1.2.3.4 }":       "(src -m ip <1.2.3.4>)",
		"if !{ path_beg /x } TRUE": "!(path -m beg </x>) & (always_true -m bool)",
		"if ! { path_beg /x }":     "!(path -m beg </x>)",
	} {
		l = diag.List{}
		c := ParseCond(&Ctx{Diags: &l, Scope: HTTPReq, ACLs: acls, Mode: model.ModeHTTP}, at(in))
		if c == nil {
			t.Errorf("%s: %s", in, problems(&l))
			continue
		}
		if got := showCond(c); got != want || problems(&l) != "" {
			t.Errorf("%s:\n got %s %s\nwant %s", in, got, problems(&l), want)
		}
	}
	for in, want := range map[string]string{
		"if":                `1 error: there is no condition behind "if" | for instance: if { path /x }`,
		"if nosuch":         `4 error: there is no ACL "nosuch"`,
		"if TREU":           `4 error: there is no ACL "TREU" | did you mean "TRUE"?`,
		"if TRUE and a":     `9 error: there is no ACL "and" | leave it out: terms side by side mean and`,
		"if path_beg /x":    "4 error: there is no ACL \"path_beg\" | an expression needs braces: { path_beg ... }",
		"if { path /a":      `4 error: the brace is not closed | the closing brace is a word of its own, with a blank before it`,
		"if {path /a}":      "4 error: there is no ACL \"{path\" | braces are words of their own: { path }",
		"if { }":            `4 error: there is nothing between the braces`,
		"if a or":           `6 error: the condition ends with "or"`,
		"if || a":           `4 error: there is nothing in front of "||"`,
		"if !":              `4 error: there is nothing behind '!'`,
		"if res":            `4 warning: "res" never matches in http-request rules: it looks at the HTTP response`,
		"if { status 200 }": `4 warning: "status" never matches in http-request rules: it looks at the HTTP response`,
		"if { nosuchx 1 }":  `6 error: unknown fetch "nosuchx"`,
	} {
		l = diag.List{}
		ParseCond(&Ctx{Diags: &l, Scope: HTTPReq, ACLs: acls, Mode: model.ModeHTTP}, at(in))
		if got := problems(&l); got != want {
			t.Errorf("%s:\n got %s\nwant %s", in, got, want)
		}
	}
}

func TestACLFetch(t *testing.T) {
	var l diag.List
	acls := func(name string) []*model.ACL {
		if name == "mine" {
			return []*model.ACL{{}}
		}
		return nil
	}
	e, _ := ParseExpr(&Ctx{Diags: &l, ACLs: acls}, at("acl(!mine,TRUE)"))
	if e == nil || len(e.Fetch.Args[0].ACLs) != 1 || len(e.Fetch.Args[1].ACLs) != 1 {
		t.Errorf("acl(!mine,TRUE): %+v %s", e, problems(&l))
	}
	if e, _ := ParseExpr(&Ctx{Diags: &l, ACLs: acls}, at("acl(other)")); e != nil {
		t.Error("acl(other) was taken")
	}
}

func TestParseRangeAndNet(t *testing.T) {
	for in, want := range map[string]string{
		"5": "5", "-5": "-5", "5:7": "5:7", ":7": ":7", "5:": "5:", "5-7": "5:7", "-5:-3": "-5:-3", ":": "", "a": "", "7:5": "",
		"": "", "1.2": "", "-": "",
	} {
		r, err := ParseRange(in, false)
		got := ""
		if err == nil {
			got = r.String()
		}
		if got != want {
			t.Errorf("range %q: got %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{
		"192.168.0.1": "192.168.0.1/32", "192.168.1": "192.168.0.1/32", "192.168.0.1/22": "192.168.0.0/22", "10.12/8": "10.0.0.0/8",
		"127.1": "127.0.0.1/32", "10.0.0.0/255.0.0.0": "10.0.0.0/8", "::1": "::1/128", "fe80::1/10": "fe80::/10", "localhost": "",
		"1.2.3.4.5": "", "1.2.3.4/33": "", "::1/129": "", "fe80::1%eth0": "", "1": "", "/8": "",
	} {
		p, err := ParseNet(in)
		got := ""
		if err == nil {
			got = p.String()
		}
		if got != want {
			t.Errorf("net %q: got %q, want %q", in, got, want)
		}
	}
}
