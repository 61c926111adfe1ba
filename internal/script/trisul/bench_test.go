package trisul

import (
	"math"
	"testing"

	"eddy/internal/fastpath/packet"
	"eddy/internal/offpath/queue"
	"eddy/internal/reentry"
)

// frame is an Ethernet frame with IPv4 and TCP, as the decoder gives it.
func frame() *packet.Packet {
	p := &packet.Packet{}
	p.Data = []byte("\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\x08\x00" +
		"\x45\x00\x00\x2d\xa3\xc8\x40\x00\x35\x06\x15\x4a\xc0\xa8\x01\x02\xd1\xd8\xf9\x3a" +
		"\x0b\x94\x00\x50\x00\x00\x00\x01\x00\x00\x00\x02\x50\x18\x01\x00\x00\x00\x00\x00hello")
	p.Time, p.Number, p.Wire, p.Link, p.Iface = 1258892321_250000000, 1, uint32(len(p.Data)), packet.LinkEthernet, 3
	p.Tuple = web().Key
	for _, l := range []packet.Layer{
		{Proto: packet.Ethernet, Off: 0, Len: 14}, {Proto: packet.IPv4, Off: 14, Len: 20}, {Proto: packet.TCP, Off: 34, Len: 20},
		{Proto: packet.Payload, Off: 54, Len: 5},
	} {
		p.Layers[p.NLayers] = l
		p.NLayers++
	}
	p.PayloadOff, p.PayloadLen = 54, 5
	return p
}

func counterPlugin(body string) string {
	return `TrisulPlugin = { id = { name = "count" }, simplecounter = {
  protocol_guid = "{0A2C724B-5B9F-4ba6-9C97-B05080558574}",
  onpacket = function(engine, layer)
` + body + `
  end } }`
}

// quiet is an engine that notes nothing.
type quiet struct{ *engine }

func (quiet) UpdateCounter(guid, key []byte, meter int, value float64) {}

func packetBodies() map[string]string {
	return map[string]string{
		"empty":   "",
		"counter": `engine:update_counter("{4CD742B1-C1CA-4708-BE78-0FCA2EB01A86}", "key", 0, 1)`,
		"bytes":   `engine:update_counter_bytes("{4CD742B1-C1CA-4708-BE78-0FCA2EB01A86}", "key", 0)`,
		"length":  `local n = layer:packet():wire_length()`,
		"byte":    `local n = layer:getbyte(9) + layer:rawbytes():hval_16(2)`,
		"flow":    `local f = layer:flowkey()`,
	}
}

// TestPacketAllocations keeps packet hooks free of garbage.
func TestPacketAllocations(t *testing.T) {
	for name, body := range packetBodies() {
		if name == "flow" {
			continue // a string is made
		}
		t.Run(name, func(t *testing.T) {
			r := one(t, counterPlugin(body))
			e := newEngine("0")
			h, err := r.Packets(quiet{e})
			if err != nil {
				t.Fatal(err)
			}
			p, f := frame(), web()
			h.Packet(p, f)
			if n := testing.AllocsPerRun(1000, func() { h.Packet(p, f) }); n > 0 {
				t.Errorf("%v allocations for a packet\n%s", n, r.logs())
			}
		})
	}
}

func BenchmarkPacket(b *testing.B) {
	for name, body := range packetBodies() {
		b.Run(name, func(b *testing.B) {
			r := one(b, counterPlugin(body))
			h, err := r.Packets(quiet{newEngine("0")})
			if err != nil {
				b.Fatal(err)
			}
			p, f := frame(), web()
			b.ReportAllocs()
			for b.Loop() {
				h.Packet(p, f)
			}
		})
	}
}

// BenchmarkPush is what a packet hook pays for a job that nobody does: the call of the hook included, which "empty" of
// BenchmarkPacket is.
func BenchmarkPush(b *testing.B) {
	for name, body := range map[string]string{
		"push":     `queue:push(job)`,
		"onresult": `queue:push(told)`,
		"schedule": `T.async:schedule(block)`,
	} {
		b.Run(name, func(b *testing.B) {
			r := one(b, `async.handler("h", print)
local queue, job, told = async.queue("idle"), { handler = "h", data = "0123456789" }, { handler = "h", data = "0123456789", onresult = print }
local block = { handler = "h", queue = "idle", data = "0123456789", onresult = print }
`+counterPlugin(body), withQueues(b, queue.Options{Name: "idle"}))
			e := newEngine("0")
			e.inbox = reentry.New(reentry.Options{Tickets: math.MaxInt32})
			h, err := r.Packets(quiet{e})
			if err != nil {
				b.Fatal(err)
			}
			p, f := frame(), web()
			b.ReportAllocs()
			for b.Loop() {
				h.Packet(p, f)
			}
			b.StopTimer()
			e.inbox.Close()
			if q, _ := r.queues.Queue("idle"); q.Stats().Pushed != uint64(b.N) {
				b.Errorf("%d pushed of %d: %s", q.Stats().Pushed, b.N, r.logs())
			}
		})
	}
}
