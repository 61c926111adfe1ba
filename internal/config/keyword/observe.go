package keyword

import (
	"net/netip"
	"strings"
	"time"

	"eddy/internal/config/diag"
	"eddy/internal/config/model"
	"eddy/internal/config/syntax"
)

// lane is an observe section while it is read.
type lane struct {
	*model.Observe
	seen map[string]diag.Pos // keywords that may stand once
}

// Bounds of what observe sections ask for.
const (
	maxLanes   = 64
	maxEngines = 256
	maxIfName  = 15      // IFNAMSIZ without its end, netdevice(7)
	maxSnapLen = 1 << 18 // what tcpdump takes
	minRing    = 1 << 20
	maxRing    = 1 << 30
)

// openObserve opens a section "observe NAME".
func (p *Parser) openObserve(ln syntax.Line) {
	o := &model.Observe{Pos: ln.Pos}
	p.where, p.lane = Observe, &lane{o, map[string]diag.Pos{}}
	if len(ln.Words) < 2 {
		p.Diags.Errorf(ln.Pos, "write: observe NAME", "the observe section has no name")
		return
	}
	p.noMore(ln, 2)
	name := ln.Words[1]
	p.checkName(name)
	o.Name = name.Text
	for _, other := range p.Config.Observes {
		if other.Name == o.Name {
			p.Diags.Errorf(name.Pos, "every lane needs a name of its own", "there is an observe section '%s' in %s already", o.Name, other.Pos.From(name.Pos))
			break
		}
	}
	if len(p.Config.Observes) == maxLanes {
		p.Diags.Errorf(ln.Pos, "", "more than %d observe sections", maxLanes)
		return
	}
	p.Config.Observes = append(p.Config.Observes, o)
}

// ObserveDecls are the keywords of observe sections. The command "eddy observe" has a flag for each.
func ObserveDecls() []Decl {
	decl := func(name string, params []Param, doc string, set func(p *Parser, o *model.Observe, a Args)) Decl {
		return Decl{Name: name, In: Observe, Params: params, Doc: doc, Set: func(p *Parser, a Args) { set(p, p.lane.Observe, a) }}
	}
	single := func(name string, param Param, doc string, set func(o *model.Observe, a Args)) Decl {
		return decl(name, one(param), doc, func(p *Parser, o *model.Observe, a Args) { p.once(a); set(o, a) })
	}
	seconds := func(name, doc string, at func(o *model.Observe) *time.Duration) Decl {
		return single(name, Param{Name: "time", Kind: Time, Min: int64(time.Second)}, doc,
			func(o *model.Observe, a Args) { *at(o) = time.Duration(a.Int(0)) })
	}
	bytes := func(name, doc string, lo, hi int64, at func(o *model.Observe) *int64) Decl {
		return single(name, Param{Name: "size", Kind: Size, Min: lo, Max: hi}, doc,
			func(o *model.Observe, a Args) { *at(o) = a.Int(0) })
	}
	count := func(name, doc string, lo, hi int64, at func(o *model.Observe) *int) Decl {
		return single(name, between("number", lo, hi), doc, func(o *model.Observe, a Args) { *at(o) = int(a.Int(0)) })
	}
	return []Decl{
		decl("read", one(many(text("file"))), "Reads capture files (pcap, pcapng, also gzip'd), one after the other; - is standard input.", setRead),
		decl("interface", one(text("name")), "Captures packets live from this network interface; needs root or CAP_NET_RAW.", setInterface),
		single("bpf", many(text("expression")), "Takes only packets that match, in tcpdump's filter language.",
			func(o *model.Observe, a Args) { o.BPF = joinText(a) }),
		decl("lua-load", one(many(text("path"))), "Runs these plugins: Lua files, or all *.lua files of folders.", setPlugins),
		single("args", many(text("text")), "Gives plugins this text as T.args.", func(o *model.Observe, a Args) { o.Args = joinText(a) }),
		decl("env", one(text("path"), text("value")), "Gives plugins this value for T.env.get_config(path).",
			func(_ *Parser, o *model.Observe, a Args) {
				if o.Env == nil {
					o.Env = map[string]string{}
				}
				o.Env[a.Text(0)] = a.Text(1)
			}),
		decl("home-net", one(many(text("network"))), "Says which networks T.host:is_homenet takes for ours; the private ones when not given.", setHomeNets),
		count("engines", "Shares flows out over this many engines, each with its own plugin states; one for each processor core when not given. 1 makes a replay repeatable.",
			1, maxEngines, func(o *model.Observe) *int { return &o.Engines }),
		decl("eve", one(text("file")), "Adds what was learned to this file as EVE JSON, one object a line; - is standard output.",
			func(p *Parser, o *model.Observe, a Args) { p.once(a); o.Eve = p.streamPath(a.Text(0)) }),
		decl("eve-types", one(many(choice("type", eveTypes()...))), "Writes only events of these types: "+strings.Join(eveTypes(), ", ")+"; all when not given.",
			func(_ *Parser, o *model.Observe, a Args) { o.EveTypes = addOnce(o.EveTypes, a) }),
		single("ramfs", pathTo("folder"), "Keeps extracted files here while somebody needs them; a folder of the process's own in shared memory when not given.",
			func(o *model.Observe, a Args) { o.Ramfs = a.Text(0) }),
		bytes("ramfs-max", "Lets extracted files take this much at a time; 512m, or half of what is free, when not given.",
			1<<20, 1<<40, func(o *model.Observe) *int64 { return &o.RamfsMax }),
		decl("hash", one(many(choice("hash", "md5", "sha1", "sha256"))), "Computes these hashes of every file while it passes.",
			func(_ *Parser, o *model.Observe, a Args) { o.Hashes = addOnce(o.Hashes, a) }),
		single("keep", pathTo("folder"), "Keeps whole extracted files in this folder, named by their SHA-256.",
			func(o *model.Observe, a Args) { o.KeepDir = a.Text(0) }),
		single("store", pathTo("file"), "Writes packets that packet_storage plugins choose to this pcap file.",
			func(o *model.Observe, a Args) { o.Store = a.Text(0) }),
		seconds("bucket", "Adds counters up over this time by the packets' clock; 60s when not given.",
			func(o *model.Observe) *time.Duration { return &o.Bucket }),
		count("async-max-entries", "Lets this many asynchronous tasks wait or run; what is scheduled beyond is refused and counted. 100000 when not given.",
			1, 1<<30, func(o *model.Observe) *int { return &o.AsyncMaxEntries }),
		bytes("async-max-bytes", "The same by the bytes that the tasks carry; 256m when not given.",
			1<<10, 1<<40, func(o *model.Observe) *int64 { return &o.AsyncMaxBytes }),
		seconds("stop-timeout", "Gives asynchronous tasks this long when a signal ends the capture; 5s when not given.",
			func(o *model.Observe) *time.Duration { return &o.StopTimeout }),
		single("hook-timeout", Param{Name: "time", Kind: Time},
			"Stops a plugin's hook that computes for this long without waiting for anything; 1s when not given, 0s for no limit.", setHookTimeout),
		count("max-flows", "Remembers this many flows at once in each engine; 500000 when not given.",
			16, 1<<28, func(o *model.Observe) *int { return &o.MaxFlows }),
		bytes("max-stream", "Holds this much of one flow while an earlier segment is missing.",
			1<<12, 1<<32, func(o *model.Observe) *int64 { return &o.MaxStreamBytes }),
		bytes("max-held", "The same for all flows of an engine together.",
			1<<16, 1<<40, func(o *model.Observe) *int64 { return &o.MaxHeldBytes }),
		single("overlap", choice("which", "first", "last"), "Says which bytes count where TCP segments contradict each other: those that came first, or last; first when not given.",
			func(o *model.Observe, a Args) { o.LastWins = a.Text(0) == "last" }),
		seconds("timeout tcp", "Forgets an open TCP flow that was silent for this long by the packets' clock.", func(o *model.Observe) *time.Duration { return &o.TimeoutTCP }),
		seconds("timeout udp", "The same for UDP.", func(o *model.Observe) *time.Duration { return &o.TimeoutUDP }),
		seconds("timeout other", "The same for all other protocols.", func(o *model.Observe) *time.Duration { return &o.TimeoutOther }),
		count("snaplen", "Keeps this many bytes of each live packet; all when not given.", 64, maxSnapLen, func(o *model.Observe) *int { return &o.SnapLen }),
		bytes("ring-size", "Gives the kernel this much room for live packets that an engine has not taken yet.",
			minRing, maxRing, func(o *model.Observe) *int64 { return &o.RingSize }),
		count("fanout", "Shares live packets with other processes of this PACKET_FANOUT group.", 1, 1<<16-1, func(o *model.Observe) *int { return &o.Fanout }),
	}
}

