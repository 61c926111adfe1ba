package cert

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzCertificate: any bytes give text without control characters, of a size that follows from theirs.
func FuzzCertificate(f *testing.F) {
	for _, raw := range samples(f) {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		c := Parse(raw)
		text := string(AppendText(nil, raw))
		if len(text) > 64*len(raw)+1024 {
			t.Fatalf("%d bytes of text from %d", len(text), len(raw))
		}
		for _, s := range append(c.DNSNames, text, c.Subject, c.Issuer, c.SubjectCN, c.Organization) {
			if !utf8.ValidString(s) {
				t.Fatalf("%q is not UTF-8", s)
			}
		}
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\n' || 0x7f <= r && r < 0xa0 }) {
			t.Fatalf("%q", text)
		}
	})
}
