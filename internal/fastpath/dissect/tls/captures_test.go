package tls

import (
	"cmp"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"eddy/internal/fastpath/dissect/pcaptest"
	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/learned"
	"eddy/internal/fastpath/packet"
)

// segment is a packet with payload.
type segment struct {
	seq  uint32
	data []byte
}

// handshakes gives the handshakes of a capture. Each direction is put in order as a whole before it is read, the clients'
// first: this is no reassembly for more than these captures.
func handshakes(t testing.TB, name string) (found []*learned.TLS) {
	t.Helper()
	directions := map[packet.Tuple][]segment{}
	var order []packet.Tuple
	pcaptest.Packets(t, name, func(p *packet.Packet) {
		if p.Proto != 6 || len(p.Payload()) == 0 {
			return
		}
		key := p.Tuple
		if _, known := directions[key]; !known {
			order = append(order, key)
		}
		directions[key] = append(directions[key], segment{seq: p.Seq, data: slices.Clone(p.Payload())})
	})
	for _, key := range order {
		segments := directions[key]
		slices.SortStableFunc(segments, func(a, b segment) int { return cmp.Compare(int32(a.seq-segments[0].seq), int32(b.seq-segments[0].seq)) })
		if !looksLikeClient(segments) {
			continue
		}
		back := key
		back.Src, back.Dst, back.SrcPort, back.DstPort = key.Dst, key.Src, key.DstPort, key.SrcPort
		answers := directions[back]
		slices.SortStableFunc(answers, func(a, b segment) int { return cmp.Compare(int32(a.seq-answers[0].seq), int32(b.seq-answers[0].seq)) })
		w := &witness{}
		c := New(w)
		feed(c, flow.ToServer, segments)
		feed(c, flow.ToClient, answers)
		c.End()
		found = append(found, w.found...)
	}
	return found
}

// looksLikeClient finds a ClientHello at the begin of a segment: STARTTLS has text in front of it.
func looksLikeClient(segments []segment) bool {
	return slices.ContainsFunc(segments, func(s segment) bool { return Looks(s.data) && s.data[5] == msgClientHello })
}

func feed(c *Conn, dir flow.Dir, segments []segment) {
	begun := false
	next := uint32(0)
	for _, s := range segments {
		if !begun {
			if !Looks(s.data) {
				continue
			}
			begun, next = true, s.seq
		}
		if int32(s.seq-next) < 0 {
			continue // seen before
		}
		if s.seq != next {
			c.Gap(dir)
		}
		next = s.seq + uint32(len(s.data))
		c.Data(dir, s.data)
	}
}

// TestCaptures counts what tshark counts.
func TestCaptures(t *testing.T) {
	for name, want := range pcaptest.Column(t, "tls_client_hellos") {
		hellos := 0
		for _, h := range handshakes(t, name) {
			if h.HasClient {
				hellos++
			}
		}
		if strconv.Itoa(hellos) != want {
			t.Errorf("%s: %d hellos, not %s", name, hellos, want)
		}
	}
}

// The handshake of zeek_tls_chrome-34-google.pcap as Suricata 7 tells it.
func TestChrome34(t *testing.T) {
	all := handshakes(t, "zeek_tls_chrome-34-google.pcap")
	if len(all) != 1 || len(all[0].Chain) != 3 {
		t.Fatalf("%+v", all)
	}
	h, c := all[0], all[0].Chain[0]
	for _, tt := range []struct{ what, got, want string }{
		{"SNI", h.SNI, "google.de"},
		{"version", h.Version, "TLS 1.2"},
		{"JA3", h.JA3.Hash, "a607f3a5c94c2ee592af1456f36c8367"},
		{"JA3S", h.JA3S.Hash, "9f5e2e0d84076af5475bbe44debdb03e"},
		{"subject", c.Subject, "C=US, ST=California, L=Mountain View, O=Google Inc, CN=*.google.de"},
		{"issuer", c.Issuer, "C=US, O=Google Inc, CN=Google Internet Authority G2"},
		{"serial", c.Serial, "5F:16:E9:1E:8E:86:3F:49"},
		{"fingerprint", c.SHA1, "cb:69:d0:4e:c2:ee:06:38:e9:3c:6e:cc:56:b7:dc:c1:f8:43:c2:47"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s %q, not %q", tt.what, tt.got, tt.want)
		}
	}
	text := Text(h)
	for _, want := range []string{"Signature Algorithm: sha1WithRSAEncryption", "DNS:*.google.de", "Not After : Jul  8 00:00:00 2014 GMT"} {
		if !strings.Contains(text, want) {
			t.Errorf("the document lacks %q", want)
		}
	}
	if n := strings.Count(text, "Certificate:\n    Data:\n"); n != 3 {
		t.Errorf("%d certificates in the document", n)
	}
}

// TestLikeSuricata runs it on each capture that has TLS and compares each field that both tell.
func TestLikeSuricata(t *testing.T) {
	suricata, err := exec.LookPath("suricata")
	if err != nil {
		t.Skip("suricata is not installed")
	}
	const config = `%YAML 1.1
---
outputs:
  - eve-log: {enabled: yes, filetype: regular, filename: eve.json, types: [tls: {extended: yes, ja3: yes, ja4: yes}]}
app-layer: {protocols: {tls: {enabled: yes, ja3-fingerprints: yes, ja4-fingerprints: yes, detection-ports: {dp: 443}}}}
`
	type event struct {
		TLS *struct {
			Subject, IssuerDN, Serial, Fingerprint, SNI, Version, JA4 string
			JA3, JA3S                                                 struct{ Hash, String string }
		}
	}
	compared := 0
	for name, count := range pcaptest.Column(t, "tls_client_hellos") {
		if count == "0" {
			continue
		}
		dir := t.TempDir()
		file := filepath.Join(dir, "s.yaml")
		if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(suricata, "-c", file, "-k", "none", "-l", dir, "-r", filepath.Join(pcaptest.Dir(t), name)).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		lines, err := os.ReadFile(filepath.Join(dir, "eve.json"))
		if err != nil {
			t.Fatal(err)
		}
		ours := handshakes(t, name)
		for i, line := range strings.Split(strings.TrimSpace(string(lines)), "\n") {
			var e event
			if err := json.Unmarshal([]byte(line), &e); err != nil || e.TLS == nil || i >= len(ours) {
				continue
			}
			h := ours[i]
			var first learned.Certificate
			if len(h.Chain) > 0 {
				first = h.Chain[0]
			}
			for _, tt := range []struct{ what, got, want string }{
				{"SNI", h.SNI, e.TLS.SNI}, {"version", h.Version, e.TLS.Version}, {"JA3", h.JA3.Text, e.TLS.JA3.String},
				{"JA3S", h.JA3S.Text, e.TLS.JA3S.String}, {"JA4", h.JA4, e.TLS.JA4}, {"subject", first.Subject, e.TLS.Subject},
				{"issuer", first.Issuer, e.TLS.IssuerDN}, {"serial", first.Serial, e.TLS.Serial}, {"fingerprint", first.SHA1, e.TLS.Fingerprint},
			} {
				if tt.want != "" && tt.got != tt.want {
					t.Errorf("%s: %s %q, not %q", name, tt.what, tt.got, tt.want)
				} else if tt.want != "" {
					compared++
				}
			}
		}
	}
	if compared < 10 {
		t.Errorf("only %d fields were compared", compared)
	}
	t.Logf("%d fields agree", compared)
}
