package vm

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"eddy/internal/base/value"
)

// What computes long is counted by what it computes; what waits is not.
func TestStats(t *testing.T) {
	s := newState(t, Options{})
	s.Register("rest", func(c *Call) error {
		return c.Wait(func(context.Context) Resume { time.Sleep(50 * time.Millisecond); return Resume{} })
	})
	if err := s.LoadPrelude("test", "rest = (...).rest"); err != nil {
		t.Fatal(err)
	}
	run := func(kind RunKind, src string) {
		t.Helper()
		fn, err := s.Load("=t", src)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Run(context.Background(), &Run{Fn: fn, Kind: kind}); err != nil {
			t.Fatal(err)
		}
	}
	run(KindTask, "rest() rest() rest()")
	began := time.Now()
	run(KindHandler, "local n = os.clock() + 0.1 while os.clock() < n do end")
	took := time.Since(began)
	st := s.Stats()
	if got := st.Computed[KindHandler]; got < 50*time.Millisecond || got > took+10*time.Millisecond {
		t.Errorf("a handler computed %v of %v", got, took)
	}
	if got := st.Computed[KindTask]; got > 120*time.Millisecond {
		t.Errorf("a task that waits computed %v", got)
	}
	if n, _ := st.AllRuns(); n != 2 || st.Runs[KindTask] != 1 || st.Runs[KindHandler] != 1 || st.Memory == 0 {
		t.Errorf("%+v", st)
	}
}

// Short runs are counted too, by samples.
func TestStatsShort(t *testing.T) {
	s := newState(t, Options{})
	fn, err := s.Load("=t", "local n = 0 for i = 1, 10000 do n = n + i end")
	if err != nil {
		t.Fatal(err)
	}
	for range 2000 {
		if err := s.Run(context.Background(), &Run{Fn: fn, Kind: KindAction}); err != nil {
			t.Fatal(err)
		}
	}
	st := s.Stats()
	if got := st.Computed[KindAction]; st.Runs[KindAction] != 2000 || got <= 0 {
		t.Errorf("%d runs computed %v", st.Runs[KindAction], got)
	}
}

func TestLockWaits(t *testing.T) {
	s := newState(t, Options{})
	var group sync.WaitGroup
	s.Do(func() {
		for range 3 {
			group.Go(func() { s.Do(func() {}) })
		}
		for deadline := time.Now().Add(10 * time.Second); atomic.LoadInt32(&s.waiters) < 3 && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond)
		}
	})
	group.Wait()
	if st := s.Stats(); st.LockWaits < 3 || st.LockWait <= 0 {
		t.Errorf("%d waits, %v", st.LockWaits, st.LockWait)
	}
}

func TestAppendEncoded(t *testing.T) {
	s := newState(t, Options{})
	var got []byte
	var fault error
	s.Register("take", func(c *Call) error {
		got, fault = c.AppendEncoded([]byte("x"), 1)
		return nil
	})
	if err := s.LoadPrelude("test", "take = (...).take"); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		src  string
		want Value
		err  error
	}{
		{src: `"a\0b"`, want: Str("a\x00b")}, {src: "7", want: Int(7)}, {src: "7.5", want: Num(7.5)}, {src: "true", want: Bool(true)}, {src: "nil"},
		{src: `{1, "b", k = false}`, want: Tab(&Table{Arr: []Value{Int(1), Str("b")}, Map: []Pair{{Key: Str("k"), Value: Bool(false)}}})},
		{src: "print", err: ErrNotPlain}, {src: "{{print}}", err: ErrNotPlain}, {src: "{[print] = 1}", err: ErrNotPlain},
		{src: "coroutine.create(print)", err: ErrNotPlain}, {src: "(function() local t = {} t.t = t return t end)()", err: value.ErrDepth},
	} {
		if err := s.LoadString(context.Background(), "t", "take("+tt.src+")"); err != nil {
			t.Fatal(err)
		}
		if !errors.Is(fault, tt.err) {
			t.Errorf("%s: %v, want %v", tt.src, fault, tt.err)
			continue
		}
		want, _ := value.Append([]byte("x"), tt.want)
		if tt.err == nil && !bytes.Equal(got, want) {
			t.Errorf("%s: %q, want %q", tt.src, got, want)
		}
	}
}

func TestVersion(t *testing.T) {
	if v := Version(); !strings.HasPrefix(v, "5.4.") {
		t.Error(v)
	}
}
