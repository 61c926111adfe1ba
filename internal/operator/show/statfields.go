package show

import "strings"

// statNames are the columns of "show stat" in their order, which tools rely on (management.txt §9.1).
func statNames() []string {
	return strings.Fields(`
pxname svname qcur qmax scur smax slim stot bin bout dreq dresp ereq econ eresp wretr wredis status weight act
bck chkfail chkdown lastchg downtime qlimit pid iid sid throttle lbtot tracked type rate rate_lim rate_max
check_status check_code check_duration hrsp_1xx hrsp_2xx hrsp_3xx hrsp_4xx hrsp_5xx hrsp_other hanafail
req_rate req_rate_max req_tot cli_abrt srv_abrt comp_in comp_out comp_byp comp_rsp lastsess last_chk last_agt
qtime ctime rtime ttime agent_status agent_code agent_duration check_desc agent_desc check_rise check_fall
check_health agent_rise agent_fall agent_health addr cookie mode algo conn_rate conn_rate_max conn_tot
intercepted dcon dses wrew connect reuse cache_lookups cache_hits srv_icur src_ilim qtime_max ctime_max
rtime_max ttime_max eint idle_conn_cur safe_conn_cur used_conn_cur need_conn_est uweight agg_server_status
agg_server_status_check agg_check_status srid sess_other h1_sess h2_sess h3_sess req_other h1req h2req h3req
proto priv_idle_cur reqbin reqbout resbin resbout cache_hint_hits`)
}

// statKinds says of what kind the columns are that are filled here.
func statKinds() map[string]kind {
	kinds := map[string]kind{
		"pxname": {"KNSV", "str"}, "svname": {"KNSV", "str"}, "status": {"SGPV", "str"}, "pid": {"KGPV", "u32"}, "iid": {"KGSV", "u32"},
		"sid": {"KGSV", "u32"}, "type": {"CGSV", "u32"}, "mode": {"CNSV", "str"}, "algo": {"CNSV", "str"}, "addr": {"CNSV", "str"},
		"cookie": {"CNSV", "str"}, "weight": {"MaPV", "u32"}, "uweight": {"MaPV", "u32"}, "smax": {"MMPV", "u32"},
	}
	for nature, names := range map[string]string{
		"MGPV u32": "qcur scur act bck srv_icur used_conn_cur",
		"CLPV u32": "slim qlimit src_ilim",
		"MRPV u32": "rate req_rate conn_rate",
		"MCPV u64": "stot bin bout dreq dresp ereq econ eresp wretr wredis lbtot req_tot conn_tot h1_sess sess_other hrsp_1xx hrsp_2xx hrsp_3xx hrsp_4xx hrsp_5xx hrsp_other",
	} {
		tags, typ, _ := strings.Cut(nature, " ")
		for name := range strings.FieldsSeq(names) {
			kinds[name] = kind{tags, typ}
		}
	}
	return kinds
}
