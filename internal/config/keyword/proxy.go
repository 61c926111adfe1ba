package keyword

import (
	"time"

	"eddy/internal/config/expr"
	"eddy/internal/config/model"
)

// proxyDecls are the keywords that any proxy may have (§4.2).
func proxyDecls() []Decl {
	return []Decl{
		{Name: "mode", In: anywhere, Params: one(choice("mode", "tcp", "http", "log", "spop")), Spec: "4.2",
			Doc: "Says what the proxy speaks: tcp passes bytes on, http understands requests. tcp when not given.", Set: setMode},
		{Name: "disabled", In: anywhere, Spec: "4.2", Doc: "Switches the proxy off.",
			Set: func(p *Parser, a Args) { p.proxy.Disable = true }},
		{Name: "enabled", In: anywhere, Spec: "4.2", Doc: "Takes back a disabled of the defaults section.",
			Set: func(p *Parser, a Args) { p.proxy.Disable = false }},
		{Name: "description", In: proxies, Params: one(many(text("text"))), Spec: "4.2", Doc: "Says what the proxy is for.",
			Set: func(p *Parser, a Args) { p.proxy.Descr = joinText(a) }},
		{Name: "id", In: proxies, Params: one(between("id", 1, 1<<31-1)), Spec: "4.2", Doc: "Numbers the proxy.", Set: setProxyID},
		{Name: "guid", In: proxies, Params: one(text("text")), Spec: "4.2", Doc: "Gives the proxy an identifier of its own.",
			NoEffect: "nothing asks for it", Quiet: true},
		{Name: "acl", In: proxies | NamedDefaults, Params: one(text("name"), rest("criterion [flags] [value] …")), Spec: "7.1",
			Doc: "Declares a test, or another way to pass a test of the same name.", Set: setACL},
		{Name: "unique-id-format", In: anywhere, Params: one(format("format")), Spec: "4.2",
			Doc: "Makes an identifier for each request.",
			Set: func(p *Parser, a Args) { p.proxy.UniqueIDFmt = a.P[0].Fmt }},
		{Name: "unique-id-header", In: Defaults | front, Params: one(Param{Name: "header", Kind: HdrName}), HTTP: true, Spec: "4.2",
			Doc: "Sends the request's identifier to the server in this header.",
			Set: func(p *Parser, a Args) { p.proxy.UniqueIDHdr = a.Text(0) }},
	}
}

func setMode(p *Parser, a Args) {
	switch a.Text(0) {
	case "tcp":
		p.proxy.Mode = model.ModeTCP
	case "http":
		p.proxy.Mode = model.ModeHTTP
	default:
		p.notYet(a.P[0].Pos, "mode "+a.Text(0))
	}
}

func setProxyID(p *Parser, a Args) {
	p.proxy.ID = int(a.Int(0))
	for _, other := range p.proxies {
		if other != p.proxy && other.ID == p.proxy.ID {
			p.errorf(a.P[0].Pos, "", "id: %d is the id of %s '%s' already", p.proxy.ID, other.kind, other.Name)
		}
	}
}

// maxACLs bounds the acl lines of a proxy; conditions look them up by name.
const maxACLs = 50_000

func setACL(p *Parser, a Args) {
	name := wordOf(a.P[0])
	if name.Text == "or" || isCondWord(name) {
		p.errorf(name.Pos, "choose another name", "acl: %q means something else in conditions", name.Text)
		return
	}
	ctx := p.exprCtx()
	ctx.Scope = expr.Anywhere // an acl is checked where it is used
	acl := expr.ParseACL(ctx, name.Text, exprWords(a.Rest))
	if acl == nil {
		// Known all the same, so that its uses are not reported as well.
		acl = &model.ACL{Pos: a.At, Name: name.Text}
	}
	if len(p.proxy.ACLs) >= maxACLs {
		return
	}
	p.proxy.ACLs = append(p.proxy.ACLs, acl)
	p.proxy.acls[name.Text] = append(p.proxy.acls[name.Text], acl)
}

