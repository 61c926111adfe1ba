package object

import (
	"fmt"
	"strings"

	"eddy/internal/fastpath/packet"
)

// ProtocolGUID names a decoded layer's protocol: by the GUID of Trisul's page "Well known GUIDs" where there is one, else by
// one of ours that has the protocol's number as its last digits.
func ProtocolGUID(p packet.Proto) string {
	switch p {
	case packet.Ethernet:
		return "{974FB098-DE46-45DB-94DA-8D64A3BBCDE5}"
	case packet.IPv4:
		return "{0A2C724B-5B9F-4BA6-9C97-B05080558574}"
	case packet.IPv6:
		return "{85C0CCED-DA8D-4029-924A-A6AB87F62EF8}"
	case packet.ICMP:
		return "{7DDD65F2-A316-43B5-A103-368E700E045E}"
	case packet.UDP:
		return "{14D7AB53-CC51-47E9-8814-9C06AAE60189}"
	case packet.TCP:
		return "{77E462AB-2E42-42EC-9A58-C1A6821D6B31}"
	}
	return fmt.Sprintf("{ED0D9B6E-0D31-4C0B-8A57-%012X}", uint8(p))
}

// Protocols knows the protocols of a lane by their GUIDs: the decoded ones, and those that protocol handlers add. It is
// complete before the first packet, and only read from then on.
type Protocols struct {
	byGUID map[string]Protocol
	custom []string // GUIDs by Layer.ID
}

// Protocol is a protocol that a layer can have.
type Protocol struct {
	Proto packet.Proto
	ID    uint16 // of a packet.Custom
}

// NewProtocols knows the decoded ones.
func NewProtocols() *Protocols {
	p := &Protocols{byGUID: map[string]Protocol{}}
	for proto := packet.Ethernet; proto < packet.NumProtos; proto++ {
		if proto != packet.Custom {
			p.byGUID[ProtocolGUID(proto)] = Protocol{Proto: proto}
		}
	}
	return p
}

// Add gives a protocol handler's protocol a number, always the same for one GUID.
func (p *Protocols) Add(guid string) Protocol {
	guid = strings.ToUpper(guid)
	if known, ok := p.byGUID[guid]; ok {
		return known
	}
	known := Protocol{Proto: packet.Custom, ID: uint16(len(p.custom))}
	p.custom = append(p.custom, guid)
	p.byGUID[guid] = known
	return known
}

// Find gives the protocol with a GUID.
func (p *Protocols) Find(guid string) (Protocol, bool) {
	known, ok := p.byGUID[strings.ToUpper(guid)]
	return known, ok
}

// GUID names a layer's protocol.
func (p *Protocols) GUID(l *packet.Layer) string {
	if l.Proto == packet.Custom && int(l.ID) < len(p.custom) {
		return p.custom[l.ID]
	}
	return ProtocolGUID(l.Proto)
}

// In finds the first layer of the protocol in a packet, or gives -1.
func (pr Protocol) In(p *packet.Packet) int {
	for i := range int(p.NLayers) {
		if l := &p.Layers[i]; l.Proto == pr.Proto && (pr.Proto != packet.Custom || l.ID == pr.ID) {
			return i
		}
	}
	return -1
}
