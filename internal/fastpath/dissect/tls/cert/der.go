package cert

import "strconv"

// Tags of ASN.1 (X.690 §8) with the class and the constructed bit, as they stand in the first byte.
const (
	tagBool        = 0x01
	tagInteger     = 0x02
	tagBitString   = 0x03
	tagOctetString = 0x04
	tagOID         = 0x06
	tagUTF8        = 0x0c
	tagUTCTime     = 0x17
	tagTime        = 0x18
	tagUniversal   = 0x1c
	tagBMP         = 0x1e
	tagTeletex     = 0x14
	tagSequence    = 0x30
	tagSet         = 0x31
)

// der is what is left of a sequence of elements. It is read leniently: an element that is cut off, or has a form that
// certificates do not use, ends it.
type der []byte

// element is one of them.
type element struct {
	tag  byte
	body der
}

func (d *der) next() (e element, ok bool) {
	b := *d
	if len(b) < 2 || b[0]&0x1f == 0x1f {
		return e, false
	}
	size, head := int(b[1]), 2
	if size >= 0x80 {
		n := size & 0x7f
		if n == 0 || n > 3 || len(b) < 2+n { // 16 MiB are more than a message holds
			return e, false
		}
		size, head = 0, 2+n
		for _, v := range b[2:head] {
			size = size<<8 | int(v)
		}
	}
	if len(b)-head < size {
		return e, false
	}
	*d = b[head+size:]
	return element{tag: b[0], body: b[head : head+size]}, true
}

// want takes the next element if it has that tag.
func (d *der) want(tag byte) (body der, ok bool) {
	rest := *d
	e, ok := rest.next()
	if !ok || e.tag != tag {
		return nil, false
	}
	*d = rest
	return e.body, true
}

// oid gives an object identifier in dotted form, "" of a bad one (X.690 §8.19).
func oid(body der) string {
	if len(body) == 0 || len(body) > 64 {
		return ""
	}
	var out []byte
	n, first := uint64(0), true
	for i, b := range body {
		if n > 1<<56 {
			return ""
		}
		n = n<<7 | uint64(b&0x7f)
		if b&0x80 != 0 {
			if i == len(body)-1 {
				return ""
			}
			continue
		}
		if first {
			top := min(n/40, 2)
			out = strconv.AppendUint(out, top, 10)
			n, first = n-40*top, false
		}
		out = strconv.AppendUint(append(out, '.'), n, 10)
		n = 0
	}
	if out[0] == '.' {
		return string(out[1:])
	}
	return string(out)
}

// appendColons appends bytes as "5F:16:E9".
func appendColons(out, b []byte, upper bool) []byte {
	digits := "0123456789abcdef"
	if upper {
		digits = "0123456789ABCDEF"
	}
	for i, v := range b {
		if i > 0 {
			out = append(out, ':')
		}
		out = append(out, digits[v>>4], digits[v&0xf])
	}
	return out
}

// magnitude splits an integer into its sign and its bytes without leading zeros, at least one.
func magnitude(body der) (negative bool, bytes []byte) {
	if len(body) == 0 {
		return false, []byte{0}
	}
	bytes = append(bytes, body...)
	if negative = body[0]&0x80 != 0; negative {
		carry := byte(1) // two's complement
		for i := len(bytes) - 1; i >= 0; i-- {
			bytes[i] = ^bytes[i] + carry
			if bytes[i] != 0 {
				carry = 0
			}
		}
	}
	for len(bytes) > 1 && bytes[0] == 0 {
		bytes = bytes[1:]
	}
	return negative, bytes
}
