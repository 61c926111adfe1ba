package packet

// walk is the decoding of one frame, layer by layer. It stands at the first byte of a header that is not yet decoded.
type walk struct {
	d    *Decoder
	p    *Packet
	data []byte // up to the end of the layer around, as far as it was captured
	off  int    // where the walk stands, within data
	cut  int    // bytes of the layer around that were on the wire behind data
	ip   int    // where the innermost IP header begins
	next int    // where the byte stands that named the header at off: a "protocol" or "next header" field
}

// stage is what the walk does next: the kind of header at off.
type stage uint8

const (
	stageDone stage = iota
	stageEthernet
	stageVLAN
	stageLLC
	stageSLL
	stageSLL2
	stageNull
	stageLoop
	stageNFLOG
	stageMPLS
	stagePPPoE
	stagePPPoEDiscovery
	stagePPP
	stageARP
	stageIPv4
	stageIPv6
	stageExtension // of IPv6: options or routing
	stageFragment  // of IPv6
	stageAuth
	stageGRE
	stageTCP
	stageUDP
	stageICMP
	stageICMPv6
	stageSCTP
)

// walk decodes any frame.
func (d *Decoder) walk(p *Packet) {
	p.reset()
	w := walk{d: d, p: p, data: p.Data, cut: max(0, int(p.Wire)-len(p.Data))}
	for s := w.link(); s != stageDone; s = w.step(s) {
		if p.NLayers == MaxLayers-1 { // the last place is kept for the payload
			w.fail(TooDeep)
			return
		}
	}
}

// reset clears what a decode fills in.
func (p *Packet) reset() {
	p.Tuple = Tuple{}
	if p.Frame.VLAN != 0 {
		p.Tuple.VLAN = p.Frame.VLAN & vlanID
	}
	p.NLayers = 0
	p.Seq, p.Ack, p.Flags, p.Window = 0, 0, 0, 0
	p.PayloadOff, p.PayloadLen, p.PayloadCut = 0, 0, 0
	p.Fragment, p.Defragged, p.Problem = false, false, None
}

func (w *walk) step(s stage) stage {
	switch s {
	case stageEthernet:
		return w.ethernet()
	case stageVLAN:
		return w.vlan()
	case stageLLC:
		return w.llc()
	case stageSLL:
		return w.sll()
	case stageSLL2:
		return w.sll2()
	case stageNull, stageLoop:
		return w.null(s == stageLoop)
	case stageNFLOG:
		return w.nflog()
	case stageMPLS:
		return w.mpls()
	case stagePPPoE, stagePPPoEDiscovery:
		return w.pppoe(s == stagePPPoE)
	case stagePPP:
		return w.ppp()
	case stageARP:
		return w.arp()
	case stageIPv4:
		return w.ipv4()
	case stageIPv6:
		return w.ipv6()
	case stageExtension:
		return w.extension()
	case stageFragment:
		return w.fragmentHeader()
	case stageAuth:
		return w.auth()
	case stageGRE:
		return w.gre()
	case stageTCP:
		return w.tcp()
	case stageUDP:
		return w.udp()
	case stageICMP:
		return w.icmp(ICMP, 8) // RFC 792: four bytes that all messages share, four that depend on the type
	case stageICMPv6:
		return w.icmp(ICMPv6, 4) // RFC 4443 §2.1
	default:
		return w.sctp()
	}
}

// rest gives the captured bytes from where the walk stands.
func (w *walk) rest() []byte { return w.data[w.off:] }

// layer takes n bytes as the header of a layer; they must be there.
func (w *walk) layer(proto Proto, n int) {
	w.p.Layers[w.p.NLayers] = Layer{Proto: proto, Off: uint32(w.off), Len: uint32(n)}
	w.p.NLayers++
	w.off += n
}

// limit ends the layer around n bytes from here, because a length field says so: what follows is padding or another
// layer's. It is false when there are fewer bytes, even counting those that were not captured; then they are taken
// for cut.
func (w *walk) limit(n int) bool {
	have := len(w.data) - w.off
	if n <= have {
		w.data, w.cut = w.data[:w.off+n], 0
		return true
	}
	fits := n <= have+w.cut
	w.cut = n - have
	return fits
}

// note sets what is wrong with the packet, if it is the first thing, and goes on.
func (w *walk) note(what Problem) {
	if w.p.Problem == None {
		w.p.Problem = what
	}
}

// fail ends the walk: the header at off can't be decoded, and there is no payload.
func (w *walk) fail(what Problem) stage {
	w.note(what)
	w.p.PayloadOff = uint32(w.off)
	return stageDone
}

// payload ends the walk: what is left is payload.
func (w *walk) payload() stage {
	p := w.p
	p.PayloadOff = uint32(w.off)
	p.PayloadLen = uint32(len(w.data) - w.off)
	p.PayloadCut = uint32(w.cut)
	if p.PayloadLen > 0 {
		w.layer(Payload, int(p.PayloadLen))
	}
	return stageDone
}

// unknown ends the walk at a header that this package does not decode.
func (w *walk) unknown(what Problem) stage {
	w.note(what)
	return w.payload()
}
