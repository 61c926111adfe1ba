package observe

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"eddy/test/program"
)

// shop is the capture of the examples, and what is in it.
const (
	shop        = "../../examples/observe/shop.pcap"
	shopPackets = 110
)

// TestInputs reads the same capture in the ways in which captures come.
func TestInputs(t *testing.T) {
	plain, err := os.ReadFile(shop)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := write(t, dir, "shop.pcap", string(plain))
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	gz := write(t, dir, "shop.pcap.gz", packed.String())
	cut := write(t, dir, "cut.pcap", string(plain[:len(plain)*2/3]))

	for _, tt := range []struct {
		name    string
		command string // what bash is to run; $EDDY is the command with a place for its report
		packets uint64 // 0: some, not all, and exit code 1
	}{
		{"a file", "$EDDY -r " + file, shopPackets},
		{"gzip'd", "$EDDY -r " + gz, shopPackets},
		{"two files", "$EDDY -r " + file + " -r " + gz, 2 * shopPackets},
		{"standard input", "$EDDY -r - < " + file, shopPackets},
		{"a pipe", "cat " + gz + " | $EDDY -r -", shopPackets},
		{"process substitution", "$EDDY -r <(cat " + file + ")", shopPackets},
		{"a filter", "$EDDY --bpf 'udp port 53' -r " + file, 6},
		{"damaged", "$EDDY -r " + cut, 0},
		{"damaged, then whole", "$EDDY -r " + cut + " -r " + file, 0},
	} {
		for _, engines := range []string{"1", "2"} {
			t.Run(tt.name+", "+engines+" engines", func(t *testing.T) {
				summary := filepath.Join(t.TempDir(), "summary.json")
				res := program.Run(t, "bash", dir, []string{"EDDY=" + eddy + " observe --engines " + engines + " --json " + summary}, "-c", tt.command)
				r, _ := readReport(t, summary)
				if tt.packets > 0 && (res.Code != 0 || r.Packets != tt.packets) {
					t.Errorf("exit code %d, %d packets, want %d\n%s", res.Code, r.Packets, tt.packets, res.Stderr)
				}
				if tt.packets == 0 && (res.Code != 1 || r.Packets < 20 || r.Packets == shopPackets || r.Inputs[0].Error == "" || !strings.Contains(res.Stderr, "error: ")) {
					t.Errorf("exit code %d, %d packets, inputs %+v\n%s", res.Code, r.Packets, r.Inputs, res.Stderr)
				}
			})
		}
	}
}
