package job

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestID(t *testing.T) {
	for _, id := range []ID{0, 1, 31, 32, 1 << 20, ID(time.Now().UnixMilli()) << 20, math.MaxUint64} {
		s := id.String()
		if len(s) != 13 {
			t.Errorf("%q", s)
		}
		if got, err := ParseID(s); err != nil || got != id {
			t.Errorf("%q is %d, %v, wanted %d", s, got, err, id)
		}
		if got, err := ParseID(strings.ToLower(s)); err != nil || got != id {
			t.Errorf("%q in small letters is %d, %v", s, got, err)
		}
	}
	if a, b := ID(1<<40).String(), ID(1<<40+1).String(); a >= b {
		t.Errorf("%q is not before %q", a, b)
	}
	if got, err := ParseID("oOiIlL0000000"); err != nil || got.String() != "0011110000000" {
		t.Errorf("%v, %v", got, err)
	}
	for s, want := range map[string]string{
		"":                       "it has 0 characters",
		"123":                    "it has 3 characters",
		"12345678901234":         "it has 14 characters",
		"U000000000000":          `character 1 ("U")`,
		"000000 000000":          `character 7 (" ")`,
		"000000000000\xff":       "character 13",
		"G000000000000":          "larger than any",
		strings.Repeat("x", 999): "…",
	} {
		if _, err := ParseID(s); err == nil || !strings.Contains(err.Error(), want) || len(err.Error()) > 200 {
			t.Errorf("%q: %v, wanted %q", s, err, want)
		}
	}
	at := time.Date(2026, 3, 1, 12, 0, 0, 5e6, time.UTC)
	if got := (ID(at.UnixMilli()) << 20).Time(); !got.Equal(at) {
		t.Errorf("the time is %v", got)
	}
}

func FuzzParseID(f *testing.F) {
	f.Add("01KQ2N8S4G0D7")
	f.Add("FZZZZZZZZZZZZ")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		id, err := ParseID(s)
		if err != nil {
			return
		}
		if again, err := ParseID(id.String()); err != nil || again != id {
			t.Fatalf("%q is %d, and %q is %d, %v", s, id, id.String(), again, err)
		}
	})
}

// Ids grow, whatever the time does.
func TestClock(t *testing.T) {
	now := time.UnixMilli(1_000_000)
	c := NewClock(func() time.Time { return now })
	last := c.Next()
	if last.Time() != now {
		t.Errorf("the time of an id is %v, not %v", last.Time(), now)
	}
	check := func(what string) {
		t.Helper()
		for range 1000 {
			next := c.Next()
			if next <= last {
				t.Fatalf("%s: %v after %v", what, next, last)
			}
			last = next
		}
	}
	check("within a millisecond")
	now = now.Add(-time.Hour)
	check("the time went back")
	now = now.Add(2 * time.Hour)
	check("the time went on")
	if last.Time() != now {
		t.Errorf("the time of an id is %v, not %v", last.Time(), now)
	}
	last += 1 << 30
	c.Behind(last)
	check("behind a store's last")
	c.Behind(5)
	check("behind a store that is older")
	c.Behind(last&^(1<<20-1) | (1<<20 - 2)) // the count of this millisecond is over
	last = last&^(1<<20-1) | (1<<20 - 2)
	check("into the next millisecond")
	now = time.UnixMilli(-5)
	NewClock(func() time.Time { return now }).Next()
}

func TestClockTogether(t *testing.T) {
	c := NewClock(time.Now)
	lists := make(chan []ID)
	for range 4 {
		go func() {
			var list []ID
			for range 5000 {
				list = append(list, c.Next())
			}
			lists <- list
		}()
	}
	var all []ID
	for range 4 {
		list := <-lists
		if !slices.IsSorted(list) {
			t.Error("not in order")
		}
		all = append(all, list...)
	}
	slices.Sort(all)
	if n := len(slices.Compact(all)); n != 20_000 {
		t.Errorf("%d different ids", n)
	}
}

func TestStates(t *testing.T) {
	seen := map[string]bool{}
	for s := firstState; s <= lastState; s++ {
		if word := s.String(); word == "" || strings.Contains(word, " ") || seen[word] {
			t.Errorf("state %d is %q", s, word)
		}
		seen[s.String()] = true
	}
	if got := State(77).String(); got != "state 77" {
		t.Errorf("%q", got)
	}
}

