package expr

import "sync"

// Fetches lists every fetch that eddy has, grouped as configuration.txt groups them. The slice is shared: do not
// change it.
func Fetches() []FetchSpec { return fetchTable() }

var fetchTable = sync.OnceValue(func() []FetchSpec {
	var all []FetchSpec
	for _, t := range []struct {
		section string
		rows    []row
	}{
		{"7.3.2", internalRows()}, {"7.3.3", connectionRows()}, {"7.3.4", tlsRows()},
		{"7.3.5", bufferRows()}, {"7.3.6", httpRows()},
	} {
		for _, r := range t.rows {
			all = append(all, r.spec(t.section))
		}
	}
	return all
})

// findFetch finds a fetch by its name or an alias.
func findFetch(name string) *FetchSpec { return fetchIndex()[name] }

var fetchIndex = sync.OnceValue(func() map[string]*FetchSpec {
	all := Fetches()
	m := make(map[string]*FetchSpec, 2*len(all))
	for i := range all {
		m[all[i].Name] = &all[i]
		for _, a := range all[i].Aliases {
			m[a] = &all[i]
		}
	}
	return m
})

func internalRows() []row {
	return []row{
		{"acl", "name:acl*", Bool, Internal, "All the named ACLs hold; ! turns one round."},
		{"act_conn", "", Int, Internal, "Client connections of the process."},
		{"always_false", "", Bool, Internal, "False."},
		{"always_true", "", Bool, Internal, "True."},
		{"avg_queue", "backend:be?", Int, Internal, "Queued streams of a backend for each usable server."},
		{"be_conn", "backend:be?", Int, Internal, "Streams on a backend now."},
		{"be_conn_free", "backend:be?", Int, Internal, "Free connection slots of a backend's servers; -1 when one has no maxconn."},
		{"be_sess_rate", "backend:be?", Int, Internal, "New streams on a backend in the last second."},
		{"bin", "hex:hex", Bin, Internal, "A constant block of bytes."},
		{"bool", "bool:bool", Bool, Internal, "A constant boolean."},
		{"connslots", "backend:be?", Int, Internal, "Free connection and queue slots of a backend; -1 when one is unlimited."},
		{"date", "offset:int? unit=s|ms|us?", Int, Internal, "Now, since 1970."},
		{"date_us", "", Int, Internal, "The microseconds of the current second."},
		{"dump_all_vars", "scope=sess|txn|req|res|proc? prefix? delimiter?", Str, Internal, "All variables of a scope as text."},
		{"env", "name", Str, Internal, "An environment variable, as it was at the start."},
		{"fe_conn", "frontend:fe?", Int, Internal, "Connections on a frontend now."},
		{"fe_req_rate", "frontend:fe?", Int, Internal, "Requests on a frontend in the last second."},
		{"fe_sess_rate", "frontend:fe?", Int, Internal, "New connections on a frontend in the last second."},
		{"hostname", "", Str, Internal, "The machine's name."},
		{"int", "integer:int", Int, Internal, "A constant integer."},
		{"ipv4", "ipv4:ipv4", Addr, Internal, "A constant IPv4 address."},
		{"ipv6", "ipv6:ipv6", Addr, Internal, "A constant IPv6 address."},
		{"meth", "method", Meth, Internal, "A constant method."},
		{"nbproc", "", Int, Internal, "1: the number of processes."},
		{"nbsrv", "backend:be?", Int, Internal, "Usable servers of a backend."},
		{"nbthread", "", Int, Internal, "The number of threads."},
		{"pid", "", Int, Internal, "The process id."},
		{"proc", "", Int, Internal, "1: the number of this process."},
		{"queue", "backend:be?", Int, Internal, "Streams queued in a backend and its servers."},
		{"quic_enabled", "", Bool, Internal, "False: there is no QUIC."},
		{"rand", "range:uint?", Int, Internal, "A random number from 0 to range-1, range 2^32 when left out."},
		{"srv_conn", "server:srv", Int, Internal, "Connections to a server now."},
		{"srv_conn_free", "server:srv", Int, Internal, "Free connection slots of a server; -1 when it has no maxconn."},
		{"srv_is_up", "server:srv", Bool, Internal, "The server takes traffic."},
		{"srv_iweight", "server:srv", Int, Internal, "A server's weight as configured."},
		{"srv_queue", "server:srv", Int, Internal, "Streams queued at a server."},
		{"srv_sess_rate", "server:srv", Int, Internal, "New streams on a server in the last second."},
		{"srv_uweight", "server:srv", Int, Internal, "A server's weight as the operator set it."},
		{"srv_weight", "server:srv", Int, Internal, "A server's weight in effect."},
		{"stopping", "", Bool, Internal, "The process is in its soft stop."},
		{"str", "string?", Str, Internal, "A constant string."},
		{"tgroup", "", Int, Internal, "0: the thread group."},
		{"thread", "", Int, Internal, "0: goroutines have no thread of their own."},
		{"txn.id32", "", Int, Client, "The number of the transaction."},
		{"txn.sess_term_state", "", Str, Client, "Termination state, two characters (§8.5)."},
		{"uptime", "", Int, Internal, "Seconds since the start."},
		{"uuid", "version:uint?", Str, Internal, "A fresh UUID, version 4 or 7."},
		{"var", "name:var default?", Any, Internal, "A variable, with its type."},
		{"version", "", Str, Internal, "The program's version."},
		{"wait_end", "", Bool, Client, "True once the inspection delay is over; undecided before."},
	}
}

