package trisul

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/learned"
)

// metrics opens and starts the metric hooks.
func (r *rig) metrics(lane *engine) *MetricHooks {
	r.t.Helper()
	h, err := r.Metrics()
	if err != nil {
		r.t.Fatal(err)
	}
	h.Start(lane)
	return h
}

// record is web() as a flow record, with the server's answer.
func record() *learned.FlowRecord {
	f := web()
	r := &learned.FlowRecord{State: flow.Init | flow.ZIsServer, Start: f.Start, Last: f.Start + 90e9, RTT: 1234567, Retransmits: 3, Tags: []string{"one"}}
	r.Flow, r.Time = f.Key, f.Start
	r.Count[flow.ToServer] = flow.Count{Packets: 10, Bytes: 1000, Payload: 400}
	r.Count[flow.ToClient] = flow.Count{Packets: 20, Bytes: 30000, Payload: 29000}
	return r
}

func TestSessionMonitor(t *testing.T) {
	tests := []expression{
		{`flow:key()`, "'" + webID + "'"},
		{`flow:flow():portz_readable()`, "'80'"},
		{`flow:time_window()`, "1258892320 1258892410"},
		{`flow:state()`, "33"},
		{`flow:az_bytes(), flow:za_bytes()`, "1000 30000"},
		{`flow:az_packets(), flow:za_packets()`, "10 20"},
		{`flow:az_payload_bytes(), flow:za_payload_bytes()`, "400 29000"},
		{`flow:tags()`, "'one'"},
		{`flow:add_tag("two")`, ""},
		{`flow:tags()`, "'one|two'"},
		{`flow:add_tag(("x"):rep(64))`, ""},
		{`flow:tags()`, "'one|two'"},
		{`flow:setup_rtt()`, "1234"},
		{`flow:retransmissions()`, "3"},
	}
	r := one(t, showLua+plug(`sg_monitor = {
  onnewflow = function(engine, flow) `+expressions("flow", sources(tests))+` kept = flow end,
  onupdate = function(engine, flow) io.write(attempt(function() return flow:za_bytes() end), "\0") end,
  onterminate = function(engine, flow) io.write(attempt(function() kept:add_tag("late") end), "\0") end,
  onbeginflush = function(engine, ts) io.write("begin ", ts, "\0") end,
  flushfilter = function(engine, flow) return flow:az_bytes() < 1000 end,
  onflush = function(engine, flow) io.write("flush ", kept:az_bytes(), "\0") end,
  onendflush = function(engine) engine:tag_flow("x", "y") end,
  onmetronome = function(engine, ts, count, interval) io.write(ts, " ", count, " ", interval, "\0") end,
}`))
	lane := newEngine("0")
	h := r.metrics(lane)
	if len(h.Ledger.Flow) != 1 || len(h.Ledger.Metronome) != 1 || len(h.Ledger.Counter)+len(h.Ledger.Alert) != 0 {
		t.Fatalf("%+v", h.Ledger)
	}
	m, rec := h.Ledger.Flow[0], record()
	m.New(rec)
	m.Update(rec)
	m.Terminate(rec)
	m.BeginFlush(60)
	if m.Filter(rec) {
		t.Error("the filter said no")
	}
	m.Flush(rec)
	m.EndFlush(60)
	h.Ledger.Metronome[0](61, 5, 1)
	h.Tick()
	h.Stop()
	compare(t, r, append(tests, expression{"update", "30000"}, expression{"terminate", "ERR *only inside of the hook*"},
		expression{"begin", "begin 60"}, expression{"flush", "flush 1000"}, expression{"metronome", "61 5 1"}))
	check(t, "record's tags", fmt.Sprint(rec.Tags), "[one two]")
	check(t, "calls", strings.Join(lane.calls, ";"), "TagFlow(x, y)")
	check(t, "log", r.logs(), "")
}

// The A end has the higher port, whoever is the client.
func TestSessionEnds(t *testing.T) {
	r := one(t, plug(`sg_monitor = { onflush = function(engine, f) print(f:flow():porta_readable(), f:az_bytes(), f:za_bytes()) end }`))
	rec := record()
	rec.Flow.SrcPort, rec.Flow.DstPort = 80, 2964
	r.metrics(newEngine("0")).Ledger.Flow[0].Flush(rec)
	check(t, "ends", r.printed(), "2964\t30000\t1000\n")
}

