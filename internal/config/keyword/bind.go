package keyword

import (
	"strings"
	"time"

	"eddy/internal/config/address"
	"eddy/internal/config/model"
	"eddy/internal/config/syntax"
)

// maxBinds bounds the listening addresses of a configuration, ranges counted out.
const maxBinds = 100_000

// setBind reads "bind ADDRESS[,ADDRESS…] [option …]" (§4.2).
func setBind(p *Parser, a Args) {
	common := p.unixBind
	common.Pos = a.At
	if _, ok := readOptions(p, "bind", bindOptions(), absentBindOptions(), &common, a.Rest); !ok {
		return
	}
	p.proxy.Binds = append(p.proxy.Binds, p.addresses("bind", a.P[0], common, p.prefix)...)
}

// addresses makes a Bind like common for each address and port in w.
func (p *Parser) addresses(what string, w model.Param, common model.Bind, prefix string) []model.Bind {
	var out []model.Bind
	col := w.Pos
	for _, text := range strings.Split(p.Env.Expand(w.Text), ",") {
		at := col
		if col.Col > 0 {
			col.Col += len(text) + 1
		}
		ad, err := address.Parse(text, address.PortRange)
		switch {
		case err != nil:
			p.Diags.Errorf(at, err.Hint, "%s: %s", what, err.Text)
			continue
		case ad.Dgram || ad.Kind == model.AddrUDP:
			p.notYet(at, what+" on datagram sockets")
			continue
		case ad.Port == 0 && ad.Kind == model.AddrTCP:
			p.Diags.Errorf(at, "", "%s: the port is missing in %q", what, text)
			continue
		}
		if ad.Kind == model.AddrUnix && prefix != "" {
			ad.Path = prefix + ad.Path
		}
		n := ad.Last - ad.Port + 1
		if p.binds += n; p.binds > maxBinds {
			p.Diags.Errorf(at, "", "%s: more than %d listening addresses", what, maxBinds)
			return out
		}
		for port := ad.Port; port <= ad.Last; port++ {
			b := common
			b.Addr = ad.Address
			b.Addr.Port = port
			out = append(out, b)
		}
	}
	return out
}

// Socket options that bind, stats socket and unix-bind share.

func socketOwnerOptions[T any](bind func(*T) *model.Bind) []Option[T] {
	return []Option[T]{
		{Name: "user", Params: one(text("name")), Doc: "Owner of the unix socket.",
			Set: func(p *Parser, t *T, a Args) {
				id, err := p.Host.UserID(a.Text(0))
				if err != nil {
					p.errorf(a.P[0].Pos, "write the name of a user of this machine, or uid NUMBER", "user: %v", err)
					return
				}
				bind(t).UID = id
			}},
		{Name: "uid", Params: one(number("number")), Doc: "Owner of the unix socket, by number.",
			Set: func(p *Parser, t *T, a Args) { bind(t).UID = int(a.Int(0)) }},
		{Name: "group", Params: one(text("name")), Doc: "Group of the unix socket.",
			Set: func(p *Parser, t *T, a Args) {
				id, err := p.Host.GroupID(a.Text(0))
				if err != nil {
					p.errorf(a.P[0].Pos, "write the name of a group of this machine, or gid NUMBER", "group: %v", err)
					return
				}
				bind(t).GID = id
			}},
		{Name: "gid", Params: one(number("number")), Doc: "Group of the unix socket, by number.",
			Set: func(p *Parser, t *T, a Args) { bind(t).GID = int(a.Int(0)) }},
		{Name: "mode", Params: one(text("octal")), Doc: "Permission bits of the unix socket, in octal.",
			Set: func(p *Parser, t *T, a Args) {
				bits, ok := parseOctal(a.Text(0))
				if !ok {
					p.errorf(a.P[0].Pos, "write three octal digits, like 660", "mode: %q are not permission bits", a.Text(0))
					return
				}
				bind(t).Mode = bits
			}},
	}
}

func parseOctal(s string) (bits uint32, ok bool) {
	for i := 0; i < len(s) && bits <= 0o7777; i++ {
		if s[i] < '0' || s[i] > '7' {
			return 0, false
		}
		bits = bits<<3 | uint32(s[i]-'0')
	}
	return bits, s != "" && bits <= 0o7777
}

