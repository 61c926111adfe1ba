package view

import (
	"strings"
	"testing"
	"time"
)

func TestAge(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0", 0: "0", 1: "1us", 350 * time.Microsecond: "350us", 2500 * time.Microsecond: "2.5ms", 12 * time.Millisecond: "12ms",
		999 * time.Millisecond: "999ms", time.Second: "1s", 1560 * time.Millisecond: "1.5s", 9990 * time.Millisecond: "9.9s",
		59999 * time.Millisecond: "59s", 12*time.Minute + 5*time.Second: "12m5s", 3*time.Hour + 12*time.Minute: "3h12m", 103 * time.Hour: "4d7h",
	} {
		if got := Age(d); got != want {
			t.Errorf("%v: got %s, want %s", d, got, want)
		}
	}
}

func TestSizeAndRate(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 1023: "1023", 1024: "1k", 1229: "1.2k", 100 << 10: "100k", 1<<20 - 1: "1M", 1 << 20: "1M", 3 << 29: "1.5G", 1 << 62: "4194304T"} {
		if got := Size(n); got != want && n < 1<<62 {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
	for f, want := range map[float64]string{0: "0", 0.04: "0", 0.5: "0.5", 12: "12", 12.34: "12.3", 340: "340", 9999: "9999", 12345: "12.3k", 2.5e6: "2.5M"} {
		if got := Rate(f); got != want {
			t.Errorf("%v: got %s, want %s", f, got, want)
		}
	}
}

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

// What does not fit goes column by column, in the order that was asked for, and no more of it than has to.
func TestNarrow(t *testing.T) {
	whole := Table{Columns: []Column{{Title: "NAME"}, {Title: "A", Right: true}, {Title: "B", Right: true}, {Title: "C", Min: 4}},
		Rows: [][]string{{"email", "100", "2", "3"}, {"x", "1", "20", "30"}}}
	for width, want := range map[int]string{
		100: "NAME     A   B  C   ", 20: "NAME     A   B  C   ", 19: "NAME     A  C   ", 16: "NAME     A  C   ", 15: "NAME   C   ", 0: "NAME   C   ",
	} {
		if got := whole.Narrow(width, "B", "none", "A").Lines(true, nil); len(got) != 3 || strings.TrimRight(got[0], " ") != strings.TrimRight(want, " ") {
			t.Errorf("%d: got %q, want %q", width, got, want)
		}
	}
	if len(whole.Columns) != 4 || len(whole.Rows[0]) != 4 {
		t.Error("the table itself was changed")
	}
}

const hostile = "\x1b[2J\r\n\u202efake\x00"

// check compares text, and looks whether all of it prints and no line is empty: an empty line ends an answer.
func check(t *testing.T, got, want string) {
	t.Helper()
	if want = strings.TrimPrefix(want, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if strings.Contains(got, "\n\n") || strings.ContainsAny(got, "\x1b\r\x00\u202e") {
		t.Errorf("an empty line, or what does not print: %q", got)
	}
}

func TestWriteJob(t *testing.T) {
	since, now := at("2026-11-03T10:00:09Z"), at("2026-11-03T12:03:04Z")
	var b strings.Builder
	j := Job{ID: "01KQ2N8S4G0D7", Queue: "email", State: "dead", Handler: "send" + hostile, Key: "customer-7", Attempts: 9, MaxAttempts: 9,
		Timeout: 30, Size: 2048, Pushed: at("2026-11-03T10:00:00Z"), Since: &since, Where: "mail.lua:14", Request: "request 1F3C",
		OnError: "failed", Data: []byte(`{"to":"a@b","text":"\u001b[31m"}`),
		Failures: []Failure{{Attempt: 8, At: at("2026-11-03T10:00:05Z"), Text: "mail.lua:20: refused"},
			{Attempt: 9, At: since, Text: "mail.lua:20: refused\nagain" + hostile, Traceback: "stack traceback:\n\tmail.lua:20: in function <mail.lua:18>\n\n"}}}
	if err := WriteJob(&b, &j, now); err != nil {
		t.Fatal(err)
	}
	check(t, b.String(), `
job:      01KQ2N8S4G0D7
queue:    email
state:    dead for 2h2m
handler:  send\x1b[2J\x0d\x0a\u{202e}fake\x00
key:      customer-7
priority: 0
attempts: 9 of 9
timeout:  30s
onerror:  failed
size:     2k
timeline:
  2026-11-03T10:00:00.000Z  pushed by mail.lua:14, request 1F3C
  2026-11-03T10:00:05.000Z  attempt 8 failed: mail.lua:20: refused
  2026-11-03T10:00:09.000Z  attempt 9 failed: mail.lua:20: refused
      again\x1b[2J
      \u{202e}fake\x00
      stack traceback:
        mail.lua:20: in function <mail.lua:18>
  2026-11-03T10:00:09.000Z  dead
payload:
  {
    "to": "a@b",
    "text": "\u001b[31m"
  }
`)
}

func TestWriteJobThatWaits(t *testing.T) {
	next := at("2026-11-03T10:01:00Z")
	var b strings.Builder
	j := Job{ID: "01KQ2N8S4G0D7", Queue: "email", State: "retrying", Function: true, Attempts: 1, Pushed: at("2026-11-03T10:00:00Z"), Next: &next,
		Data: []byte(`"` + strings.Repeat("x", 100000) + `"`)}
	if err := WriteJob(&b, &j, at("2026-11-03T10:00:30Z")); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, want := range []string{"handler:  (function)\n", "next:     attempt 2 in 30s, at 2026-11-03T10:01:00.000Z\n", "x…\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if len(text) > 10000 {
		t.Errorf("%d bytes of text", len(text))
	}
}

func TestJobTable(t *testing.T) {
	next, now := at("2026-11-03T10:01:00Z"), at("2026-11-03T10:00:30Z")
	var b strings.Builder
	err := JobTable([]Job{
		{ID: "01KQ2N8S4G0D7", Queue: "email", State: "ready", Handler: "send", Key: "k", Priority: -5, Pushed: at("2026-11-03T10:00:00Z"), Size: 90},
		{ID: "01KQ2N8S4G0D8", Queue: "email", State: "retrying", Function: true, Attempts: 2, MaxAttempts: 3, Pushed: at("2026-11-03T09:00:00Z"), Next: &next,
			Size: 5000, Failures: []Failure{{Text: "refused " + hostile}}},
	}, now).Write(&b, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	check(t, b.String(), `
JOB            STATE      QUEUE  HANDLER     KEY  PRI  TRIES     AGE    NEXT  BYTES  LAST ERROR
01KQ2N8S4G0D7  ready      email  send        k     -5      0     30s       -     90  -
01KQ2N8S4G0D8  retrying   email  (function)  -      0    2/3    1h0m     30s   4.9k  refused \x1b[2J\x0d\x0a\u{202e}fake\x00
`)
}

func TestWriteQueues(t *testing.T) {
	now := at("2026-11-03T10:00:30Z")
	since, oldest := at("2026-11-03T10:00:00Z"), 93.0
	q := Queue{Name: "email", Store: "disk", Path: "/var/lib/eddy/queues/email", State: "failing, paused", Workers: 4, Busy: 1, MaxJobs: 1000, MaxBytes: 1 << 30,
		Jobs: States{Ready: 10, Running: 1, Dead: 2}, Bytes: States{Ready: 2048, Dead: 100}, OldestReady: &oldest, StoreError: "no space left" + hostile, StoreSince: &since,
		Counts:   Counts{Pushed: 20, Refused: 3, Reasons: map[string]uint64{"queue full: too many entries": 2, "queue closed": 1}, Started: 9, Done: 6, Failed: 3, Died: 2},
		Run:      Spread{Count: 9, Mean: 0.012, P50: 0.016, P99: 0.13},
		Handlers: []Handler{{Name: "send", Started: 9, Done: 6, Failed: 3, Mean: 0.012, Max: 0.12, Total: 0.108}},
		Running:  []Running{{ID: "01KQ2N8S4G0D7", Handler: "send", Attempt: 1, Worker: 2, Seconds: 1.5}}}
	var b strings.Builder
	if err := WriteQueues(&b, []Queue{q, {Name: "default", Store: "memory", State: "running", Workers: 4}}, now, nil); err != nil {
		t.Fatal(err)
	}
	check(t, b.String(), `
QUEUE    STORE   STATE           READY  SCHEDULED  RUNNING  RETRYING  DEAD  BYTES  OLDEST  BUSY  PUSHED  DONE  FAILED  REFUSED
email    disk    failing+paused     10          0        1         0     2   2.1k   1m33s   1/4      20     6       3        3
default  memory  running             0          0        0         0     0      0       -   0/4       0     0       0        0
email: the store refuses since 30s: no space left\x1b[2J\x0d\x0a\u{202e}fake\x00
`)
	b.Reset()
	if err := WriteQueue(&b, &q, now); err != nil {
		t.Fatal(err)
	}
	check(t, b.String(), `
queue:      email
state:      failing, paused
error:      the store refuses since 30s: no space left\x1b[2J\x0d\x0a\u{202e}fake\x00
store:      disk /var/lib/eddy/queues/email
workers:    1 of 4 busy
jobs:       11 of 1000: 10 ready, 0 scheduled, 1 running, 0 retrying; 2 dead
bytes:      2k of 1G; 100 of dead jobs
oldest:     1m33s
pushed:     20, 0 duplicates, 3 refused (queue full: too many entries: 2, queue closed: 1)
attempts:   9 started, 3 failed (0 of them timed out), 0 tried again, 0 waited for the rate
ended:      6 done, 2 died, 0 dropped, 0 deleted, 0 expired; 0 were popped
odd:        0 given again, 0 results without a taker
run:        9 times, mean 12ms, half within 16ms, 99% within 130ms
handlers:
  HANDLER  STARTED  DONE  FAILED  MEAN    MAX  TOTAL
  send           9     6       3  12ms  120ms  108ms
running:
  WORKER  JOB             FOR  ATTEMPT  HANDLER  KEY
       2  01KQ2N8S4G0D7  1.5s        1  send     -
`)
}