func TestVotes(t *testing.T) {
	r := one(t, plug(`sg_monitor = { flushfilter = function(engine, f) n = (n or 0) + 1
  if n == 1 then return false elseif n == 2 then return true elseif n == 3 then return nil elseif n == 4 then return 5 end error("x") end }`))
	filter := r.metrics(newEngine("0")).Ledger.Flow[0].Filter
	for i, want := range []bool{false, true, true, true, true} {
		if got := filter(record()); got != want {
			t.Errorf("vote %d: %v", i+1, got)
		}
	}
	check(t, "log", r.logs(), "4 [test.lua] flushfilter: it has to return true or false, not nil*\n4 *not number*\n4 *x*")
}

func alert() *learned.Alert {
	a := &learned.Alert{Group: "{9AFD8C08-07EB-47E0-BF05-28B4A7AE8DC9}", HasFlow: true, Key: "SIG", Classification: "class", Priority: 2,
		Message: "text", Status: "ALARM", Extra: "more", Acknowledged: 1}
	a.Flow, a.Time = web().Key, 1258892320_500000000
	return a
}

func TestAlertMonitor(t *testing.T) {
	tests := []expression{
		{`alert:timestamp()`, "1258892320 500000"},
		{`alert:flow():id()`, "'" + webID + "'"},
		{`alert:source_ip(), alert:source_port()`, "'192.168.1.2' '2964'"},
		{`alert:destination_ip(), alert:destination_port()`, "'209.216.249.58' '80'"},
		{`alert:sigid(), alert:classification(), alert:priority()`, "'SIG' 'class' 2"},
		{`alert:message(), alert:extra_message(), alert:status(), alert:ack_flag()`, "'text' 'more' 'ALARM' 1"},
		{`alert:set_priority(1)`, ""},
		{`alert:set_priority("high")`, "ERR *alert:set_priority: argument 1 must be a whole number*"},
		{`alert:set_message("other")`, ""},
		{`alert:set_extra_message("")`, ""},
		{`alert:priority(), alert:message(), alert:extra_message()`, "1 'other' ''"},
	}
	r := one(t, showLua+plug(`alert_monitor = {
  alert_guid = { "{9AFD8C08-07EB-47E0-BF05-28B4A7AE8DC9}", function() return T.alertgroups["User Alerts"] end, "{00000000-0000-0000-0000-000000000001}" },
  onload = function() io.write(T.monitor_group_name, " ", T.monitor_group_guid, "\0") end,
  onnewalert = function(engine, alert) `+expressions("alert", sources(tests))+` end,
  flushfilter = function(engine, alert) return alert:sigid() ~= "NOISE" end,
  onflush = function(engine, alert) io.write(attempt(function() return alert:flow() end), "\0") end }`))
	h := r.metrics(newEngine("0"))
	if len(h.Ledger.Alert) != 3 {
		t.Fatalf("%d monitors", len(h.Ledger.Alert))
	}
	for i, guid := range []string{"{9AFD8C08-07EB-47E0-BF05-28B4A7AE8DC9}", "{B5F1DECB-51D5-4395-B71B-6FA730B772D9}", "{00000000-0000-0000-0000-000000000001}"} {
		if h.Ledger.Alert[i].Group != guid {
			t.Errorf("monitor %d is attached to %s", i, h.Ledger.Alert[i].Group)
		}
	}
	a := alert()
	h.Ledger.Alert[0].New(a)
	if a.Priority != 1 || a.Message != "other" || a.Extra != "" {
		t.Errorf("%+v", a)
	}
	noise := &learned.Alert{Key: "NOISE"}
	if !h.Ledger.Alert[0].Filter(a) || h.Ledger.Alert[0].Filter(noise) {
		t.Error("votes")
	}
	h.Ledger.Alert[0].Flush(noise)
	loads := []expression{{"load", "IDS Alerts {9AFD8C08-*}"}, {"load", "User Alerts {B5F1DECB-*}"}, {"load", "{00000000-*} {00000000-*}"}}
	compare(t, r, append(append(loads, tests...), expression{"no flow", "nil"}))
	check(t, "log", r.logs(), "")
}

