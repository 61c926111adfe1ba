package traffic

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func smallDownloads() Downloads {
	return Downloads{Files: 40, Min: 1000, Max: 100_000, Active: 8, Reordered: 0.05, Retransmitted: 0.05, Seed: 7}
}

// frames takes a capture apart, and checks its times and every checksum in it.
func frames(t *testing.T, capture []byte) (all [][]byte) {
	t.Helper()
	le := binary.LittleEndian
	if len(capture) < 24 || le.Uint32(capture) != 0xa1b2c3d4 {
		t.Fatal("not a capture")
	}
	var last uint64
	for rest := capture[24:]; len(rest) > 0; {
		now := uint64(le.Uint32(rest))*1e6 + uint64(le.Uint32(rest[4:]))
		n := int(le.Uint32(rest[8:]))
		if now < last || le.Uint32(rest[4:]) > 999_999 {
			t.Fatalf("packet %d goes back in time", len(all))
		}
		last = now
		all = append(all, rest[16:16+n])
		rest = rest[16+n:]
	}
	for i, f := range all {
		if p := network(f); p != nil {
			if bad := p.problem(); bad != "" {
				t.Fatalf("packet %d: %s", i, bad)
			}
		}
	}
	return all
}

// datagram is an IP packet, padding cut off.
type datagram struct {
	proto    byte
	head, l4 []byte
	addrs    []byte
}

func network(frame []byte) *datagram {
	at := 12
	if be.Uint16(frame[at:]) == 0x8100 {
		at += 4
	}
	switch ip := frame[at+2:]; be.Uint16(frame[at:]) {
	case 0x0800:
		ip = ip[:be.Uint16(ip[2:])]
		return &datagram{ip[9], ip[:20], ip[20:], ip[12:20]}
	case 0x86dd:
		ip = ip[:40+be.Uint16(ip[4:])]
		return &datagram{ip[6], nil, ip[40:], ip[8:40]}
	}
	return nil
}

// problem adds everything up the plain way (RFC 1071).
func (d *datagram) problem() string {
	add := func(parts ...[]byte) uint32 {
		s := uint32(0)
		for _, p := range parts {
			for i, b := range p {
				s += uint32(b) << (8 * (1 - i%2))
			}
		}
		for s > 0xffff {
			s = s&0xffff + s>>16
		}
		return s
	}
	if d.head != nil && add(d.head) != 0xffff {
		return "wrong IP checksum"
	}
	parts := [][]byte{d.l4}
	if d.proto != protoICMP {
		parts = append(parts, d.addrs, []byte{0, d.proto}, be.AppendUint16(nil, uint16(len(d.l4))))
	}
	if add(parts...) != 0xffff {
		return fmt.Sprintf("wrong checksum of protocol %d", d.proto)
	}
	if d.proto == protoUDP && int(be.Uint16(d.l4[4:])) != len(d.l4) {
		return "wrong UDP length"
	}
	return ""
}

// Putting the segments together gives the files that the manifest names.
func TestDownloads(t *testing.T) {
	var out bytes.Buffer
	w := NewWriter(&out)
	files := w.Downloads(smallDownloads())
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if int64(out.Len()) != w.Bytes || len(files) != 40 {
		t.Fatalf("%d bytes, said %d; %d files", out.Len(), w.Bytes, len(files))
	}
	streams := map[uint16]map[uint32][]byte{} // client's port, sequence number
	starts := map[uint16]uint32{}
	requests := map[uint16]string{}
	var reordered, again, data int
	last := map[uint16]uint32{}
	all := frames(t, out.Bytes())
	for _, f := range all {
		l4 := network(f).l4
		from, to, seq := be.Uint16(l4), be.Uint16(l4[2:]), be.Uint32(l4[4:])
		payload := l4[l4[12]>>4*4:]
		if from != 80 {
			requests[from] += string(payload)
			continue
		}
		if l4[13]&syn != 0 {
			starts[to], streams[to] = seq+1, map[uint32][]byte{}
			last[to] = seq
			continue
		}
		if len(payload) == 0 {
			continue
		}
		data++
		if _, seen := streams[to][seq]; seen {
			again++
		} else if int32(seq-last[to]) < 0 {
			reordered++
		} else {
			last[to] = seq
		}
		streams[to][seq] = payload
	}
	if len(all) != w.Packets {
		t.Errorf("%d packets, said %d", len(all), w.Packets)
	}
	for what, n := range map[string]int{"reordered": reordered, "sent again": again} {
		if part := float64(n) / float64(data); part < 0.03 || part > 0.07 {
			t.Errorf("%s: %.3f of the segments", what, part)
		}
	}
	bodies := map[string]string{} // sha1 by URI
	for port, segments := range streams {
		var seqs []uint32
		for seq := range segments {
			seqs = append(seqs, seq-starts[port])
		}
		slices.Sort(seqs)
		var stream []byte
		for _, at := range seqs {
			if int(at) != len(stream) {
				t.Fatalf("port %d: a hole at %d", port, len(stream))
			}
			stream = append(stream, segments[at+starts[port]]...)
		}
		_, body, _ := bytes.Cut(stream, []byte("\r\n\r\n"))
		hash := sha1.Sum(body)
		bodies[strings.Fields(requests[port])[1]] = hex.EncodeToString(hash[:])
	}
	for _, f := range files {
		if bodies[f.URI] != f.SHA1 {
			t.Errorf("%s has %s, should have %s", f.URI, bodies[f.URI], f.SHA1)
		}
	}
}

func TestMix(t *testing.T) {
	var out bytes.Buffer
	w := NewWriter(&out)
	m := w.Mix(Mix{Packets: 20_000, Active: 100, Seed: 7})
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	all := frames(t, out.Bytes())
	kinds := map[string]int{}
	for _, f := range all {
		if be.Uint16(f[12:]) == 0x8100 {
			kinds["tagged"]++
		}
		d := network(f)
		if d == nil {
			kinds["not IP"]++
			continue
		}
		kinds[fmt.Sprint(d.proto)]++
		if d.head == nil {
			kinds["IPv6"]++
		}
	}
	if len(all) != 20_000 || m.Packets != 20_000 || m.IP != 20_000-kinds["not IP"] {
		t.Errorf("%d packets, %+v, %v", len(all), m, kinds)
	}
	for _, kind := range []string{"tagged", "not IP", "1", "6", "17", "58", "IPv6"} {
		if kinds[kind] == 0 {
			t.Errorf("no packet is %s: %v", kind, kinds)
		}
	}
	if average := float64(out.Len()) / 20_000; average > 200 {
		t.Errorf("%.0f bytes a packet are not small", average)
	}
}

func TestSameSeedSameCapture(t *testing.T) {
	capture := func(seed uint64) [20]byte {
		h := sha1.New()
		w := NewWriter(h)
		o := smallDownloads()
		o.Seed = seed
		w.Downloads(o)
		w.Mix(Mix{Packets: 1000, Active: 10, Seed: seed})
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		return [20]byte(h.Sum(nil))
	}
	first := capture(1)
	if capture(1) != first {
		t.Error("one seed gave two captures")
	}
	if capture(2) == first {
		t.Error("two seeds gave one capture")
	}
}
