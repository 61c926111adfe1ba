package shard

import (
	"context"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"eddy/internal/fastpath/capture"
	"eddy/internal/fastpath/counter"
	"eddy/internal/fastpath/digest"
	"eddy/internal/fastpath/extract"
	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/ledger"
	"eddy/internal/fastpath/packet"
	"eddy/internal/fastpath/ramfs"
	"eddy/internal/reentry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// nosy wants everything and looks at all it is given.
type nosy struct {
	noHooks
	t       testing.TB
	flows   map[uint64]bool // by serial: those that have begun and not ended
	heard   map[string]int
	files   int64 // bytes of files
	payload int64
}

func (n *nosy) Wants() Wants { return 1<<11 - 1 }

func (n *nosy) Packet(p *packet.Packet, f *flow.Flow) {
	n.heard["packet"]++
	_ = p.Payload()
	if f != nil && !n.flows[f.Serial] {
		n.t.Error("a packet of a flow that has not begun")
	}
}

func (n *nosy) FlowStart(f *flow.Flow) (payload, files bool) {
	if n.flows[f.Serial] {
		n.t.Error("a flow has begun twice")
	}
	n.flows[f.Serial] = true
	return true, true
}

func (n *nosy) FlowEnd(f *flow.Flow) {
	if !n.flows[f.Serial] {
		n.t.Error("a flow has ended that has not begun")
	}
	delete(n.flows, f.Serial)
}

func (n *nosy) Payload(_ *flow.Flow, _ flow.Dir, _ int64, data []byte) { n.payload += int64(len(data)) }

func (n *nosy) Attribute(_ *flow.Flow, name, _ string) { n.heard["attribute "+name]++ }

func (n *nosy) FileHead(_ *flow.Flow, x *extract.Exchange, dir flow.Dir) bool {
	n.heard["head"]++
	return true
}

func (n *nosy) HTTPPayload(_ *flow.Flow, _ *extract.Exchange, _ flow.Dir, path string, _ int64, data []byte) {
	if path == "" {
		n.t.Error("a body without a path")
	}
	n.heard["body"]++
}

func (n *nosy) File(_ *flow.Flow, _ *extract.Exchange, _ flow.Dir, file *ramfs.File, _ bool) {
	info, err := os.Stat(file.Path)
	if err != nil || info.Size() != file.Size {
		n.t.Errorf("file %s: %v", file.Path, err)
	}
	n.files += file.Size
}

// lab is a shard with a ledger that runs.
type lab struct {
	*Shard
	hooks  *nosy
	ledger *ledger.Ledger
	done   chan error
	store  *ramfs.Store
}

func newLab(t testing.TB) *lab {
	t.Helper()
	store, err := ramfs.Open(ramfs.Options{Dir: t.TempDir(), MaxBytes: 16 << 20})
	if err != nil {
		t.Fatal(err)
	}
	registry := counter.NewRegistry()
	l := ledger.New(ledger.Options{Registry: registry, Engines: 1})
	inbox := reentry.New(reentry.Options{})
	b := &lab{hooks: &nosy{t: t, flows: map[uint64]bool{}, heard: map[string]int{}}, ledger: l, done: make(chan error, 1), store: store}
	b.Shard = New(Options{
		Instance: "test", Files: store, Hashes: digest.SHA1, Registry: registry, Feed: l.Feed(0, counter.Limits{}), Inbox: inbox,
		Detail: Detail{Records: true, Resources: true, Documents: true, FlowStart: true, FlowUpdate: true, FlowSnapshot: true, FlowEnd: true},
		Post:   func(id, text string) {},
	})
	go func() { b.done <- l.Run(context.Background()) }()
	if err := b.Hang(b.hooks); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *lab) close(t testing.TB) {
	b.Shard.Close(context.Background())
	b.ledger.Close(context.Background())
	if err := <-b.done; err != nil {
		t.Error(err)
	}
	if len(b.hooks.flows) > 0 {
		t.Errorf("%d flows have not ended", len(b.hooks.flows))
	}
	if held := b.store.Stats().Held; held != 0 {
		t.Errorf("%d bytes of files are still held", held)
	}
	b.store.Close()
}

// TestHooks replays the project's capture for hooks that want everything.
func TestHooks(t *testing.T) {
	f, err := capture.Open(filepath.Join("../../../examples/observe/shop.pcap"), capture.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, d := newLab(t), packet.NewDecoder(packet.Options{})
	var p packet.Packet
	for f.Next(&p.Frame) != io.EOF {
		d.Decode(&p)
		b.Process(&p)
	}
	b.close(t)
	s := b.Stats()
	if b.hooks.heard["packet"] != int(s.Packets) || s.FilesWhole == 0 || b.hooks.files != int64(s.FileBytes) || b.hooks.payload == 0 {
		t.Errorf("%+v, heard %v, files %d", s, b.hooks.heard, b.hooks.files)
	}
	for _, name := range []string{"", "^D", "Host", "URI", "HTTP-Header", "Content-Type"} {
		if b.hooks.heard["attribute "+name] == 0 {
			t.Errorf("attribute %q was not told", name)
		}
	}
}

// FuzzShard gives frames of any content to an engine with hooks that want everything: nothing may fall over, flows begin
// and end once, and files are let go of.
func FuzzShard(f *testing.F) {
	frames := func(list ...[]byte) []byte {
		var out []byte
		for _, b := range list {
			out = binary.BigEndian.AppendUint16(out, uint16(len(b)))
			out = append(out, b...)
		}
		return out
	}
	cut := append(make([]byte, 12), "\x08\x00\x45\x00\x00\x28\x00\x00\x40\x00\x40\x06\x00\x00\x0a\x00\x00\x01\x0a\x00\x00\x02\x00\x50"...)
	f.Add(frames(cut))
	if src, err := capture.Open("../../../examples/observe/shop.pcap", capture.FileOptions{}); err == nil {
		var list [][]byte
		var fr packet.Frame
		for len(list) < 40 && src.Next(&fr) == nil {
			list = append(list, fr.Data)
		}
		f.Add(frames(list...))
		src.Close()
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, d := newLab(t), packet.NewDecoder(packet.Options{})
		var now int64 = 1e18
		for len(data) > 2 {
			n := min(int(binary.BigEndian.Uint16(data)), len(data)-2)
			p := packet.Packet{Frame: packet.Frame{Data: data[2 : 2+n], Time: now, Wire: uint32(n), Link: packet.LinkEthernet}}
			data = data[2+n:]
			now += 1e8
			d.Decode(&p)
			b.Process(&p)
		}
		b.close(t)
	})
}

// TestGivenUp has more flows wait for the rest of what they began than there is memory for: the oldest are given up.
func TestGivenUp(t *testing.T) {
	b, d := newLab(t), packet.NewDecoder(packet.Options{})
	const size, flows = 60_000, 2*maxHeld/60_000 + 1
	half := append([]byte{0xff, 0xff}, make([]byte, size)...) // of a DNS message over TCP
	frame := append(make([]byte, 12), "\x08\x00\x45\x00\x00\x00\x00\x00\x40\x00\x40\x06\x00\x00\x0a\x00\x00\x01\x0a\x00\x00\x02\x00\x00\x00\x35"...)
	frame = append(frame, make([]byte, 16)...)
	frame[46], frame[47] = 5<<4, packet.ACK
	frame = append(frame, half...)
	binary.BigEndian.PutUint16(frame[16:], uint16(len(frame)-14))
	for i := range flows {
		binary.BigEndian.PutUint16(frame[34:], uint16(1024+i))
		p := packet.Packet{Frame: packet.Frame{Data: frame, Time: 1e18, Wire: uint32(len(frame)), Link: packet.LinkEthernet}}
		d.Decode(&p)
		b.Process(&p)
		if b.holders.bytes > maxHeld {
			t.Fatalf("%d bytes are held", b.holders.bytes)
		}
	}
	if n := b.Stats().GivenUp; n < flows/2 || n == flows {
		t.Errorf("%d of %d flows were given up", n, flows)
	}
	b.close(t)
	if b.holders != (holders{}) {
		t.Errorf("at the end there is %+v", b.holders)
	}
}

func TestLiberal(t *testing.T) {
	for _, tt := range []struct{ a, b, want int }{
		{-1, -1, -1}, {-1, 0, 0}, {0, -1, 0}, {0, 1, 1}, {2, 0, 2}, {2, 5, 5}, {5, 4, 4}, {4, 3, 3}, {3, 6, 6}, {6, 1, 1}, {1, 2, 1}, {-1, 77, -1}, {0, 77, 0},
	} {
		if got := liberal(tt.a, tt.b); got != tt.want {
			t.Errorf("%d and %d: %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
