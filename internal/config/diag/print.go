package diag

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// maxShown is how much of a source line is shown, in bytes.
const maxShown = 160

// Fprint writes the problems of l for a person to read: place and text, the source line with a caret under the
// column, the hint. source gives the text of a line without its line end, or "" when it is not at hand; it may be
// nil. colour adds terminal colours.
func Fprint(w io.Writer, l *List, colour bool, source func(file string, line int) string) error {
	b := bufio.NewWriter(w)
	paint := func(code, s string) string {
		if !colour {
			return s
		}
		return "\x1b[" + code + "m" + s + "\x1b[0m"
	}
	for _, p := range l.All() {
		tone := "1;33"
		if p.Severity == Error {
			tone = "1;31"
		}
		if p.Pos.File != "" || p.Pos.Line > 0 {
			fmt.Fprintf(b, "%s: ", paint("1", p.Pos.String()))
		}
		text, rest, more := strings.Cut(p.Text, "\n")
		fmt.Fprintf(b, "%s: %s\n", paint(tone, p.Severity.String()), printable(text))
		for more { // Lua lists where it looked for a module, say
			text, rest, more = strings.Cut(rest, "\n")
			fmt.Fprintf(b, "    %s\n", printable(strings.TrimSpace(text)))
		}
		if source != nil && p.Pos.Line > 0 {
			if text := source(p.Pos.File, p.Pos.Line); strings.TrimSpace(text) != "" {
				shown, caret := excerpt(text, p.Pos.Col)
				fmt.Fprintf(b, "  %s\n", shown)
				if p.Pos.Col > 0 {
					fmt.Fprintf(b, "  %s%s\n", caret, paint(tone, "^"))
				}
			}
		}
		if p.Hint != "" {
			fmt.Fprintf(b, "  %s %s\n", paint("36", "hint:"), printable(p.Hint))
		}
	}
	return b.Flush()
}

// Summary counts: "2 errors, 1 warning"; "" when the list is empty.
func (l *List) Summary() string {
	errors, warnings := 0, 0
	for i := range l.problems {
		if l.problems[i].Severity == Error {
			errors++
		} else {
			warnings++
		}
	}
	var parts []string
	for _, c := range []struct {
		n    int
		word string
	}{{errors, "error"}, {warnings, "warning"}} {
		switch {
		case c.n == 1:
			parts = append(parts, "1 "+c.word)
		case c.n > 1:
			parts = append(parts, fmt.Sprintf("%d %ss", c.n, c.word))
		}
	}
	return strings.Join(parts, ", ")
}

// Len is the number of problems.
func (l *List) Len() int { return len(l.problems) }

// excerpt gives the part of text around byte column col, and the white space that puts a caret under it.
func excerpt(text string, col int) (shown, caret string) {
	from := 0
	if len(text) > maxShown {
		if col > maxShown*3/4 {
			from = min(col-maxShown/2, len(text)-maxShown)
		}
		text = text[from:min(len(text), from+maxShown)]
	}
	var line, pad strings.Builder
	for i, r := range text {
		if r != '\t' && (r < ' ' || r == 0x7f || r == '\uFFFD') {
			r = '?'
		}
		line.WriteRune(r)
		if i+1 < col-from {
			if r == '\t' {
				pad.WriteByte('\t')
			} else {
				pad.WriteByte(' ')
			}
		}
	}
	for i := len(text); i+1 < col-from; i++ {
		pad.WriteByte(' ')
	}
	return strings.TrimRight(line.String(), " \t"), pad.String()
}

// printable keeps a message from moving the terminal: control bytes become '?'.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, s)
}
