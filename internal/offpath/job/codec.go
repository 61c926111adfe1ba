package job

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// ErrDamaged is in every error of DecodeBody and DecodeFailures: these bytes were not written by this program, or something
// changed them.
var ErrDamaged = errors.New("damaged")

const (
	bodyVersion     = 1
	failuresVersion = 1
)

// The fields of a body, as bits of its second number. A field that has its zero value is not written, and its bit is not set.
// Bodies are on disks: bits never change meaning.
const (
	hasQueue = 1 << iota
	hasHandler
	hasKey
	hasUnique
	hasOnResult
	hasOnError
	hasOwner
	hasWhere
	hasRequest
	hasMaxAttempts
	hasTimeout
	hasPushed
	hasCode
	hasData
	hasAll = 1<<iota - 1
)

// AppendBody writes a body behind dst: its version (a byte), a set of fields, and the fields in their order. Numbers are
// varints, texts have their length before them.
func AppendBody(dst []byte, b *Body) []byte {
	texts := [...]string{b.Queue, b.Handler, b.Key, b.Unique, b.OnResult, b.OnError, b.Owner, b.Origin.Where, b.Origin.Request}
	numbers := [...]uint64{uint64(b.MaxAttempts), uint64(b.Timeout), uint64(b.Pushed)}
	blobs := [...][]byte{b.Code, b.Data}

	var set uint64
	bit := uint64(1)
	for _, s := range texts {
		if s != "" {
			set |= bit
		}
		bit <<= 1
	}
	for _, n := range numbers {
		if n != 0 {
			set |= bit
		}
		bit <<= 1
	}
	for _, p := range blobs {
		if p != nil {
			set |= bit
		}
		bit <<= 1
	}

	dst = append(dst, bodyVersion)
	dst = binary.AppendUvarint(dst, set)
	for _, s := range texts {
		if s != "" {
			dst = appendText(dst, s)
		}
	}
	for _, n := range numbers {
		if n != 0 {
			dst = binary.AppendUvarint(dst, n)
		}
	}
	for _, p := range blobs {
		if p != nil {
			dst = binary.AppendUvarint(dst, uint64(len(p)))
			dst = append(dst, p...)
		}
	}
	return dst
}

// DecodeBody reads what AppendBody wrote, and nothing else. Its result has no part of p.
func DecodeBody(p []byte) (Body, error) {
	d := decoder{what: "the body of a job", b: p}
	d.version(bodyVersion)
	set := d.number("its fields")
	if d.err == nil && set > hasAll {
		d.fail("it has fields that this version of eddy does not know")
	}
	text := func(bit uint64, name string) string {
		if set&bit == 0 {
			return ""
		}
		return string(d.some(name))
	}
	number := func(bit uint64, name string) uint64 {
		if set&bit == 0 {
			return 0
		}
		n := d.number(name)
		if n == 0 {
			d.fail("%s is written and empty", name)
		}
		return n
	}
	blob := func(bit uint64, name string) []byte {
		if set&bit == 0 {
			return nil
		}
		return append([]byte{}, d.bytes(name)...)
	}
	var b Body
	b.Queue = text(hasQueue, "its queue")
	b.Handler = text(hasHandler, "its handler")
	b.Key = text(hasKey, "its key")
	b.Unique = text(hasUnique, "its unique key")
	b.OnResult = text(hasOnResult, "its taker of results")
	b.OnError = text(hasOnError, "its taker of errors")
	b.Owner = text(hasOwner, "its owner")
	b.Origin.Where = text(hasWhere, "its place")
	b.Origin.Request = text(hasRequest, "its request")
	attempts := number(hasMaxAttempts, "its attempts")
	if attempts > 1<<16-1 {
		d.fail("it has %d attempts", attempts)
	}
	b.MaxAttempts = uint16(attempts)
	b.Timeout = time.Duration(number(hasTimeout, "its timeout"))
	b.Pushed = int64(number(hasPushed, "its time"))
	b.Code = blob(hasCode, "its code")
	b.Data = blob(hasData, "its data")
	if err := d.end(); err != nil {
		return Body{}, err
	}
	return b, nil
}

// AppendFailures writes failures behind dst; no more than MaxFailures.
func AppendFailures(dst []byte, list []Failure) []byte {
	if over := len(list) - MaxFailures; over > 0 {
		list = list[over:]
	}
	dst = append(dst, failuresVersion, byte(len(list)))
	for i := range list {
		f := &list[i]
		dst = binary.AppendUvarint(dst, uint64(f.Attempt))
		dst = binary.AppendUvarint(dst, uint64(f.At))
		dst = appendText(dst, f.Text)
		dst = appendText(dst, f.Traceback)
	}
	return dst
}

// DecodeFailures reads what AppendFailures wrote, and nothing else.
func DecodeFailures(p []byte) ([]Failure, error) {
	d := decoder{what: "the failures of a job", b: p}
	d.version(failuresVersion)
	n := d.byte("their number")
	if n > MaxFailures {
		d.fail("there are %d, and at most %d are kept", n, MaxFailures)
	}
	var list []Failure
	for i := 0; i < int(n) && d.err == nil; i++ {
		var f Failure
		attempt := d.number("an attempt")
		if attempt > 1<<16-1 {
			d.fail("there is an attempt %d", attempt)
		}
		f.Attempt = uint16(attempt)
		f.At = int64(d.number("a time"))
		f.Text = string(d.bytes("a text"))
		f.Traceback = string(d.bytes("a traceback"))
		list = append(list, f)
	}
	if err := d.end(); err != nil {
		return nil, err
	}
	return list, nil
}

func appendText(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

// decoder takes bytes from the front. The first thing that is wrong stays in err; all that comes then is empty.
type decoder struct {
	what string
	b    []byte
	at   int
	err  error
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("%s is %w at byte %d of %d: %s", d.what, ErrDamaged, d.at, d.at+len(d.b), fmt.Sprintf(format, args...))
		d.b = nil
	}
}

func (d *decoder) skip(n int) { d.b, d.at = d.b[n:], d.at+n }

func (d *decoder) byte(name string) byte {
	if d.err != nil {
		return 0
	}
	if len(d.b) == 0 {
		d.fail("it ends before %s", name)
		return 0
	}
	c := d.b[0]
	d.skip(1)
	return c
}

func (d *decoder) version(want byte) {
	if v := d.byte("its version"); d.err == nil && v != want {
		d.fail("it has version %d, and this version of eddy knows %d", v, want)
	}
}

func (d *decoder) number(name string) uint64 {
	if d.err != nil {
		return 0
	}
	n, size := binary.Uvarint(d.b)
	switch {
	case size == 0:
		d.fail("it ends within %s", name)
		return 0
	case size < 0 || size > 1 && d.b[size-1] == 0: // a number has one way to be written
		d.fail("%s is not a number", name)
		return 0
	}
	d.skip(size)
	return n
}

func (d *decoder) bytes(name string) []byte {
	n := d.number(name)
	if d.err != nil {
		return nil
	}
	if n > uint64(len(d.b)) {
		d.fail("%s wants %d bytes, and %d are left", name, n, len(d.b))
		return nil
	}
	p := d.b[:n]
	d.skip(int(n))
	return p
}

func (d *decoder) some(name string) []byte {
	p := d.bytes(name)
	if d.err == nil && len(p) == 0 {
		d.fail("%s is written and empty", name)
	}
	return p
}

func (d *decoder) end() error {
	if d.err == nil && len(d.b) > 0 {
		d.fail("%d bytes are too many", len(d.b))
	}
	return d.err
}
