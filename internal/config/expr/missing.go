package expr

import (
	"strings"
	"sync"
)

// The names below are HAProxy's (configuration.txt §7.3) and have no code behind them here. Using one is an error
// that says so, instead of "unknown".

var missingFetches = sync.OnceValue(func() map[string]bool {
	m := nameSet(`
cpu_calls cpu_ns_avg cpu_ns_tot cpu_usage_grp cpu_usage_proc cpu_usage_thr last_entity last_rule_file last_rule_line
lat_ns_avg lat_ns_tot prio_class prio_offset table_avl table_cnt term_events waiting_entity bc_err bc_err_name
bc_err_str bc_glitches bc_nb_streams bc_rtt bc_rttvar bc_settings_streams_limit fc_err fc_err_name fc_err_str
fc_fackets fc_glitches fc_lost fc_nb_streams fc_pp_authority fc_pp_tlv fc_pp_unique_id fc_reordering fc_retrans fc_rtt
fc_rttvar fc_sacked fc_saved_syn fc_settings_streams_limit fc_unacked src_updt_conn_cnt 51d.all bs.aborted
bs.debug_str bs.rst_code fs.aborted fs.debug_str fs.rst_code distcc_body distcc_param http_auth http_auth_group
res.cache_hit res.cache_name res.comp_algo internal.strm.is_htx ssl_fc_cipherlist_bin ssl_fc_cipherlist_hex
ssl_fc_cipherlist_str ssl_fc_cipherlist_xxh ssl_fc_crtname ssl_fc_ecformats_bin ssl_fc_eclist_bin ssl_fc_extlist_bin
ssl_fc_has_early ssl_fc_protocol_hello_id ssl_fc_sigalgs_bin ssl_fc_supported_versions_bin ssl_c_ca_err
ssl_c_ca_err_depth ssl_c_chain_der ssl_c_err ssl_c_policies ssl_c_r_dn ssl_c_san ssl_c_verify ssl_s_chain_der
ssl_bc_sni ssl_bc_cipher ssl_bc_protocol ssl_bc_alpn ssl_bc_is_resumed`)
	product(m, "sc_ sc0_ sc1_ sc2_ src_", stickCounters)
	product(m, "sc_ sc0_ sc1_ sc2_", "key tracked trackers")
	product(m, "ssl_fc_ ssl_bc_", `alg_keysize client_early_traffic_secret client_handshake_traffic_secret client_random
client_traffic_secret_0 curve early_exporter_secret err err_str exporter_secret npn server_handshake_traffic_secret
server_random server_traffic_secret_0 session_id session_key unique_id use_keysize`)
	product(m, "ssl_c_ ssl_f_ ssl_s_", "der i_dn key_alg notafter notbefore s_dn serial sha1 sig_alg version")
	product(m, "internal.htx.", "data free free_data has_eom nbblks size used")
	product(m, "internal.htx_blk.", "size type data hdrname hdrval start_line")
	return m
})

var missingConverters = sync.OnceValue(func() map[string]bool {
	m := nameSet(`
51d.single aes_cbc_dec aes_cbc_enc aes_gcm_dec aes_gcm_enc da-csv-conv fix_is_valid fix_tag_value hmac in_table
jwt_decrypt_jwk jwt_decrypt_cert jwt_decrypt_secret jwt_header_query jwt_payload_query jwt_verify jwt_verify_cert
mqtt_field_value mqtt_is_valid protobuf table_expire table_idle table_server_id table_trackers ungrpc when
x509_v_err_str`)
	product(m, "table_", stickCounters)
	product(m, "eth.", "data dst hdr proto src vlan")
	product(m, "ip.", "data df dst fp hdr proto src tos ttl ver")
	product(m, "tcp.", `dst flags options.mss options.sack options.tsopt options.tsval options.wscale options.wsopt
options_list seq src win`)
	return m
})

const stickCounters = `bytes_in_rate bytes_out_rate clr_gpc clr_gpc0 clr_gpc1 conn_cnt conn_cur conn_rate get_gpc
get_gpc0 get_gpc1 get_gpt get_gpt0 glitch_cnt glitch_rate gpc gpc0 gpc1 gpt gpt0 gpc0_rate gpc1_rate gpc_rate
http_err_cnt http_err_rate http_fail_cnt http_fail_rate http_req_cnt http_req_rate inc_gpc inc_gpc0 inc_gpc1 kbytes_in
kbytes_out sess_cnt sess_rate`

func nameSet(names string) map[string]bool {
	m := map[string]bool{}
	for _, n := range strings.Fields(names) {
		m[n] = true
	}
	return m
}

func product(m map[string]bool, prefixes, suffixes string) {
	for _, p := range strings.Fields(prefixes) {
		for _, s := range strings.Fields(suffixes) {
			m[p+s] = true
		}
	}
}
