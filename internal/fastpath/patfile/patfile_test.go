package patfile

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func index(t testing.TB, m Method, noCase bool, patterns ...string) *Index {
	t.Helper()
	x := NewIndex(m, noCase)
	for _, p := range patterns {
		if err := x.Add(&Entry{Pattern: p}); err != nil {
			t.Fatal(err)
		}
	}
	return x
}

// TestText: rows are method, patterns, key, the pattern that is found ("" for none).
func TestText(t *testing.T) {
	for _, test := range []struct {
		method   Method
		noCase   bool
		patterns string
		key      string
		want     string
	}{
		{Str, false, "a b", "b", "b"},
		{Str, false, "a b", "B", ""},
		{Str, true, "a B", "b", "B"},
		{Str, true, "a B", strings.Repeat("x", 600), ""},
		{Beg, false, "/a /a/b", "/a/b/c", "/a/b"},
		{Beg, false, "/a /a/b", "/ab", "/a"},
		{Beg, true, "/A", "/aB", "/A"},
		{Beg, false, "/a", "/", ""},
		{End, false, ".gif if", "x.gif", ".gif"},
		{End, false, ".gif", "gif", ""},
		{Sub, false, "x bc", "abcd", "bc"},
		{Sub, true, "BC", "abcd", "BC"},
		{Dir, false, "b", "/a/b?x", "b"},
		{Dir, false, "/b/", "/a/b?x", "/b/"},
		{Dir, false, "x", "/a/b?x", "x"},
		{Dir, false, "b", "/a/bb/c", ""},
		{Dir, false, "b", "/a/b.c", ""},
		{Dir, false, "a/b", "/a/b/c", "a/b"},
		{Dir, false, "png 32x32 logo/32x32.png", "/images/png/logo/32x32.png", "png"},
		{Dir, false, "32x32 logo/32x32.png", "/images/png/logo/32x32.png", "logo/32x32.png"},
		{Dir, false, "/", "/a", ""},
		{Dom, false, "dc", "http://www1.dc-eu.example.com:80/blah", ""},
		{Dom, false, ".www1", "http://www1.dc-eu.example.com:80/blah", ".www1"},
		{Dom, false, "example.com", "http://www1.dc-eu.example.com:80/blah", "example.com"},
		{Dom, false, ":80", "http://www1.dc-eu.example.com:80/blah", ":80"},
		{Dom, true, "EXAMPLE", "www.example.com", "EXAMPLE"},
		{Reg, false, "^x a+$", "baa", "a+$"},
		{Reg, true, "^X", "xy", "^X"},
		{Bin, false, "610062", "a\x00b", "610062"},
		{Bin, false, "6100", "a\x00b", ""},
		{Meth, false, "GET HEAD", "HEAD", "HEAD"},
		{Meth, false, "GET", "get", ""},
	} {
		x := index(t, test.method, test.noCase, strings.Fields(test.patterns)...)
		m, ok := x.Text([]byte(test.key))
		got := ""
		if ok {
			got = m.Pattern
		}
		if got != test.want {
			t.Errorf("%v %v in %q: got %q, want %q", test.method, test.patterns, test.key, got, test.want)
		}
	}
}

func TestNumberAndAddr(t *testing.T) {
	x := index(t, Int, false, "5", "10:20", ":-3", "100:")
	for n, want := range map[int64]string{5: "5", 6: "", 10: "10:20", 20: "10:20", -3: ":-3", -2: "", 1 << 40: "100:"} {
		m, ok := x.Number(n)
		if got := ""; ok != (want != "") || ok && m.Pattern != want {
			t.Errorf("number %d: %v %v, want %q %s", n, m, ok, want, got)
		}
	}
	x = index(t, IP, false, "10.0.0.0/8", "10.1.0.0/16", "192.0.2.7", "::1", "fe80::/10", "::ffff:172.16.0.0/108")
	for ip, want := range map[string]string{
		"10.2.3.4": "10.0.0.0/8", "10.1.3.4": "10.1.0.0/16", "192.0.2.7": "192.0.2.7", "192.0.2.8": "", "::1": "::1",
		"fe80::5": "fe80::/10", "::ffff:10.1.1.1": "10.1.0.0/16", "2002:a01:101::": "10.1.0.0/16", "::10.1.1.1": "10.1.0.0/16",
		"172.16.0.9": "::ffff:172.16.0.0/108", "2001:db8::1": "",
	} {
		m, ok := x.Addr(netip.MustParseAddr(ip))
		if ok != (want != "") || ok && m.Pattern != want {
			t.Errorf("%s: %v %v, want %q", ip, m, ok, want)
		}
	}
}

func TestRefused(t *testing.T) {
	for m, p := range map[Method]string{Bin: "6", Int: "x", Len: "3:2", IP: "1.2.3", Reg: "(", Dec: "a.b"} {
		if m == IP {
			p = "host.example"
		}
		if err := NewIndex(m, false).Add(&Entry{Pattern: p}); err == nil {
			t.Errorf("%v took %q", m, p)
		}
	}
}

