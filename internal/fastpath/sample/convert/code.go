package convert

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"hash"
	"strconv"
	"strings"

	"eddy/internal/fastpath/sample/call"
	"eddy/internal/fastpath/sample/cast"
	"eddy/internal/fastpath/txn"
)

// codeConverters encode, decode and digest.
func codeConverters() map[string]call.Converter {
	return map[string]call.Converter{
		"hex": does(func(tx *txn.Txn, v txn.Value, _ *call.Call) (txn.Value, bool) {
			out := tx.Scratch.Take(2 * len(v.B))
			for i, c := range v.B {
				out[2*i], out[2*i+1] = upperHex[c>>4], upperHex[c&15]
			}
			return cast.Str(out), true
		}),
		"hex2i":   does(hexToInt),
		"base2":   does(binaryDigits),
		"be2dec":  does(func(tx *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool) { return chunkNumbers(tx, v, c, true) }),
		"le2dec":  does(func(tx *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool) { return chunkNumbers(tx, v, c, false) }),
		"be2hex":  does(chunkHex),
		"base64":  encoder(base64.StdEncoding),
		"ub64enc": encoder(base64.RawURLEncoding),
		"b64dec":  decoder(base64.StdEncoding, false),
		"ub64dec": decoder(base64.RawURLEncoding, true),
		"url_dec": does(urlDecode),
		"url_enc": does(urlEncode),
		"has_ctl": {Apply: hasControl, Prepare: prepareControl},
		"sha1": does(func(tx *txn.Txn, v txn.Value, _ *call.Call) (txn.Value, bool) {
			sum := sha1.Sum(v.B)
			return cast.Bin(tx.Scratch.Copy(sum[:])), true
		}),
		"sha2":   {Apply: digest, Prepare: func(c *call.Call) error { return prepareDigest(c, "sha"+orText(c.Text(0), "256")) }},
		"digest": {Apply: digest, Prepare: func(c *call.Call) error { return prepareDigest(c, strings.ToLower(c.Text(0))) }},
	}
}

