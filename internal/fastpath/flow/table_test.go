package flow

import (
	"slices"
	"testing"
	"time"

	"eddy/internal/fastpath/packet"
)

// log writes down what a table ends.
type log struct {
	serials []uint64
	whys    []End
	states  []State
}

func (l *log) ended(f *Flow, why End) {
	l.serials = append(l.serials, f.Serial)
	l.whys = append(l.whys, why)
	l.states = append(l.states, f.State)
}

const (
	client = "10.0.0.1:40000"
	server = "10.0.0.2:80"
)

// tcp makes a packet from the client, or from the server if back. at counts seconds.
func tcp(at float64, back bool, flags uint8, seq, ack uint32, payload int) *packet.Packet {
	p := &packet.Packet{Tuple: key(6, client, server), Flags: flags, Seq: seq, Ack: ack}
	if back {
		p.Tuple = Reverse(p.Tuple)
	}
	p.Time = int64(at * 1e9)
	p.Data = make([]byte, 54+payload)
	p.Wire = uint32(len(p.Data))
	p.PayloadOff, p.PayloadLen = 54, uint32(payload)
	return p
}

func udpPacket(at float64, src, dst string) *packet.Packet {
	p := &packet.Packet{Tuple: key(17, src, dst)}
	p.Time = int64(at * 1e9)
	p.Wire = 60
	return p
}

const (
	syn    = packet.SYN
	synACK = packet.SYN | packet.ACK
	ack    = packet.ACK
	finACK = packet.FIN | packet.ACK
	rst    = packet.RST
)

func TestConnection(t *testing.T) {
	table := NewTable(Options{Engine: 3})
	var l log
	packets := []*packet.Packet{
		tcp(1, false, syn, 100, 0, 0),
		tcp(1.01, true, synACK, 500, 101, 0),
		tcp(1.03, false, ack, 101, 501, 0),
		tcp(1.04, false, ack|packet.PSH, 101, 501, 300),
		tcp(1.05, true, ack, 501, 401, 1000),
		tcp(1.06, true, finACK, 1501, 401, 0),
		tcp(1.07, false, finACK, 401, 1502, 0),
		tcp(1.08, true, ack, 1502, 402, 0),
	}
	var first *Flow
	for i, p := range packets {
		f, dir, isNew := table.Packet(p, l.ended)
		if first == nil {
			first = f
		}
		if f != first || isNew != (i == 0) || (dir == ToClient) != (p.SrcPort == 80) {
			t.Fatalf("packet %d: flow %v, direction %d, new %v", i, f, dir, isNew)
		}
	}
	if f := table.Find(parsed(t, ID(first.Key))); f != first {
		t.Errorf("by its id: %v", f)
	}
	want := Init | SeenSYN | SeenSYNACK | SeenACK | ZIsServer | SeenFIN | Terminated
	if first.State != want {
		t.Errorf("state %#x, want %#x", first.State, want)
	}
	if rtt := time.Duration(first.RTT); rtt != 30*time.Millisecond {
		t.Errorf("handshake took %v", rtt)
	}
	if first.Count != [2]Count{{4, 4*54 + 300, 300}, {4, 4*54 + 1000, 1000}} {
		t.Errorf("counts %v", first.Count)
	}
	if first.Start != 1e9 || first.Last != 1.08e9 || first.Serial != 3<<48+1 {
		t.Errorf("from %d to %d, serial %x", first.Start, first.Last, first.Serial)
	}
	table.Expire(31e9, l.ended)
	if len(l.whys) != 0 {
		t.Errorf("ended %v before its time", l.whys)
	}
	table.Expire(33e9, l.ended)
	if !slices.Equal(l.whys, []End{Closed}) || l.states[0] != want || table.Len() != 0 {
		t.Errorf("ended %v in state %#x, %d are left", l.whys, l.states, table.Len())
	}
}

