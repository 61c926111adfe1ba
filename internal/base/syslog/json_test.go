package syslog

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

var jsonAt = time.Date(2026, 11, 2, 6, 18, 55, 231591000, time.UTC)

func jsonLine(t Target, o Options, level int, tag, msg string) string {
	t.Network, t.Format = "udp", JSON
	if o.PID == 0 {
		o.PID = 10123
	}
	return string(newFormatter(t, o).appendLine(nil, jsonAt, level, tag, []byte(msg)))
}

func TestJSONLines(t *testing.T) {
	const head = `{"time":"2026-11-02T06:18:55.231591+00:00","level":"info","facility":"local0","tag":"mytag","pid":10123,`
	for _, tt := range []struct{ name, host, in, want string }{
		{"plain", "", "hello\r\n\n", head + `"message":"hello"}`},
		{"with a host", "web1", "hello", head + `"host":"web1","message":"hello"}`},
		{"quotes", "", `a "b" \c/`, head + `"message":"a \"b\" \\c/"}`},
		{"control characters", "", "a\nb\rc\td\x00\x1b[31m\x7f\u009b", head + `"message":"a\nb\rc\td\u0000\u001B[31m\u007F\u009B"}`},
		{"no UTF-8", "", "a\xffb\xc3", head + `"message":"a#FFb#C3"}`},
		{"UTF-8 stays", "", "é\u2028\U0001F600\ufffd", head + "\"message\":\"é\u2028\U0001F600\ufffd\"}"},
		{"empty", "", "", head + `"message":""}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := jsonLine(Target{Facility: 16}, Options{Tag: "mytag", Host: tt.host}, Info, "", tt.in)
			if got != tt.want+"\n" {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if !json.Valid([]byte(got)) {
				t.Error("that is no JSON")
			}
		})
	}
}

// TestJSONCut holds that a bound line is a whole object all the same, with as much of the message as there is room for.
func TestJSONCut(t *testing.T) {
	for _, msg := range []string{strings.Repeat("x", 900), strings.Repeat("\x01", 900), strings.Repeat("é", 900), strings.Repeat("\xff", 900), strings.Repeat(`"`, 900)} {
		for shift := range 7 {
			for _, name := range []string{"t", strings.Repeat("\x01", 500)} {
				msg := strings.Repeat(".", shift) + msg
				line := jsonLine(Target{MaxLen: MinJSONLen}, Options{Host: name}, Warning, name, msg)
				var got struct{ Message string }
				if err := json.Unmarshal([]byte(line), &got); err != nil || len(line) > MinJSONLen || len(line) < MinJSONLen-6 || !strings.HasPrefix(got.Message, strings.Repeat(".", shift)) {
					t.Errorf("%d bytes, %v: %s", len(line), err, line)
				}
			}
		}
	}
	line := newFormatter(Target{Network: "fd", FD: 1, Format: JSON, MaxLen: MinJSONLen}, Options{}).appendLine(nil, jsonAt, Info, "", make([]byte, 3000))
	if len(line) < 18000 {
		t.Errorf("a descriptor's line was cut to %d bytes", len(line))
	}
}

func TestJSONTargetTooShort(t *testing.T) {
	if _, err := Open([]Target{{Network: "udp", Addr: "127.0.0.1:1", Format: JSON, MaxLen: 100}}, Options{}); err == nil || !strings.Contains(err.Error(), "too short for JSON: 512 at least") {
		t.Errorf("said %v", err)
	}
}

// FuzzJSONLine holds that whatever comes from the network gives one line that is one object, within its bound, and that
// text comes out of it as it went in.
func FuzzJSONLine(f *testing.F) {
	for _, s := range []string{"hello", "a\"\\\n\x00", "\xff\xc3\x28", "é\u2028\u0085", strings.Repeat("long ", 200)} {
		f.Add(s, "tag", 600)
	}
	f.Fuzz(func(t *testing.T, msg, tag string, maxLen int) {
		maxLen = min(max(maxLen, MinJSONLen), 65535)
		line := jsonLine(Target{MaxLen: maxLen}, Options{}, Err, tag, msg)
		if len(line) > maxLen || strings.IndexByte(line, '\n') != len(line)-1 || !utf8.ValidString(line) {
			t.Fatalf("%d bytes of %d: %q", len(line), maxLen, line)
		}
		d := json.NewDecoder(bytes.NewReader([]byte(line)))
		d.DisallowUnknownFields()
		var got struct {
			Time                          time.Time
			Level, Facility, Tag, Message string
			PID                           int
		}
		if err := d.Decode(&got); err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		want := strings.TrimRight(msg, "\r\n")
		if utf8.ValidString(msg) && len(msg)*6+len(tag)*6 < maxLen-200 && got.Message != want {
			t.Fatalf("got %q, want %q", got.Message, want)
		}
		if !got.Time.Equal(jsonAt) || got.Level != "err" || got.PID != 10123 {
			t.Fatalf("%+v", got)
		}
	})
}
