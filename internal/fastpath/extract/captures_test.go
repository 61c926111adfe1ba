package extract

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"eddy/internal/fastpath/capture"
	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/packet"
	"eddy/internal/fastpath/reassembly"
)

// pcaps is the folder of real captures beside the repository. Where it is missing, the test is skipped.
func pcaps(t testing.TB) string {
	dir, err := filepath.Abs("../../../../shared/pcaps")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("the real captures are not here: %v", err)
	}
	return dir
}

// table reads a file of tab-separated values, without its first line.
func table(t testing.TB, file string) (rows [][]string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		rows = append(rows, strings.Split(strings.TrimRight(line, "\r\n"), "\t"))
	}
	if len(rows) < 2 {
		t.Fatalf("%s is empty", file)
	}
	return rows[1:]
}

// tcpStream brings the bytes of one flow to its connection.
type tcpStream struct {
	reassembly.Stream
	conn *Conn
	time int64
}

func (s *tcpStream) Data(dir flow.Dir, _ int64, data []byte) {
	if s.conn.count == 0 && len(s.conn.half[dir].buf) == 0 && s.conn.half[dir].phase == phaseStart && !Looks(data, dir) {
		s.conn.tunnel = true
	}
	if !s.conn.Tunnel() {
		s.conn.Data(dir, s.time, data)
	}
}
func (s *tcpStream) Gap(dir flow.Dir, _, n int64)   { s.conn.Gap(dir, n) }
func (s *tcpStream) End(dir flow.Dir, why flow.End) { s.conn.End(dir, why) }

