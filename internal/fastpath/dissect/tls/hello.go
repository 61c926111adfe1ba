package tls

import (
	"fmt"

	"eddy/internal/fastpath/learned"
)

const versionTLS13 = 0x0304

// Extensions that are looked into (IANA, "TLS ExtensionType Values").
const (
	extServerName = 0
	extGroups     = 10
	extFormats    = 11
	extSigAlgs    = 13
	extALPN       = 16
	extVersions   = 43
)

// clientHello is a ClientHello (RFC 8446 §4.1.2) as far as it can be read. Its lists are as sent, GREASE included.
type clientHello struct {
	version    uint16
	ciphers    []uint16
	extensions []uint16 // types in their order
	groups     []uint16
	formats    []byte // of points on curves
	sigAlgs    []uint16
	versions   []uint16 // of the extension supported_versions
	serverName string
	alpn       []string
}

func parseClientHello(body []byte) (h clientHello, ok bool) {
	r := reader(body)
	if len(r) < 2+32+1+2+2 {
		return h, false
	}
	h.version = r.u16()
	r.take(32) // random
	r.block(1) // session
	h.ciphers = reader(r.block(2)).list16()
	r.block(1) // compression
	exts := reader(r.block(2))
	for len(exts) >= 4 {
		kind := exts.u16()
		h.extensions = append(h.extensions, kind)
		h.extension(kind, exts.block(2))
	}
	return h, true
}

func (h *clientHello) extension(kind uint16, body reader) {
	switch kind {
	case extServerName:
		h.serverName = hostName(body.block(2))
	case extGroups:
		h.groups = reader(body.block(2)).list16()
	case extFormats:
		h.formats = body.block(1)
	case extSigAlgs:
		h.sigAlgs = reader(body.block(2)).list16()
	case extALPN:
		h.alpn = protocolNames(body.block(2))
	case extVersions:
		h.versions = reader(body.block(1)).list16()
	}
}

// hostName gives the first host_name of a server_name list (RFC 6066 §3).
func hostName(list reader) string {
	for len(list) > 0 {
		kind := list.number(1)
		name := list.block(2)
		if kind == 0 {
			return string(name)
		}
	}
	return ""
}

// maxProtocols bounds the names that are taken from a list: clients offer a few, and an empty name costs one byte.
const maxProtocols = 64

// protocolNames reads a list of ALPN (RFC 7301 §3.1).
func protocolNames(list reader) (names []string) {
	for len(list) > 0 && len(names) < maxProtocols {
		names = append(names, string(list.block(1)))
	}
	return names
}

// offered gives the highest version that the client offers.
func (h *clientHello) offered() uint16 {
	best := uint16(0)
	for _, v := range h.versions {
		if !grease(v) {
			best = max(best, v)
		}
	}
	if best == 0 {
		return h.version
	}
	return best
}

func (h *clientHello) describe(t *learned.TLS) {
	t.SNI, t.ALPN = h.serverName, h.alpn
	t.JA3, t.JA4 = h.ja3(), h.ja4()
	if !t.HasServer {
		t.Version = versionName(h.offered())
	}
}

// serverHello is a ServerHello (RFC 8446 §4.1.3).
type serverHello struct {
	version    uint16
	cipher     uint16
	extensions []uint16
	selected   uint16 // of the extension supported_versions; 0: none
	protocol   string // of ALPN
	retry      bool   // it is a HelloRetryRequest
}

func parseServerHello(body []byte) (h serverHello, ok bool) {
	r := reader(body)
	if len(r) < 2+32+1+2+1 {
		return h, false
	}
	h.version = r.u16()
	h.retry = string(r.take(32)) == retryRandom
	r.block(1) // session
	h.cipher = r.u16()
	r.take(1) // compression
	exts := reader(r.block(2))
	for len(exts) >= 4 {
		kind := exts.u16()
		h.extensions = append(h.extensions, kind)
		value := reader(exts.block(2))
		switch kind {
		case extVersions:
			h.selected = value.u16()
		case extALPN:
			if names := protocolNames(value.block(2)); len(names) > 0 {
				h.protocol = names[0]
			}
		}
	}
	return h, true
}

// retryRandom marks a HelloRetryRequest: the SHA-256 of that word (RFC 8446 §4.1.3).
const retryRandom = "\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91" +
	"\xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c"

func (h *serverHello) agreed() uint16 {
	if h.selected != 0 {
		return h.selected
	}
	return h.version
}

func (h *serverHello) describe(t *learned.TLS) {
	t.Version = versionName(h.agreed())
	t.Cipher, t.Protocol = h.cipher, h.protocol
	t.JA3S = h.ja3s()
}

// versionName gives a version's name, in the words of Suricata's events.
func versionName(v uint16) string {
	switch v {
	case 0x0300:
		return "SSLv3"
	case 0x0301:
		return "TLSv1"
	case 0x0302:
		return "TLS 1.1"
	case 0x0303:
		return "TLS 1.2"
	case versionTLS13:
		return "TLS 1.3"
	}
	switch v >> 8 {
	case 0x7f:
		return fmt.Sprintf("TLS 1.3 draft-%d", v&0xff)
	case 0xfb: // what Facebook's clients still speak
		return fmt.Sprintf("TLS 1.3 draft-%d-fb", v&0xff)
	}
	return fmt.Sprintf("0x%04x", v)
}
