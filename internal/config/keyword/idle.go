package keyword

// checkDecls are the keywords of health checks. eddy reads them and takes every server as up; the proxy gets one
// warning about it.
func checkDecls() []Decl {
	be := Defaults | back
	check := func(name, doc string) Decl {
		return Decl{Name: name, In: be, Params: one(optional(rest("argument …"))), No: true, Spec: "4.2", Doc: doc + " " + checksLater,
			Set: func(p *Parser, a Args) {
				if !a.No {
					p.healthChecks(a.At)
				}
			}}
	}
	return []Decl{
		check("option httpchk", "Checks the health of servers with HTTP requests."),
		check("option tcp-check", "Checks the health of servers with a dialogue."),
		check("option ssl-hello-chk", "Checks the health of TLS servers."),
		check("option mysql-check", "Checks the health of MySQL servers."),
		check("option pgsql-check", "Checks the health of PostgreSQL servers."),
		check("option redis-check", "Checks the health of Redis servers."),
		check("option smtpchk", "Checks the health of mail servers."),
		check("option ldap-check", "Checks the health of LDAP servers."),
		check("option log-health-checks", "Logs the outcomes of health checks."),
		check("http-check", "Describes the steps of an HTTP health check."),
		check("tcp-check", "Describes the steps of a dialogue that checks health."),
	}
}

