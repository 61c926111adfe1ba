package payload

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"eddy/internal/base/value"
)

// maxDepth is how deep arrays and objects may be nested; a table of jobs is never deeper.
const maxDepth = 32

// Errors of Read.
var (
	errUTF8  = errors.New(`not UTF-8; a string of other bytes is written as {"$base64": "…"}`)
	errDepth = fmt.Errorf("nested more than %d deep", maxDepth)
)

// Read reads one JSON value as a job's Data. The text may come from anywhere.
func Read(text []byte) ([]byte, error) {
	if !utf8.Valid(text) {
		return nil, errUTF8
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	v, err := (reader{d}).value(0)
	if err != nil {
		return nil, told(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more behind the end of the value")
	}
	return value.Append(nil, v)
}

// told makes an error of package json one for people.
func told(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("not JSON: it ends too early")
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("not JSON: %w (at byte %d)", err, syntax.Offset)
	}
	return err
}

type reader struct{ d *json.Decoder }

func (r reader) value(depth int) (value.Value, error) {
	if depth > maxDepth {
		return value.Value{}, errDepth
	}
	token, err := r.d.Token()
	if err != nil {
		return value.Value{}, err
	}
	switch t := token.(type) {
	case bool:
		return value.Bool(t), nil
	case string:
		return value.Str(t), nil
	case json.Number:
		return number(string(t))
	case json.Delim:
		if t == '[' {
			return r.array(depth)
		}
		return r.object(depth)
	}
	return value.Nil(), nil
}

// number keeps integers and floats apart as Lua does.
func number(text string) (value.Value, error) {
	if !strings.ContainsAny(text, ".eE") {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return value.Value{}, fmt.Errorf("the number %.30s is too large for an integer; with a point it is a float", text)
		}
		return value.Int(n), nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return value.Value{}, fmt.Errorf("the number %.30s is too large", text)
	}
	return value.Num(f), nil
}

func (r reader) array(depth int) (value.Value, error) {
	t := &value.Table{}
	for r.d.More() {
		v, err := r.value(depth + 1)
		if err != nil {
			return value.Value{}, err
		}
		t.Arr = append(t.Arr, v)
	}
	_, err := r.d.Token() // its end
	return value.Tab(t), err
}

func (r reader) object(depth int) (value.Value, error) {
	t := &value.Table{}
	for r.d.More() {
		token, err := r.d.Token()
		if err != nil {
			return value.Value{}, err
		}
		key, _ := token.(string)
		if strings.HasPrefix(key, "$") {
			if len(t.Map) > 0 {
				return value.Value{}, notAlone(key)
			}
			return r.tagged(key, depth)
		}
		v, err := r.value(depth + 1)
		if err != nil {
			return value.Value{}, err
		}
		if !v.IsNil() { // as in a Lua table
			t.Map = append(t.Map, value.Pair{Key: value.Str(key), Value: v})
		}
	}
	_, err := r.d.Token()
	return value.Tab(t), err
}

func notAlone(key string) error {
	return fmt.Errorf("%.30q stands beside other keys: a table with such a key is written as {%q: [[key, value], …]}", key, keyTable)
}

// tagged reads the rest of an object behind a key that begins with "$".
func (r reader) tagged(key string, depth int) (value.Value, error) {
	inner, err := r.value(depth + 1)
	if err != nil {
		return value.Value{}, err
	}
	if r.d.More() {
		return value.Value{}, notAlone(key)
	}
	if _, err := r.d.Token(); err != nil {
		return value.Value{}, err
	}
	text, isText := inner.AsStr()
	switch {
	case key == keyBase64 && isText:
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return value.Value{}, fmt.Errorf("%s: %w", keyBase64, err)
		}
		return value.Bytes(b), nil
	case key == keyNumber:
		switch text {
		case "inf":
			return value.Num(math.Inf(1)), nil
		case "-inf":
			return value.Num(math.Inf(-1)), nil
		case "nan":
			return value.Num(math.NaN()), nil
		}
		return value.Value{}, fmt.Errorf(`%s is "inf", "-inf" or "nan"`, keyNumber)
	case key == keyTable:
		return pairs(inner)
	case key == keyOpaque || key == keyBroken:
		return value.Value{}, fmt.Errorf("%s stands for something that cannot be written as JSON, and so not be read either", key)
	}
	return value.Value{}, fmt.Errorf("%.30q: keys that begin with $ have a meaning of their own: %s, %s, %s", key, keyBase64, keyNumber, keyTable)
}

// pairs makes a table of an array of arrays with a key and a value each.
func pairs(list value.Value) (value.Value, error) {
	rows, ok := list.AsTable()
	if !ok || len(rows.Map) > 0 {
		return value.Value{}, fmt.Errorf("%s wants an array of [key, value]", keyTable)
	}
	t := &value.Table{}
	for _, row := range rows.Arr {
		pair, ok := row.AsTable()
		if !ok || len(pair.Arr) != 2 || len(pair.Map) > 0 {
			return value.Value{}, fmt.Errorf("%s wants an array of [key, value]", keyTable)
		}
		k, v := pair.Arr[0], pair.Arr[1]
		if f, isNum := k.AsNum(); k.IsNil() || isNum && math.IsNaN(f) || k.Kind == value.KindTable {
			return value.Value{}, fmt.Errorf("%s: a key is a string, a number or a boolean", keyTable)
		}
		switch n, isInt := k.AsInt(); {
		case v.IsNil():
		case isInt && k.Kind == value.KindInt && n == int64(len(t.Arr))+1:
			t.Arr = append(t.Arr, v)
		default:
			t.Map = append(t.Map, value.Pair{Key: k, Value: v})
		}
	}
	return value.Tab(t), nil
}
