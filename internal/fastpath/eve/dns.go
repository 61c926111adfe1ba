package eve

import "eddy/internal/fastpath/learned"

// maxRecords bounds what is written of each section of a message: zone transfers have thousands.
const maxRecords = 256

func (l *line) dns(d *learned.DNS) {
	l.open("dns")
	l.int("version", 2)
	if d.Answer {
		l.string("type", "answer")
	} else {
		l.string("type", "query")
	}
	l.uint("id", uint64(d.ID))
	l.hex("flags", "", uint64(d.Flags), 4)
	l.boolIf("qr", d.Answer)
	l.boolIf("aa", d.Flags&0x0400 != 0)
	l.boolIf("tc", d.Flags&0x0200 != 0)
	l.boolIf("rd", d.Flags&0x0100 != 0)
	l.boolIf("ra", d.Flags&0x0080 != 0)
	l.int("opcode", int64(d.Opcode))
	if len(d.Questions) > 0 {
		l.string("rrname", d.Questions[0].Name)
		l.string("rrtype", d.Questions[0].Type)
	}
	if d.Answer {
		l.string("rcode", d.RCode)
	}
	l.records("answers", d.Answers)
	l.grouped(d.Answers)
	l.records("authorities", d.Authority)
	l.records("additionals", d.Extra)
	l.close()
}

func (l *line) records(name string, records []learned.DNSRecord) {
	if len(records) == 0 {
		return
	}
	l.openList(name)
	for i := range min(len(records), maxRecords) {
		r := &records[i]
		l.item()
		l.string("rrname", r.Name)
		l.string("rrtype", r.Type)
		l.uint("ttl", uint64(r.TTL))
		l.string("rdata", r.Data)
		l.close()
	}
	l.closeList()
}

// grouped writes the answers' data by type.
func (l *line) grouped(records []learned.DNSRecord) {
	if len(records) == 0 {
		return
	}
	records = records[:min(len(records), maxRecords)]
	l.open("grouped")
	for i := range records {
		typ := records[i].Type
		if hasType(records[:i], typ) {
			continue
		}
		l.openList(typ)
		for j := i; j < len(records); j++ {
			if records[j].Type == typ {
				l.element(records[j].Data)
			}
		}
		l.closeList()
	}
	l.close()
}

func hasType(records []learned.DNSRecord, typ string) bool {
	for i := range records {
		if records[i].Type == typ {
			return true
		}
	}
	return false
}
