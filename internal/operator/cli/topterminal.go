package cli

import (
	"io"
	"os"
	"strings"
	"time"

	"eddy/internal/operator/top"

	"golang.org/x/sys/unix"
)

// topTerminal is a terminal that "eddy top" draws on and takes keys from.
type topTerminal struct {
	in, out *os.File
	colour  bool
	before  unix.Termios
	keys    chan topKey
	stop    chan struct{}
	stopped chan struct{}
}

// topKey is what a key asks for.
type topKey int

const (
	keyNone topKey = iota
	keyQuit
	keyUp
	keyDown
	keyPause
	keyResume
)

// What a terminal is told at the beginning and at the end: a screen of its own, no cursor, and no new line where a line is
// too wide, as one with characters that take two columns may be.
const (
	topBegin = "\x1b[?1049h\x1b[?25l\x1b[?7l"
	topEnd   = "\x1b[?7h\x1b[?25h\x1b[?1049l"
)

// openTop switches a terminal to keys without Enter, and to a screen of its own. close undoes it.
func openTop(in, out *os.File, colour bool) (*topTerminal, error) {
	fd := int(in.Fd())
	before, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return nil, err
	}
	raw := *before
	raw.Iflag &^= unix.ICRNL | unix.IXON
	raw.Lflag &^= unix.ECHO | unix.ICANON | unix.ISIG | unix.IEXTEN
	raw.Cc[unix.VMIN], raw.Cc[unix.VTIME] = 0, 1 // a read ends after a tenth of a second, so that the reader can end
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, &raw); err != nil {
		return nil, err
	}
	t := &topTerminal{in: in, out: out, colour: colour, before: *before, keys: make(chan topKey, 16), stop: make(chan struct{}), stopped: make(chan struct{})}
	_, _ = io.WriteString(out, topBegin)
	go t.read()
	return t, nil
}

// close gives the terminal back as it was.
func (t *topTerminal) close() {
	close(t.stop)
	<-t.stopped
	_, _ = io.WriteString(t.out, topEnd)
	_ = unix.IoctlSetTermios(int(t.in.Fd()), unix.TCSETS, &t.before)
}

// read takes keys until close. When more come than are wanted, some are lost.
func (t *topTerminal) read() {
	defer close(t.stopped)
	var b [64]byte
	for {
		select {
		case <-t.stop:
			return
		default:
		}
		n, err := unix.Read(int(t.in.Fd()), b[:])
		switch {
		case err == unix.EINTR || err == unix.EAGAIN:
			continue
		case err != nil: // the terminal is gone
			t.press(keyQuit)
			<-t.stop
			return
		}
		for text := string(b[:n]); text != ""; {
			var k topKey
			k, text = parseKey(text)
			t.press(k)
		}
	}
}

func (t *topTerminal) press(k topKey) {
	if k == keyNone {
		return
	}
	select {
	case t.keys <- k:
	default:
	}
}

// parseKey takes the first key off what a terminal sent.
func parseKey(s string) (k topKey, rest string) {
	if strings.HasPrefix(s, "\x1b[") || strings.HasPrefix(s, "\x1bO") {
		end := strings.IndexFunc(s[2:], func(c rune) bool { return c >= '@' && c <= '~' })
		if end < 0 {
			return keyNone, ""
		}
		switch end += 2; s[end] {
		case 'A':
			k = keyUp
		case 'B':
			k = keyDown
		}
		return k, s[end+1:]
	}
	switch s[0] {
	case 'q', 'Q', 3: // 3 is Ctrl-C
		k = keyQuit
	case 'k':
		k = keyUp
	case 'j':
		k = keyDown
	case 'p':
		k = keyPause
	case 'r':
		k = keyResume
	}
	return k, s[1:]
}

// size is that of the terminal; 80 by 24 when it does not tell.
func (t *topTerminal) size() (width, height int) {
	if s, err := unix.IoctlGetWinsize(int(t.out.Fd()), unix.TIOCGWINSZ); err == nil && s.Col > 0 && s.Row > 0 {
		return int(s.Col), int(s.Row)
	}
	return 80, 24
}

// draw shows the view, with one write so that nothing flickers.
func (t *topTerminal) draw(m *top.Model) error {
	width, height := t.size()
	var b strings.Builder
	b.WriteString("\x1b[H")
	for i, line := range m.Screen(width, height, time.Now()) {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(t.styled(line) + "\x1b[K")
	}
	b.WriteString("\x1b[J")
	_, err := io.WriteString(t.out, b.String())
	return err
}

// styled writes a line in its style. What is chosen shows without colours, too.
func (t *topTerminal) styled(l top.Line) string {
	code := map[top.Style]string{top.Heading: "1", top.Chosen: "7", top.Warning: "33", top.Faint: "2"}[l.Style]
	if code == "" || !t.colour && l.Style == top.Warning {
		return l.Text
	}
	return "\x1b[" + code + "m" + l.Text + "\x1b[0m"
}
