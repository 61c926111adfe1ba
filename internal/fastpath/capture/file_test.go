package capture_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"eddy/internal/fastpath/capture"
	"eddy/internal/fastpath/packet"
)

// listing reads a whole capture and writes a line for each frame; the last line is the error, unless it is io.EOF.
func listing(src capture.Source) string {
	var out strings.Builder
	var f packet.Frame
	for {
		err := src.Next(&f)
		var damage *capture.FileError
		switch {
		case err == nil:
			fmt.Fprintf(&out, "%d link %d iface %d time %d wire %d %q\n", f.Number, f.Link, f.Iface, f.Time, f.Wire, f.Data)
			continue
		case errors.As(err, &damage):
			fmt.Fprintf(&out, "at %d: %s\n", damage.Offset, damage.Text)
		case err != io.EOF:
			fmt.Fprintln(&out, err)
		}
		return out.String()
	}
}

// TestFormats reads the same two frames in every format.
func TestFormats(t *testing.T) {
	one, two := []byte("first"), []byte("the second")
	const (
		sec  = 1_700_000_000
		frac = 123_456
		us   = sec*1_000_000 + frac
		want = "1 link 1 iface 0 time 1700000000123456000 wire 5 \"first\"\n" +
			"2 link 1 iface 0 time 1700000000123456000 wire 60 \"the second\"\n"
		nano = "1 link 1 iface 0 time 1700000000123456789 wire 5 \"first\"\n" +
			"2 link 1 iface 0 time 1700000000123456789 wire 60 \"the second\"\n"
	)
	type format struct {
		name string
		data []byte
		want string
	}
	var formats []format
	for name, o := range map[string]order{"little-endian": binary.LittleEndian, "big-endian": binary.BigEndian} {
		add := func(kind, want string, parts ...[]byte) {
			formats = append(formats, format{name + " " + kind, cat(parts...), want})
		}
		add("pcap", want, pcapHead(o, 0xa1b2c3d4),
			pcapRecord(o, sec, frac, 5, one, nil), pcapRecord(o, sec, frac, 60, two, nil))
		add("pcap with nanoseconds", nano, pcapHead(o, 0xa1b23c4d),
			pcapRecord(o, sec, frac*1000+789, 5, one, nil), pcapRecord(o, sec, frac*1000+789, 60, two, nil))
		add("modified pcap", want, pcapHead(o, 0xa1b2cd34),
			pcapRecord(o, sec, frac, 5, one, make([]byte, 8)), pcapRecord(o, sec, frac, 60, two, make([]byte, 8)))
		add("pcapng", want, section(o), iface(o, 1, 0), enhanced(o, 0, us, 5, one),
			block(o, 5, make([]byte, 12)), enhanced(o, 0, us, 60, two), block(o, 0xbad, nil))
		add("pcapng with obsolete blocks", want, section(o), iface(o, 1, 0), obsolete(o, 0, us, 5, one), obsolete(o, 0, us, 60, two))
		add("pcapng with simple blocks", strings.ReplaceAll(want, "1700000000123456000", "0"),
			section(o), iface(o, 1, 10), simple(o, 5, one), simple(o, 60, []byte("the second, cut")))
		add("pcapng with nanoseconds", nano, section(o), iface(o, 1, 0, option(o, 2, []byte("eth0")), option(o, 9, []byte{9}), option(o, 0, nil)),
			enhanced(o, 0, us*1000+789, 5, one), enhanced(o, 0, us*1000+789, 60, two))
		add("pcapng with an offset", want, section(o), iface(o, 1, 0, option(o, 14, o.AppendUint64(nil, 1_600_000_000))),
			enhanced(o, 0, us-1_600_000_000_000_000, 5, one), enhanced(o, 0, us-1_600_000_000_000_000, 60, two))
	}
	dir := t.TempDir()
	for i, f := range formats {
		t.Run(f.name, func(t *testing.T) {
			path := filepath.Join(dir, fmt.Sprint(i))
			if err := os.WriteFile(path, f.data, 0o600); err != nil {
				t.Fatal(err)
			}
			zipped := path + ".gz"
			if err := os.WriteFile(zipped, packed(t, f.data), 0o600); err != nil {
				t.Fatal(err)
			}
			plain := open(t, path, capture.FileOptions{})
			gz := open(t, zipped, capture.FileOptions{})
			slow, err := capture.Read(iotest.OneByteReader(bytes.NewReader(f.data)), "bytes", capture.FileOptions{})
			if err != nil {
				t.Fatal(err)
			}
			for name, src := range map[string]*capture.File{"plain": plain, "gzip'd": gz, "byte by byte": slow} {
				if got := listing(src); got != f.want {
					t.Errorf("%s:\n%swant\n%s", name, got, f.want)
				}
				if done, total := src.Progress(); total != 0 && done != total {
					t.Errorf("%s: at the end, %d of %d bytes were read", name, done, total)
				}
				if s := src.Stats(); s.Packets != 2 || s.Bytes != 65 {
					t.Errorf("%s: %+v", name, s)
				}
			}
		})
	}
}

