package value

import (
	"encoding/binary"
	"errors"
)

// Tags of the encoding. package vm's vm.h has the same list, and jobs on the disk hold it: numbers never change meaning.
const (
	tagNil byte = iota
	tagFalse
	tagTrue
	tagInt
	tagNum
	tagStr
	tagTable
	tagOwned
	tagRef
	tagOther
)

const maxDepth = 32 // nesting of tables

// ErrDepth says that a table is nested too deep.
var ErrDepth = errors.New("table is nested more than 32 deep (or contains itself)")

// Append encodes v behind dst. Tables may be nested 32 deep.
func Append(dst []byte, v Value) ([]byte, error) { return appendValue(dst, v, 0) }

func appendValue(dst []byte, v Value, depth int) ([]byte, error) {
	switch v.Kind {
	case KindNil, KindOther:
		return append(dst, tagNil), nil
	case KindBool:
		if v.n != 0 {
			return append(dst, tagTrue), nil
		}
		return append(dst, tagFalse), nil
	case KindInt:
		return append64(append(dst, tagInt), uint64(v.n)), nil
	case KindNum:
		return append64(append(dst, tagNum), uint64(v.n)), nil
	case KindStr:
		return AppendStr(dst, v.s), nil
	case KindOwned:
		return append64(append(dst, tagOwned), uint64(v.n)), nil
	case KindFunc:
		return append64(append(dst, tagRef), uint64(v.n)), nil
	}
	if depth >= maxDepth {
		return dst, ErrDepth
	}
	t := v.t
	if t == nil {
		t = &Table{}
	}
	dst = append(dst, tagTable)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(t.Arr)))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(t.Map)))
	var err error
	for i := range t.Arr {
		if dst, err = appendValue(dst, t.Arr[i], depth+1); err != nil {
			return dst, err
		}
	}
	for i := range t.Map {
		if dst, err = appendValue(dst, t.Map[i].Key, depth+1); err != nil {
			return dst, err
		}
		if dst, err = appendValue(dst, t.Map[i].Value, depth+1); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func append64(dst []byte, n uint64) []byte { return binary.LittleEndian.AppendUint64(dst, n) }

// AppendStr is Append for a string or its bytes.
func AppendStr[S string | []byte](dst []byte, s S) []byte {
	dst = append(dst, tagStr)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(s)))
	return append(dst, s...)
}

var errCodec = errors.New("malformed value")

// Decode reads one value and returns the rest. The bytes may come from anywhere.
func Decode(b []byte) (v Value, rest []byte, err error) { return decodeValue(b, 0) }

func decodeValue(b []byte, depth int) (Value, []byte, error) {
	if len(b) == 0 || depth > maxDepth {
		return Value{}, nil, errCodec
	}
	tag, b := b[0], b[1:]
	switch tag {
	case tagNil:
		return Value{}, b, nil
	case tagFalse, tagTrue:
		return Bool(tag == tagTrue), b, nil
	case tagInt, tagNum, tagOwned, tagRef:
		if len(b) < 8 {
			return Value{}, nil, errCodec
		}
		n := int64(binary.LittleEndian.Uint64(b))
		v := Value{n: n}
		switch tag {
		case tagInt:
			v.Kind = KindInt
		case tagNum:
			v.Kind = KindNum
		case tagOwned:
			v.Kind = KindOwned
		default:
			v.Kind = KindFunc
		}
		return v, b[8:], nil
	case tagStr:
		if len(b) < 4 {
			return Value{}, nil, errCodec
		}
		n := binary.LittleEndian.Uint32(b)
		b = b[4:]
		if uint64(n) > uint64(len(b)) {
			return Value{}, nil, errCodec
		}
		return Bytes(b[:n]), b[n:], nil
	case tagOther:
		return Value{Kind: KindOther}, b, nil
	case tagTable:
		return decodeTable(b, depth)
	}
	return Value{}, nil, errCodec
}

func decodeTable(b []byte, depth int) (Value, []byte, error) {
	if len(b) < 8 {
		return Value{}, nil, errCodec
	}
	na, nm := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
	b = b[8:]
	if uint64(na)+2*uint64(nm) > uint64(len(b)) { // each value has at least its tag
		return Value{}, nil, errCodec
	}
	t := &Table{Arr: make([]Value, na), Map: make([]Pair, nm)}
	var err error
	for i := range t.Arr {
		if t.Arr[i], b, err = decodeValue(b, depth+1); err != nil {
			return Value{}, nil, err
		}
	}
	for i := range t.Map {
		if t.Map[i].Key, b, err = decodeValue(b, depth+1); err != nil {
			return Value{}, nil, err
		}
		if t.Map[i].Value, b, err = decodeValue(b, depth+1); err != nil {
			return Value{}, nil, err
		}
	}
	return Tab(t), b, nil
}

// Check reads one value like Decode, keeps nothing of it, and returns the rest.
func Check(b []byte) (rest []byte, err error) { return check(b, 0) }

func check(b []byte, depth int) ([]byte, error) {
	if len(b) == 0 || depth > maxDepth {
		return nil, errCodec
	}
	tag, b := b[0], b[1:]
	switch tag {
	case tagNil, tagFalse, tagTrue, tagOther:
		return b, nil
	case tagInt, tagNum, tagOwned, tagRef:
		if len(b) < 8 {
			return nil, errCodec
		}
		return b[8:], nil
	case tagStr:
		if len(b) < 4 || uint64(binary.LittleEndian.Uint32(b)) > uint64(len(b)-4) {
			return nil, errCodec
		}
		return b[4+binary.LittleEndian.Uint32(b):], nil
	case tagTable:
	default:
		return nil, errCodec
	}
	if len(b) < 8 {
		return nil, errCodec
	}
	n := uint64(binary.LittleEndian.Uint32(b)) + 2*uint64(binary.LittleEndian.Uint32(b[4:]))
	b = b[8:]
	if n > uint64(len(b)) { // each value has at least its tag
		return nil, errCodec
	}
	for ; n > 0; n-- {
		var err error
		if b, err = check(b, depth+1); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// AppendTable encodes the beginning of a table behind dst, for so many pairs: key and value of each, by other Appends, follow.
func AppendTable(dst []byte, pairs int) []byte {
	dst = append(dst, tagTable, 0, 0, 0, 0)
	return binary.LittleEndian.AppendUint32(dst, uint32(pairs))
}

// DecodeAll appends every value in b to dst.
func DecodeAll(dst []Value, b []byte) ([]Value, error) {
	for len(b) > 0 {
		v, rest, err := decodeValue(b, 0)
		if err != nil {
			return dst, err
		}
		dst, b = append(dst, v), rest
	}
	return dst, nil
}
