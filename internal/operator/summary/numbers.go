package summary

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"eddy/internal/operator/visible"
)

// Number writes n with commas between thousands.
func Number(n uint64) string {
	digits := strconv.FormatUint(n, 10)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// Short writes a number that need not be exact with three digits: "1.24 M".
func Short(n float64) string { return scaled(n, "") }

// Bytes writes a number of bytes with three digits: "1.24 MB".
func Bytes(n float64) string { return scaled(n, "B") }

func scaled(n float64, unit string) string {
	prefixes := []string{"", "k", "M", "G", "T", "P"}
	i := 0
	for n >= 999.5 && i < len(prefixes)-1 {
		n, i = n/1000, i+1
	}
	digits := 0 // so many behind the point that there are three in all
	switch {
	case n < 9.995 && i > 0:
		digits = 2
	case n < 99.95 && i > 0:
		digits = 1
	}
	return strings.TrimRight(strconv.FormatFloat(n, 'f', digits, 64)+" "+prefixes[i]+unit, " ")
}

// Duration writes a time with two units at most: "420 ms", "1.50 s", "16 min 2 s", "3 d 4 h".
func Duration(d time.Duration) string {
	s := d.Seconds()
	whole := int64(d.Round(time.Second) / time.Second)
	switch {
	case d < 500*time.Microsecond:
		return "0 ms"
	case s < 0.9995:
		return fmt.Sprintf("%.0f ms", 1000*s)
	case s < 9.995:
		return fmt.Sprintf("%.2f s", s)
	case whole < 60:
		return fmt.Sprintf("%.1f s", s)
	case whole < 3600:
		return fmt.Sprintf("%d min %d s", whole/60, whole%60)
	case whole < 48*3600:
		return fmt.Sprintf("%d h %d min", whole/3600, whole%3600/60)
	}
	return fmt.Sprintf("%d d %d h", whole/86400, whole%86400/3600)
}

// Bounds of texts that traffic or scripts chose, in characters.
const (
	maxName    = 72
	maxMessage = 400
)

// name makes such a text fit for a terminal, in a column.
func name(s string) string { return visible.Text(s, maxName) }

// message is name for what may fill lines.
func message(s string) string { return visible.Text(s, maxMessage) }

// count writes "1 task", "2 tasks".
func count(n uint64, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return Number(n) + " " + one + "s"
}
