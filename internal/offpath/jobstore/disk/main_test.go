package disk

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain is also the child that TestKill kills.
func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		child(path, os.Getenv(childSyncEnv) != "")
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}
