package dns

import (
	"strconv"

	"eddy/internal/fastpath/learned"
)

// Text gives a message as a document for full text search: a line with the header, and for each section that is not
// empty a title, a line for each entry (name with a dot in front, TTL, type, class, data, between tabs) and an empty line.
// The form of a query is that of the example on Trisul's page "Object AC".
func Text(d *learned.DNS) string {
	out := make([]byte, 0, 512)
	if d.Answer {
		out = append(out, "RESPONSE"...)
	} else {
		out = append(out, "QUERY"...)
	}
	out = strconv.AppendUint(append(out, "\tID: "...), uint64(d.ID), 10)
	out = append(out, "\tFlags:0x"...)
	for shift := 12; shift >= 0; shift -= 4 {
		out = append(out, "0123456789abcdef"[d.Flags>>shift&0xf])
	}
	for i, name := range [...]string{"QD", "AN", "NS", "AR"} {
		out = append(append(out, '\t'), name...)
		out = strconv.AppendUint(append(out, "Count:"...), uint64(d.Counts[i]), 10)
	}
	out = append(out, '\n')
	if len(d.Questions) > 0 {
		out = append(out, "Questions\n"...)
		for _, q := range d.Questions {
			out = appendLine(out, q.Name, "", q.Type, q.Class, "")
		}
		out = append(out, '\n')
	}
	out = appendSection(out, "Answers", d.Answers)
	out = appendSection(out, "Authority", d.Authority)
	out = appendSection(out, "Additional", d.Extra)
	return string(out)
}

func appendSection(out []byte, title string, records []learned.DNSRecord) []byte {
	if len(records) == 0 {
		return out
	}
	out = append(append(out, title...), '\n')
	for i := range records {
		r := &records[i]
		out = appendLine(out, r.Name, strconv.FormatUint(uint64(r.TTL), 10), r.Type, r.Class, r.Data)
	}
	return append(out, '\n')
}

func appendLine(out []byte, name, ttl, typ, class, data string) []byte {
	if name != "." {
		out = append(out, '.')
	}
	out = append(append(append(out, name...), '\t'), ttl...)
	out = append(append(append(out, '\t'), typ...), '\t')
	out = append(out, class...)
	if data != "" {
		out = append(append(out, '\t'), data...)
	}
	return append(out, '\n')
}

// maxContents is what a resource may hold (engine:add_resource).
const maxContents = 32 << 10

// Resource gives the key and the line of the resource that an answer is: the question's name, and the answer's records as
// "type data", or the response code when there are none. Both are empty for a query, or when nothing was asked and answered.
func Resource(d *learned.DNS) (uri, contents string) {
	switch {
	case !d.Answer:
		return "", ""
	case len(d.Questions) > 0:
		uri = d.Questions[0].Name
	case len(d.Answers) > 0: // multicast DNS repeats no question
		uri = d.Answers[0].Name
	default:
		return "", ""
	}
	if len(d.Answers) == 0 {
		return uri, d.RCode
	}
	var out []byte
	for i := range d.Answers {
		r := &d.Answers[i]
		if len(out)+len(r.Type)+len(r.Data)+2 > maxContents {
			break
		}
		if i > 0 {
			out = append(out, '\n')
		}
		out = append(append(append(out, r.Type...), ' '), r.Data...)
	}
	return uri, string(out)
}