// idleDecls are keywords that eddy reads and does nothing about, with the reason. A quiet one asks for what eddy
// does anyway, or for something that only HAProxy's inside needs.
func idleDecls() []Decl {
	var out []Decl
	add := func(in Sections, spec, why string, quiet bool, names ...string) {
		for _, n := range names {
			out = append(out, Decl{Name: n, In: in, Params: one(optional(rest("argument …"))), No: true,
				NoEffect: why, Quiet: quiet, Doc: "Read and passed over.", Spec: spec})
		}
	}
	const loud, quiet = false, true

	add(Global, "3.1", "there is no TLS yet", loud,
		"ssl-default-bind-ciphers", "ssl-default-bind-ciphersuites", "ssl-default-bind-client-sigalgs", "ssl-default-bind-curves",
		"ssl-default-bind-options", "ssl-default-bind-sigalgs", "ssl-default-server-ciphers", "ssl-default-server-ciphersuites",
		"ssl-default-server-client-sigalgs", "ssl-default-server-curves", "ssl-default-server-options", "ssl-default-server-sigalgs",
		"ssl-dh-param-file", "ssl-server-verify", "ssl-security-level", "ssl-skip-self-issued-ca", "ssl-propquery", "ssl-provider",
		"ssl-provider-path", "ssl-load-extra-del-ext", "ssl-load-extra-files", "ssl-mode-async", "ca-base", "crt-base", "key-base",
		"issuers-chain-path", "maxsslconn", "maxsslrate", "tune.ssl.default-dh-param", "tune.ssl.cachesize", "tune.ssl.lifetime",
		"tune.ssl.maxrecord", "tune.ssl.hard-maxrecord", "tune.ssl.keylog", "tune.ssl.force-private-cache", "tune.ssl.ssl-ctx-cache-size",
		"tune.ssl.capture-buffer-size", "tune.ssl.capture-cipherlist-size", "tune.ssl.certificate-compression", "tune.ssl.keyupdate-rate-limit")
	add(Global, "3.1", "Go spreads the work over processor cores", loud,
		"cpu-map", "cpu-affinity", "cpu-policy", "cpu-set", "numa-cpu-mapping", "max-threads-per-group", "thread-group", "thread-groups",
		"thread-hard-limit", "tune.renice.runtime", "tune.renice.startup", "busy-polling")
	add(Global, "3.2", "Go's runtime watches the sockets", loud,
		"noepoll", "nokqueue", "noevports", "nopoll", "noreuseport", "nogetaddrinfo", "tune.maxpollevents", "tune.maxaccept",
		"tune.fd.edge-triggered", "tune.fd.tables", "tune.epoll.mask-events", "tune.events.max-events-at-once", "tune.runqueue-depth",
		"tune.sched.low-latency", "tune.idletimer", "tune.recv_enough", "tune.listener.multi-queue", "tune.listener.default-shards",
		"tune.max-rules-at-once", "tune.takeover-other-tg-connections")
	add(Global, "3.2", "eddy manages its memory and pipes itself", loud,
		"maxpipes", "nosplice", "tune.pipesize", "tune.buffers.limit", "tune.buffers.reserve", "tune.bufsize.large", "tune.bufsize.small",
		"tune.comp.maxlevel", "tune.zlib.memlevel", "tune.zlib.windowsize", "maxcompcpuusage", "maxcomprate", "maxzlibmem",
		"no-memory-trimming", "tune.memory.hot-size", "tune.pool-high-fd-ratio", "tune.pool-low-fd-ratio", "tune.idle-pool.shared",
		"tune.pattern.cache-size", "tune.vars.global-max-size", "tune.vars.proc-max-size", "tune.vars.reqres-max-size",
		"tune.vars.sess-max-size", "tune.vars.txn-max-size", "tune.http.cookielen", "tune.ring.queues", "tune.streams-elasticity",
		"tune.applet.zero-copy-forwarding", "tune.disable-fast-forward", "tune.disable-zero-copy-forwarding", "tune.fail-alloc",
		"tune.h1.zero-copy-fwd-recv", "tune.h1.zero-copy-fwd-send", "tune.pt.zero-copy-forwarding", "tune.cli.max-payload-size",
		"tune.defaults.purge", "prealloc-fd", "fd-hard-limit")
	add(Global, "3.2", "the kernel sizes the buffers of sockets", loud,
		"tune.rcvbuf.backend", "tune.rcvbuf.client", "tune.rcvbuf.frontend", "tune.rcvbuf.server", "tune.sndbuf.backend",
		"tune.sndbuf.client", "tune.sndbuf.frontend", "tune.sndbuf.server", "tune.notsent-lowat.client", "tune.notsent-lowat.server")
	add(Global, "3.2", "HTTP/1 is what it speaks", loud,
		"tune.h1.be.glitches-threshold", "tune.h1.fe.glitches-threshold", "tune.glitches.kill.cpu-usage",
		"tune.h2.be.glitches-threshold", "tune.h2.be.initial-window-size", "tune.h2.be.max-concurrent-streams",
		"tune.h2.be.max-frames-at-once", "tune.h2.be.rxbuf", "tune.h2.fe.glitches-threshold", "tune.h2.fe.initial-window-size",
		"tune.h2.fe.max-concurrent-streams", "tune.h2.fe.max-frames-at-once", "tune.h2.fe.max-rst-at-once", "tune.h2.fe.max-total-streams",
		"tune.h2.fe.rxbuf", "tune.h2.header-table-size", "tune.h2.initial-window-size", "tune.h2.log-errors", "tune.h2.max-concurrent-streams",
		"tune.h2.max-frame-size", "tune.h2.zero-copy-fwd-send", "h2-workaround-bogus-websocket-clients", "limited-quic",
		"h1-case-adjust", "h1-case-adjust-file")
	add(Global, "3.2", "the servers' health is not checked yet", loud,
		"spread-checks", "max-spread-checks", "tune.max-checks-per-thread", "external-check", "insecure-fork-wanted")
	add(Global, "3.1", "it is HAProxy's own business", quiet,
		"expose-experimental-directives", "expose-deprecated-directives", "strict-limits", "set-dumpable", "insecure-setuid-wanted",
		"localpeer", "mworker-max-reloads", "stats calculate-max-counters", "stats maxconn", "profiling.memory", "profiling.tasks", "debug.counters",
		"anonkey", "zero-warning", "warn-blocked-traffic-after", "force-cfg-parser-pause", "quick-exit", "stress-level",
		"close-spread-time", "pp2-never-send-local", "cluster-secret", "harden.reject-privileged-ports.tcp",
		"harden.reject-privileged-ports.quic", "tune.stick-counters", "server-state-base", "server-state-file", "http-err-codes",
		"http-fail-codes", "setcap", "grace")
	add(Global, "3.4", "scripts' HTTP requests have timeouts of their own and verify certificates", loud,
		"httpclient.resolvers.disabled", "httpclient.resolvers.id", "httpclient.resolvers.prefer", "httpclient.retries",
		"httpclient.ssl.ca-file", "httpclient.ssl.verify", "httpclient.timeout.connect")

	fe, be := Defaults|front, Defaults|back
	add(anywhere, "4.2", "HTTP/1 framing is kept strict", loud,
		"option accept-invalid-http-request", "option accept-invalid-http-response", "option accept-unsafe-violations-in-http-request",
		"option accept-unsafe-violations-in-http-response")
	add(anywhere, "4.2", "eddy does so anyway", quiet,
		"option http-pretend-keepalive", "option independent-streams", "option tcp-smart-accept", "option tcp-smart-connect",
		"option contstats", "option socket-stats", "option idle-close-on-response", "option disable-h2-upgrade",
		"option http-use-htx", "option use-small-buffers", "log-steps", "filter-sequence")
	add(anywhere, "4.2", "the kernel moves bulk data where it can", quiet, "option splice-auto", "option splice-request", "option splice-response")
	add(anywhere, "4.2", "each piece is sent at once, and connections are closed in the ordinary way", quiet, "option http-no-delay", "option nolinger")
	add(be, "4.2", "balance alone chooses the server", loud, "option prefer-last-server")
	add(be, "4.2", "backup servers are used one after the other", loud, "option allbackups")
	add(fe, "4.2", "lines are written when all is over", loud, "option logasap")
	add(anywhere, "4.2", "HTTP/1 is what it speaks, with names in lower case", loud,
		"option h1-case-adjust-bogus-client", "option h1-case-adjust-bogus-server", "option http-use-proxy-header", "timeout client-hs")
	add(fe, "4.2", "the kernel's own times are used", loud, "clitcpka-cnt", "clitcpka-idle", "clitcpka-intvl")
	add(be, "4.2", "the kernel's own times are used", loud, "srvtcpka-cnt", "srvtcpka-idle", "srvtcpka-intvl")
	add(be, "4.2", "the state of servers is not kept over a restart", loud, "load-server-state-from-file", "server-state-file-name")
	add(be, "4.2", "there are no cookies that stand for servers yet", loud, "option persist")
	add(fe, "4.2", "each server follows its own limits", loud, "max-session-srv-conns")
	add(be, "4.2", "connections are kept as http-reuse says", loud, "max-keep-alive-queue")
	add(back, "4.2", "nothing is published", quiet, "be-unpublished")
	return out
}
