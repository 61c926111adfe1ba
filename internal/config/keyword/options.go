package keyword

import (
	"net/netip"
	"strconv"

	"eddy/internal/config/model"
)

// optionDecls are the "option …" lines (§4.2).
func optionDecls() []Decl {
	flag := func(name string, in Sections, http bool, doc string, at func(o *model.Options) *bool) Decl {
		return Decl{Name: "option " + name, In: in, No: true, HTTP: http, Doc: doc, Spec: "4.2",
			Set: func(p *Parser, a Args) { *at(&p.proxy.Options) = !a.No }}
	}
	type O = *model.Options
	fe, be := Defaults|front, Defaults|back
	return []Decl{
		{Name: "option httplog", In: fe, Params: one(optional(choice("form", "clf"))), HTTP: true, Spec: "4.2, 8.2.3",
			Doc: "Logs requests with all their times; with clf, as web servers do.",
			Set: func(p *Parser, a Args) { o := &p.proxy.Options; o.HTTPLog, o.LogCLF = true, a.Has(0) }},
		{Name: "option tcplog", In: fe, Params: one(optional(choice("form", "clf"))), Spec: "4.2, 8.2.2",
			Doc: "Logs connections with all their times.",
			Set: func(p *Parser, a Args) { o := &p.proxy.Options; o.TCPLog, o.LogCLF = true, a.Has(0) }},
		flag("dontlognull", fe, false, "Does not log connections on which nothing came.", func(o O) *bool { return &o.DontLogNull }),
		flag("dontlog-normal", fe, false, "Logs only what went wrong.", func(o O) *bool { return &o.DontLogNormal }),
		flag("log-separate-errors", fe, false, "Logs what went wrong at level err.", func(o O) *bool { return &o.LogSeparateErrors }),
		{Name: "option forwardfor", In: anywhere, Params: one(optional(rest("option …"))), Opts: describe(forwardForOptions()), HTTP: true, No: true, Spec: "4.2",
			Doc: "Tells the server the client's address in a header.", Set: setForwardFor},
		{Name: "option originalto", In: anywhere, Params: one(optional(rest("option …"))), Opts: describe(forwardForOptions()[:2]), HTTP: true, No: true, Spec: "4.2",
			Doc: "Tells the server the address that the client called in a header.", Set: setOriginalTo},
		flag("http-server-close", anywhere, true, "Closes the server's connection after each answer.", func(o O) *bool { return &o.HTTPServerClose }),
		flag("httpclose", anywhere, true, "Closes both connections after each answer.", func(o O) *bool { return &o.HTTPClose }),
		flag("http-keep-alive", anywhere, true, "Keeps connections open between requests, as it does anyway; takes back the two above.", func(o O) *bool { return &o.HTTPKeepAlive }),
		flag("http-buffer-request", anywhere, true, "Waits for the whole body, or a full buffer, before it goes on.", func(o O) *bool { return &o.HTTPBufferRequest }),
		{Name: "option redispatch", In: be, Params: one(optional(Param{Name: "interval", Kind: Int, Min: -100, Max: 100})), No: true, Spec: "4.2",
			Doc: "Tries another server on the last retry, or on every nth.", Set: setRedispatch},
		flag("abortonclose", anywhere, false, "Gives a request up when its client leaves while it waits.", func(o O) *bool { return &o.AbortOnClose }),
		flag("http-ignore-probes", fe, true, "Closes connections that come to nothing without an answer or a log line.", func(o O) *bool { return &o.IgnoreProbes }),
		flag("clitcpka", fe, false, "Lets the kernel probe idle clients.", func(o O) *bool { return &o.ClitcpKA }),
		flag("srvtcpka", be, false, "Lets the kernel probe idle servers.", func(o O) *bool { return &o.SrvtcpKA }),
		{Name: "option tcpka", In: anywhere, No: true, Spec: "4.2", Doc: "Both clitcpka and srvtcpka.",
			Set: func(p *Parser, a Args) { o := &p.proxy.Options; o.ClitcpKA, o.SrvtcpKA = !a.No, !a.No }},
		{Name: "option http-restrict-req-hdr-names", In: anywhere, Params: one(choice("way", "preserve", "delete", "reject")), HTTP: true, Spec: "4.2",
			Doc: "Says what becomes of request headers with unusual names; eddy always preserves them.",
			Set: func(p *Parser, a Args) {
				if a.Text(0) != "preserve" {
					p.notYet(a.P[0].Pos, a.Name+" "+a.Text(0))
				}
			}},
	}
}

func forwardForOptions() []Option[model.ForwardFor] {
	type F = model.ForwardFor
	return []Option[F]{
		{Name: "except", Params: one(text("network")), Doc: "Not for clients of this network.", Set: setExcept},
		{Name: "header", Params: one(Param{Name: "name", Kind: HdrName}), Doc: "Name of the header.",
			Set: func(p *Parser, f *F, a Args) { f.Header = a.Text(0) }},
		{Name: "if-none", Doc: "Only when the request has no such header.",
			Set: func(p *Parser, f *F, a Args) { f.IfNone = true }},
	}
}

// setExcept takes an address or a network, with a mask in bits or, for IPv4, in dots.
func setExcept(p *Parser, f *model.ForwardFor, a Args) {
	net, ok := parseNetwork(a.Text(0))
	if !ok {
		p.errorf(a.P[0].Pos, "write an address or a network, like 10.0.0.0/8", "except: %q is not a network", a.Text(0))
		return
	}
	f.Except = net
}

func parseNetwork(s string) (string, bool) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a, a.BitLen()).String(), true
	}
	if n, err := netip.ParsePrefix(s); err == nil {
		return n.Masked().String(), true
	}
	for i := range s {
		if s[i] != '/' {
			continue
		}
		addr, err1 := netip.ParseAddr(s[:i])
		mask, err2 := netip.ParseAddr(s[i+1:])
		if err1 != nil || err2 != nil || !addr.Is4() || !mask.Is4() {
			return "", false
		}
		bits, rest := 0, mask.As4()
		for bits < 32 && rest[bits/8]&(0x80>>(bits%8)) != 0 {
			bits++
		}
		n, err := netip.ParsePrefix(s[:i] + "/" + strconv.Itoa(bits))
		return n.Masked().String(), err == nil
	}
	return "", false
}

func setForwardFor(p *Parser, a Args) {
	if a.No {
		p.proxy.Options.ForwardFor = nil
		return
	}
	f := model.ForwardFor{Header: "x-forwarded-for"}
	if _, ok := readOptions(p, "option forwardfor", forwardForOptions(), nil, &f, a.Rest); ok {
		p.proxy.Options.ForwardFor = &f
	}
}

func setOriginalTo(p *Parser, a Args) {
	if a.No {
		p.proxy.Options.OriginalTo = nil
		return
	}
	f := model.ForwardFor{Header: "x-original-to"}
	if _, ok := readOptions(p, "option originalto", forwardForOptions()[:2], nil, &f, a.Rest); ok {
		p.proxy.Options.OriginalTo = &f
	}
}

func setRedispatch(p *Parser, a Args) {
	o := &p.proxy.Options
	o.Redispatch, o.RedispatchEvery = !a.No, int(a.Int(0))
	if a.Has(0) && a.Int(0) == 0 {
		o.Redispatch = false
	}
}
