package wire

import (
	"io"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestParking(t *testing.T) {
	defer goleak.VerifyNone(t)
	p, err := NewParking()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	c, peer := pair(t)
	var s Spot
	woken := make(chan bool, 1)
	park := func(until time.Time) {
		t.Helper()
		if !p.Park(c, &s, until, func(timeout bool) { woken <- timeout }) {
			t.Fatal("not parked")
		}
	}
	buf := make([]byte, 10)

	// Bytes that are there already, and bytes that come, wake it; again and again.
	for range 3 {
		if _, err := peer.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		park(time.Time{})
		if <-woken {
			t.Fatal("timeout")
		}
		if n, err := c.Recv(buf, time.Time{}); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		park(time.Now().Add(time.Hour))
		if _, err := peer.Write([]byte("y")); err != nil {
			t.Fatal(err)
		}
		if <-woken {
			t.Fatal("timeout")
		}
		if n, err := c.Recv(buf, time.Time{}); n != 1 || err != nil {
			t.Fatal(n, err)
		}
	}

	// The end of its time wakes it, too.
	park(time.Now())
	if !<-woken {
		t.Fatal("woken, but not by time")
	}

	// Who leaves is not woken.
	park(time.Time{})
	if p.Count() != 1 || !p.Leave(&s) || p.Leave(&s) || p.Count() != 0 {
		t.Fatal("leaving twice, or not at all")
	}
	if _, err := peer.Write([]byte("z")); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Recv(buf, time.Time{}); n != 1 || err != nil {
		t.Fatal(n, err)
	}

	// So does the peer's end.
	park(time.Time{})
	peer.Close()
	if <-woken {
		t.Fatal("timeout")
	}
	if _, err := c.Recv(buf, time.Time{}); err != io.EOF {
		t.Fatal(err)
	}

	p.Close()
	if p.Park(c, &s, time.Time{}, nil) {
		t.Fatal("parked after Close")
	}
}
