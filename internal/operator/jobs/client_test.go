package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"eddy/internal/operator/view"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve answers every connection with what answer gives for its line.
func serve(t *testing.T, answer func(line string, c net.Conn)) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			b := make([]byte, 1<<16)
			n, _ := c.Read(b)
			answer(string(b[:n]), c)
			c.Close()
		}
	}()
	t.Cleanup(func() { ln.Close(); <-done })
	return path
}

func TestAsk(t *testing.T) {
	long := strings.Repeat("x", 300)
	for answer, want := range map[string]*Failure{
		`{"done":1,"text":"ok"}` + "\n\n": nil,
		`[]` + "\n\n":                     nil,
		`{"done":0,"error":"not-found","text":"no job","hint":"look"}` + "\n\n": {view.NotFound, "no job", "look"},
		"Permission denied\n\n":                          {view.Refused, "Permission denied", "*"},
		"Unknown command: 'show queues json'\nThe foll…": {view.Refused, "Unknown command: 'show queues json'", "*"},
		"HTTP/1.1 400 Bad request\r\ncontent-length: 9":  {view.Refused, `this is no stats socket: it answers "HTTP/1.1 400 Bad request"`, "*"},
		"":   {view.Refused, "an empty answer: the process is stopping, or serves too many who ask", ""},
		"\n": {view.Refused, "an empty answer: the process is stopping, or serves too many who ask", ""},
		long: {view.Refused, long, ""},
	} {
		c := &Client{Socket: serve(t, func(line string, c net.Conn) {
			if line != `a\;b c\ d json`+"\n" {
				answer = "the line is " + line
			}
			_, _ = io.WriteString(c, answer)
		})}
		_, err := c.Ask(context.Background(), nil, "a;b", "c d")
		var f *Failure
		errors.As(err, &f)
		if f == nil || want == nil {
			if err != nil || want != nil {
				t.Errorf("%q: %v", answer, err)
			}
			continue
		}
		if f.Kind != want.Kind || f.Text != want.Text || want.Hint != "*" && f.Hint != want.Hint || want.Hint == "*" && f.Hint == "" {
			t.Errorf("%q: %+v", answer, f)
		}
	}
}

func TestPayload(t *testing.T) {
	got := ""
	c := &Client{Socket: serve(t, func(line string, c net.Conn) { got = line; fmt.Fprintln(c, "{}") })}
	if _, err := c.Ask(context.Background(), []byte(`{"a":"b;c"}`), "edit"); err != nil || got != "edit json <<\n{\"a\":\"b;c\"}\n\n" {
		t.Errorf("%q, %v", got, err)
	}
	for _, word := range []string{"", "a\nb", "\r"} {
		if _, err := Line(word); err == nil {
			t.Errorf("%q can be sent", word)
		}
	}
}

func TestNobody(t *testing.T) {
	for _, socket := range []string{filepath.Join(t.TempDir(), "none"), "127.0.0.1:1", "@nobody-listens-here", "localhost:x"} {
		_, err := (&Client{Socket: socket}).Ask(context.Background(), nil, "x")
		var c *ConnError
		if !errors.As(err, &c) || c.Socket != socket {
			t.Errorf("%s: %v", socket, err)
		}
	}
}

// A process that takes the question and says nothing does not hold anybody up for ever.
func TestSilence(t *testing.T) {
	hold := make(chan struct{})
	path := serve(t, func(string, net.Conn) { <-hold })
	defer close(hold)
	_, err := (&Client{Socket: path, Wait: 20 * time.Millisecond}).Ask(context.Background(), nil, "x")
	var c *ConnError
	if !errors.As(err, &c) {
		t.Errorf("got %v", err)
	}
}

func TestCalledOff(t *testing.T) {
	hold := make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	path := serve(t, func(string, net.Conn) { cancel(); <-hold })
	defer close(hold)
	if _, err := (&Client{Socket: path}).Ask(ctx, nil, "x"); err == nil {
		t.Error("it answered")
	}
}

func TestList(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"jobs":[`)
	for i := range 250 {
		if i > 0 {
			b.WriteString(",\n")
		}
		fmt.Fprintf(&b, `{"id":"%013d"}`, i)
	}
	all := b.String()
	for _, tt := range []struct {
		answer string
		jobs   int
		fail   string
	}{
		{all + `],"more":[{"queue":"q","states":["dead"],"after":"x"}]}` + "\n\n", 250, ""},
		{all + `],"more":[],"error":"refused","text":"the disk is gone"}`, 250, "the disk is gone"},
		{all, 250, "ended too early"},
		{`{"jobs":[`, 0, "ended too early"},
		{"", 0, "ended too early"},
		{"Permission denied\n\n", 0, "Permission denied"},
		{`{"done":0,"text":"no queue","error":"not-found","hint":"h"}`, 0, "no queue"},
		{`{"jobs":[],"more":[],"new":{"a":1}}`, 0, ""},
	} {
		n, pages := 0, 0
		more, err := List(strings.NewReader(tt.answer), func(page []view.Job) error {
			for i, j := range page {
				if j.ID != fmt.Sprintf("%013d", n+i) {
					t.Fatalf("job %d is %s", n+i, j.ID)
				}
			}
			n += len(page)
			pages++
			return nil
		})
		var f *Failure
		if errors.As(err, &f) != (tt.fail != "") || f != nil && !strings.Contains(f.Text, tt.fail) || f == nil && err != nil {
			t.Errorf("%.40q: %v", tt.answer, err)
		}
		if n != tt.jobs || pages > 3 || tt.jobs == 250 && tt.fail == "" && len(more) != 1 {
			t.Errorf("%.40q: %d jobs in %d pages, more %v", tt.answer, n, pages, more)
		}
	}
}

func FuzzList(f *testing.F) {
	f.Add([]byte(`{"jobs":[{"id":"x"}],"more":[{"queue":"q"}]}`))
	f.Add([]byte(`{"jobs":null}`))
	f.Add([]byte(`{"error":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = List(strings.NewReader(string(b)), func(page []view.Job) error {
			if len(page) == 0 || len(page) > pageSize {
				t.Fatalf("a page of %d", len(page))
			}
			return nil
		})
		_ = Check(b)
	})
}
