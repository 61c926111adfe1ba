package extract

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain: no decoder is left in its coroutine.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
