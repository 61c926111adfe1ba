package packet

// Common and Walk are the two ways of decoding, for tests that compare them.
func (d *Decoder) Common(p *Packet) bool { return d.common(p) }
func (d *Decoder) Walk(p *Packet)        { d.walk(p) }
