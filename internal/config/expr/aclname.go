package expr

import (
	"strings"
	"sync"
)

// aclName is a criterion that only ACLs have: a fetch with a way to match (configuration.txt §7.3, "ACL
// derivatives").
type aclName struct {
	fetch string
	match string
}

// aclKeyword finds an ACL-only criterion, or gives nil.
func aclKeyword(name string) *aclName {
	if k, ok := aclNames()[name]; ok {
		return &k
	}
	return nil
}

var aclNames = sync.OnceValue(func() map[string]aclName {
	m := map[string]aclName{
		"hdr":            {"req.hdr", "str"}, // in ACLs it is always the request's
		"payload":        {"payload", "bin"},
		"payload_lv":     {"payload_lv", "bin"},
		"req.payload":    {"req.payload", "bin"},
		"req.payload_lv": {"req.payload_lv", "bin"},
		"res.payload":    {"res.payload", "bin"},
		"res.payload_lv": {"res.payload_lv", "bin"},
		"req.ssl_ver":    {"req.ssl_ver", "dec"},
		"req_ssl_ver":    {"req.ssl_ver", "dec"},
	}
	for _, base := range []struct{ names, fetch string }{
		{"base", "base"}, {"path", "path"}, {"url", "url"}, {"urlp url_param", "urlp"}, {"hdr req.hdr", "req.hdr"},
		{"shdr res.hdr", "res.hdr"}, {"cook req.cook", "req.cook"}, {"scook res.cook", "res.cook"},
	} {
		for _, n := range strings.Fields(base.names) {
			for _, match := range []string{"beg", "dir", "dom", "end", "len", "reg", "sub"} {
				m[n+"_"+match] = aclName{base.fetch, match}
			}
		}
	}
	m["ssl_fc_sni_end"] = aclName{"ssl_fc_sni", "end"}
	m["ssl_fc_sni_reg"] = aclName{"ssl_fc_sni", "reg"}
	return m
})

// ACLNames lists the criteria that only ACLs have: path_beg and its like.
func ACLNames() []string {
	var names []string
	for n := range aclNames() {
		if findFetch(n) == nil {
			names = append(names, n)
		}
	}
	return names
}

// predefined gives the definition of one of HAProxy's built-in ACLs (configuration.txt §7.4), or "".
func predefined(name string) string {
	switch name {
	case "FALSE":
		return "always_false"
	case "HTTP":
		return "req.proto_http"
	case "HTTP_1.0":
		return "req.ver 1.0"
	case "HTTP_1.1":
		return "req.ver 1.1"
	case "HTTP_2.0":
		return "req.ver 2.0"
	case "HTTP_3.0":
		return "req.ver 3.0"
	case "HTTP_CONTENT":
		return "req.hdr_val(content-length) gt 0"
	case "HTTP_URL_ABS":
		return "url_reg ^[^/:]*://"
	case "HTTP_URL_SLASH":
		return "url_beg /"
	case "HTTP_URL_STAR":
		return "url *"
	case "LOCALHOST":
		return "src 127.0.0.1/8 ::1"
	case "METH_CONNECT":
		return "method CONNECT"
	case "METH_DELETE":
		return "method DELETE"
	case "METH_GET":
		return "method GET HEAD"
	case "METH_HEAD":
		return "method HEAD"
	case "METH_OPTIONS":
		return "method OPTIONS"
	case "METH_POST":
		return "method POST"
	case "METH_PUT":
		return "method PUT"
	case "METH_TRACE":
		return "method TRACE"
	case "RDP_COOKIE":
		return "req.rdp_cookie_cnt gt 0"
	case "REQ_CONTENT":
		return "req.len gt 0"
	case "TRUE":
		return "always_true"
	case "WAIT_END":
		return "wait_end"
	}
	return ""
}

// Predefined lists the names of the built-in ACLs.
func Predefined() []string {
	return strings.Fields(`FALSE HTTP HTTP_1.0 HTTP_1.1 HTTP_2.0 HTTP_3.0 HTTP_CONTENT HTTP_URL_ABS HTTP_URL_SLASH
HTTP_URL_STAR LOCALHOST METH_CONNECT METH_DELETE METH_GET METH_HEAD METH_OPTIONS METH_POST METH_PUT METH_TRACE
RDP_COOKIE REQ_CONTENT TRUE WAIT_END`)
}
