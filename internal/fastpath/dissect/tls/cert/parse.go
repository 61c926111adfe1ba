// Package cert reads X.509 certificates as they came, sound or not, into plain data and into the text that OpenSSL would
// print. crypto/x509 is for those who have to trust certificates, and refuses what they should not; here they are looked at.
package cert

import (
	"bytes"
	"crypto/sha1"
	"time"

	"eddy/internal/fastpath/learned"
)

// Bounds of what is taken from one certificate.
const (
	maxDNSNames   = 256
	maxExtensions = 64
)

// certificate is cut into the parts of RFC 5280 §4.1. Parts behind the first damage are empty.
type certificate struct {
	version    int // 1 to 3
	serial     der
	algorithm  string // OID, of the signature inside
	issuer     der    // names as they stand, to be compared and printed
	subject    der
	notBefore  time.Time
	notAfter   time.Time
	key        der // SubjectPublicKeyInfo
	extensions []extension
	signedWith string // OID, of the signature outside
	signature  []byte
	problem    string // the first part that could not be read; ""
}

type extension struct {
	oid      string
	critical bool
	value    der
}

// Parse reads one certificate. The result keeps raw as its DER; Problem says what could not be read.
func Parse(raw []byte) learned.Certificate {
	c := split(raw)
	sum := sha1.Sum(raw)
	out := learned.Certificate{
		Subject:      nameText(c.subject),
		Issuer:       nameText(c.issuer),
		SubjectCN:    attribute(c.subject, oidCommonName),
		IssuerCN:     attribute(c.issuer, oidCommonName),
		Organization: attribute(c.subject, oidOrganization),
		IssuerOrg:    attribute(c.issuer, oidOrganization),
		Serial:       serialText(c.serial),
		SHA1:         string(appendColons(nil, sum[:], false)),
		SelfSigned:   len(c.subject) > 0 && bytes.Equal(c.subject, c.issuer),
		DER:          raw,
		Problem:      c.problem,
	}
	if !c.notAfter.IsZero() {
		out.NotBefore, out.NotAfter = c.notBefore.Unix(), c.notAfter.Unix()
	}
	for i := range c.extensions {
		switch x := &c.extensions[i]; x.oid {
		case oidSubjectAltName:
			out.DNSNames = dnsNames(x.value)
		case oidBasicConstraints:
			out.IsCA, _, _ = basicConstraints(x.value)
		}
	}
	return out
}

func split(raw []byte) (c certificate) {
	c.version = 1
	d := der(raw)
	outer, ok := d.want(tagSequence)
	if !ok {
		c.problem = "not a certificate"
		return c
	}
	tbs, ok := outer.want(tagSequence)
	if !ok {
		c.problem = "no contents"
		return c
	}
	c.problem = c.contents(tbs)
	if algorithm, ok := outer.want(tagSequence); ok {
		c.signedWith = algorithmID(algorithm)
	}
	if bits, ok := outer.want(tagBitString); ok && len(bits) > 0 {
		c.signature = bits[1:]
	} else if c.problem == "" {
		c.problem = "no signature"
	}
	return c
}

// contents reads a TBSCertificate.
func (c *certificate) contents(tbs der) (problem string) {
	if v, ok := tbs.want(0xa0); ok {
		if n, ok := v.want(tagInteger); ok && len(n) == 1 {
			c.version = 1 + int(n[0])
		}
	}
	var ok bool
	if c.serial, ok = tbs.want(tagInteger); !ok {
		return "no serial number"
	}
	algorithm, ok := tbs.want(tagSequence)
	if !ok {
		return "no signature algorithm"
	}
	c.algorithm = algorithmID(algorithm)
	if c.issuer, ok = tbs.want(tagSequence); !ok {
		return "no issuer"
	}
	validity, ok := tbs.want(tagSequence)
	if !ok {
		return "no validity"
	}
	from, ok1 := instant(&validity)
	to, ok2 := instant(&validity)
	if ok1 && ok2 {
		c.notBefore, c.notAfter = from, to
	} else {
		problem = "bad validity"
	}
	if c.subject, ok = tbs.want(tagSequence); !ok {
		return "no subject"
	}
	if c.key, ok = tbs.want(tagSequence); !ok {
		return "no public key"
	}
	for {
		e, ok := tbs.next()
		if !ok {
			return problem
		}
		if e.tag == 0xa3 {
			if list, ok := e.body.want(tagSequence); ok {
				c.extensions = extensions(list)
			}
		}
	}
}

func extensions(list der) (out []extension) {
	for len(out) < maxExtensions {
		e, ok := list.want(tagSequence)
		if !ok {
			break
		}
		var x extension
		id, _ := e.want(tagOID)
		x.oid = oid(id)
		if b, ok := e.want(tagBool); ok {
			x.critical = len(b) == 1 && b[0] != 0
		}
		if x.value, ok = e.want(tagOctetString); ok {
			out = append(out, x)
		}
	}
	return out
}

func algorithmID(algorithm der) string {
	id, _ := algorithm.want(tagOID)
	return oid(id)
}

// instant reads a time (RFC 5280 §4.1.2.5).
func instant(d *der) (time.Time, bool) {
	e, ok := d.next()
	if !ok {
		return time.Time{}, false
	}
	text := string(e.body)
	var t time.Time
	var err error
	switch e.tag {
	case tagUTCTime:
		if t, err = time.Parse("060102150405Z0700", text); err != nil {
			t, err = time.Parse("0601021504Z0700", text)
		}
		if err == nil && t.Year() >= 2050 {
			t = t.AddDate(-100, 0, 0)
		}
	case tagTime:
		t, err = time.Parse("20060102150405Z0700", text)
	default:
		return t, false
	}
	return t.UTC(), err == nil
}

func serialText(body der) string {
	if body == nil {
		return ""
	}
	negative, bytes := magnitude(body)
	var out []byte
	if negative {
		out = append(out, '-')
	}
	return string(appendColons(out, bytes, true))
}

// dnsNames gives the names of a subjectAltName (RFC 5280 §4.2.1.6).
func dnsNames(value der) (names []string) {
	list, _ := value.want(tagSequence)
	for len(names) < maxDNSNames {
		e, ok := list.next()
		if !ok {
			break
		}
		if e.tag == generalDNS {
			names = append(names, string(appendSafe(nil, string(e.body))))
		}
	}
	return names
}

func basicConstraints(value der) (ca bool, pathLen der, hasPathLen bool) {
	list, _ := value.want(tagSequence)
	if b, ok := list.want(tagBool); ok {
		ca = len(b) == 1 && b[0] != 0
	}
	pathLen, hasPathLen = list.want(tagInteger)
	return ca, pathLen, hasPathLen
}
