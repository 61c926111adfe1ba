package cert

import (
	"fmt"
	"strconv"
	"strings"
)

// Extensions that Parse looks into (RFC 5280 §4.2).
const (
	oidSubjectAltName   = "2.5.29.17"
	oidBasicConstraints = "2.5.29.19"
)

// Tags of a GeneralName (RFC 5280 §4.2.1.6).
const (
	generalOther     = 0xa0
	generalEmail     = 0x81
	generalDNS       = 0x82
	generalDirectory = 0xa4
	generalURI       = 0x86
	generalIP        = 0x87
	generalID        = 0x88
)

// printer has an extension's title, and turns its value into lines without indentation. Without lines, and where the value
// is not of the right form, its bytes are printed.
type printer struct {
	title string
	lines func(value der) []string
}

// printers has what OpenSSL prints of the extensions that are met. It is never written.
var printers = map[string]printer{
	"2.5.29.14":               {"X509v3 Subject Key Identifier", keyIDLines},
	"2.5.29.15":               {"X509v3 Key Usage", usageLines},
	oidSubjectAltName:         {"X509v3 Subject Alternative Name", generalLines},
	"2.5.29.18":               {"X509v3 Issuer Alternative Name", generalLines},
	oidBasicConstraints:       {"X509v3 Basic Constraints", constraintLines},
	"2.5.29.31":               {"X509v3 CRL Distribution Points", pointLines},
	"2.5.29.32":               {"X509v3 Certificate Policies", policyLines},
	"2.5.29.35":               {"X509v3 Authority Key Identifier", authorityKeyLines},
	"2.5.29.37":               {"X509v3 Extended Key Usage", purposeLines},
	"1.3.6.1.5.5.7.1.1":       {"Authority Information Access", accessLines},
	"1.3.6.1.4.1.11129.2.4.2": {"CT Precertificate SCTs", nil},
	"2.16.840.1.113730.1.13":  {"Netscape Comment", commentLines},
	"1.3.6.1.5.5.7.1.24":      {"TLS Feature", nil},
	"2.5.29.30":               {"X509v3 Name Constraints", nil},
	"1.3.6.1.5.5.7.1.11":      {"Subject Information Access", accessLines},
	"2.5.29.46":               {"X509v3 Freshest CRL", pointLines},
}

func appendExtension(out []byte, x *extension) []byte {
	p, known := printers[x.oid]
	if !known {
		p.title = x.oid
	}
	out = fmt.Appendf(out, "            %s: ", p.title)
	if x.critical {
		out = append(out, "critical"...)
	}
	out = append(out, '\n')
	var lines []string
	if p.lines != nil {
		lines = p.lines(x.value)
	}
	if lines == nil {
		lines = []string{string(appendColons(nil, x.value, true))}
	}
	for _, line := range lines {
		out = append(append(append(out, "                "...), line...), '\n')
	}
	return out
}

func keyIDLines(value der) []string {
	id, ok := value.want(tagOctetString)
	if !ok {
		return nil
	}
	return []string{string(appendColons(nil, id, true))}
}

func authorityKeyLines(value der) (lines []string) {
	list, _ := value.want(tagSequence)
	for {
		e, ok := list.next()
		if !ok {
			return lines
		}
		switch e.tag {
		case 0x80:
			lines = append(lines, string(appendColons(nil, e.body, true)))
		case 0xa1:
			lines = append(lines, generalNames(e.body)...)
		case 0x82:
			lines = append(lines, "serial:"+string(appendColons(nil, e.body, true)))
		}
	}
}

func usageLines(value der) []string {
	bits, ok := value.want(tagBitString)
	if !ok || len(bits) < 2 {
		return nil
	}
	names := [...]string{"Digital Signature", "Non Repudiation", "Key Encipherment", "Data Encipherment", "Key Agreement",
		"Certificate Sign", "CRL Sign", "Encipher Only", "Decipher Only"}
	var set []string
	for i, name := range names {
		if 1+i/8 < len(bits) && bits[1+i/8]&(0x80>>(i%8)) != 0 {
			set = append(set, name)
		}
	}
	return []string{strings.Join(set, ", ")}
}

