package counter

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"strings"
	"testing"

	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/learned"
	"eddy/internal/fastpath/packet"
)

func tcpKey(src, dst byte, port uint16) flow.Key {
	return flow.Key{Src: [16]byte{192, 168, 1, src}, Dst: [16]byte{8, 8, 8, dst}, SrcPort: 40000, DstPort: port, Proto: 6, Version: 4}
}

// meters gives the values that are not zero of a delta, as "group/key/meter".
func meters(d *Delta) map[string]float64 {
	m := map[string]float64{}
	for i := range d.Groups {
		g := &d.Groups[i]
		for row, key := range g.Keys {
			for meter := range g.Group.Meters {
				if v := g.Group.Value(g.Row(row), meter, 1); v != 0 {
					m[fmt.Sprintf("%s/%s/%d", g.Group.Name, key, meter)] += v
				}
			}
		}
	}
	return m
}

func expect(t *testing.T, d *Delta, want map[string]float64) {
	t.Helper()
	got := meters(d)
	if maps.Equal(got, want) {
		return
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s is %v, want %v", k, got[k], v)
		}
		delete(got, k)
	}
	for k, v := range got {
		t.Errorf("%s is %v, and should not be there", k, v)
	}
}

// touch says that a flow has got a packet, of which only the flow's own counts matter.
func touch(t *Traffic, f *flow.Flow, m *Mark) { t.FlowPacket(&packet.Packet{}, f, flow.ToServer, m) }

func TestTrafficOfAFlow(t *testing.T) {
	r := NewRegistry()
	l := NewLocal(r, Limits{})
	traffic := NewTraffic(r, l, nil)
	var d Delta

	f := &flow.Flow{Key: tcpKey(2, 8, 80), State: flow.Init | flow.SeenSYN | flow.SeenSYNACK,
		Count: [2]flow.Count{{Packets: 2, Bytes: 200}, {Packets: 1, Bytes: 1000}}}
	var mark Mark
	touch(traffic, f, &mark)
	touch(traffic, f, &mark)
	traffic.Tick()
	l.Flush(&d)
	expect(t, &d, map[string]float64{
		"Hosts/C0.A8.01.02/0": 1200, "Hosts/C0.A8.01.02/1": 1000, "Hosts/C0.A8.01.02/2": 200, "Hosts/C0.A8.01.02/3": 3,
		"Hosts/C0.A8.01.02/4": 1, "Hosts/C0.A8.01.02/8": 1, "Hosts/C0.A8.01.02/13": 1,
		"Hosts/08.08.08.08/0": 1200, "Hosts/08.08.08.08/1": 200, "Hosts/08.08.08.08/2": 1000, "Hosts/08.08.08.08/3": 3,
		"Hosts/08.08.08.08/4": 1, "Hosts/08.08.08.08/9": 1, "Hosts/08.08.08.08/10": 1, "Hosts/08.08.08.08/13": 1,
		"Apps/p-0050/0": 1200, "Apps/p-0050/2": 1000, "Apps/p-0050/3": 200, "Apps/p-0050/4": 1,
		"NetworkLayerStats/06/0": 1200, "NetworkLayerStats/06/1": 3, "NetworkLayerStats/06/2": 1, "NetworkLayerStats/06/3": 1,
		"Aggregates/DIR_OUTGOING/0": 1200, "Aggregates/DIR_OUTGOING/1": 3, "Aggregates/TOTALBW/1": 2, "Aggregates/TOTALBW/2": 1,
	})

	// Only what is new counts in the next tick, and the end is not counted twice.
	f.Count[flow.ToServer].Bytes, f.Count[flow.ToServer].Packets = 260, 3
	touch(traffic, f, &mark)
	traffic.End(f, &mark, flow.Closed)
	traffic.Tick()
	l.Flush(&d)
	expect(t, &d, map[string]float64{
		"Hosts/C0.A8.01.02/0": 60, "Hosts/C0.A8.01.02/2": 60, "Hosts/C0.A8.01.02/3": 1,
		"Hosts/08.08.08.08/0": 60, "Hosts/08.08.08.08/1": 60, "Hosts/08.08.08.08/3": 1,
		"Apps/p-0050/0": 60, "Apps/p-0050/3": 60,
		"NetworkLayerStats/06/0": 60, "NetworkLayerStats/06/1": 1, "NetworkLayerStats/06/2": -1,
		"Aggregates/DIR_OUTGOING/0": 60, "Aggregates/DIR_OUTGOING/1": 1, "Aggregates/TOTALBW/1": 1, "Aggregates/TOTALBW/2": -1,
	})
}

