package capture_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"eddy/internal/fastpath/capture"
	"eddy/internal/fastpath/packet"
)

// pcaps is the folder of real captures beside the repository. Where it is missing, the test is skipped.
func pcaps(t testing.TB) string {
	dir, err := filepath.Abs("../../../../shared/pcaps")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("the real captures are not here: %v", err)
	}
	return dir
}

// counted is a line of counts.tsv.
type counted struct {
	path     string
	packets  int
	tcp, udp int // conversations
}

func counts(t testing.TB) []counted {
	dir := pcaps(t)
	text, err := os.ReadFile(filepath.Join(dir, "counts.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	var all []counted
	for line := range strings.Lines(string(text)) {
		field := strings.Split(strings.TrimSpace(line), "\t")
		if field[0] == "pcap" {
			continue
		}
		number := func(i int) int {
			n, err := strconv.Atoi(field[i])
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		all = append(all, counted{filepath.Join(dir, field[0]), number(1), number(2), number(3)})
	}
	if len(all) == 0 {
		t.Fatal("counts.tsv is empty")
	}
	return all
}

// each calls do for every frame of a capture.
func each(t testing.TB, src capture.Source, do func(*packet.Packet)) {
	var p packet.Packet
	for {
		err := src.Next(&p.Frame)
		var damage *capture.FileError
		switch {
		case err == io.EOF:
			return
		case errors.As(err, &damage) && damage.Text == "the file ends within a packet's header":
			t.Log(err) // one of the captures has a byte too many
			return
		case err != nil:
			t.Fatal(err)
		}
		do(&p)
	}
}

func open(t testing.TB, path string, opts capture.FileOptions) *capture.File {
	f, err := capture.Open(path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// conversation is a flow as tshark counts it: VLANs don't matter.
type conversation struct {
	a, b [18]byte
	ip   uint8
}

func converse(p *packet.Packet) conversation {
	end := func(addr [16]byte, port uint16) (e [18]byte) {
		copy(e[:], addr[:])
		e[16], e[17] = byte(port>>8), byte(port)
		return e
	}
	c := conversation{end(p.Src, p.SrcPort), end(p.Dst, p.DstPort), p.Version}
	if string(c.a[:]) > string(c.b[:]) {
		c.a, c.b = c.b, c.a
	}
	return c
}

// TestCaptures reads the real captures and counts what tshark counted.
func TestCaptures(t *testing.T) {
	for _, want := range counts(t) {
		if filepath.Base(want.path) == "zeek_ipv4_fragmented-1.pcap" {
			// An attack with overlapping fragments: tshark makes a datagram of it; a host that is not ill drops them.
			want.udp = 0
		}
		t.Run(filepath.Base(want.path), func(t *testing.T) {
			f := open(t, want.path, capture.FileOptions{})
			d := packet.NewDecoder(packet.Options{})
			packets := 0
			tcp, udp := map[conversation]bool{}, map[conversation]bool{}
			each(t, f, func(p *packet.Packet) {
				packets++
				if p.Number != uint64(packets) {
					t.Fatalf("packet %d has the number %d", packets, p.Number)
				}
				d.Decode(p)
				switch {
				case p.Fragment:
				case p.Proto == 6:
					tcp[converse(p)] = true
				case p.Proto == 17:
					udp[converse(p)] = true
				}
			})
			if packets != want.packets {
				t.Errorf("%d packets, want %d", packets, want.packets)
			}
			if len(tcp) != want.tcp || len(udp) != want.udp {
				t.Errorf("%d TCP and %d UDP conversations, want %d and %d", len(tcp), len(udp), want.tcp, want.udp)
			}
			for i, n := range d.Problems() {
				if n > 0 {
					t.Logf("%v: %d", packet.Problem(i), n)
				}
			}
		})
	}
}