// replay reads the HTTP of a capture.
func replay(t testing.TB, file string) *recorder {
	src, err := capture.Open(file, capture.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	all := newRecorder(t)
	pool := NewPool(Options{})
	streams := map[*flow.Flow]*tcpStream{}
	flows, asm, dec := flow.NewTable(flow.Options{}), reassembly.New(reassembly.Options{}), packet.NewDecoder(packet.Options{})
	ended := func(f *flow.Flow, why flow.End) {
		if s := streams[f]; s != nil {
			asm.Close(&s.Stream, s, why)
			r := s.conn.handler.(*recorder)
			all.heads[0] += r.heads[0]
			all.heads[1] += r.heads[1]
			all.files = append(all.files, r.files...)
			pool.Put(s.conn)
			delete(streams, f)
		}
	}
	var p packet.Packet
	for {
		if err := src.Next(&p.Frame); errors.Is(err, io.EOF) || errors.As(err, new(*capture.FileError)) {
			break // one of the captures is cut off, and its other packets count
		} else if err != nil {
			t.Fatal(err)
		}
		dec.Decode(&p)
		f, dir, isNew := flows.Packet(&p, ended)
		if f == nil || p.Tuple.Proto != 6 {
			continue
		}
		if isNew {
			r := newRecorder(t)
			r.quiet = true
			streams[f] = &tcpStream{conn: pool.Conn(r)}
		}
		s := streams[f]
		s.time = p.Time
		asm.Segment(&s.Stream, dir, &p, s)
	}
	flows.Close(ended)
	return all
}

// counted are the captures where tshark counts otherwise, with what we count, and the reason.
func counted() map[string]string {
	const cut = "tshark counts an answer when all of its body was captured; we do when its head was"
	return map[string]string{
		"sv_http-pipeline-files-with-gap_input.pcap": "3 requests, 3 answers: " + cut,
		"trisul_16minutes.pcap":                      "256 requests, 256 answers: " + cut,
		"zeek_http_206_example_b.pcap":               "3 requests, 3 answers: " + cut,
		"zeek_http_bro.org.pcap":                     "31 requests, 31 answers: " + cut,
		"zeek_http_content-range-gap.pcap":           "1 requests, 1 answers: " + cut,
		"zeek_http_methods.pcap": "49 requests, 49 answers: " +
			"tshark counts the methods that it knows; the server answers to all 49 lines",
	}
}

// difference is what we find otherwise than Suricata in a capture.
type difference struct {
	why    string
	ours   []string // lines of ours that it has not,
	theirs []string // and that we have not
}

func differences() map[string]difference {
	const multipart = "the body as it was sent, not the file within its multipart/form-data; and Suricata's sha1 is of that " +
		"file with its last packet's part counted twice"
	return map[string]difference{
		"sv_http-mime-truncated_input.pcap": {multipart,
			[]string{"request /288 0 25 CLOSED 75b7801dc8ce73274ad7cc46cc5bdc7502d6fa01",
				"request / 0 134727 CLOSED ded8299680a00b241f5b4b6a08882f467618f978"},
			[]string{"request / 200 133722 CLOSED 13fdc6cef5f77dbc923ceb6c25bd4fb1ea0fd851"}},
		"trisul_16minutes.pcap": {"the 502 came 15 minutes behind its request, when Suricata had forgotten the flow",
			[]string{"response /scripts/tools/newdsn.exe 502 193 CLOSED a2b5de9b42b21604a91daf4447b6f587314a66a8"}, nil},
		"zeek_http_100-continue.pcap": {"the status at the end of the request is that of the interim answer",
			[]string{"request / 100 2001 CLOSED 642b7b51b4e99d650f1855194f82fb69ca4a196e"},
			[]string{"request / 200 2001 CLOSED 642b7b51b4e99d650f1855194f82fb69ca4a196e"}},
		"zeek_http_206_example_b.pcap": {"nothing is missing in this capture (both halves have the lengths of their Content-Range, " +
			"and the second the same bytes as in the other connection); Suricata loses its place between them",
			[]string{"response " + update + " 206 816896 CLOSED f244060cd6425733f935448732280fcf4ef54705",
				"response " + update + " 206 206024 CLOSED 987a0a80fb74816eed4fefc5eab4bd1f271c40b1"},
			[]string{"response " + update + " 206 816896 TRUNCATED -", "response " + update + " 206 118735 TRUNCATED -",
				"response /libhtp::request_uri_not_seen - 53851 TRUNCATED -"}},
		"zeek_http_methods.pcap": {"Suricata has no files of connections whose request line it does not take for HTTP; the answers are HTTP",
			append(slices.Repeat([]string{"response  400 925 CLOSED 20a09ebfb5338bc54715d6c9325a8bebf9b9ef37"}, 11),
				"response / 400 925 CLOSED 20a09ebfb5338bc54715d6c9325a8bebf9b9ef37",
				"response / 400 925 CLOSED 20a09ebfb5338bc54715d6c9325a8bebf9b9ef37",
				"response /HTTP/1.1 400 925 CLOSED 20a09ebfb5338bc54715d6c9325a8bebf9b9ef37"), nil},
		"zeek_http_multipart.pcap": {multipart,
			[]string{"request /post 0 350 CLOSED 13fddfb0635decf373331489e848ff54d3061570"}, nil},
		"zeek_http_no_crlf.pcap": {multipart,
			[]string{"request /7u0e9j2avwlvnuynyo/szcm27k/fzb067wy/ 0 6084 CLOSED 82667c42db5ca46a3ffc8e192a0f32f21d654e3b",
				"request /ko5ezxmguvv/p8d4003oiu/utkdae7r/74uzr8n74r/ 0 7556 CLOSED a66fdac2a975ce04c21f036767614950407c4bf1",
				"request /vwst360x8syxks325x/26dtqu31wzhmwqq/8p9iu8zbragj/ 0 8212 CLOSED 928ec71c9b961ba38100dd4af1c8d17ad526700b",
				"request /mro86v6nvs42/ 0 6276 CLOSED 9536463e16904a288b2e3edb51cb8fc9fa58c1e3",
				"request /raet/u6tpsbdmo5g7crj4f/8l720ln/lwrl5fe38/1yje7g5qc/ 0 6228 CLOSED 66d2290e554b2c3eee53ddf823bc3f1b7359e25b"},
			[]string{"request /7u0e9j2avwlvnuynyo/szcm27k/fzb067wy/ 200 1988 CLOSED 79367fe2683676e3919f99f810673af53759773f",
				"request /ko5ezxmguvv/p8d4003oiu/utkdae7r/74uzr8n74r/ 200 3460 CLOSED abcb52483ff3f117b306d7b185554a143fafee14",
				"request /vwst360x8syxks325x/26dtqu31wzhmwqq/8p9iu8zbragj/ 200 4116 CLOSED 47ec63b7168dd98554b7fc8782f1b5648790a36d",
				"request /mro86v6nvs42/ 200 2180 CLOSED 13e50c6739220108d1f6bbefd691b1293d7e4f2c",
				"request /raet/u6tpsbdmo5g7crj4f/8l720ln/lwrl5fe38/1yje7g5qc/ 200 2132 CLOSED 1b374f2a7993a11921ab0872f3aa98424db0b7ec"}},
	}
}

const update = "/msdownload/update/software/uprl/2011/01/windows-kb890830-v3.15-delta_7d99803eaf3b6e8dfa3581348bc694089579d25a.exe"

// TestCounts: requests and answers are as many as tshark finds.
func TestCounts(t *testing.T) {
	dir := pcaps(t)
	for _, row := range table(t, filepath.Join(dir, "counts.tsv")) {
		t.Run(row[0], func(t *testing.T) {
			want := row[4] + " requests, " + row[5] + " answers"
			if other, ok := counted()[row[0]]; ok {
				want, _, _ = strings.Cut(other, ":")
			}
			r := replay(t, filepath.Join(dir, row[0]))
			if got := fmt.Sprintf("%d requests, %d answers", r.heads[0], r.heads[1]); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
}

// TestFiles: the bodies are those that Suricata extracts.
func TestFiles(t *testing.T) {
	dir := pcaps(t)
	want := map[string][]string{}
	for _, row := range table(t, filepath.Join(dir, "http-files.tsv")) {
		// The host is not compared: in its place stands the address where none was sent.
		want[row[0]] = append(want[row[0]], strings.Join([]string{row[1], row[3], row[4], row[5], row[6], row[7]}, " "))
	}
	for pcap, rows := range want {
		t.Run(pcap, func(t *testing.T) {
			d := differences()[pcap]
			for _, line := range d.theirs {
				i := slices.Index(rows, line)
				if i < 0 {
					t.Fatalf("the table has no %s", line)
				}
				rows = slices.Delete(rows, i, i+1)
			}
			rows = append(rows, d.ours...)
			for _, f := range replay(t, filepath.Join(dir, pcap)).files {
				if f.size == 0 {
					continue
				}
				state := "CLOSED"
				if f.state == Truncated {
					state = "TRUNCATED"
				}
				line := fmt.Sprintf("%s %s %d %d %s ", []string{"request", "response"}[f.dir], f.target, f.status, f.size, state)
				i := slices.Index(rows, line+f.sha1)
				if i < 0 && f.state == Truncated {
					i = slices.Index(rows, line+"-")
				}
				if i < 0 {
					t.Errorf("have %s", line+f.sha1)
					continue
				}
				rows = slices.Delete(rows, i, i+1)
			}
			for _, line := range rows {
				t.Errorf("lack %s", line)
			}
		})
	}
}