func parsed(t *testing.T, id string) Key {
	k, err := ParseID(id)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestEnds has what ends flows, and how many flows packets make.
func TestEnds(t *testing.T) {
	established := []*packet.Packet{
		tcp(1, false, syn, 100, 0, 0), tcp(1.1, true, synACK, 500, 101, 0), tcp(1.2, false, ack, 101, 501, 10),
	}
	for _, c := range []struct {
		name    string
		packets []*packet.Packet
		flows   int
		whys    []End // in the order of their ends, those at the capture's end included
		states  State // bits of the first to end, of those that endBits has
	}{
		{"a SYN again", []*packet.Packet{tcp(1, false, syn, 100, 0, 0), tcp(2, false, syn, 100, 0, 0)},
			1, []End{Finish}, 0},
		{"another SYN, the first not answered", []*packet.Packet{tcp(1, false, syn, 100, 0, 0), tcp(2, false, syn, 900, 0, 0)},
			2, []End{Reused, Finish}, 0},
		{"SYNs from both sides", []*packet.Packet{tcp(1, false, syn, 100, 0, 0), tcp(1, true, syn, 900, 0, 0),
			tcp(1.1, false, synACK, 100, 901, 0), tcp(1.1, true, synACK, 900, 101, 0), tcp(2, false, ack, 101, 901, 5)},
			1, []End{Finish}, 0},
		{"refused, tried again with the same number", []*packet.Packet{tcp(1, false, syn, 100, 0, 0),
			tcp(1, true, rst|ack, 0, 101, 0), tcp(1.5, false, syn, 100, 0, 0), tcp(1.5, true, rst|ack, 0, 101, 0)},
			1, []End{Closed}, SeenRST},
		{"a new connection after both FINs", append(slices.Clone(established),
			tcp(2, false, finACK, 111, 501, 0), tcp(2, true, finACK, 501, 112, 0), tcp(2.1, false, syn, 7000, 0, 0)),
			2, []End{Closed, Finish}, SeenFIN | Terminated},
		{"a new connection after one FIN", append(slices.Clone(established),
			tcp(2, false, finACK, 111, 501, 0), tcp(2.1, false, syn, 7000, 0, 0)),
			2, []End{Reused, Finish}, SeenFIN | Incomplete},
		{"a new connection after RST", append(slices.Clone(established),
			tcp(2, true, rst, 501, 0, 0), tcp(2.1, false, syn, 7000, 0, 0)),
			2, []End{Closed, Finish}, SeenRST},
		{"a stray SYN in a connection", append(slices.Clone(established),
			tcp(2, false, syn, 7000, 0, 0), tcp(2.1, true, ack, 501, 111, 0), tcp(2.1, false, ack, 111, 501, 10)),
			1, []End{Finish}, 0},
		{"a stray SYN, and the first SYN-ACK again", append(slices.Clone(established),
			tcp(2, false, syn, 7000, 0, 0), tcp(2.1, true, synACK, 500, 101, 0), tcp(2.1, false, ack, 111, 501, 10)),
			1, []End{Finish}, 0},
		{"a SYN-ACK that answers nothing", []*packet.Packet{tcp(1, false, syn, 100, 0, 0), tcp(1.1, true, synACK, 500, 101, 0),
			tcp(1.1, true, synACK, 900, 777, 0), tcp(1.2, false, syn, 100, 0, 0)},
			1, []End{Finish}, 0},
		{"a SYN in a connection that the server accepts", append(slices.Clone(established),
			tcp(2, false, syn, 7000, 0, 0), tcp(2.1, true, synACK, 9000, 7001, 0), tcp(2.1, false, ack, 7001, 9001, 10)),
			2, []End{Reused, Finish}, 0},
		{"a SYN where the other side is never seen", []*packet.Packet{tcp(1, false, syn, 100, 0, 0),
			tcp(1.2, false, ack, 101, 501, 10), tcp(3, false, syn, 7000, 0, 0)},
			2, []End{Reused, Finish}, 0},
		{"a SYN-ACK captured before its SYN", []*packet.Packet{tcp(1, true, synACK, 500, 101, 0),
			tcp(1, false, syn, 100, 0, 0), tcp(1, false, ack, 101, 501, 0)},
			1, []End{Finish}, 0},
		{"a pause longer than the timeout", append(slices.Clone(established), tcp(1900, false, ack, 111, 501, 10)),
			2, []End{Idle, Finish}, TimedOut},
		{"time that goes back a bit", append(slices.Clone(established), tcp(0.5, false, ack, 111, 501, 10)),
			1, []End{Finish}, 0},
		{"UDP both ways", []*packet.Packet{udpPacket(1, "10.0.0.1:5000", "10.0.0.9:53"), udpPacket(2, "10.0.0.9:53", "10.0.0.1:5000")},
			1, []End{Finish}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			table := NewTable(Options{})
			var l log
			flows := 0
			for _, p := range c.packets {
				if _, _, isNew := table.Packet(p, l.ended); isNew {
					flows++
				}
			}
			table.Close(l.ended)
			if flows != c.flows || !slices.Equal(l.whys, c.whys) {
				t.Errorf("%d flows that ended %v, want %d and %v", flows, l.whys, c.flows, c.whys)
			}
			const endBits = Ended | Incomplete
			if got := l.states[0] & endBits; got != c.states {
				t.Errorf("the first ended in state %#x, want %#x", got, c.states)
			}
		})
	}
}

