package trisul

import (
	"errors"
	"io"
	"strings"
	"testing"

	"eddy/internal/fastpath/capture"
	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/packet"
)

func (r *rig) input(e *engine) *Input {
	r.t.Helper()
	in, err := r.Input(e)
	if err != nil {
		r.t.Fatal(err)
	}
	return in
}

func TestInputFilter(t *testing.T) {
	r := one(t, plug(`onload = function() print("load", T.args) end, onunload = function() print("unload") end,
inputfilter = { step = function(packet, engine)
  n = (n or 0) + 1
  if n == 1 then packet:set_packet(1258892321, 250000, 1, "frame one") return true end
  if n == 2 then engine:update_counter("{4CD742B1-C1CA-4708-BE78-0FCA2EB01A86}", "k", 0, 1) return true end
  if n == 3 then error("a bad record") end
  if n == 4 then kept:size() end
  if n == 5 then packet:set_packet(1258892322, 0, 101, "two") packet:set_timestamp(1258892323.5) return false end
end }`), func(o *Options) { o.Args = "file.dat" })
	e := newEngine("0")
	in := r.input(e)
	var f packet.Frame
	if err := in.Next(&f); err != nil || string(f.Data) != "frame one" || f.Time != 1258892321_250000000 || f.Link != packet.LinkEthernet || f.Number != 1 || f.Wire != 9 {
		t.Errorf("%+v, %v", f, err)
	}
	// A step that fails, or makes no packet, does not end the source by itself: only false does.
	for range 5 {
		if err := in.Next(&f); err == nil {
			break
		}
	}
	check(t, "calls", strings.Join(e.calls, ";"), "UpdateCounter({4CD742B1-C1CA-4708-BE78-0FCA2EB01A86}, k, 0, 1)")
	if string(f.Data) != "two" || f.Time != 1258892323_500000000 || f.Link != packet.LinkRaw {
		t.Errorf("%+v", f)
	}
	if err := in.Next(&f); err != io.EOF {
		t.Error(err)
	}
	if s := in.Stats(); s.Packets != 2 || s.Bytes != 12 {
		t.Errorf("%+v", s)
	}
	in.Close()
	in.Close()
	if err := in.Next(&f); err != io.EOF {
		t.Error(err)
	}
	check(t, "printed", r.printed(), "load\tfile.dat\nunload\n")
	check(t, "log", r.logs(), "4 [test.lua] step: *a bad record\n4 [test.lua] step: *kept*")
}

func TestInputAlerts(t *testing.T) {
	r := one(t, plug(`inputfilter = { step_alert = function()
  n = (n or 0) + 1
  if n == 1 then return { AlertGroupGUID = "{9AFD8C08-07EB-47E0-BF05-28B4A7AE8DC9}", TimestampSecs = 100, TimestampUsecs = 5, SigIDKey = "2001",
    SigIDKeyLabel = "ET SCAN", SourceIP = "10.0.0.1", SourcePort = "1025", DestIP = "10.0.0.2", DestPort = 80, Protocol = 6,
    ClassificationKey = "c-1", Priority = 2, AcknowledgeFlag = 1, AlertDetails = "more", AlertStatus = "CLEAR" } end
  if n == 2 then return { AlertGroupGUID = "x" } end
  if n == 3 then return { AlertGroupGUID = "{9AFD8C08-07EB-47E0-BF05-28B4A7AE8DC9}", TimestampSecs = 100 } end
  if n == 4 then return { AlertGroupGUID = "{9AFD8C08-07EB-47E0-BF05-28B4A7AE8DC9}", TimestampSecs = 1, SigIDKey = "k", SourceIP = "2001:db8::1", DestIP = "host" } end
  if n == 5 then return { AlertGroupGUID = "{9AFD8C08-07EB-47E0-BF05-28B4A7AE8DC9}", TimestampSecs = 1, SigIDKey = 7, SourceIP = "2001:db8::1", DestIP = "::2", SourcePort = "igmp" } end
end }`))
	e := newEngine("0")
	in := r.input(e)
	defer in.Close()
	var f packet.Frame
	for range 6 {
		if err := in.Next(&f); !errors.Is(err, capture.ErrIdle) {
			t.Fatal(err)
		}
	}
	if len(e.alerts) != 2 {
		t.Fatalf("%d alerts\n%s", len(e.alerts), r.logs())
	}
	a := e.alerts[0]
	if a.Time != 100_000005000 || a.Key != "2001" || a.Message != "ET SCAN" || a.Classification != "c-1" || a.Priority != 2 || a.Acknowledged != 1 ||
		a.Extra != "more" || a.Status != "CLEAR" || flow.ID(a.Flow) != "06A:0A.00.00.01:p-0401_0A.00.00.02:p-0050" {
		t.Errorf("%+v", a)
	}
	if b := e.alerts[1]; b.Key != "7" || b.Flow.Version != 6 || b.Priority != 1 || b.Status != "ALARM" || b.Classification != "c-xx" {
		t.Errorf("%+v", b)
	}
	check(t, "label", e.calls[0], "UpdateKeyInfo({A0FA9464-B496-4A20-A9AB-4D2D09AFF902}, 2001, ET SCAN, )")
	check(t, "log", r.logs(), "*AlertGroupGUID is*no GUID*SigIDKey is missing*must be addresses*")
}

func TestInputFails(t *testing.T) {
	r := one(t, plug(`inputfilter = { step = function() error("always") end }`))
	in := r.input(newEngine("0"))
	defer in.Close()
	var f packet.Frame
	err := in.Next(&f)
	for errors.Is(err, capture.ErrIdle) {
		err = in.Next(&f)
	}
	if err == nil || !strings.Contains(err.Error(), "has failed 1000 times in a row") {
		t.Error(err)
	}
	if err := in.Next(&f); err != io.EOF {
		t.Error(err)
	}
}

func TestInputOnlyOne(t *testing.T) {
	r := load(t, map[string]string{"a.lua": plug(`inputfilter = { step = function() end }`), "b.lua": plug(`inputfilter = { step = function() end }`)})
	if _, err := r.Input(newEngine("0")); err == nil || !r.HasInput() {
		t.Error("two input filters")
	}
	none := load(t, map[string]string{"a.lua": plug(``)})
	if in, err := none.Input(newEngine("0")); in != nil || err != nil || none.HasInput() || none.HasMetrics() {
		t.Error(in, err)
	}
}
