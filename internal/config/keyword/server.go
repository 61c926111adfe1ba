package keyword

import (
	"time"

	"eddy/internal/config/address"
	"eddy/internal/config/diag"
	"eddy/internal/config/model"
	"eddy/internal/config/syntax"
)

// Defaults of servers (§5.2).
const (
	defaultInter     = 2 * time.Second
	defaultPoolPurge = 5 * time.Second
	maxServers       = 50_000 // in a configuration
)

// setServer reads "server NAME ADDRESS [option …]" (§4.2).
func setServer(p *Parser, a Args) {
	s := p.proxy.defaultServer
	s.Pos, s.Name = a.At, a.Text(0)
	p.checkName(wordOf(a.P[0]))
	for _, other := range p.proxy.Servers {
		if other.Name == s.Name {
			p.errorf(a.P[0].Pos, "every server of a proxy needs a name of its own", "there is a server '%s' in %s already", s.Name, other.Pos.From(s.Pos))
			break
		}
	}
	ad, err := address.Parse(p.Env.Expand(a.Text(1)), address.PortOffset)
	switch {
	case err != nil:
		p.errorf(a.P[1].Pos, err.Hint, "server: %s", err.Text)
	case ad.Dgram || ad.Kind == model.AddrUDP:
		p.notYet(a.P[1].Pos, "server on datagram sockets")
	case ad.Kind == model.AddrFD:
		p.errorf(a.P[1].Pos, "", "server: a connection cannot go to a file descriptor")
	}
	s.Addr = ad.Address
	if _, ok := readOptions(p, "server", serverOptions(), absentServerOptions(), &s, a.Rest); !ok {
		return
	}
	if len(p.proxy.Servers) >= maxServers {
		return
	}
	p.proxy.Servers = append(p.proxy.Servers, &s)
}

// setDefaultServer reads "default-server option …": the options of the servers that follow.
func setDefaultServer(p *Parser, a Args) {
	readOptions(p, "default-server", defaultServerOptions(), absentServerOptions(), &p.proxy.defaultServer, a.Rest)
}

// defaultServerOptions are the server's but for id.
func defaultServerOptions() []Option[model.Server] {
	var out []Option[model.Server]
	for _, o := range serverOptions() {
		if o.Name != "id" {
			out = append(out, o)
		}
	}
	return out
}

// healthChecks notes that the proxy asks for checks; warned about once, at the end.
func (p *Parser) healthChecks(at diag.Pos) {
	if p.proxy != nil && p.proxy.checks == (diag.Pos{}) {
		p.proxy.checks = at
	}
}