// streamPath resolves a path where "-" stands for standard input or output.
func (p *Parser) streamPath(s string) string {
	if s == "-" {
		return s
	}
	return p.path(s)
}

func setRead(p *Parser, o *model.Observe, a Args) {
	for i := range a.P {
		file := p.streamPath(a.Text(i))
		if file != "-" {
			if err := p.Host.Present(file); err != nil {
				p.errorf(a.P[i].Pos, "", "read: %v", err)
				continue
			}
		}
		o.Read = append(o.Read, file)
	}
}

func setInterface(p *Parser, o *model.Observe, a Args) {
	p.once(a)
	name := a.Text(0)
	if name == "" || len(name) > maxIfName || strings.ContainsAny(name, "/ \t") {
		p.errorf(a.P[0].Pos, "\"ip link\" lists them", "interface: %q is not the name of a network interface", name)
		return
	}
	o.Interface = name
}

func setPlugins(p *Parser, o *model.Observe, a Args) {
	for i := range a.P {
		path := p.path(a.Text(i))
		if err := p.Host.Present(path); err != nil {
			p.errorf(a.P[i].Pos, "", "lua-load: %v", err)
			continue
		}
		o.Scripts = append(o.Scripts, path)
	}
}

func setHomeNets(p *Parser, o *model.Observe, a Args) {
	for i := range a.P {
		net, err := network(a.Text(i))
		if err != nil {
			p.errorf(a.P[i].Pos, "write networks like 10.0.0.0/8 or fd00::/8", "home-net: %q is not a network", a.Text(i))
			continue
		}
		o.HomeNets = append(o.HomeNets, net)
	}
}

// network reads a prefix, or an address as the network of one.
func network(s string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(s); err == nil {
		return addr.Prefix(addr.BitLen())
	}
	net, err := netip.ParsePrefix(s)
	return net.Masked(), err
}

func setHookTimeout(o *model.Observe, a Args) {
	o.HookTimeout = time.Duration(a.Int(0))
	if o.HookTimeout == 0 {
		o.HookTimeout = -1
	}
}

// eveTypes are the event types of docs/eve.md.
func eveTypes() []string {
	return []string{"flow", "http", "fileinfo", "dns", "tls", "alert", "resource", "counter", "edge", "keyinfo", "topper", "tracked"}
}

// addOnce adds the words that are not in the list yet.
func addOnce(list []string, a Args) []string {
	for i := range a.P {
		if !contains(list, a.Text(i)) {
			list = append(list, a.Text(i))
		}
	}
	return list
}
