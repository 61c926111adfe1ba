package contrib_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// use is what an expression of PromQL refers to.
type use struct {
	selectors []selector
	grouped   []string // labels in by (…), on (…) and the like
}

// selector is a metric with the labels that it is chosen by.
type selector struct {
	metric string
	labels []matcher
}

type matcher struct{ label, value string }

// notMetrics are the words of PromQL that stand where a metric's name could, without a parenthesis behind them.
var notMetrics = []string{"and", "or", "unless", "bool", "offset", "atan2", "inf", "nan", "start", "end",
	"sum", "min", "max", "avg", "count", "topk", "bottomk", "group", "stddev", "stdvar", "quantile", "count_values"}

// grouping are the words with a list of labels behind them.
var grouping = []string{"by", "without", "on", "ignoring", "group_left", "group_right"}

// scanner reads an expression. It knows where names stand, not what they mean.
type scanner struct {
	text string
	pos  int
}

// scan finds what an expression refers to.
func scan(expr string) (use, error) {
	s := &scanner{text: expr}
	var u use
	for s.skip(); s.pos < len(s.text); s.skip() {
		c := s.text[s.pos]
		switch {
		case c == '"' || c == '\'' || c == '`':
			if _, err := s.quoted(); err != nil {
				return u, err
			}
		case c == '[':
			i := strings.IndexByte(s.text[s.pos:], ']')
			if i < 0 {
				return u, fmt.Errorf("[ without ] at byte %d", s.pos)
			}
			s.pos += i + 1
		case c == '{':
			return u, fmt.Errorf("labels without a metric at byte %d", s.pos)
		case isWord(rune(c)) && !unicode.IsDigit(rune(c)):
			if err := s.name(&u); err != nil {
				return u, err
			}
		case unicode.IsDigit(rune(c)): // 5m and 1e3 are no names
			s.word()
		default:
			s.pos++
		}
	}
	return u, nil
}

// name takes a name and what belongs to it.
func (s *scanner) name(u *use) error {
	word := s.word()
	s.skip()
	next := byte(0)
	if s.pos < len(s.text) {
		next = s.text[s.pos]
	}
	if slices.Contains(grouping, word) {
		if next != '(' {
			if strings.HasPrefix(word, "group_") {
				return nil
			}
			return fmt.Errorf("%s without labels at byte %d", word, s.pos)
		}
		i := strings.IndexByte(s.text[s.pos:], ')')
		if i < 0 {
			return fmt.Errorf("( without ) at byte %d", s.pos)
		}
		for label := range strings.SplitSeq(s.text[s.pos+1:s.pos+i], ",") {
			if label = strings.TrimSpace(label); label != "" {
				u.grouped = append(u.grouped, label)
			}
		}
		s.pos += i + 1
		return nil
	}
	if next == '(' || slices.Contains(notMetrics, strings.ToLower(word)) {
		return nil // a function, an operator, or an aggregation with its labels in front
	}
	one := selector{metric: word}
	if next == '{' {
		var err error
		if one.labels, err = s.matchers(); err != nil {
			return err
		}
	}
	u.selectors = append(u.selectors, one)
	return nil
}

// matchers takes {a="b", c=~"d"} and gives what is in it.
func (s *scanner) matchers() ([]matcher, error) {
	var out []matcher
	for s.pos++; ; {
		s.skip()
		if s.pos >= len(s.text) {
			return nil, fmt.Errorf("{ without }")
		}
		switch s.text[s.pos] {
		case '}':
			s.pos++
			return out, nil
		case ',':
			s.pos++
			continue
		}
		label := s.word()
		s.skip()
		rest := strings.TrimLeft(s.text[s.pos:], "=!~")
		if label == "" || len(rest) == len(s.text)-s.pos {
			return nil, fmt.Errorf("no label at byte %d", s.pos)
		}
		s.pos = len(s.text) - len(rest)
		s.skip()
		value, err := s.quoted()
		if err != nil {
			return nil, err
		}
		out = append(out, matcher{label, value})
	}
}

// quoted takes a string.
func (s *scanner) quoted() (string, error) {
	start := s.pos
	if start < len(s.text) && strings.ContainsRune("\"'`", rune(s.text[start])) {
		for i := start + 1; i < len(s.text); i++ {
			switch {
			case s.text[i] == '\\' && s.text[start] != '`':
				i++
			case s.text[i] == s.text[start]:
				s.pos = i + 1
				return s.text[start+1 : i], nil
			}
		}
	}
	return "", fmt.Errorf("no string at byte %d", start)
}

func (s *scanner) word() string {
	start := s.pos
	for s.pos < len(s.text) && isWord(rune(s.text[s.pos])) {
		s.pos++
	}
	return s.text[start:s.pos]
}

func (s *scanner) skip() {
	for s.pos < len(s.text) && strings.ContainsRune(" \t\r\n", rune(s.text[s.pos])) {
		s.pos++
	}
}

func isWord(r rune) bool {
	return r == '_' || r == ':' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

func TestScan(t *testing.T) {
	for _, tt := range []struct{ expr, want string }{
		{`up`, "up[] by []"},
		{`up{job=~"a.*", x!="}"} == 0`, "up[{job a.*} {x }}] by []"},
		{`sum by (a, b) (rate(m_total{c="d"}[5m])) / 2e3`, "m_total[{c d}] by [a b]"},
		{`sum(m) without (a)`, "m[] by [a]"},
		{`a > 0 and on (x) b unless c`, "a[] b[] c[] by [x]"},
		{`a * on (x) group_left (y) b offset 5m`, "a[] b[] by [x y]"},
		{`a * on (x) group_left b`, "a[] b[] by [x]"},
		{`histogram_quantile(0.99, sum by (le) (rate(m_bucket[$__rate_interval])))`, "m_bucket[] by [le]"},
		{`topk(5, m{a='b"c'}) or vector(0)`, "m[{a b\"c}] by []"},
		{`label_replace(m, "x", "$1", "y", "(.*)")`, "m[] by []"},
		{`max_over_time(m[1h:5m])`, "m[] by []"},
		{`m{a="b"`, "{ without }"},
		{`m{a}`, "no label at byte 3"},
		{`sum by a (m)`, "by without labels at byte 7"},
		{`"x`, "no string at byte 0"},
	} {
		u, err := scan(tt.expr)
		got := ""
		for _, s := range u.selectors {
			got += fmt.Sprint(s.metric, s.labels, " ")
		}
		got += fmt.Sprint("by ", u.grouped)
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s\ngot  %s\nwant %s", tt.expr, got, tt.want)
		}
	}
}
