package reassembly

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	oracle "github.com/gopacket/gopacket/reassembly"

	"eddy/internal/fastpath/capture"
	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/packet"
)

// lane is one direction between two ports.
type lane struct {
	src, dst         [16]byte
	srcPort, dstPort uint16
}

// heard is what came on a lane.
type heard struct {
	data []byte
	gap  bool // from here on the data is not comparable
	over bool // the connection was reset: nothing more is expected
}

// gopacketReader is gopacket's assembler with the streams it has found.
type gopacketReader struct {
	*oracle.Assembler
	lanes map[lane]*heard
}

func newGopacketReader() *gopacketReader {
	g := &gopacketReader{lanes: make(map[lane]*heard)}
	g.Assembler = oracle.NewAssembler(oracle.NewStreamPool(g))
	return g
}

// New implements oracle.StreamFactory.
func (g *gopacketReader) New(netFlow, tcpFlow gopacket.Flow, _ *layers.TCP, _ oracle.AssemblerContext) oracle.Stream {
	var l lane
	copy(l.src[:], netFlow.Src().Raw())
	copy(l.dst[:], netFlow.Dst().Raw())
	l.srcPort = binary.BigEndian.Uint16(tcpFlow.Src().Raw())
	l.dstPort = binary.BigEndian.Uint16(tcpFlow.Dst().Raw())
	return &gopacketStream{g, l}
}

func (g *gopacketReader) segment(netFlow gopacket.Flow, tcp *layers.TCP, at int64) {
	g.AssembleWithContext(netFlow, tcp, moment(at))
}

// moment is a capture time, ns since 1970.
type moment int64

func (m moment) GetCaptureInfo() gopacket.CaptureInfo {
	return gopacket.CaptureInfo{Timestamp: time.Unix(0, int64(m))}
}

type gopacketStream struct {
	reader *gopacketReader
	lane   lane // of the first packet
}

func (s *gopacketStream) Accept(_ *layers.TCP, _ gopacket.CaptureInfo, _ oracle.TCPFlowDirection, next oracle.Sequence, start *bool, _ oracle.AssemblerContext) bool {
	*start = *start || next < 0 // midstream
	return true
}

func (s *gopacketStream) ReassembledSG(sg oracle.ScatterGather, _ oracle.AssemblerContext) {
	dir, _, _, skip := sg.Info()
	h := on(s.reader.lanes, s.lane, dir == oracle.TCPDirServerToClient)
	n, _ := sg.Lengths()
	h.take(sg.Fetch(n), skip != 0)
}

func (s *gopacketStream) ReassemblyComplete(oracle.AssemblerContext) bool { return true }

func (h *heard) take(data []byte, gap bool) {
	h.gap = h.gap || gap
	if !h.gap {
		h.data = append(h.data, data...)
	}
}

// on gives what was heard on a lane, or on the one back.
func on(lanes map[lane]*heard, l lane, back bool) *heard {
	if back {
		l.src, l.dst, l.srcPort, l.dstPort = l.dst, l.src, l.dstPort, l.srcPort
	}
	if lanes[l] == nil {
		lanes[l] = new(heard)
	}
	return lanes[l]
}

// reader is ours: a flow table and an assembler.
type reader struct {
	table *flow.Table
	a     *Assembler
	lanes map[lane]*heard
}

func newReader() *reader {
	return &reader{flow.NewTable(flow.Options{}), New(Options{}), make(map[lane]*heard)}
}

// connection is one flow's stream and the Sink for it.
type connection struct {
	Stream
	reader *reader
	lane   lane
}

func (c *connection) heard(dir flow.Dir) *heard {
	return on(c.reader.lanes, c.lane, dir == flow.ToClient)
}

func (c *connection) Data(dir flow.Dir, _ int64, data []byte) { c.heard(dir).take(data, false) }
func (c *connection) Gap(dir flow.Dir, _, _ int64)            { c.heard(dir).take(nil, true) }
func (c *connection) End(flow.Dir, flow.End)                  {}

func (r *reader) ended(f *flow.Flow, why flow.End) {
	if c, ok := f.Hooks.(*connection); ok {
		r.a.Close(&c.Stream, c, why)
	}
}

func (r *reader) segment(p *packet.Packet) {
	f, dir, isNew := r.table.Packet(p, r.ended)
	if f == nil {
		return
	}
	if isNew {
		f.Hooks = &connection{reader: r, lane: lane{f.Key.Src, f.Key.Dst, f.Key.SrcPort, f.Key.DstPort}}
	}
	c := f.Hooks.(*connection)
	r.a.Segment(&c.Stream, dir, p, c)
	if p.Flags&packet.RST != 0 && c.over {
		c.heard(flow.ToServer).over = true
		c.heard(flow.ToClient).over = true
	}
}

