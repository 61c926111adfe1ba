package observed

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/report"
)

// captures is where real captures lie with what established tools find in them: a neighbour of the repository.
const captures = "../../../../shared/pcaps"

// rows reads a table with a header line.
func rows(t *testing.T, name string) []map[string]string {
	t.Helper()
	f, err := os.Open(filepath.Join(captures, name))
	if err != nil {
		t.Skipf("no captures to compare with: %v", err)
	}
	defer f.Close()
	var out []map[string]string
	var header []string
	for s := bufio.NewScanner(f); s.Scan(); {
		fields := strings.Split(s.Text(), "\t")
		if header == nil {
			header = fields
			continue
		}
		row := map[string]string{}
		for i, name := range header {
			row[name] = fields[i]
		}
		out = append(out, row)
	}
	return out
}

// event is a line of the event log, as far as tests look at it.
type event struct {
	Type     string `json:"event_type"`
	SrcIP    string `json:"src_ip"`
	FileInfo struct {
		Filename, State, SHA1 string
		Size                  int64
	}
	HTTP struct {
		Hostname, URL, Method string
		Status                int
	}
}

// replay runs a lane on a capture and gives its report and its events.
func replay(t testing.TB, cfg *model.Observe, stdout *bytes.Buffer) (*report.Lane, []event) {
	t.Helper()
	cfg.Eve = filepath.Join(t.TempDir(), "eve.json")
	var stderr bytes.Buffer
	l, problems := Build(cfg, Options{Stdout: stdout, Stderr: &stderr})
	if l == nil {
		t.Fatal(problems)
	}
	if err := l.Start(); err != nil {
		t.Fatal(err)
	}
	if err := l.Wait(); (err != nil) != (filepath.Base(cfg.Read[0]) == cut) {
		t.Errorf("the lane ended with: %v", err)
	}
	if s := stderr.String(); s != "" {
		t.Logf("stderr: %s", s)
	}
	f, err := os.Open(cfg.Eve)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var events []event
	for d := json.NewDecoder(f); d.More(); {
		var e event
		if err := d.Decode(&e); err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	return l.Report(), events
}

func learnedCount(r *report.Lane, name string) uint64 {
	for _, c := range r.Learned {
		if c.Name == name {
			return c.N
		}
	}
	return 0
}

// differs lists where eddy counts something else than the tools, on purpose: docs/observed-lane.md says why.
var differs = map[string]map[string]uint64{
	// tshark counts an answer when all of its body was captured, eddy when its head was.
	"sv_http-pipeline-files-with-gap_input.pcap": {"http_responses": 3},
	"zeek_http_206_example_b.pcap":               {"http_responses": 3},
	"zeek_http_bro.org.pcap":                     {"http_responses": 31},
	"zeek_http_content-range-gap.pcap":           {"http_responses": 1},
	// Likewise, and two flows between the same ports were silent for longer than the timeout of UDP.
	"trisul_16minutes.pcap": {"http_responses": 256, "udp_conversations": 14},
	// The server answers all 49, whatever their methods are called.
	"zeek_http_methods.pcap": {"http_requests": 49},
	// The fragments contradict each other.
	"zeek_ipv4_fragmented-1.pcap": {"udp_conversations": 0},
}

// cut is the capture whose last packet is incomplete.
const cut = "sv_http-mime-truncated_input.pcap"

// multipart has the requests that bring a file in multipart/form-data: the table has that file's hash, with an error of its
// own in it (docs/observed-lane.md), and eddy that of the body.
var multipart = map[string]bool{"zeek_http_no_crlf.pcap": true, cut: true}

func TestCounts(t *testing.T) {
	for _, engines := range []int{1, 2} {
		for _, row := range rows(t, "counts.tsv") {
			name := row["pcap"]
			t.Run(fmt.Sprintf("%s/%d", name, engines), func(t *testing.T) {
				r, _ := replay(t, &model.Observe{Read: []string{filepath.Join(captures, name)}, Engines: engines}, &bytes.Buffer{})
				for column, got := range map[string]uint64{
					"packets":           r.Packets,
					"tcp_conversations": r.Flows.TCP,
					"udp_conversations": r.Flows.UDP,
					"http_requests":     learnedCount(r, "HTTP requests"),
					"http_responses":    learnedCount(r, "HTTP answers"),
					"dns_messages":      learnedCount(r, "DNS messages"),
					"tls_client_hellos": learnedCount(r, "TLS handshakes"),
				} {
					want, err := strconv.ParseUint(row[column], 10, 64)
					if err != nil {
						t.Fatal(err)
					}
					if ours, ok := differs[name][column]; ok {
						want = ours
					}
					if got != want {
						t.Errorf("%s: %d, want %d", column, got, want)
					}
				}
			})
		}
	}
}

func TestFiles(t *testing.T) {
	byFile := map[string][]map[string]string{}
	for _, row := range rows(t, "http-files.tsv") {
		byFile[row["pcap"]] = append(byFile[row["pcap"]], row)
	}
	for name, want := range byFile {
		t.Run(name, func(t *testing.T) {
			_, events := replay(t, &model.Observe{Read: []string{filepath.Join(captures, name)}, Engines: 1, Hashes: []string{"sha1"}}, &bytes.Buffer{})
			have := map[string]int{}
			for _, e := range events {
				if e.Type == "fileinfo" && e.FileInfo.State == "CLOSED" {
					have[fmt.Sprint(e.FileInfo.SHA1, " ", e.FileInfo.Size)]++
				}
			}
			for _, row := range want {
				if row["state"] != "CLOSED" {
					continue
				}
				key := row["sha1"] + " " + row["bytes"]
				if have[key] == 0 && !(multipart[name] && row["direction"] == "request") {
					t.Errorf("missing: %s %s%s, %s bytes, sha1 %s", row["direction"], row["host"], row["url"], row["bytes"], row["sha1"])
				}
				have[key]--
			}
		})
	}
}
