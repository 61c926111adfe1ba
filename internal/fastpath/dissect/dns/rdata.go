package dns

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net/netip"
	"strconv"
	"time"
)

var errRData = errors.New("a record's data does not have the form of its type")

// rdata gives a record's data, msg[from:to], in presentation form. What is not of its type's form, or of a type without
// one, is given as RFC 3597 §5 has it for unknown types: \# with the length and hexadecimal digits.
func rdata(msg []byte, typ uint16, from, to int) (text string, problem error) {
	if format := kinds[typ].format; format != "" && from < to { // an update has records without data (RFC 2136 §2.5)
		f := fields{msg: msg[:to], at: from}
		for i := range format {
			if i > 0 {
				f.out = append(f.out, ' ')
			}
			if !f.add(format[i]) {
				problem = errRData
				break
			}
		}
		if problem == nil && f.at == to {
			return string(f.trimmed()), nil
		}
		problem = errRData
	}
	out := append([]byte(nil), `\# `...)
	out = strconv.AppendInt(out, int64(to-from), 10)
	if to > from {
		out = append(out, ' ')
		out = hex.AppendEncode(out, msg[from:to])
	}
	return string(out), problem
}

// fields turns a record's data into text, field by field.
type fields struct {
	msg []byte // up to the end of the data: names may point before it
	at  int
	out []byte
}

// trimmed drops the blank in front of a last field that turned out empty.
func (f *fields) trimmed() []byte {
	if n := len(f.out); n > 0 && f.out[n-1] == ' ' {
		return f.out[:n-1]
	}
	return f.out
}

// add writes down the next field. The letters:
//
//	1 2 4  a number of that many bytes          n  a name
//	a 6    an address of IPv4, of IPv6          t  a type
//	s      a character string                   S  character strings up to the end
//	c      the same as a bare word (CAA's tag)  q  all that is left as one character string
//	x b    all that is left in base 16, in 64   h  a length of one byte, and so much in base 16
//	H      the same in base 32                  N  a bitmap of types (RFC 4034 §4.1.2)
//	T      a time (RFC 4034 §3.2)               P  parameters of a service (RFC 9460 §2.2)
func (f *fields) add(letter byte) bool {
	switch letter {
	case '1', '2', '4':
		n, ok := f.number(int(letter - '0'))
		f.out = strconv.AppendUint(f.out, uint64(n), 10)
		return ok
	case 'a', '6':
		size := 4
		if letter == '6' {
			size = 16
		}
		b, ok := f.take(size)
		if ok {
			addr, _ := netip.AddrFromSlice(b)
			f.out = addr.AppendTo(f.out)
		}
		return ok
	case 'n':
		text, end, err := appendName(f.out, f.msg, f.at)
		if err != nil {
			return false
		}
		f.out, f.at = text, end
	case 't':
		n, ok := f.number(2)
		f.out = append(f.out, typeName(uint16(n))...)
		return ok
	case 's':
		b, ok := f.counted()
		f.out = appendQuoted(f.out, b)
		return ok
	case 'c':
		b, ok := f.counted()
		f.out = appendLabel(f.out, b)
		return ok
	case 'S':
		return f.strings()
	case 'q':
		f.out = appendQuoted(f.out, f.rest())
	case 'x':
		f.out = hex.AppendEncode(f.out, f.rest())
	case 'b':
		f.out = base64.StdEncoding.AppendEncode(f.out, f.rest())
	case 'h':
		b, ok := f.counted()
		if f.out = hex.AppendEncode(f.out, b); len(b) == 0 {
			f.out = append(f.out, '-')
		}
		return ok
	case 'H':
		b, ok := f.counted()
		f.out = base32.HexEncoding.WithPadding(base32.NoPadding).AppendEncode(f.out, b)
		return ok
	case 'N':
		return f.bitmap()
	case 'T':
		n, ok := f.number(4)
		f.out = time.Unix(int64(n), 0).UTC().AppendFormat(f.out, "20060102150405")
		return ok
	case 'P':
		return f.parameters()
	default:
		return false
	}
	return true
}

