package syntax

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"eddy/internal/config/diag"
)

// read gives the statements of text, words as COL:TEXT, quoted ones with a star, and the problems.
func read(text string) (lines, problems []string) {
	vars := map[string]string{"A": "1", "LIST": "p q  r", "EMPTY": "", "SPACED": "x y"}
	env := NewEnv(func(n string) (string, bool) { v, ok := vars[n]; return v, ok }, nil)
	list := &diag.List{}
	r := NewReader("t.cfg", []byte(text), env, &Predicates{Version: "2.6", Features: []string{"LUA"}}, list)
	r.Section = "sect"
	for {
		ln, ok := r.Next()
		if !ok {
			break
		}
		if ln.Broken {
			continue
		}
		var words []string
		for _, w := range ln.Words {
			star := ""
			if w.Quoted {
				star = "*"
			}
			words = append(words, fmt.Sprintf("%d%s:%s", w.Pos.Col, star, w.Text))
		}
		lines = append(lines, strings.Join(words, " "))
	}
	for _, p := range list.All() {
		problems = append(problems, fmt.Sprintf("%d:%d %s", p.Pos.Line, p.Pos.Col, p.Text))
	}
	return lines, problems
}

// TestWords goes through the table of configuration.txt §2.2 and around it. What HAProxy 2.6 makes of each line was
// observed with .notice.
func TestWords(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"a  b\tc", "1:a 4:b 6:c"},
		{"  a#b c", "3:a"},
		{"# all", ""},
		{"a\r", "1:a"},
		{`a\ b`, "1*:a b"},
		{`a\#b`, "1*:a#b"},
		{`a\\b \" \'`, `1*:a\b 6*:" 9*:'`},
		{`a\nb\tc\x41`, "1:a\nb\tcA"},
		{`a\db`, `1:a\db`},
		{`a\$b`, `1:a\$b`},
		{`"a\$b"`, "2*:a$b"},
		{`"a b" 'c "d" $A' e"f"'g'`, `2*:a b 8*:c "d" $A 18*:efg`},
		{`""`, "2*:"},
		{`a$A "$A" "${A}b" x"$A"`, "1:a$A 6*:1 11*:1b 18*:x1"},
		{`"$NOPE|${NOPE-a b}|${EMPTY-c}"`, "2*:|a b|"},
		{`x "${LIST[*]}" y`, "1:x 4*:p 4*:q 4*:r 16:y"},
		{`"<${LIST[*]}>"`, "2*:<p 2*:q 2*:r>"},
		{`a "${EMPTY[*]}" b`, "1:a 17:b"},
		{`"$.LINE ${.FILE} ${.SECTION}"`, "2*:1 t.cfg sect"},
		{`a\`, `1:a\`},
	} {
		lines, problems := read(c.in)
		if len(problems) > 0 || strings.Join(lines, "\n") != c.want {
			t.Errorf("%s\n got %q %q\nwant %q", c.in, lines, problems, c.want)
		}
	}
}

func TestBadWords(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`a "b`, "1:3 this double quote is never closed"},
		{`a b'c`, "1:4 this single quote is never closed"},
		{`\x4`, `1:1 \x must be followed by two hexadecimal digits`},
		{`a "$"`, `1:4 "$" inside double quotes must be followed by a variable's name`},
		{`"${A"`, `1:2 this "${" is never closed`},
		{`"${A-b"`, `1:2 this "${" is never closed`},
		{`"${A[*}"`, "1:5 only [*] may follow a variable's name"},
		{`a \`, "1:3 a line cannot be continued on the next one"},
		{"a\x00b", "1:2 a NUL byte has no place in a configuration"},
	} {
		lines, problems := read(c.in)
		if len(lines) > 0 || strings.Join(problems, "\n") != c.want {
			t.Errorf("%s\n got %q %q\nwant %q", c.in, lines, problems, c.want)
		}
	}
}

// TestConditions evaluates .if lines; HAProxy 2.6 agrees on each.
func TestConditions(t *testing.T) {
	for _, c := range []struct {
		cond string
		want string // "yes", "no", or the problem
	}{
		{"", "no"},
		{"0", "no"},
		{"-1", "yes"},
		{"000", "no"},
		{"!0", "yes"},
		{"!!1", "yes"},
		{"1 && 0 || 1", "yes"},
		{"1 && (0 || 0)", "no"},
		{"1 || nofun(", "unknown function \"nofun\" in a condition"},
		{"defined(A)", "yes"},
		{"defined( A )", "no"},
		{"defined()", "no"},
		{`streq("$A",1)`, "yes"},
		{"streq(a, a)", "no"},
		{"strneq(a,b)", "yes"},
		{"strstr(abc,bc)", "yes"},
		{`streq('"a,b"','"a,b"')`, "yes"},
		{"feature(LUA) && !feature(OPENSSL)", "yes"},
		{"version_atleast(2.6) && version_before(2.6.1)", "yes"},
		{"version_atleast(2.6-dev3)", "yes"},
		{"version_before(2.6-rc1)", "no"},
		{"openssl_version_atleast(1.1.1) || ssllib_name_startswith(Open)", "no"},
		{"fips_mode()", "no"},
		{"enabled(POLL)", "no"},
		{"streq(a)", "streq takes 2 argument(s), not 1"},
		{"streq(a,b", `the "(" behind streq is never closed`},
		{"1 2", `unexpected "2" behind the condition`},
		{"1 &&", `a condition is missing before ""`},
		{"1x", `unknown function "1x" in a condition`},
		{"version_before(x)", `"x" is not a version`},
	} {
		lines, problems := read(".if " + c.cond + "\nyes\n.else\nno\n.endif\n")
		got := strings.Join(lines, " ")
		if len(problems) > 0 {
			got = "1:" + strings.SplitN(problems[0], " ", 2)[1]
		}
		if got != "1:"+c.want {
			t.Errorf("%s: got %q, want %q", c.cond, got, c.want)
		}
	}
}

func TestBlocks(t *testing.T) {
	lines, problems := read(strings.Join([]string{
		".if 0", "a", ".if 1", "b \"open", ".else", "c", ".endif", ".elif 1", "d", ".elif 1", "e", ".else", "f", ".endif", "g", ".fi",
	}, "\n"))
	if want := []string{"1:d", "1:g"}; !slices.Equal(lines, want) {
		t.Errorf("got %q, want %q", lines, want)
	}
	if want := []string{`16:1 unknown directive ".fi"`}; !slices.Equal(problems, want) {
		t.Errorf("got %q, want %q", problems, want)
	}
}

// TestEnv checks that what lines set is seen by those after them, and what is told about it.
func TestEnv(t *testing.T) {
	env := NewEnv(func(n string) (string, bool) {
		if n == "A" || n == "B" {
			return "outside", true
		}
		return "", false
	}, map[string]string{"OWN": "x"})
	for name, want := range map[string]string{"A": "outside", "OWN": "x", "C": ""} {
		if v, ok := env.Lookup(name); v != want || ok != (want != "") {
			t.Errorf("%s is %q %v", name, v, ok)
		}
	}
	env.Set("A", "1")
	env.Unset("B")
	if _, ok := env.Lookup("B"); ok {
		t.Error("B is still there")
	}
	env.Set("C", "2")
	env.Reset([]string{"A"})
	if v, ok := env.Lookup("A"); v != "1" || !ok {
		t.Errorf("A is %q %v", v, ok)
	}
	if _, ok := env.Lookup("C"); ok {
		t.Error("C outlived the reset")
	}
	if set, _, reset, keep := env.Changes(); len(set) != 1 || !reset || !slices.Equal(keep, []string{"A"}) {
		t.Errorf("changes %v %v %v", set, reset, keep)
	}
}

func TestUnits(t *testing.T) {
	for _, c := range []struct {
		in   string
		want time.Duration
		bad  string
	}{
		{"5", 5 * time.Millisecond, ""}, {"5us", 5 * time.Microsecond, ""}, {"2s", 2 * time.Second, ""},
		{"3m", 3 * time.Minute, ""}, {"1h", time.Hour, ""}, {"24d", 24 * 24 * time.Hour, ""}, {"0", 0, ""},
		{"25d", 0, "too long"}, {"1x", 0, "write an integer"}, {"", 0, "digit"}, {"-1", 0, "digit"}, {"1.5s", 0, "decimals"},
		{"99999999999999999999999", 0, "too large"}, {"1S", 0, "write an integer"},
	} {
		got, err := ParseTime(c.in, time.Millisecond)
		if got != c.want || (err == nil) != (c.bad == "") || err != nil && !strings.Contains(err.Error(), c.bad) {
			t.Errorf("%q: %v %v", c.in, got, err)
		}
	}
	for _, c := range []struct {
		in   string
		want int64
		bad  string
	}{
		{"5", 5, ""}, {"2k", 2048, ""}, {"2K", 2048, ""}, {"3m", 3 << 20, ""}, {"1G", 1 << 30, ""},
		{"1t", 0, "write an integer"}, {"9999999999g", 0, "too large"}, {"k", 0, "digit"}, {"1.5k", 0, "decimals"},
	} {
		got, err := ParseSize(c.in)
		if got != c.want || (err == nil) != (c.bad == "") || err != nil && !strings.Contains(err.Error(), c.bad) {
			t.Errorf("%q: %v %v", c.in, got, err)
		}
	}
	for _, c := range []struct {
		in   string
		want int64
		bad  string
	}{
		{"5", 5, ""}, {"2k", 2000, ""}, {"2K", 2000, ""}, {"3m", 3_000_000, ""}, {"1g", 0, "write an integer"},
		{"9999999999999999m", 0, "too large"}, {"m", 0, "digit"}, {"1.5k", 0, "decimals"}, {"-1", 0, "digit"},
	} {
		got, err := ParseCount(c.in)
		if got != c.want || (err == nil) != (c.bad == "") || err != nil && !strings.Contains(err.Error(), c.bad) {
			t.Errorf("%q: %v %v", c.in, got, err)
		}
	}
	const day = 24 * time.Hour
	if got, err := ParseTimeUpTo("365d", time.Second, 365*day); err != nil || got != 365*day {
		t.Errorf("a year: %v %v", got, err)
	}
	if _, err := ParseTimeUpTo("366d", time.Second, 365*day); err == nil || !strings.Contains(err.Error(), "the longest time is 365d") {
		t.Errorf("more than a year: %v", err)
	}
}
