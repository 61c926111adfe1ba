package syslog

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 10 * time.Second

// start opens a logger with quick retries and closes it at the end of the test.
func start(t *testing.T, o Options, targets ...Target) *Logger {
	t.Helper()
	o.MinBackoff, o.MaxBackoff = time.Millisecond, 10*time.Millisecond
	l, err := Open(targets, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_ = l.Close(ctx)
	})
	return l
}

func raw(network, addr string) Target {
	return Target{Network: network, Addr: addr, Format: Raw, Level: Debug}
}

func receive(t *testing.T, c net.PacketConn) string {
	t.Helper()
	b := make([]byte, 1<<16)
	_ = c.SetReadDeadline(time.Now().Add(patience))
	n, _, err := c.ReadFrom(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

func TestUDP(t *testing.T) {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	l := start(t, Options{}, raw("udp", c.LocalAddr().String()))
	for i := range 50 {
		l.Log(Info, "", fmt.Appendf(nil, "line %d", i))
	}
	for i := range 50 {
		if got, want := receive(t, c), fmt.Sprintf("line %d\n", i); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
	if err := l.Close(t.Context()); err != nil {
		t.Error(err)
	}
	l.Log(Info, "", []byte("after"))
	if l.Dropped() != 1 {
		t.Errorf("dropped %d, want the one after Close", l.Dropped())
	}
}

func TestLevelsAndSampling(t *testing.T) {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	target := Target{Network: "udp", Addr: c.LocalAddr().String(), Format: Short, Level: Notice, MinLevel: Err}
	sampled := raw("udp", target.Addr)
	sampled.Sample, sampled.SampleOf = [][2]int{{1, 1}, {3, 4}}, 5
	l := start(t, Options{}, target)
	l.Log(Info, "", []byte("too chatty"))
	l.Log(Emerg, "", []byte("capped"))
	l.Log(Notice, "", []byte("as it is"))
	for _, want := range []string{"<3>capped\n", "<5>as it is\n"} {
		if got := receive(t, c); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	l = start(t, Options{}, sampled)
	for i := 1; i <= 10; i++ {
		l.With("x").Log(Info, fmt.Append(nil, i))
	}
	for _, want := range []string{"1\n", "3\n", "4\n", "6\n", "8\n", "9\n"} {
		if got := receive(t, c); got != want {
			t.Errorf("sampled: got %q, want %q", got, want)
		}
	}
}

// A syslog daemon that is not there costs nothing but lines, and hears how many when it comes.
func TestUnixSocketComesLate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l := start(t, Options{Ring: 100}, raw("unixgram", path))
	for i := range 1000 {
		l.Log(Info, "", fmt.Appendf(nil, "line %d", i))
	}
	lost := l.Dropped()
	if lost < 900 {
		t.Fatalf("dropped %d of 1000 lines with a ring of 100 bytes", lost)
	}
	c, err := net.ListenPacket("unixgram", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	report := fmt.Sprintf("%d log lines were dropped because unixgram@%s did not take them\n", lost, path)
	if got := receive(t, c); got != "line 0\n" {
		t.Errorf("first line %q", got)
	}
	for got := ""; got != report; {
		if got = receive(t, c); strings.Contains(got, "dropped") && got != report {
			t.Fatalf("got %q, want %q", got, report)
		}
	}
	// and it may restart
	c.Close()
	os.Remove(path)
	l.Log(Info, "", []byte("while away"))
	if c, err = net.ListenPacket("unixgram", path); err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for got := ""; got != "while away\n"; {
		got = receive(t, c)
	}
}

func TestStream(t *testing.T) {
	for _, octets := range []bool{false, true} {
		t.Run(fmt.Sprint("octets ", octets), func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			target := raw("tcp", ln.Addr().String())
			target.OctetCount = octets
			l := start(t, Options{}, target)
			l.Log(Info, "", []byte("one"))
			l.Log(Info, "", []byte("number two"))
			want, again := "one\nnumber two\n", "again\n"
			if octets {
				want, again = "3 one10 number two", "5 again"
			}
			first := accept(t, ln)
			expect(t, first, want)
			first.Close() // the server restarts: the next line arrives on a new connection
			l.Log(Info, "", []byte("again"))
			second := accept(t, ln)
			defer second.Close()
			expect(t, second, again)
			if err := l.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func accept(t *testing.T, ln net.Listener) net.Conn {
	t.Helper()
	_ = ln.(*net.TCPListener).SetDeadline(time.Now().Add(patience))
	c, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	return c
}

func expect(t *testing.T, r io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(r, got); err != nil || string(got) != want {
		t.Fatalf("got %q (%v), want %q", got, err, want)
	}
}

// A pipe that nobody reads fills up; Log goes on, and Close does not hang.
func TestFullPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	l := start(t, Options{Ring: 8192}, Target{Network: "fd", FD: int(w.Fd()), Format: Raw, Level: Debug})
	line := []byte(strings.Repeat("x", 1000))
	for l.Dropped() == 0 {
		l.Log(Info, "", line)
	}
	lines := bufio.NewReader(r)
	for {
		got, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(got, "log lines were dropped because "+fmt.Sprintf("fd@%d", int(w.Fd()))+" did not take them\n") {
			break
		}
		if len(got) != 1001 {
			t.Fatalf("a line of %d bytes", len(got))
		}
	}
	// A line that is dropped may only mean that the writer is behind; many in a row mean that the pipe is full.
	for row := 0; row < 50; time.Sleep(time.Millisecond) {
		d := l.Dropped()
		if l.Log(Info, "", line); l.Dropped() > d {
			row++
		} else {
			row = 0
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Close(ctx); err == nil {
		t.Error("Close says that a full pipe took everything")
	}
}

func TestDeadDescriptor(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	l := start(t, Options{}, Target{Network: "fd", FD: int(w.Fd()), Level: Debug})
	l.Log(Info, "", []byte("x"))
	for l.Dropped() == 0 {
		time.Sleep(time.Millisecond)
	}
}

func TestCloseGivesUp(t *testing.T) {
	l := start(t, Options{}, raw("unixgram", filepath.Join(t.TempDir(), "nobody")))
	l.Log(Info, "", []byte("lost"))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := l.Close(ctx); err == nil || err.Error() != "1 log lines were not taken by their targets" {
		t.Errorf("Close: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	_, err := Open([]Target{
		{Network: "pigeon", Addr: "x"},
		{Network: "udp"},
		{Network: "udp", Addr: "x:1", Facility: 24},
		{Network: "udp", Addr: "x:1", MaxLen: 5},
		{Network: "udp", Addr: "x:1", Level: 9},
		{Network: "udp", Addr: "x:1", Sample: [][2]int{{2, 9}}, SampleOf: 5},
	}, Options{})
	var all interface{ Unwrap() []error }
	if !errors.As(err, &all) || len(all.Unwrap()) != 6 {
		t.Errorf("got %v, want six mistakes", err)
	}
}

func TestNilLogger(t *testing.T) {
	var l *Logger
	l.Log(Info, "", []byte("x"))
	if l.Dropped() != 0 || l.Close(t.Context()) != nil {
		t.Error("a nil logger did something")
	}
}

func TestLogDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	l := start(t, Options{Ring: 4096}, Target{Network: "fd", FD: int(w.Fd()), Format: RFC5424, Level: Debug})
	line := []byte("127.0.0.1:4711 [22/Nov/2026:06:18:55.231] fe be/srv 0/0/0/1/1 200 312 - - ---- 1/1/0/0/0 0/0 \"GET / HTTP/1.1\"")
	for l.Dropped() == 0 {
		l.Log(Info, "", line)
	}
	if n := testing.AllocsPerRun(200, func() { l.Log(Info, "", line) }); n != 0 {
		t.Errorf("%v allocations for each line", n)
	}
}
