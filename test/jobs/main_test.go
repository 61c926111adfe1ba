// Package jobs runs the examples of jobs, and what the guide to jobs says, on the eddy binary.
package jobs

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"eddy/test/program"
)

// eddy and sink are the binaries under test.
var eddy, sink string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "jobs")
	if err == nil {
		defer os.RemoveAll(dir)
		eddy, err = program.BuildIn(dir)
	}
	if err == nil {
		sink = filepath.Join(dir, "sink")
		var out []byte
		if out, err = exec.Command("go", "build", "-o", sink, "eddy/examples/email/sink").CombinedOutput(); err != nil {
			err = fmt.Errorf("%w\n%s", err, out)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// client asks one server, over connections that end with the test.
type client struct {
	t    *testing.T
	base string
	http http.Client
}

func newClient(t *testing.T, port string) *client {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &client{t, "http://127.0.0.1:" + port, http.Client{Transport: transport, Timeout: time.Minute}}
}

// get demands a status, and gives the answer's text.
func (c *client) get(path string, status int) string {
	c.t.Helper()
	res, err := c.http.Post(c.base+path, "text/plain", nil) // a GET might be sent again
	if err != nil {
		c.t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		c.t.Fatal(err)
	}
	if res.StatusCode != status {
		c.t.Fatalf("%s: status %d %q, want %d", path, res.StatusCode, body, status)
	}
	return string(body)
}

// id is get for an answer that names a job.
func (c *client) id(path string) string {
	c.t.Helper()
	text := c.get(path, http.StatusAccepted)
	id, ok := strings.CutPrefix(strings.TrimSpace(text), "job ")
	if !ok || len(id) != 13 {
		c.t.Fatalf("%s: answer %q", path, text)
	}
	return id
}
