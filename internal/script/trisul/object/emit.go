package object

import (
	"math"
	"strconv"
	"strings"

	"eddy/internal/fastpath/counter"
	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/learned"
	"eddy/internal/script/trisul/lib"
	"eddy/internal/script/vm"
)

// What a script asks an engine for is noted while it runs, without a call into Go, and done when it is over: each method
// has a code.
const (
	emitCounter = iota + 1
	emitCounterBytes
	emitCounterRaw
	emitKeyInfo
	emitAlert
	emitAlertFull
	emitAlertTCA
	emitResource
	emitFlowCounter
	emitResetFlowCounter
	emitTag
	emitUpdateFlow
	emitUpdateFlowRaw
	emitTerminateFlow
	emitFlowRecord
	emitFlowDuration
	emitDisable
	emitFrontend
	emitBackend
	emitEdge
	emitFlowEdges
	emitKeyAttribute
	emitFlowAttribute
	emitStorePacket
)

// method is a method of the engine object without results.
type method struct {
	name, signature string // see vm's emitter
	front           bool   // only packet hooks have it
}

// methods gives them by code.
func methods() map[int]method {
	return map[int]method{
		emitCounter:          {"update_counter", "ssnn", false},
		emitCounterBytes:     {"update_counter_bytes", "ssn", true},
		emitCounterRaw:       {"update_counter_raw", "ssnn", false},
		emitKeyInfo:          {"update_key_info", "sss?s", false},
		emitAlert:            {"add_alert", "sssns", false},
		emitAlertFull:        {"add_alert_full", "ssssns?s", false},
		emitAlertTCA:         {"add_alert_tca", "snss", false},
		emitResource:         {"add_resource", "sss?s", false},
		emitFlowCounter:      {"add_flow_counter", "sssnn", true},
		emitResetFlowCounter: {"reset_flow_counter", "ss", true},
		emitTag:              {"tag_flow", "ss", false},
		emitUpdateFlow:       {"update_flow", "snn", true},
		emitUpdateFlowRaw:    {"update_flow_raw", "snn", true}, // this one and the next are not on the page, but plugins use them
		emitTerminateFlow:    {"terminate_flow", "s", true},
		emitFlowRecord:       {"new_flow_record", "snnnn", true},
		emitFlowDuration:     {"set_flow_duration", "sn", true},
		emitDisable:          {"disable_reassembly", "s", true},
		emitFrontend:         {"post_message_frontend", "ss", false},
		emitBackend:          {"post_message_backend", "ss", false},
		emitEdge:             {"add_edge", "ssss", false},
		emitFlowEdges:        {"add_flow_edges", "sss", false},
		emitKeyAttribute:     {"set_key_attribute", "ssss", false},
		emitFlowAttribute:    {"add_flow_attribute", "sss", false},
		emitStorePacket:      {"set_packetstore_policy", "n", true},
	}
}

// engineFuncs is what the prelude "engine" is made from.
func engineFuncs(backend bool) lib.Funcs {
	return lib.Funcs{
		// engine_methods(): code = {name, signature, available}
		"engine_methods": func(c *vm.Call) error {
			t := &vm.Table{}
			for code, m := range methods() {
				one := &vm.Table{Arr: []vm.Value{vm.Str(m.name), vm.Str(m.signature), vm.Bool(!m.front || !backend)}}
				t.Map = append(t.Map, vm.Pair{Key: vm.Int(int64(code)), Value: vm.Tab(one)})
			}
			return c.PushValue(vm.Tab(t))
		},
		"engine_timestamp": func(c *vm.Call) error {
			m, err := of(c)
			if err == nil {
				c.PushInt(m.Lane.Timestamp() / 1e9)
			}
			return err
		},
		"engine_instance": func(c *vm.Call) error {
			m, err := of(c)
			if err == nil {
				c.PushStr(m.Lane.InstanceID())
			}
			return err
		},
		"engine_probe": func(c *vm.Call) error {
			m, err := of(c)
			if err == nil {
				c.PushStr(m.Probe)
			}
			return err
		},
	}
}

