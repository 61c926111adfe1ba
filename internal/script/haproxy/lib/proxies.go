package lib

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"sync"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/proxy"
	"eddy/internal/script/vm"
)

// Directory numbers the proxies, servers and listeners of a generation, so that Lua's objects are plain numbers. All
// states of a generation use one.
type Directory struct {
	proxies func() *proxy.Set

	once      sync.Once
	servers   []*proxy.Server
	listeners []placedListener
}

type placedListener struct {
	*proxy.Listener
	px *proxy.Proxy
}

// NewDirectory makes the directory of what proxies gives; nil means that they are not known yet, and there are none.
func NewDirectory(proxies func() *proxy.Set) *Directory { return &Directory{proxies: proxies} }

// all lists the proxies, numbered as they stand, and numbers the rest the first time.
func (d *Directory) all() []*proxy.Proxy {
	set := d.proxies()
	if set == nil {
		return nil
	}
	d.once.Do(func() {
		for _, p := range set.All {
			d.servers = append(d.servers, p.Servers...)
			for _, l := range p.Listeners {
				d.listeners = append(d.listeners, placedListener{l, p})
			}
		}
	})
	return set.All
}

// Funcs are the Proxy, Server and Listener classes.
func (d *Directory) Funcs() Funcs {
	return Funcs{
		"proxy_list":     d.proxyList,
		"proxy_parts":    d.proxyParts,
		"proxy_get":      d.proxyGet,
		"proxy_stats":    d.proxyStats,
		"server_get":     d.serverGet,
		"server_set":     d.serverSet,
		"server_stats":   d.serverStats,
		"server_proxy":   d.serverProxy,
		"listener_stats": d.listenerStats,
	}
}

// pick gives list[argument 1].
func pick[T any](c *vm.Call, list []T, what string) (t T, err error) {
	i, ok := c.Int(1)
	if !ok || i < 0 || i >= int64(len(list)) {
		return t, fmt.Errorf("this is no %s; take it from core.proxies", what)
	}
	return list[i], nil
}

func (d *Directory) argProxy(c *vm.Call) (*proxy.Proxy, error) {
	return pick(c, d.all(), "Proxy")
}

func (d *Directory) argServer(c *vm.Call) (*proxy.Server, error) {
	d.all()
	return pick(c, d.servers, "Server")
}

// proxyList(side): the numbers of the proxies that play it. Of two proxies with one name the later stands in the
// table that Lua makes of them.
func (d *Directory) proxyList(c *vm.Call) error {
	side := model.Listen
	switch string(c.Bytes(1)) {
	case "frontend":
		side = model.Frontend
	case "backend":
		side = model.Backend
	}
	t := &vm.Table{}
	for i, p := range d.all() {
		if p.Model.Side&side != 0 {
			t.Arr = append(t.Arr, vm.Int(int64(i)))
		}
	}
	return c.PushValue(vm.Tab(t))
}

// proxyParts(i): name, uuid, servers, listeners; the last two as lists of {id, name, puid}.
func (d *Directory) proxyParts(c *vm.Call) error {
	p, err := d.argProxy(c)
	if err != nil {
		return err
	}
	servers, listeners := &vm.Table{}, &vm.Table{}
	for i, s := range d.servers {
		if s.Proxy == p {
			t := &vm.Table{}
			t.Set("id", vm.Int(int64(i)))
			t.Set("name", vm.Str(s.Name))
			t.Set("puid", vm.Str(strconv.Itoa(s.ID)))
			servers.Arr = append(servers.Arr, vm.Tab(t))
		}
	}
	for i, l := range d.listeners {
		if l.px == p {
			t := &vm.Table{}
			t.Set("id", vm.Int(int64(i)))
			t.Set("name", vm.Str(listenerName(l.Listener)))
			listeners.Arr = append(listeners.Arr, vm.Tab(t))
		}
	}
	c.PushStr(p.Name)
	c.PushStr(strconv.Itoa(p.ID))
	if err := c.PushValue(vm.Tab(servers)); err != nil {
		return err
	}
	return c.PushValue(vm.Tab(listeners))
}

// listenerName is the name of the bind line, or what HAProxy calls a listener without one.
func listenerName(l *proxy.Listener) string {
	if l.Name != "" {
		return l.Name
	}
	return "sock-" + strconv.Itoa(l.ID)
}

// proxyGet(i, what)
func (d *Directory) proxyGet(c *vm.Call) error {
	p, err := d.argProxy(c)
	if err != nil {
		return err
	}
	switch what := string(c.Bytes(2)); what {
	case "get_cap":
		c.PushStr(capability(p.Model.Side))
	case "get_mode":
		c.PushStr(modeName(p.Model.Mode))
	case "get_srv_act", "get_srv_bck":
		n := 0
		for _, s := range p.Servers {
			if s.Usable() && s.Model.Backup == (what == "get_srv_bck") {
				n++
			}
		}
		c.PushInt(int64(n))
	}
	return nil
}

