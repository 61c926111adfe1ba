package exporter

import (
	"sync/atomic"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/proxy"
)

// sides gives the counts of a proxy by its sides.
func sides(p *proxy.Proxy, f func(side string, n *proxy.Counts)) {
	if p.Model.Side&model.Frontend != 0 {
		f("frontend", &p.Front)
	}
	if p.Model.Side&model.Backend != 0 {
		f("backend", &p.Back)
	}
}

// proxyFamilies are those of proxies and their servers.
func proxyFamilies() []family {
	bySide := []string{"proxy", "side"}
	each := func(figure func(n *proxy.Counts) *atomic.Int64) func(*Snapshot, addValue) {
		return func(s *Snapshot, add addValue) {
			for _, p := range s.Proxies {
				sides(p, func(side string, n *proxy.Counts) { add(float64(figure(n).Load()), p.Name, side) })
			}
		}
	}
	byKind := func(figures func(n *proxy.Counts, add func(kind string, v *atomic.Int64))) func(*Snapshot, addValue) {
		return func(s *Snapshot, add addValue) {
			for _, p := range s.Proxies {
				sides(p, func(side string, n *proxy.Counts) {
					figures(n, func(kind string, v *atomic.Int64) { add(float64(v.Load()), p.Name, side, kind) })
				})
			}
		}
	}
	servers := func(figure func(v *proxy.Server) float64) func(*Snapshot, addValue) {
		return func(s *Snapshot, add addValue) {
			for _, p := range s.Proxies {
				for _, v := range p.Servers {
					add(figure(v), p.Name, v.Name)
				}
			}
		}
	}
	byServer := []string{"proxy", "server"}
	return []family{
		gauge("eddy_proxy_connections", "Connections now.", bySide,
			each(func(n *proxy.Counts) *atomic.Int64 { return &n.Conns })),
		counter("eddy_proxy_connections_total", "Connections so far.", bySide,
			each(func(n *proxy.Counts) *atomic.Int64 { return &n.ConnsTot })),
		counter("eddy_proxy_requests_total", "Requests so far.", bySide,
			each(func(n *proxy.Counts) *atomic.Int64 { return &n.Reqs })),
		counter("eddy_proxy_bytes_total", "Bytes so far: in are from clients, out to them.", []string{"proxy", "side", "direction"},
			byKind(func(n *proxy.Counts, add func(string, *atomic.Int64)) { add("in", &n.BytesIn); add("out", &n.BytesOut) })),
		counter("eddy_proxy_responses_total", "Answers so far, by the first digit of their status.", []string{"proxy", "side", "code"},
			byKind(func(n *proxy.Counts, add func(string, *atomic.Int64)) {
				for i, class := range [...]string{"other", "1xx", "2xx", "3xx", "4xx", "5xx"} {
					add(class, &n.Status[i])
				}
			})),
		counter("eddy_proxy_denied_total", "Requests and answers that rules denied.", []string{"proxy", "side", "what"},
			byKind(func(n *proxy.Counts, add func(string, *atomic.Int64)) {
				add("request", &n.Denied)
				add("response", &n.DeniedRes)
			})),
		counter("eddy_proxy_errors_total", "Errors: broken requests, servers that could not be reached, broken answers.", []string{"proxy", "side", "what"},
			byKind(func(n *proxy.Counts, add func(string, *atomic.Int64)) {
				add("request", &n.ErrReq)
				add("connection", &n.ErrConn)
				add("response", &n.ErrRes)
			})),
		gauge("eddy_proxy_queued_requests", "Requests that wait for a server now.", []string{"proxy"},
			func(s *Snapshot, add addValue) {
				for _, p := range s.Proxies {
					if p.Model.Side&model.Backend != 0 {
						add(float64(p.Queue.Load()), p.Name)
					}
				}
			}),
		gauge("eddy_server_up", "1 when the server may take traffic.", byServer,
			servers(func(v *proxy.Server) float64 { return truth(v.Usable()) })),
		gauge("eddy_server_connections", "Streams that use the server now.", byServer,
			servers(func(v *proxy.Server) float64 { return float64(v.Conns.Load()) })),
		gauge("eddy_server_queued_requests", "Requests that wait for the server now.", byServer,
			servers(func(v *proxy.Server) float64 { return float64(v.Queue.Load()) })),
		counter("eddy_server_requests_total", "Requests that the server was given.", byServer,
			servers(func(v *proxy.Server) float64 { return float64(v.Reqs.Load()) })),
	}
}