// Flows that end leave the list of touched ones whole, wherever they stand in it.
func TestTrafficEndsInAnyOrder(t *testing.T) {
	r := NewRegistry()
	l := NewLocal(r, Limits{})
	traffic := NewTraffic(r, l, nil)
	flows, marks := make([]flow.Flow, 5), make([]Mark, 5)
	for i := range flows {
		flows[i] = flow.Flow{Key: tcpKey(byte(i), 8, 443), Count: [2]flow.Count{{Packets: 1, Bytes: 100}}}
		touch(traffic, &flows[i], &marks[i])
	}
	for _, i := range []int{4, 0, 2} {
		traffic.End(&flows[i], &marks[i], flow.Finish)
		flows[i] = flow.Flow{} // the table uses it again
	}
	traffic.Tick()
	var d Delta
	l.Flush(&d)
	if got := meters(&d)["Apps/p-01BB/0"]; got != 500 {
		t.Errorf("%v bytes were counted, want 500", got)
	}
}

func ethernet(dst, src byte, etherType uint16, wire uint32) *packet.Packet {
	data := make([]byte, 60)
	data[0], data[5], data[6], data[11] = 2, dst, 2, src
	if dst == 0xFF {
		copy(data, "\xFF\xFF\xFF\xFF\xFF\xFF")
	}
	data[12], data[13] = byte(etherType>>8), byte(etherType)
	p := &packet.Packet{Frame: packet.Frame{Data: data, Wire: wire, Link: packet.LinkEthernet}, NLayers: 1}
	p.Layers[0] = packet.Layer{Proto: packet.Ethernet, Len: 14}
	return p
}

func TestTrafficOfPackets(t *testing.T) {
	r := NewRegistry()
	l := NewLocal(r, Limits{})
	traffic := NewTraffic(r, l, nil)
	for range 2 {
		traffic.Packet(ethernet(1, 2, 0x0800, 100))
	}
	traffic.Packet(ethernet(0xFF, 2, 0x0806, 60))
	traffic.Packet(ethernet(1, 2, 0x0026, 52))
	traffic.Tick()
	var d Delta
	l.Flush(&d)
	expect(t, &d, map[string]float64{
		"Aggregates/TOTALBW/0": 312, "Aggregates/TOTALBW/1": 4, "Aggregates/TOTALBW/3": 60, "Aggregates/TOTALBW/5": 252,
		"LinkLayerStats/0800/0": 200, "LinkLayerStats/0800/1": 2, "LinkLayerStats/0806/0": 60, "LinkLayerStats/0806/1": 1,
		"LinkLayerStats/LLC/0": 52, "LinkLayerStats/LLC/1": 1,
		"Mac/02:00:00:00:00:02/0": 312, "Mac/02:00:00:00:00:01/1": 252, "Mac/FF:FF:FF:FF:FF:FF/1": 60,
	})
}

// What Traffic and its parts add to cells goes by the meters' numbers.
func TestTrafficMetersAddUp(t *testing.T) {
	r := NewRegistry()
	for _, guid := range []string{Hosts, HostsIPv6, Apps, Aggregates, Mac, LinkLayerStats, NetworkLayerStats, VLANStats} {
		g := r.ByGUID(guid)
		for i, m := range g.Meters {
			if int(g.layout.at[i]) != i || m.Type != Counter && m.Type != RateCounter && m.Type != RunningCounter {
				t.Errorf("%s: meter %d (%s) has its cell at %d, type %d", g.Name, i, m.Name, g.layout.at[i], m.Type)
			}
		}
	}
}