// bindOptions are the options of bind lines (§5.1).
func bindOptions() []Option[model.Bind] {
	same := func(b *model.Bind) *model.Bind { return b }
	return append([]Option[model.Bind]{
		{Name: "name", Params: one(text("name")), Doc: "Names the listener for logs and the operator.",
			Set: func(p *Parser, b *model.Bind, a Args) { b.Name = a.Text(0) }},
		{Name: "id", Params: one(between("id", 1, 1<<31-1)), Doc: "Numbers the listener.",
			Set: func(p *Parser, b *model.Bind, a Args) { b.ID = int(a.Int(0)) }},
		{Name: "maxconn", Params: one(number("number")), Doc: "Takes at most this many connections at once on this listener.",
			Set: func(p *Parser, b *model.Bind, a Args) { b.MaxConn = int(a.Int(0)) }},
		{Name: "backlog", Params: one(number("number")), Doc: "Lets this many connections wait to be accepted.",
			Set: func(p *Parser, b *model.Bind, a Args) { b.Backlog = int(a.Int(0)) }},
		{Name: "accept-proxy", Doc: "Expects a PROXY protocol header (version 1 or 2) at the front of each connection.",
			Set: func(p *Parser, b *model.Bind, a Args) { b.AcceptProxy = true }},
		{Name: "v4v6", Doc: "Takes IPv4 too on an IPv6 any-address.",
			Set: func(p *Parser, b *model.Bind, a Args) { b.V4V6 = true }},
		{Name: "v6only", Doc: "Takes nothing but IPv6 on an IPv6 any-address.",
			Set: func(p *Parser, b *model.Bind, a Args) { b.V6 = true }},
		{Name: "transparent", Doc: "Binds addresses that are not this machine's (IP_TRANSPARENT).",
			Set: func(p *Parser, b *model.Bind, a Args) { b.Transparent = true }},
		{Name: "interface", Params: one(text("name")), Doc: "Takes connections from this network interface only.",
			Set: func(p *Parser, b *model.Bind, a Args) { b.Interface = a.Text(0) }},
		{Name: "defer-accept", Doc: "Wakes up when the first bytes are there (TCP_DEFER_ACCEPT).",
			Set: func(p *Parser, b *model.Bind, a Args) { b.DeferAccept = true }},
		{Name: "tfo", Doc: "Takes data with the first packet (TCP Fast Open).",
			Set: func(p *Parser, b *model.Bind, a Args) { b.TFO = true }},
		{Name: "tcp-ut", Params: one(duration("time")), Doc: "Gives up on unacknowledged data after this time (TCP_USER_TIMEOUT).",
			Set: func(p *Parser, b *model.Bind, a Args) { b.TCPUserTO = time.Duration(a.Int(0)) }},
		{Name: "level", Params: one(choice("level", "user", "operator", "admin")), Doc: "Says what commands a stats socket may give.",
			Set: func(p *Parser, b *model.Bind, a Args) { b.Level = a.Text(0) }},
		{Name: "nice", Params: one(between("nice", -1024, 1024)), Doc: "Weighs the connections of this listener.", NoEffect: "Go schedules all connections alike"},
		{Name: "process", Params: one(text("set")), Doc: "Chooses processes.", NoEffect: "it is one process"},
		{Name: "thread", Params: one(text("set")), Doc: "Chooses threads.", NoEffect: "goroutines run on every thread", Quiet: true},
		{Name: "shards", Params: one(text("number")), Doc: "Opens the socket several times.", NoEffect: "one socket serves all threads", Quiet: true},
		{Name: "severity-output", Params: one(choice("format", "none", "number", "string")), Doc: "Severity in operator answers.", NoEffect: "it is for operator sockets", Quiet: true},
		{Name: "proto", Params: one(choice("protocol", "h1", "none")), Doc: "Forces the protocol of connections.", NoEffect: "HTTP/1 is what it speaks", Quiet: true},
		{Name: "no-alpn", Doc: "Switches ALPN off.", NoEffect: "there is no TLS", Quiet: true},
	}, socketOwnerOptions(same)...)
}

// statsSocketOptions are those of "stats socket": bind's and expose-fd.
func statsSocketOptions() []Option[model.Bind] {
	return append(bindOptions(), Option[model.Bind]{
		Name: "expose-fd", Params: one(choice("what", "listeners")), Doc: "Hands listening sockets to a new process that asks.",
		Set: func(p *Parser, b *model.Bind, a Args) { b.ExposeFDs = true },
	})
}

func setStatsSocket(p *Parser, a Args) {
	common := model.Bind{Pos: a.At, UID: -1, GID: -1, Level: "operator"}
	if _, ok := readOptions(p, "stats socket", statsSocketOptions(), absentBindOptions(), &common, a.Rest); !ok {
		return
	}
	w := a.P[0]
	if w.Text != "" && w.Text[0] != '/' && !strings.ContainsAny(w.Text, "@:") {
		w.Text = "unix@" + w.Text
	}
	g := &p.Config.Global
	g.StatsSocks = append(g.StatsSocks, p.addresses("stats socket", w, common, "")...)
}

// unixBindOptions are those of "unix-bind"; they change the parser.
func unixBindOptions() []Option[Parser] {
	bind := func(p *Parser) *model.Bind { return &p.unixBind }
	return append([]Option[Parser]{
		{Name: "prefix", Params: one(text("prefix")), Doc: "Stands before the path of every unix socket of a bind line.",
			Set: func(_ *Parser, p *Parser, a Args) { p.prefix = a.Text(0) }},
	}, socketOwnerOptions(bind)...)
}

// wordOf makes a word of an argument, for what reads words.
func wordOf(v model.Param) syntax.Word { return syntax.Word{Text: v.Text, Pos: v.Pos} }
