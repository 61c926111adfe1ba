package counter

import (
	"math"
	"testing"
)

// oneMeter gives a group with a single meter of a type.
func oneMeter(t *testing.T, v VarType) *Group {
	t.Helper()
	g := &Group{GUID: "{00000000-0000-0000-0000-000000000001}", Name: "test", Meters: []Meter{{Type: v, Name: "m"}}}
	if err := g.prepare(); err != nil {
		t.Fatal(err)
	}
	return g
}

// Samples of two ticks, each merged into the bucket's cells, over a bucket of 10 s.
func TestValues(t *testing.T) {
	for _, c := range []struct {
		name          string
		v             VarType
		first, second []float64
		want          float64
	}{
		{"counter adds", Counter, []float64{1, 2}, []float64{3}, 6},
		{"rate is the sum by seconds", RateCounter, []float64{100}, []float64{50}, 15},
		{"gauge has the last", Gauge, []float64{7, 9}, []float64{4}, 4},
		{"gauge of zero is a sample", Gauge, []float64{7}, []float64{0}, 0},
		{"gauge without a later sample", Gauge, []float64{7}, nil, 7},
		{"running adds", RunningCounter, []float64{5, -2}, []float64{1}, 4},
		{"average", Average, []float64{1, 2}, []float64{6}, 3},
		{"average of nothing", Average, nil, nil, 0},
		{"delta rate", DeltaRateCounter, []float64{1000, 1040}, []float64{1100}, 10},
		{"delta rate of one sample", DeltaRateCounter, []float64{1000}, nil, 0},
		{"delta rate over a restart", DeltaRateCounter, []float64{1000, 1050}, []float64{3, 53}, 10},
		{"maximum", Maximum, []float64{-5, -9}, []float64{-7}, -5},
		{"minimum", Minimum, []float64{5, 9}, []float64{7}, 5},
		{"not a number", Counter, []float64{math.Inf(1)}, []float64{math.Inf(-1)}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := oneMeter(t, c.v)
			bucket := make([]float64, g.Stride())
			for _, samples := range [][]float64{c.first, c.second} {
				tick := make([]float64, g.Stride())
				for _, s := range samples {
					g.Sample(tick, 0, s)
				}
				g.Merge(bucket, tick)
			}
			if got := g.Value(bucket, 0, 10); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestCarry(t *testing.T) {
	bucket := func(g *Group, samples ...float64) []float64 {
		cells := make([]float64, g.Stride())
		for _, s := range samples {
			g.Sample(cells, 0, s)
		}
		return cells
	}
	running := oneMeter(t, RunningCounter)
	earlier := make([]float64, running.Stride())
	for i, want := range []float64{5, 3, 3} {
		cells := bucket(running, [][]float64{{5}, {-2}, {}}[i]...)
		running.Carry(cells, earlier)
		if got := running.Value(cells, 0, 60); got != want {
			t.Errorf("running counter in bucket %d: got %v, want %v", i, got, want)
		}
	}
	if !running.Running(earlier) {
		t.Error("a running counter of 3 is said to have no value")
	}

	delta := oneMeter(t, DeltaRateCounter)
	earlier = make([]float64, delta.Stride())
	for i, want := range []float64{0, 10, 0, 5} {
		cells := bucket(delta, [][]float64{{1000}, {1100}, {}, {1150}}[i]...)
		delta.Carry(cells, earlier)
		if got := delta.Value(cells, 0, 10); got != want {
			t.Errorf("delta rate in bucket %d: got %v, want %v", i, got, want)
		}
	}
}

func TestTotals(t *testing.T) {
	for _, c := range []struct {
		v    VarType
		want float64
	}{{Counter, 5}, {RateCounter, .5}, {Gauge, 5}, {RunningCounter, 5}, {Average, 2.5}, {Maximum, 3}, {Minimum, 2}} {
		g := oneMeter(t, c.v)
		totals := make([]float64, g.Stride())
		for _, s := range []float64{2, 3} {
			key := make([]float64, g.Stride())
			g.Sample(key, 0, s)
			g.AddTotals(totals, key)
		}
		if got := g.Value(totals, 0, 10); got != c.want {
			t.Errorf("type %d: got %v, want %v", c.v, got, c.want)
		}
	}
}
