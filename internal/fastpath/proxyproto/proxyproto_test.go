package proxyproto

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"
)

// v2 builds a binary header out of its parts.
func v2(verCmd, fam byte, block ...byte) string {
	b := append([]byte(signature), verCmd, fam)
	b = binary.BigEndian.AppendUint16(b, uint16(len(block)))
	return string(append(b, block...))
}

// withCRC adds a checksum TLV whose value is wrong by the given amount.
func withCRC(header string, wrong uint32) string {
	b := append([]byte(header), typeCRC32C, 0, 4, 0, 0, 0, 0)
	binary.BigEndian.PutUint16(b[14:], uint16(len(b)-headV2))
	sum := crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
	binary.BigEndian.PutUint32(b[len(b)-4:], sum+wrong)
	return string(b)
}

var (
	inet  = []byte{192, 0, 2, 1, 192, 0, 2, 2, 0x10, 0xe1, 0, 80}
	inet6 = append(append(append([]byte{0x20, 1, 0xd, 0xb8}, make([]byte, 11)...), 1), append(append([]byte{0x20, 1, 0xd, 0xb8}, make([]byte, 11)...), 2, 0, 1, 1, 0)...)
)

func TestParse(t *testing.T) {
	tests := []struct {
		name, in string
		want     string // source and destination, or the error
	}{
		{"v1", "PROXY TCP4 192.0.2.1 192.0.2.2 4321 80\r\n", "1 192.0.2.1:4321 192.0.2.2:80"},
		{"v1 IPv6", "PROXY TCP6 2001:db8::1 2001:db8::2 0 65535\r\n", "1 [2001:db8::1]:0 [2001:db8::2]:65535"},
		{"v1 longest", "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
			"1 [ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535 [ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
		{"v1 unknown", "PROXY UNKNOWN\r\n", "1 unknown"},
		{"v1 unknown with more", "PROXY UNKNOWN " + strings.Repeat("x", 107-16) + "\r\n", "1 unknown"},
		{"v1 too long", "PROXY UNKNOWN " + strings.Repeat("x", 107-15) + "\r\n", ErrTooLong.Error()},
		{"v1 endless", "PROXY UNKNOWN " + strings.Repeat("x", 200), ErrTooLong.Error()},
		{"v1 bare LF", "PROXY TCP4 192.0.2.1 192.0.2.2 4321 80\n", ErrLine.Error()},
		{"v1 bare CR", "PROXY TCP4 192.0.2.1 192.0.2.2 4321 80\rX", ErrLine.Error()},
		{"v1 two blanks", "PROXY TCP4  192.0.2.1 192.0.2.2 4321 80\r\n", ErrLine.Error()},
		{"v1 blank at the end", "PROXY TCP4 192.0.2.1 192.0.2.2 4321 80 \r\n", ErrLine.Error()},
		{"v1 field missing", "PROXY TCP4 192.0.2.1 192.0.2.2 4321\r\n", ErrLine.Error()},
		{"v1 no field", "PROXY \r\n", ErrLine.Error()},
		{"v1 other family", "PROXY UDP4 192.0.2.1 192.0.2.2 4321 80\r\n", ErrLine.Error()},
		{"v1 family and address differ", "PROXY TCP4 2001:db8::1 2001:db8::2 4321 80\r\n", ErrLine.Error()},
		{"v1 zone", "PROXY TCP6 fe80::1%eth0 fe80::2 4321 80\r\n", ErrLine.Error()},
		{"v1 octal address", "PROXY TCP4 192.0.02.1 192.0.2.2 4321 80\r\n", ErrLine.Error()},
		{"v1 octal port", "PROXY TCP4 192.0.2.1 192.0.2.2 04321 80\r\n", ErrLine.Error()},
		{"v1 signed port", "PROXY TCP4 192.0.2.1 192.0.2.2 +4321 80\r\n", ErrLine.Error()},
		{"v1 port too big", "PROXY TCP4 192.0.2.1 192.0.2.2 65536 80\r\n", ErrLine.Error()},
		{"small letters", "proxy TCP4 192.0.2.1 192.0.2.2 4321 80\r\n", ErrNone.Error()},
		{"HTTP", "GET / HTTP/1.1\r\n", ErrNone.Error()},

		{"v2", v2(0x21, 0x11, inet...), "2 192.0.2.1:4321 192.0.2.2:80"},
		{"v2 IPv6", v2(0x21, 0x21, inet6...), "2 [2001:db8::1]:1 [2001:db8::2]:256"},
		{"v2 local", v2(0x20, 0x00), "2 unknown"},
		{"v2 local with addresses", v2(0x20, 0x11, inet...), "2 unknown"},
		{"v2 unspecified", v2(0x21, 0x00, 1, 2, 3), "2 unknown"},
		{"v2 UDP", v2(0x21, 0x12, inet...), "2 unknown"},
		{"v2 unix", v2(0x21, 0x31, make([]byte, 216)...), "2 unknown"},
		{"v2 TLVs", v2(0x21, 0x11, append(inet[:12:12], 4, 0, 0, 0xe0, 0, 2, 1, 2)...), "2 192.0.2.1:4321 192.0.2.2:80"},
		{"v2 checksum", withCRC(v2(0x21, 0x11, inet...), 0), "2 192.0.2.1:4321 192.0.2.2:80"},
		{"v2 wrong checksum", withCRC(v2(0x21, 0x11, inet...), 1), ErrCRC.Error()},
		{"v2 short checksum", v2(0x21, 0x11, append(inet[:12:12], 3, 0, 1, 1)...), ErrBinary.Error()},
		{"v2 TLV past the end", v2(0x21, 0x11, append(inet[:12:12], 4, 0, 1)...), ErrBinary.Error()},
		{"v2 piece of a TLV", v2(0x21, 0x11, append(inet[:12:12], 4, 0)...), ErrBinary.Error()},
		{"v2 short block", v2(0x21, 0x11, inet[:11]...), ErrBinary.Error()},
		{"v2 short unix block", v2(0x21, 0x31, make([]byte, 215)...), ErrBinary.Error()},
		{"v2 other version", v2(0x11, 0x11, inet...), ErrBinary.Error()},
		{"v2 other command", v2(0x22, 0x11, inet...), ErrBinary.Error()},
		{"v2 other family", v2(0x21, 0x41, inet...), ErrBinary.Error()},
		{"v2 other transport", v2(0x21, 0x13, inet...), ErrBinary.Error()},
		{"v2 too long", v2(0x21, 0x00, make([]byte, 4096)...), ErrTooLong.Error()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, n, err := Parse([]byte(tt.in + "GET"))
			got := fmt.Sprint(h.Version, " ", h.Src, " ", h.Dst)
			switch {
			case err != nil:
				got = err.Error()
			case n != len(tt.in):
				t.Errorf("length %d, want %d", n, len(tt.in))
			case !h.Known():
				got = fmt.Sprint(h.Version, " unknown")
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if err != nil {
				return
			}
			for i := range tt.in {
				if _, n, err := Parse([]byte(tt.in[:i])); n != 0 || err != nil {
					t.Fatalf("first %d bytes: %d, %v", i, n, err)
				}
			}
		})
	}
}

func TestAppend(t *testing.T) {
	a4, b4 := netip.MustParseAddrPort("192.0.2.1:4321"), netip.MustParseAddrPort("192.0.2.2:80")
	a6, b6 := netip.MustParseAddrPort("[2001:db8::1]:4321"), netip.MustParseAddrPort("[fe80::2%eth0]:80")
	mapped := netip.MustParseAddrPort("[::ffff:192.0.2.2]:80")
	none := netip.AddrPort{}
	tests := []struct {
		src, dst netip.AddrPort
		v1       string
		known    bool
	}{
		{a4, b4, "PROXY TCP4 192.0.2.1 192.0.2.2 4321 80\r\n", true},
		{a4, mapped, "PROXY TCP4 192.0.2.1 192.0.2.2 4321 80\r\n", true},
		{a6, b6, "PROXY TCP6 2001:db8::1 fe80::2 4321 80\r\n", true},
		{a4, b6, "PROXY TCP6 ::ffff:192.0.2.1 fe80::2 4321 80\r\n", true},
		{none, b4, "PROXY UNKNOWN\r\n", false},
	}
	for _, tt := range tests {
		if got := string(Append(nil, 1, tt.src, tt.dst)); got != tt.v1 {
			t.Errorf("got %q, want %q", got, tt.v1)
		}
		for _, version := range []int{1, 2} {
			b := Append(nil, version, tt.src, tt.dst)
			h, n, err := Parse(b)
			if err != nil || n != len(b) || h.Version != version || h.Known() != tt.known {
				t.Errorf("%q: %+v, %d, %v", b, h, n, err)
			}
			if tt.known && (h.Src != unmap(tt.src) || h.Dst != unmap(tt.dst)) {
				t.Errorf("%q: %v %v", b, h.Src, h.Dst)
			}
		}
	}
}

// pair gives the two ends of a TCP connection.
func pair(t *testing.T) (client, server net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err = net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

// TestRead: a header that comes in pieces is read to its end and not further.
func TestRead(t *testing.T) {
	for _, header := range []string{
		"PROXY TCP4 192.0.2.1 192.0.2.2 4321 80\r\n",
		v2(0x21, 0x11, append(inet[:12:12], append([]byte{4, 3, 0}, make([]byte, 768)...)...)...),
	} {
		client, server := pair(t)
		sent := make(chan error, 1)
		go func() {
			var err error
			for _, piece := range []string{header[:1], header[1:20], header[20 : len(header)-1], header[len(header)-1:] + "GET /"} {
				_, e := io.WriteString(client, piece)
				err = errors.Join(err, e)
			}
			sent <- err
		}()
		h, err := Read(server)
		if err != nil || h.Src.String() != "192.0.2.1:4321" {
			t.Errorf("%q: %+v, %v", header, h, err)
		}
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
		rest := make([]byte, 5)
		if _, err := io.ReadFull(server, rest); err != nil || string(rest) != "GET /" {
			t.Errorf("rest: %q, %v", rest, err)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	client, server := pair(t)
	_, _ = io.WriteString(client, "GET / HTTP/1.1\r\n")
	if _, err := Read(server); err != ErrNone {
		t.Errorf("HTTP: %v", err)
	}
	client, server = pair(t)
	_, _ = io.WriteString(client, "PROXY TCP4")
	client.Close()
	if _, err := Read(server); err != io.ErrUnexpectedEOF {
		t.Errorf("closed: %v", err)
	}
	client, server = pair(t)
	_, _ = io.WriteString(client, "PROXY TCP4")
	_ = server.SetReadDeadline(time.Now().Add(time.Millisecond))
	if _, err := Read(server); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("silent: %v", err)
	}
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if _, err := Read(a); err == nil {
		t.Error("a pipe is no socket")
	}
}

// FuzzProxyProto: a header that is accepted needs exactly its bytes, and written anew says the same.
func FuzzProxyProto(f *testing.F) {
	for _, seed := range []string{
		"PROXY TCP4 192.0.2.1 192.0.2.2 4321 80\r\nGET /",
		"PROXY TCP6 2001:db8::1 ::ffff:1.2.3.4 4321 80\r\n",
		"PROXY UNKNOWN x y\r\n",
		v2(0x21, 0x11, inet...), v2(0x21, 0x21, inet6...), v2(0x20, 0),
		withCRC(v2(0x21, 0x11, inet...), 0),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		h, n, err := Parse(in)
		if err != nil || n == 0 {
			if h.Known() {
				t.Fatalf("%q: addresses without a header", in)
			}
			return
		}
		for i := range n {
			if _, m, err := Parse(in[:i]); m != 0 || err != nil {
				t.Fatalf("%q: first %d bytes give %d, %v", in, i, m, err)
			}
		}
		if !h.Known() {
			return
		}
		sent := Append(nil, h.Version, h.Src, h.Dst)
		again, m, err := Parse(sent)
		if err != nil || m != len(sent) || again != h || !bytes.Equal(Append(nil, h.Version, again.Src, again.Dst), sent) {
			t.Fatalf("%q is sent as %q: %+v, %d, %v", in, sent, again, m, err)
		}
	})
}