// purposes has OpenSSL's names of extended key usages. It is never written.
var purposes = map[string]string{
	"1.3.6.1.5.5.7.3.1":       "TLS Web Server Authentication",
	"1.3.6.1.5.5.7.3.2":       "TLS Web Client Authentication",
	"1.3.6.1.5.5.7.3.3":       "Code Signing",
	"1.3.6.1.5.5.7.3.4":       "E-mail Protection",
	"1.3.6.1.5.5.7.3.8":       "Time Stamping",
	"1.3.6.1.5.5.7.3.9":       "OCSP Signing",
	"1.3.6.1.4.1.311.10.3.3":  "Microsoft Server Gated Crypto",
	"2.16.840.1.113730.4.1":   "Netscape Server Gated Crypto",
	"2.5.29.37.0":             "Any Extended Key Usage",
	"1.3.6.1.4.1.311.20.2.2":  "Microsoft Smartcard Login",
	"1.3.6.1.4.1.311.10.3.12": "Microsoft Document Signing",
}

func purposeLines(value der) []string {
	list, ok := value.want(tagSequence)
	if !ok {
		return nil
	}
	var names []string
	for {
		id, ok := list.want(tagOID)
		if !ok {
			return []string{strings.Join(names, ", ")}
		}
		name := oid(id)
		if known, ok := purposes[name]; ok {
			name = known
		}
		names = append(names, name)
	}
}

func constraintLines(value der) []string {
	ca, pathLen, has := basicConstraints(value)
	line := "CA:FALSE"
	if ca {
		line = "CA:TRUE"
	}
	if has && len(pathLen) == 1 {
		line += ", pathlen:" + strconv.Itoa(int(pathLen[0]))
	}
	return []string{line}
}

func generalLines(value der) []string {
	list, ok := value.want(tagSequence)
	if !ok {
		return nil
	}
	return []string{strings.Join(generalNames(list), ", ")}
}

// generalNames gives each of a list of names as OpenSSL prints it.
func generalNames(list der) (names []string) {
	for {
		e, ok := list.next()
		if !ok {
			return names
		}
		text := string(appendSafe(nil, string(e.body)))
		switch e.tag {
		case generalEmail:
			names = append(names, "email:"+text)
		case generalDNS:
			names = append(names, "DNS:"+text)
		case generalURI:
			names = append(names, "URI:"+text)
		case generalIP:
			names = append(names, "IP Address:"+ipText(e.body))
		case generalID:
			names = append(names, "Registered ID:"+oid(e.body))
		case generalDirectory:
			name, _ := e.body.want(tagSequence)
			names = append(names, "DirName:"+nameText(name))
		case generalOther:
			names = append(names, "othername:<unsupported>")
		}
	}
}

func pointLines(value der) (lines []string) {
	points, _ := value.want(tagSequence)
	for {
		point, ok := points.want(tagSequence)
		if !ok {
			return lines
		}
		where, _ := point.want(0xa0) // distributionPoint
		full, _ := where.want(0xa0)  // fullName
		lines = append(lines, "Full Name:")
		for _, name := range generalNames(full) {
			lines = append(lines, "  "+name)
		}
	}
}

func policyLines(value der) (lines []string) {
	policies, _ := value.want(tagSequence)
	for {
		policy, ok := policies.want(tagSequence)
		if !ok {
			return lines
		}
		id, _ := policy.want(tagOID)
		name := oid(id)
		if name == "2.5.29.32.0" {
			name = "X509v3 Any Policy"
		}
		lines = append(lines, "Policy: "+name)
		qualifiers, _ := policy.want(tagSequence)
		for {
			q, ok := qualifiers.want(tagSequence)
			if !ok {
				break
			}
			id, _ := q.want(tagOID)
			if e, ok := q.next(); ok && oid(id) == "1.3.6.1.5.5.7.2.1" {
				lines = append(lines, "  CPS: "+string(appendSafe(nil, string(e.body))))
			}
		}
	}
}

func accessLines(value der) (lines []string) {
	list, _ := value.want(tagSequence)
	for {
		item, ok := list.want(tagSequence)
		if !ok {
			return lines
		}
		id, _ := item.want(tagOID)
		method := oid(id)
		switch method {
		case "1.3.6.1.5.5.7.48.1":
			method = "OCSP"
		case "1.3.6.1.5.5.7.48.2":
			method = "CA Issuers"
		}
		for _, name := range generalNames(item) {
			lines = append(lines, method+" - "+name)
		}
	}
}

func commentLines(value der) []string {
	e, ok := value.next()
	if !ok {
		return nil
	}
	return []string{string(appendSafe(nil, e.text()))}
}
