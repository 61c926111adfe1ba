package stream

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/backend"
	"eddy/internal/fastpath/http1"
	"eddy/internal/fastpath/proxy"
	"eddy/internal/fastpath/txn"
	"eddy/internal/fastpath/wire"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rules is a rule list made of a function.
type rules func(tx *txn.Txn) txn.Verdict

func (r rules) Run(tx *txn.Txn) txn.Verdict { return r(tx) }

// format is a log format made of a function.
type format func(tx *txn.Txn) string

func (f format) Append(dst []byte, tx *txn.Txn) []byte { return append(dst, f(tx)...) }

// cond is a condition made of a function.
type cond func(tx *txn.Txn) bool

func (c cond) Holds(tx *txn.Txn) bool { return c(tx) }

// logLines collects log lines.
type logLines struct {
	mu    sync.Mutex
	lines []string
}

func (l *logLines) Log(_ int, line []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(line))
}

// wait gives the first n lines once they are there.
func (l *logLines) wait(t testing.TB, n int) []string {
	t.Helper()
	eventually(t, func() bool { l.mu.Lock(); defer l.mu.Unlock(); return len(l.lines) >= n })
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.lines...)
}

func eventually(t testing.TB, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited 10 s in vain")
		}
	}
}

// rig is a frontend on a loopback port with a backend behind it.
type rig struct {
	t     testing.TB
	front *Frontend
	back  *Backend
	ln    net.Listener
	addr  string
	log   *logLines
}

// setup changes what a rig is made of before it is built.
type setup struct {
	front, back *model.Proxy
	cfg         *Config
	bcfg        *BackendConfig
	pool        *backend.Config
}

func newRig(t testing.TB, servers []string, change ...func(*setup)) *rig {
	t.Helper()
	timeouts := model.Timeouts{Client: 5 * time.Second, Server: 5 * time.Second, Connect: 2 * time.Second}
	fm := &model.Proxy{Side: model.Frontend, Name: "front", Mode: model.ModeHTTP, Timeouts: timeouts, Retries: 3}
	bm := &model.Proxy{Side: model.Backend, Name: "back", Mode: model.ModeHTTP, Timeouts: timeouts, Retries: 3,
		RetryOn: model.RetryOn{ConnFailure: true}}
	for i, addr := range servers {
		bm.Servers = append(bm.Servers, serverModel("s"+string(rune('1'+i)), addr))
	}
	pools := wire.NewPools(16 << 10)
	log := &logLines{}
	su := &setup{front: fm, back: bm,
		cfg: &Config{Pools: pools, Limits: http1.Limits{MaxHeaders: 101, MaxHead: 15 << 10}, Proc: &txn.ProcVars{}, Log: log,
			LogFormat: format(func(tx *txn.Txn) string { return string(tx.Err[:]) })},
		bcfg: &BackendConfig{}, pool: &backend.Config{Pools: pools}}
	parking, err := wire.NewParking()
	if err != nil {
		t.Fatal(err)
	}
	su.cfg.Parking = parking
	for _, c := range change {
		c(su)
	}
	fp, bp := proxy.New(fm), proxy.New(bm)
	su.cfg.Proxy, su.bcfg.Proxy, su.pool.Proxy = fp, bp, bp
	pool, err := backend.New(*su.pool)
	if err != nil {
		t.Fatal(err)
	}
	su.bcfg.Pool = pool
	r := &rig{t: t, log: log}
	r.back = NewBackend(*su.bcfg)
	if su.cfg.Default == nil {
		su.cfg.Default = r.back
	}
	if r.front, err = New(*su.cfg); err != nil {
		t.Fatal(err)
	}
	if r.ln, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	r.addr = r.ln.Addr().String()
	accepting := make(chan struct{})
	go func() {
		defer close(accepting)
		for {
			c, err := r.ln.Accept()
			if err != nil {
				return
			}
			r.front.Start(c, nil, netip.AddrPort{}, netip.AddrPort{}, func() {})
		}
	}()
	t.Cleanup(func() {
		_ = r.ln.Close()
		<-accepting
		r.front.Kill()
		pool.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if !r.front.Drain(ctx) {
			t.Error("connections were left behind")
		}
		parking.Close()
	})
	return r
}

func serverModel(name, addr string) *model.Server {
	m := &model.Server{Name: name, Weight: 1, PoolMaxConn: -1, PoolPurge: 5 * time.Second, MaxReuse: -1}
	if ap, err := netip.ParseAddrPort(addr); err == nil {
		m.Addr = model.Address{Kind: model.AddrTCP, Host: ap.Addr().String(), Port: int(ap.Port())}
	} else {
		m.Addr = model.Address{Kind: model.AddrUnix, Path: addr}
	}
	return m
}

// dial opens a client connection.
func (r *rig) dial() *net.TCPConn {
	r.t.Helper()
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return c.(*net.TCPConn)
}

// ask sends raw bytes and gives what comes back until the connection closes, or has been silent for a moment.
func (r *rig) ask(req string) (answer string, closed bool) {
	r.t.Helper()
	c := r.dial()
	if _, err := io.WriteString(c, req); err != nil {
		r.t.Fatal(err)
	}
	return readQuiet(c)
}

// readQuiet reads until the peer closes (true) or has been silent for a moment.
func readQuiet(c net.Conn) (string, bool) {
	var got bytes.Buffer
	buf := make([]byte, 64<<10)
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	for {
		n, err := c.Read(buf)
		got.Write(buf[:n])
		if err != nil {
			return got.String(), !strings.Contains(err.Error(), "timeout")
		}
		_ = c.SetReadDeadline(time.Now().Add(150 * time.Millisecond))
	}
}

// web is a net/http server.
func web(t testing.TB, h http.HandlerFunc) string {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// scripted is a server that runs f on each connection.
func scripted(t testing.TB, f func(c *net.TCPConn)) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			wg.Go(func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(20 * time.Second))
				f(c.(*net.TCPConn))
			})
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		mu.Lock()
		for _, c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return ln.Addr().String()
}

// readHead reads up to the blank line.
func readHead(c net.Conn) string {
	var b []byte
	one := make([]byte, 1)
	for !bytes.HasSuffix(b, []byte("\r\n\r\n")) {
		if _, err := io.ReadFull(c, one); err != nil {
			return string(b)
		}
		b = append(b, one[0])
	}
	return string(b)
}

// redirect is what a redirect rule does.
func redirect(to string) rules {
	loc := []byte(to)
	return func(tx *txn.Txn) txn.Verdict {
		tx.Res.BuildResponse(302, "")
		tx.Res.SetBody(http1.BodyLength, 0)
		tx.Res.Set("location", loc)
		tx.HasRes, tx.Local = true, true
		return txn.Answer
	}
}
