package keyword

import "strings"

// absentKeywords are names that HAProxy's documentation lists and eddy does not have: using one is an error that says
// so. Names that are declared are taken out of the list, so that it need not be exact.
func absentKeywords() []string {
	names := strings.Fields(`
51degrees-data-file 51degrees-property-name-list 51degrees-property-separator 51degrees-cache-size
51degrees-use-performance-graph 51degrees-use-predictive-graph 51degrees-drift 51degrees-difference 51degrees-allow-unmatched
acme.scheduler deviceatlas-json-file deviceatlas-log-level deviceatlas-properties-cookie deviceatlas-separator
dns-accept-family h1-accept-payload-with-any-method h1-do-not-close-on-insecure-transfer-encoding
jwt.decrypt_alg_list jwt.decrypt_enc_list maxconnrate maxsessrate ocsp-update.disable ocsp-update.httpproxy
ocsp-update.maxdelay ocsp-update.mindelay ocsp-update.mode tune.ssl.ocsp-update.maxdelay tune.ssl.ocsp-update.mindelay
shm-stats-file shm-stats-file-max-objects ssl-engine ssl-passphrase-cmd stats-file wurfl-cache-size wurfl-data-file
wurfl-information-list wurfl-information-list-separator wurfl-patch-file noktls
tune.peers.max-updates-at-once tune.quic.be.cc.cubic-min-losses tune.quic.fe.cc.cubic-min-losses tune.quic.be.cc.hystart
tune.quic.fe.cc.hystart tune.quic.be.cc.max-frame-loss tune.quic.fe.cc.max-frame-loss tune.quic.be.cc.max-win-size
tune.quic.fe.cc.max-win-size tune.quic.be.cc.reorder-ratio tune.quic.fe.cc.reorder-ratio tune.quic.be.max-idle-timeout
tune.quic.fe.max-idle-timeout tune.quic.be.sec.glitches-threshold tune.quic.fe.sec.glitches-threshold
tune.quic.fe.sec.retry-threshold tune.quic.fe.sock-per-conn tune.quic.be.stream.data-ratio tune.quic.fe.stream.data-ratio
tune.quic.be.stream.max-concurrent tune.quic.fe.stream.max-concurrent tune.quic.fe.stream.max-total
tune.quic.be.stream.rxbuf tune.quic.fe.stream.rxbuf tune.quic.be.tx.pacing tune.quic.fe.tx.pacing tune.quic.be.tx.udp-gso
tune.quic.fe.tx.udp-gso tune.quic.listen tune.quic.mem.tx-max tune.quic.zero-copy-fwd-send tune.quic.frontend.max-idle-timeout
tune.quic.frontend.max-streams-bidi tune.quic.max-frame-loss tune.quic.retry-threshold tune.quic.socket-owner

compression cookie crt dynamic-cookie-key email-alert external-check force-persist force-be-switch filter
hash-balance-factor hash-preserve-affinity http-send-name-header ignore-persist log-format-sd persist quic-initial
rate-limit server-template ssl-f-use stick stick-table use-fcgi-app dispatch`)
	for _, o := range strings.Fields(`checkcache external-check forwarded http-drop-request-trailers http-drop-response-trailers
httpslog spop-check http_proxy http-tunnel transparent`) {
		names = append(names, "option "+o)
	}
	for _, s := range strings.Fields("admin auth enable hide-version http-request realm refresh scope show-desc show-legends show-modules show-node show-version uri bind-process") {
		names = append(names, "stats "+s)
	}
	return names
}

