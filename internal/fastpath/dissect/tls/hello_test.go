package tls

import "testing"

func TestVersionName(t *testing.T) {
	for v, want := range map[uint16]string{
		0x0300: "SSLv3", 0x0301: "TLSv1", 0x0302: "TLS 1.1", 0x0303: "TLS 1.2", 0x0304: "TLS 1.3",
		0x7f1c: "TLS 1.3 draft-28", 0xfb1a: "TLS 1.3 draft-26-fb", 0x0305: "0x0305",
	} {
		if got := versionName(v); got != want {
			t.Errorf("%04x: %q, not %q", v, got, want)
		}
	}
}

// Whatever a hello is cut off at, what stands before is read, and nothing behind is made up.
func TestCutHello(t *testing.T) {
	client, server := configs(t, 0x0304)
	record := handshake(t, client, server)[0].data
	body := record[9:]
	whole, ok := parseClientHello(body)
	if !ok || whole.serverName != "example.org" {
		t.Fatalf("%+v", whole)
	}
	for n := range body {
		h, ok := parseClientHello(body[:n])
		if ok && (len(h.ciphers) > len(whole.ciphers) || len(h.extensions) > len(whole.extensions)) {
			t.Errorf("%d bytes: %+v", n, h)
		}
	}
}