// TestOracleGenerated: generated streams come out of gopacket's reassembly with the same bytes, up to the first gap.
func TestOracleGenerated(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 11))
		g := generate(r, traffic{
			size: 1 + r.IntN(30_000), segment: 1 + r.IntN(1460),
			reorder: r.IntN(15), duplicate: r.IntN(30), overlap: r.IntN(40), lose: r.IntN(2) * r.IntN(5),
		})
		theirs := newGopacketReader()
		for _, p := range g.segments {
			theirs.segment(gopacket.NewFlow(layers.EndpointIPv4, []byte{10, 0, 0, 1}, []byte{10, 0, 0, 2}), asLayer(p), 0)
		}
		theirs.FlushAll()
		rec := run(t, Options{}, g.segments)
		ours := rec.bytes[0]
		if gaps := rec.gaps[0]; len(gaps) > 0 {
			ours = ours[:gaps[0].from]
		}
		for _, h := range theirs.lanes {
			if !bytes.Equal(ours, h.data) {
				t.Fatalf("seed %d: %d bytes before a gap, gopacket has %d; they differ at %d", seed, len(ours), len(h.data), difference(ours, h.data))
			}
		}
	}
}

func asLayer(p *packet.Packet) *layers.TCP {
	tcp := &layers.TCP{
		SrcPort: 40000, DstPort: 80, Seq: p.Seq, Ack: p.Ack, Window: p.Window,
		SYN: p.Flags&packet.SYN != 0, ACK: p.Flags&packet.ACK != 0, FIN: p.Flags&packet.FIN != 0, RST: p.Flags&packet.RST != 0,
	}
	tcp.Contents = []byte{40000 >> 8, 40000 & 255, 0, 80}
	tcp.Payload = p.Payload()
	tcp.SetInternalPortsForTesting()
	return tcp
}

// TestOracleCaptures: so do the streams of real captures, as far as neither side misses a part.
func TestOracleCaptures(t *testing.T) {
	files, _ := filepath.Glob("../../../../shared/pcaps/*.pcap*")
	if len(files) == 0 {
		t.Skip("the real captures are not here: ../shared/pcaps beside the repository")
	}
	var lanes, compared, size int
	for _, file := range files {
		ours, theirs := newReader(), newGopacketReader()
		replay(t, file, func(p *packet.Packet) {
			ours.segment(p)
			netFlow, tcp := decode(p)
			if tcp != nil {
				theirs.segment(netFlow, tcp, p.Time)
			}
		})
		ours.table.Close(ours.ended)
		theirs.FlushAll()
		for l, want := range theirs.lanes {
			lanes++
			got := on(ours.lanes, l, false)
			if want.gap || got.gap {
				continue
			}
			compared++
			size += len(want.data)
			if got.over && len(got.data) < len(want.data) {
				want.data = want.data[:len(got.data)]
			}
			if !bytes.Equal(got.data, want.data) {
				t.Errorf("%s: port %d to %d: %d bytes, gopacket has %d; they differ at %d", filepath.Base(file), l.srcPort, l.dstPort,
					len(got.data), len(want.data), difference(got.data, want.data))
			}
		}
	}
	t.Logf("%d of %d directions compared, %d bytes", compared, lanes, size)
	if compared < 600 {
		t.Errorf("only %d directions of %d were compared", compared, lanes)
	}
}

// decode has gopacket find the TCP layer of a frame.
func decode(p *packet.Packet) (gopacket.Flow, *layers.TCP) {
	if p.Proto != 6 || p.Fragment {
		return gopacket.Flow{}, nil
	}
	g := gopacket.NewPacket(p.Data, layers.LinkType(p.Link), gopacket.NoCopy)
	tcp, _ := g.Layer(layers.LayerTypeTCP).(*layers.TCP)
	if tcp == nil || g.NetworkLayer() == nil {
		return gopacket.Flow{}, nil
	}
	return g.NetworkLayer().NetworkFlow(), tcp
}

func replay(t testing.TB, file string, each func(*packet.Packet)) {
	src, err := capture.Open(file, capture.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	decoder := packet.NewDecoder(packet.Options{})
	var p packet.Packet
	for {
		var damaged *capture.FileError
		switch err := src.Next(&p.Frame); {
		case errors.Is(err, io.EOF) || errors.As(err, &damaged):
			return
		case err != nil:
			t.Fatal(err)
		}
		decoder.Decode(&p)
		each(&p)
	}
}
