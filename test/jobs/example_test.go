package jobs

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"eddy/test/program"
)

// example is examples/jobs, with ports and a state folder of the test's own.
type example struct {
	state, port, mail string
	env               []string
	*client
}

func newExample(t *testing.T) *example {
	x := &example{state: filepath.Join(t.TempDir(), "state"), port: program.FreePort(t), mail: program.FreePort(t)}
	x.env = []string{"STATE_DIR=" + x.state, "HTTP_PORT=" + x.port, "SMTP_PORT=" + x.mail}
	x.client = newClient(t, x.port)
	if err := os.Mkdir(x.state, 0o700); err != nil { // the stats socket is made in it before the queues are
		t.Fatal(err)
	}
	return x
}

func (x *example) socket() string { return filepath.Join(x.state, "admin.sock") }

// start runs it as its first comment says.
func (x *example) start(t *testing.T, env ...string) *program.Eddy {
	t.Helper()
	return program.Start(t, eddy, "../..", "127.0.0.1:"+x.port, append(x.env, env...), "-f", "examples/jobs/haproxy.cfg")
}

func (x *example) startSink(t *testing.T) *program.Eddy {
	t.Helper()
	return program.Start(t, sink, "../..", "127.0.0.1:"+x.mail, nil, "-listen", "127.0.0.1:"+x.mail)
}

// subjects lists the orders that the sink has mails of.
func subjects(sink *program.Eddy) (orders []string) {
	for line := range strings.Lines(sink.Said()) {
		if order, ok := strings.CutPrefix(strings.TrimSpace(line), "Subject: order "); ok {
			orders = append(orders, order)
		}
	}
	return orders
}

func TestExample(t *testing.T) {
	x := newExample(t)
	sink := x.startSink(t)
	hooks := make(chan string, 10)
	answers := make(chan int, 10)
	answers <- http.StatusServiceUnavailable // the first attempt; then 200
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		hooks <- r.Method + " " + string(body)
		select {
		case status := <-answers:
			w.WriteHeader(status)
		default:
		}
	}))
	defer receiver.Close()
	dir := t.TempDir()
	convert := "#!/bin/sh\nprintf '%s|' \"$@\" >" + dir + "/converted.new && mv " + dir + "/converted.new " + dir + "/converted\n"
	if err := os.WriteFile(filepath.Join(dir, "convert"), []byte(convert), 0o755); err != nil {
		t.Fatal(err)
	}
	e := x.start(t, "WEBHOOK="+receiver.URL+"/paid", "PATH="+dir+":"+os.Getenv("PATH"))

	// Asked twice, mailed once.
	id := x.id("/order/42")
	if text := x.get("/order/42", 202); text != "job "+id+" (duplicate)\n" {
		t.Errorf("the second push: %q", text)
	}
	// Mails to one customer leave one at a time, in order.
	want := []string{"42"}
	for i := range 10 {
		x.id(fmt.Sprintf("/order/%d", 100+i))
		want = append(want, fmt.Sprint(100+i))
	}
	program.Until(t, "the mails are there", func() bool { return len(subjects(sink)) >= len(want) })
	if got := subjects(sink); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("orders %v were mailed, want %v", got, want)
	}
	x.get("/order/", 400)

	// Results that the request waits for.
	if text := x.get("/sum/1000", 200); text != "500500\n" {
		t.Errorf("the sum is %q", text)
	}
	if text := x.get("/sum/99999999999999", 504); !strings.Contains(text, "time") {
		t.Errorf("a sum without an end: %q", text)
	}

	x.id("/later/1")
	e.WaitFor(t, "/later/1 was asked for 1 s ago")

	x.id("/thumbnail/cat.png")
	program.Until(t, "the program ran", func() bool {
		b, _ := os.ReadFile(filepath.Join(dir, "converted"))
		return string(b) == "uploads/cat.png|-resize|100x100|thumbnails/cat.png|"
	})
	x.get("/thumbnail/..%2Fcat.png", 400)

	x.id("/paid/42")
	for range 2 { // it is tried again
		if got := <-hooks; got != "POST order=42" {
			t.Errorf("the webhook got %q", got)
		}
	}
	res, err := http.Get(x.base + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	metrics, err := io.ReadAll(res.Body)
	if err != nil || !strings.Contains(string(metrics), `eddy_queue_duplicates_total{queue="email"} 1`) {
		t.Errorf("metrics: %v\n%s", err, metrics)
	}
	if text := x.get("/else", 404); !strings.HasPrefix(text, "try /order/42") {
		t.Errorf("answer %q", text)
	}
	e.Stop(t)
}

// TestExampleCrash kills it while no mail server is there, and starts both.
func TestExampleCrash(t *testing.T) {
	x := newExample(t)
	e := x.start(t)
	var want []string
	for i := range 20 {
		x.id(fmt.Sprintf("/order/%d", i))
		want = append(want, fmt.Sprint(i))
	}
	x.id("/later/1") // a function, sealed
	e.Kill(t)
	sink := x.startSink(t)
	e = x.start(t)
	e.WaitFor(t, "/later/1 was asked for 1 s ago")
	program.Until(t, "the mails are there", func() bool {
		for _, j := range failed(t, x.socket()) {
			program.Say(t, x.socket(), "retry job "+j) // it would be tried again by itself, after a longer pause each time
		}
		return len(subjects(sink)) >= len(want)
	})
	if got := subjects(sink); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("orders %v were mailed, want %v", got, want)
	}
	e.Stop(t)
}

// TestExampleDead has no mail server until no attempt is left, over a restart.
func TestExampleDead(t *testing.T) {
	x := newExample(t)
	e := x.start(t)
	id := x.id("/order/7")
	for attempt := range 9 {
		if attempt == 5 {
			e.Kill(t)
			e = x.start(t)
		}
		program.Until(t, "the attempt fails", func() bool {
			program.Say(t, x.socket(), "retry job "+id)
			return strings.Contains(e.Said(), "no receipt after ") || attempts(t, x.socket(), id) > attempt
		})
	}
	e.WaitFor(t, "order 7: no receipt after 9 attempts: ")
	e.Stop(t)
}
