package dns

import "strconv"

// kind is a record type: its name, and how its data is written down, a letter for each field (see rdata).
type kind struct{ name, format string }

// Types that the code itself looks at.
const (
	typeOPT = 41
)

// kinds has the types of IANA's "Domain Name System (DNS) Parameters" that are met. It is never written.
var kinds = map[uint16]kind{
	1:       {"A", "a"},
	2:       {"NS", "n"},
	3:       {"MD", "n"},
	4:       {"MF", "n"},
	5:       {"CNAME", "n"},
	6:       {"SOA", "nn44444"},
	7:       {"MB", "n"},
	8:       {"MG", "n"},
	9:       {"MR", "n"},
	10:      {"NULL", ""},
	11:      {"WKS", ""},
	12:      {"PTR", "n"},
	13:      {"HINFO", "ss"},
	14:      {"MINFO", "nn"},
	15:      {"MX", "2n"},
	16:      {"TXT", "S"},
	17:      {"RP", "nn"},
	18:      {"AFSDB", "2n"},
	24:      {"SIG", "t114TT2nb"},
	25:      {"KEY", "211b"},
	28:      {"AAAA", "6"},
	29:      {"LOC", ""},
	33:      {"SRV", "222n"},
	35:      {"NAPTR", "22sssn"},
	36:      {"KX", "2n"},
	37:      {"CERT", "221b"},
	39:      {"DNAME", "n"},
	typeOPT: {"OPT", ""},
	43:      {"DS", "211x"},
	44:      {"SSHFP", "11x"},
	46:      {"RRSIG", "t114TT2nb"},
	47:      {"NSEC", "nN"},
	48:      {"DNSKEY", "211b"},
	49:      {"DHCID", "b"},
	50:      {"NSEC3", "112hHN"},
	51:      {"NSEC3PARAM", "112h"},
	52:      {"TLSA", "111x"},
	53:      {"SMIMEA", "111x"},
	59:      {"CDS", "211x"},
	60:      {"CDNSKEY", "211b"},
	61:      {"OPENPGPKEY", "b"},
	62:      {"CSYNC", "42N"},
	63:      {"ZONEMD", "411x"},
	64:      {"SVCB", "2nP"},
	65:      {"HTTPS", "2nP"},
	99:      {"SPF", "S"},
	249:     {"TKEY", ""},
	250:     {"TSIG", ""},
	251:     {"IXFR", ""},
	252:     {"AXFR", ""},
	253:     {"MAILB", ""},
	254:     {"MAILA", ""},
	255:     {"ANY", ""},
	256:     {"URI", "22q"},
	257:     {"CAA", "1cq"},
	32769:   {"DLV", "211x"},
}

// typeName gives a type's name, "TYPE12345" where it has none (RFC 3597 §5).
func typeName(n uint16) string {
	if k, ok := kinds[n]; ok {
		return k.name
	}
	return "TYPE" + strconv.Itoa(int(n))
}

// className gives a class's name. Multicast DNS uses the upper bit as a flag (RFC 6762 §10.2, §18.12), so that it is no
// part of the name of class IN.
func className(n uint16) string {
	switch n {
	case 1, 1 | flagMulticast:
		return "IN"
	case 3:
		return "CH"
	case 4:
		return "HS"
	case 254:
		return "NONE"
	case 255:
		return "ANY"
	}
	return "CLASS" + strconv.Itoa(int(n))
}

const flagMulticast = 0x8000

// rcodes has the names of IANA's "DNS RCODEs". It is never written.
var rcodes = map[uint16]string{
	0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED", 6: "YXDOMAIN", 7: "YXRRSET",
	8: "NXRRSET", 9: "NOTAUTH", 10: "NOTZONE", 11: "DSOTYPENI", 16: "BADVERS", 17: "BADKEY", 18: "BADTIME",
	19: "BADMODE", 20: "BADNAME", 21: "BADALG", 22: "BADTRUNC", 23: "BADCOOKIE",
}
