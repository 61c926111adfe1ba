package shard

import "eddy/internal/fastpath/packet"

// Packet storage's policies (Trisul's page "PCAP storage").
const (
	storeDefault = -1
	storeNothing = 0
	storeAll     = 1
	storeHeaders = 2
)

// policyOf gives a policy that a script has named. A number that is none of them is no opinion.
func policyOf(n int) int8 {
	if n < storeDefault || n > 6 {
		return storeDefault
	}
	return int8(n)
}

// unlimited is the quota of policies that have none.
const unlimited = 1 << 62

// quota gives the bytes of a flow that a policy stores.
func quota(policy int) int64 {
	switch policy {
	case 3:
		return 1 << 20
	case 4:
		return 100 << 10
	case 5:
		return 10 << 10
	case 6:
		return 10 << 20
	}
	return unlimited
}

// liberal picks the policy that stores more: scripts that disagree get all that any of them wants. No opinion, or a
// number that is none of the policies, gives way to any opinion.
func liberal(a, b int) int {
	rank := func(p int) int {
		switch p {
		case storeNothing:
			return 1
		case storeHeaders:
			return 2
		case 5, 4, 3: // 10 KB, 100 KB, 1 MB
			return 8 - p
		case 6: // 10 MB
			return 6
		case storeAll:
			return 7
		}
		return 0
	}
	if rank(b) > rank(a) {
		return b
	}
	return a
}

// storePacket stores the packet in progress as the scripts wish; without an opinion it is stored whole.
func (s *Shard) storePacket(p *packet.Packet) {
	policy := s.policy
	s.policy = storeDefault
	var c *conn
	if s.flow != nil {
		c = s.flow.Hooks.(*conn)
		if policy == storeDefault {
			policy = int(c.store)
		}
	}
	n := len(p.Data)
	switch {
	case p.Defragged: // its fragments were stored as they came
		return
	case policy == storeNothing:
		return
	case policy == storeHeaders:
		n = min(n, int(p.PayloadOff))
	case c != nil && quota(policy) < unlimited:
		x := c.more()
		if x.stored >= quota(policy) {
			return
		}
		x.stored += int64(n)
	}
	s.opts.Store.Store(&p.Frame, n)
}
