package show

import (
	"strconv"
	"time"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/proxy"
)

// statRow is an object of "show stat" with what is known of it, by column.
type statRow struct {
	object string // "Frontend", "Backend" or "Server"
	proxy  int
	id     int
	values map[string]string
}

func newRow(object string, p *proxy.Proxy, svname string, typ, id int) *statRow {
	r := &statRow{object: object, proxy: p.ID, id: id, values: map[string]string{}}
	mode := "http"
	if p.Model.Mode == model.ModeTCP {
		mode = "tcp"
	}
	for name, text := range map[string]string{"pxname": p.Name, "svname": svname, "mode": mode} {
		r.values[name] = text
	}
	r.num("pid", 1)
	r.num("iid", int64(p.ID))
	r.num("sid", int64(id))
	r.num("type", int64(typ))
	return r
}

func (r *statRow) num(name string, n int64) { r.values[name] = strconv.FormatInt(n, 10) }

// limit is num for what is 0 when there is no limit.
func (r *statRow) limit(name string, n int64) {
	if n > 0 {
		r.num(name, n)
	}
}

// counts writes what every object counts. Answers by status are only counted where HTTP is spoken.
func (r *statRow) counts(p *proxy.Proxy, c *proxy.Counts) {
	r.num("scur", c.Conns.Load())
	r.num("smax", c.ConnsMax.Load())
	r.num("stot", c.ConnsTot.Load())
	r.num("bin", c.BytesIn.Load())
	r.num("bout", c.BytesOut.Load())
	r.num("dresp", c.DeniedRes.Load())
	r.num("rate", c.ConnRate.Per(time.Now().UnixNano()))
	if p.Model.Mode == model.ModeHTTP {
		for i, name := range []string{"hrsp_other", "hrsp_1xx", "hrsp_2xx", "hrsp_3xx", "hrsp_4xx", "hrsp_5xx"} {
			r.num(name, c.Status[i].Load())
		}
	}
}

// toServers writes what backends and servers count beyond that.
func (r *statRow) toServers(c *proxy.Counts, queued int64) {
	r.num("qcur", queued)
	r.num("econ", c.ErrConn.Load())
	r.num("eresp", c.ErrRes.Load())
	r.num("wretr", c.Retries.Load())
	r.num("wredis", c.Redisp.Load())
}

func (r *request) frontendRow(p *proxy.Proxy) *statRow {
	row := newRow("Frontend", p, "FRONTEND", 0, 0)
	c := &p.Front
	row.counts(p, c)
	row.values["status"] = "OPEN"
	if p.Stopped.Load() {
		row.values["status"] = "STOP"
	}
	limit := p.Model.MaxConn
	if limit == 0 {
		limit = r.MaxConn
	}
	row.limit("slim", int64(limit))
	now := time.Now().UnixNano()
	row.num("dreq", c.Denied.Load())
	row.num("ereq", c.ErrReq.Load())
	row.num("conn_rate", c.ConnRate.Per(now))
	row.num("conn_tot", c.ConnsTot.Load())
	if p.Model.Mode == model.ModeHTTP {
		row.num("req_rate", c.ReqRate.Per(now))
		row.num("req_tot", c.Reqs.Load())
	}
	return row
}

func backendRow(p *proxy.Proxy) *statRow {
	row := newRow("Backend", p, "BACKEND", 1, 0)
	row.counts(p, &p.Back)
	row.toServers(&p.Back, p.Queue.Load())
	row.values["status"] = "UP"
	if len(p.Servers) > 0 && p.Usable() == 0 {
		row.values["status"] = "DOWN"
	}
	row.num("dreq", p.Back.Denied.Load())
	row.limit("slim", int64(p.Model.FullConn))
	if p.Model.Mode == model.ModeHTTP {
		row.num("req_tot", p.Back.Reqs.Load())
	}
	var active, backup, weight int64
	for _, s := range p.Servers {
		switch {
		case !s.Usable():
			continue
		case s.Model.Backup:
			backup++
		default:
			active++
		}
		weight += s.Weight.Load()
	}
	row.num("act", active)
	row.num("bck", backup)
	row.num("weight", weight)
	row.num("uweight", weight)
	if p.Model.Balance.Algo != "" {
		row.values["algo"] = p.Model.Balance.Algo
	}
	return row
}

func serverRow(p *proxy.Proxy, s *proxy.Server) *statRow {
	row := newRow("Server", p, s.Name, 2, s.ID)
	row.counts(p, &s.Counts)
	row.toServers(&s.Counts, s.Queue.Load())
	row.values["status"] = serverStatus(s)
	row.limit("slim", s.MaxCon.Load())
	row.limit("qlimit", int64(s.Model.MaxQueue))
	row.limit("src_ilim", int64(s.Model.PoolMaxConn))
	row.num("lbtot", s.ConnsTot.Load())
	row.num("srv_icur", s.Idle.Load())
	row.num("used_conn_cur", s.Conns.Load())
	row.num("weight", s.Weight.Load())
	row.num("uweight", s.Weight.Load())
	act, bck := int64(1), int64(0)
	if s.Model.Backup {
		act, bck = 0, 1
	}
	row.num("act", act)
	row.num("bck", bck)
	if s.Model.Cookie != "" {
		row.values["cookie"] = s.Model.Cookie
	}
	switch addr := s.Addr.Load(); {
	case addr != nil:
		row.values["addr"] = addr.String()
	case s.Model.Addr.Kind == model.AddrUnix || s.Model.Addr.Kind == model.AddrAbstract:
		row.values["addr"] = "unix"
	}
	return row
}

// serverStatus is a server's status in the words of management.txt §9.1.
func serverStatus(s *proxy.Server) string {
	switch admin := proxy.AdminState(s.Admin.Load()); {
	case admin == proxy.Maint:
		return "MAINT"
	case admin == proxy.Drain:
		return "DRAIN"
	case !s.Up.Load():
		return "DOWN"
	case !s.Model.Check:
		return "no check"
	}
	return "UP"
}
