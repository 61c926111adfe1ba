// Package crash ends eddy at any moment, takes its disk away, and offers it more than it can bear: what it has accepted must be
// done, once where it did not die over it, and traffic goes on.
package crash

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"eddy/test/program"
)

// eddy is the binary under test.
var eddy string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "crash")
	if err == nil {
		defer os.RemoveAll(dir)
		eddy, err = program.BuildIn(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// rounds says how often the process is to be killed: few times, or EDDY_CRASH_ROUNDS.
func rounds(t *testing.T, few int) int {
	t.Helper()
	text := os.Getenv("EDDY_CRASH_ROUNDS")
	if text == "" {
		return few
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("EDDY_CRASH_ROUNDS=%q is not a number of rounds", text)
	}
	return n
}

// site is a configuration of testdata with a state folder and a port.
type site struct {
	config string
	dir    string // the state folder, the stats socket and the ledger are in it
	state  string
	addr   string // of HTTP
	env    []string
}

func newSite(t *testing.T, config string) *site {
	t.Helper()
	dir := t.TempDir()
	port := program.FreePort(t)
	s := &site{config: config, dir: dir, state: filepath.Join(dir, "state"), addr: "127.0.0.1:" + port}
	s.env = []string{"STATE_DIR=" + s.state, "SOCKET=" + s.socket(), "LEDGER=" + s.ledger(), "HTTP_PORT=" + port}
	return s
}

func (s *site) socket() string { return filepath.Join(s.dir, "admin.sock") }
func (s *site) ledger() string { return filepath.Join(s.dir, "ledger") }

// launch starts eddy, and waits for nothing.
func (s *site) launch(t *testing.T, env ...string) *program.Eddy {
	t.Helper()
	return program.Launch(t, eddy, "testdata", append(s.env, env...), "-db", "-V", "-f", s.config)
}

// start starts eddy, and waits until it is ready.
func (s *site) start(t *testing.T, env ...string) *program.Eddy {
	t.Helper()
	e := s.launch(t, env...)
	e.WaitFor(t, "ready, process")
	return e
}