func TestClient(t *testing.T) {
	for _, c := range []struct {
		name   string
		p      *packet.Packet
		client uint16 // its port
	}{
		{"SYN", tcp(0, false, syn, 1, 0, 0), 40000},
		{"SYN-ACK", tcp(0, true, synACK, 1, 2, 0), 40000},
		{"midstream from a service's port", tcp(0, true, ack, 1, 2, 50), 40000},
		{"midstream to a service's port", tcp(0, false, ack, 1, 2, 50), 40000},
		{"a SYN tells more than ports", tcp(0, true, syn, 1, 0, 0), 80},
		{"between two high ports, who speaks first", udpPacket(0, "10.0.0.1:6000", "10.0.0.2:7000"), 6000},
		{"a DNS answer", udpPacket(0, "10.0.0.1:53", "10.0.0.2:7000"), 7000},
	} {
		table := NewTable(Options{})
		f, dir, _ := table.Packet(c.p, nil)
		if f.Key.SrcPort != c.client || (dir == ToServer) != (c.p.SrcPort == c.client) {
			t.Errorf("%s: client %d, direction %d", c.name, f.Key.SrcPort, dir)
		}
		if (f.State&AIsServer != 0) != (f.Key.DstPort > f.Key.SrcPort) {
			t.Errorf("%s: state %#x", c.name, f.State)
		}
	}
}

func TestNoFlow(t *testing.T) {
	for name, spoil := range map[string]func(*packet.Packet){
		"not IP":            func(p *packet.Packet) { p.Tuple = packet.Tuple{} },
		"a fragment":        func(p *packet.Packet) { p.Fragment = true },
		"no ports captured": func(p *packet.Packet) { p.Problem = packet.TruncatedTCP },
	} {
		p := tcp(0, false, syn, 1, 0, 0)
		spoil(p)
		table := NewTable(Options{})
		if f, _, isNew := table.Packet(p, nil); f != nil || isNew || table.Len() != 0 {
			t.Errorf("%s: %v", name, f)
		}
	}
}

func TestVLANs(t *testing.T) {
	table := NewTable(Options{})
	var flows []*Flow
	for _, vlan := range []uint32{7, 8} {
		p := tcp(0, false, syn, 1, 0, 0)
		p.Tuple.VLAN = vlan
		f, _, isNew := table.Packet(p, nil)
		if !isNew {
			t.Error("two VLANs share a flow")
		}
		flows = append(flows, f)
	}
	if f := table.Find(Reverse(flows[1].Key)); f != flows[1] {
		t.Errorf("by key: %v", f)
	}
	if f := table.Find(parsed(t, ID(flows[0].Key))); !slices.Contains(flows, f) {
		t.Errorf("by id: %v", f)
	}
	p, _, _ := table.Packet(tcp(0, false, syn, 1, 0, 0), nil)
	if f := table.Find(p.Key); f != p {
		t.Errorf("without VLAN: %v", f)
	}
}

