package tls

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"

	"eddy/internal/fastpath/learned"
)

// grease tells the values that clients send only so that nobody gets used to a fixed set (RFC 8701 §2). Fingerprints pass
// over them.
func grease(v uint16) bool { return v&0x0f0f == 0x0a0a && v>>8 == v&0xff }

// ja3 is https://github.com/salesforce/ja3: version, ciphers, extensions, groups and point formats in decimal.
func (h *clientHello) ja3() learned.Fingerprint {
	out := make([]byte, 0, 256)
	out = append(strconv.AppendUint(out, uint64(h.version), 10), ',')
	out = append(appendDecimals(out, h.ciphers), ',')
	out = append(appendDecimals(out, h.extensions), ',')
	out = append(appendDecimals(out, h.groups), ',')
	for i, f := range h.formats {
		if i > 0 {
			out = append(out, '-')
		}
		out = strconv.AppendUint(out, uint64(f), 10)
	}
	return fingerprint(out)
}

// ja3s is JA3's counterpart for servers: version, cipher and extensions.
func (h *serverHello) ja3s() learned.Fingerprint {
	out := make([]byte, 0, 64)
	out = append(strconv.AppendUint(out, uint64(h.version), 10), ',')
	out = append(strconv.AppendUint(out, uint64(h.cipher), 10), ',')
	return fingerprint(appendDecimals(out, h.extensions))
}

func fingerprint(text []byte) learned.Fingerprint {
	sum := md5.Sum(text)
	return learned.Fingerprint{Text: string(text), Hash: hex.EncodeToString(sum[:])}
}

func appendDecimals(out []byte, list []uint16) []byte {
	first := true
	for _, v := range list {
		if grease(v) {
			continue
		}
		if !first {
			out = append(out, '-')
		}
		first = false
		out = strconv.AppendUint(out, uint64(v), 10)
	}
	return out
}

// ja4 is https://github.com/FoxIO-LLC/ja4, technical_details/JA4.md, over TCP: what is offered in 10 characters, and
// the first 12 digits of two SHA-256, of the sorted ciphers, and of the sorted extensions (without server_name and ALPN) with
// the signature algorithms in their order.
func (h *clientHello) ja4() string {
	ciphers := withoutGrease(h.ciphers)
	extensions := withoutGrease(h.extensions)

	out := append(make([]byte, 0, 36), 't')
	out = append(out, ja4Version(h.offered())...)
	if slices.Contains(extensions, extServerName) {
		out = append(out, 'd')
	} else {
		out = append(out, 'i')
	}
	out = appendTwoDigits(out, len(ciphers))
	out = appendTwoDigits(out, len(extensions))
	out = appendEnds(out, h.alpn)

	slices.Sort(ciphers)
	out = append(out, '_')
	out = appendSum12(out, appendHexList(nil, ciphers))

	extensions = slices.DeleteFunc(extensions, func(e uint16) bool { return e == extServerName || e == extALPN })
	slices.Sort(extensions)
	text := appendHexList(nil, extensions)
	if algs := withoutGrease(h.sigAlgs); len(algs) > 0 && len(text) > 0 {
		text = appendHexList(append(text, '_'), algs)
	}
	out = append(out, '_')
	return string(appendSum12(out, text))
}

func ja4Version(v uint16) string {
	switch v {
	case 0x0002:
		return "s2"
	case 0x0300:
		return "s3"
	case 0x0301:
		return "10"
	case 0x0302:
		return "11"
	case 0x0303:
		return "12"
	case versionTLS13:
		return "13"
	}
	return "00"
}

// appendEnds appends the first and the last character of the first protocol name, or of its hexadecimal form where one of
// them is neither letter nor digit.
func appendEnds(out []byte, alpn []string) []byte {
	if len(alpn) == 0 || alpn[0] == "" {
		return append(out, '0', '0')
	}
	first, last := alpn[0][0], alpn[0][len(alpn[0])-1]
	if alphanumeric(first) && alphanumeric(last) {
		return append(out, first, last)
	}
	const digits = "0123456789abcdef"
	return append(out, digits[first>>4], digits[last&0xf])
}

func alphanumeric(b byte) bool {
	return '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
}

func withoutGrease(list []uint16) []uint16 {
	kept := make([]uint16, 0, len(list))
	for _, v := range list {
		if !grease(v) {
			kept = append(kept, v)
		}
	}
	return kept
}

func appendTwoDigits(out []byte, n int) []byte {
	n = min(n, 99)
	return append(out, '0'+byte(n/10), '0'+byte(n%10))
}

func appendHexList(out []byte, list []uint16) []byte {
	for i, v := range list {
		if i > 0 {
			out = append(out, ',')
		}
		out = hex.AppendEncode(out, []byte{byte(v >> 8), byte(v)})
	}
	return out
}

// appendSum12 appends the first 12 digits of a SHA-256; of nothing: zeros.
func appendSum12(out, text []byte) []byte {
	if len(text) == 0 {
		return append(out, "000000000000"...)
	}
	sum := sha256.Sum256(text)
	return hex.AppendEncode(out, sum[:6])
}