func connectionRows() []row {
	return []row{
		{"accept_date", "unit=s|ms|us?", Int, Client, "When the connection was accepted."},
		{"bc.timer.connect", "", Int, Done, "Milliseconds to connect to the server (%Tc)."},
		{"bc_be_queue", "", Int, WithServer, "Streams ahead in the backend's queue (%bq)."},
		{"bc_dst", "", Addr, WithServer, "The server's address."},
		{"bc_dst_port", "", Int, WithServer, "The server's port."},
		{"bc_http_major", "", Int, WithServer, "1: the HTTP version spoken to the server."},
		{"bc_reused", "", Bool, WithServer, "The server connection had been used before."},
		{"bc_src", "", Addr, WithServer, "Our address towards the server."},
		{"bc_src_port", "", Int, WithServer, "Our port towards the server."},
		{"bc_srv_queue", "", Int, WithServer, "Streams ahead in the server's queue (%sq)."},
		{"be_connect_timeout", "", Int, WithBackend, "timeout connect of the backend, milliseconds."},
		{"be_id", "", Int, WithBackend, "The backend's number."},
		{"be_max_retries", "", Int, WithBackend, "retries of the backend."},
		{"be_name", "", Str, WithBackend, "The backend's name."},
		{"be_queue_timeout", "", Int, WithBackend, "timeout queue of the backend, milliseconds."},
		{"be_server_timeout", "", Int, WithBackend, "timeout server of the backend, milliseconds."},
		{"be_tarpit_timeout", "", Int, WithBackend, "timeout tarpit of the backend, milliseconds."},
		{"be_tunnel_timeout", "", Int, WithBackend, "timeout tunnel of the backend, milliseconds."},
		{"cur_client_timeout", "", Int, Client, "timeout client as it applies now, milliseconds."},
		{"cur_connect_timeout", "", Int, WithBackend, "timeout connect as it applies now, milliseconds."},
		{"cur_max_retries", "", Int, WithBackend, "retries as they apply now."},
		{"cur_queue_timeout", "", Int, WithBackend, "timeout queue as it applies now, milliseconds."},
		{"cur_server_timeout", "", Int, WithBackend, "timeout server as it applies now, milliseconds."},
		{"cur_tarpit_timeout", "", Int, WithBackend, "timeout tarpit as it applies now, milliseconds."},
		{"cur_tunnel_timeout", "", Int, WithBackend, "timeout tunnel as it applies now, milliseconds."},
		{"dst", "", Addr, Client, "The address the client connected to; set-dst changes it."},
		{"dst_conn", "", Int, Client, "Connections on the same listening socket."},
		{"dst_is_local", "", Bool, Client, "dst is an address of this machine."},
		{"dst_port", "", Int, Client, "The port the client connected to."},
		{"fc.timer.handshake", "", Int, Client, "Milliseconds of handshakes (%Th)."},
		{"fc.timer.total", "", Int, Done, "Milliseconds from accept to end (%Tt)."},
		{"fc_dst", "", Addr, Client, "dst as the system gave it."},
		{"fc_dst_is_local", "", Bool, Client, "fc_dst is an address of this machine."},
		{"fc_dst_port", "", Int, Client, "dst_port as the system gave it."},
		{"fc_http_major", "", Int, Client, "1: the HTTP version the client speaks."},
		{"fc_rcvd_proxy", "", Bool, Client, "The client sent a PROXY protocol header."},
		{"fc_src", "", Addr, Client, "src as the system gave it."},
		{"fc_src_is_local", "", Bool, Client, "fc_src is an address of this machine."},
		{"fc_src_port", "", Int, Client, "src_port as the system gave it."},
		{"fe_client_timeout", "", Int, Client, "timeout client of the frontend, milliseconds."},
		{"fe_defbe", "", Str, Client, "The frontend's default backend."},
		{"fe_id", "", Int, Client, "The frontend's number."},
		{"fe_name", "", Str, Client, "The frontend's name."},
		{"fe_tarpit_timeout", "", Int, Client, "timeout tarpit of the frontend, milliseconds."},
		{"req.bytes_in bytes_in", "", Int, Client, "Bytes received from the client."},
		{"req.bytes_out", "", Int, Client, "Bytes of the request sent to the server."},
		{"res.bytes_in bytes_out", "", Int, Client, "Bytes received from the server."},
		{"res.bytes_out", "", Int, Client, "Bytes of the response sent to the client."},
		{"res.timer.data", "", Int, Done, "Milliseconds of the response's body (%Td)."},
		{"so_id", "", Int, Client, "The listening socket's number."},
		{"so_name", "", Str, Client, "The listening socket's name."},
		{"src", "", Addr, Client, "The client's address; set-src changes it."},
		{"src_is_local", "", Bool, Client, "src is an address of this machine."},
		{"src_port", "", Int, Client, "The client's port."},
		{"srv_id", "", Int, WithServer, "The server's number."},
		{"srv_name", "", Str, WithServer, "The server's name."},
		{"txn.conn_retries", "", Int, WithBackend, "Connection attempts that were repeated."},
		{"txn.redispatched", "", Bool, WithBackend, "Another server was taken after a failed connection."},
	}
}