func TestResourceMonitor(t *testing.T) {
	tests := []expression{
		{`resource:timestamp()`, "1258892320 500000"},
		{`resource:flow():id()`, "'" + webID + "'"},
		{`resource:source_ip(), resource:source_port(), resource:destination_ip(), resource:destination_port()`,
			"'192.168.1.2' '2964' '209.216.249.58' '80'"},
		{`resource:uri(), resource:label()`, "'uri' 'label'"},
		{`resource:set_uri("u2")`, ""},
		{`resource:set_label("l2")`, ""},
		{`resource:uri(), resource:label()`, "'u2' 'l2'"},
	}
	r := one(t, showLua+plug(`resource_monitor = {
  resource_guid = "{4ef9deb9-4332-4867-a667-6a30c5900e9e}",
  onnewresource = function(engine, resource) `+expressions("resource", sources(tests))+` end,
  onbeginflush = function(engine, ts) end, flushfilter = function(engine, r) return true end,
  onflush = function(engine, r) end, onendflush = function(engine) end }`))
	h := r.metrics(newEngine("0"))
	rec := &learned.Resource{HasFlow: true, URI: "uri", Contents: "label"}
	rec.Flow, rec.Time = web().Key, 1258892320_500000000
	m := h.Ledger.Resource[0]
	m.New(rec)
	m.BeginFlush(1)
	if !m.Filter(rec) {
		t.Error("vote")
	}
	m.Flush(rec)
	m.EndFlush(1)
	if m.Group != "{4EF9DEB9-4332-4867-A667-6A30C5900E9E}" || rec.URI != "u2" || rec.Contents != "l2" {
		t.Errorf("%s %+v", m.Group, rec)
	}
	compare(t, r, tests)
	check(t, "log", r.logs(), "")
}

func TestDocumentMonitor(t *testing.T) {
	tests := []expression{
		{`fts:timestamp()`, "1258892320 500000"},
		{`fts:flow():id()`, "'" + webID + "'"},
		{`fts:text()`, "'the text'"},
		{`type(fts:key())`, "'string'"},
	}
	r := one(t, showLua+plug(`fts_monitor = { fts_guid = "{9FEB8ADE-ADBB-49AD-BC68-C6A02F389C71}",
  onnewfts = function(engine, fts) `+expressions("fts", sources(tests))+` end, onflush = function(engine, fts) end }`))
	d := &learned.Document{Text: "the text"}
	d.Flow, d.Time = web().Key, 1258892320_500000000
	m := r.metrics(newEngine("0")).Ledger.Document[0]
	m.New(d)
	m.Flush(d)
	compare(t, r, tests)
	check(t, "log", r.logs(), "")
}

