package top

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"eddy/internal/operator/view"
)

var noon = time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)

func sample(after time.Duration, done uint64) *Sample {
	oldest := 93.0
	return &Sample{At: noon.Add(after), Info: map[string]string{"Name": "eddy", "Version": "0.1.0", "Pid": "42", "Uptime": "0d 0h01m00s", "CurrConns": "7", "ConnRate": "3", "SessRate": "12"},
		Queues: []view.Queue{
			{Name: "email", State: "running", Workers: 4, Busy: 2, Jobs: view.States{Ready: 10, Running: 2, Dead: 1}, Bytes: view.States{Ready: 2048}, OldestReady: &oldest,
				Counts:   view.Counts{Pushed: 2 * done, Done: done, Failed: 5, Refused: done / 2},
				Handlers: []view.Handler{{Name: "send", Done: done, Mean: 0.1, Max: 1.5, Total: 3}, {Name: "slow\x1b[2J", Done: 1, Mean: 2, Max: 2, Total: 1}},
				Running:  []view.Running{{ID: "01KQ2N8S4G0D7", Handler: "send", Attempt: 1, Seconds: 1.5}, {ID: "01KQ2N8S4G0D8", Handler: "slow", Key: "k\n", Attempt: 2, Seconds: 40}}},
			{Name: "default", State: "paused", Workers: 4}},
		Lua: []view.LuaState{{Name: "shared", Memory: 1 << 20, Runs: done * 3, Computed: float64(done) / 100}}}
}

func texts(lines []Line) string {
	var b strings.Builder
	for _, l := range lines {
		fmt.Fprintf(&b, "%d %s\n", l.Style, l.Text)
	}
	return b.String()
}

func TestScreen(t *testing.T) {
	m := Model{Socket: "/run/eddy.sock"}
	m.Add(sample(0, 100))
	m.Add(sample(2*time.Second, 140))
	m.Move(1)
	m.Notice = "queue email is paused"
	got := texts(m.Screen(200, 40, noon))
	want := strings.TrimPrefix(`
1 eddy 0.1.0, process 42 at /run/eddy.sock, up 0d 0h01m00s
0 7 connections, 3/s, 12 requests/s; 2 of 8 workers busy; 12 jobs, 1 dead
1 QUEUE    STATE    READY  SCHED  RUN  RETRY  DEAD  BYTES  OLDEST  IN/S  DONE/S  FAIL/S  REFUSED/S  BUSY
0 email    running     10      0    2      0     1     2k   1m33s    40      20       0         10   2/4
2 default  paused       0      0    0      0     0      0       -     0       0       0          0   0/4
1 HANDLER      QUEUE  MEAN   MAX  SHARE  DONE  FAILED
0 slow\x1b[2J  email    2s    2s    25%     1       0
0 send         email  100ms  1.5s    75%   140       0
1 RUNNING JOB    FOR  ATTEMPT  HANDLER  QUEUE  KEY
0 01KQ2N8S4G0D8   40s        2  slow     email  k\x0a
0 01KQ2N8S4G0D7  1.5s        1  send     email  -
1 LUA STATE  BUSY  RUNS/S  MEMORY  LOCK WAITS
0 shared      20%      60      1M           0
4 queue email is paused  |  q quit  arrows choose a queue  p pause  r resume
`, "\n")
	if squeeze(got) != squeeze(want) {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// squeeze leaves how wide columns are to package view.
func squeeze(s string) string {
	var out []string
	for line := range strings.SplitSeq(s, "\n") {
		out = append(out, strings.Join(strings.Fields(line), " "))
	}
	return strings.Join(out, "\n")
}

// On every size of terminal, what is drawn fits, prints, and shows the chosen queue where a row has room.
func TestSizes(t *testing.T) {
	s := sample(0, 100)
	for n := range 30 {
		s.Queues = append(s.Queues, view.Queue{Name: fmt.Sprint("queue", n), State: "running"})
	}
	var m Model
	m.Add(s)
	for _, by := range []int{0, 4, 100} {
		m.Move(by)
		for _, width := range []int{0, 1, 7, 80, 130} {
			for _, height := range []int{0, 1, 2, 3, 5, 7, 10, 24, 49} {
				lines := m.Screen(width, height, noon)
				if len(lines) > height {
					t.Fatalf("%d lines on %d", len(lines), height)
				}
				chosen := 0
				for _, l := range lines {
					if utf8.RuneCountInString(l.Text) > width || strings.ContainsAny(l.Text, "\x1b\n\r") {
						t.Fatalf("%q on a terminal of %d columns", l.Text, width)
					}
					if l.Style == Chosen {
						chosen++
					}
				}
				if height >= 7 && chosen != 1 {
					t.Fatalf("%d chosen lines on %d by %d:\n%s", chosen, width, height, texts(lines))
				}
			}
		}
	}
}

// On the usual 80 columns stands what is looked at first.
func TestUsualWidth(t *testing.T) {
	s := sample(0, 100)
	s.Queues[0].Name = "thumbnails"
	s.Queues[0].State = "paused, draining"
	s.Queues[0].Jobs.Ready = 1000000
	var m Model
	m.Add(s)
	if got := texts(m.Screen(80, 24, noon)); !strings.Contains(squeeze(got), "READY DEAD OLDEST IN/S DONE/S FAIL/S BUSY\n") || !strings.Contains(got, "2/4\n") {
		t.Errorf("got\n%s", got)
	}
}

func TestLost(t *testing.T) {
	m := Model{Socket: "s"}
	if lines := m.Screen(80, 24, noon); len(lines) == 0 {
		t.Error("nothing to see before the first sample")
	}
	m.Add(sample(0, 100))
	m.Lose(errors.New("connection refused\x1b[2J"), noon)
	m.Lose(errors.New("connection refused\x1b[2J"), noon.Add(time.Second))
	text := texts(m.Screen(120, 24, noon.Add(3*time.Second)))
	if !strings.Contains(text, `no answer for 3s, trying again: connection refused\x1b[2J`) || !strings.Contains(text, "4 email") {
		t.Errorf("got\n%s", text)
	}
	next := sample(5*time.Second, 10)
	next.Info["Pid"] = "43"
	m.Add(next)
	if text = texts(m.Screen(120, 24, noon)); strings.Contains(text, "no answer") || !strings.Contains(squeeze(text), "1m33s - - - - 2/4") {
		t.Errorf("of another process there are no rates yet:\n%s", text)
	}
}

func TestTable(t *testing.T) {
	var m Model
	m.Add(sample(0, 100))
	m.Add(sample(time.Second, 100))
	if text := m.Table(noon); !strings.Contains(text, "email") || strings.Contains(text, "q quit") || strings.ContainsAny(text, "\x1b") {
		t.Errorf("got\n%s", text)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`[{"field":{"name":"Pid"},"value":{"value":42}}]`), []byte(`{"at":"2026-11-03T10:00:00Z","queues":[{"name":"a"}]}`), []byte(`{"states":[{"name":"x"}]}`))
	f.Fuzz(func(t *testing.T, info, queues, lua []byte) {
		s, err := read([3]json.RawMessage{info, queues, lua})
		if err != nil {
			return
		}
		var m Model
		m.Add(s)
		m.Add(s)
		for _, l := range m.Screen(100, 30, noon) {
			if strings.ContainsAny(l.Text, "\x1b\n\r") {
				t.Fatalf("%q", l.Text)
			}
		}
	})
}