// A flow goes on being counted for the same keys after the Local has forgotten them.
func TestTrafficAfterForgetting(t *testing.T) {
	r := NewRegistry()
	l := NewLocal(r, Limits{Keys: 1})
	traffic := NewTraffic(r, l, nil)
	f := &flow.Flow{Key: tcpKey(2, 8, 80)}
	var mark Mark
	var d Delta
	for range 3 {
		f.Count[flow.ToServer].Bytes += 100
		f.Count[flow.ToServer].Packets++
		touch(traffic, f, &mark)
		traffic.Tick()
		l.Flush(&d)
		got := meters(&d)
		if got["Hosts/C0.A8.01.02/2"] != 100 || got["Hosts/(other)/1"] != 100 || got["Apps/p-0050/0"] != 100 {
			t.Error(got)
		}
	}
}

// More addresses than are remembered: all are counted.
func TestStations(t *testing.T) {
	r := NewRegistry()
	l := NewLocal(r, Limits{})
	var s stations
	s.init(r.ByGUID(Mac))
	want, got := map[uint64]float64{}, map[uint64]float64{}
	var d Delta
	take := func() {
		s.tick(l)
		l.Flush(&d)
		for i := range d.Groups {
			for row, key := range d.Groups[i].Keys {
				raw, err := hex.DecodeString(strings.ReplaceAll(key, ":", ""))
				if err != nil {
					t.Fatal(err)
				}
				cells := d.Groups[i].Row(row)
				got[binary.BigEndian.Uint64(append(make([]byte, 2), raw...))] += cells[macSent]*1e6 + cells[macReceived]
			}
		}
	}
	var frame [14]byte
	var hints [7]near // most of them wrong
	for i := range 3 * maxStations / 2 {
		dst, src := uint64(i%1000), uint64(i)<<17
		binary.BigEndian.PutUint64(frame[:], dst<<16)
		binary.BigEndian.PutUint32(frame[6:], uint32(src>>16))
		binary.BigEndian.PutUint16(frame[10:], uint16(src))
		s.frame(l, frame[:12], 2, &hints[i%len(hints)], flow.Dir(i&1))
		want[dst] += 2
		want[src] += 2e6
		if i%10_000 == 0 {
			take()
		}
	}
	take()
	if !maps.Equal(got, want) {
		t.Errorf("%d addresses counted %d bytes, want %d and %d", len(got), int(sum(got)), len(want), int(sum(want)))
	}
}

func sum(m map[uint64]float64) (n float64) {
	for _, v := range m {
		n += v
	}
	return n
}

// Many addresses, and more types than there are places for: nothing is lost.
func TestTrafficOfManyStations(t *testing.T) {
	r := NewRegistry()
	l := NewLocal(r, Limits{})
	traffic := NewTraffic(r, l, nil)
	for i := range 20_000 {
		traffic.Packet(ethernet(byte(i%100), byte(i%83), uint16(0x800+i%30), 100))
	}
	traffic.Tick()
	var d Delta
	l.Flush(&d)
	var sent, types float64
	for _, v := range sums(&d, r.ByGUID(Mac), 0) {
		sent += v
	}
	for _, v := range sums(&d, r.ByGUID(LinkLayerStats), 0) {
		types += v
	}
	if sent != 2_000_000 || types != 2_000_000 {
		t.Errorf("%v bytes by address, %v by type, want 2,000,000", sent, types)
	}
}

func TestTrafficAllocatesNothing(t *testing.T) {
	r := NewRegistry()
	l := NewLocal(r, Limits{})
	traffic := NewTraffic(r, l, nil)
	p := ethernet(1, 2, 0x0800, 100)
	f := &flow.Flow{Key: tcpKey(2, 8, 80)}
	var mark Mark
	var d [2]Delta
	tick := 0
	round := func() {
		for range 10 {
			f.Count[0].Packets++
			traffic.FlowPacket(p, f, flow.ToServer, &mark)
		}
		traffic.Tick()
		l.Flush(&d[tick&1])
		tick++
	}
	for range 8 {
		round()
	}
	if n := testing.AllocsPerRun(100, round); n != 0 {
		t.Errorf("%v allocations in a tick of ten packets", n)
	}
}

