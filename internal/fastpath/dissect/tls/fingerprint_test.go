package tls

import "testing"

// Vectors of https://github.com/salesforce/ja3 (README) and of https://github.com/FoxIO-LLC/ja4 (technical_details/JA4.md).
func TestJA3(t *testing.T) {
	for _, tt := range []struct {
		hello      clientHello
		text, hash string
	}{
		{clientHello{version: 769, ciphers: []uint16{47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4},
			extensions: []uint16{0, 10, 11}, groups: []uint16{23, 24, 25}, formats: []byte{0}},
			"769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0", "ada70206e40642a3e4461f35503241d5"},
		{clientHello{version: 769, ciphers: []uint16{4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99}},
			"769,4-5-10-9-100-98-3-6-19-18-99,,,", "de350869b8c85de67a350c8d186f11e6"},
		{clientHello{version: 769, ciphers: []uint16{0x0a0a, 47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4},
			extensions: []uint16{0xfafa, 0, 10, 11, 0xcaca}, groups: []uint16{0x1a1a, 23, 24, 25}, formats: []byte{0}},
			"769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0", "ada70206e40642a3e4461f35503241d5"},
	} {
		if got := tt.hello.ja3(); got.Text != tt.text || got.Hash != tt.hash {
			t.Errorf("%+v", got)
		}
	}
	server := serverHello{version: 771, cipher: 49199, extensions: []uint16{0, 65281, 11, 35, 30032, 16}} // as Suricata has it
	if got := server.ja3s(); got.Text != "771,49199,0-65281-11-35-30032-16" || got.Hash != "9f5e2e0d84076af5475bbe44debdb03e" {
		t.Errorf("%+v", got)
	}
}

func TestJA4(t *testing.T) {
	chrome := clientHello{
		version: 0x0303, versions: []uint16{0x9a9a, 0x0304, 0x0303},
		ciphers: []uint16{0x3a3a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014,
			0x009c, 0x009d, 0x002f, 0x0035},
		extensions: []uint16{0x8a8a, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012,
			0x002b, 0xff01, 0x000b, 0x000a, 0x0015, 0xdada},
		sigAlgs: []uint16{0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601},
		alpn:    []string{"h2", "http/1.1"}, serverName: "example.com",
	}
	if got := chrome.ja4(); got != "t13d1516h2_8daaf6152771_e5627efa2ab1" {
		t.Error(got)
	}
	for _, tt := range []struct {
		name   string
		change func(h *clientHello)
		want   string
	}{
		{"nothing", func(h *clientHello) { *h = clientHello{version: 0x0303} }, "t12i000000_000000000000_000000000000"},
		{"no signature algorithms", func(h *clientHello) {
			*h = clientHello{version: 0x0301, extensions: []uint16{0x0005}}
		}, "t10i000100_000000000000_1ed8eb363bcd"},
		{"one letter", func(h *clientHello) { h.alpn = []string{"x"} }, "t13d1516xx_8daaf6152771_e5627efa2ab1"},
		{"bytes", func(h *clientHello) { h.alpn = []string{"\xabx\xcd"} }, "t13d1516ad_8daaf6152771_e5627efa2ab1"},
		{"GREASE offered", func(h *clientHello) { h.alpn = []string{"0\xab"} }, "t13d15163b_8daaf6152771_e5627efa2ab1"},
		{"SSL 3", func(h *clientHello) { h.versions, h.version = nil, 0x0300 }, "ts3d1516h2_8daaf6152771_e5627efa2ab1"},
		{"an unknown version", func(h *clientHello) { h.versions = []uint16{0x7f1c} }, "t00d1516h2_8daaf6152771_e5627efa2ab1"},
		{"over 99", func(h *clientHello) { h.extensions = make([]uint16, 120); h.ciphers = nil }, "t13d0099h2_000000000000_000000000000"},
	} {
		h := chrome
		tt.change(&h)
		if got := h.ja4(); got != tt.want {
			t.Errorf("%s: %s, not %s", tt.name, got, tt.want)
		}
	}
}

func TestGrease(t *testing.T) {
	for v, want := range map[uint16]bool{0x0a0a: true, 0xfafa: true, 0x0a1a: false, 0x1301: false, 0x0a0b: false} {
		if grease(v) != want {
			t.Errorf("%04x: %v", v, !want)
		}
	}
}
