package eve

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/learned"
)

// written gives a record's line.
func written(t testing.TB, r learned.Record) string {
	t.Helper()
	var out bytes.Buffer
	w := New(&out, Options{})
	if err := errors.Join(w.Write(r), w.Flush()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestLines(t *testing.T) {
	const common = `{"timestamp":"2009-11-22T12:00:00.000001+0000","flow_id":42,"event_type":"`
	const ends = `,"vlan":[7,5],"src_ip":"192.0.2.1","src_port":50000,"dest_ip":"198.51.100.2","dest_port":80,"proto":"TCP",`
	const swapped = `,"vlan":[7,5],"src_ip":"198.51.100.2","src_port":80,"dest_ip":"192.0.2.1","dest_port":50000,"proto":"TCP",`
	for kind, want := range map[string]string{
		"flow": common + `flow"` + ends + `"app_proto":"http","flow":{"pkts_toserver":3,"pkts_toclient":4,"bytes_toserver":300,"bytes_toclient":4000,` +
			`"start":"2009-11-22T12:00:00.000001+0000","end":"2009-11-22T12:00:01.500001+0000","age":1,"state":"closed","reason":"closed","tags":["one","two"]},` +
			`"tcp":{"syn":true,"fin":true,"rst":true,"retransmits":1,"rtt":0.001234}}`,
		"http": common + `http"` + ends + `"tx_id":2,"http":{"hostname":"example.org","http_port":8080,"url":"/a?b","http_user_agent":"x",` +
			`"http_content_type":"text/html","http_refer":"y","http_method":"GET","protocol":"HTTP/1.1","status":200,"length":5}}`,
		"fileinfo": common + `fileinfo"` + swapped + `"app_proto":"http","http":{"hostname":"example.org","http_port":8080,"url":"/a","http_content_type":"text/html",` +
			`"http_method":"GET","status":200},"fileinfo":{"filename":"/a","gaps":false,"state":"CLOSED","md5":"m","sha1":"s","sha256":"t","stored":true,"size":5,"tx_id":2}}`,
		"resource": common + `resource"` + ends + `"resource":{"group":"{D1E27FF0-6D66-4E57-BB91-99F76BB2143E}","uri":"u","contents":"c"}}`,
		"counter": `{"timestamp":"2009-11-22T12:00:00.000001+0000","event_type":"counter","counter":{"group":"{4CD742B1-C1CA-4708-BE78-0FCA2EB01A86}",` +
			`"name":"Hosts","key":"C0.00.02.01","label":"l","interval":60,"meters":[{"name":"Total","value":1.5},{"name":"Recv","value":3e+22}]}}`,
		"alert": common + `alert"` + ends + `"alert":{"action":"allowed","gid":1,"signature_id":2013504,"rev":3,"signature":"m","category":"c","severity":1,` +
			`"group":"{9AFD8C08-07EB-47E0-BF05-28B4A7AE8DC9}","key":"1:2013504:3","status":"FIRED","threshold":true,"extra":"e","acknowledged":true}}`,
	} {
		if got := written(t, full()[kind]); got != want+"\n" {
			t.Errorf("%s:\n got %swant %s", kind, got, want)
		}
	}
	if got := written(t, &learned.Document{Where: where(), Text: "x"}); got != "" {
		t.Errorf("a document has the line %s", got)
	}
}

func TestDNSGrouped(t *testing.T) {
	if got := written(t, full()["dns"]); !strings.Contains(got, `"grouped":{"A":["192.0.2.1","192.0.2.2"],"TXT":["\"x\\\"y\""]}`) {
		t.Error(got)
	}
	many := &learned.DNS{Answer: true, Answers: make([]learned.DNSRecord, 10*maxRecords)}
	if got := strings.Count(written(t, many), `"rdata"`); got != maxRecords {
		t.Errorf("%d records", got)
	}
}

func TestFlowWords(t *testing.T) {
	for _, tt := range []struct {
		r    learned.FlowRecord
		want string
	}{
		{learned.FlowRecord{}, `"state":"new"}`},
		{learned.FlowRecord{State: flow.SeenSYN | flow.SeenSYNACK}, `"state":"established"}`},
		{learned.FlowRecord{Count: [2]flow.Count{{Packets: 1}, {Packets: 1}}}, `"state":"established"}`},
		{learned.FlowRecord{State: flow.SeenRST, Over: true, Why: flow.Closed}, `"state":"closed","reason":"closed"}`},
		{learned.FlowRecord{Over: true, Why: flow.Idle}, `"reason":"timeout"}`},
		{learned.FlowRecord{Over: true, Why: flow.Reused}, `"reason":"tcp_reuse"}`},
		{learned.FlowRecord{Over: true, Why: flow.Evicted}, `"reason":"forced"}`},
		{learned.FlowRecord{Over: true, Why: flow.Finish}, `"reason":"shutdown"}`},
	} {
		if got := written(t, &tt.r); !strings.Contains(got, tt.want) {
			t.Errorf("%s lacks %s", got, tt.want)
		}
	}
}

func TestSignatureID(t *testing.T) {
	for key, want := range map[string][3]int64{
		"2013504": {1, 2013504, 0}, "1:2": {1, 2, 0}, "1:2:3": {1, 2, 3}, "RAMNIT-DETECTED": {}, "": {}, "1:x": {}, "1:2:3:4": {}, "99999999999": {},
	} {
		if gid, sid, rev := signatureID(key); [3]int64{gid, sid, rev} != want {
			t.Errorf("%q: %d %d %d", key, gid, sid, rev)
		}
	}
}

func TestHost(t *testing.T) {
	for host, want := range map[string]string{
		"a": `"hostname":"a"`, "a:80": `"hostname":"a","http_port":80`, "[::1]:80": `"hostname":"[::1]","http_port":80`,
		"[::1]": `"hostname":"[::1]"`, "a:x": `"hostname":"a:x"`, "a:70000": `"hostname":"a:70000"`, ":008": `"http_port":8`, "": `"length":0`,
	} {
		if got := written(t, &learned.HTTP{Host: host}); !strings.Contains(got, `"http":{`+want) {
			t.Errorf("%q: %s", host, got)
		}
	}
}

// What a string holds comes back from a JSON reader, but for what is no text; and nothing of it reaches a terminal raw.
func checkString(t *testing.T, s string) {
	t.Helper()
	text := appendString(nil, s)
	var back string
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	if want := strings.ToValidUTF8(s, "\ufffd"); utf8.ValidString(s) && back != want {
		t.Fatalf("%q became %q", s, back)
	}
	for _, r := range string(text) {
		if r < ' ' || 0x7f <= r && r < 0xa0 || r == utf8.RuneError && !strings.Contains(s, "\ufffd") {
			t.Fatalf("%q is written as %q", s, text)
		}
	}
}

func TestStrings(t *testing.T) {
	for _, s := range []string{"", "plain", `"\`, "\x00\x1b[31m\r\n\t\x7f", "\u0080\u009f\u00a0é\u2028\u2029😀", "\xff\xc3", "a\xf0\x9f\x98", "\ufffd"} {
		checkString(t, s)
	}
	if got := string(appendString(nil, "a\xffb\x1b")); got != `"a\ufffdb\u001b"` {
		t.Error(got)
	}
}

func FuzzString(f *testing.F) {
	f.Add("plain")
	f.Add("\"\\\x00\xff\u2028")
	f.Fuzz(checkString)
}

func TestNumbersThatAreNone(t *testing.T) {
	got := written(t, &learned.Counter{Meters: []learned.Meter{{Name: "a", Value: math.NaN()}, {Name: "b", Value: math.Inf(-1)}, {Name: "c", Value: -0.5}}})
	if !strings.Contains(got, `[{"name":"a","value":null},{"name":"b","value":null},{"name":"c","value":-0.5}]`) {
		t.Error(got)
	}
}

// broken takes so many bytes.
type broken struct{ left int }

var errBroken = errors.New("no room")

func (b *broken) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, errBroken
	}
	return len(p), nil
}

func TestBuffer(t *testing.T) {
	out := &broken{left: 200}
	w := New(out, Options{Buffer: 100})
	var first error
	for range 3 {
		first = errors.Join(first, w.Write(full()["edge"]))
	}
	if !errors.Is(first, errBroken) || !errors.Is(w.Write(full()["edge"]), errBroken) || !errors.Is(w.Flush(), errBroken) {
		t.Errorf("%v", first)
	}
	if len(w.lines.text) > 0 {
		t.Errorf("%d bytes are kept for an output that is broken", len(w.lines.text))
	}
	var buffered bytes.Buffer
	w = New(&buffered, Options{})
	_ = w.Write(full()["edge"])
	if buffered.Len() != 0 {
		t.Error("a line did not wait for others")
	}
}

func TestNoAllocation(t *testing.T) {
	w := New(io.Discard, Options{Buffer: 4096})
	for kind, r := range full() {
		if n := testing.AllocsPerRun(200, func() { _ = w.Write(r) }); n != 0 {
			t.Errorf("%s: %v allocations", kind, n)
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	for _, kind := range []string{"flow", "http", "fileinfo", "counter"} {
		r := full()[kind]
		b.Run(kind, func(b *testing.B) {
			w := New(io.Discard, Options{})
			for b.Loop() {
				_ = w.Write(r)
			}
		})
	}
}