// timeoutDecls are the timeouts (§4.2 timeout …).
func timeoutDecls() []Decl {
	timeout := func(name string, in Sections, doc string, at func(t *model.Timeouts) *time.Duration) Decl {
		return Decl{Name: "timeout " + name, In: in, Params: one(duration("time")), Doc: doc, Spec: "4.2",
			Set: func(p *Parser, a Args) { *at(&p.proxy.Timeouts) = time.Duration(a.Int(0)) }}
	}
	type T = *model.Timeouts
	return []Decl{
		timeout("client", Defaults|front, "Ends connections whose client is silent for this long.", func(t T) *time.Duration { return &t.Client }),
		timeout("server", Defaults|back, "Ends connections whose server is silent for this long.", func(t T) *time.Duration { return &t.Server }),
		timeout("connect", Defaults|back, "Gives up connecting to a server after this time.", func(t T) *time.Duration { return &t.Connect }),
		timeout("http-request", anywhere, "Refuses requests whose head takes longer than this to arrive.", func(t T) *time.Duration { return &t.HTTPRequest }),
		timeout("http-keep-alive", anywhere, "Closes connections that stay idle this long between requests; timeout http-request when not given.", func(t T) *time.Duration { return &t.HTTPKeepAlive }),
		timeout("queue", Defaults|back, "Refuses requests that wait this long for a server; timeout connect when not given.", func(t T) *time.Duration { return &t.Queue }),
		timeout("tunnel", Defaults|back, "Takes the place of the client and server timeouts once both sides only pass bytes.", func(t T) *time.Duration { return &t.Tunnel }),
		timeout("client-fin", Defaults|front, "Takes the place of timeout client once one side has closed.", func(t T) *time.Duration { return &t.ClientFin }),
		timeout("server-fin", Defaults|back, "Takes the place of timeout server once one side has closed.", func(t T) *time.Duration { return &t.ServerFin }),
		timeout("tarpit", anywhere, "Makes tarpitted clients wait this long; timeout connect when not given.", func(t T) *time.Duration { return &t.Tarpit }),
		timeout("check", Defaults|back, "Bounds the answer to a health check.", func(t T) *time.Duration { return &t.Check }),
	}
}

// frontDecls are the keywords of the client's side.
func frontDecls() []Decl {
	return []Decl{
		{Name: "bind", In: front, Params: one(text("address[,…]"), optional(rest("option …"))), Opts: describe(bindOptions()), Spec: "4.2, 5.1",
			Doc: "Listens on addresses: HOST:PORT[-PORT], *:PORT, [IPv6]:PORT, /path, unix@path, abns@name, fd@number.", Set: setBind},
		{Name: "maxconn", In: Defaults | front, Params: one(between("number", 0, 1<<30)), Spec: "4.2",
			Doc: "Takes at most this many connections at once; others wait in the kernel. 0 leaves it to the process's limit.",
			Set: func(p *Parser, a Args) { p.proxy.MaxConn = int(a.Int(0)) }},
		{Name: "backlog", In: Defaults | front, Params: one(number("number")), Spec: "4.2",
			Doc: "Lets this many connections wait to be accepted.",
			Set: func(p *Parser, a Args) { p.proxy.Backlog = int(a.Int(0)) }},
		{Name: "default_backend", In: Defaults | front, Params: one(text("backend")), Spec: "4.2",
			Doc: "Sends what no use_backend line took to this backend.",
			Set: func(p *Parser, a Args) { p.proxy.DefaultBackend, p.proxy.DefaultBackendAt = a.Text(0), a.P[0].Pos }},
		{Name: "use_backend", In: front, Params: one(format("backend"), optional(rest("if|unless condition"))), Spec: "4.2",
			Doc: "Sends what fulfils the condition to a backend, whose name may be a format.", Set: setUseBackend},
		{Name: "monitor-uri", In: Defaults | front, Params: one(text("uri")), HTTP: true, Spec: "4.2",
			Doc: "Answers requests for this very URI itself, with 200, or with 503 while monitor fail holds.",
			Set: func(p *Parser, a Args) { p.proxy.MonitorURI = a.Text(0) }},
		{Name: "monitor fail", In: front, Params: one(rest("if|unless condition")), HTTP: true, Spec: "4.2",
			Doc: "Makes monitor-uri tell of a failure under a condition.", Set: setMonitorFail},
		{Name: "capture request header", In: front, Params: captureParams("name"), HTTP: true, Spec: "4.2",
			Doc: "Keeps a request header for the logs, cut at a length.",
			Set: func(p *Parser, a Args) {
				p.proxy.CaptureReq = append(p.proxy.CaptureReq, model.CaptureHeader{Name: a.Text(0), Len: int(a.Int(2))})
			}},
		{Name: "capture response header", In: front, Params: captureParams("name"), HTTP: true, Spec: "4.2",
			Doc: "Keeps a response header for the logs, cut at a length.",
			Set: func(p *Parser, a Args) {
				p.proxy.CaptureResp = append(p.proxy.CaptureResp, model.CaptureHeader{Name: a.Text(0), Len: int(a.Int(2))})
			}},
		{Name: "capture cookie", In: front, Params: captureParams("name"), HTTP: true, Spec: "4.2",
			Doc: "Keeps the cookie whose name begins so for the logs, cut at a length.", Set: setCaptureCookie},
		{Name: "declare capture", In: front, Params: one(choice("side", "request", "response"), choice("keyword", "len"), between("bytes", 1, 65536)), Spec: "4.2",
			Doc: "Makes room for a capture that rules fill by its number.", Set: setDeclareCapture},
	}
}

