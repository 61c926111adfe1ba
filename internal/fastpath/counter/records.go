package counter

import (
	"strconv"
	"strings"

	"eddy/internal/fastpath/learned"
)

// Records counts records of other kinds for the built-in groups: alerts, HTTP exchanges, TLS handshakes.
type Records struct {
	local                           *Local
	signatures, classes, priorities *Group
	hosts, types                    *Group
	organizations, ciphers          *Group
	authorities                     *Group
	key                             []byte
}

// NewRecords gives a counter of records that counts into l, and belongs to l's goroutine.
func NewRecords(r *Registry, l *Local) *Records {
	return &Records{
		local:         l,
		signatures:    r.ByGUID(AlertSignatures),
		classes:       r.ByGUID(AlertClasses),
		priorities:    r.ByGUID(AlertPriorities),
		hosts:         r.ByGUID(HTTPHosts),
		types:         r.ByGUID(HTTPContentTypes),
		organizations: r.ByGUID(TLSOrganizations),
		ciphers:       r.ByGUID(TLSCiphers),
		authorities:   r.ByGUID(TLSAuthorities),
	}
}

// Count counts a record; of most kinds nothing is counted.
func (c *Records) Count(r learned.Record) {
	switch r := r.(type) {
	case *learned.Alert:
		c.alert(r)
	case *learned.HTTP:
		c.http(r)
	case *learned.TLS:
		c.tls(r)
	}
}

func (c *Records) alert(a *learned.Alert) {
	c.hit(c.signatures, a.Key, 0)
	c.hit(c.classes, a.Classification, 0)
	c.key = strconv.AppendInt(c.key[:0], int64(a.Priority), 10)
	c.local.Add(c.priorities, c.key, 0, 1)
}

// http counts the bytes of the decoded answer.
func (c *Records) http(x *learned.HTTP) {
	if x.Host != "" {
		c.local.AddString(c.hosts, x.Host, 0, float64(x.Length))
	}
	if x.ContentType != "" {
		media, _, _ := strings.Cut(x.ContentType, ";")
		c.local.AddString(c.types, strings.ToLower(strings.TrimSpace(media)), 0, float64(x.Length))
	}
}

// tls counts the organization that the server's certificate names, the cipher, and the authorities of the chain.
func (c *Records) tls(t *learned.TLS) {
	if t.Cipher != 0 {
		c.key = appendUint16(c.key[:0], t.Cipher)
		c.local.Add(c.ciphers, c.key, 1, 1)
	}
	for i := range t.Chain {
		cert := &t.Chain[i]
		name := cert.Organization
		if name == "" {
			name = cert.Subject
		}
		switch {
		case i == 0:
			c.hit(c.organizations, name, 1)
		case cert.SelfSigned:
			c.hit(c.authorities, name, 1)
		default:
			c.hit(c.authorities, name, 0)
		}
	}
}

func (c *Records) hit(g *Group, key string, meter int) {
	if key != "" {
		c.local.AddString(g, key, meter, 1)
	}
}
