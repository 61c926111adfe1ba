// Command capture writes shop.pcap, the small capture that docs/observed-lane.md and the examples work on: somebody looks
// up three names and fetches six things over HTTP. It writes the same bytes every time.
//
//	go run ./examples/observe/capture > examples/observe/shop.pcap
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	"eddy/test/traffic"
)

func main() {
	if err := shop().Write(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "capture:", err)
		os.Exit(1)
	}
}

// The machines.
var (
	visitor  = netip.MustParseAddr("192.168.7.20")
	resolver = netip.MustParseAddrPort("192.168.7.1:53")
	store    = netip.MustParseAddrPort("203.0.113.10:80")
	files    = netip.MustParseAddrPort("203.0.113.20:80")
	updates  = netip.MustParseAddrPort("198.51.100.66:80")
)

// shop is the capture.
func shop() *traffic.Tape {
	t := &traffic.Tape{Now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), Step: 700 * time.Microsecond}

	lookUp(t, 40001, "shop.example", store.Addr())
	c := t.Connect(netip.AddrPortFrom(visitor, 50001), store)
	c.Ask(get("shop.example", "/"), answer("text/html", "<html><img src=\"//files.example/logo.png\"><p>Everything must go.</html>\n"))
	c.Ask(get("shop.example", "/catalogue.json"), gzipped("application/json", strings.Repeat("{\"name\": \"teapot\", \"price\": 12},\n", 200)))
	order := "item=teapot&count=2&note=please+wrap+it"
	c.Ask([]byte(fmt.Sprintf("POST /order HTTP/1.1\r\nHost: shop.example\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", len(order), order)),
		answer("application/json", "{\"order\": 4711}\n"))
	c.Close()

	t.Now = t.Now.Add(30 * time.Second)
	lookUp(t, 40002, "files.example", files.Addr())
	c = t.Connect(netip.AddrPortFrom(visitor, 50002), files)
	c.Ask(get("files.example", "/logo.png"), answer("image/png", "\x89PNG\r\n\x1a\n"+noise(1, 5000)))
	c.Ask(get("files.example", "/manual.pdf"), chunked("application/pdf", "%PDF-1.7\n"+noise(2, 40_000)))
	c.Close()

	t.Now = t.Now.Add(time.Minute)
	lookUp(t, 40003, "updates.example", updates.Addr())
	c = t.Connect(netip.AddrPortFrom(visitor, 50003), updates)
	c.Ask(get("updates.example", "/setup.exe"), answer("application/octet-stream", "MZ"+noise(3, 12_000)))
	c.Close()
	return t
}

// lookUp asks the resolver for a name's address.
func lookUp(t *traffic.Tape, port uint16, name string, addr netip.Addr) {
	from := netip.AddrPortFrom(visitor, port)
	t.Datagram(from, resolver, dns(port, 0x0100, name))
	t.Datagram(resolver, from, dns(port, 0x8180, name, addr))
}

// dns is a message about a name's addresses (RFC 1035 §4): the question, and in an answer a record for each address.
func dns(id, flags uint16, name string, addrs ...netip.Addr) []byte {
	const typeA, classIN, ttl, backToName = 1, 1, 300, 0xc00c
	b := []byte{}
	for _, field := range []uint16{id, flags, 1, uint16(len(addrs)), 0, 0} {
		b = binary.BigEndian.AppendUint16(b, field)
	}
	for _, label := range strings.Split(name, ".") {
		b = append(append(b, byte(len(label))), label...)
	}
	b = append(b, 0, 0, typeA, 0, classIN)
	for _, a := range addrs {
		b = binary.BigEndian.AppendUint16(b, backToName)
		b = append(b, 0, typeA, 0, classIN)
		b = binary.BigEndian.AppendUint32(b, ttl)
		b = append(append(b, 0, 4), a.AsSlice()...)
	}
	return b
}

func get(host, path string) []byte {
	return []byte("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nUser-Agent: visitor/1.0\r\nAccept-Encoding: gzip\r\n\r\n")
}

func answer(kind, body string) []byte {
	return []byte(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", kind, len(body), body))
}

func chunked(kind, body string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n", kind)
	for len(body) > 0 {
		part := body[:min(4000, len(body))]
		fmt.Fprintf(&b, "%x\r\n%s\r\n", len(part), part)
		body = body[len(part):]
	}
	return []byte(b.String() + "0\r\n\r\n")
}

// gzipped stores rather than compresses, so that the bytes do not depend on the version of the compressor.
func gzipped(kind, body string) []byte {
	var z bytes.Buffer
	w, _ := gzip.NewWriterLevel(&z, gzip.NoCompression)
	_, _ = w.Write([]byte(body)) // into memory
	_ = w.Close()
	return []byte(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", kind, z.Len(), z.String()))
}

// noise is n bytes without a pattern, the same for the same seed (xorshift).
func noise(seed uint32, n int) string {
	b := make([]byte, n)
	x := seed * 2654435761
	for i := range b {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		b[i] = byte(x)
	}
	return string(b)
}
