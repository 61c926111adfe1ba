package wire

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pair gives a Conn and the other end of its connection.
func pair(t testing.TB) (*Conn, *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	peer, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	nc, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(nc)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(); _ = peer.Close() })
	_ = peer.SetDeadline(time.Now().Add(10 * time.Second))
	return c, peer.(*net.TCPConn)
}

func in(d time.Duration) time.Time { return time.Now().Add(d) }

func TestRecv(t *testing.T) {
	c, peer := pair(t)
	b := make([]byte, 10)
	if _, err := c.Recv(b, in(20*time.Millisecond)); err != ErrTimeout {
		t.Errorf("with nothing there: %v", err)
	}
	_, _ = peer.Write([]byte("abc"))
	// The deadline that the poller knows is over; this wait's is not.
	if n, err := c.Recv(b, in(5*time.Second)); string(b[:n]) != "abc" || err != nil {
		t.Errorf("got %q, %v", b[:n], err)
	}
	// A deadline that comes too early is set again.
	_, _ = c.Recv(b, in(30*time.Millisecond))
	go func() { time.Sleep(60 * time.Millisecond); _, _ = peer.Write([]byte("d")) }()
	if n, err := c.Recv(b, time.Time{}); n != 1 || err != nil {
		t.Errorf("without a bound: %d, %v", n, err)
	}
	_ = peer.Close()
	if _, err := c.Recv(b, in(5*time.Second)); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

func TestRecvBuffer(t *testing.T) {
	c, peer := pair(t)
	pools := NewPools(8 << 10)
	_, _ = peer.Write([]byte("abc"))
	b, err := c.RecvBuffer(pools, false, in(time.Second))
	if err != nil || string(b.Bytes()) != "abc" || len(b.B) != SmallSize {
		t.Fatalf("got %v, %v", b, err)
	}
	b.R = 1
	b.Shift()
	if b.R != 0 || string(b.Bytes()) != "bc" {
		t.Errorf("shifted to %q at %d", b.Bytes(), b.R)
	}
	if pools.Put(b); b.Len() != 0 {
		t.Error("a buffer that was given back holds bytes")
	}
}

func TestInterrupt(t *testing.T) {
	c, peer := pair(t)
	got := make(chan error)
	go func() { _, err := c.Recv(make([]byte, 1), time.Time{}); got <- err }()
	c.Interrupt()
	if err := <-got; err != ErrInterrupted {
		t.Errorf("got %v", err)
	}
	if _, err := c.Recv(make([]byte, 1), in(time.Second)); err != ErrInterrupted {
		t.Errorf("a later read: %v", err)
	}
	c.Resume()
	_, _ = peer.Write([]byte("x"))
	if _, err := c.Recv(make([]byte, 1), in(5*time.Second)); err != nil {
		t.Errorf("after Resume: %v", err)
	}
}

// TestSend fills the socket, which a slow reader empties.
func TestSend(t *testing.T) {
	c, peer := pair(t)
	data := bytes.Repeat([]byte("0123456789"), 800_000)
	if n, err := c.Send(50*time.Millisecond, data); err != ErrTimeout || n == 0 || n == len(data) {
		t.Fatalf("nobody reads: %d, %v", n, err)
	} else if _, err := io.CopyN(io.Discard, peer, int64(n)); err != nil {
		t.Fatal(err)
	}
	got := make(chan []byte)
	go func() {
		b := make([]byte, len(data)+6)
		_, _ = io.ReadFull(peer, b)
		got <- b
	}()
	if n, err := c.Send(5*time.Second, []byte("abc"), nil, data, []byte("def")); n != len(data)+6 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	if b := <-got; !bytes.HasPrefix(b, []byte("abc0123")) || !bytes.HasSuffix(b, []byte("789def")) {
		t.Errorf("got %.10q … %q", b, b[len(b)-10:])
	}
	_ = peer.SetLinger(0)
	_ = peer.Close()
	for end := in(5 * time.Second); ; {
		if _, err := c.Send(time.Second, []byte("x")); err != nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("a reset connection takes bytes")
		}
	}
}

