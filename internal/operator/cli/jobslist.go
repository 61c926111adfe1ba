package cli

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"eddy/internal/operator/jobs"
	"eddy/internal/operator/view"
	"eddy/internal/operator/visible"
)

// list prints jobs as they come.
func (r *jobsRun) list() error {
	words := append([]string{"show", "jobs"}, r.f.args...)
	line, err := jobs.Line(append(words, r.f.options...)...)
	if err != nil {
		return err
	}
	in, err := r.client.Open(r.ctx, line, nil)
	if err != nil {
		return err
	}
	defer in.Close()
	if r.f.json {
		return r.copyList(in)
	}
	w, pages := bufio.NewWriter(r.out), 0
	more, err := jobs.List(in, func(page []view.Job) error {
		if err := view.JobTable(page, time.Now()).Write(w, pages == 0, r.paintJobs(page)); err != nil {
			return err
		}
		pages++
		return w.Flush()
	})
	if err != nil {
		return err
	}
	if pages == 0 {
		fmt.Fprintln(r.err, "no jobs")
	}
	for _, m := range more {
		fmt.Fprintf(r.err, "more: eddy jobs %s\n", visible.Text(r.again(m), 2000))
	}
	return nil
}

// copyList prints a list as the JSON that it is.
func (r *jobsRun) copyList(in io.Reader) error {
	b := bufio.NewReader(in)
	if first, _ := b.Peek(1); len(first) == 0 || first[0] != '{' {
		_, err := jobs.List(b, nil)
		return err
	}
	_, err := jobs.List(io.TeeReader(b, &lastLine{w: r.out}), func([]view.Job) error { return nil })
	return err
}

// lastLine passes on what is written, but for the empty line that the socket writes at the end.
type lastLine struct {
	w     io.Writer
	ended bool // the last byte was a line end
}

func (l *lastLine) Write(b []byte) (int, error) {
	n := len(b)
	if n > 0 && l.ended && b[0] == '\n' {
		b = b[1:]
	}
	if end := len(b) - 2; end >= 0 && string(b[end:]) == "\n\n" {
		b = b[:end+1]
	}
	if len(b) > 0 {
		l.ended = b[len(b)-1] == '\n'
		if _, err := l.w.Write(b); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// again is the arguments that go on where a list was cut.
func (r *jobsRun) again(m view.More) string {
	var words []string
	if r.f.socket != "" || len(r.f.files) > 0 { // else the variable names it the next time, too
		words = append(words, "-S", shellQuote(r.client.Socket))
	}
	words = append(words, "list", shellQuote(m.Queue), "--state", strings.Join(m.States, ","))
	for i := 0; i+1 < len(r.f.options); i += 2 {
		if o := r.f.options[i]; o != "state" && o != "after" {
			words = append(words, "--"+o, shellQuote(r.f.options[i+1]))
		}
	}
	if m.After != "" {
		words = append(words, "--after", m.After)
	}
	return strings.Join(words, " ")
}

// shellQuote makes a word one for a shell.
func shellQuote(s string) string {
	plain := func(c rune) bool {
		return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.ContainsRune("-_./:@%+,=", c)
	}
	if s != "" && strings.IndexFunc(s, func(c rune) bool { return !plain(c) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func (r *jobsRun) paintJobs(page []view.Job) view.Paint {
	if !r.paint {
		return nil
	}
	codes := map[string]string{"dead": "31", "retrying": "33", "running": "32"}
	return func(row, column int, text string) string {
		switch {
		case row < 0:
			return coloured("1", text)
		case column == 1 && codes[page[row].State] != "":
			return coloured(codes[page[row].State], text)
		}
		return text
	}
}
