package convert

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// pathStep goes to a member of an object or an element of an array.
type pathStep struct {
	name  string
	index int // used when name is not: isIndex
	array bool
}

// parseJSONPath reads "$.a.b[0]['c']". A dot in a name is written "\.".
func parseJSONPath(text string) ([]pathStep, error) {
	rest, ok := strings.CutPrefix(text, "$")
	if !ok {
		return nil, errors.New("a JSON path begins with $")
	}
	var path []pathStep
	for rest != "" {
		var s pathStep
		var err error
		switch rest[0] {
		case '.':
			s.name, rest = pathName(rest[1:])
			if s.name == "" {
				err = errors.New("a name is missing behind '.'")
			}
		case '[':
			s, rest, err = pathBracket(rest[1:])
		default:
			err = fmt.Errorf("'.' or '[' should be at %q", rest)
		}
		if err != nil {
			return nil, fmt.Errorf("the JSON path %q: %w", text, err)
		}
		path = append(path, s)
	}
	return path, nil
}

func pathName(s string) (name, rest string) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case c == '.' || c == '[':
			return b.String(), s[i:]
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), ""
}

func pathBracket(s string) (pathStep, string, error) {
	if s != "" && (s[0] == '\'' || s[0] == '"') {
		name, rest, ok := strings.Cut(s[1:], s[:1]+"]")
		if !ok {
			return pathStep{}, "", errors.New("a quote or bracket is not closed")
		}
		return pathStep{name: name}, rest, nil
	}
	number, rest, ok := strings.Cut(s, "]")
	if !ok {
		return pathStep{}, "", errors.New("a bracket is not closed")
	}
	n, err := strconv.ParseUint(number, 10, 31)
	if err != nil {
		return pathStep{}, "", fmt.Errorf("[%s] is no index; filters and wildcards are not there", number)
	}
	return pathStep{index: int(n), array: true}, rest, nil
}

// maxJSONDepth bounds nesting.
const maxJSONDepth = 128

// findJSON gives the JSON text of the value that the path leads to. It checks only what it passes.
func findJSON(b []byte, path []pathStep) ([]byte, bool) {
	j := jsonReader{b: b}
	for _, s := range path {
		j.blanks()
		if !j.enter(s) {
			return nil, false
		}
	}
	j.blanks()
	start := j.i
	if !j.skip(0) {
		return nil, false
	}
	return b[start:j.i], true
}

type jsonReader struct {
	b []byte
	i int
}

func (j *jsonReader) blanks() {
	for j.i < len(j.b) && (j.b[j.i] == ' ' || j.b[j.i] == '\t' || j.b[j.i] == '\n' || j.b[j.i] == '\r') {
		j.i++
	}
}

func (j *jsonReader) take(c byte) bool {
	j.blanks()
	if j.i < len(j.b) && j.b[j.i] == c {
		j.i++
		return true
	}
	return false
}

// enter goes to where the member or element begins.
func (j *jsonReader) enter(s pathStep) bool {
	if s.array {
		if !j.take('[') {
			return false
		}
		for n := 0; n < s.index; n++ {
			if !j.skip(0) || !j.take(',') {
				return false
			}
		}
		j.blanks()
		return j.i < len(j.b) && j.b[j.i] != ']'
	}
	if !j.take('{') {
		return false
	}
	for {
		j.blanks()
		start := j.i
		if !j.text() {
			return false
		}
		key, ok := unquoteJSON(nil, j.b[start:j.i])
		if !ok || !j.take(':') {
			return false
		}
		if string(key) == s.name {
			return true
		}
		if !j.skip(0) || !j.take(',') {
			return false
		}
	}
}

// skip passes over one value.
func (j *jsonReader) skip(depth int) bool {
	j.blanks()
	if j.i >= len(j.b) || depth > maxJSONDepth {
		return false
	}
	switch c := j.b[j.i]; c {
	case '"':
		return j.text()
	case '{':
		return j.members('}', depth, true)
	case '[':
		return j.members(']', depth, false)
	default:
		start := j.i
		for j.i < len(j.b) && isScalarByte(j.b[j.i]) {
			j.i++
		}
		return validScalar(j.b[start:j.i])
	}
}

func (j *jsonReader) members(end byte, depth int, keys bool) bool {
	j.i++
	if j.take(end) {
		return true
	}
	for {
		if keys {
			j.blanks()
			if !j.text() || !j.take(':') {
				return false
			}
		}
		if !j.skip(depth + 1) {
			return false
		}
		if j.take(end) {
			return true
		}
		if !j.take(',') {
			return false
		}
	}
}

// text passes over a string.
func (j *jsonReader) text() bool {
	if j.i >= len(j.b) || j.b[j.i] != '"' {
		return false
	}
	for j.i++; j.i < len(j.b); j.i++ {
		switch j.b[j.i] {
		case '\\':
			j.i++
		case '"':
			j.i++
			return true
		}
	}
	return false
}

func isScalarByte(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '+' || c == '.' || c == 'E'
}

func validScalar(b []byte) bool {
	switch string(b) {
	case "true", "false", "null":
		return true
	case "":
		return false
	}
	_, err := strconv.ParseFloat(string(b), 64)
	return err == nil
}

// unquoteJSON appends the text of a JSON string.
func unquoteJSON(dst, raw []byte) ([]byte, bool) {
	plain := len(raw) >= 2
	for _, c := range raw {
		plain = plain && c != '\\'
	}
	if plain {
		return append(dst, raw[1:len(raw)-1]...), true
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return nil, false
	}
	return append(dst, s...), true
}
