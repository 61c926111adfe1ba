package flow_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"eddy/internal/fastpath/capture"
	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/packet"
)

// replay sends a capture through a table, with an Expire each second, and closes it.
func replay(t *testing.T, path string, table *flow.Table, ended func(*flow.Flow, flow.End)) {
	src, err := capture.Open(path, capture.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	decoder := packet.NewDecoder(packet.Options{})
	var p packet.Packet
	var tick int64
	for {
		var damaged *capture.FileError
		switch err := src.Next(&p.Frame); {
		case errors.Is(err, io.EOF) || errors.As(err, &damaged):
			table.Close(ended)
			return
		case err != nil:
			t.Fatal(err)
		}
		decoder.Decode(&p)
		table.Packet(&p, ended)
		if p.Time-tick > 1e9 {
			tick = p.Time
			table.Expire(tick, ended)
		}
	}
}

// TestCaptures compares the number of flows in real captures with tshark's conversations, which never time out.
func TestCaptures(t *testing.T) {
	const day = 24 * time.Hour
	patient := flow.Options{TCPOpening: day, TCPTimeout: day, TCPClosed: day, UDPTimeout: day, OtherTimeout: day}
	// 6 and 15 minutes pass between packets of two pairs that talk NTP and DNS: with the usual timeout these are flows
	// of their own.
	usualUDP := map[string]string{"trisul_16minutes.pcap": "14"}
	// An attack with overlapping fragments, which make no datagram.
	noUDP := map[string]bool{"zeek_ipv4_fragmented-1.pcap": true}

	dir, err := filepath.Abs("../../../../shared/pcaps")
	if err != nil {
		t.Fatal(err)
	}
	counts, err := os.ReadFile(filepath.Join(dir, "counts.tsv"))
	if err != nil {
		t.Skipf("the real captures are not here: %v", err)
	}
	for line := range strings.Lines(string(counts)) {
		field := strings.Split(strings.TrimSpace(line), "\t")
		if field[0] == "pcap" {
			continue
		}
		t.Run(field[0], func(t *testing.T) {
			path, tcp, udp := filepath.Join(dir, field[0]), field[2], field[3]
			if noUDP[field[0]] {
				udp = "0"
			}
			expectFlows(t, path, patient, tcp, udp)
			if n, differs := usualUDP[field[0]]; differs {
				udp = n
			}
			expectFlows(t, path, flow.Options{}, tcp, udp)
		})
	}
}

func expectFlows(t *testing.T, path string, o flow.Options, tcp, udp string) {
	table := flow.NewTable(o)
	ended := 0
	replay(t, path, table, func(f *flow.Flow, why flow.End) {
		ended++
		if f.Last < f.Start || f.Count[0].Packets+f.Count[1].Packets == 0 {
			t.Errorf("flow %d: from %d to %d, %v", f.Serial, f.Start, f.Last, f.Count)
		}
	})
	s := table.Stats()
	if got := strconv.FormatUint(s.TCP, 10); got != tcp {
		t.Errorf("UDP timeout %v: %s TCP flows, want %s", o.UDPTimeout, got, tcp)
	}
	if got := strconv.FormatUint(s.UDP, 10); got != udp {
		t.Errorf("UDP timeout %v: %s UDP flows, want %s", o.UDPTimeout, got, udp)
	}
	if made := int(s.TCP + s.UDP + s.Other); made != ended {
		t.Errorf("%d flows were made, %d ended", made, ended)
	}
}
