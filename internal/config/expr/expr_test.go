package expr

import (
	"fmt"
	"strings"
	"testing"

	"eddy/internal/config/diag"
	"eddy/internal/config/model"
)

// at makes words of a line that begins in column 1, blanks between them; '·' stands for a blank inside a word.
func at(line string) []Word {
	var words []Word
	for col := 0; col < len(line); {
		if line[col] == ' ' {
			col++
			continue
		}
		end := strings.IndexByte(line[col:], ' ')
		if end < 0 {
			end = len(line) - col
		}
		text := strings.ReplaceAll(line[col:col+end], "·", " ")
		words = append(words, Word{Text: text, Pos: diag.Pos{File: "f", Line: 1, Col: col + 1}})
		col += end
	}
	return words
}

// problems writes them "col severity: text | hint".
func problems(l *diag.List) string {
	var out []string
	for _, p := range l.All() {
		s := fmt.Sprintf("%d %s: %s", p.Pos.Col, p.Severity, p.Text)
		if p.Hint != "" {
			s += " | " + p.Hint
		}
		out = append(out, s)
	}
	return strings.Join(out, "\n")
}

func show(e *model.Expr) string {
	calls := append([]model.Call{e.Fetch}, e.Convs...)
	var out []string
	for _, c := range calls {
		s := c.Name
		if len(c.Args) > 0 {
			var args []string
			for _, a := range c.Args {
				args = append(args, fmt.Sprintf("%d:%s", a.Pos.Col, a.Text))
			}
			s += "(" + strings.Join(args, "|") + ")"
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

func TestParseExpr(t *testing.T) {
	for _, test := range []struct {
		in, want string
		used     int
	}{
		{"src", "src", 1},
		{"hdr_cnt(x-a)", "req.hdr_cnt(9:x-a)", 1},
		{"req.hdr(host),lower", "req.hdr(9:host) lower", 1},
		{"src,ipmask(24,64)", "src ipmask(12:24|15:64)", 1},
		{"str(a),concat(<,txn.i,>)", "str(5:a) concat(15:<|17:txn.i|23:>)", 1},
		{"str()", "str", 1},
		{"hdr(,1)", "hdr(5:|6:1)", 1},
		{`str("a,b)c")`, "str(5:a,b)c)", 1},
		{`str('a"b')`, `str(5:a"b)`, 1},
		{`str(a\'b\·\n)`, "str(5:a'b \n)", 1},
		{`path,regsub("^/(here)(/|$)","my/\1",g)`, `path regsub(13:^/(here)(/|$)|29:my/\1|37:g)`, 1},
		{"src lower if TRUE", "src lower", 2},
		{"src, lower", "src lower", 2},
		{"src len 10", "src", 1},
		{"lua.mine(a,b),lua.other(c)", "lua.mine(10:a|12:b) lua.other(25:c)", 1},
		{"base32+src,hex", "base32+src hex", 1},
		{"var(txn.x,·a·)", "var(5:txn.x|11: a )", 1},
		{"int(-3),sub(txn.a.b)", "int(5:-3) sub(13:txn.a.b)", 1},
		{"path,map_str_int(a.map,7)", "path map_str_int(18:a.map|24:7)", 1},
		{"src,set-var(txn.a,ifset,ifgt)", "src set-var(13:txn.a|19:ifset|25:ifgt)", 1},
	} {
		var l diag.List
		e, used := ParseExpr(&Ctx{Diags: &l, Scope: HTTPReq, Mode: model.ModeHTTP}, at(test.in))
		if e == nil {
			t.Errorf("%s: %s", test.in, problems(&l))
			continue
		}
		if got := show(e); got != test.want || used != test.used {
			t.Errorf("%s:\n got %s, %d words\nwant %s, %d words", test.in, got, used, test.want, test.used)
		}
		if p := problems(&l); p != "" {
			t.Errorf("%s: unexpected %s", test.in, p)
		}
	}
}

func TestExprProblems(t *testing.T) {
	for _, test := range []struct {
		scope    Scope
		in, want string
	}{
		{HTTPReq, "sorc", `1 error: unknown fetch "sorc" | did you mean "src"?`},
		{HTTPReq, "src,lowr", `5 error: unknown converter "lowr" | did you mean "lower"?`},
		{HTTPReq, "sc0_http_req_rate", `1 error: HAProxy has the fetch "sc0_http_req_rate", eddy does not have it yet`},
		{HTTPReq, "src,in_table(t)", `5 error: HAProxy has the converter "in_table", eddy does not have it yet`},
		{HTTPReq, "src,table_conn_cnt(t)", `5 error: HAProxy has the converter "table_conn_cnt", eddy does not have it yet`},
		{HTTPReq, "path_beg", `1 error: "path_beg" is for ACLs and conditions only | write path here`},
		{HTTPReq, "lower", `1 error: "lower" is a converter, not a fetch | put a fetch in front: str(x),lower`},
		{HTTPReq, "src,path", `5 error: "path" is a fetch, not a converter`},
		{HTTPReq, "src,", `5 error: the expression ends with a comma | take the comma away or write a converter behind it`},
		{HTTPReq, "src(a)", `5 error: "src" takes no arguments`},
		{HTTPReq, "hdr(a,b)", `7 error: <occ> of "hdr" is to be a whole number, not "b"`},
		{HTTPReq, "hdr(a,1,2)", `9 error: "hdr" has an argument too many | it is hdr([name[,occ]])`},
		{HTTPReq, "int", `1 error: "int" needs the argument <integer> | it is int(integer)`},
		{HTTPReq, "src,ipmask(xx)", `12 error: <mask4> of "ipmask" is to be a mask like 24 or 255.255.255.0, not "xx"`},
		{HTTPReq, "var(foo.bar)", `5 error: "foo" is no scope of variables | scopes are proc, sess, txn, req, res`},
		{HTTPReq, "var(tnx.bar)", `5 error: "tnx" is no scope of variables | did you mean "txn"?`},
		{HTTPReq, "var(txn.b-r)", `5 error: a character in the variable "txn.b-r" is not allowed | use letters, digits and '_'`},
		{HTTPReq, "src,add(x)", `9 error: <value> of "add" is to be a whole number or a variable like txn.name, not "x"`},
		{HTTPReq, "str(a", `4 error: the parenthesis after "str" is not closed`},
		{HTTPReq, `str("a)`, `5 error: the quote " is not closed`},
		{HTTPReq, "bin(616)", `5 error: <hex> of "bin" is to be pairs of hexadecimal digits, not "616"`},
		{HTTPReq, "ipv6(::1),add(1)", ``},
		{HTTPReq, "bin(61),add(1)", `9 error: "add" takes an integer and gets a binary`},
		{HTTPReq, "src,iif(a,b)", `5 error: "iif" takes a boolean and gets an address`},
		{HTTPReq, `path,regsub((a)b,c)`, `16 error: "b,c)" stands behind the closing parenthesis of "regsub" | parentheses and commas inside an argument need quotes of their own: regsub("(a|b)",x)`},
		{HTTPReq, `path,regsub('(?=a)',b)`, `13 error: the regular expression does not work here: invalid or unsupported Perl syntax: (?= | look-around is not there; match the rest with a second condition, and exclude with '!'`},
		{HTTPReq, `path,regsub(a|(b,c)`, `13 error: the regular expression does not work here: missing closing ): a|(b | in an argument, put the expression in quotes of its own: 'regsub("(a|b)",x)'`},
		{HTTPReq, `path,regsub('(a)\1',b)`, `13 error: the regular expression does not work here: invalid escape sequence: \1 | back-references work in replacements, not inside the expression`},
		{HTTPReq, "path,field(0,/)", `12 error: "field" counts from 1 | 1 is the first, -1 the last`},
		{HTTPReq, "path,digest(md6)", `13 error: <algorithm> of "digest" is to be one of md5, sha1, sha224, sha256, sha384, sha512, sha512-224, sha512-256, sha3-224, sha3-256, sha3-384, sha3-512, not "md6" | did you mean "md5"?`},
		{HTTPReq, "res.hdr(x)", `1 error: "res.hdr" has no value in http-request rules: it looks at the HTTP response`},
		{ConnRule, "path", `1 error: "path" has no value in tcp-request connection rules: it looks at the HTTP request`},
		{HTTPRes, "path", `1 warning: HAProxy refuses "path" in http-response rules | keep it with set-var(txn.x) while the request is there, and use var(txn.x)`},
		{HTTPRes, "capture.req.uri", ``},
		{Log, "req.hdr(host)", `1 warning: HAProxy refuses "req.hdr" in log formats | keep it with set-var(txn.x) while the request is there, and use var(txn.x)`},
		{HTTPReq, "req.payload(0,1)", `1 warning: "req.payload" looks at raw bytes and has no value in mode http | use req.body, or mode tcp`},
		{Init, "src", `1 error: "src" has no value in the global section: it looks at a client connection`},
		{HTTPReq, "·", `1 error: the name of a fetch is missing`},
	} {
		var l diag.List
		e, _ := ParseExpr(&Ctx{Diags: &l, Scope: test.scope, Mode: model.ModeHTTP}, at(test.in))
		if got := problems(&l); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.in, got, test.want)
		}
		if failed := l.Failed(); failed == (e != nil) {
			t.Errorf("%s: an expression and an error, or neither", test.in)
		}
	}
}

func TestParseFormat(t *testing.T) {
	showItems := func(f *model.Format) string {
		var out []string
		for _, it := range f.Items {
			s := fmt.Sprintf("%d:", it.Pos.Col)
			switch {
			case it.Expr != nil:
				s += "[" + it.Expr.Text + "]"
			case it.Alias != "":
				s += "%" + it.Alias
			default:
				s += fmt.Sprintf("%q", it.Text)
			}
			for _, flag := range []struct {
				on   bool
				name string
			}{{it.Quote, "Q"}, {it.Hex, "X"}, {it.Esc, "E"}} {
				if flag.on {
					s += "+" + flag.name
				}
			}
			out = append(out, s)
		}
		return strings.Join(out, " ")
	}
	for _, test := range []struct {
		scope    Scope
		in, want string
	}{
		{HTTPReq, "plain", `1:"plain"`},
		{HTTPReq, "", ``},
		{HTTPReq, "%ci:%cp", `1:%ci 4:":" 5:%cp`},
		{HTTPReq, "100%%", `1:"100%"`},
		{HTTPReq, "%[src,ipmask(24)]/x", `1:[src,ipmask(24)] 18:"/x"`},
		{HTTPReq, "%{+Q}[path]%{+X}Ts", `1:[path]+Q 12:%Ts+X`},
		{Log, "%{+Q,+E}o  %t  %{-Q}r", `10:" " 12:%t+Q+E 14:" " 16:%r+E`},
		{HTTPReq, "a  b", `1:"a  b"`},
		{HTTPReq, "%(name)ci%(n:str)[src]", `1:%ci 10:[src]`},
		{HTTPReq, `%[str("]")]`, `1:[str("]")]`},
	} {
		var l diag.List
		f := ParseFormat(&Ctx{Diags: &l, Scope: test.scope, Mode: model.ModeHTTP}, Word{Text: test.in, Pos: diag.Pos{File: "f", Line: 1, Col: 1}})
		if f == nil {
			t.Errorf("%s: %s", test.in, problems(&l))
			continue
		}
		if got := showItems(f); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.in, got, test.want)
		}
	}
	for in, want := range map[string]string{
		"100%":        `4 error: there is no name behind '%' | a percent sign is written %%`,
		"50% foo":     `3 error: there is no name behind '%' | a percent sign is written %%`,
		"%zzz":        `1 error: there is no log alias %zzz | a percent sign is written %%`,
		"%hrr":        `1 error: there is no log alias %hrr | did you mean %hr? a percent sign is written %%`,
		"%[src":       `2 error: the bracket is not closed`,
		"%[src ]":     `6 error: ']' should be here, not " ]"`,
		"%{Q":         `2 error: the brace after '%' is not closed`,
		"%(a":         `1 error: the parenthesis after '%' is not closed`,
		"%[src, low]": `7 error: a blank where a converter should be | no blanks around commas: src,ipmask(24)`,
		"%{+json}o":   `2 error: HAProxy has the format flag "json", eddy does not have it yet`,
		"%{+Z}ci":     `2 warning: unknown format flag "Z" | flags are Q (quote), X (hexadecimal) and E (escape)`,
		"%[nosuchx]":  `3 error: unknown fetch "nosuchx"`,
	} {
		var l diag.List
		ParseFormat(&Ctx{Diags: &l, Scope: HTTPReq, Mode: model.ModeHTTP}, Word{Text: in, Pos: diag.Pos{File: "f", Line: 1, Col: 1}})
		if got := problems(&l); got != want {
			t.Errorf("%s:\n got %s\nwant %s", in, got, want)
		}
	}
}