func TestCounterMonitor(t *testing.T) {
	r := load(t, map[string]string{
		"group.lua": plug(`countergroup = { control = { guid = "{6ecb4ebb-d53b-470c-aca6-2f326b4c6c91}", name = "Packet Length",
    description = "distribution", bucketsize = 30, resolver_guid = "{4CD742B1-C1CA-4708-BE78-0FCA2EB01A86}" },
  meters = { { 0, T.K.vartype.RATE_COUNTER, 10, 0, "Bytes", "bytes", "B" }, { 1, T.K.vartype.COUNTER, 10, "Packets", "packets", "Pkts" } },
  keyinfo = { { "14/00", "change_cipher_spec" } } }`),
		"monitor.lua": plug(`cg_monitor = {
  counter_guid = function() return T.countergroups["Packet Length"] end,
  onload = function() print(T.monitor_group_name, T.enginetype, T.backend_engineid) end,
  onbeginflush = function(engine, ts) print("begin", ts) end,
  onflushfilter = function(engine, ts, key, m) print("filter", ts, key, m[1], m[2]) return key ~= "no", { -1, 7 } end,
  onflush = function(engine, ts, key, m) print("flush", ts, key, m[1], m[2]) end,
  onendflush = function(engine) print("end") end,
  onbegintopperflush = function(engine, ts, meter) print("toppers", ts, meter) return meter == 0 end,
  ontopperflushfilter = function(engine, key, metric) return metric > 5 end,
  ontopperflush = function(engine, key, metric) print("topper", key, metric) end,
  onendtopperflush = function(engine, meter) print("end toppers", meter) end,
  onupdate = function(engine, ts, key, m) print("update", ts, key, #m) end,
  onnewkey = function(engine, ts, key) print("new", ts, key) engine:update_counter(T.monitor_group_guid, key, 1, 1) end,
  onmetronome = function(engine, ts, count, interval) end }`),
	})
	for _, p := range r.problems.All() {
		t.Errorf("%v: %s", p.Pos, p.Text)
	}
	lane := newEngine("0")
	h := r.metrics(lane)
	m := h.Ledger.Counter[0]
	if g := m.Group; g.Name != "Packet Length" || g.Bucket.Seconds() != 30 || len(g.Meters) != 2 || g.Meters[1].Name != "Packets" || g.Meters[1].TopN != 10 ||
		g.Meters[0].Units != "B" || g.KeyInfo[0].Label != "change_cipher_spec" || g.Resolver == "" {
		t.Errorf("%+v", g)
	}
	m.NewKey(1, "k")
	m.Update(1, "k", []float64{1, 2})
	m.BeginFlush(60)
	keep, override := m.Filter(60, "k", []float64{1, 2.5})
	if !keep || fmt.Sprint(override) != "[-1 7]" {
		t.Error(keep, override)
	}
	if keep, _ := m.Filter(60, "no", nil); keep {
		t.Error("vote")
	}
	m.Flush(60, "k", []float64{1, 7})
	m.EndFlush(60)
	if !m.BeginToppers(60, 0) || m.BeginToppers(60, 1) || !m.TopperFilter("k", 6) || m.TopperFilter("k", 5) {
		t.Error("votes on toppers")
	}
	m.TopperFlush("k", 6)
	m.EndToppers(0)
	check(t, "printed", r.printed(), "Packet Length\tbackend\t0\nnew\t1\tk\nupdate\t1\tk\t2\nbegin\t60\nfilter\t60\tk\t1\t2.5\nfilter\t60\tno\tnil\tnil\n"+
		"flush\t60\tk\t1\t7\nend\ntoppers\t60\t0\ntoppers\t60\t1\ntopper\tk\t6\nend toppers\t0\n")
	check(t, "calls", strings.Join(lane.calls, ";"), "UpdateCounter({6ECB4EBB-D53B-470C-ACA6-2F326B4C6C91}, k, 1, 1)")
	check(t, "log", r.logs(), "")
}

func TestAttachment(t *testing.T) {
	for spec, want := range map[string]string{
		`counter_guid = "{4CD742B1-C1CA-4708-BE78-0FCA2EB01A86}"`:                                        "Hosts",
		`counter_guid = { "{4CD742B1-C1CA-4708-BE78-0FCA2EB01A86}" }, counter_name_match = "http hosts"`: "Hosts,HTTP Hosts",
		`counter_name_match = { "HTTP content", "vlan" }`:                                                "VLANStats,HTTP Content Types",
		`counter_name_regex = "(?i)^(mac|apps)$"`:                                                        "Apps,Mac",
		`counter_name_match = "no such"`:                                                                 "",
		`counter_guid = "{00000000-0000-0000-0000-000000000000}"`:                                        "",
		"": "",
	} {
		r := one(t, plug(`cg_monitor = { onflush = function() end, `+spec+` }`))
		h := r.metrics(newEngine("0"))
		var got []string
		for _, c := range h.Ledger.Counter {
			got = append(got, c.Group.Name)
		}
		check(t, spec, strings.Join(got, ","), want)
		if want == "" && !strings.Contains(r.logs(), "cg_monitor is attached to no group") {
			t.Error(r.logs())
		}
		r.end()
	}
}

// Without a GUID a monitor of alerts, resources or documents gets all of them.
// TestAttachmentFails has what says where a script is attached go wrong.
func TestAttachmentFails(t *testing.T) {
	for field, want := range map[string]string{
		`counter_guid = function() error("not now") end`:    "*test.lua: counter_guid: *test.lua:2: not now",
		`counter_guid = function() while true do end end`:   "*test.lua: counter_guid: *test.lua:2: execution time is over *",
		`counter_name_regex = "(", helper = function() end`: "*test.lua: *test.lua:2: counter_name_regex: invalid regular expression: *",
	} {
		r := one(t, plug("cg_monitor = {\n"+field+" }"), func(o *Options) { o.Burst = 20 * time.Millisecond })
		if _, err := r.Metrics(); err == nil {
			t.Errorf("%s: no error", field)
		} else {
			check(t, field, err.Error(), want)
		}
	}
}

