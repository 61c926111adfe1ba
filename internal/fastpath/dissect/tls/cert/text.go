package cert

import (
	"fmt"
	"math/bits"
	"time"
)

// Bytes in a line of a dump.
const (
	keyLine       = 15
	signatureLine = 18
)

// AppendText appends a certificate in the form of "openssl x509 -text", names as "C=US" (as OpenSSL 1.0 and from 3.2 on
// has them). What could not be read is left out, and said in a line of its own.
func AppendText(out, raw []byte) []byte {
	c := split(raw)
	out = append(out, "Certificate:\n    Data:\n"...)
	out = fmt.Appendf(out, "        Version: %d (0x%x)\n", c.version, c.version-1)
	out = appendSerial(out, c.serial)
	out = fmt.Appendf(out, "        Signature Algorithm: %s\n", algorithmName(c.algorithm))
	out = fmt.Appendf(out, "        Issuer: %s\n", nameText(c.issuer))
	if !c.notAfter.IsZero() {
		out = fmt.Appendf(out, "        Validity\n            Not Before: %s\n            Not After : %s\n",
			dateText(c.notBefore), dateText(c.notAfter))
	}
	out = fmt.Appendf(out, "        Subject: %s\n", nameText(c.subject))
	out = appendKey(out, c.key)
	if len(c.extensions) > 0 {
		out = append(out, "        X509v3 extensions:\n"...)
		for i := range c.extensions {
			out = appendExtension(out, &c.extensions[i])
		}
	}
	if len(c.signature) > 0 {
		out = fmt.Appendf(out, "    Signature Algorithm: %s\n    Signature Value:\n", algorithmName(c.signedWith))
		out = appendDump(out, c.signature, "        ", signatureLine)
	}
	if c.problem != "" {
		out = fmt.Appendf(out, "    Problem: %s\n", c.problem)
	}
	return out
}

func dateText(t time.Time) string { return t.Format("Jan _2 15:04:05 2006 GMT") }

// appendSerial writes a serial number in decimal if it fits into 63 bits.
func appendSerial(out []byte, serial der) []byte {
	negative, b := magnitude(serial)
	sign, word := "", ""
	if negative {
		sign, word = "-", " (Negative)"
	}
	if len(b) < 8 || len(b) == 8 && b[0] < 0x80 {
		n := uint64(0)
		for _, v := range b {
			n = n<<8 | uint64(v)
		}
		return fmt.Appendf(out, "        Serial Number: %s%d (%s0x%x)\n", sign, n, sign, n)
	}
	out = fmt.Appendf(out, "        Serial Number:%s\n            ", word)
	return append(appendColons(out, b, false), '\n')
}

func appendDump(out, b []byte, indent string, perLine int) []byte {
	for len(b) > 0 {
		n := min(perLine, len(b))
		out = appendColons(append(out, indent...), b[:n], false)
		if b = b[n:]; len(b) > 0 {
			out = append(out, ':')
		}
		out = append(out, '\n')
	}
	return out
}

// Algorithms of public keys that have a form of their own.
const (
	oidRSA = "1.2.840.113549.1.1.1"
	oidEC  = "1.2.840.10045.2.1"
)

// appendKey writes a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).
func appendKey(out []byte, info der) []byte {
	algorithm, ok := info.want(tagSequence)
	if !ok {
		return out
	}
	id, _ := algorithm.want(tagOID)
	out = append(out, "        Subject Public Key Info:\n"...)
	out = fmt.Appendf(out, "            Public Key Algorithm: %s\n", algorithmName(oid(id)))
	key, _ := info.want(tagBitString)
	if len(key) == 0 {
		return out
	}
	key = key[1:] // the number of unused bits
	const indent = "                    "
	switch oid(id) {
	case oidRSA:
		return appendRSA(out, key)
	case oidEC:
		curve, _ := algorithm.want(tagOID)
		name := curves[oid(curve)]
		if name.bits == 0 {
			name.bits = (len(key) - 1) / 2 * 8
		}
		out = fmt.Appendf(out, "                Public-Key: (%d bit)\n                pub:\n", name.bits)
		out = appendDump(out, key, indent, keyLine)
		if name.asn1 != "" {
			out = fmt.Appendf(out, "                ASN1 OID: %s\n", name.asn1)
		}
		if name.nist != "" {
			out = fmt.Appendf(out, "                NIST CURVE: %s\n", name.nist)
		}
		return out
	}
	out = fmt.Appendf(out, "                %s Public-Key:\n                pub:\n", algorithmName(oid(id)))
	return appendDump(out, key, indent, keyLine)
}

