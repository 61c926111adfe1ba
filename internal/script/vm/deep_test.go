package vm

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// A stack that overflows shows where it was, and not a million frames.
func TestDeepTraceback(t *testing.T) {
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var e *Error
	err = s.LoadString(context.Background(), "deep", "local function f() return 1 + f() end\nf()")
	if !errors.As(err, &e) || !strings.Contains(e.Text, "stack overflow") {
		t.Fatalf("%v", err)
	}
	if n := strings.Count(e.Traceback, "\n"); n < 10 || n > 25 || !strings.Contains(e.Traceback, "many more levels") || e.Line != 1 {
		t.Fatalf("line %d, %d frames:\n%s", e.Line, n, e.Traceback)
	}
}