func TestAttachedToAll(t *testing.T) {
	r := one(t, plug(`alert_monitor = { onflush = function() end }, resource_monitor = { onflush = function() end }, fts_monitor = { onflush = function() end }`))
	h := r.metrics(newEngine("0")).Ledger
	if len(h.Alert) != 1 || h.Alert[0].Group != "" || len(h.Resource) != 1 || h.Resource[0].Group != "" || len(h.Document) != 1 || h.Document[0].Group != "" {
		t.Errorf("%+v", h)
	}
}

func TestFlowTracker(t *testing.T) {
	r := one(t, plug(`flowtracker = { control = { name = "Tracker", description = "d", bucketsize = 300, count = 5 },
  onbeginflush = function(engine, ts) print("begin", ts) end,
  getmetric = function(engine, flow) if flow:za_bytes() > 5 then return flow:za_bytes() / 2 end end,
  onendflush = function(engine, ts) print("end", ts) end }`))
	h := r.metrics(newEngine("0")).Ledger
	tr := h.Tracker[0]
	if tr.Name != "Tracker" || tr.Description != "d" || tr.Bucket.Seconds() != 300 || tr.Count != 5 {
		t.Errorf("%+v", tr)
	}
	tr.BeginFlush(300)
	small := record()
	small.Count[flow.ToClient].Bytes = 5
	if a, b := tr.Metric(record()), tr.Metric(small); a != 15000 || b != 0 {
		t.Error(a, b)
	}
	tr.EndFlush(300)
	check(t, "printed", r.printed(), "begin\t300\nend\t300\n")
}

func TestEngineMonitor(t *testing.T) {
	r := one(t, plug(`engine_monitor = {
  onbeginflush = function(engine, ts) print("begin", ts, engine:instanceid(), engine:timestamp()) end,
  onendflush = function(engine, ts) print("end", ts) end,
  onmetronome = function(engine, ts, n, i) print("tick", ts, n, i) end }, onmessage = function(id, text) print(id, text) end`))
	h := r.metrics(newEngine("0")).Ledger
	h.Engine[0].BeginFlush(60)
	h.Engine[0].EndFlush(60)
	h.Metronome[0](61, 1, 1)
	h.OnMessage[0]("", "text")
	check(t, "printed", r.printed(), "begin\t60\t0\t1258892321\nend\t60\ntick\t61\t1\t1\n\ttext\n")
}

// Metric hooks do not have what only packet hooks can do.
func TestNotAvailable(t *testing.T) {
	r := one(t, showLua+plug(`engine_monitor = { onbeginflush = function(engine)
  for _, name in ipairs({ "update_counter_bytes", "add_flow_counter", "reset_flow_counter", "update_flow", "new_flow_record", "set_flow_duration", "disable_reassembly" }) do
    print(attempt(function() local x = engine[name](engine, "x", "y") return x end))
  end
end }`))
	r.metrics(newEngine("0")).Ledger.Engine[0].BeginFlush(60)
	want := ""
	for _, name := range []string{"update_counter_bytes", "add_flow_counter", "reset_flow_counter", "update_flow", "new_flow_record", "set_flow_duration", "disable_reassembly"} {
		want += "ERR *ERR_NOTAVAIL: " + name + "() is not available for backend scripts\n"
	}
	check(t, "printed", r.printed(), want)
}

// onload may turn a metric script off, too; asynchronous work comes back to it.
func TestMetricLife(t *testing.T) {
	r := load(t, map[string]string{
		"off.lua": plug(`engine_monitor = { onbeginflush = function() print("never") end, onmetronome = function() print("never") end },
  onload = function() return false end, onunload = function() print("never") end, onmessage = function() print("never") end`),
		"on.lua": plug(`engine_monitor = { onbeginflush = function()
    T.async:schedule({ data = "q", onexecute = function(q) return q .. "a" end, onresult = function(engine, q, a) print(q, a, engine:instanceid()) end })
  end }, onunload = function() print("bye") end`),
	})
	lane := newEngine("0")
	h := r.metrics(lane)
	for _, m := range h.Ledger.Engine {
		if m.BeginFlush != nil {
			m.BeginFlush(60)
		}
	}
	for _, f := range h.Ledger.Metronome {
		f(1, 1, 1)
	}
	for _, f := range h.Ledger.OnMessage {
		f("", "x")
	}
	r.finish(lane)
	h.Stop()
	check(t, "printed", r.printed(), "q\tqa\t0\nbye\n")
}
