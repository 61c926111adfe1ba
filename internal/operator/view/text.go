package view

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"eddy/internal/operator/visible"
)

// Bounds of what tables show of names and errors, in characters.
const (
	maxCell  = 40
	maxError = 120
)

// Age writes a duration in at most two units, without blanks: "0", "350us", "12ms", "1.5s", "12m5s", "3h12m", "4d7h".
func Age(d time.Duration) string {
	switch d = max(d, 0); {
	case d == 0:
		return "0"
	case d < time.Millisecond:
		return fmt.Sprintf("%dus", max(d.Microseconds(), 1))
	case d < 10*time.Millisecond:
		return trim(float64(d)/float64(time.Millisecond)) + "ms"
	case d < time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < 10*time.Second:
		return trim(math.Floor(d.Seconds()*10)/10) + "s"
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm%ds", d/time.Minute, d%time.Minute/time.Second)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%dd%dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
}

// Seconds is Age for a number of seconds.
func Seconds(s float64) string { return Age(time.Duration(s * float64(time.Second))) }

// trim writes a number with one digit behind the point, unless that is 0.
func trim(f float64) string {
	text := strconv.FormatFloat(f, 'f', 1, 64)
	if text[len(text)-1] == '0' {
		text = text[:len(text)-2]
	}
	return text
}

// Size writes a number of bytes with its unit: "0", "812", "1.2k", "64M", "1.5G". A k is 1024.
func Size(n int64) string {
	if n < 1024 {
		return strconv.FormatInt(n, 10)
	}
	f, i := float64(n)/1024, 0
	for f >= 1023.95 && i < 4 {
		f, i = f/1024, i+1
	}
	if f >= 99.95 {
		return strconv.FormatFloat(f, 'f', 0, 64) + "kMGTP"[i:i+1]
	}
	return trim(f) + "kMGTP"[i:i+1]
}

// Rate writes events in a second: "0", "0.5", "12", "3.4k", "1.2M".
func Rate(f float64) string {
	switch {
	case f < 0.05:
		return "0"
	case f < 99.95:
		return trim(f)
	case f < 9999.5:
		return strconv.FormatFloat(f, 'f', 0, 64)
	case f < 999950:
		return trim(f/1000) + "k"
	}
	return trim(f/1e6) + "M"
}

// Moment writes a time for people: to the millisecond, in UTC.
func Moment(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// cell makes a name that somebody chose fit for a column; "" becomes "-".
func cell(s string) string {
	if s == "" {
		return "-"
	}
	return visible.Text(s, maxCell)
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

func count(n uint64) string { return strconv.FormatUint(n, 10) }

// Plural writes "1 job", "2 jobs".
func Plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + one + "s"
}