// removed are names that HAProxy had once, with what to write instead.
func removed() map[string]string {
	const rules = "write an http-request or http-response rule instead"
	return map[string]string{
		"nbproc": "write nbthread instead", "bind-process": "it is one process now", "clitimeout": "write timeout client instead",
		"contimeout": "write timeout connect instead", "srvtimeout": "write timeout server instead",
		"reqadd": rules, "reqallow": rules, "reqdel": rules, "reqdeny": rules, "reqiallow": rules, "reqidel": rules,
		"reqideny": rules, "reqipass": rules, "reqirep": rules, "reqitarpit": rules, "reqpass": rules, "reqrep": rules,
		"reqtarpit": rules, "rspadd": rules, "rspdel": rules, "rspdeny": rules, "rspidel": rules, "rspideny": rules,
		"rspirep": rules, "rsprep": rules, "block": "write http-request deny instead",
		"redispatch": "write option redispatch instead", "monitor-net": "write http-request return status 200 if { src NETWORK } instead",
		"appsession": "it was removed", "option forceclose": "write option httpclose instead", "log-send-hostname-fmt": "",
		"grace": "write hard-stop-after instead", "option http-tunnel": "it is not needed any more",
	}
}

// absentBindOptions are HAProxy's bind options that eddy does not have (§5.1).
func absentBindOptions() []string {
	return strings.Fields(`accept-netscaler-cip allow-0rtt alpn ca-file ca-ignore-err ca-sign-file ca-sign-pass
ca-verify-file cc ciphers ciphersuites client-sigalgs crl-file crt crt-ignore-err crt-list default-crt curves ecdhe ech
force-sslv3 force-tlsv10 force-tlsv11 force-tlsv12 force-tlsv13 generate-certificates guid-prefix idle-ping ktls label mss
namespace nbconn no-ca-names no-sslv3 no-strict-sni no-tls-tickets no-tlsv10 no-tlsv11 no-tlsv12 no-tlsv13 npn
ocsp-update prefer-client-ciphers quic-cc-algo quic-force-retry quic-socket sigalgs ssl ssl-max-ver ssl-min-ver
strict-sni tcp-md5sig tcp-ss tls-tickets tls-ticket-keys verify proto`)
}

// absentServerOptions are HAProxy's server options that eddy does not have (§5.2).
func absentServerOptions() []string {
	return strings.Fields(`agent-check agent-send agent-inter agent-addr agent-port allow-0rtt alpn ca-file cc
check-reuse-pool check-alpn check-pool-conn-name check-proto check-sni-auto check-sni check-ssl check-via-socks4 ciphers
ciphersuites client-sigalgs crl-file crt curves force-sslv3 force-tlsv10 force-tlsv11 force-tlsv12 force-tlsv13 from guid
hash-key healthcheck idle-ping ktls log-bufsize log-proto namespace no-check-reuse-pool no-check-sni-auto no-renegotiate
no-send-proxy-v2-ssl no-send-proxy-v2-ssl-cn no-sni-auto no-ssl-reuse no-sslv3 no-tls-tickets no-tlsv10 no-tlsv11
no-tlsv12 no-tlsv13 no-verifyhost npn pool-conn-name quic-cc-algo renegotiate resolve-opts resolve-prefer resolve-net
resolvers set-proxy-v2-tlv-fmt proxy-v2-options redir send-proxy-v2-ssl send-proxy-v2-ssl-cn shard sigalgs sni sni-auto
ssl ssl-max-ver ssl-min-ver ssl-reuse strict-maxconn socks4 tcp-md5sig tfo track tls-tickets verify verifyhost usesrc`)
}

// absentActions are HAProxy's rule actions that eddy does not have (§4.3).
func absentActions() []string {
	return strings.Fields(`add-acl add-headers-bin attach-srv auth cache-store cache-use del-acl del-headers-bin del-map
dgram-drop do-log do-resolve early-hint expect-netscaler-cip normalize-uri pause sc-add-gpc sc-inc-gpc sc-inc-gpc0
sc-inc-gpc1 sc-set-gpt sc-set-gpt0 send-retry send-spoe-group set-bandwidth-limit set-bc-mark set-bc-tos set-fc-mark
set-fc-tos set-headers-bin set-map set-mark set-priority-class set-priority-offset set-retries set-timeout set-tos
strict-mode switch-mode track-sc track-sc0 track-sc1 track-sc2 wait-for-handshake`)
}

// absentBalance are HAProxy's algorithms that eddy does not have (§4.2 balance).
func absentBalance() []string { return strings.Fields("rdp-cookie log-hash log-sticky sticky") }