// Emit does what the script has asked for. It is called with the state's lock held, so what could come back into a hook
// waits for Settle.
func (m *Moment) Emit(e *vm.Emitted) {
	text := func() string { return string(bounded(e.Str())) }
	whole := func() int { return wholeOf(e) }
	number := func() float64 { return numberOf(e) }
	for code, ok := e.Next(); ok; code, ok = e.Next() {
		switch code {
		case emitCounter:
			guid, key := e.Str(), e.Str()
			meter := whole()
			if v := number(); m.countable(key, v) {
				m.Lane.UpdateCounter(guid, key, meter, v)
			}
		case emitCounterRaw:
			guid, key := e.Str(), e.Str()
			meter := whole()
			if v := number(); m.countable(key, v) {
				m.Lane.UpdateCounterRaw(guid, key, meter, v)
			}
		case emitCounterBytes:
			guid, key, meter := e.Str(), e.Str(), whole()
			if p := m.inProgress(); p != nil {
				m.Lane.UpdateCounter(guid, key, meter, float64(p.Wire))
			}
		case emitKeyInfo:
			guid, key, label := m.group(e), text(), text()
			m.Lane.UpdateKeyInfo(guid, key, label, text())
		case emitKeyAttribute:
			guid, key, name := m.group(e), text(), text()
			m.Lane.SetKeyAttribute(guid, key, name, text())
		case emitAlert:
			a := m.alert(m.group(e), text(), text())
			a.Priority = whole()
			a.Message = text()
			m.Lane.AddAlert(a)
		case emitAlertFull:
			a := m.alert(m.group(e), text(), text())
			a.Classification = text()
			a.Priority = whole()
			a.Message, a.Status = text(), text()
			m.Lane.AddAlert(a)
		case emitAlertTCA:
			guid := m.group(e)
			a := m.alert(guid, "", strconv.FormatFloat(number(), 'f', -1, 64))
			a.Threshold = true
			a.Status, a.Message = text(), text()
			m.Lane.AddAlert(a)
		case emitResource:
			guid, id := m.group(e), text()
			r := &learned.Resource{Group: guid, URI: text(), Contents: text()}
			r.Flow, r.HasFlow = m.flowOf(id)
			m.Lane.AddResource(r)
		case emitTag:
			id := text()
			m.Lane.TagFlow(id, text())
		case emitEdge:
			from, key, to := m.group(e), text(), m.group(e)
			m.Lane.AddEdge(&learned.Link{FromGroup: from, From: key, ToGroup: to, To: text()})
		case emitFlowEdges:
			id, guid := text(), m.group(e)
			m.flowEdges(id, guid, text())
		case emitFlowAttribute:
			m.later = append(m.later, attribute{text(), text(), text()})
		case emitFrontend:
			id := text()
			m.Lane.PostFrontend(id, string(e.Str()))
		case emitBackend:
			id := text()
			m.Lane.PostBackend(id, string(e.Str()))
		default:
			m.emitFront(code, e)
		}
	}
}

// emitFront is Emit for what only packet hooks can ask for.
func (m *Moment) emitFront(code byte, e *vm.Emitted) {
	text := func() string { return string(bounded(e.Str())) }
	whole := func() int { return wholeOf(e) }
	number := func() float64 { return numberOf(e) }
	switch code {
	case emitFlowCounter:
		id, guid, key, meter := text(), m.group(e), text(), whole()
		m.Engine.AddFlowCounter(id, guid, key, meter, whole())
	case emitResetFlowCounter:
		id := text()
		m.Engine.ResetFlowCounter(id, m.group(e))
	case emitUpdateFlow, emitUpdateFlowRaw:
		id, meter := text(), whole()
		if v := number(); m.countable([]byte(id), v) {
			m.Engine.UpdateFlow(id, meter, v)
		}
	case emitTerminateFlow:
		text() // what another device has told of is over with the second anyway, and what is captured ends by itself
	case emitFlowDuration:
		id := text()
		m.Engine.SetFlowDuration(id, number())
	case emitFlowRecord:
		id := text()
		var n [4]uint64
		for i := range n {
			if v := number(); v > 0 { // and not NaN
				n[i] = uint64(min(v, 1<<62))
			}
		}
		m.Engine.NewFlowRecord(id, n[0], n[1], n[2], n[3])
	case emitDisable:
		m.disabling = append(m.disabling, text())
	case emitStorePacket:
		m.Engine.StorePacket(whole())
	}
}

