package admin

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"eddy/internal/config/diag"
)

// Command is one thing that can be asked.
type Command struct {
	Words []string // what it starts with: {"show", "info"}
	Usage string   // one line, shown by "help": "show info : what the process is doing"; "": it is not shown
	Level Level    // who may ask; User is everybody
	// Run answers on conn. args are the words after Words. ctx ends with the connection. Run is called on the
	// connection's goroutine, several at once for several connections. An error is shown to the client and closes
	// nothing.
	Run func(ctx context.Context, args []string, conn Conn) error
}

// Conn is what a command talks through. Reading gives what the client sends after the command's line.
type Conn interface {
	io.ReadWriter
	ReadLine() ([]byte, error) // with its newline; the bytes live until the next read
	Flush() error
}

// split cuts a line into commands at ';' and each into words at blanks. A backslash makes the next byte an ordinary
// one.
func split(line string) [][]string {
	var out [][]string
	var words []string
	var word strings.Builder
	inWord := false
	endWord := func() {
		if inWord {
			words = append(words, word.String())
			word.Reset()
			inWord = false
		}
	}
	line = strings.TrimRight(line, "\r\n")
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && i+1 < len(line):
			i++
			word.WriteByte(line[i])
			inWord = true
		case c == ';':
			endWord()
			out = append(out, words)
			words = nil
		case c == ' ' || c == '\t':
			endWord()
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	endWord()
	return append(out, words)
}

// Quote writes a word so that a line with it is cut into words as it was meant. An empty word, and one with a line end, cannot
// be sent.
func Quote(word string) string { return quoting.Replace(word) }

var quoting = strings.NewReplacer(`\`, `\\`, `;`, `\;`, ` `, `\ `, "\t", "\\\t")

// run answers one command. Every answer ends with an empty line.
func (x *session) run(ctx context.Context, words []string) {
	if len(words) == 0 {
		return
	}
	switch words[0] {
	case "quit":
		x.quit = true
		return
	case "prompt":
		x.setPrompt(words[1:])
		return
	case "help":
		x.help("", words[1:])
		return
	}
	c, args := x.server.find(words)
	switch {
	case c == nil:
		x.help("Unknown command: '"+clean(strings.Join(words, " "))+"'\n"+x.suggest(words), words)
		return
	case c.Level > x.level:
		fmt.Fprint(x, "Permission denied\n\n")
		return
	}
	w := &lineEnd{w: x, in: x.in}
	if err := c.Run(ctx, args, w); err != nil {
		fmt.Fprintf(w, "%v\n", err)
	}
	w.end()
}

// find gives the command with the most words in common with the start of words.
func (s *Server) find(words []string) (*Command, []string) {
	var best *Command
	for i := range s.Commands {
		c := &s.Commands[i]
		if len(words) >= len(c.Words) && slices.Equal(words[:len(c.Words)], c.Words) && (best == nil || len(c.Words) > len(best.Words)) {
			best = c
		}
	}
	if best == nil {
		return nil, nil
	}
	return best, words[len(best.Words):]
}

func (x *session) setPrompt(args []string) {
	mode := ""
	if len(args) > 0 {
		mode = args[0]
	}
	switch mode {
	case "n":
		x.interactive, x.prompt = false, false
	case "i":
		x.interactive, x.prompt = true, false
	case "p":
		x.interactive, x.prompt = true, true
	default:
		x.prompt = !x.prompt
		x.interactive = true
	}
}

// help lists the commands that start like words; all when none does.
func (x *session) help(before string, words []string) {
	var b strings.Builder
	b.WriteString(before)
	b.WriteString("The following commands are valid at this level:\n")
	var lines, all []string
	for _, c := range x.server.Commands {
		if c.Level > x.level || c.Usage == "" {
			continue
		}
		all = append(all, c.Usage)
		if len(words) > 0 && c.Words[0] == words[0] {
			lines = append(lines, c.Usage)
		}
	}
	if len(lines) == 0 {
		lines = append(all,
			"help [word] : list the commands",
			"prompt [i|n|p] : stay connected and show a prompt; i: no prompt, n: one line only",
			"quit : close the connection")
	}
	slices.Sort(lines)
	width := 0
	for _, l := range lines {
		width = max(width, min(len(syntax(l)), maxSyntax))
	}
	for _, l := range lines {
		words := syntax(l)
		line := fmt.Sprintf("%-*s %s", width, clean(words), strings.TrimLeft(clean(l[len(words):]), " "))
		b.WriteString("  " + strings.TrimRight(line, " ") + "\n")
	}
	fmt.Fprintf(x, "%s\n", b.String())
}

// maxSyntax is the widest column of commands in the help; what is longer stands out of it.
const maxSyntax = 44

// syntax is what stands before the colon of a usage.
func syntax(usage string) string {
	words, _, _ := strings.Cut(usage, " : ")
	return strings.TrimRight(words, " ")
}

// suggest names the command that may have been meant: one that differs in one word, and there in a few letters.
func (x *session) suggest(words []string) string {
	for at, word := range words {
		var meant, names []string
		for _, c := range x.server.Commands {
			n := len(c.Words)
			if c.Level <= x.level && c.Usage != "" && at < n && n <= len(words) &&
				slices.Equal(c.Words[:at], words[:at]) && slices.Equal(c.Words[at+1:], words[at+1:n]) {
				meant, names = append(meant, c.Words[at]), append(names, strings.Join(c.Words, " "))
			}
		}
		if near := diag.Nearest(word, meant); near != "" {
			return "Did you mean '" + names[slices.Index(meant, near)] + "'?\n"
		}
	}
	return ""
}

// clean keeps a client from painting another one's terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

// lineEnd is the Conn of one command: it passes bytes on and knows whether the last line is complete.
type lineEnd struct {
	w    io.Writer
	in   *bufio.Reader
	last [2]byte
}

func (l *lineEnd) Read(b []byte) (int, error) { return l.in.Read(b) }
func (l *lineEnd) ReadLine() ([]byte, error)  { return l.in.ReadSlice('\n') }
func (l *lineEnd) Flush() error               { return nil } // nothing is kept back

func (l *lineEnd) Write(b []byte) (int, error) {
	if n := len(b); n >= 2 {
		l.last = [2]byte{b[n-2], b[n-1]}
	} else if n == 1 {
		l.last = [2]byte{l.last[1], b[0]}
	}
	return l.w.Write(b)
}

// end adds what is missing to an empty line at the end.
func (l *lineEnd) end() {
	switch {
	case l.last == [2]byte{'\n', '\n'}:
	case l.last[1] == '\n' || l.last[1] == 0:
		_, _ = io.WriteString(l.w, "\n")
	default:
		_, _ = io.WriteString(l.w, "\n\n")
	}
}
