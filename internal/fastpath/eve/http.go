package eve

import (
	"strings"

	"eddy/internal/fastpath/learned"
)

func (l *line) http(r *learned.HTTP) {
	l.int("tx_id", int64(r.Exchange))
	l.open("http")
	l.host(r.Host)
	l.stringIf("url", r.Target)
	l.stringIf("http_user_agent", r.UserAgent)
	l.stringIf("http_content_type", mediaType(r.ContentType))
	l.stringIf("http_refer", r.Referer)
	l.stringIf("http_method", r.Method)
	l.stringIf("protocol", r.Version)
	if r.Status != 0 {
		l.int("status", int64(r.Status))
	}
	l.int("length", r.Length)
	l.close()
}

// host writes a Host header: the name, and a port if there is one.
func (l *line) host(host string) {
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		if port, ok := decimal(host[i+1:]); ok && port < 1<<16 {
			l.stringIf("hostname", host[:i])
			l.int("http_port", port)
			return
		}
	}
	l.stringIf("hostname", host)
}

// mediaType is a Content-Type without its parameters, as Suricata has it.
func mediaType(value string) string {
	if i := strings.IndexByte(value, ';'); i >= 0 {
		value = value[:i]
	}
	return strings.TrimRight(value, " \t")
}

func (l *line) fileinfo(r *learned.File) {
	l.string("app_proto", "http")
	l.open("http")
	l.host(r.Host)
	l.stringIf("url", r.Name)
	l.stringIf("http_content_type", mediaType(r.Type))
	l.stringIf("http_method", r.Method)
	if r.Status != 0 {
		l.int("status", int64(r.Status))
	}
	l.close()
	l.open("fileinfo")
	l.string("filename", r.Name)
	l.bool("gaps", r.Gaps)
	if r.Closed {
		l.string("state", "CLOSED")
	} else {
		l.string("state", "TRUNCATED")
	}
	l.stringIf("md5", r.MD5)
	l.stringIf("sha1", r.SHA1)
	l.stringIf("sha256", r.SHA256)
	l.bool("stored", r.Stored)
	l.int("size", r.Size)
	l.int("tx_id", int64(r.Exchange))
	l.close()
}
