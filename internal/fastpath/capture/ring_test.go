package capture_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"eddy/internal/fastpath/capture"
	"eddy/internal/fastpath/packet"
)

// cable gives this test a network namespace of its own, with two interfaces, "left" and "right", that a cable joins. The
// test is skipped where that is not permitted.
func cable(t *testing.T) {
	t.Helper()
	runtime.LockOSThread() // never unlocked: the thread ends with the test, and the namespace with it
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Skipf("no network namespace can be made: %v", err)
	}
	if err := os.WriteFile("/proc/sys/net/ipv6/conf/default/disable_ipv6", []byte("1"), 0); err != nil {
		t.Logf("IPv6 speaks too: %v", err)
	}
	run(t, "link add left type veth peer name right")
	for _, dev := range []string{"lo", "left", "right"} {
		run(t, "link set "+dev+" up")
	}
	plugged(t)
}

// plugged waits until frames go through the cable: before, they are lost.
func plugged(t *testing.T) {
	t.Helper()
	for tries := 0; ; tries++ {
		running := 0
		for _, name := range []string{"left", "right"} {
			if dev, err := net.InterfaceByName(name); err == nil && dev.Flags&net.FlagRunning != 0 {
				running++
			}
		}
		if running == 2 {
			return
		}
		if tries == 1000 {
			t.Fatal("the cable does not come up")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// run runs ip(8) in the test's namespace.
func run(t *testing.T, args string) {
	t.Helper()
	out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip(err)
	}
	if err != nil {
		t.Skipf("ip %s: %v: %s", args, err, out)
	}
}

// sender sends frames on an interface.
type sender struct {
	t  *testing.T
	fd int
	to unix.SockaddrLinklayer
}

func sendOn(t *testing.T, name string) *sender {
	t.Helper()
	dev, err := net.InterfaceByName(name)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	return &sender{t, fd, unix.SockaddrLinklayer{Ifindex: dev.Index}}
}

func (s *sender) send(frame []byte) {
	s.t.Helper()
	if err := unix.Sendto(s.fd, frame, 0, &s.to); err != nil {
		s.t.Fatal(err)
	}
}

// datagram is an Ethernet frame with an UDP datagram.
func datagram(src, dst uint16, payload []byte) []byte {
	be := binary.BigEndian
	b := []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0}
	b = be.AppendUint16(b, uint16(28+len(payload)))
	b = append(b, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2)
	b = be.AppendUint16(be.AppendUint16(b, src), dst)
	b = append(be.AppendUint16(b, uint16(8+len(payload))), 0, 0)
	return append(b, payload...)
}

// tagged puts a VLAN tag into a frame.
func tagged(id uint16, frame []byte) []byte {
	tag := binary.BigEndian.AppendUint16([]byte{0x81, 0}, id)
	return cat(frame[:12], tag, frame[12:])
}

// live starts to capture.
func live(t *testing.T, opts capture.LiveOptions) *capture.Ring {
	t.Helper()
	r, err := capture.Live(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// receive takes UDP datagrams to the given port until as many have come as are wanted.
func receive(t *testing.T, r *capture.Ring, port uint16, want int) []packet.Packet {
	t.Helper()
	d := packet.NewDecoder(packet.Options{})
	var got []packet.Packet
	for idle := 0; len(got) < want; {
		var p packet.Packet
		switch err := r.Next(&p.Frame); {
		case err == capture.ErrIdle:
			if idle++; idle > 50 {
				t.Fatalf("%d datagrams came, not %d", len(got), want)
			}
			continue
		case err != nil:
			t.Fatal(err)
		}
		p.Data = append([]byte(nil), p.Data...)
		if d.Decode(&p); p.Tuple.Proto == 17 && p.DstPort == port {
			got = append(got, p)
		}
	}
	return got
}

// TestLive captures what comes through the cable: whole, cut, with a tag, and filtered by the kernel.
func TestLive(t *testing.T) {
	for _, c := range []struct {
		name string
		opts capture.LiveOptions
		want string
	}{
		{"all", capture.LiveOptions{Promiscuous: true}, "1 vlan 0 wire 47 hello; 2 vlan 0 wire 48 second; 3 vlan 7 wire 47 third; "},
		{"cut", capture.LiveOptions{SnapLen: 44}, "1 vlan 0 wire 47 he; 2 vlan 0 wire 48 se; 3 vlan 7 wire 47 th; "},
		{"by port", capture.LiveOptions{BPF: "udp src port 2"}, "1 vlan 0 wire 48 second; "},
		{"by tag", capture.LiveOptions{BPF: "vlan 7 and udp"}, "1 vlan 7 wire 47 third; "},
		{"not by tag", capture.LiveOptions{BPF: "not vlan", SnapLen: 45}, "1 vlan 0 wire 47 hel; 2 vlan 0 wire 48 sec; "},
	} {
		t.Run(c.name, func(t *testing.T) {
			cable(t)
			c.opts.Interface, c.opts.RingSize = "right", 1
			r := live(t, c.opts)
			s := sendOn(t, "left")
			s.send(datagram(1, 53, []byte("hello")))
			s.send(datagram(2, 53, []byte("second")))
			s.send(tagged(7, datagram(3, 53, []byte("third"))))
			got := ""
			for i, p := range receive(t, r, 53, strings.Count(c.want, ";")) {
				if p.Time == 0 || p.Link != packet.LinkEthernet {
					t.Errorf("%d: time %d, link type %d", i, p.Time, p.Link)
				}
				got += fmt.Sprintf("%d vlan %d wire %d %s; ", i+1, p.Tuple.VLAN, p.Wire, p.Payload())
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if err := r.Next(&packet.Frame{}); err != capture.ErrIdle {
				t.Errorf("then: %v", err)
			}
		})
	}
}

// TestLiveLoopback sees what goes through the loopback interface once, not as it goes and as it comes.
func TestLiveLoopback(t *testing.T) {
	cable(t)
	r := live(t, capture.LiveOptions{Interface: "lo"})
	s := sendOn(t, "lo")
	for range 3 {
		s.send(datagram(1, 53, []byte("hello")))
	}
	s.send(datagram(1, 54, nil))
	receive(t, r, 54, 1)
	if got := r.Stats().Packets; got > 4 {
		t.Errorf("%d packets were seen, 4 were sent", got)
	}
}

// TestLiveDrops fills a ring that nobody empties.
func TestLiveDrops(t *testing.T) {
	cable(t)
	r := live(t, capture.LiveOptions{Interface: "right", RingSize: 1, BPF: "udp dst port 53"})
	s := sendOn(t, "left")
	const sent = 4000 // of 1,442 bytes: about 6 MB, the ring has 2 MiB
	for range sent {
		s.send(datagram(1, 53, make([]byte, 1400)))
	}
	var f packet.Frame
	kept := uint64(0)
	for {
		err := r.Next(&f)
		if err == capture.ErrIdle {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		kept++
	}
	st := r.Stats()
	if st.Dropped == 0 || st.Packets != kept || st.Packets+st.Dropped != sent || st.Bytes != kept*1442 {
		t.Errorf("%+v, %d were delivered", st, kept)
	}
	if again := r.Stats(); again != st {
		t.Errorf("asked again: %+v, before %+v", again, st)
	}
}

// TestLiveFanout shares flows among two rings: both directions of each come to the same ring.
func TestLiveFanout(t *testing.T) {
	cable(t)
	first := live(t, capture.LiveOptions{Interface: "right", FanoutSize: 2, RingSize: 1})
	if first.Fanout() == 0 {
		t.Fatal("the ring is in no group")
	}
	second := live(t, capture.LiveOptions{Interface: "right", FanoutSize: 2, Fanout: first.Fanout(), RingSize: 1})
	s := sendOn(t, "left")
	const flows = 64
	for port := range uint16(flows) {
		s.send(datagram(1000+port, 53, nil))
		back := datagram(53, 1000+port, nil)
		copy(back[26:], []byte{10, 0, 0, 2, 10, 0, 0, 1})
		s.send(back)
	}
	total := 0
	for i, r := range []*capture.Ring{first, second} {
		seen := map[uint16]int{}
		d := packet.NewDecoder(packet.Options{})
		var p packet.Packet
		for r.Next(&p.Frame) == nil {
			if d.Decode(&p); p.Tuple.Proto == 17 {
				seen[max(p.SrcPort, p.DstPort)]++
			}
		}
		for port, n := range seen {
			if n != 2 {
				t.Errorf("ring %d has %d packets of flow %d", i, n, port)
			}
		}
		if len(seen) == 0 || len(seen) == flows {
			t.Errorf("ring %d has %d of %d flows", i, len(seen), flows)
		}
		total += len(seen)
	}
	if total != flows {
		t.Errorf("%d flows came, %d were sent", total, flows)
	}
}

// TestLiveEnds has what ends a capture.
func TestLiveEnds(t *testing.T) {
	cable(t)
	r := live(t, capture.LiveOptions{Interface: "right", RingSize: 1})
	r.Wake()
	var f packet.Frame
	for range 2 { // woken, and for want of packets
		if err := r.Next(&f); err != capture.ErrIdle {
			t.Errorf("got %v", err)
		}
	}
	run(t, "link set right down")
	for range 3 {
		if err := r.Next(&f); err != nil && err != capture.ErrIdle {
			t.Fatalf("the interface is down: %v", err)
		}
	}
	run(t, "link set right up")
	plugged(t)
	sendOn(t, "left").send(datagram(1, 53, nil))
	receive(t, r, 53, 1)
	run(t, "link del right")
	var err error
	for err == nil || err == capture.ErrIdle {
		err = r.Next(&f)
	}
	if !strings.Contains(err.Error(), `interface "right" is gone`) {
		t.Errorf("the interface was removed: %v", err)
	}
	for range 2 {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	r.Wake()
	if err := r.Next(&f); err == nil || !strings.Contains(err.Error(), "was closed") {
		t.Errorf("after Close: %v", err)
	}
}

// TestLiveErrors wants to be told what is wrong.
func TestLiveErrors(t *testing.T) {
	cable(t)
	run(t, "link set left down")
	for _, c := range []struct {
		opts capture.LiveOptions
		want string
	}{
		{capture.LiveOptions{Interface: "nosuch"}, `capturing on "nosuch": no such interface`},
		{capture.LiveOptions{Interface: ""}, "no such interface"},
		{capture.LiveOptions{Interface: "a-name-that-is-too-long"}, "an interface's name has at most 15 bytes"},
		{capture.LiveOptions{Interface: "left"}, "the interface is down"},
		{capture.LiveOptions{Interface: "right", BPF: "tcp prot"}, "at column 5"},
	} {
		if _, err := capture.Live(c.opts); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %s", c.opts, err, c.want)
		}
	}
}

// TestLivePermission captures without the right to.
func TestLivePermission(t *testing.T) {
	runtime.LockOSThread() // never unlocked: the thread goes without the right, and ends with the test
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var rights [2]unix.CapUserData
	if err := unix.Capget(&header, &rights[0]); err != nil {
		t.Skip(err)
	}
	rights[0].Effective &^= 1 << unix.CAP_NET_RAW
	if err := unix.Capset(&header, &rights[0]); err != nil {
		t.Skip(err)
	}
	_, err := capture.Live(capture.LiveOptions{Interface: "lo"})
	if err != nil && strings.Contains(err.Error(), "is down") {
		t.Skip(err)
	}
	if err == nil || !strings.Contains(err.Error(), "needs CAP_NET_RAW") {
		t.Errorf("got %v", err)
	}
}

// TestLiveNoAllocation takes packets from the ring without allocating.
func TestLiveNoAllocation(t *testing.T) {
	cable(t)
	r := live(t, capture.LiveOptions{Interface: "right", BPF: "udp dst port 53"})
	s := sendOn(t, "left")
	const n = 1000
	for range n + 1 {
		s.send(datagram(1, 53, nil))
	}
	var f packet.Frame
	idle := 0
	if allocs := testing.AllocsPerRun(n, func() {
		for idle < 50 && r.Next(&f) != nil { // the last ones take their time
			idle++
		}
	}); allocs != 0 || idle == 50 {
		t.Errorf("%v allocations for each packet", allocs)
	}
}
