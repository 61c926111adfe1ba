package ledger

import "eddy/internal/fastpath/learned"

// weight is about how many bytes of memory a record takes beside its own fields: the texts that traffic or scripts chose.
func weight(r learned.Record) int {
	switch r := r.(type) {
	case *learned.Resource:
		return len(r.URI) + len(r.Contents)
	case *learned.Document:
		return len(r.Text)
	case *learned.HTTP:
		return len(r.Host) + len(r.Target) + len(r.UserAgent) + len(r.Referer) + len(r.ContentType)
	case *learned.File:
		return len(r.Name) + len(r.Host) + len(r.Type)
	case *learned.DNS:
		return weightOfDNS(r)
	case *learned.TLS:
		n := len(r.SNI) + len(r.JA3.Text) + len(r.JA3S.Text)
		for i := range r.Chain {
			n += 3 * len(r.Chain[i].DER) // and what was read in it
		}
		return n
	case *learned.Alert:
		return len(r.Key) + len(r.Message) + len(r.Extra)
	case *learned.KeyInfo:
		return len(r.Key) + len(r.Label) + len(r.Description) + len(r.Attribute) + len(r.Value)
	case *learned.Link:
		return len(r.From) + len(r.To)
	}
	return 0
}

func weightOfDNS(d *learned.DNS) (n int) {
	const record = 96 // its fields
	for i := range d.Questions {
		n += record + len(d.Questions[i].Name)
	}
	for _, section := range [...][]learned.DNSRecord{d.Answers, d.Authority, d.Extra} {
		for i := range section {
			n += record + len(section[i].Name) + len(section[i].Data)
		}
	}
	return n
}
