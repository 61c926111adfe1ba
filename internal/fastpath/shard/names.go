package shard

import (
	"fmt"

	"eddy/internal/fastpath/dissect/dns"
	"eddy/internal/fastpath/dissect/tls"
	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/learned"
)

// datagram reads a UDP payload.
func (c *conn) datagram(dir flow.Dir, data []byte) {
	if c.app == appUnknown {
		c.app = appOther
		if named(&c.f.Key) || dns.Looks(data) {
			c.app = appDNS
		}
	}
	if c.app == appDNS {
		c.message(dir, data)
	}
}

// named says whether a flow goes to one of the ports of DNS (53, and multicast's and LLMNR's 5353 and 5355).
func named(k *flow.Key) bool {
	for _, port := range [2]uint16{k.SrcPort, k.DstPort} {
		if port == 53 || port == 5353 || port == 5355 {
			return true
		}
	}
	return false
}

// message takes a DNS message.
func (c *conn) message(dir flow.Dir, data []byte) {
	s := c.s
	s.stats.DNS++
	if !s.opts.Detail.Records && !s.opts.Detail.Resources && !s.opts.Detail.Documents {
		return
	}
	d, _ := dns.Parse(data) // of a damaged one there is what could be read
	if d == nil {
		return
	}
	d.Where = s.where(c.f)
	if s.opts.Detail.Resources {
		if uri, contents := dns.Resource(d); uri != "" {
			s.stats.Resources++
			s.opts.Feed.Record(&learned.Resource{Where: d.Where, Group: learned.DNSResources, HasFlow: true, URI: uri, Contents: contents})
		}
	}
	if s.opts.Detail.Documents {
		s.opts.Feed.Record(&learned.Document{Where: d.Where, Group: learned.DNSDocuments, Text: dns.Text(d)})
	}
	if s.opts.Detail.Records {
		s.opts.Feed.Record(d)
	}
}

// handshake is a conn as the handler of its TLS.
type handshake struct{ c *conn }

// Record implements tls.Handler.
func (h *handshake) Record(_ flow.Dir, record []byte) {
	s := h.c.s
	if s.wants&WantAttributes != 0 {
		s.hooks.Attribute(h.c.f, "TLS:Record", string(record))
	}
}

// Handshake implements tls.Handler.
func (h *handshake) Handshake(t *learned.TLS) {
	c, s := h.c, h.c.s
	t.Where = s.where(c.f)
	s.stats.Handshakes++
	tls.Attributes(t, func(name, value string) {
		if s.wants&WantAttributes != 0 {
			s.hooks.Attribute(c.f, name, value)
		}
	})
	if len(t.Chain) > 0 {
		if s.opts.Detail.Resources {
			s.stats.Resources++
			s.opts.Feed.Record(&learned.Resource{
				Where: t.Where, Group: learned.CertificateResources, HasFlow: true,
				URI: "SHA1:" + t.Chain[0].SHA1, Contents: fmt.Sprintf("%s, issued by %s", t.Chain[0].Subject, t.Chain[0].Issuer),
			})
		}
		if s.opts.Detail.Documents {
			s.opts.Feed.Record(&learned.Document{Where: t.Where, Group: learned.CertificateDocuments, Text: tls.Text(t)})
		}
	}
	if s.opts.Detail.Records {
		s.opts.Feed.Record(t)
	}
}
