package trisul

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"

	"eddy/internal/fastpath/counter"
	"eddy/internal/fastpath/learned"
	"eddy/internal/script/vm"
)

// signaturesGUID is the counter group of alert signatures, whose keys get the labels of signatures.
const signaturesGUID = "{A0FA9464-B496-4A20-A9AB-4D2D09AFF902}"

// newAlert reads the table that step_alert returns (inputfilter, "Return value – alert").
func newAlert(t *vm.Table) (a *learned.Alert, label string, err error) {
	text := func(field, otherwise string) string {
		v := t.Get(field)
		if s, ok := v.AsStr(); ok {
			return s
		}
		if n, ok := v.AsInt(); ok {
			return strconv.FormatInt(n, 10)
		}
		return otherwise
	}
	number := func(field string, otherwise int64) int64 {
		v := t.Get(field)
		if n, ok := v.AsInt(); ok {
			return n
		}
		if s, ok := v.AsStr(); ok {
			if n, err := strconv.ParseInt(s, 10, 64); err == nil {
				return n
			}
		}
		return otherwise
	}
	guid, ok := counter.NormalGUID(text("AlertGroupGUID", ""))
	if !ok {
		return nil, "", fmt.Errorf("AlertGroupGUID is %q, which is no GUID", guid)
	}
	seconds, micros := number("TimestampSecs", -1), number("TimestampUsecs", 0)
	if seconds < 0 || seconds > math.MaxInt32*2 || micros < 0 || micros > 1e6 {
		return nil, "", errors.New("TimestampSecs must be seconds since 1970, and TimestampUsecs microseconds")
	}
	a = &learned.Alert{
		Group: guid, Key: text("SigIDKey", ""), Classification: text("ClassificationKey", "c-xx"), Priority: int(number("Priority", 1)),
		Message: text("SigIDKeyLabel", ""), Status: text("AlertStatus", "ALARM"), Extra: text("AlertDetails", ""),
		Acknowledged: int(number("AcknowledgeFlag", 0)),
	}
	if a.Key == "" {
		return nil, "", errors.New("SigIDKey is missing")
	}
	a.Time = seconds*1e9 + micros*1000
	src, errSrc := netip.ParseAddr(text("SourceIP", "0.0.0.0"))
	dst, errDst := netip.ParseAddr(text("DestIP", "0.0.0.0"))
	if errSrc != nil || errDst != nil {
		return nil, "", errors.New("SourceIP and DestIP must be addresses")
	}
	a.HasFlow = true
	a.Flow.Proto = uint8(number("Protocol", 0))
	a.Flow.SrcPort, a.Flow.DstPort = uint16(number("SourcePort", 0)), uint16(number("DestPort", 0))
	a.Flow.Version = 4
	if src.Is6() || dst.Is6() {
		a.Flow.Version = 6
		a.Flow.Src, a.Flow.Dst = src.As16(), dst.As16()
	} else {
		s, d := src.As4(), dst.As4()
		copy(a.Flow.Src[:], s[:])
		copy(a.Flow.Dst[:], d[:])
	}
	return a, text("SigIDKeyLabel", ""), nil
}