// TestDefaultFormats: the formats that log options stand for are formats.
func TestDefaultFormats(t *testing.T) {
	for _, text := range []string{HTTPLog, HTTPLogCLF, TCPLog, TCPLogCLF, DefaultLog("HTTP")} {
		var l diag.List
		if ParseFormat(&Ctx{Diags: &l, Scope: Log, Mode: model.ModeHTTP}, Word{Text: text}) == nil || problems(&l) != "" {
			t.Errorf("%s: %s", text, problems(&l))
		}
	}
}

// TestDeclarations holds the tables against what their readers rely on.
func TestDeclarations(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range Fetches() {
		for _, n := range append([]string{f.Name}, f.Aliases...) {
			if seen[n] {
				t.Errorf("fetch %s is declared twice", n)
			}
			seen[n] = true
			if missingFetches()[n] {
				t.Errorf("fetch %s is declared and missing", n)
			}
		}
		checkArgDecl(t, f.Name, f.Args)
		if f.Doc == "" || !strings.HasSuffix(f.Doc, ".") || f.Section == "" {
			t.Errorf("fetch %s: no sentence or no section", f.Name)
		}
	}
	for _, c := range Converters() {
		if seen["conv "+c.Name] {
			t.Errorf("converter %s is declared twice", c.Name)
		}
		seen["conv "+c.Name] = true
		if missingConverters()[c.Name] {
			t.Errorf("converter %s is declared and missing", c.Name)
		}
		checkArgDecl(t, c.Name, c.Args)
		if c.Doc == "" || !strings.HasSuffix(c.Doc, ".") {
			t.Errorf("converter %s: no sentence", c.Name)
		}
	}
	for name, k := range aclNames() {
		if findFetch(k.fetch) == nil {
			t.Errorf("ACL %s stands on %s, which is no fetch", name, k.fetch)
		}
	}
	for _, name := range Predefined() {
		var l diag.List
		if ParseACL(&Ctx{Diags: &l}, name, at(predefined(name))) == nil || problems(&l) != "" {
			t.Errorf("predefined ACL %s: %s", name, problems(&l))
		}
	}
}

func checkArgDecl(t *testing.T, name string, args []Arg) {
	t.Helper()
	optional := false
	for _, a := range args {
		if optional && !a.Optional {
			t.Errorf("%s: <%s> must be given behind one that may be left out", name, a.Name)
		}
		optional = a.Optional
		if a.Kind == KindChoice != (len(a.Choices) > 0) {
			t.Errorf("%s: <%s> has choices or not", name, a.Name)
		}
	}
}
