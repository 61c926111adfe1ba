package cert

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"net"
	"net/url"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// sample makes a certificate signed by itself.
func sample(t testing.TB, key crypto.Signer, change func(*x509.Certificate)) []byte {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes([]byte("\xf0a serial number")),
		Subject: pkix.Name{Country: []string{"US"}, Province: []string{"Genève"}, Locality: []string{"L"},
			Organization: []string{"Example, Inc."}, OrganizationalUnit: []string{"one", "two"}, CommonName: "example.com"},
		NotBefore: time.Date(2024, 2, 3, 4, 5, 6, 0, time.UTC),
		NotAfter:  time.Date(2055, 12, 31, 23, 59, 59, 0, time.UTC),
	}
	if change != nil {
		change(template)
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func everything(c *x509.Certificate) {
	c.DNSNames = []string{"example.com", "*.example.com"}
	c.EmailAddresses = []string{"a@example.com"}
	c.IPAddresses = []net.IP{net.IPv4(192, 0, 2, 1), net.ParseIP("2001:db8::1")}
	c.URIs = []*url.URL{{Scheme: "https", Host: "example.com", Path: "/x"}}
	c.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign | x509.KeyUsageDecipherOnly
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	c.UnknownExtKeyUsage = []asn1.ObjectIdentifier{{1, 2, 3, 4}}
	c.BasicConstraintsValid, c.IsCA, c.MaxPathLen = true, true, 3
	c.SubjectKeyId, c.AuthorityKeyId = []byte{1, 2, 0xab}, []byte{0xff, 3}
	c.OCSPServer, c.IssuingCertificateURL = []string{"http://ocsp.example.com"}, []string{"http://ca.example.com/c.crt"}
	c.CRLDistributionPoints = []string{"http://crl.example.com/a.crl", "http://crl.example.com/b.crl"}
	c.PolicyIdentifiers = []asn1.ObjectIdentifier{{2, 23, 140, 1, 2, 1}, {2, 5, 29, 32, 0}}
	if oid, err := x509.OIDFromInts([]uint64{2, 23, 140, 1, 2, 1}); err == nil {
		c.Policies = []x509.OID{oid}
	}
}

func samples(t testing.TB) map[string][]byte {
	t.Helper()
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"bare RSA":     sample(t, small, nil),
		"whole EC":     sample(t, p256, everything),
		"P-384":        sample(t, p384, func(c *x509.Certificate) { c.DNSNames = []string{"a"} }),
		"Ed25519":      sample(t, ed, func(c *x509.Certificate) { c.BasicConstraintsValid = true }),
		"small serial": sample(t, p256, func(c *x509.Certificate) { c.SerialNumber = big.NewInt(4711) }),
		"odd names": sample(t, p256, func(c *x509.Certificate) {
			c.Subject = pkix.Name{ExtraNames: []pkix.AttributeTypeAndValue{
				{Type: asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 25}, Value: "org"},
				{Type: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}, Value: "a@b"},
				{Type: asn1.ObjectIdentifier{2, 999, 3}, Value: "v"},
			}}
		}),
	}
}

// What crypto/x509 says of sound certificates is what Parse says.
func TestParseLikeX509(t *testing.T) {
	for name, raw := range samples(t) {
		want, err := x509.ParseCertificate(raw)
		if err != nil {
			t.Fatal(err)
		}
		got := Parse(raw)
		if got.Problem != "" {
			t.Errorf("%s: %s", name, got.Problem)
		}
		if got.SubjectCN != want.Subject.CommonName || got.IssuerCN != want.Issuer.CommonName {
			t.Errorf("%s: common names %q, %q", name, got.SubjectCN, got.IssuerCN)
		}
		if got.NotBefore != want.NotBefore.Unix() || got.NotAfter != want.NotAfter.Unix() {
			t.Errorf("%s: from %d to %d", name, got.NotBefore, got.NotAfter)
		}
		if serial, _ := new(big.Int).SetString(strings.ReplaceAll(got.Serial, ":", ""), 16); serial.Cmp(want.SerialNumber) != 0 {
			t.Errorf("%s: serial %s", name, got.Serial)
		}
		if !slices.Equal(got.DNSNames, want.DNSNames) || got.IsCA != want.IsCA || !got.SelfSigned {
			t.Errorf("%s: %+v", name, got)
		}
		if len(want.Subject.Organization) > 0 && got.Organization != want.Subject.Organization[0] {
			t.Errorf("%s: organization %q", name, got.Organization)
		}
	}
}