// appendRSA writes an RSA key (RFC 8017 §A.1.1).
func appendRSA(out []byte, key der) []byte {
	pair, _ := key.want(tagSequence)
	modulus, ok1 := pair.want(tagInteger)
	exponent, ok2 := pair.want(tagInteger)
	if !ok1 || !ok2 {
		return out
	}
	_, m := magnitude(modulus)
	out = fmt.Appendf(out, "                Public-Key: (%d bit)\n                Modulus:\n", 8*(len(m)-1)+bits.Len8(m[0]))
	if m[0] >= 0x80 {
		m = append([]byte{0}, m...)
	}
	out = appendDump(out, m, "                    ", keyLine)
	_, e := magnitude(exponent)
	if len(e) > 8 {
		return out
	}
	n := uint64(0)
	for _, v := range e {
		n = n<<8 | uint64(v)
	}
	return fmt.Appendf(out, "                Exponent: %d (0x%x)\n", n, n)
}

type curve struct {
	asn1, nist string
	bits       int
}

// curves has the named curves of RFC 5480 §2.1.1.1 that are met. It is never written.
var curves = map[string]curve{
	"1.2.840.10045.3.1.7": {"prime256v1", "P-256", 256},
	"1.3.132.0.34":        {"secp384r1", "P-384", 384},
	"1.3.132.0.35":        {"secp521r1", "P-521", 521},
	"1.3.132.0.33":        {"secp224r1", "P-224", 224},
	"1.3.132.0.10":        {"secp256k1", "", 256},
}

// algorithmNames has OpenSSL's names. It is never written.
var algorithmNames = map[string]string{
	oidRSA:                   "rsaEncryption",
	oidEC:                    "id-ecPublicKey",
	"1.2.840.10040.4.1":      "dsaEncryption",
	"1.2.840.113549.1.1.2":   "md2WithRSAEncryption",
	"1.2.840.113549.1.1.4":   "md5WithRSAEncryption",
	"1.2.840.113549.1.1.5":   "sha1WithRSAEncryption",
	"1.2.840.113549.1.1.10":  "rsassaPss",
	"1.2.840.113549.1.1.11":  "sha256WithRSAEncryption",
	"1.2.840.113549.1.1.12":  "sha384WithRSAEncryption",
	"1.2.840.113549.1.1.13":  "sha512WithRSAEncryption",
	"1.2.840.113549.1.1.14":  "sha224WithRSAEncryption",
	"1.2.840.10040.4.3":      "dsaWithSHA1",
	"2.16.840.1.101.3.4.3.2": "dsa_with_SHA256",
	"1.2.840.10045.4.1":      "ecdsa-with-SHA1",
	"1.2.840.10045.4.3.1":    "ecdsa-with-SHA224",
	"1.2.840.10045.4.3.2":    "ecdsa-with-SHA256",
	"1.2.840.10045.4.3.3":    "ecdsa-with-SHA384",
	"1.2.840.10045.4.3.4":    "ecdsa-with-SHA512",
	"1.3.101.110":            "X25519",
	"1.3.101.112":            "ED25519",
	"1.3.101.113":            "ED448",
}

func algorithmName(id string) string {
	if name, ok := algorithmNames[id]; ok {
		return name
	}
	return id
}

// ipText gives an address of 4 or 16 bytes as OpenSSL prints it, in an iPAddress name.
func ipText(b []byte) string {
	if len(b) == 4 {
		return fmt.Sprintf("%d.%d.%d.%d", b[0], b[1], b[2], b[3])
	}
	var out []byte
	for i := 0; i+1 < len(b); i += 2 {
		if i > 0 {
			out = append(out, ':')
		}
		out = append(out, fmt.Sprintf("%X", int(b[i])<<8|int(b[i+1]))...)
	}
	if len(b) != 16 {
		return "<invalid>"
	}
	return string(out)
}
