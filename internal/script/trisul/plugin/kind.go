package plugin

import "slices"

// Side says where a script type's hooks run.
type Side uint8

// The sides.
const (
	Nowhere Side = iota // it only declares something
	Packets             // packet hooks: Trisul's frontend
	Metrics             // metric hooks: Trisul's backend
	Input               // an input filter, which delivers packets
)

// Shape says how a hook's objects are made from what Go passes; the prelude "hooks" has a maker for each.
type Shape string

// The shapes, with the parameters that the script's function gets.
const (
	Bare     Shape = "bare"     // ...
	Plain    Shape = "plain"    // engine, ...
	Direct   Shape = "direct"   // as given: Go passes the objects themselves
	Flow     Shape = "flow"     // engine, timestamp, flow, ...
	Payload  Shape = "payload"  // engine, timestamp, flow, direction, position, buffer
	Head     Shape = "head"     // engine, timestamp, flow, header
	Body     Shape = "body"     // engine, timestamp, flow, path, request, response, direction, position, buffer
	File     Shape = "file"     // engine, timestamp, flow, path, request, response, length, partial
	Session  Shape = "session"  // engine, flow record
	Alert    Shape = "alert"    // engine, alert
	Resource Shape = "resource" // engine, resource
	Document Shape = "document" // engine, FTS document
	Report   Shape = "report"   // engine, flow, bytes and packets
	Step     Shape = "step"     // packet, engine
)

// Hook is a function that a script type may have.
type Hook struct {
	Name  string
	Shape Shape
}

// Kind is a script type of Trisul's page "Script selector".
type Kind struct {
	Name  string   // of its table in TrisulPlugin
	Other []string // as other pages spell it
	Side  Side
	Hooks []Hook
}

// Kinds gives all script types.
func Kinds() []Kind {
	monitor := func(shape Shape, fresh string, more ...Hook) []Hook {
		return append([]Hook{
			{fresh, shape}, {"onbeginflush", Plain}, {"flushfilter", shape}, {"onflush", shape}, {"onendflush", Plain}, {"onmetronome", Plain},
		}, more...)
	}
	return []Kind{
		{Name: "countergroup", Other: []string{"counter_group"}},
		{Name: "alertgroup", Other: []string{"alert_group"}},
		{Name: "resourcegroup", Other: []string{"resource_group"}},
		{Name: "simplecounter", Other: []string{"simple_counter"}, Side: Packets, Hooks: []Hook{{"onpacket", Direct}}},
		{Name: "protocol_handler", Other: []string{"protocolhandler"}, Side: Packets, Hooks: []Hook{{"parselayer", Direct}}},
		{Name: "reassembly_handler", Other: []string{"reassemblyhandler", "flowmonitor"}, Side: Packets, Hooks: []Hook{
			{"filter", Flow}, {"onnewflow", Flow}, {"onpayload", Payload}, {"onterminateflow", Flow}, {"onattribute", Flow},
			{"onflowattribute", Flow},
		}},
		{Name: "filex_monitor", Other: []string{"filexmonitor", "fileextract"}, Side: Packets, Hooks: []Hook{
			{"filter_flow", Flow}, {"filter", Head}, {"onpayload_raw", Payload}, {"onpayload_http", Body}, {"onfile_http", File},
			{"onterminateflow", Flow},
		}},
		{Name: "packet_storage", Other: []string{"packetstorage"}, Side: Packets, Hooks: []Hook{
			{"filter", Flow}, {"filter_payload", Payload},
		}},
		{Name: "message_monitor", Other: []string{"messagemonitor"}, Side: Packets, Hooks: []Hook{{"onnewflowrecord", Report}}},
		{Name: "inputfilter", Other: []string{"input_filter"}, Side: Input, Hooks: []Hook{{"step", Step}, {"step_alert", Bare}}},
		{Name: "engine_monitor", Other: []string{"enginemonitor"}, Side: Metrics, Hooks: []Hook{
			{"onbeginflush", Plain}, {"onendflush", Plain}, {"onmetronome", Plain},
		}},
		{Name: "sg_monitor", Other: []string{"session_monitor", "sgmonitor"}, Side: Metrics,
			Hooks: monitor(Session, "onnewflow", Hook{"onupdate", Session}, Hook{"onterminate", Session})},
		{Name: "cg_monitor", Other: []string{"cgmonitor"}, Side: Metrics, Hooks: []Hook{
			{"onbeginflush", Plain}, {"onflushfilter", Plain}, {"onflush", Plain}, {"onendflush", Plain}, {"onbegintopperflush", Plain},
			{"ontopperflushfilter", Plain}, {"ontopperflush", Plain}, {"onendtopperflush", Plain}, {"onupdate", Plain},
			{"onnewkey", Plain}, {"onmetronome", Plain},
		}},
		{Name: "alert_monitor", Other: []string{"alertmonitor"}, Side: Metrics, Hooks: monitor(Alert, "onnewalert")},
		{Name: "resource_monitor", Other: []string{"resourcemonitor"}, Side: Metrics, Hooks: monitor(Resource, "onnewresource")},
		{Name: "fts_monitor", Other: []string{"ftsmonitor"}, Side: Metrics, Hooks: monitor(Document, "onnewfts")},
		{Name: "flow_tracker", Other: []string{"flowtracker"}, Side: Metrics, Hooks: []Hook{
			{"onbeginflush", Plain}, {"getmetric", Session}, {"onendflush", Plain}, {"onmetronome", Plain},
		}},
	}
}

// FindKind gives the script type that has its table under a name in TrisulPlugin.
func FindKind(name string) (Kind, bool) {
	for _, k := range Kinds() {
		if k.Name == name || slices.Contains(k.Other, name) {
			return k, true
		}
	}
	return Kind{}, false
}

// HookNames gives the names of a type's hooks, those that every type may have too.
func (k *Kind) HookNames() []string {
	names := commonHooks()
	for _, h := range k.Hooks {
		names = append(names, h.Name)
	}
	return names
}

// commonHooks are functions of a plugin, or of one of its types.
func commonHooks() []string { return []string{"onload", "onunload", "onmessage"} }
