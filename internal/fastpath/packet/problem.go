package packet

// Problem is what is wrong with a frame. Each kind is counted.
type Problem uint8

// The kinds of problems. More may follow; NumProblems stays last.
const (
	None Problem = iota
	TruncatedLink
	TruncatedVLAN
	TruncatedMPLS
	TruncatedPPPoE
	TruncatedARP
	TruncatedIPv4
	TruncatedIPv6
	TruncatedExtension
	TruncatedGRE
	TruncatedTCP
	TruncatedUDP
	TruncatedICMP
	TruncatedSCTP
	BadIPv4Header
	BadIPv6Header
	BadTCPHeader
	BadUDPLength
	FragmentOverlap // overlapping or contradicting fragments
	FragmentLimit   // given up for the memory cap or the timeout
	TooDeep         // more layers than MaxLayers
	UnknownLink
	UnknownEtherType
	UnknownProtocol
	NumProblems
)
