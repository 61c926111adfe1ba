package expr

import (
	"testing"

	"eddy/internal/config/diag"
	"eddy/internal/config/model"
)

func FuzzParseExpr(f *testing.F) {
	for _, s := range []string{
		"src", "hdr(host),lower", `path,regsub("^/(a|b)","\1",g)`, "str('a,b'),concat(<,txn.i,>)", "src,ipmask(24,64)",
		"req.payload_lv(0,2,+1)", "acl(!x,TRUE)", "src,", "str(a", "lua.x(a),lua.y", "var(txn.x,)", `str(\`, "a(b)c", "))((",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var l diag.List
		e, used := ParseExpr(&Ctx{Diags: &l, Scope: HTTPReq}, []Word{{Text: s}, {Text: "if"}})
		if (e == nil) != l.Failed() {
			t.Fatalf("%q: an expression and an error, or neither: %v", s, l.All())
		}
		if used < 1 || used > 2 {
			t.Fatalf("%q: used %d words", s, used)
		}
		l = diag.List{}
		if a := ParseACL(&Ctx{Diags: &l}, "x", []Word{{Text: s}, {Text: s}}); (a == nil) != l.Failed() {
			t.Fatalf("%q: an ACL and an error, or neither: %v", s, l.All())
		}
	})
}

func FuzzFormat(f *testing.F) {
	for _, s := range []string{
		HTTPLog, TCPLogCLF, "%%", "%", "%[src", "%{+Q}[hdr(a)]", "%{+Q,-E}o%ci", "%(a:str)[src,lower]", "a %zz", `%[str("]")]`, "%{", "%(",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, scope := range []Scope{HTTPReq, Log} {
			var l diag.List
			m := ParseFormat(&Ctx{Diags: &l, Scope: scope, Mode: model.ModeHTTP}, Word{Text: s})
			if (m == nil) != l.Failed() {
				t.Fatalf("%q: a format and an error, or neither: %v", s, l.All())
			}
		}
	})
}

func FuzzCond(f *testing.F) {
	for _, s := range []string{"TRUE", "{ path /a }", "!a or b", "! ! {", "{ src", "or", "||"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var l diag.List
		words := append([]Word{{Text: "if"}}, at(s)...)
		if c := ParseCond(&Ctx{Diags: &l, Scope: HTTPRes}, words); (c == nil) != l.Failed() {
			t.Fatalf("%q: a condition and an error, or neither: %v", s, l.All())
		}
	})
}
