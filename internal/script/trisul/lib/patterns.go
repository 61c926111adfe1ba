package lib

import (
	"errors"

	ahocorasick "github.com/petar-dambovaliev/aho-corasick"

	"eddy/internal/script/vm"
)

// patterns is what T.ac gives: many strings that are looked for at once.
type patterns struct {
	list    []string
	matcher ahocorasick.AhoCorasick
}

// The bounds of one T.ac.
const (
	maxPatterns     = 100_000
	maxPatternBytes = 4 << 20
)

func newPatterns(t *vm.Table) (*patterns, error) {
	p := &patterns{}
	total := 0
	for i := range t.Arr {
		s, ok := t.Arr[i].AsStr()
		if !ok {
			return nil, Misuse("T.ac", "pattern %d is a %s, not a string", i+1, t.Arr[i].Kind)
		}
		if s == "" {
			continue // it would match everywhere
		}
		total += len(s)
		p.list = append(p.list, s)
	}
	if len(p.list) > maxPatterns || total > maxPatternBytes {
		return nil, Misuse("T.ac", "at most %d patterns with %d bytes in all", maxPatterns, maxPatternBytes)
	}
	b := ahocorasick.NewAhoCorasickBuilder(ahocorasick.Opts{MatchKind: ahocorasick.StandardMatch})
	p.matcher = b.Build(p.list)
	return p, nil
}

// patternFuncs is T.ac.
func patternFuncs() Funcs {
	return Funcs{
		"ac_new": func(c *vm.Call) error {
			if c.Kind(1) != vm.KindTable {
				return wrong(c, 1, "T.ac", 1, "an array of strings")
			}
			t, err := c.Table(1)
			if err != nil {
				return err
			}
			p, err := newPatterns(t)
			if err == nil {
				c.PushOwned(p)
			}
			return err
		},
		// ac_match(ac, text, one) gives a table: pattern = place of the last character of its first occurrence, from 1.
		"ac_match": func(c *vm.Call) error {
			p, ok := c.Object(1).(*patterns)
			if !ok {
				return errors.New("ac:match: this is no AC object; make one with T.ac, and call its methods with ':'")
			}
			text, err := Bytes(c, 2, "ac:match", 1)
			if err != nil {
				return err
			}
			found := &vm.Table{}
			if len(p.list) == 0 {
				return c.PushValue(vm.Tab(found))
			}
			seen := map[int]bool{}
			for it := p.matcher.IterOverlappingByte(text); len(seen) < len(p.list); {
				m := it.Next()
				if m == nil {
					break
				}
				if seen[m.Pattern()] {
					continue
				}
				seen[m.Pattern()] = true
				found.Set(p.list[m.Pattern()], vm.Int(int64(m.End())))
				if c.Bool(3) {
					break
				}
			}
			return c.PushValue(vm.Tab(found))
		},
	}
}
