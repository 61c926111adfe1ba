package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"eddy/internal/config/diag"

	"golang.org/x/sys/unix"
)

// console is how eddy speaks to whoever started it. Everything but results goes to err.
type console struct {
	out, err io.Writer
	colour   bool
	quiet    bool // errors only
	verbose  bool
}

// newConsole colours what goes to a terminal, unless NO_COLOR is set (no-color.org) or the terminal is dumb.
func newConsole(out, err io.Writer, env func(string) (string, bool)) *console {
	c := &console{out: out, err: err}
	if v, _ := env("NO_COLOR"); v != "" {
		return c
	}
	if term, _ := env("TERM"); term == "dumb" || term == "" {
		return c
	}
	c.colour = terminal(err)
	return c
}

func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// errorf says what failed. A hint says what to do about it and may be empty.
func (c *console) errorf(hint, format string, args ...any) {
	c.say("1;31", "error", hint, fmt.Sprintf(format, args...))
}

// failed prints err, the errors that are joined in it one by one. What another one says too, behind more of where it
// happened, is left out.
func (c *console) failed(err error) {
	lines := strings.Split(err.Error(), "\n")
	for i, line := range lines {
		again := slices.Contains(lines[:i], line) || slices.ContainsFunc(lines, func(other string) bool {
			return strings.HasSuffix(other, ": "+line)
		})
		if !again {
			c.errorf("", "%s", line)
		}
	}
}

func (c *console) warnf(hint, format string, args ...any) {
	if !c.quiet {
		c.say("1;33", "warning", hint, fmt.Sprintf(format, args...))
	}
}

// notef is for progress that -V asks for.
func (c *console) notef(format string, args ...any) {
	if c.verbose && !c.quiet {
		fmt.Fprintf(c.err, "eddy: %s\n", fmt.Sprintf(format, args...))
	}
}

// printf is for what everybody is told, except with -q.
func (c *console) printf(format string, args ...any) {
	if !c.quiet {
		fmt.Fprintf(c.err, "eddy: %s\n", fmt.Sprintf(format, args...))
	}
}

func (c *console) say(code, word, hint, text string) {
	if c.colour {
		word = "\x1b[" + code + "m" + word + "\x1b[0m"
	}
	fmt.Fprintf(c.err, "eddy: %s: %s\n", word, text)
	if hint != "" {
		fmt.Fprintf(c.err, "  hint: %s\n", hint)
	}
}

// usage prints what is wrong with the command line.
func (c *console) usage(err error) int {
	hint := ""
	var u *usageError
	if errors.As(err, &u) {
		hint = u.hint
	}
	c.errorf(hint, "%v", err)
	return exitUsage
}

// problems prints what is wrong with the configuration; with -q the errors only.
func (c *console) problems(l *diag.List) {
	if l == nil {
		return
	}
	if c.quiet {
		var errorsOnly diag.List
		for _, p := range l.All() {
			if p.Severity == diag.Error {
				errorsOnly.Errorf(p.Pos, p.Hint, "%s", p.Text)
			}
		}
		l = &errorsOnly
	}
	_ = diag.Fprint(c.err, l, c.colour, newSources().line)
}

// sources shows lines of configuration files again. Each file is read once.
type sources struct{ files map[string][]string }

func newSources() *sources { return &sources{files: map[string][]string{}} }

// maxSource is the largest file that lines are shown of.
const maxSource = 16 << 20

func (s *sources) line(file string, line int) string {
	lines, ok := s.files[file]
	if !ok {
		if st, err := os.Stat(file); err == nil && st.Mode().IsRegular() && st.Size() <= maxSource {
			b, _ := os.ReadFile(file)
			lines = strings.Split(string(b), "\n")
		}
		s.files[file] = lines
	}
	if line < 1 || line > len(lines) {
		return ""
	}
	return strings.TrimSuffix(lines[line-1], "\r")
}
