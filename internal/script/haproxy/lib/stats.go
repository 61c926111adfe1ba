package lib

import (
	"time"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/proxy"
	"eddy/internal/script/vm"
)

// stats collects the fields of management.txt §9.1 that are known here, by their names.
type stats struct{ t vm.Table }

func (s *stats) str(name, v string) { s.t.Set(name, vm.Str(v)) }
func (s *stats) num(name string, n int64) {
	s.t.Set(name, vm.Int(n))
}

func (s *stats) flag(name string, b bool) {
	if b {
		s.num(name, 1)
	} else {
		s.num(name, 0)
	}
}

// names are the fields that every kind has.
func (s *stats) names(px *proxy.Proxy, svname string, kind, sid int64, status string) {
	s.str("pxname", px.Name)
	s.str("svname", svname)
	s.str("mode", modeName(px.Model.Mode))
	s.str("status", status)
	s.num("type", kind)
	s.num("pid", 1)
	s.num("iid", int64(px.ID))
	s.num("sid", sid)
}

// counts are what proxy.Counts holds.
func (s *stats) counts(c *proxy.Counts) {
	now := time.Now().UnixNano()
	s.num("scur", c.Conns.Load())
	s.num("smax", c.ConnsMax.Load())
	s.num("stot", c.ConnsTot.Load())
	s.num("bin", c.BytesIn.Load())
	s.num("bout", c.BytesOut.Load())
	s.num("dreq", c.Denied.Load())
	s.num("dresp", c.DeniedRes.Load())
	s.num("ereq", c.ErrReq.Load())
	s.num("econ", c.ErrConn.Load())
	s.num("eresp", c.ErrRes.Load())
	s.num("wretr", c.Retries.Load())
	s.num("wredis", c.Redisp.Load())
	s.num("rate", c.ConnRate.Per(now))
	s.num("req_rate", c.ReqRate.Per(now))
	s.num("req_tot", c.Reqs.Load())
	for i, name := range []string{"hrsp_other", "hrsp_1xx", "hrsp_2xx", "hrsp_3xx", "hrsp_4xx", "hrsp_5xx"} {
		s.num(name, c.Status[i].Load())
	}
}

// proxyStats(i): a frontend's, or a backend's for what is no frontend. A listen section shows both sides' numbers
// where only one has them.
func (d *Directory) proxyStats(c *vm.Call) error {
	p, err := d.argProxy(c)
	if err != nil {
		return err
	}
	var s stats
	if p.Model.Side&model.Frontend != 0 {
		status := "OPEN"
		if p.Stopped.Load() {
			status = "STOP"
		}
		s.names(p, "FRONTEND", 0, 0, status)
		s.counts(&p.Front)
		s.num("slim", int64(p.Model.MaxConn))
		s.num("conn_rate", p.Front.ConnRate.Per(time.Now().UnixNano()))
		s.num("conn_tot", p.Front.ConnsTot.Load())
	} else {
		status := "UP"
		if len(p.Servers) > 0 && p.Usable() == 0 {
			status = "DOWN"
		}
		s.names(p, "BACKEND", 1, 0, status)
		s.counts(&p.Back)
		s.num("slim", int64(p.Model.FullConn))
	}
	if p.Model.Side&model.Backend != 0 {
		s.num("qcur", p.Queue.Load())
		act, bck, weight := int64(0), int64(0), int64(0)
		for _, srv := range p.Servers {
			switch {
			case !srv.Usable():
				continue
			case srv.Model.Backup:
				bck++
			default:
				act++
			}
			weight += srv.Weight.Load()
		}
		s.num("act", act)
		s.num("bck", bck)
		s.num("weight", weight)
		s.str("algo", p.Model.Balance.Algo)
	}
	return c.PushValue(vm.Tab(&s.t))
}

func (d *Directory) serverStats(c *vm.Call) error {
	srv, err := d.argServer(c)
	if err != nil {
		return err
	}
	var s stats
	s.names(srv.Proxy, srv.Name, 2, int64(srv.ID), serverStatus(srv))
	s.counts(&srv.Counts)
	s.num("qcur", srv.Queue.Load())
	s.num("slim", srv.MaxCon.Load())
	s.num("weight", srv.Weight.Load())
	s.num("uweight", srv.Weight.Load())
	s.flag("act", !srv.Model.Backup)
	s.flag("bck", srv.Model.Backup)
	if srv.Model.MaxQueue > 0 {
		s.num("qlimit", int64(srv.Model.MaxQueue))
	}
	s.num("srv_icur", srv.Idle.Load())
	s.str("addr", serverAddr(srv))
	return c.PushValue(vm.Tab(&s.t))
}

// serverStatus is a server's status in the words of the statistics.
func serverStatus(s *proxy.Server) string {
	switch {
	case proxy.AdminState(s.Admin.Load()) == proxy.Maint:
		return "MAINT"
	case proxy.AdminState(s.Admin.Load()) == proxy.Drain:
		return "DRAIN"
	case !s.Up.Load():
		return "DOWN"
	case !s.Model.Check:
		return "no check"
	}
	return "UP"
}

func (d *Directory) listenerStats(c *vm.Call) error {
	d.all()
	l, err := pick(c, d.listeners, "Listener")
	if err != nil {
		return err
	}
	var s stats
	s.names(l.px, listenerName(l.Listener), 3, int64(l.ID), "OPEN")
	s.counts(&l.Counts)
	s.num("slim", int64(l.Model.MaxConn))
	s.str("addr", l.Addr)
	return c.PushValue(vm.Tab(&s.t))
}
