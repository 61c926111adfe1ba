package flow

import "eddy/internal/fastpath/packet"

// handshake is what a TCP flow's SYNs said. Sets of directions have bit 1<<Dir.
type handshake struct {
	isn      [2]uint32 // initial sequence numbers
	isnKnown uint8     // directions
	fins     uint8     // directions that have sent FIN

	// A SYN in the middle of a connection, which starts a new one only if its receiver answers it: else one packet
	// with a made-up number would hide the rest of a connection.
	offered  bool
	offerDir Dir
	offer    uint32 // its sequence number

	synTime int64 // capture time of the latest SYN
}

const protoTCP, protoUDP = 6, 17

func (h *handshake) setISN(dir Dir, seq uint32) {
	h.isn[dir] = seq
	h.isnKnown |= 1 << dir
}

func (h *handshake) knows(dir Dir) bool { return h.isnKnown&(1<<dir) != 0 }

// superseded reports whether p, a TCP packet with the tuple of f, belongs to a new connection. A SYN with the number
// that is known is a retransmission. One with another number is a new connection if the old one is over, was never
// answered, or had packets in one direction only; elsewhere the answer decides.
func (f *Flow) superseded(dir Dir, p *packet.Packet) bool {
	h := &f.tcp
	switch p.Flags & (packet.SYN | packet.ACK | packet.RST) {
	case packet.SYN:
		switch {
		case h.knows(dir) && h.isn[dir] == p.Seq:
			return false
		case f.Closed() || h.fins != 0:
			return true
		case f.class == opening: // both sides may send a SYN at once (RFC 9293, section 3.5)
			return h.knows(dir)
		}
		return f.Count[dir.Other()].Packets == 0
	case packet.SYN | packet.ACK:
		return h.offered && h.offerDir == dir.Other() && p.Ack == h.offer+1
	}
	return false
}

// follow brings the flow's state up to date with a TCP packet that belongs to it, and says which class it is in now.
func (f *Flow) follow(dir Dir, p *packet.Packet) class {
	h := &f.tcp
	young := f.class == opening || f.class == unlisted
	switch p.Flags & (packet.SYN | packet.ACK | packet.RST) {
	case packet.SYN:
		if young {
			f.State |= SeenSYN
			h.setISN(dir, p.Seq)
			h.synTime = p.Time
		} else if !h.knows(dir) || h.isn[dir] != p.Seq {
			h.offered, h.offerDir, h.offer = true, dir, p.Seq
		}
	case packet.SYN | packet.ACK:
		if !h.knows(dir) {
			f.State |= SeenSYNACK
			h.setISN(dir, p.Seq)
			h.setISN(dir.Other(), p.Ack-1)
		}
	case packet.ACK:
		f.acknowledged(dir, p)
	}
	if p.Flags&packet.RST != 0 {
		f.State |= SeenRST
	}
	if p.Flags&packet.FIN != 0 {
		f.State |= SeenFIN
		if h.fins |= 1 << dir; h.fins == 1<<ToServer|1<<ToClient {
			f.State |= Terminated
		}
	}
	switch {
	case f.Closed():
		return closed
	case p.Flags&packet.SYN != 0 && young:
		return opening
	}
	return established
}

// acknowledged looks for the handshake's third packet, and takes the time that the handshake took.
func (f *Flow) acknowledged(dir Dir, p *packet.Packet) {
	if f.State&SeenACK != 0 || f.State&SeenSYNACK == 0 || dir != ToServer {
		return
	}
	f.State |= SeenACK
	if f.State&SeenSYN != 0 && p.Ack == f.tcp.isn[ToClient]+1 {
		f.RTT = max(p.Time-f.tcp.synTime, 0)
	}
}

// clientSends guesses from a flow's first packet whether its sender is the client. A SYN tells; else the first to speak
// is the client, unless it speaks from a port below 1024 to one that is not.
func clientSends(p *packet.Packet) bool {
	if p.Proto == protoTCP && p.Flags&packet.SYN != 0 {
		return p.Flags&packet.ACK == 0
	}
	return p.SrcPort >= 1024 || p.DstPort < 1024
}
