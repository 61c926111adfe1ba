// Package payload writes what jobs carry as JSON for people to read and edit, and reads it again: what is written and read
// is the same value, byte by byte.
//
// Strings, numbers, booleans and nil are JSON's, sequences are arrays, tables whose keys are strings are objects. An integer
// is written without a point, a float with one. What JSON has not, is an object with one key:
//
//	{"$base64": "/w=="}               a string that is not UTF-8
//	{"$number": "inf"}                inf, -inf or nan
//	{"$table": [[1, "a"], ["k", 2]]}  a table with keys that are not all strings, or that begin with "$"
package payload

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"eddy/internal/base/value"
	"eddy/internal/operator/visible"
)

// The keys of what JSON has not.
const (
	keyBase64 = "$base64"
	keyNumber = "$number"
	keyTable  = "$table"
	keyOpaque = "$opaque" // a function or an object; it is not read again
	keyBroken = "$broken" // bytes that are not a value; not read again either
)

// JSON writes a job's Data, on one line. Every character in it prints.
func JSON(data []byte) []byte {
	if len(data) == 0 {
		return []byte("null")
	}
	v, rest, err := value.Decode(data)
	if err != nil || len(rest) > 0 {
		return appendTagged(nil, keyBroken, base64.StdEncoding.EncodeToString(data))
	}
	return Append(nil, v)
}

// Append writes a value behind dst.
func Append(dst []byte, v value.Value) []byte {
	switch v.Kind {
	case value.KindNil:
		return append(dst, "null"...)
	case value.KindBool:
		return strconv.AppendBool(dst, v.Truth())
	case value.KindInt:
		n, _ := v.AsInt()
		return strconv.AppendInt(dst, n, 10)
	case value.KindNum:
		f, _ := v.AsNum()
		return appendFloat(dst, f)
	case value.KindStr:
		s, _ := v.AsStr()
		if !utf8.ValidString(s) {
			return appendTagged(dst, keyBase64, base64.StdEncoding.EncodeToString([]byte(s)))
		}
		return appendString(dst, s)
	case value.KindTable:
		t, _ := v.AsTable()
		return appendTable(dst, t)
	}
	return appendTagged(dst, keyOpaque, v.Kind.String())
}

func appendFloat(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return appendTagged(dst, keyNumber, "nan")
	case math.IsInf(f, 1):
		return appendTagged(dst, keyNumber, "inf")
	case math.IsInf(f, -1):
		return appendTagged(dst, keyNumber, "-inf")
	}
	text := strconv.FormatFloat(f, 'g', -1, 64)
	if !strings.ContainsAny(text, ".e") {
		text += ".0"
	}
	return append(dst, text...)
}

func appendString(dst []byte, s string) []byte {
	text, _ := json.Marshal(s) // a string cannot fail
	return visible.JSON(dst, text)
}

func appendTagged(dst []byte, key, text string) []byte {
	dst = append(append(dst, `{"`...), key...)
	dst = append(dst, `":`...)
	return append(appendString(dst, text), '}')
}

func appendTable(dst []byte, t *value.Table) []byte {
	switch {
	case t == nil || len(t.Arr) == 0 && len(t.Map) == 0:
		return append(dst, "{}"...)
	case len(t.Map) == 0:
		dst = append(dst, '[')
		for i, v := range t.Arr {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = Append(dst, v)
		}
		return append(dst, ']')
	case len(t.Arr) == 0 && allNames(t.Map):
		dst = append(dst, '{')
		for i, p := range t.Map {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(Append(dst, p.Key), ':')
			dst = Append(dst, p.Value)
		}
		return append(dst, '}')
	}
	return appendPairs(dst, t)
}

// allNames says whether the keys are strings that stand for themselves in a JSON object.
func allNames(pairs []value.Pair) bool {
	for _, p := range pairs {
		s, ok := p.Key.AsStr()
		if !ok || strings.HasPrefix(s, "$") || !utf8.ValidString(s) {
			return false
		}
	}
	return true
}

func appendPairs(dst []byte, t *value.Table) []byte {
	dst = append(dst, `{"`+keyTable+`":[`...)
	pair := func(k, v value.Value) {
		if dst[len(dst)-1] != '[' {
			dst = append(dst, ',')
		}
		dst = append(Append(append(dst, '['), k), ',')
		dst = append(Append(dst, v), ']')
	}
	for i, v := range t.Arr {
		pair(value.Int(int64(i)+1), v)
	}
	for _, p := range t.Map {
		pair(p.Key, p.Value)
	}
	return append(dst, "]}"...)
}