func TestRemove(t *testing.T) {
	for m := Str; m <= Meth; m++ {
		pattern, key := "7", "7"
		if m == Bin {
			pattern, key = "37", "7"
		}
		if m == IP {
			pattern = "1.2.3.4"
		}
		x := NewIndex(m, true)
		one, two := &Entry{Pattern: pattern}, &Entry{Pattern: pattern}
		for _, e := range []*Entry{one, two} {
			if err := x.Add(e); err != nil {
				t.Fatal(err)
			}
		}
		found := func() bool {
			_, a := x.Text([]byte(key))
			_, b := x.Number(map[bool]int64{true: 7 << 16, false: 7}[m == Dec])
			_, c := x.Addr(netip.MustParseAddr("1.2.3.4"))
			return a || b || c
		}
		if !found() {
			t.Errorf("%v: not found", m)
		}
		x.Remove(one)
		if !found() || x.Len() != 1 {
			t.Errorf("%v: the second of two went with the first", m)
		}
		x.Remove(two)
		if found() || x.Len() != 0 {
			t.Errorf("%v: still found after both were removed", m)
		}
	}
}

func TestStore(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("m", "# a comment\n\n   2.22.246.0/23    United Kingdom      \nkey\n #not a comment\r\n")
	write("l", "one\n  two words \n#c\n")
	s := &Store{Dir: dir}
	m, err := s.Open("m", true)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range m.Entries() {
		got = append(got, fmt.Sprintf("%d %q=%q", e.Line, e.Pattern, e.Value))
	}
	if want := `3 "2.22.246.0/23"="United Kingdom" 4 "key"="" 5 "#not"="a comment"`; strings.Join(got, " ") != want {
		t.Errorf("map: %s", got)
	}
	l, err := s.Open("file@l", false)
	if err != nil {
		t.Fatal(err)
	}
	if e := l.Entries(); len(e) != 2 || e[1].Pattern != "two words" {
		t.Errorf("list: %v", e)
	}
	if again, _ := s.Open("opt@l", false); again != l {
		t.Error("a prefix made another file of the same name")
	}
	if _, err := s.Open("l", true); err == nil {
		t.Error("a list was opened as a map")
	}
	if _, err := s.Open("nosuch", false); err == nil {
		t.Error("a file that is not there was opened")
	}
	if f, err := s.Open("opt@nosuch", false); err != nil || f.Len() != 0 {
		t.Errorf("optional file: %v", err)
	}
	v, err := s.Open("virt@x", true)
	if err != nil || s.Find("virt@x") != v || s.Find("x") != nil {
		t.Errorf("virtual file: %v", err)
	}
	if s.Find("#0") != m || s.Find("#99") != nil || s.Find("#x") != nil {
		t.Error("files are not found by number")
	}
	if in := s.Inline("5"); s.Find("#5") != in || s.Inline("5") != in {
		t.Error("an inline list is not found by its id")
	}
}

func TestFileChanges(t *testing.T) {
	f := &File{Name: "x", IsMap: true}
	strs := f.View(Str, false, nil)
	ints := f.View(Int, false, nil)
	if f.View(Str, false, nil) != strs || f.View(Str, true, nil) == strs {
		t.Error("views are shared by method and case")
	}
	if err := f.Add("a", "1"); err == nil {
		t.Error("a pattern was taken that one of the views can't hold")
	}
	if _, _, ok := strs.Text([]byte("a")); ok {
		t.Error("what was refused is found")
	}
	if err := f.Add("5", "five"); err != nil {
		t.Fatal(err)
	}
	if _, v, ok := strs.Text([]byte("5")); !ok || v != "five" {
		t.Errorf("after Add: %q %v", v, ok)
	}
	if _, v, ok := ints.Number(5); !ok || v != "five" {
		t.Errorf("after Add: %q %v", v, ok)
	}
	if n := f.Set("5", "V"); n != 1 {
		t.Errorf("Set changed %d", n)
	}
	if _, v, _ := ints.Number(5); v != "V" {
		t.Errorf("after Set: %q", v)
	}
	f.AddNew("5", "x")
	if f.Len() != 1 {
		t.Error("AddNew added what was there")
	}
	f.SetOrAdd("6", "six")
	f.SetOrAdd("6", "SIX")
	if _, v, _ := strs.Text([]byte("6")); v != "SIX" || f.Len() != 2 {
		t.Errorf("after SetOrAdd: %q, %d", v, f.Len())
	}
	if n := f.Del("5"); n != 1 {
		t.Errorf("Del removed %d", n)
	}
	if _, _, ok := ints.Number(5); ok {
		t.Error("found after Del")
	}
	f.Clear()
	if _, _, ok := strs.Text([]byte("6")); ok || f.Len() != 0 {
		t.Error("found after Clear")
	}
	bad := 0
	f = &File{}
	f.Add("x", "")
	f.View(IP, false, func(*Entry, error) { bad++ })
	if bad != 1 {
		t.Errorf("%d bad patterns were reported", bad)
	}
}

func TestFileConcurrent(t *testing.T) {
	f := &File{IsMap: true}
	v := f.View(Beg, false, nil)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 200 {
				key := fmt.Sprintf("/%d/%d", g, i)
				f.SetOrAdd(key, "v")
				if _, val, ok := v.Text([]byte(key + "/x")); !ok || val != "v" {
					t.Errorf("%s is not found", key)
				}
				f.Del(key)
			}
		})
	}
	wg.Wait()
}

func TestNoAllocation(t *testing.T) {
	f := &File{}
	f.Add("/abc", "")
	v := f.View(Beg, true, nil)
	key := []byte("/ABC/d")
	x := index(t, Str, true, "abc", "def")
	a := netip.MustParseAddr("10.1.2.3")
	ips := index(t, IP, false, "10.0.0.0/8", "192.168.0.0/16")
	dom := index(t, Dom, true, "example")
	if n := testing.AllocsPerRun(100, func() {
		v.Text(key)
		x.Text(key)
		ips.Addr(a)
		dom.Text(key)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