func captureParams(name string) []Param {
	return one(text(name), choice("keyword", "len"), between("bytes", 1, 65536))
}

func setUseBackend(p *Parser, a Args) {
	u := &model.UseBackend{Pos: a.P[0].Pos}
	if static, ok := a.P[0].Fmt.Static(); ok {
		u.Name = static
	} else {
		u.Fmt = a.P[0].Fmt
	}
	var ok bool
	if u.Cond, ok = p.cond("use_backend", a.Rest); !ok {
		return
	}
	p.inOrder(a, stageUseBackend)
	p.proxy.UseBackend = append(p.proxy.UseBackend, u)
}

func setMonitorFail(p *Parser, a Args) {
	if c, ok := p.cond("monitor fail", a.Rest); ok {
		p.proxy.MonitorFail = append(p.proxy.MonitorFail, c)
	}
}

func setCaptureCookie(p *Parser, a Args) {
	if p.proxy.CaptureCookie.Name != "" {
		p.errorf(a.At, "", "capture cookie: a proxy can have one only")
	}
	p.proxy.CaptureCookie = model.CaptureHeader{Name: a.Text(0), Len: int(a.Int(2))}
}

func setDeclareCapture(p *Parser, a Args) {
	p.proxy.DeclaredCaptures = append(p.proxy.DeclaredCaptures, model.DeclaredCapture{Response: a.Text(0) == "response", Len: int(a.Int(2))})
	p.proxy.addCaptureSlot(a.Text(0) == "response", "", int(a.Int(2)))
}

// addCaptureSlot gives a declared capture its place among the captured headers: slots are numbered through.
func (x *Proxy) addCaptureSlot(response bool, name string, n int) int {
	list := &x.CaptureReq
	if response {
		list = &x.CaptureResp
	}
	*list = append(*list, model.CaptureHeader{Name: name, Len: n})
	return len(*list) - 1
}

// backDecls are the keywords of the server's side.
func backDecls() []Decl {
	return []Decl{
		{Name: "server", In: back, Params: one(text("name"), text("address"), optional(rest("option …"))), Opts: describe(serverOptions()), Spec: "4.2, 5.2",
			Doc: "Declares a server: HOST[:PORT], [IPv6]:PORT, /path, unix@path, abns@name; +N or -N shifts the client's port.", Set: setServer},
		{Name: "default-server", In: Defaults | back, Params: one(rest("option …")), Spec: "4.2, 5.2",
			Doc: "Gives options to the servers that follow.", Set: setDefaultServer},
		{Name: "balance", In: Defaults | back, Params: one(text("algorithm"), optional(rest("argument …"))), Opts: balanceDocs(), Spec: "4.2",
			Doc: "Says how a server is chosen; roundrobin when not given.", Set: setBalance},
		{Name: "hash-type", In: Defaults | back, Spec: "4.2",
			Params: one(choice("method", "map-based", "consistent"), optional(choice("function", "sdbm", "djb2", "wt6", "crc32", "none", "avalanche")), optional(choice("modifier", "avalanche"))),
			Doc:    "Says how a hash leads to a server: by position, or consistently when servers come and go.", Set: setHashType},
		{Name: "http-reuse", In: Defaults | back, Params: one(choice("way", "never", "safe", "aggressive", "always")), HTTP: true, Spec: "4.2",
			Doc: "Says when a request may go over an idle connection of another client; safe when not given.", Set: setReuse},
		{Name: "retries", In: Defaults | back, Params: one(between("number", 0, 100)), Spec: "4.2",
			Doc: "Tries again this often when a server fails; 3 when not given.",
			Set: func(p *Parser, a Args) { p.proxy.Retries = int(a.Int(0)) }},
		{Name: "retry-on", In: Defaults | back, Params: one(many(text("event"))), HTTP: true, Spec: "4.2",
			Doc: "Says after what to try again: none, conn-failure (when not given), empty-response, junk-response, response-timeout, 0rtt-rejected, all-retryable-errors or a status.", Set: setRetryOn},
		{Name: "fullconn", In: Defaults | back, Params: one(between("number", 1, 1<<30)), Spec: "4.2",
			Doc: "Number of connections at which servers with minconn reach their maxconn.",
			Set: func(p *Parser, a Args) { p.proxy.FullConn = int(a.Int(0)) }},
		{Name: "source", In: Defaults | back, Params: one(text("address"), optional(rest("option …"))), Spec: "4.2",
			Doc: "Connects to servers from this address of the machine.", Set: setSource},
		{Name: "use-server", In: back, Params: one(format("server"), rest("if|unless condition")), Spec: "4.2",
			Doc: "Sends what fulfils the condition to a server, whose name may be a format.", Set: setUseServer},
	}
}

