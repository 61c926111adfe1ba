package observed

import (
	"io"
	"strings"
	"sync"
)

// levels are the names of T.K.loglevel's numbers, 0 first.
var levels = [...]string{"emergency", "fatal", "alert", "critical", "error", "warning", "notice", "info", "debug"}

const (
	levelWarning = 5
	levelNotice  = 6
)

// logger writes a line for each message, from any goroutine.
type logger struct {
	mu sync.Mutex
	w  io.Writer
}

func newLogger(w io.Writer) *logger { return &logger{w: w} }

// log writes "source: level: text". Control characters are made harmless.
func (l *logger) log(level int, source, text string) {
	name := levels[min(max(level, 0), len(levels)-1)]
	line := clean(source) + ": " + name + ": " + clean(strings.TrimRight(text, "\n")) + "\n"
	l.mu.Lock()
	defer l.mu.Unlock()
	io.WriteString(l.w, line)
}

func (l *logger) warn(source, text string) { l.log(levelWarning, source, text) }

// clean replaces control characters but tab and line feed (a traceback has several lines), which is indented.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '?'
		}
		return r
	}, strings.ReplaceAll(s, "\n", "\n    "))
}
