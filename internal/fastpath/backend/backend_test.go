package backend

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/http1"
	"eddy/internal/fastpath/proxy"
	"eddy/internal/fastpath/txn"
	"eddy/internal/fastpath/wire"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pool makes a Pool over the given servers.
func pool(t testing.TB, m *model.Proxy, use []UseServer, servers ...*model.Server) *Pool {
	t.Helper()
	m.Mode = model.ModeHTTP
	m.Servers = servers
	p, err := New(Config{Proxy: proxy.New(m), Pools: wire.NewPools(16 << 10), UseServer: use})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func srv(name string, change ...func(*model.Server)) *model.Server {
	s := &model.Server{Name: name, Weight: 1, PoolMaxConn: -1, PoolPurge: time.Second, MaxReuse: -1}
	for _, c := range change {
		c(s)
	}
	return s
}

func weight(n int) func(*model.Server)   { return func(s *model.Server) { s.Weight = n } }
func maxconn(n int) func(*model.Server)  { return func(s *model.Server) { s.MaxConn = n } }
func maxqueue(n int) func(*model.Server) { return func(s *model.Server) { s.MaxQueue = n } }
func backup(s *model.Server)             { s.Backup = true }
func disabled(s *model.Server)           { s.Disabled = true }

// request makes a transaction for a request.
func request(t testing.TB, head, src string) *txn.Txn {
	t.Helper()
	tx := &txn.Txn{Mode: model.ModeHTTP, Conn: &txn.Conn{Src: netip.MustParseAddrPort(src), Reqs: 1}, Front: &proxy.Proxy{}}
	if n, err := tx.Req.ParseRequest([]byte(head), http1.Limits{MaxHeaders: 100, MaxHead: 1 << 14}); n == 0 || err != nil {
		t.Fatalf("%q: %d, %v", head, n, err)
	}
	return tx
}

func plain(t testing.TB) *txn.Txn { return request(t, "GET / HTTP/1.1\r\n\r\n", "10.0.0.1:1") }

// pick assigns without ever waiting; "" means that the stream would have to, "-" that no server can serve it.
func pick(p *Pool, tx *txn.Txn, avoid *server) string {
	forced := p.forced(tx)
	key, hashed := p.key(tx)
	p.mu.Lock()
	defer p.mu.Unlock()
	s, wait := p.choose(forced, avoid, key, hashed && forced == nil)
	switch {
	case wait && s != nil:
		return "wait " + s.Name
	case wait:
		return "wait"
	case s == nil:
		return "-"
	}
	s.enter()
	return s.Name
}

func picks(p *Pool, tx *txn.Txn, n int) string {
	var all []string
	for range n {
		all = append(all, pick(p, tx, nil))
	}
	return strings.Join(all, " ")
}

func TestAlgorithms(t *testing.T) {
	tests := []struct {
		name    string
		algo    string
		servers []*model.Server
		want    string
	}{
		{"roundrobin", "", []*model.Server{srv("a"), srv("b"), srv("c")}, "a b c a b c"},
		{"roundrobin, weights", "roundrobin", []*model.Server{srv("a", weight(3)), srv("b"), srv("c")}, "a b a c a a b a c a"},
		{"static-rr", "static-rr", []*model.Server{srv("a", weight(2)), srv("b")}, "a b a a b a"},
		{"weight 0", "", []*model.Server{srv("a", weight(0)), srv("b")}, "b b"},
		{"disabled", "", []*model.Server{srv("a", disabled), srv("b")}, "b b"},
		{"backup", "", []*model.Server{srv("a", backup), srv("b"), srv("c", backup)}, "b b"},
		{"first backup only", "", []*model.Server{srv("a", backup), srv("b", disabled), srv("c", backup)}, "a a"},
		{"nobody", "", []*model.Server{srv("a", disabled)}, "-"},
		{"maxconn", "", []*model.Server{srv("a", maxconn(1)), srv("b", maxconn(2))}, "a b b wait"},
		{"leastconn", "leastconn", []*model.Server{srv("a"), srv("b"), srv("c")}, "a b c a b c"},
		{"leastconn, weights", "leastconn", []*model.Server{srv("a", weight(3)), srv("b")}, "a b a a a b a a"},
		{"leastconn queues up to maxqueue", "leastconn", []*model.Server{srv("a", maxconn(1), maxqueue(1))}, "a wait a"},
		{"first", "first", []*model.Server{srv("a", maxconn(2)), srv("b", maxconn(1))}, "a a b wait"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := pool(t, &model.Proxy{Balance: model.Balance{Algo: tt.algo}}, nil, tt.servers...)
			if got := picks(p, plain(t), len(strings.Fields(strings.ReplaceAll(tt.want, "wait a", "wait-a")))); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestRandom(t *testing.T) {
	p := pool(t, &model.Proxy{Balance: model.Balance{Algo: "random", RandomDraws: 1}}, nil, srv("a", weight(3)), srv("b"), srv("c", weight(0)))
	n := map[string]int{}
	for range 4000 {
		n[pick(p, plain(t), nil)]++
	}
	if n["a"] < 2700 || n["a"] > 3300 || n["a"]+n["b"] != 4000 {
		t.Errorf("got %v", n)
	}
}

// TestHashing sends equal things to equal servers, and moves few of them when a server goes.
func TestHashing(t *testing.T) {
	hdr := func(v string) *txn.Txn { return request(t, "GET / HTTP/1.1\r\nX: "+v+"\r\n\r\n", "10.0.0.1:1") }
	keys := "abcdefghijklmnopqrstuvwxyz0123456789"
	for _, kind := range []string{"map-based", "consistent"} {
		t.Run(kind, func(t *testing.T) {
			p := pool(t, &model.Proxy{Balance: model.Balance{Algo: "hdr", Arg: "x"}, HashType: kind}, nil, srv("a"), srv("b"), srv("c"), srv("d"))
			where, used := map[string]string{}, map[string]bool{}
			for _, k := range strings.Split(keys, "") {
				where[k] = pick(p, hdr(k), nil)
				used[where[k]] = true
				if again := pick(p, hdr(k), nil); again != where[k] {
					t.Fatalf("%q went to %s, then to %s", k, where[k], again)
				}
			}
			if len(used) != 4 {
				t.Errorf("only %v are used", used)
			}
			p.servers[0].Up.Store(false)
			moved := 0
			for _, k := range strings.Split(keys, "") {
				if now := pick(p, hdr(k), nil); now != where[k] {
					moved++
					if kind == "consistent" && where[k] != "a" {
						t.Errorf("%q moved from %s to %s", k, where[k], now)
					}
				}
			}
			if moved == 0 {
				t.Error("nothing moved")
			}
			if got := picks(p, plain(t), 3); got != "b c d" {
				t.Errorf("without the header: got %q", got)
			}
		})
	}
}

func TestHashKeys(t *testing.T) {
	same := func(b model.Balance, x, y string) bool {
		p := pool(t, &model.Proxy{Balance: b}, nil, srv("a"))
		kx, okx := p.key(request(t, x, "10.0.0.1:1"))
		ky, oky := p.key(request(t, y, "10.0.0.1:2"))
		return okx && oky && kx == ky
	}
	req := func(target string, more ...string) string {
		return "GET " + target + " HTTP/1.1\r\n" + strings.Join(more, "") + "\r\n"
	}
	tests := []struct {
		name string
		b    model.Balance
		x, y string
		want bool
	}{
		{"source", model.Balance{Algo: "source"}, req("/"), req("/x"), true},
		{"uri", model.Balance{Algo: "uri"}, req("/a?1"), req("/a?2"), true},
		{"uri whole", model.Balance{Algo: "uri", URIWhole: true}, req("/a?1"), req("/a?2"), false},
		{"uri depth", model.Balance{Algo: "uri", URIDepth: 2}, req("/a/b/c"), req("/a/b/d"), true},
		{"uri depth, differing above", model.Balance{Algo: "uri", URIDepth: 2}, req("/a/b/c"), req("/a/x/c"), false},
		{"uri len", model.Balance{Algo: "uri", URILen: 3}, req("/abc"), req("/abd"), true},
		{"uri path-only", model.Balance{Algo: "uri", URIPathOnly: true}, req("http://h/a"), req("/a"), true},
		{"url_param", model.Balance{Algo: "url_param", Arg: "u"}, req("/a?u=1&v=2"), req("/b?v=3&u=1"), true},
		{"url_param, missing", model.Balance{Algo: "url_param", Arg: "u"}, req("/a?v=1"), req("/a?v=1"), false},
		{"domain only", model.Balance{Algo: "hdr", Arg: "host", HdrUseDomainOnly: true}, req("/", "Host: www.site.org\r\n"), req("/", "Host: x.site.net:80\r\n"), true},
	}
	for _, tt := range tests {
		if got := same(tt.b, tt.x, tt.y); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

type always bool

func (a always) Holds(*txn.Txn) bool { return bool(a) }

func TestUseServer(t *testing.T) {
	use := []UseServer{{Name: "b", Cond: always(false)}, {Name: "c", Cond: always(true)}, {Name: "a"}}
	p := pool(t, &model.Proxy{}, use, srv("a"), srv("b"), srv("c", weight(0)))
	if got := picks(p, plain(t), 2); got != "c c" {
		t.Errorf("got %q", got)
	}
	p.servers[2].Up.Store(false)
	if got := pick(p, plain(t), nil); got != "a" {
		t.Errorf("with c down: got %q", got)
	}
}

// TestQueueOrder serves waiting streams in their order of arrival, over both queues.
func TestQueueOrder(t *testing.T) {
	p := pool(t, &model.Proxy{}, nil, srv("a", maxconn(1)))
	s := p.servers[0]
	if got := pick(p, plain(t), nil); got != "a" {
		t.Fatal(got)
	}
	var mu sync.Mutex
	var order []int
	var wg sync.WaitGroup
	for i := range 5 {
		tx := plain(t)
		wg.Go(func() {
			got, err := p.assign(t.Context(), tx, nil, nil)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			order = append(order, i)
			mu.Unlock()
			got.leave()
		})
		for p.px.Queue.Load() != int64(i+1) {
			time.Sleep(time.Millisecond)
		}
	}
	s.leave()
	wg.Wait()
	for i, n := range order {
		if n != i {
			t.Fatalf("served in the order %v", order)
		}
	}
	if s.served != 0 || p.px.Queue.Load() != 0 {
		t.Errorf("%d still served, %d queued", s.served, p.px.Queue.Load())
	}
}

// TestRebalance gives what waits for a server that went down to the others.
func TestRebalance(t *testing.T) {
	use := []UseServer{{Name: "a"}}
	p := pool(t, &model.Proxy{}, use, srv("a", maxconn(1)), srv("b"))
	pick(p, plain(t), nil)
	got := make(chan string)
	go func() {
		s, err := p.assign(t.Context(), plain(t), nil, nil)
		if err != nil {
			got <- err.Error()
			return
		}
		got <- s.Name
		s.leave()
	}()
	for p.servers[0].Queue.Load() != 1 {
		time.Sleep(time.Millisecond)
	}
	p.servers[0].Up.Store(false)
	p.Rebalance()
	if s := <-got; s != "b" {
		t.Errorf("got %q", s)
	}
}

func TestCloseEndsWaiting(t *testing.T) {
	p := pool(t, &model.Proxy{}, nil, srv("a", maxconn(1)))
	pick(p, plain(t), nil)
	got := make(chan error)
	go func() { _, err := p.assign(t.Context(), plain(t), nil, nil); got <- err }()
	for p.px.Queue.Load() != 1 {
		time.Sleep(time.Millisecond)
	}
	p.Close()
	if err := <-got; !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
}

// TestPurge closes idle connections that nobody needed, half at a time, and those that the server closed.
func TestPurge(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	var peers []net.Conn
	p := pool(t, &model.Proxy{HTTPReuse: model.ReuseAlways}, nil, srv("a", func(s *model.Server) {
		s.Addr.Host, s.Addr.Port = "127.0.0.1", ln.Addr().(*net.TCPAddr).Port
	}))
	var uses []*Use
	for range 8 {
		u := &Use{Pool: p}
		if err := u.Acquire(plain(t)); err != nil {
			t.Fatal(err)
		}
		c, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		peers, uses = append(peers, c), append(uses, u)
	}
	for _, u := range uses {
		u.Release(true)
	}
	l := &p.servers[0].idle
	idle := func() int { l.mu.Lock(); defer l.mu.Unlock(); return len(l.list) }
	l.mu.Lock()
	l.purged = time.Now()
	l.mu.Unlock()
	if idle() != 8 {
		t.Fatalf("%d idle, want 8", idle())
	}
	_ = peers[7].Close()
	for idle() == 8 { // until the close arrives
		l.purge(time.Now(), time.Hour)
	}
	l.purge(time.Now().Add(2*time.Hour), time.Hour)
	if n := idle(); n != 3 { // seven, less half rounded up
		t.Errorf("%d idle, want 3", n)
	}
	if n := p.servers[0].Idle.Load(); n != 3 {
		t.Errorf("%d counted, want 3", n)
	}
	p.Close()
	for _, c := range peers[:7] {
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		if _, err := c.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("a connection was left open: %v", err)
		}
	}
}

// TestSource connects from the configured address.
func TestSource(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	p := pool(t, &model.Proxy{Source: "127.0.0.9"}, nil, srv("a", func(s *model.Server) {
		s.Addr.Host, s.Addr.Port = "127.0.0.1", ln.Addr().(*net.TCPAddr).Port
	}))
	u := &Use{Pool: p}
	tx := plain(t)
	if err := u.Acquire(tx); err != nil {
		t.Fatal(err)
	}
	defer u.Release(false)
	if got := tx.BackSrc.Addr().String(); got != "127.0.0.9" {
		t.Errorf("connected from %s", got)
	}
	if _, err := New(Config{Proxy: proxy.New(&model.Proxy{Source: "nonsense", Servers: []*model.Server{srv("a")}})}); err == nil {
		t.Error("a source that is no address was taken")
	}
}
