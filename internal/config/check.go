package config

import (
	"strings"

	"eddy/internal/config/diag"
	"eddy/internal/config/model"
)

// check looks at the configuration as a whole: names that point nowhere, modes that do not fit, what is missing.
// With lost, sections are missing because they could not be read; names that point nowhere are reported then
// only where another name looks like them.
func check(c *model.Config, lost bool, diags *diag.List) {
	k := &checker{config: c, diags: diags, lost: lost, backends: map[string]*model.Proxy{}}
	sound := !diags.Failed() // what is missing may stand in a line that was refused
	for _, p := range c.Proxies {
		if p.Side&model.Backend != 0 && k.backends[p.Name] == nil {
			k.backends[p.Name] = p
			k.names = append(k.names, p.Name)
		}
	}
	for _, p := range c.Proxies {
		k.route(p)
		k.useServer(p)
		k.ids(p)
		if sound {
			k.listens(p)
			k.timeouts(p)
		}
		k.binds(p)
	}
	if sound && len(c.Proxies) == 0 && c.Idle() {
		diags.Warnf(diag.Pos{}, "add a frontend with a bind line, say", "the configuration starts nothing")
	}
	k.buffers()
	for _, o := range c.Observes {
		k.lane(o, sound)
	}
	k.outputs()
}

type checker struct {
	config   *model.Config
	diags    *diag.List
	lost     bool
	backends map[string]*model.Proxy
	names    []string // of the backends, in order
	bound    map[boundAddress]diag.Pos
}

// route resolves default_backend and use_backend.
func (k *checker) route(p *model.Proxy) {
	if p.Side&model.Frontend == 0 {
		return
	}
	if p.DefaultBackend != "" {
		k.backend(p, "default_backend", p.DefaultBackend, p.DefaultBackendAt)
	}
	for _, u := range p.UseBackend {
		if u.Fmt == nil {
			k.backend(p, "use_backend", u.Name, u.Pos)
		}
	}
}

func (k *checker) backend(p *model.Proxy, what, name string, at diag.Pos) {
	b := k.backends[name]
	switch {
	case b == nil:
		hint := diag.DidYouMean(name, k.names)
		if hint == "" && k.lost {
			return
		}
		if hint == "" {
			hint = "add a section: backend " + name
		}
		if k.config.Proxy(name, model.Frontend) != nil {
			hint = "'" + name + "' is a frontend; make it a listen section, or name its backend"
		}
		k.diags.Errorf(at, hint, "%s: there is no backend '%s'", what, name)
	case b == p:
		k.diags.Errorf(at, "", "%s: '%s' would send to itself", what, name)
	case p.Mode == model.ModeHTTP && b.Mode == model.ModeTCP:
		k.diags.Errorf(at, "set the same mode in both", "%s: '%s' is in mode http and cannot send to '%s', which is in mode tcp", what, p.Name, name)
	}
}

// useServer resolves use-server.
func (k *checker) useServer(p *model.Proxy) {
	var names []string
	for _, s := range p.Servers {
		names = append(names, s.Name)
	}
	for _, u := range p.UseServer {
		if u.Fmt != nil {
			continue
		}
		found := false
		for _, n := range names {
			found = found || n == u.Name
		}
		if !found {
			k.diags.Errorf(u.Pos, diag.DidYouMean(u.Name, names), "use-server: '%s' has no server '%s'", p.Name, u.Name)
		}
	}
}

// ids reports server ids that are used twice.
func (k *checker) ids(p *model.Proxy) {
	seen := map[int]*model.Server{}
	for _, s := range p.Servers {
		if s.ID == 0 {
			continue
		}
		if other := seen[s.ID]; other != nil {
			k.diags.Errorf(s.Pos, "", "server '%s' has id %d, as has '%s' in %s", s.Name, s.ID, other.Name, other.Pos.From(s.Pos))
		}
		seen[s.ID] = s
	}
}

// listens warns about frontends without an address.
func (k *checker) listens(p *model.Proxy) {
	if p.Side&model.Frontend != 0 && len(p.Binds) == 0 && !p.Disable {
		k.diags.Warnf(p.Pos, "add a bind line, or make it a backend", "'%s' listens nowhere", p.Name)
	}
}