// TestTextLikeOpenSSL compares with the real thing, names as OpenSSL 3.2 and 1.0 have them.
func TestTextLikeOpenSSL(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed")
	}
	// OpenSSL 1.1 to 3.1 write blanks around "=" in names; 3.x may or may not leave one behind a title.
	blanks := regexp.MustCompile(`((?:^|[ ,+])[\w.]+) = `)
	plain := func(text string) []string {
		var lines []string
		for line := range strings.Lines(text) {
			line = strings.TrimRight(line, " \n")
			if strings.Contains(line, " = ") {
				line = blanks.ReplaceAllString(line, "$1=")
				line = strings.ReplaceAll(line, `O="Example, Inc."`, "O=Example, Inc.")
			}
			lines = append(lines, line)
		}
		return lines
	}
	for name, raw := range samples(t) {
		cmd := exec.Command(openssl, "x509", "-inform", "DER", "-noout", "-text", "-nameopt", "utf8,sep_comma_plus_space,sname")
		cmd.Stdin = bytes.NewReader(raw)
		text, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		got, want := plain(string(AppendText(nil, raw))), plain(string(text))
		for i := range max(len(got), len(want)) {
			g, w := "", ""
			if i < len(got) {
				g = got[i]
			}
			if i < len(want) {
				w = want[i]
			}
			if g != w {
				t.Errorf("%s, line %d:\n got %q\nwant %q", name, i+1, g, w)
				break
			}
		}
	}
}

// A damaged certificate gives what stands before the damage, and never more lines than it should.
func TestDamaged(t *testing.T) {
	raw := samples(t)["whole EC"]
	for n := range raw {
		c := Parse(raw[:n])
		if c.Problem == "" {
			t.Fatalf("%d bytes of %d are no certificate", n, len(raw))
		}
		AppendText(nil, raw[:n])
	}
	for name, tt := range map[string]struct {
		raw     []byte
		problem string
	}{
		"nothing":     {nil, "not a certificate"},
		"no contents": {[]byte{0x30, 0}, "no contents"},
		"empty":       {[]byte{0x30, 2, 0x30, 0}, "no serial number"},
	} {
		if c := Parse(tt.raw); c.Problem != tt.problem {
			t.Errorf("%s: %q", name, c.Problem)
		}
	}
}

func TestNamesCannotForgeLines(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	raw := sample(t, key, func(c *x509.Certificate) {
		c.Subject = pkix.Name{CommonName: "a\n        Subject: CN=bank\x1b[31m"}
	})
	if got := Parse(raw); got.SubjectCN != `a\0A        Subject: CN=bank\1B[31m` {
		t.Errorf("%q", got.SubjectCN)
	}
	if text := string(AppendText(nil, raw)); strings.Contains(text, "\n        Subject: CN=bank") {
		t.Error(text)
	}
}

func TestSerial(t *testing.T) {
	for want, body := range map[string]der{
		"00": {0}, "7F": {0x7f}, "80": {0, 0x80}, "-01": {0xff}, "-80": {0x80}, "-01:00": {0xff, 0}, "": nil,
	} {
		if got := serialText(body); got != want {
			t.Errorf("%x: %q, not %q", []byte(body), got, want)
		}
	}
}

func TestOID(t *testing.T) {
	for want, body := range map[string]der{
		"1.2.840.113549": {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d}, "2.999.3": {0x88, 0x37, 3}, "0.9": {9}, "": {0x88},
	} {
		if got := oid(body); got != want {
			t.Errorf("%x: %q, not %q", []byte(body), got, want)
		}
	}
}