// Next is what Steps says, for all states that there are and others.
func TestSteps(t *testing.T) {
	may := map[[2]State]bool{}
	for _, s := range Steps() {
		if may[[2]State{s.From, s.To}] {
			t.Errorf("%v to %v is there twice", s.From, s.To)
		}
		may[[2]State{s.From, s.To}] = true
	}
	for from := range 256 {
		for to := range 256 {
			f, t2 := State(from), State(to)
			if f.Next(t2) != may[[2]State{f, t2}] {
				t.Errorf("%v to %v: %v", f, t2, f.Next(t2))
			}
		}
	}
}

// The table and the picture of docs/job-states.md are those of the code.
func TestStatesDocument(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/job-states.md")
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	want.WriteString("| from | to | when |\n|---|---|---|\n")
	for _, s := range Steps() {
		from := s.From.String()
		if s.From == 0 {
			from = "—"
		}
		fmt.Fprintf(&want, "| %s | %s | %s |\n", from, s.To, s.When)
	}
	if !strings.Contains(string(doc), want.String()) {
		t.Errorf("docs/job-states.md must have this table:\n%s", want.String())
	}
	drawn := map[[2]string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^    (\S+) --> (\S+?)(?::.*)?$`).FindAllStringSubmatch(string(doc), -1) {
		drawn[[2]string{m[1], m[2]}] = true
	}
	for _, s := range Steps() {
		from := s.From.String()
		if s.From == 0 {
			from = "[*]"
		}
		if !drawn[[2]string{from, s.To.String()}] {
			t.Errorf("the picture has no arrow from %s to %s", from, s.To)
		}
		delete(drawn, [2]string{from, s.To.String()})
	}
	for arrow := range drawn {
		if arrow[1] != "[*]" {
			t.Errorf("the picture has an arrow from %s to %s", arrow[0], arrow[1])
		}
	}
}

func TestBackoff(t *testing.T) {
	low, high := func() float64 { return 0 }, func() float64 { return 0.9999999 }
	const s = time.Second
	for _, tt := range []struct {
		attempt                  int
		min, max, atLeast, below time.Duration
	}{
		{1, s, 10 * time.Minute, s, s * 3 / 2},
		{2, s, 10 * time.Minute, 2 * s, 3 * s},
		{5, s, 10 * time.Minute, 16 * s, 24 * s},
		{50, s, 10 * time.Minute, 400 * s, 600 * s},
		{1 << 30, s, 10 * time.Minute, 400 * s, 600 * s},
		{1, s, s, s, s},
		{9, s, s, s, s},
		{9, s, 0, s, s},
		{0, s, 10 * s, s, s * 3 / 2},
		{-5, s, 10 * s, s, s * 3 / 2},
		{1, 0, 0, time.Millisecond, time.Millisecond},
		{200, 1, math.MaxInt64, math.MaxInt64 / 3 * 2, math.MaxInt64},
		{2, s, s * 3 / 2, s, s * 3 / 2},
	} {
		a, b := Backoff(tt.attempt, tt.min, tt.max, low), Backoff(tt.attempt, tt.min, tt.max, high)
		if a < tt.atLeast-3 || a > tt.atLeast || b > tt.below || b < tt.below-tt.below/1_000_000-1 {
			t.Errorf("attempt %d of %v..%v: %v to %v, wanted %v to %v", tt.attempt, tt.min, tt.max, a, b, tt.atLeast, tt.below)
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		lo, hi := time.Duration(1+r.Int64N(1<<40)), time.Duration(1+r.Int64N(1<<45))
		if d := Backoff(r.IntN(100), lo, hi, r.Float64); d < lo || d > max(lo, hi) {
			t.Fatalf("%v of %v..%v", d, lo, hi)
		}
	}
}

func bodies() []Body {
	return []Body{
		{},
		{Queue: "email", Handler: "send", Data: []byte("x")},
		{Code: []byte{}, Data: []byte{}},
		{Queue: "q", Handler: "h", Code: []byte{0, 1, 2}, Data: bytes.Repeat([]byte("data"), 300), Key: "k\x00\xff", Unique: "u", MaxAttempts: 65535,
			Timeout: -time.Second, OnResult: "r", OnError: "e", Owner: "plugin sha1", Origin: Origin{"mail.lua:14", "request 1F3C"}, Pushed: -5},
	}
}

func TestBodyCodec(t *testing.T) {
	for _, b := range bodies() {
		p := AppendBody([]byte("before"), &b)[6:]
		got, err := DecodeBody(p)
		if err != nil || !reflect.DeepEqual(got, b) {
			t.Errorf("%+v became %+v, %v", b, got, err)
		}
		for n := range p { // every beginning of it is damaged
			if _, err := DecodeBody(p[:n]); !errors.Is(err, ErrDamaged) {
				t.Errorf("%d of %d bytes: %v", n, len(p), err)
			}
		}
		if _, err := DecodeBody(append(slices.Clone(p), 0)); !errors.Is(err, ErrDamaged) {
			t.Errorf("a byte too many: %v", err)
		}
		clear(p)
		if !reflect.DeepEqual(got, b) {
			t.Error("what was decoded has a part of the bytes")
		}
	}
	b := bodies()[1]
	if n := len(AppendBody(nil, &b)); n > 20 {
		t.Errorf("a small body has %d bytes", n)
	}
	p := AppendBody(nil, &b)
	p[0] = 9
	if _, err := DecodeBody(p); err == nil || !strings.Contains(err.Error(), "version 9") {
		t.Errorf("another version: %v", err)
	}
	if _, err := DecodeBody([]byte{1, 0x80, 0x80, 0x80, 1}); err == nil || !strings.Contains(err.Error(), "does not know") {
		t.Errorf("another field: %v", err)
	}
	if _, err := DecodeBody([]byte{1, 1, 200, 1, 'x'}); err == nil || !strings.Contains(err.Error(), "its queue wants 200 bytes, and 1 are left") {
		t.Errorf("a long text: %v", err)
	}
}

func failures() [][]Failure {
	return [][]Failure{
		nil,
		{{}},
		{{Attempt: 1, At: 5, Text: "it failed", Traceback: "stack\n\ttrace"}, {Attempt: 65535, At: -5}},
	}
}

func TestFailuresCodec(t *testing.T) {
	for _, list := range failures() {
		p := AppendFailures(nil, list)
		got, err := DecodeFailures(p)
		if err != nil || !reflect.DeepEqual(got, list) {
			t.Errorf("%+v became %+v, %v", list, got, err)
		}
		for n := range p {
			if _, err := DecodeFailures(p[:n]); !errors.Is(err, ErrDamaged) {
				t.Errorf("%d of %d bytes: %v", n, len(p), err)
			}
		}
	}
	many := make([]Failure, MaxFailures+3)
	for i := range many {
		many[i].Attempt = uint16(i)
	}
	if got, err := DecodeFailures(AppendFailures(nil, many)); err != nil || !reflect.DeepEqual(got, many[3:]) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAddFailure(t *testing.T) {
	var list []Failure
	for i := range MaxFailures + 3 {
		before := slices.Clone(list)
		next := AddFailure(list, Failure{Attempt: uint16(i), Text: strings.Repeat("ä", MaxErrorText), Traceback: strings.Repeat("x", MaxTraceback)})
		if !reflect.DeepEqual(before, list) {
			t.Fatal("the list that was given changed")
		}
		list = next
	}
	if len(list) != MaxFailures || list[0].Attempt != 3 {
		t.Fatalf("%d failures, the first of attempt %d", len(list), list[0].Attempt)
	}
	f := list[0]
	if len(f.Text) > MaxErrorText || !strings.HasSuffix(f.Text, "ä…") || len(f.Traceback) != MaxTraceback || strings.HasSuffix(f.Traceback, "…") {
		t.Errorf("a text of %d bytes that ends in %q, a traceback of %d", len(f.Text), f.Text[len(f.Text)-6:], len(f.Traceback))
	}
}

func TestWeigh(t *testing.T) {
	full := bodies()[3]
	j := Job{Body: full}
	if got, least := int(j.Weigh()), len(AppendBody(nil, &full)); got < least || got > 2*least {
		t.Errorf("%d bytes, and %d are written", got, least)
	}
	if (&Job{}).Weigh() == 0 {
		t.Error("a job without anything weighs nothing")
	}
}

// FuzzDecodeBody gives the decoder what no encoder wrote. What it takes is written again as it was.
func FuzzDecodeBody(f *testing.F) {
	for _, b := range bodies() {
		f.Add(AppendBody(nil, &b))
	}
	f.Add([]byte{1, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, p []byte) {
		b, err := DecodeBody(p)
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		if again := AppendBody(nil, &b); !bytes.Equal(again, p) {
			t.Fatalf("%x became %x", p, again)
		}
	})
}

func FuzzDecodeFailures(f *testing.F) {
	for _, list := range failures() {
		f.Add(AppendFailures(nil, list))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		list, err := DecodeFailures(p)
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		if again := AppendFailures(nil, list); !bytes.Equal(again, p) {
			t.Fatalf("%x became %x", p, again)
		}
	})
}