// timeouts warns about those that every proxy needs.
func (k *checker) timeouts(p *model.Proxy) {
	var missing []string
	if p.Side&model.Frontend != 0 && p.Timeouts.Client == 0 {
		missing = append(missing, "timeout client")
	}
	if p.Side&model.Backend != 0 && len(p.Servers) > 0 {
		if p.Timeouts.Connect == 0 {
			missing = append(missing, "timeout connect")
		}
		if p.Timeouts.Server == 0 {
			missing = append(missing, "timeout server")
		}
	}
	if len(missing) > 0 {
		k.diags.Warnf(p.Pos, "without them, silent peers keep their connections for ever", "'%s' has no %s", p.Name, strings.Join(missing, ", no "))
	}
}

// boundAddress tells listening addresses apart.
type boundAddress struct {
	kind        model.AddrKind
	host        string
	port, fd    int
	path, iface string
	v6          bool
}

// binds reports addresses that two lines listen on: the second could not be bound.
func (k *checker) binds(p *model.Proxy) {
	if p.Disable {
		return
	}
	if k.bound == nil {
		k.bound = map[boundAddress]diag.Pos{}
	}
	for i := range p.Binds {
		b := &p.Binds[i]
		a := boundAddress{b.Addr.Kind, b.Addr.Host, b.Addr.Port, b.Addr.FD, b.Addr.Path, b.Interface, b.Addr.V6}
		if a.host == "*" || a.host == "0.0.0.0" {
			a.host = ""
		}
		if first, again := k.bound[a]; again {
			k.diags.Errorf(b.Pos, "remove one of them", "bind: %s is bound in %s already", b.Addr.Text, first.From(b.Pos))
			return
		}
		k.bound[a] = b.Pos
	}
}

// lane checks what an observe section takes its packets from. Whether one of its plugins is an input filter, which brings
// packets of its own, is known when they are loaded.
func (k *checker) lane(o *model.Observe, sound bool) {
	what, both, nothing := "observe '"+o.Name+"'", "make two observe sections of it", "add a line: read FILE, or interface NAME"
	if o.Pos == (diag.Pos{}) { // a command line's
		what, both, nothing = "the command", "choose one of them", "name a capture (-r FILE) or an interface (-i NAME)"
	}
	switch {
	case len(o.Read) > 0 && o.Interface != "":
		k.diags.Errorf(o.Pos, both, "%s has both files to read and an interface", what)
	case sound && len(o.Read) == 0 && o.Interface == "" && len(o.Scripts) == 0:
		k.diags.Errorf(o.Pos, nothing, "%s has nothing to observe", what)
	case o.Interface == "" && (o.SnapLen > 0 || o.RingSize > 0 || o.Fanout > 0):
		k.diags.Warnf(o.Pos, "", "%s has no interface: there snaplen, ring-size and fanout do nothing", what)
	}
}

// outputs refuses files that a lane would write over what a lane reads, or over what another output writes. Several lanes
// may share an event log: they add whole lines to it.
func (k *checker) outputs() {
	type use struct{ what, path string }
	var taken []use
	for _, o := range k.config.Observes {
		for _, path := range o.Read {
			taken = append(taken, use{"read", path})
		}
		for _, path := range o.Scripts {
			taken = append(taken, use{"lua-load", path})
		}
	}
	for _, o := range k.config.Observes {
		for _, u := range []use{{"eve", o.Eve}, {"store", o.Store}} {
			if u.path == "" || u.path == "-" {
				continue
			}
			for _, other := range taken {
				if (u.what != "eve" || other.what != "eve") && SameFile(u.path, other.path) {
					k.diags.Errorf(o.Pos, "name another file", "%s would write over %s, which %s names", u.what, u.path, other.what)
					break
				}
			}
			taken = append(taken, u)
		}
	}
}

// buffers checks what tune.bufsize has to hold.
func (k *checker) buffers() {
	g := &k.config.Global
	if g.BufSize-g.MaxRewrite < 512 {
		k.diags.Warnf(diag.Pos{}, "make tune.bufsize larger", "only %d bytes of a buffer are left for a message's head", g.BufSize-g.MaxRewrite)
	}
}
