package eve

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"eddy/internal/fastpath/dissect/pcaptest"
)

// notOurs are the fields of Suricata's events that eddy has not, by event type ("" for all).
var notOurs = map[string][]string{
	"": {"pcap_cnt", "pkt_src", "parent_id"},
	"flow": {"app_proto_ts", "app_proto_tc", "flow.alerted", "tcp.tcp_flags", "tcp.tcp_flags_ts", "tcp.tcp_flags_tc",
		"tcp.psh", "tcp.ack", "tcp.state", "tcp.ts_max_regions", "tcp.tc_max_regions", "tcp.ts_gap", "tcp.tc_gap",
		"icmp_type", "icmp_code", "response_icmp_type", "response_icmp_code"},
	"http": {"http.redirect", "http.content_range.raw", "http.content_range.start", "http.content_range.end",
		"http.content_range.size"},
	"fileinfo": {"fileinfo.start", "fileinfo.end", "http.http_user_agent", "http.http_refer", "http.protocol", "http.length",
		"http.redirect", "http.content_range.raw", "http.content_range.start", "http.content_range.end",
		"http.content_range.size"},
	"dns": {"dns.tx_id"},
}

const suricataConfig = `%YAML 1.1
---
outputs:
  - eve-log:
      enabled: yes
      filetype: regular
      filename: eve.json
      types: [flow, http: {extended: yes}, dns: {version: 2}, tls: {extended: yes, ja3: yes}, files: {force-hash: [md5, sha1, sha256]}]
app-layer:
  protocols:
    tls: {enabled: yes, ja3-fingerprints: yes, detection-ports: {dp: 443}}
    http: {enabled: yes}
    dns: {udp: {enabled: yes, detection-ports: {dp: 53}}, tcp: {enabled: yes, detection-ports: {dp: 53}}}
`

// TestNamesOfSuricata runs it on the captures: what it writes of the kinds that both know has the names that eddy gives it,
// but for a list of fields that eddy has not.
func TestNamesOfSuricata(t *testing.T) {
	suricata, err := exec.LookPath("suricata")
	if err != nil {
		t.Skip("suricata is not installed")
	}
	captures := pcaptest.Dir(t)
	docs := documented(t)
	seen := map[string]bool{}
	for _, name := range []string{"trisul_16minutes.pcap", "zeek_tls_chrome-34-google.pcap", "ndpi_dns_fragmented.pcap", "zeek_http-qinq-0.pcap", "zeek_http_206_example_b.pcap"} {
		dir := t.TempDir()
		config := filepath.Join(dir, "suricata.yaml")
		if err := os.WriteFile(config, []byte(suricataConfig), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(suricata, "-c", config, "-k", "none", "-l", dir, "-r", filepath.Join(captures, name)).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		text, err := os.ReadFile(filepath.Join(dir, "eve.json"))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			kind := eventType(line)
			if docs[kind] == nil {
				continue
			}
			seen[kind] = true
			for field := range fieldsOf(t, line) {
				if strings.Contains(field, "[].soa.") { // the parts of a record that rdata has whole
					continue
				}
				if !knows(docs[kind], field) && !knows(docs[""], field) && !slices.Contains(notOurs[""], field) && !slices.Contains(notOurs[kind], field) {
					t.Errorf("%s has a field %q", kind, field)
				}
			}
		}
	}
	if kinds := slices.Sorted(maps.Keys(seen)); !slices.Equal(kinds, []string{"dns", "fileinfo", "flow", "http", "tls"}) {
		t.Errorf("only %q were compared", kinds)
	}
	for kind, list := range notOurs {
		for _, field := range list {
			if knows(docs[kind], field) {
				t.Errorf("%s: %q is ours", kind, field)
			}
		}
	}
}

func knows(fields map[string]bool, name string) bool {
	_, known := fields[name]
	return known
}

func eventType(line string) string {
	_, rest, _ := strings.Cut(line, `"event_type":"`)
	kind, _, _ := strings.Cut(rest, `"`)
	return kind
}
