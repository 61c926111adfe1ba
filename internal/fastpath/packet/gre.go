package packet

import "encoding/binary"

// gre decodes a GRE header: RFC 2784 with RFC 2890's fields, PPTP's version 1 (RFC 2637), and behind it ERSPAN's
// header, which is counted to the layer.
func (w *walk) gre() stage {
	const (
		checksum = 0x8000
		routing  = 0x4000
		key      = 0x2000
		sequence = 0x1000
		ack      = 0x0080 // of version 1
		version  = 0x0007
	)
	b := w.rest()
	if len(b) < 4 {
		return w.fail(TruncatedGRE)
	}
	flags, proto := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	head := 4
	for _, f := range [...]struct {
		set  bool
		size int
	}{
		{flags&(checksum|routing) != 0, 4},
		{flags&key != 0, 4},
		{flags&sequence != 0, 4},
		{flags&ack != 0 && flags&version == 1, 4},
		{proto == etherERSPAN && flags&sequence != 0, 8}, // version II; version I has neither
		{proto == etherERSPAN3, 12},
	} {
		if f.set {
			head += f.size
		}
	}
	if proto == etherERSPAN3 && len(b) >= head && b[head-1]&1 != 0 { // the O bit: a platform's own subheader
		head += 8
	}
	if len(b) < head {
		return w.fail(TruncatedGRE)
	}
	if flags&version > 1 || flags&routing != 0 { // RFC 1701's source routes are not met any more
		return w.unknown(UnknownProtocol)
	}
	w.layer(GRE, head)
	switch {
	case proto == etherERSPAN || proto == etherERSPAN3:
		return stageEthernet
	case len(w.rest()) == 0: // PPTP's acknowledgements, keep-alives
		return w.payload()
	default:
		return w.etherType(proto)
	}
}
