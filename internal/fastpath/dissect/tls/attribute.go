package tls

import (
	"fmt"

	"eddy/internal/fastpath/dissect/tls/cert"
	"eddy/internal/fastpath/learned"
)

// The names of the attributes of Trisul's page "TCP Reassembly" that come of TLS. The value of AttrRecord is a record as
// Handler.Record has it; Attributes gives the others.
const (
	AttrRecord       = "TLS:Record"
	AttrOrganization = "TLS:O"
	AttrRoot         = "TLS:CA:ROOT"
	AttrIntermediate = "TLS:CA:INTER"
	AttrCipher       = "TLS:CIPHER"
)

// Attributes gives what scripts are told about a flow: the organization of the server's certificate; the authority at the
// top of the chain, which is who issued the last certificate; those between, by common name or else by organization; and
// the cipher suite as 4 hexadecimal digits.
func Attributes(t *learned.TLS, each func(name, value string)) {
	if t.HasServer {
		each(AttrCipher, fmt.Sprintf("%04X", t.Cipher))
	}
	last := len(t.Chain) - 1
	for i := range t.Chain {
		c := &t.Chain[i]
		if i == 0 && c.Organization != "" {
			each(AttrOrganization, c.Organization)
		}
		authority := c.IssuerCN
		if authority == "" {
			authority = c.IssuerOrg
		}
		switch {
		case authority == "":
		case i == last:
			each(AttrRoot, authority)
		case i+1 == last && t.Chain[last].SelfSigned: // the root was sent too, and is told as its own issuer
		default:
			each(AttrIntermediate, authority)
		}
	}
}

// Text gives the certificate chain as a document for full text search: each certificate in the form of "openssl x509
// -text", one behind the other.
func Text(t *learned.TLS) string {
	var out []byte
	for i := range t.Chain {
		out = cert.AppendText(out, t.Chain[i].DER)
	}
	return string(out)
}
