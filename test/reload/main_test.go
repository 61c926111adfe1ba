package reload

import (
	"fmt"
	"os"
	"testing"

	"eddy/test/program"
)

var eddy string // the binary; set once, before the tests run

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "eddy-reload-")
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
