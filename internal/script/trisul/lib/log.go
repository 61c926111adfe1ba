package lib

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"eddy/internal/script/vm"
)

// The levels of T.K.loglevel; T.K.loglevel.ERROR is 4 (obj_globalt, "Table T.K").
const (
	LogEmerg = iota
	LogFatal
	LogAlert
	LogCrit
	LogError
	LogWarn
	LogNotice
	LogInfo
	LogDebug
)

// maxLog bounds the text of one log line, in bytes.
const maxLog = 8 << 10

func logFuncs(log func(level int, text string)) Funcs {
	return Funcs{
		// log(level, text)
		"log": func(c *vm.Call) error {
			level, _ := c.Int(1)
			text, err := Text(c, 2, "T.log", 2)
			if err != nil {
				return err
			}
			log(int(min(max(level, LogEmerg), LogDebug)), Printable(text))
			return nil
		},
	}
}

// Printable makes text fit for a log line: one line, bounded, and what a terminal might act on is escaped.
func Printable(text string) string {
	text = strings.TrimRight(text, "\r\n")
	if len(text) > maxLog {
		text = strings.ToValidUTF8(text[:maxLog], "") + "…"
	}
	plain := func(r rune, size int) bool {
		return r >= ' ' && (r < 0x7f || r > 0x9f) && (r != utf8.RuneError || size > 1)
	}
	dirty := 0
	for dirty < len(text) {
		r, size := utf8.DecodeRuneInString(text[dirty:])
		if !plain(r, size) {
			break
		}
		dirty += size
	}
	if dirty == len(text) {
		return text
	}
	b := []byte(text[:dirty])
	for i := dirty; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case plain(r, size):
			b = append(b, text[i:i+size]...)
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\t':
			b = append(b, ' ')
		case size > 1: // a control character behind ASCII
			b = fmt.Appendf(b, `\u%04x`, r)
		default: // a control character, or a byte that is no UTF-8
			b = fmt.Appendf(b, `\x%02x`, text[i])
		}
		i += size
	}
	return string(b)
}