func capability(s model.Side) string {
	switch s {
	case model.Frontend:
		return "frontend"
	case model.Backend:
		return "backend"
	}
	return "proxy"
}

func modeName(m model.Mode) string {
	if m == model.ModeHTTP {
		return "http"
	}
	return "tcp"
}

func (d *Directory) serverProxy(c *vm.Call) error {
	s, err := d.argServer(c)
	if err != nil {
		return err
	}
	for i, p := range d.all() {
		if p == s.Proxy {
			c.PushInt(int64(i))
			return nil
		}
	}
	c.PushNil()
	return nil
}

// serverGet(i, what)
func (d *Directory) serverGet(c *vm.Call) error {
	s, err := d.argServer(c)
	if err != nil {
		return err
	}
	switch string(c.Bytes(2)) {
	case "is_draining":
		c.PushBool(proxy.AdminState(s.Admin.Load()) == proxy.Drain)
	case "is_backup":
		c.PushBool(s.Model.Backup)
	case "get_cur_sess":
		c.PushInt(s.Conns.Load())
	case "get_pend_conn":
		c.PushInt(s.Queue.Load())
	case "get_maxconn":
		c.PushInt(s.MaxCon.Load())
	case "get_weight":
		c.PushInt(s.Weight.Load())
	case "get_addr":
		c.PushStr(serverAddr(s))
	}
	return nil
}

// serverAddr is where a server is reached: ip:port, or a path.
func serverAddr(s *proxy.Server) string {
	if a := s.Addr.Load(); a != nil {
		return a.String()
	}
	switch s.Model.Addr.Kind {
	case model.AddrUnix, model.AddrAbstract:
		return s.Model.Addr.Path
	}
	return s.Model.Addr.Text
}

// serverSet(i, what, value, port) changes a server at run time, as the admin socket would. What is refused comes back
// as a text; nil is success.
func (d *Directory) serverSet(c *vm.Call) error {
	s, err := d.argServer(c)
	if err != nil {
		return err
	}
	problem := ""
	switch what := string(c.Bytes(2)); what {
	case "set_drain":
		s.Admin.Store(int32(proxy.Drain))
	case "set_maint":
		s.Admin.Store(int32(proxy.Maint))
	case "set_ready":
		s.Admin.Store(int32(proxy.Ready))
	case "check_force_up":
		s.Up.Store(true)
	case "check_force_down":
		s.Up.Store(false)
	case "check_force_nolb":
		s.Admin.Store(int32(proxy.Drain))
	case "set_weight":
		problem = setWeight(s, c.Str(3))
	case "set_maxconn":
		n, err := strconv.ParseInt(c.Str(3), 10, 64)
		if err != nil || n < 0 {
			problem = fmt.Sprintf("'%s' is no number of connections", c.Str(3))
		} else {
			s.MaxCon.Store(n)
		}
	case "set_addr":
		var changed string
		if changed, err = setAddr(s, c); err != nil {
			problem = err.Error()
		} else {
			problem = changed // HAProxy returns what it did
		}
	default: // check_enable, check_disable: nothing checks servers yet
	}
	if problem == "" {
		c.PushNil()
	} else {
		c.PushStr(problem)
	}
	return nil
}

// setWeight takes "0" to "256", or "50%" of the configured weight (management.txt §9.3, "set weight").
func setWeight(s *proxy.Server, text string) string {
	number, relative := strings.CutSuffix(text, "%")
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 {
		return fmt.Sprintf("'%s' is no weight; use 0 to 256, or 0%% to 100%%", text)
	}
	if relative {
		n = n * int64(s.Model.Weight) / 100
	}
	if n > 256 {
		return fmt.Sprintf("the weight %d is more than 256", n)
	}
	s.Weight.Store(n)
	return ""
}

// setAddr(i, what, addr, port): the port stays as it is when none is given.
func setAddr(s *proxy.Server, c *vm.Call) (changed string, err error) {
	old := s.Addr.Load()
	if old == nil {
		return "", fmt.Errorf("server %s has no IP address that could be changed", s.Name)
	}
	host, port := c.Str(3), int64(old.Port())
	if ap, err := netip.ParseAddrPort(host); err == nil {
		host, port = ap.Addr().String(), int64(ap.Port())
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return "", fmt.Errorf("'%s' is no IP address", c.Str(3))
	}
	if !c.IsNil(4) {
		if port, err = Int(c, 4, "server:set_addr", 2); err != nil {
			return "", err
		}
	}
	if port < 0 || port > 65535 {
		return "", fmt.Errorf("port %d is not between 0 and 65535", port)
	}
	now := netip.AddrPortFrom(a, uint16(port))
	if now == *old {
		return "no need to change the addr, no need to change the port by 'Lua script'", nil
	}
	s.Addr.Store(&now)
	return fmt.Sprintf("IP changed from '%s' to '%s', port changed from '%d' to '%d' by 'Lua script'", old.Addr(), a, old.Port(), port), nil
}