// TestSections reads a file with several sections, in different byte orders and with several interfaces.
func TestSections(t *testing.T) {
	var le, be order = binary.LittleEndian, binary.BigEndian
	data := cat(
		section(le), iface(le, 1, 0), iface(le, 101, 0, option(le, 9, []byte{6})), enhanced(le, 1, 1, 1, []byte("a")), enhanced(le, 0, 2, 1, []byte("b")),
		section(be), iface(be, 113, 0), enhanced(be, 0, 3, 1, []byte("c")), simple(be, 1, []byte("d")))
	f, err := capture.Read(bytes.NewReader(data), "bytes", capture.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	const want = `1 link 101 iface 1 time 1000 wire 1 "a"
2 link 1 iface 0 time 2000 wire 1 "b"
3 link 113 iface 2 time 3000 wire 1 "c"
4 link 113 iface 2 time 3000 wire 1 "d"
`
	if got := listing(f); got != want {
		t.Errorf("%swant\n%s", got, want)
	}
}

// TestClocks reads a timestamp of 3 ticks, or of as many as there can be, in several resolutions.
func TestClocks(t *testing.T) {
	var o order = binary.LittleEndian
	for _, c := range []struct {
		resol byte
		ticks uint64
		shift int64
		want  int64
	}{
		{0, 3, 0, 3e9}, {3, 3, 0, 3e6}, {9, 3, 0, 3}, {12, 3999, 0, 3}, {0x80, 3, 0, 3e9}, {0x81, 3, 0, 15e8},
		{0x80 | 20, 3 << 20, 0, 3e9}, {0x80 | 63, 3 << 62, 0, 15e8}, {9, 3, -2, 3 - 2e9},
		{0, 1<<64 - 1, 0, 1<<63 - 1}, {9, 1<<64 - 1, 0, 1<<63 - 1}, {127, 1<<64 - 1, 0, 1},
		{9, 3, 1<<63 - 1, 1<<63 - 1}, {9, 3, -1 << 63, -1 << 63},
	} {
		shift := option(o, 14, o.AppendUint64(nil, uint64(c.shift)))
		data := cat(section(o), iface(o, 1, 0, option(o, 9, []byte{c.resol}), shift), enhanced(o, 0, c.ticks, 0, nil))
		f, err := capture.Read(bytes.NewReader(data), "bytes", capture.FileOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var fr packet.Frame
		if err := f.Next(&fr); err != nil || fr.Time != c.want {
			t.Errorf("%#x, %d ticks, %d s: %d ns, %v; want %d", c.resol, c.ticks, c.shift, fr.Time, err, c.want)
		}
	}
}

// TestDamaged reads captures that are cut or wrong: what is whole comes first.
func TestDamaged(t *testing.T) {
	var o order = binary.LittleEndian
	pcap := cat(pcapHead(o, 0xa1b2c3d4), pcapRecord(o, 1, 0, 5, []byte("first"), nil))
	ng := cat(section(o), iface(o, 1, 0), enhanced(o, 0, 1e6, 5, []byte("first")))
	const good = "1 link 1 iface 0 time 1000000000 wire 5 \"first\"\n"
	wrongEnd := block(o, 5, make([]byte, 8))
	wrongEnd[len(wrongEnd)-4]++
	damagedGzip := packed(t, pcap)
	damagedGzip[len(damagedGzip)-8]++
	for _, c := range []struct {
		name string
		data []byte
		want string // of listing
	}{
		{"pcap, half a header", cat(pcap, make([]byte, 7)), "at 45: the file ends within a packet's header\n"},
		{"pcap, half a packet", cat(pcap, pcapRecord(o, 1, 0, 9, []byte("second"), nil)[:20]), "at 45: the file ends within a packet\n"},
		{"pcap, a huge packet", cat(pcap, o.AppendUint64(nil, 0), o.AppendUint64(nil, 300_000)), "at 45: a packet of 300000 bytes: the file is damaged\n"},
		{"pcapng, half a header", cat(ng, make([]byte, 7)), "at 88: the file ends within a block's header\n"},
		{"pcapng, half a block", cat(ng, enhanced(o, 0, 1, 5, []byte("second"))[:30]), "at 88: the file ends within a block\n"},
		{"pcapng, a huge block", cat(ng, o.AppendUint32(nil, 5), o.AppendUint32(nil, 17<<20), make([]byte, 4)), "at 88: a block of 17825792 bytes: the file is damaged\n"},
		{"pcapng, a tiny block", cat(ng, o.AppendUint32(nil, 5), o.AppendUint32(nil, 8), make([]byte, 4)), "at 88: a block of 8 bytes: the file is damaged\n"},
		{"pcapng, two lengths", cat(ng, wrongEnd), "at 88: a block of 20 bytes says at its end that it has 21\n"},
		{"pcapng, no such interface", cat(ng, enhanced(o, 1, 1, 5, nil)), "at 88: a packet of interface 1, which was not described\n"},
		{"pcapng, a packet larger than its block", cat(ng, block(o, 6, make([]byte, 12), o.AppendUint64(nil, 5))), "at 88: a packet of 5 bytes in a block of 32\n"},
		{"pcapng, no byte order", cat(ng, block(o, 0x0a0d0d0a, make([]byte, 16))), "at 88: a section begins with 0x00000000, not with the byte-order magic\n"},
		{"gzip, cut", packed(t, pcap)[:60], "at 45: the file ends within a packet's header\n"},
		{"gzip, damaged", damagedGzip, "at 45: reading a packet's header: gzip: invalid checksum\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := capture.Read(bytes.NewReader(c.data), "bytes", capture.FileOptions{})
			if err != nil {
				t.Fatal(err)
			}
			got := listing(f)
			if want := good + c.want; got != want {
				t.Errorf("%swant\n%s", got, want)
			}
			if again := listing(f); !strings.HasSuffix(got, again) {
				t.Errorf("asked again, it says %s", again)
			}
		})
	}
}

// TestNoCapture opens what is no capture.
func TestNoCapture(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct{ data, want string }{
		"empty":   {"", "the file is empty"},
		"short":   {"\xd4\xc3", "the file ends within its first four bytes"},
		"text":    {"hello, world", "begins with 68 65 6c 6c, which neither pcap nor pcapng does"},
		"cut":     {"\xd4\xc3\xb2\xa1\x02\x00", "the file ends within the header of the file"},
		"version": {string(pcapHead(binary.LittleEndian, 0xa1b2c3d4)[:4]) + "\x07" + strings.Repeat("\x00", 19), "pcap version 7 is not known, only 2"},
		"gzip":    {"\x1f\x8b\x08", "the file ends within the header of gzip"},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(c.data), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := capture.Open(path, capture.FileOptions{})
		var damage *capture.FileError
		if !errors.As(err, &damage) || damage.Text != c.want || damage.Path != path {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	if _, err := capture.Open(dir, capture.FileOptions{}); err == nil || !strings.Contains(err.Error(), "is a folder") {
		t.Errorf("a folder: %v", err)
	}
	if _, err := capture.Open(filepath.Join(dir, "missing"), capture.FileOptions{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

// TestClosed asks a closed file for frames.
func TestClosed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "capture")
	data := cat(pcapHead(binary.LittleEndian, 0xa1b2c3d4), pcapRecord(binary.LittleEndian, 1, 0, 5, []byte("first"), nil))
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := capture.Open(path, capture.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := f.Next(&packet.Frame{}); err != io.EOF {
		t.Errorf("got %v", err)
	}
}

// TestFileFilter reads what a filter wants, of interfaces with several link types.
func TestFileFilter(t *testing.T) {
	var o order = binary.LittleEndian
	one, two := datagram(1, 53, nil), datagram(1, 54, nil)
	data := cat(section(o), iface(o, 1, 0), iface(o, 101, 0), iface(o, 105, 0), enhanced(o, 0, 1, 0, one), enhanced(o, 1, 2, 0, one[14:]),
		enhanced(o, 0, 3, 0, two), enhanced(o, 1, 4, 0, two[14:]), enhanced(o, 0, 5, 0, one), enhanced(o, 2, 6, 0, one))
	f, err := capture.Read(bytes.NewReader(data), "bytes", capture.FileOptions{BPF: "udp port 53"})
	if err != nil {
		t.Fatal(err)
	}
	want := ""
	for _, w := range []struct {
		number, link, iface, time int
		data                      []byte
	}{{1, 1, 0, 1000, one}, {2, 101, 1, 2000, one[14:]}, {5, 1, 0, 5000, one}} {
		want += fmt.Sprintf("%d link %d iface %d time %d wire %d %q\n", w.number, w.link, w.iface, w.time, len(w.data), w.data)
	}
	want += "filter \"udp port 53\": at column 1: there are no filters for link type 105\n"
	if got := listing(f); got != want {
		t.Errorf("%swant\n%s", got, want)
	}
	if _, err := capture.Read(bytes.NewReader(data), "bytes", capture.FileOptions{BPF: "udp prot 53"}); err == nil {
		t.Error("a wrong filter was taken")
	}
}

// TestCutWhileRead reads a file that becomes shorter meanwhile: that is a damaged capture and nothing worse.
func TestCutWhileRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "capture")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := capture.NewWriter(file, packet.LinkEthernet, 0)
	fr := packet.Frame{Data: bytes.Repeat([]byte("eddy"), 50_000), Link: packet.LinkEthernet}
	for range 120 { // 24 MB
		if err := w.Write(&fr, -1); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Flush(), file.Close()); err != nil {
		t.Fatal(err)
	}
	f := open(t, path, capture.FileOptions{})
	var got packet.Frame
	before := int64(0)
	for n := 0; err == nil; n++ {
		if n == 20 {
			if err := os.Truncate(path, 8<<20); err != nil {
				t.Fatal(err)
			}
		}
		if err = f.Next(&got); err == nil && !bytes.Equal(got.Data, fr.Data) {
			t.Fatalf("the bytes of frame %d have changed", n)
		}
		if done, total := f.Progress(); done < before || done > total {
			t.Fatalf("%d of %d bytes, after %d", done, total, before)
		} else {
			before = done
		}
	}
	var damage *capture.FileError
	if !errors.As(err, &damage) || got.Number < 30 {
		t.Errorf("frame %d, then %v", got.Number, err)
	}
}

// TestReadNoAllocation reads a large capture without allocating for its packets.
func TestReadNoAllocation(t *testing.T) {
	var out bytes.Buffer
	w := capture.NewWriter(&out, packet.LinkEthernet, 0)
	fr := packet.Frame{Data: make([]byte, 1000), Link: packet.LinkEthernet, Wire: 1000}
	const n = 5000
	for range n {
		if err := w.Write(&fr, -1); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "capture")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, opts := range []capture.FileOptions{{}, {BPF: "less 2000"}} {
		f := open(t, path, opts)
		if err := f.Next(&fr); err != nil { // makes the buffer
			t.Fatal(err)
		}
		if allocs := testing.AllocsPerRun(n-2, func() {
			if err := f.Next(&fr); err != nil {
				t.Fatal(err)
			}
		}); allocs != 0 {
			t.Errorf("%+v: %v allocations for each packet", opts, allocs)
		}
	}
}