func (f *fields) take(n int) ([]byte, bool) {
	if len(f.msg)-f.at < n {
		return nil, false
	}
	f.at += n
	return f.msg[f.at-n : f.at], true
}

func (f *fields) rest() []byte {
	b := f.msg[f.at:]
	f.at = len(f.msg)
	return b
}

func (f *fields) number(bytes int) (n uint32, ok bool) {
	b, ok := f.take(bytes)
	for _, v := range b {
		n = n<<8 | uint32(v)
	}
	return n, ok
}

// counted takes a length of one byte and what it counts.
func (f *fields) counted() ([]byte, bool) {
	n, ok := f.number(1)
	if !ok {
		return nil, false
	}
	return f.take(int(n))
}

func (f *fields) strings() bool {
	for first := true; f.at < len(f.msg) || first; first = false {
		b, ok := f.counted()
		if !ok {
			return false
		}
		if !first {
			f.out = append(f.out, ' ')
		}
		f.out = appendQuoted(f.out, b)
	}
	return true
}

func (f *fields) bitmap() bool {
	for first := true; f.at < len(f.msg); {
		window, _ := f.number(1)
		bits, ok := f.counted()
		if !ok || len(bits) > 32 {
			return false
		}
		for i := range 8 * len(bits) {
			if bits[i/8]&(0x80>>(i%8)) == 0 {
				continue
			}
			if !first {
				f.out = append(f.out, ' ')
			}
			first = false
			f.out = append(f.out, typeName(uint16(window)<<8|uint16(i))...)
		}
	}
	return true
}

// parameters writes the keys of a service binding, those whose values people read by name (RFC 9460 §7, §14.3.2).
func (f *fields) parameters() bool {
	for first := true; f.at < len(f.msg); first = false {
		key, _ := f.number(2)
		size, ok := f.number(2)
		if !ok {
			return false
		}
		value, ok := f.take(int(size))
		if !ok {
			return false
		}
		if !first {
			f.out = append(f.out, ' ')
		}
		f.out = appendParameter(f.out, key, value)
	}
	return true
}

func appendParameter(out []byte, key uint32, value []byte) []byte {
	switch {
	case key == 1 && alpnIsWhole(value):
		out = append(out, `alpn="`...)
		for i := 0; i < len(value); i += 1 + int(value[i]) {
			if i > 0 {
				out = append(out, ',')
			}
			out = appendLabel(out, value[i+1:i+1+int(value[i])])
		}
		return append(out, '"')
	case key == 2 && len(value) == 0:
		return append(out, "no-default-alpn"...)
	case key == 3 && len(value) == 2:
		return strconv.AppendUint(append(out, "port="...), uint64(binary.BigEndian.Uint16(value)), 10)
	case key == 4 && len(value) > 0 && len(value)%4 == 0:
		return appendAddresses(append(out, "ipv4hint="...), value, 4)
	case key == 5:
		return append(base64.StdEncoding.AppendEncode(append(out, `ech="`...), value), '"')
	case key == 6 && len(value) > 0 && len(value)%16 == 0:
		return appendAddresses(append(out, "ipv6hint="...), value, 16)
	}
	out = strconv.AppendUint(append(out, "key"...), uint64(key), 10)
	if len(value) == 0 {
		return out
	}
	return appendQuoted(append(out, '='), value)
}

// alpnIsWhole tells whether the lengths in a list of protocol names end where the list does.
func alpnIsWhole(list []byte) bool {
	for len(list) > 0 {
		n := 1 + int(list[0])
		if n > len(list) {
			return false
		}
		list = list[n:]
	}
	return true
}

func appendAddresses(out, list []byte, size int) []byte {
	for i := 0; i < len(list); i += size {
		if i > 0 {
			out = append(out, ',')
		}
		addr, _ := netip.AddrFromSlice(list[i : i+size])
		out = addr.AppendTo(out)
	}
	return out
}
