package stream

import (
	"net/netip"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/http1"
)

// capture keeps the values that "capture ... header" lines name, of several the last (configuration.txt, capture
// request header).
func (s *stream) capture(slots [][]byte, lines []model.CaptureHeader, m *http1.Message) {
	for i := range lines {
		if v, ok := m.Last(lines[i].Name); ok {
			slots[i] = s.tx.Scratch.Copy(v[:min(len(v), lines[i].Len)])
		}
	}
}

// addHeaders adds what options and unique-id-header put into requests.
func (s *stream) addHeaders() {
	tx := &s.tx
	if name := s.f.m.UniqueIDHdr; name != "" && tx.UniqueID != nil {
		tx.Req.Add([]byte(name), tx.UniqueID)
	}
	s.addAddress(tx.Conn.Src.Addr(), s.b.forwardFor, s.f.forwardFor)
	s.addAddress(tx.Conn.Dst.Addr(), s.b.originalTo, s.f.originalTo)
}

// addAddress adds an address as "option forwardfor" says; the backend's line counts where the frontend has one too.
func (s *stream) addAddress(a netip.Addr, back, front *addressHeader) {
	h := back
	if h == nil {
		h = front
	}
	if h == nil || !a.IsValid() || h.except.IsValid() && h.except.Contains(a) {
		return
	}
	if h.ifNone && s.tx.Req.Find(h.name, 0) >= 0 {
		return
	}
	s.tx.Req.Add([]byte(h.name), a.WithZone("").AppendTo(s.tx.Scratch.Take(64)[:0]))
}

// addressHeader is an "option forwardfor" or "option originalto", ready for use.
type addressHeader struct {
	name   string
	except netip.Prefix // zero: none
	ifNone bool
}

// newAddressHeader makes one; nil for nil. What is no network excepts nothing: the checker has refused it.
func newAddressHeader(o *model.ForwardFor) *addressHeader {
	if o == nil {
		return nil
	}
	h := &addressHeader{name: o.Header, ifNone: o.IfNone}
	if p, err := netip.ParsePrefix(o.Except); err == nil {
		h.except = p
	} else if a, err := netip.ParseAddr(o.Except); err == nil {
		h.except = netip.PrefixFrom(a, a.BitLen())
	}
	return h
}
