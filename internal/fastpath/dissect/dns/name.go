package dns

// Bounds of names.
const (
	maxName  = 255 // bytes on the wire without compression (RFC 1035 §2.3.4)
	maxJumps = 127 // pointers followed for one name: no more labels fit into maxName
)

// appendName appends the name at msg[at] in presentation form. end is where the message goes on behind the name, or -1
// when that can't be told; with an error, the text is what could be read of the name.
//
// Compression (RFC 1035 §4.1.4) refers to an earlier name, so each pointer has to lead to before where the labels that
// led to it began. This ends the walk, and maxJumps keeps it short.
func appendName(dst []byte, msg []byte, at int) (text []byte, end int, err error) {
	end = -1
	begin := at // of the run of labels that is being read
	size := 1   // on the wire without compression
	start := len(dst)
	for jumps := 0; ; {
		if at >= len(msg) {
			return dst, end, errShort
		}
		n := int(msg[at])
		switch {
		case n == 0:
			if end < 0 {
				end = at + 1
			}
			if len(dst) == start {
				dst = append(dst, '.')
			}
			return dst, end, nil
		case n < 64:
			if at+1+n > len(msg) {
				return dst, end, errShort
			}
			if size += 1 + n; size > maxName {
				return dst, end, errName
			}
			if len(dst) > start {
				dst = append(dst, '.')
			}
			dst = appendLabel(dst, msg[at+1:at+1+n])
			at += 1 + n
		case n >= 0xc0:
			if at+2 > len(msg) {
				return dst, end, errShort
			}
			if end < 0 {
				end = at + 2
			}
			to := (n&0x3f)<<8 | int(msg[at+1])
			if jumps++; to >= begin || jumps > maxJumps {
				return dst, end, errPointer
			}
			at, begin = to, to
		default:
			return dst, end, errLabel
		}
	}
}

// appendLabel escapes what would be taken for syntax and what is not printable (RFC 1035 §5.1, RFC 4343 §2.1).
func appendLabel(dst, label []byte) []byte {
	for _, b := range label {
		switch {
		case b == '.' || b == '\\':
			dst = append(dst, '\\', b)
		case b <= ' ' || b >= 0x7f:
			dst = appendDecimal(dst, b)
		default:
			dst = append(dst, b)
		}
	}
	return dst
}

// appendQuoted appends a character string with quotation marks.
func appendQuoted(dst, text []byte) []byte {
	dst = append(dst, '"')
	for _, b := range text {
		switch {
		case b == '"' || b == '\\':
			dst = append(dst, '\\', b)
		case b < ' ' || b >= 0x7f:
			dst = appendDecimal(dst, b)
		default:
			dst = append(dst, b)
		}
	}
	return append(dst, '"')
}

func appendDecimal(dst []byte, b byte) []byte {
	return append(dst, '\\', '0'+b/100, '0'+b/10%10, '0'+b%10)
}