// serverOptions are the options of server lines (§5.2).
func serverOptions() []Option[model.Server] {
	type S = model.Server
	flag := func(name, doc string, set func(s *S)) Option[S] {
		return Option[S]{Name: name, Doc: doc, Set: func(p *Parser, s *S, a Args) { set(s) }}
	}
	count := func(name string, lo, hi int64, doc string, at func(s *S) *int) Option[S] {
		return Option[S]{Name: name, Params: one(between("number", lo, hi)), Doc: doc, Set: func(p *Parser, s *S, a Args) { *at(s) = int(a.Int(0)) }}
	}
	delay := func(name, doc string, at func(s *S) *time.Duration) Option[S] {
		return Option[S]{Name: name, Params: one(duration("time")), Doc: doc, Set: func(p *Parser, s *S, a Args) { *at(s) = time.Duration(a.Int(0)) }}
	}
	const many = 1<<31 - 1
	return []Option[S]{
		count("weight", 0, 256, "Share of the load, 1 when not given; 0 takes no new load.", func(s *S) *int { return &s.Weight }),
		count("maxconn", 0, many, "Sends at most this many connections at once; others wait in the queue. 0 means no limit.", func(s *S) *int { return &s.MaxConn }),
		{Name: "minconn", Params: one(number("number")), Doc: "Limit on connections that grows with the load.", NoEffect: "maxconn alone counts"},
		count("maxqueue", 0, many, "Lets at most this many requests wait for this server; 0 means no limit.", func(s *S) *int { return &s.MaxQueue }),
		count("id", 1, many, "Numbers the server.", func(s *S) *int { return &s.ID }),
		flag("backup", "Takes load only when all other servers are down.", func(s *S) { s.Backup = true }),
		flag("no-backup", "Takes back backup.", func(s *S) { s.Backup = false }),
		flag("disabled", "Takes no load.", func(s *S) { s.Disabled = true }),
		flag("enabled", "Takes back disabled.", func(s *S) { s.Disabled = false }),
		flag("send-proxy", "Sends a PROXY protocol header, version 1, at the front of each connection.", func(s *S) { s.SendProxy = 1 }),
		flag("send-proxy-v2", "Sends a PROXY protocol header, version 2, at the front of each connection.", func(s *S) { s.SendProxy = 2 }),
		flag("no-send-proxy", "Takes back send-proxy.", func(s *S) { s.SendProxy = 0 }),
		flag("no-send-proxy-v2", "Takes back send-proxy-v2.", func(s *S) { s.SendProxy = 0 }),
		count("pool-max-conn", -1, many, "Keeps at most this many idle connections; -1 means no limit.", func(s *S) *int { return &s.PoolMaxConn }),
		{Name: "pool-low-conn", Params: one(number("number")), Doc: "Idle connections to keep at least.", NoEffect: "one pool serves all threads", Quiet: true},
		delay("pool-purge-delay", "Closes idle connections at this pace; 5 s when not given.", func(s *S) *time.Duration { return &s.PoolPurge }),
		count("max-reuse", -1, many, "Uses a connection again at most this often; -1 means no limit.", func(s *S) *int { return &s.MaxReuse }),
		delay("tcp-ut", "Gives up on unacknowledged data after this time (TCP_USER_TIMEOUT).", func(s *S) *time.Duration { return &s.TCPUserTO }),
		{Name: "source", Params: one(text("address")), Doc: "Connects from this address of the machine.",
			Set: func(p *Parser, s *S, a Args) { s.Source = p.sourceAddress("source", wordOf(a.P[0])) }},
		{Name: "cookie", Params: one(text("value")), Doc: "Cookie value that stands for the server.",
			Set: func(p *Parser, s *S, a Args) { s.Cookie = a.Text(0) }},
		{Name: "init-addr", Params: one(text("ways")), Doc: "Ways to find the server's address at the start, in order: last, libc, none, or an address. With none a server that is not known starts down.", Set: func(_ *Parser, s *S, a Args) { s.InitAddr = a.Text(0) }},
		{Name: "slowstart", Params: one(duration("time")), Doc: "Time to reach full weight after coming up.", NoEffect: noChecks, Quiet: true},

		{Name: "check", Doc: "Checks the server's health. " + checksLater,
			Set: func(p *Parser, s *S, a Args) { s.Check = true; p.healthChecks(a.At) }},
		flag("no-check", "Takes back check.", func(s *S) { s.Check = false }),
		delay("inter", "Time between two health checks.", func(s *S) *time.Duration { return &s.Inter }),
		delay("fastinter", "The same while the server's state changes.", func(s *S) *time.Duration { return &s.FastInter }),
		delay("downinter", "The same while the server is down.", func(s *S) *time.Duration { return &s.DownInter }),
		count("rise", 1, many, "Good health checks that bring the server up.", func(s *S) *int { return &s.Rise }),
		count("fall", 1, many, "Failed health checks that take the server down.", func(s *S) *int { return &s.Fall }),
		{Name: "port", Params: one(between("port", 1, 65535)), Doc: "Port of health checks.", NoEffect: noChecks, Quiet: true},
		{Name: "addr", Params: one(text("address")), Doc: "Address of health checks.", NoEffect: noChecks, Quiet: true},
		{Name: "check-send-proxy", Doc: "PROXY protocol in health checks.", NoEffect: noChecks, Quiet: true},
		{Name: "no-check-ssl", Doc: "No TLS in health checks.", NoEffect: noChecks, Quiet: true},
		{Name: "observe", Params: one(choice("layer", "layer4", "layer7")), Doc: "Judges health by traffic.", NoEffect: noChecks, Quiet: true},
		{Name: "error-limit", Params: one(number("number")), Doc: "Errors that observe bears.", NoEffect: noChecks, Quiet: true},
		{Name: "on-error", Params: one(choice("way", "fastinter", "fail-check", "sudden-death", "mark-down")), Doc: "What observe does.", NoEffect: noChecks, Quiet: true},
		{Name: "on-marked-down", Params: one(choice("action", "shutdown-sessions")), Doc: "What happens to streams of a server that goes down.", NoEffect: noChecks, Quiet: true},
		{Name: "on-marked-up", Params: one(choice("action", "shutdown-backup-sessions")), Doc: "What happens to streams of backup servers.", NoEffect: noChecks, Quiet: true},
		{Name: "no-agent-check", Doc: "No agent is asked.", NoEffect: "there are no agent checks", Quiet: true},
		{Name: "init-state", Params: one(choice("state", "fully-up", "up", "down", "fully-down", "none")), Doc: "Health at the start.", NoEffect: noChecks, Quiet: true},
		{Name: "no-ssl", Doc: "No TLS to this server.", NoEffect: "there is no TLS", Quiet: true},
		{Name: "no-tfo", Doc: "No TCP Fast Open.", NoEffect: "it is not used", Quiet: true},
		{Name: "stick", Doc: "May be stuck to.", NoEffect: "there are no stick tables", Quiet: true},
		{Name: "non-stick", Doc: "May not be stuck to.", NoEffect: "there are no stick tables", Quiet: true},
		{Name: "proto", Params: one(choice("protocol", "h1", "none")), Doc: "Forces the protocol.", NoEffect: "HTTP/1 is what it speaks", Quiet: true},
		{Name: "ws", Params: one(choice("way", "auto", "h1")), Doc: "Protocol of WebSocket connections.", NoEffect: "HTTP/1 is what it speaks", Quiet: true},
	}
}

const (
	noChecks    = "it does not check the health of servers yet"
	checksLater = "eddy does not check yet: the server counts as up."
)

// sourceAddress reads an address to connect from; "" when it was wrong.
func (p *Parser) sourceAddress(what string, w syntax.Word) string {
	text := p.Env.Expand(w.Text)
	ad, err := address.Parse(text, address.PortOptional)
	switch {
	case err != nil:
		p.Diags.Errorf(w.Pos, err.Hint, "%s: %s", what, err.Text)
	case ad.Kind != model.AddrTCP:
		p.Diags.Errorf(w.Pos, "write an IP address", "%s: one can only connect from an IP address", what)
	default:
		return text
	}
	return ""
}
