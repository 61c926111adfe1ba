package ledger

import (
	"context"
	"fmt"
	"testing"

	"eddy/internal/fastpath/counter"
	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/packet"
)

// A capture of 1,000,000 flows of one packet each, from the engine's counting to the flushed buckets: 20,000 packets a
// second of capture time. The figure is for one packet of one flow, on both sides.
func BenchmarkFlows(b *testing.B) {
	for _, hosts := range []int{5_000, 1_000_000} {
		b.Run(fmt.Sprint(hosts, " hosts"), func(b *testing.B) {
			registry, _ := testRegistry(b)
			l := New(Options{Registry: registry})
			ended := make(chan error, 1)
			go func() { ended <- l.Run(context.Background()) }()
			f := l.Feed(0, counter.Limits{})
			traffic := counter.NewTraffic(registry, f.Local(), nil)
			p := &packet.Packet{Frame: packet.Frame{Data: make([]byte, 60), Wire: 60}}
			b.ReportAllocs()
			now, i := at(0), 0
			for b.Loop() {
				if f.Due(now) {
					traffic.Tick()
				}
				f.Advance(now)
				fl := &flow.Flow{Key: flow.Key{Proto: 17, Version: 4, SrcPort: uint16(i), DstPort: uint16(i % 50)}}
				host := i % hosts
				fl.Key.Src = [16]byte{10, byte(host >> 16), byte(host >> 8), byte(host)}
				fl.Key.Dst = [16]byte{192, 168, 1, byte(host)}
				fl.Count[0] = flow.Count{Packets: 1, Bytes: 60}
				var mark counter.Mark
				traffic.FlowPacket(p, fl, flow.ToServer, &mark)
				traffic.End(fl, &mark, flow.Idle)
				now += 50_000
				i++
			}
			traffic.Tick()
			f.Close()
			l.Close(context.Background())
			if err := <-ended; err != nil {
				b.Fatal(err)
			}
		})
	}
}
