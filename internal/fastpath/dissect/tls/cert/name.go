package cert

import (
	"unicode/utf16"
	"unicode/utf8"
)

// Attributes of names that are asked for by themselves.
const (
	oidCommonName   = "2.5.4.3"
	oidOrganization = "2.5.4.10"
)

// attributeNames has OpenSSL's short names of a name's attributes. It is never written.
var attributeNames = map[string]string{
	oidCommonName:                "CN",
	"2.5.4.4":                    "SN",
	"2.5.4.5":                    "serialNumber",
	"2.5.4.6":                    "C",
	"2.5.4.7":                    "L",
	"2.5.4.8":                    "ST",
	"2.5.4.9":                    "street",
	oidOrganization:              "O",
	"2.5.4.11":                   "OU",
	"2.5.4.12":                   "title",
	"2.5.4.13":                   "description",
	"2.5.4.15":                   "businessCategory",
	"2.5.4.17":                   "postalCode",
	"2.5.4.41":                   "name",
	"2.5.4.42":                   "GN",
	"2.5.4.43":                   "initials",
	"2.5.4.46":                   "dnQualifier",
	"2.5.4.97":                   "organizationIdentifier",
	"0.9.2342.19200300.100.1.1":  "UID",
	"0.9.2342.19200300.100.1.25": "DC",
	"1.2.840.113549.1.9.1":       "emailAddress",
	"1.2.840.113549.1.9.2":       "unstructuredName",
	"1.3.6.1.4.1.311.60.2.1.1":   "jurisdictionL",
	"1.3.6.1.4.1.311.60.2.1.2":   "jurisdictionST",
	"1.3.6.1.4.1.311.60.2.1.3":   "jurisdictionC",
}

// eachAttribute goes through a name (RFC 5280 §4.1.2.4) in its order; plus says that an attribute stands in one set with
// the one before.
func eachAttribute(name der, each func(id, value string, plus bool)) {
	for {
		set, ok := name.want(tagSet)
		if !ok {
			return
		}
		for plus := false; ; plus = true {
			pair, ok := set.want(tagSequence)
			if !ok {
				break
			}
			id, _ := pair.want(tagOID)
			if e, ok := pair.next(); ok {
				each(oid(id), e.text(), plus)
			}
		}
	}
}

// nameText gives a name as "C=US, O=Example, CN=example.com".
func nameText(name der) string {
	var out []byte
	eachAttribute(name, func(id, value string, plus bool) {
		switch {
		case plus:
			out = append(out, " + "...)
		case len(out) > 0:
			out = append(out, ", "...)
		}
		label, ok := attributeNames[id]
		if !ok {
			label = id
		}
		out = append(append(out, label...), '=')
		out = appendSafe(out, value)
	})
	return string(out)
}

// attribute gives the first attribute of a name with that identifier, or "".
func attribute(name der, want string) (found string) {
	eachAttribute(name, func(id, value string, _ bool) {
		if found == "" && id == want {
			found = string(appendSafe(nil, value))
		}
	})
	return found
}

// text gives the value of a string type as UTF-8.
func (e element) text() string {
	switch e.tag {
	case tagBMP:
		units := make([]uint16, len(e.body)/2)
		for i := range units {
			units[i] = uint16(e.body[2*i])<<8 | uint16(e.body[2*i+1])
		}
		return string(utf16.Decode(units))
	case tagUniversal:
		runes := make([]rune, len(e.body)/4)
		for i := range runes {
			b := e.body[4*i:]
			runes[i] = rune(b[0])<<24 | rune(b[1])<<16 | rune(b[2])<<8 | rune(b[3])
		}
		return string(runes)
	case tagTeletex: // Latin 1 in practice
		if !utf8.Valid(e.body) {
			runes := make([]rune, len(e.body))
			for i, b := range e.body {
				runes[i] = rune(b)
			}
			return string(runes)
		}
	}
	return string(e.body)
}

// appendSafe appends text with control characters and invalid UTF-8 as \0A, so that a name can't forge lines.
func appendSafe(out []byte, text string) []byte {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if r < ' ' || 0x7f <= r && r < 0xa0 || r == utf8.RuneError && size == 1 {
			for _, b := range []byte(text[i : i+size]) {
				out = append(out, '\\', "0123456789ABCDEF"[b>>4], "0123456789ABCDEF"[b&0xf])
			}
		} else {
			out = append(out, text[i:i+size]...)
		}
		i += size
	}
	return out
}
