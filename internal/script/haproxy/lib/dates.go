package lib

import (
	"time"

	"eddy/internal/script/vm"
)

// The three forms of a date in HTTP (RFC 9110 §5.6.7).
const (
	imfFormat    = "Mon, 02 Jan 2006 15:04:05 GMT"
	rfc850Format = "Monday, 02-Jan-06 15:04:05 GMT"
	ascFormat    = time.ANSIC
)

// Dates are core.http_date and its kin.
func Dates() Funcs {
	return Funcs{
		"imf_date":     dateFunc("core.imf_date", imfFormat),
		"rfc850_date":  dateFunc("core.rfc850_date", rfc850Format),
		"asctime_date": dateFunc("core.asctime_date", ascFormat),
		"http_date":    dateFunc("core.http_date", imfFormat, rfc850Format, ascFormat),
	}
}

// dateFunc gives the seconds since 1970 of a date in one of the formats, or nil.
func dateFunc(who string, formats ...string) vm.Func {
	return func(c *vm.Call) error {
		s, err := Str(c, 1, who, 1)
		if err != nil {
			return err
		}
		for _, f := range formats {
			if t, err := time.Parse(f, s); err == nil {
				c.PushInt(century(t, f).Unix())
				return nil
			}
		}
		c.PushNil()
		return nil
	}
}

// century puts a two-digit year that seems more than 50 years ahead into the past (RFC 9110 §5.6.7).
func century(t time.Time, format string) time.Time {
	if format == rfc850Format && t.Year() > time.Now().Year()+50 {
		return t.AddDate(-100, 0, 0)
	}
	return t
}
