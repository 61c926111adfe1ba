package observed

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"eddy/internal/config/model"
)

// TestEngineMethods runs a plugin that uses the engine's methods on the real one, and looks at what comes out.
func TestEngineMethods(t *testing.T) {
	eve := filepath.Join(t.TempDir(), "eve.json")
	out, r := printed(t, &model.Observe{Read: []string{shop}, Engines: 1, Eve: eve, Scripts: []string{plugin(t, `
		local MINE, HOSTS = "{5BFD8D10-5C52-4A1B-8A4C-0B1C5A9D7E11}", "{4CD742B1-C1CA-4708-BE78-0FCA2EB01A86}"
		local RES, ALERTS = "{9781DB2C-F78A-4F7F-A7E8-2B1A9A7BE71A}", "{B5F1DECB-51D5-4395-B71B-6FA730B772D9}"
		local n, chunks = 0, 0
		TrisulPlugin = {
			id = { name = "methods" },
			countergroup = { control = { guid = MINE, name = "Mine", description = "of the test", bucketsize = 60 },
				meters = { { 0, T.K.vartype.COUNTER, 10, 0, "Bytes", "bytes", "B" }, { 1, T.K.vartype.GAUGE, 10, 0, "Gauge", "gauge", "" } } },
			reassembly_handler = {
				onnewflow = function(engine, ts, flow)
					n = n + 1
					engine:tag_flow(flow:id(), "first" .. n)
					engine:tag_flow(flow:id(), string.rep("x", 64))
					engine:add_flow_counter(flow:id(), MINE, "follows", 0, 0)
					engine:update_counter(MINE, "key", 0, 7)
					engine:update_counter_raw(MINE, "key", 1, 3)
					engine:update_counter("{00000000-0000-0000-0000-000000000000}", "key", 0, 7)
					engine:update_key_info(MINE, "key", "A label")
					engine:set_key_attribute(MINE, "key", "speed", "10")
					engine:add_alert(ALERTS, flow:id(), "SIG", 1, "a \"message\"\n")
					engine:add_alert_full(ALERTS, nil, "FULL", "class", 2, "text", "CLEAR")
					engine:add_alert_tca(ALERTS, 12, "FIRED", "over")
					engine:add_resource(RES, flow:id(), "URI" .. n, string.rep("c", 40000))
					engine:add_edge(MINE, "a", HOSTS, "b")
					engine:add_flow_edges(flow:id(), ALERTS, "SIG")
					engine:update_flow("06A:C0.A8.01.02:p-0B94_D1.D8.F9.3A:p-0016", 0, 100)
					engine:set_flow_duration("06A:C0.A8.01.02:p-0B94_D1.D8.F9.3A:p-0016", 5)
					engine:add_flow_attribute(flow:id(), "Mood", "good")
					if n == 1 then engine:disable_reassembly(flow:id()) quiet = flow:id() end
				end,
				onpayload = function(engine, ts, flow) if flow:id() == quiet then print("payload of a flow that was given up") end chunks = chunks + 1 end,
				onattribute = function(engine, ts, flow, name, value) if name == "Mood" then print("mood " .. value) end end,
			},
			onunload = function() print(n .. " flows, payload " .. tostring(chunks > 0)) end,
		}`)}})
	text, err := os.ReadFile(eve)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"event_type":"counter".*"Mine".*"key":"key"`,
		`"event_type":"counter".*"Mine".*"key":"follows"`,
		`"event_type":"flow".*first1"`,
		`"event_type":"alert".*SIG`,
		`"event_type":"alert".*FULL.*`,
		`"event_type":"resource".*URI1"`,
		`"event_type":"edge".*"a"`,
		`"event_type":"keyinfo".*A label`,
		`"event_type":"flow".*"192.168.1.2".*"bytes_toserver":\d+`,
	} {
		if !regexp.MustCompile(want).Match(text) {
			t.Errorf("no event like %s", want)
		}
	}
	if strings.Contains(string(text), strings.Repeat("x", 64)) {
		t.Error("a tag that is too long was taken")
	}
	if strings.Contains(string(text), strings.Repeat("c", 33000)) {
		t.Error("contents that are too long were taken")
	}
	if strings.Contains(out, "given up") || !strings.Contains(out, "mood good") || !strings.Contains(out, "payload true") {
		t.Errorf("printed: %s", out)
	}
	unknown := uint64(0)
	for _, d := range r.Drops {
		if strings.Contains(d.Name, "unknown groups") {
			unknown = d.N
		}
	}
	if unknown == 0 {
		t.Errorf("updates of an unknown group were not counted: %v", r.Drops)
	}
	var alerts uint64
	for _, a := range r.Alerts {
		alerts += a.N
	}
	if alerts == 0 {
		t.Error("no alerts in the report")
	}
}

// A report hook that tells of flows and of attributes itself calls no hook inside of another, and comes to an end.
func TestReportsOfReports(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.lua": `local told
			TrisulPlugin = { id = { name = "a" }, reassembly_handler = {
				onnewflow = function(engine, ts, flow)
					if told then return end
					told = true
					for i = 1, 3 do engine:new_flow_record(flow:id(), i, 0, 1, 0) end
				end,
				onattribute = function(engine, ts, flow, name, value) if name == "Seen" then print("seen " .. value) end end } }`,
		"b.lua": `local n = 0
			TrisulPlugin = { id = { name = "b" }, message_monitor = { onnewflowrecord = function(engine, flow, az)
				n = n + 1
				engine:add_flow_attribute(flow:id(), "Seen", tostring(az))
				engine:new_flow_record(flow:id(), 100, 0, 1, 0)
			end }, onunload = function() print("told " .. tostring(n > 3)) end }`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out, _ := printed(t, &model.Observe{Read: []string{shop}, Engines: 1, Scripts: []string{dir}})
	for _, want := range []string{"seen 1\n", "seen 2\n", "seen 3\n", "seen 100\n", "told true\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in %s", want, out)
		}
	}
}
