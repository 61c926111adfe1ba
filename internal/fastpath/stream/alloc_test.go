package stream

import (
	"io"
	"net"
	"testing"
	"time"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/txn"
)

// loop sends the same request over one connection again and again, without allocating itself.
type loop struct {
	t      testing.TB
	c      *net.TCPConn
	req    []byte
	answer []byte
}

func newLoop(r *rig, req string, answer int) *loop {
	return &loop{r.t, r.dial(), []byte(req), make([]byte, answer)}
}

func (l *loop) once() {
	if _, err := l.c.Write(l.req); err != nil {
		l.t.Fatal(err)
	}
	if _, err := io.ReadFull(l.c, l.answer); err != nil {
		l.t.Fatal(err)
	}
}

const redirected = "HTTP/1.1 302 Found\r\ncontent-length: 0\r\nlocation: /ok\r\n\r\n"

// echoServer answers requests without allocating.
func echoServer(t testing.TB) string {
	answer := []byte(ok)
	return scripted(t, func(c *net.TCPConn) {
		_ = c.SetDeadline(time.Time{})
		buf := make([]byte, 4096)
		for {
			if _, err := c.Read(buf); err != nil {
				return
			}
			if _, err := c.Write(answer); err != nil {
				return
			}
		}
	})
}

// plainPaths are the paths on which a request must not allocate.
var plainPaths = map[string]func(t testing.TB) *loop{
	"redirect": func(t testing.TB) *loop {
		r := newRig(t, nil, quiet, func(s *setup) { s.cfg.HTTPReq = redirect("/ok") })
		return newLoop(r, get, len(redirected))
	},
	"proxy": func(t testing.TB) *loop {
		return newLoop(newRig(t, []string{echoServer(t)}, quiet), get, len(okOut))
	},
	"proxy with rules, captures, log and a body": func(t testing.TB) *loop {
		name, value := []byte("x-a"), []byte("b")
		r := newRig(t, []string{echoServer(t)}, func(s *setup) {
			s.cfg.HTTPReq = rules(func(tx *txn.Txn) txn.Verdict { tx.Req.Set("x-a", value); return txn.Next })
			s.cfg.HTTPRes = rules(func(tx *txn.Txn) txn.Verdict { tx.Res.Add(name, value); return txn.Next })
			s.front.CaptureReq = []model.CaptureHeader{{Name: "host", Len: 10}}
			s.front.Options.ForwardFor = &model.ForwardFor{Header: "x-forwarded-for"}
			s.cfg.Log, s.cfg.LogFormat = nowhere{}, format(func(tx *txn.Txn) string { return "line" })
		})
		return newLoop(r, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", len(okOut)+len("x-a: b\r\n"))
	},
}

// quiet takes the rig's log away, which allocates.
func quiet(s *setup) { s.cfg.Log = nil }

type nowhere struct{}

func (nowhere) Log(int, []byte) {}

func TestNoAllocation(t *testing.T) {
	if racing {
		t.Skip("not with the race detector")
	}
	for name, path := range plainPaths {
		t.Run(name, func(t *testing.T) {
			l := path(t)
			for range 20 {
				l.once()
			}
			if n := testing.AllocsPerRun(500, l.once); n > 0 {
				t.Errorf("%v allocations for each request", n)
			}
		})
	}
}

func BenchmarkPlainPaths(b *testing.B) {
	for name, path := range plainPaths {
		b.Run(name, func(b *testing.B) {
			l := path(b)
			l.once()
			b.ReportAllocs()
			for b.Loop() {
				l.once()
			}
		})
	}
}
