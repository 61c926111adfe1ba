package cli_test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Who asks may stand in another folder than who started eddy: what is wrong with the configuration from there does not matter
// when its socket is found.
func TestJobsOfABrokenConfiguration(t *testing.T) {
	dir := t.TempDir()
	path, file := filepath.Join(dir, "s.sock"), filepath.Join(dir, "e.cfg")
	defer stats(t, path, make(chan string, 100)).Close()
	text := "global\n  lua-load missing.lua\n  stats socket " + filepath.Join(dir, "other.sock") + " level user\n  stats socket " + path + " level admin\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("eddy", "jobs", "-f", file, "queues").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "\nemail ") || strings.Contains(string(out), "missing.lua") {
		t.Errorf("%v: %s", err, out)
	}
}

// On a terminal, somebody is asked before jobs go, and nothing goes without a yes.
func TestJobsAsks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sock")
	said := make(chan string, 100)
	defer stats(t, path, said).Close()
	for _, tt := range []struct {
		args, question, answer string
		shows                  string
		done                   bool
	}{
		{"delete ID", "Delete job ID? [y/N] ", "n\n", "nothing was done", false},
		{"delete ID", "Delete job ID? [y/N] ", "\n", "nothing was done", false},
		{"delete A B", "Delete 2 jobs? [y/N] ", "yes\n", "it is gone", true},
		{"delete -y ID", "", "", "it is gone", true},
		{"purge default", "Queue default has 0 ready, 0 scheduled, 0 retrying, 0 running and 0 dead jobs. Purge all but running ones? [y/N] ", "n\n", "nothing was done", false},
		{"purge email", "Purge all but running ones? [y/N] ", "y\n", "3 are gone", true},
	} {
		far, near := openTerminal(t)
		eddy := exec.Command("eddy", append([]string{"jobs", "-S", path}, strings.Fields(tt.args)...)...)
		eddy.Env = append(os.Environ(), "TERM=xterm", "GORACE=atexit_sleep_ms=0")
		eddy.Stdin, eddy.Stdout, eddy.Stderr = near, near, near
		if err := eddy.Start(); err != nil {
			t.Fatal(err)
		}
		var s screen
		go s.read(far)
		if tt.question != "" {
			s.shows(t, tt.question)
		}
		_, _ = io.WriteString(far, tt.answer)
		s.shows(t, tt.shows)
		if err := eddy.Wait(); (err == nil) != tt.done {
			t.Errorf("%s: ended with %v", tt.args, err)
		}
		if done := len(said) > 0; done != tt.done {
			t.Errorf("%s: it was done: %v", tt.args, done)
		}
		for len(said) > 0 {
			<-said
		}
	}
}