func setReuse(p *Parser, a Args) {
	p.proxy.HTTPReuse = map[string]model.Reuse{"never": model.ReuseNever, "safe": model.ReuseSafe,
		"aggressive": model.ReuseAggressive, "always": model.ReuseAlways}[a.Text(0)]
}

func setHashType(p *Parser, a Args) {
	x := p.proxy
	x.HashType, x.HashFunction, x.HashAvalanche = a.Text(0), "sdbm", false
	for i := 1; i < len(a.P); i++ {
		if a.Text(i) == "avalanche" {
			x.HashAvalanche = true
		} else {
			x.HashFunction = a.Text(i)
		}
	}
	if len(a.P) == 1 && x.HashType == "consistent" {
		x.HashAvalanche = true
	}
}

// retryStatus are the statuses that retry-on takes (§4.2).
var retryStatus = map[string]int{"401": 401, "403": 403, "404": 404, "408": 408, "421": 421, "425": 425, "429": 429,
	"500": 500, "501": 501, "502": 502, "503": 503, "504": 504}

func setRetryOn(p *Parser, a Args) {
	var r model.RetryOn
	known := []string{"none", "conn-failure", "empty-response", "junk-response", "response-timeout", "0rtt-rejected", "all-retryable-errors"}
	for _, w := range a.P {
		switch w.Text {
		case "none":
			if len(a.P) > 1 {
				p.errorf(w.Pos, "", "retry-on: none cannot stand with others")
			}
		case "conn-failure":
			r.ConnFailure = true
		case "empty-response":
			r.EmptyResponse = true
		case "junk-response":
			r.JunkResponse = true
		case "response-timeout":
			r.ResponseTimeout = true
		case "0rtt-rejected":
			r.ZeroRTT = true
		case "all-retryable-errors":
			r.ConnFailure, r.EmptyResponse, r.JunkResponse, r.ResponseTimeout, r.ZeroRTT = true, true, true, true, true
			r.Status = append(r.Status, 500, 502, 503, 504)
		default:
			status, ok := retryStatus[w.Text]
			if !ok {
				p.unknownOption("retry-on", wordOf(w), known, nil)
				return
			}
			r.Status = append(r.Status, status)
		}
	}
	p.proxy.RetryOn = r
}

func setSource(p *Parser, a Args) {
	if len(a.Rest) > 0 {
		p.notYet(a.Rest[0].Pos, "source … "+a.Rest[0].Text)
		return
	}
	p.proxy.Source = p.sourceAddress("source", wordOf(a.P[0]))
}

func setUseServer(p *Parser, a Args) {
	u := &model.UseServer{Pos: a.P[0].Pos}
	if static, ok := a.P[0].Fmt.Static(); ok {
		u.Name = static
	} else {
		u.Fmt = a.P[0].Fmt
	}
	var ok bool
	if u.Cond, ok = p.cond("use-server", a.Rest); ok {
		p.proxy.UseServer = append(p.proxy.UseServer, u)
	}
}
