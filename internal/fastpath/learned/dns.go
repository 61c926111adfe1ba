package learned

// DNS is a message, or what could be read of it. Names are in presentation form (RFC 1035 §5.1): without the last dot,
// "." for the root, what is not printable as \DDD.
type DNS struct {
	Where
	ID        uint16
	Answer    bool   // QR
	Flags     uint16 // the header's second 16 bits
	Opcode    int
	RCode     string    // "NOERROR", "NXDOMAIN", ...; "RCODE77"
	Counts    [4]uint16 // of the sections, as the header says; fewer may follow
	Questions []DNSQuestion
	Answers   []DNSRecord
	Authority []DNSRecord
	Extra     []DNSRecord
}

// DNSQuestion asks for a type of a name.
type DNSQuestion struct{ Name, Type, Class string }

// DNSRecord is a resource record; Data is in presentation form.
type DNSRecord struct {
	Name, Type, Class string
	TTL               uint32
	Data              string
}
