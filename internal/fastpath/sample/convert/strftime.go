package convert

import (
	"strconv"
	"time"

	"eddy/internal/fastpath/sample/call"
	"eddy/internal/fastpath/sample/cast"
	"eddy/internal/fastpath/txn"
)

// dateConverters write dates.
func dateConverters() map[string]call.Converter {
	dates := func(from func(n int64) time.Time, local, fraction bool) call.Converter {
		return does(func(tx *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool) {
			t := from(addSat(v.Int, c.Int(1, 0)))
			if local {
				t = t.Local()
			} else {
				t = t.UTC()
			}
			return cast.Str(appendTime(tx.Scratch.Take(64)[:0], c.Text(0), t, fraction)), true
		})
	}
	seconds := func(n int64) time.Time { return time.Unix(n, 0) }
	return map[string]call.Converter{
		"ltime":     dates(seconds, true, false),
		"utime":     dates(seconds, false, false),
		"ms_ltime":  dates(time.UnixMilli, true, true),
		"ms_utime":  dates(time.UnixMilli, false, true),
		"us_ltime":  dates(time.UnixMicro, true, true),
		"us_utime":  dates(time.UnixMicro, false, true),
		"http_date": does(httpDate),
		"date":      does(parseDate),
	}
}

const httpLayout = "Mon, 02 Jan 2006 15:04:05"

func httpDate(tx *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool) {
	n := addSat(v.Int, c.Int(0, 0))
	out := tx.Scratch.Take(48)[:0]
	switch c.Text(1) {
	case "ms":
		out = time.UnixMilli(n).UTC().AppendFormat(out, httpLayout+".000")
	case "us":
		out = time.UnixMicro(n).UTC().AppendFormat(out, httpLayout+".000000")
	default:
		out = time.Unix(n, 0).UTC().AppendFormat(out, httpLayout)
	}
	return cast.Str(append(out, " GMT"...)), true
}

// parseDate reads the three forms of RFC 9110 §5.6.7.
func parseDate(_ *txn.Txn, v txn.Value, _ *call.Call) (txn.Value, bool) {
	if len(v.B) > 64 {
		return txn.Value{}, false
	}
	for _, layout := range [...]string{httpLayout + " GMT", "Monday, 02-Jan-06 15:04:05 GMT", time.ANSIC} {
		if t, err := time.Parse(layout, string(v.B)); err == nil {
			return cast.Num(t.Unix()), true
		}
	}
	return txn.Value{}, false
}

// appendTime is strftime in the C locale. With fraction, %N is the nanoseconds, %3N the milliseconds and so on. What
// is no conversion stays as it is.
func appendTime(dst []byte, format string, t time.Time, fraction bool) []byte {
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			dst = append(dst, format[i])
			continue
		}
		i++
		width := 9
		if fraction && i+1 < len(format) && format[i] >= '1' && format[i] <= '9' && format[i+1] == 'N' {
			width = int(format[i] - '0')
			i++
		}
		if format[i] == 'N' && fraction {
			ns := strconv.Itoa(1e9 + t.Nanosecond())
			dst = append(dst, ns[1:1+width]...)
			continue
		}
		if format[i] == 'E' || format[i] == 'O' { // locale forms, which are the same in C
			if i+1 < len(format) {
				i++
			}
		}
		dst = appendConversion(dst, format[i], t)
	}
	return dst
}

func appendConversion(dst []byte, c byte, t time.Time) []byte {
	if layout := timeLayout(c); layout != "" {
		return t.AppendFormat(dst, layout)
	}
	isoYear, isoWeek := t.ISOWeek()
	weekday := int(t.Weekday())
	hour12 := (t.Hour()+11)%12 + 1
	switch c {
	case 'C':
		return padded(dst, t.Year()/100, 2, '0')
	case 'e':
		return padded(dst, t.Day(), 2, ' ')
	case 'g':
		return padded(dst, isoYear%100, 2, '0')
	case 'G':
		return padded(dst, isoYear, 4, '0')
	case 'j':
		return padded(dst, t.YearDay(), 3, '0')
	case 'k':
		return padded(dst, t.Hour(), 2, ' ')
	case 'l':
		return padded(dst, hour12, 2, ' ')
	case 'P':
		return t.AppendFormat(dst, "pm")
	case 's':
		return strconv.AppendInt(dst, t.Unix(), 10)
	case 'u':
		return padded(dst, (weekday+6)%7+1, 1, '0')
	case 'U':
		return padded(dst, (t.YearDay()+6-weekday)/7, 2, '0')
	case 'V':
		return padded(dst, isoWeek, 2, '0')
	case 'w':
		return padded(dst, weekday, 1, '0')
	case 'W':
		return padded(dst, (t.YearDay()+6-(weekday+6)%7)/7, 2, '0')
	case 'Z':
		name, _ := t.Zone()
		if t.Location() == time.UTC {
			name = "GMT"
		}
		return append(dst, name...)
	case 'n':
		return append(dst, '\n')
	case 't':
		return append(dst, '\t')
	case '%':
		return append(dst, '%')
	}
	return append(dst, '%', c)
}

// timeLayout gives the conversions that Go's time has a layout for.
func timeLayout(c byte) string {
	switch c {
	case 'a':
		return "Mon"
	case 'A':
		return "Monday"
	case 'b', 'h':
		return "Jan"
	case 'B':
		return "January"
	case 'c':
		return "Mon Jan _2 15:04:05 2006"
	case 'd':
		return "02"
	case 'D', 'x':
		return "01/02/06"
	case 'F':
		return "2006-01-02"
	case 'H':
		return "15"
	case 'I':
		return "03"
	case 'm':
		return "01"
	case 'M':
		return "04"
	case 'p':
		return "PM"
	case 'r':
		return "03:04:05 PM"
	case 'R':
		return "15:04"
	case 'S':
		return "05"
	case 'T', 'X':
		return "15:04:05"
	case 'y':
		return "06"
	case 'Y':
		return "2006"
	case 'z':
		return "-0700"
	}
	return ""
}

func padded(dst []byte, n, width int, pad byte) []byte {
	text := strconv.Itoa(n)
	for i := len(text); i < width; i++ {
		dst = append(dst, pad)
	}
	return append(dst, text...)
}