// tlsRows declares the TLS fetches that ask whether there is TLS. eddy has none of its own yet, so they say no, or
// have no value; what digs deeper is refused as missing.
func tlsRows() []row {
	return []row{
		{"bs.id", "", Int, WithServer, "0: the server's stream number, which HTTP/1 has not."},
		{"fs.id", "", Int, Client, "0: the client's stream number, which HTTP/1 has not."},
		{"ssl_bc", "", Bool, WithServer, "TLS to the server: false."},
		{"ssl_c_used", "", Bool, Client, "The client sent a certificate: false."},
		{"ssl_fc", "", Bool, Client, "TLS from the client: false."},
		{"ssl_fc_alpn", "", Str, Client, "ALPN of the client's TLS: no value."},
		{"ssl_fc_cipher", "", Str, Client, "Cipher of the client's TLS: no value."},
		{"ssl_fc_has_crt", "", Bool, Client, "The client sent a certificate: false."},
		{"ssl_fc_has_sni", "", Bool, Client, "The client's TLS named a host: false."},
		{"ssl_fc_is_resumed", "", Bool, Client, "The client's TLS was resumed: false."},
		{"ssl_fc_protocol", "", Str, Client, "Version of the client's TLS: no value."},
		{"ssl_fc_sni", "", Str, Client, "Host named by the client's TLS: no value."},
		{"txn.timer.user", "", Int, Done, "Milliseconds as the user sees them (%Tu)."},
	}
}

func bufferRows() []row {
	return []row{
		{"payload", "offset:uint length:uint", Bin, EitherBytes, "Bytes of the buffer in the rule's direction."},
		{"payload_lv", "offset1:uint length:uint offset2?", Bin, EitherBytes, "A block whose size stands before it."},
		{"req.len req_len", "", Int, ReqBytes, "Bytes in the request buffer."},
		{"req.payload", "offset:uint length:uint", Bin, ReqBytes, "Bytes of the request buffer; length 0: all."},
		{"req.payload_lv", "offset1:uint length:uint offset2?", Bin, ReqBytes, "A block of the request buffer whose size stands before it."},
		{"req.proto_http req_proto_http", "", Bool, ReqBytes, "The request buffer holds a valid HTTP request."},
		{"req.rdp_cookie rdp_cookie", "name?", Str, ReqBytes, "The cookie of an RDP connection request."},
		{"req.rdp_cookie_cnt rdp_cookie_cnt", "name?", Int, ReqBytes, "How many RDP cookies there are."},
		{"req.ssl_alpn", "", Str, ReqBytes, "ALPN names in a TLS ClientHello."},
		{"req.ssl_cipherlist", "", Bin, ReqBytes, "Cipher suites in a TLS ClientHello."},
		{"req.ssl_ec_ext", "", Bool, ReqBytes, "A TLS ClientHello lists elliptic curves."},
		{"req.ssl_hello_type req_ssl_hello_type", "", Int, ReqBytes, "1 for a complete TLS ClientHello."},
		{"req.ssl_keyshare_groups", "", Bin, ReqBytes, "Key share groups in a TLS ClientHello."},
		{"req.ssl_sigalgs", "", Bin, ReqBytes, "Signature algorithms in a TLS ClientHello."},
		{"req.ssl_sni req_ssl_sni", "", Str, ReqBytes, "Host named in a TLS ClientHello."},
		{"req.ssl_st_ext", "", Int, ReqBytes, "Session ticket in a TLS ClientHello: 0 none, 1 empty, 2 given."},
		{"req.ssl_supported_groups", "", Bin, ReqBytes, "Supported groups in a TLS ClientHello."},
		{"req.ssl_ver req_ssl_ver", "", Int, ReqBytes, "TLS version in a ClientHello, major*65536+minor."},
		{"res.len", "", Int, ResBytes, "Bytes in the response buffer."},
		{"res.payload", "offset:uint length:uint", Bin, ResBytes, "Bytes of the response buffer; length 0: all."},
		{"res.payload_lv", "offset1:uint length:uint offset2?", Bin, ResBytes, "A block of the response buffer whose size stands before it."},
		{"res.ssl_hello_type rep_ssl_hello_type", "", Int, ResBytes, "2 for a complete TLS ServerHello."},
	}
}

// Fetch finds the declaration of a fetch by its name or an alias, or gives nil.
func Fetch(name string) *FetchSpec { return findFetch(name) }
