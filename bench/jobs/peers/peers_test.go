package main

import (
	"testing"
	"time"

	"eddy/bench/jobs/load"
)

// TestJetStream runs the one peer that needs no server of its own.
func TestJetStream(t *testing.T) {
	for _, workers := range []int{0, 2} {
		p := load.Plan{Producers: 2, Workers: workers, Payload: 100, Length: 50 * time.Millisecond}
		s, err := openJetStream(t.Context(), t.TempDir(), "", p)
		if err != nil {
			t.Fatal(err)
		}
		r, err := load.Measure(t.Context(), s, p)
		if err != nil || r.N == 0 || r.Rate <= 0 {
			t.Errorf("%+v, %v", r, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