func TestExchange(t *testing.T) {
	pools := NewPools(8 << 10)
	t.Run("answer", func(t *testing.T) {
		c, peer := pair(t)
		go func() {
			b := make([]byte, 5)
			_, _ = io.ReadFull(peer, b)
			_, _ = peer.Write(b)
		}()
		b, sent, err := c.Exchange(pools, time.Second, in(5*time.Second), []byte("he"), []byte("llo"))
		if err != nil || !sent || string(b.Bytes()) != "hello" {
			t.Errorf("got %v, sent %v, %v", b, sent, err)
		}
	})
	t.Run("closed before", func(t *testing.T) {
		c, peer := pair(t)
		_ = peer.Close()
		for n, err := c.Peek(); n == 0 && err == nil; n, err = c.Peek() { // until the close arrives
		}
		if _, sent, err := c.Exchange(pools, time.Second, in(5*time.Second), []byte("x")); err != io.EOF || sent {
			t.Errorf("sent %v, %v", sent, err)
		}
	})
	t.Run("closed instead of an answer", func(t *testing.T) {
		c, peer := pair(t)
		go func() { _, _ = peer.Read(make([]byte, 1)); _ = peer.Close() }()
		if _, sent, err := c.Exchange(pools, time.Second, in(5*time.Second), []byte("x")); err == nil || !sent {
			t.Errorf("sent %v, %v", sent, err)
		}
	})
	t.Run("something was there", func(t *testing.T) {
		c, peer := pair(t)
		_, _ = peer.Write([]byte("y"))
		for n, _ := c.Peek(); n == 0; n, _ = c.Peek() {
		}
		if b, sent, err := c.Exchange(pools, time.Second, in(5*time.Second), []byte("x")); err != nil || sent || string(b.Bytes()) != "y" {
			t.Errorf("got %v, sent %v, %v", b, sent, err)
		}
	})
	t.Run("more than the socket takes", func(t *testing.T) {
		c, peer := pair(t)
		data := make([]byte, 8<<20)
		go func() {
			_, _ = io.CopyN(io.Discard, peer, int64(len(data)))
			_, _ = peer.Write([]byte("ok"))
		}()
		b, sent, err := c.Exchange(pools, 5*time.Second, in(5*time.Second), data)
		if err != nil || !sent || string(b.Bytes()) != "ok" {
			t.Errorf("got %v, sent %v, %v", b, sent, err)
		}
	})
	t.Run("silence", func(t *testing.T) {
		c, _ := pair(t)
		if _, sent, err := c.Exchange(pools, time.Second, in(30*time.Millisecond), []byte("x")); err != ErrTimeout || !sent {
			t.Errorf("sent %v, %v", sent, err)
		}
	})
}

func TestSplice(t *testing.T) {
	from, src := pair(t)
	to, dst := pair(t)
	data := bytes.Repeat([]byte("0123456789"), 500_000)
	go func() { _, _ = src.Write(data); _ = src.CloseWrite() }()
	got := make(chan []byte)
	go func() { b, _ := io.ReadAll(dst); got <- b }()
	p, err := NewPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for {
		_, err := from.SpliceTo(p, 1<<20, in(5*time.Second))
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := to.SpliceFrom(p, 5*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	_ = to.CloseWrite()
	if b := <-got; !bytes.Equal(b, data) {
		t.Errorf("%d of %d bytes came", len(b), len(data))
	}
	if _, err := from.SpliceTo(p, 1, in(time.Second)); err != io.EOF {
		t.Errorf("after the end: %v", err)
	}
}

// TestNoAllocation keeps the plain paths free of it.
func TestNoAllocation(t *testing.T) {
	if racing {
		t.Skip("not with the race detector")
	}
	c, peer := pair(t)
	pools := NewPools(8 << 10)
	msg, echo := []byte("hello"), make([]byte, 5)
	allocs := testing.AllocsPerRun(200, func() {
		_, _ = peer.Write(msg)
		b, err := c.RecvBuffer(pools, false, in(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Send(time.Minute, b.Bytes(), nil); err != nil {
			t.Fatal(err)
		}
		pools.Put(b)
		_, _ = io.ReadFull(peer, echo)
	})
	if allocs > 0 {
		t.Errorf("%v allocations for an echo", allocs)
	}
}

func TestNoSocket(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if _, err := New(a); !errors.Is(err, ErrNoSocket) {
		t.Errorf("got %v", err)
	}
}
