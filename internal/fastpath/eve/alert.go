package eve

import (
	"strings"

	"eddy/internal/fastpath/learned"
)

func (l *line) alert(r *learned.Alert) {
	l.open("alert")
	l.string("action", "allowed")
	gid, sid, rev := signatureID(r.Key)
	l.int("gid", gid)
	l.int("signature_id", sid)
	l.int("rev", rev)
	signature := r.Message
	if signature == "" {
		signature = r.Key
	}
	l.string("signature", signature)
	l.string("category", r.Classification)
	l.int("severity", int64(r.Priority))
	l.string("group", r.Group)
	l.string("key", r.Key)
	l.stringIf("status", r.Status)
	l.boolIf("threshold", r.Threshold)
	l.stringIf("extra", r.Extra)
	l.boolIf("acknowledged", r.Acknowledged != 0)
	l.close()
}

// signatureID reads a key such as "2013504", "1:2013504" or "1:2013504:3". Of a key that is a name, the numbers are 0.
func signatureID(key string) (gid, sid, rev int64) {
	parts := [3]int64{}
	n := 0
	for rest, more := key, true; more; n++ {
		var part string
		if part, rest, more = strings.Cut(rest, ":"); n == len(parts) {
			return 0, 0, 0
		}
		var ok bool
		if parts[n], ok = decimal(part); !ok {
			return 0, 0, 0
		}
	}
	if n == 1 {
		return 1, parts[0], 0
	}
	return parts[0], parts[1], parts[2]
}

// decimal reads up to 10 digits.
func decimal(s string) (n int64, ok bool) {
	if len(s) == 0 || len(s) > 10 {
		return 0, false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = 10*n + int64(s[i]-'0')
	}
	return n, true
}

func (l *line) resource(r *learned.Resource) {
	l.open("resource")
	l.string("group", r.Group)
	l.string("uri", r.URI)
	l.stringIf("contents", r.Contents)
	l.close()
}