func orText(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// hexToInt gives 0 for what is no hexadecimal number.
func hexToInt(_ *txn.Txn, v txn.Value, _ *call.Call) (txn.Value, bool) {
	var n uint64
	if len(v.B) > 16 {
		return cast.Num(0), true
	}
	for _, c := range v.B {
		d := cast.HexDigit(c)
		if d < 0 {
			return cast.Num(0), true
		}
		n = n<<4 | uint64(d)
	}
	return cast.Num(int64(n)), true
}

func binaryDigits(tx *txn.Txn, v txn.Value, _ *call.Call) (txn.Value, bool) {
	if len(v.B) > maxText/8 {
		return txn.Value{}, false
	}
	out := tx.Scratch.Take(8 * len(v.B))[:0]
	for _, c := range v.B {
		for bit := 7; bit >= 0; bit-- {
			out = append(out, '0'+c>>bit&1)
		}
	}
	return cast.Str(out), true
}

// chunks cuts b into pieces of size bytes and hands them on with whether it is the first; with whole, a shorter last
// piece is left out.
func chunks(b []byte, size int, whole bool, each func(piece []byte, first bool)) {
	for first := true; len(b) > 0; first = false {
		n := min(size, len(b))
		if n < size && whole {
			return
		}
		each(b[:n], first)
		b = b[n:]
	}
}

func chunkNumbers(tx *txn.Txn, v txn.Value, c *call.Call, bigEndian bool) (txn.Value, bool) {
	out := tx.Scratch.Take(64)[:0]
	chunks(v.B, int(min(8, max(1, c.Int(1, 1)))), c.Int(2, 0) != 0, func(piece []byte, first bool) {
		if !first {
			out = append(out, c.Bytes(0)...)
		}
		var n uint64
		for i := range piece {
			b := piece[i]
			if !bigEndian {
				b = piece[len(piece)-1-i]
			}
			n = n<<8 | uint64(b)
		}
		out = strconv.AppendUint(out, n, 10)
	})
	return cast.Str(out), len(out) <= maxText
}

func chunkHex(tx *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool) {
	size := int(min(int64(len(v.B)), c.Int(1, 0)))
	if size <= 0 {
		size = max(1, len(v.B))
	}
	out := tx.Scratch.Take(2 * len(v.B))[:0]
	chunks(v.B, size, c.Int(2, 0) != 0, func(piece []byte, first bool) {
		if !first {
			out = append(out, c.Bytes(0)...)
		}
		for _, b := range piece {
			out = append(out, upperHex[b>>4], upperHex[b&15])
		}
	})
	return cast.Str(out), len(out) <= maxText
}

func encoder(enc *base64.Encoding) call.Converter {
	return does(func(tx *txn.Txn, v txn.Value, _ *call.Call) (txn.Value, bool) {
		out := tx.Scratch.Take(enc.EncodedLen(len(v.B)))
		enc.Encode(out, v.B)
		return cast.Str(out), true
	})
}

// decoder refuses what is not exactly base64, blanks and line ends included. With trim, padding may be there.
func decoder(enc *base64.Encoding, trim bool) call.Converter {
	strict := enc.Strict()
	return does(func(tx *txn.Txn, v txn.Value, _ *call.Call) (txn.Value, bool) {
		in := v.B
		for trim && len(in) > 0 && in[len(in)-1] == '=' {
			in = in[:len(in)-1]
		}
		for _, c := range in {
			if c == '\r' || c == '\n' {
				return txn.Value{}, false
			}
		}
		out := tx.Scratch.Take(strict.DecodedLen(len(in)))
		n, err := strict.Decode(out, in)
		if err != nil {
			return txn.Value{}, false
		}
		return cast.Bin(out[:n]), true
	})
}

// urlDecode decodes %XX, and '+' behind a question mark or everywhere in a form. A broken escape is no value.
func urlDecode(tx *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool) {
	plus := c.Int(0, 0) != 0
	out := tx.Scratch.Take(len(v.B))[:0]
	for i := 0; i < len(v.B); i++ {
		b := v.B[i]
		switch {
		case b == '%':
			if i+2 >= len(v.B) {
				return txn.Value{}, false
			}
			hi, lo := cast.HexDigit(v.B[i+1]), cast.HexDigit(v.B[i+2])
			if hi < 0 || lo < 0 {
				return txn.Value{}, false
			}
			b = byte(hi<<4 | lo)
			i += 2
		case b == '+' && plus:
			b = ' '
		case b == '?':
			plus = true
		}
		out = append(out, b)
	}
	return cast.Str(out), true
}

func urlEncode(tx *txn.Txn, v txn.Value, _ *call.Call) (txn.Value, bool) {
	out := tx.Scratch.Take(3 * len(v.B))[:0]
	for _, b := range v.B {
		switch {
		case 'a' <= b|0x20 && b|0x20 <= 'z', '0' <= b && b <= '9', b == '-', b == '.', b == '_', b == '~':
			out = append(out, b)
		default:
			out = append(out, '%', upperHex[b>>4], upperHex[b&15])
		}
	}
	return cast.Str(out), true
}

// prepareControl reads the mask: one bit for each byte below 32, and bit 32 for DEL.
func prepareControl(c *call.Call) error {
	mask := uint64(0x1fffffdff)
	switch t := c.Text(0); t {
	case "":
	case "any":
		mask = 0x1ffffffff
	case "http":
		mask = 0x2401
	default:
		var err error
		if mask, err = strconv.ParseUint(t, 0, 33); err != nil {
			return fmt.Errorf("the mask is to be a number of 33 bits, any or http, not %q", t)
		}
	}
	c.Data = mask
	return nil
}

func hasControl(_ *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool) {
	mask := c.Data.(uint64)
	for _, b := range v.B {
		if b < 32 && mask>>b&1 == 1 || b == 127 && mask>>32&1 == 1 {
			return cast.Bool(true), true
		}
	}
	return cast.Bool(false), true
}

func prepareDigest(c *call.Call, name string) error {
	algorithms := map[string]func() hash.Hash{
		"md5": md5.New, "sha1": sha1.New, "sha224": sha256.New224, "sha256": sha256.New, "sha384": sha512.New384,
		"sha512": sha512.New, "sha512-224": sha512.New512_224, "sha512-256": sha512.New512_256,
		"sha3-224": func() hash.Hash { return sha3.New224() }, "sha3-256": func() hash.Hash { return sha3.New256() },
		"sha3-384": func() hash.Hash { return sha3.New384() }, "sha3-512": func() hash.Hash { return sha3.New512() },
	}
	f := algorithms[name]
	if f == nil {
		return fmt.Errorf("there is no digest %q", name)
	}
	c.Data = f
	return nil
}

func digest(tx *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool) {
	h := c.Data.(func() hash.Hash)()
	h.Write(v.B)
	return cast.Bin(h.Sum(tx.Scratch.Take(h.Size())[:0])), true
}