// maxText bounds what a script gives as text for an alert, a resource, a label and the like, in bytes: the documentation has
// "less than 32K" for a resource's contents.
const maxText = 32 << 10

func bounded(text []byte) []byte { return text[:min(len(text), maxText)] }

func numberOf(e *vm.Emitted) float64 {
	n, _ := e.Num()
	return n
}

// wholeOf reads a small number, such as a meter's or a priority; what is none becomes 0 or the nearest bound.
func wholeOf(e *vm.Emitted) int {
	n := numberOf(e)
	if n != n {
		return 0
	}
	return int(min(max(n, math.MinInt32), math.MaxInt32))
}

// countable says whether a sample can be added up. One that is infinite or no number (0/0) would spoil what was counted
// before and comes after.
func (m *Moment) countable(key []byte, v float64) bool {
	if v-v == 0 {
		return true
	}
	if m.Fault != nil {
		m.Fault("a counter of " + string(key[:min(len(key), 64)]) + " was to be updated with " + strconv.FormatFloat(v, 'g', -1, 64) + ", which does not count")
	}
	return false
}

// group reads a GUID.
func (m *Moment) group(e *vm.Emitted) string {
	guid, _ := counter.NormalGUID(string(e.Str()))
	return guid
}

func (m *Moment) alert(guid, flow, key string) *learned.Alert {
	a := &learned.Alert{Group: guid, Key: key}
	a.Time = m.Lane.Timestamp()
	a.Flow, a.HasFlow = m.flowOf(flow)
	return a
}

// flowOf is the key of a flow that a script names by its id; "" is none.
func (m *Moment) flowOf(id string) (flow.Key, bool) {
	if id == "" {
		return flow.Key{}, false
	}
	if m.Flow != nil && id == m.FlowID {
		return m.Flow.Key, true
	}
	key, err := flow.ParseID(id)
	return key, err == nil
}

// The groups that add_flow_edges takes a flow's ends, port and protocol from (Trisul's page "Well known GUIDs").
const (
	hostsGUID     = "{4CD742B1-C1CA-4708-BE78-0FCA2EB01A86}"
	hostsIPv6GUID = "{6CD742B1-C1CA-4708-BE78-0FCA2EB01A86}"
	appsGUID      = "{C51B48D4-7876-479E-B0D9-BD9EFF03CE2E}"
	networkGUID   = "{E89BCD56-30AD-40F5-B1C8-8B7683F440BD}"
)

// flowEdges adds edges in both directions between a vertex and a flow's ends, its server port and its protocol.
func (m *Moment) flowEdges(id, guid, key string) {
	k, ok := m.flowOf(id)
	if !ok {
		return
	}
	hosts := hostsGUID
	if k.Version == 6 {
		hosts = hostsIPv6GUID
	}
	port := k.DstPort
	if !flow.AIsSource(k) {
		port = k.SrcPort // the Z end's
	}
	for _, v := range []struct{ group, key string }{
		{hosts, flow.KeyIP(k.Src, k.Version)}, {hosts, flow.KeyIP(k.Dst, k.Version)},
		{appsGUID, flow.KeyPort(port)}, {networkGUID, strings.ToUpper(strconv.FormatUint(uint64(k.Proto), 16))},
	} {
		m.Lane.AddEdge(&learned.Link{FromGroup: guid, From: key, ToGroup: v.group, To: v.key})
		m.Lane.AddEdge(&learned.Link{FromGroup: v.group, From: v.key, ToGroup: guid, To: key})
	}
}