// TestEviction: closed flows go first, then those that never got further than a SYN, then the one that is idle longest.
func TestEviction(t *testing.T) {
	table := NewTable(Options{MaxFlows: 5})
	var l log
	send := func(p *packet.Packet, port uint16) uint64 {
		p.SrcPort = port
		f, _, _ := table.Packet(p, l.ended)
		return f.Serial
	}
	first := send(tcp(1, false, ack, 1, 1, 1), 1000)
	second := send(udpPacket(2, client, server), 1001)
	third := send(tcp(3, false, ack, 1, 1, 1), 1002)
	half := send(tcp(5, false, syn, 1, 0, 0), 1003)
	gone := send(tcp(6, false, rst, 1, 0, 0), 1004)
	for i := range 5 {
		send(tcp(10+float64(i), false, ack, 1, 1, 1), uint16(2000+i))
	}
	if want := []uint64{gone, half, first, second, third}; !slices.Equal(l.serials, want) {
		t.Errorf("evicted %v, want %v", l.serials, want)
	}
	if !slices.Equal(l.whys, []End{Closed, Evicted, Evicted, Evicted, Evicted}) {
		t.Errorf("why: %v", l.whys)
	}
	if s := table.Stats(); s.Most != 5 || s.TCP != 9 || s.UDP != 1 || s.Ended[Evicted] != 4 {
		t.Errorf("%+v", s)
	}
}

// TestRTT: a SYN that was sent again counts from the second time.
func TestRTT(t *testing.T) {
	for _, c := range []struct {
		name    string
		packets []*packet.Packet
		want    time.Duration
	}{
		{"SYN again", []*packet.Packet{tcp(1, false, syn, 100, 0, 0), tcp(2, false, syn, 100, 0, 0),
			tcp(2.1, true, synACK, 500, 101, 0), tcp(2.25, false, ack, 101, 501, 0), tcp(3, false, ack, 101, 501, 9)},
			250 * time.Millisecond},
		{"no SYN", []*packet.Packet{tcp(1, true, synACK, 500, 101, 0), tcp(1.25, false, ack, 101, 501, 0)}, 0},
		{"the third packet is missing", []*packet.Packet{tcp(1, false, syn, 100, 0, 0), tcp(1.1, true, synACK, 500, 101, 0),
			tcp(1.3, true, ack, 501, 101, 9), tcp(1.5, false, ack, 101, 510, 0)}, 0},
	} {
		table := NewTable(Options{})
		var f *Flow
		for _, p := range c.packets {
			f, _, _ = table.Packet(p, nil)
		}
		if got := time.Duration(f.RTT); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// TestTimeJumps: a packet from the far future does not keep other flows from ending.
func TestTimeJumps(t *testing.T) {
	table := NewTable(Options{})
	var l log
	future, _, _ := table.Packet(udpPacket(1e6, "10.0.0.1:5000", "10.0.0.9:53"), l.ended)
	past, _, _ := table.Packet(udpPacket(1, "10.0.0.1:5001", "10.0.0.9:53"), l.ended)
	want := []uint64{past.Serial, future.Serial}
	table.Expire(302e9, l.ended)
	table.Expire(303e9, l.ended)
	table.Expire(1e15+302e9, l.ended)
	if !slices.Equal(l.serials, want) || !slices.Equal(l.whys, []End{Idle, Idle}) {
		t.Errorf("ended %v %v, want %v", l.serials, l.whys, want)
	}
}

// TestEndedSeesItsFlow: a flow can be found until the function has returned, and its memory is used again after.
func TestEndedSeesItsFlow(t *testing.T) {
	table := NewTable(Options{})
	f, _, _ := table.Packet(tcp(0, false, syn, 1, 0, 0), nil)
	f.Hooks = t
	table.Close(func(f *Flow, why End) {
		if table.Find(f.Key) != f || f.Hooks != t {
			t.Error("the flow is gone")
		}
	})
	again, _, _ := table.Packet(tcp(0, false, syn, 1, 0, 0), nil)
	if again != f || again.Hooks != nil || again.Serial == 1 {
		t.Errorf("the next flow has what the last one left: %+v", again)
	}
}