func BenchmarkTraffic(b *testing.B) {
	b.Run("packet of a flow", func(b *testing.B) {
		r := NewRegistry()
		traffic := NewTraffic(r, NewLocal(r, Limits{}), nil)
		p := ethernet(1, 2, 0x0800, 100)
		f := &flow.Flow{Key: tcpKey(2, 8, 80)}
		var mark Mark
		b.ReportAllocs()
		for b.Loop() {
			traffic.FlowPacket(p, f, flow.ToServer, &mark)
		}
	})
	for _, hosts := range []int{5_000, 1_000_000} {
		b.Run(fmt.Sprint("flow and tick, 1M flows of ", hosts, " hosts"), func(b *testing.B) {
			r := NewRegistry()
			l := NewLocal(r, Limits{})
			traffic := NewTraffic(r, l, nil)
			flows := make([]flow.Flow, 1_000_000)
			marks := make([]Mark, len(flows))
			for i := range flows {
				host := i % hosts
				flows[i].Key = tcpKey(0, 0, uint16(i%1000))
				flows[i].Key.Src = [16]byte{10, byte(host >> 16), byte(host >> 8), byte(host)}
			}
			var d Delta
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				flows[i].Count[0].Bytes += 100
				touch(traffic, &flows[i], &marks[i])
				if i++; i%10_000 == 0 {
					traffic.Tick()
					l.Flush(&d)
				}
				if i == len(flows) {
					i = 0
				}
			}
		})
	}
}

func TestRecords(t *testing.T) {
	r := NewRegistry()
	l := NewLocal(r, Limits{})
	c := NewRecords(r, l)
	c.Count(&learned.Alert{Key: "SIG-1", Classification: "trojan", Priority: 2})
	c.Count(&learned.Alert{Key: "SIG-1", Priority: 1})
	c.Count(&learned.HTTP{Host: "example.com", ContentType: "Text/HTML; charset=utf-8", Length: 500})
	c.Count(&learned.TLS{Cipher: 0xC02F, Chain: []learned.Certificate{
		{Organization: "Example"}, {Organization: "Middle CA"}, {Subject: "CN=Root", SelfSigned: true}}})
	c.Count(&learned.File{})
	var d Delta
	l.Flush(&d)
	expect(t, &d, map[string]float64{
		"Alert Signatures/SIG-1/0": 2, "Alert Classes/trojan/0": 1, "Alert Priorities/1/0": 1, "Alert Priorities/2/0": 1,
		"HTTP Hosts/example.com/0": 500, "HTTP Content Types/text/html/0": 500,
		"TLS Cipher Suites/C02F/1": 1, "TLS Organizations/Example/1": 1,
		"TLS Certificate Authorities/Middle CA/0": 1, "TLS Certificate Authorities/CN=Root/1": 1,
	})
}

func TestReadable(t *testing.T) {
	r := NewRegistry()
	for _, c := range []struct{ guid, key, want string }{
		{Hosts, "C0.A8.01.02", "192.168.1.2"},
		{HostsIPv6, "FF020000000000000000000000000002", "ff02::2"},
		{internalHosts, "0A.00.00.01", "10.0.0.1"},
		{Hosts, "not.an.addr", ""},
		{Hosts, Totals, ""},
		{Apps, "p-0050", "80"},
		{Apps, "p-XYZ", ""},
		{NetworkLayerStats, "06", "TCP"},
		{LinkLayerStats, "86DD", "IPv6"},
		{HTTPHosts, "example.com", ""},
	} {
		if got := Readable(r.ByGUID(c.guid), c.key); got != c.want {
			t.Errorf("%s is %q, want %q", c.key, got, c.want)
		}
	}
}
