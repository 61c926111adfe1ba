package trisul

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"eddy/internal/fastpath/extract"
	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/packet"
)

// showLua is Lua that makes values comparable: tables sorted, strings in quotes.
const showLua = `
function show(...)
  local function one(v)
    if type(v) == "table" and not getmetatable(v) then
      local t = {}
      for k, x in pairs(v) do t[#t + 1] = tostring(k) .. "=" .. one(x) end
      table.sort(t)
      return "{" .. table.concat(t, " ") .. "}"
    elseif type(v) == "string" then
      return "'" .. v .. "'"
    end
    return tostring(v)
  end
  local out = {}
  for i = 1, select("#", ...) do out[i] = one((select(i, ...))) end
  return table.concat(out, " ")
end
-- attempt gives what an expression does: its values, or its error.
function attempt(f, ...)
  local t = table.pack(pcall(f, ...))
  if t[1] then return show(table.unpack(t, 2, t.n)) end
  return "ERR " .. tostring(t[2])
end
`

// expressions makes Lua that prints the outcome of each expression, a line each.
func expressions(params string, list []string) string {
	var b strings.Builder
	for _, e := range list {
		fmt.Fprintf(&b, "io.write(attempt(function(%s) return %s end, %s), '\\0')\n", params, e, params)
	}
	return b.String()
}

type expression struct{ lua, want string }

// compare checks what a script printed against a table.
func compare(t *testing.T, r *rig, tests []expression) {
	t.Helper()
	got := strings.Split(strings.TrimSuffix(r.printed(), "\x00"), "\x00")
	if len(got) != len(tests) {
		t.Fatalf("%d lines for %d expressions:\n%q\n%s", len(got), len(tests), got, r.logs())
	}
	for i, tt := range tests {
		check(t, tt.lua, got[i], tt.want)
	}
}

func sources(tests []expression) []string {
	var list []string
	for _, tt := range tests {
		list = append(list, tt.lua)
	}
	return list
}

// onPacket evaluates expressions in an onpacket on the IPv4 layer of frame().
func onPacket(t *testing.T, tests []expression) (*rig, *engine) {
	t.Helper()
	r := one(t, showLua+counterPlugin(expressions("engine, layer", sources(tests))))
	e := newEngine("77BAB82")
	h := r.on(e)
	p := frame()
	e.packet = p
	h.Packet(p, web())
	compare(t, r, tests)
	return r, e
}

func TestPacket(t *testing.T) {
	onPacket(t, []expression{
		{`layer:packet():timestamp()`, "1258892321 250000"},
		{`layer:packet():wire_length()`, "59"},
		{`layer:packet():capture_length()`, "59"},
		{`layer:packet():num_layers()`, "4"},
		{`layer:packet():originid()`, "3"},
		{`layer:packet():rawbytes():size()`, "59"},
		{`layer:packet():rawbytes():hval_16(12)`, "2048"},
		{`layer:packet():get_layer(0):protocol_id()`, "'{974FB098-DE46-45DB-94DA-8D64A3BBCDE5}'"},
		{`layer:packet():get_layer(3):rawbytes():tostring()`, "'hello'"},
		{`layer:packet():get_layer(4)`, "nil"},
		{`layer:packet():get_layer(-1)`, "nil"},
		{`layer:packet():find_layer("{77e462ab-2e42-42ec-9a58-c1a6821d6b31}"):layer_bytes()`, "20"},
		{`layer:packet():find_layer("{14D7AB53-CC51-47e9-8814-9C06AAE60189}")`, "nil"},
		{`layer:packet():flowid():id()`, "'" + webID + "'"},
		{`layer:packet():set_packet(1, 2, 1, "x")`, "ERR *packet:set_packet: only an input filter's step can make packets"},
		{`layer:packet():set_packetstore_policy(2)`, ""},
		{`layer:packet():set_timestamp(1000, 5)`, ""},
		{`layer:packet():timestamp()`, "1000 5"},
	})
}

func TestLayer(t *testing.T) {
	onPacket(t, []expression{
		{`layer:layer_bytes()`, "20"},
		{`layer:total_bytes()`, "59"},
		{`layer:protocol_id()`, "'{0A2C724B-5B9F-4BA6-9C97-B05080558574}'"},
		{`layer:rawbytes():size()`, "20"},
		{`layer:packet() == layer:packet()`, "true"},
		{`layer:testbit(1), layer:testbit(0)`, "true false"}, // 0x45
		{`layer:testbit(100000)`, "ERR *bit 100000 is outside *"},
		{`layer:getbyte(9)`, "6"},
		{`layer:getbyte(20)`, "11"}, // behind the header: TCP's first byte
		{`layer:getbyte(45)`, "ERR *offset 45 is outside *"},
		{`layer:flowkey()`, "'" + webID + "'"},
		{`tostring(layer)`, "'a Layer'"},
	})
}

func TestBuffer(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "out")
	onPacket(t, []expression{
		{`layer:rawbytes():size(), layer:rawbytes():length()`, "20 20"},
		{`layer:rawbytes():hval_8(0)`, "69"},
		{`layer:rawbytes():hval_16(4)`, "41928"},
		{`layer:rawbytes():hval_24(4)`, "10733632"},
		{`layer:rawbytes():hval_32(12)`, "3232235778"},
		{`T.util.ntop(layer:rawbytes():hval_32(12))`, "'192.168.1.2'"},
		{`layer:rawbytes():hval_32(44)`, "ERR *offset 44 is outside *"},
		{`#layer:rawbytes():tostring()`, "20"},
		{`layer:packet():rawbytes():tostring(54)`, "'hello'"},
		{`layer:packet():rawbytes():tostring(54, 4)`, "'hell'"},
		{`layer:packet():rawbytes():tostring(54, 400)`, "'hello'"},
		{`layer:rawbytes():hexdump()`, "'00000000   45 00 00 2d a3 c8 40 00 35 06 15 4a c0 a8 01 02    E..-..@.5..J....\n" +
			"00000010   d1 d8 f9 3a                                        ...:\n'"},
		{`layer:rawbytes():hexdump(12, 4)`, "'00000000   c0 a8 01 02                                        ....\n'"},
		{`layer:packet():get_layer(3):rawbytes():appendtofile("` + file + `")`, ""},
		{`layer:packet():get_layer(3):rawbytes():appendtofile("` + file + `")`, ""},
		{`layer:packet():get_layer(3):rawbytes():writetofile("` + file + `", 4)`, ""},
		{`layer:packet():get_layer(3):rawbytes():writetofile("` + dir + `/none/x", 4)`, "ERR *none*"},
		{`layer:packet():get_layer(3):rawbytes():writetofile("` + file + `", "x")`, "ERR *argument 2 must be an offset*"},
	})
	if got, err := os.ReadFile(file); err != nil || string(got) != "hellhelloo" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestKept uses objects after the hooks that were given them.
func TestKept(t *testing.T) {
	r := one(t, showLua+`
TrisulPlugin = { id = { name = "kept" }, reassembly_handler = {
  onpayload = function(engine, ts, flow, dir, pos, buffer)
    if kept then
      print(attempt(function() return kept:size() end))
      print(attempt(function() return kept:tostring() end))
      print(attempt(function() return kept:appendtofile("/tmp/never") end))
      print(attempt(function() return kept_flow:ipa_readable() end))
    end
    kept, kept_flow = buffer, flow
  end,
  onterminateflow = function()
    print(attempt(function() return kept:hval_8(0) end))
  end } }`)
	h, f := r.on(newEngine("0")), web()
	h.FlowStart(f)
	h.Payload(f, flow.ToServer, 0, []byte("one"))
	h.Payload(f, flow.ToServer, 3, []byte("two"))
	h.FlowEnd(f)
	want := "ERR *these bytes are gone*\nERR *these bytes are gone*\n" +
		"ERR *only inside of the hook that was given it*\n'192.168.1.2'\nERR *these bytes are gone*\n"
	check(t, "kept", r.printed(), want)
}

func TestFlowID(t *testing.T) {
	v6 := `T.v6()`
	tests := []expression{
		{`flow:id(), flow:key()`, "'" + webID + "' '" + webID + "'"},
		{`flow:protocol()`, "'06'"},
		{`flow:ipa(), flow:ipz()`, "'C0.A8.01.02' 'D1.D8.F9.3A'"},
		{`flow:ipa_readable(), flow:ipz_readable()`, "'192.168.1.2' '209.216.249.58'"},
		{`flow:porta(), flow:portz()`, "'p-0B94' 'p-0050'"},
		{`flow:porta_readable(), flow:portz_readable()`, "'2964' '80'"},
		{`flow:flow_type()`, "'A'"},
		{`flow:to_s()`, "'TCP  192.168.1.2     2964  209.216.249.58  80   '"},
		{`flow:netflow_router(), flow:netflow_ifindex_in(), flow:netflow_ifindex_out()`, "nil nil nil"},
		{`flow:netflow_router_readable(), flow:netflow_ifindex_in_readable(), flow:netflow_ifindex_out_readable()`, "nil nil nil"},
		{`tostring(flow)`, "'" + webID + "'"},
		{v6 + `:ipa_readable()`, "'ff02::2'"},
		{v6 + `:ipz_readable()`, "'2001:db8:0:1::'"},
		{v6 + `:flow_type(), ` + v6 + `:porta_readable()`, "'B' '65535'"},
		{v6 + `:protocol()`, "'11'"},
		{`T.netflow():netflow_router(), T.netflow():netflow_router_readable()`, "'0A.81.4A.92' '10.129.74.146'"},
		{`T.netflow():netflow_ifindex_in(), T.netflow():netflow_ifindex_in_readable()`, "'0000000A' '10'"},
		{`T.netflow():netflow_ifindex_out(), T.netflow():netflow_ifindex_out_readable()`, "'0000000B' '11'"},
		{`T.netflow():to_s()`, "'TCP  10.131.17.9     61868 116.90.243.38   52311 10.129.74.146   10      11     '"},
	}
	// Objects for other ids come from the class of the one that a hook is given.
	r := one(t, showLua+`
local function like(flow, id) return setmetatable({ id }, getmetatable(flow)) end
TrisulPlugin = { id = { name = "flows" }, reassembly_handler = { onnewflow = function(engine, ts, flow)
  T.v6 = function() return like(flow, "11B:FF020000000000000000000000000002:p-FFFF_20010DB8000000010000000000000000:p-0035") end
  T.netflow = function() return like(flow, "06C:0A.83.11.09:p-F1AC_74.5A.F3.26:p-CC57_0A.81.4A.92_0000000A_0000000B") end
`+expressions("flow", sources(tests))+`
end } }`)
	r.on(newEngine("0")).FlowStart(web())
	compare(t, r, tests)
}

func TestHeader(t *testing.T) {
	tests := []expression{
		{`req:is_request(), req:is_response()`, "true false"},
		{`resp:is_request(), resp:is_response()`, "false true"},
		{`req:get_path(), resp:get_path()`, "'/a/b' '/a/b'"},
		{`req:get_value("host")`, "'example.org'"},
		{`req:get_value("X-None")`, "nil"},
		{`resp:get_value("Content-Type")`, "'application/x-shockwave-flash'"},
		{`resp:get_all_headers()`, "{Content-Type='application/x-shockwave-flash' Via='one, two'}"},
		{`req:get_method(), req:is_method("GET"), req:is_method("POST")`, "'GET' true false"},
		{`resp:get_status(), req:get_status()`, "404 nil"},
		{`resp:match_value("Content-Type", "(shockwave|msdownload)")`, "true"},
		{`resp:match_value("Content-Type", "^video")`, "false"},
		{`resp:match_value("Other", ".")`, "false"},
		{`resp:match_value("Content-Type", "(")`, "ERR *invalid regular expression*"},
	}
	r := one(t, showLua+`
TrisulPlugin = { id = { name = "heads" }, filex_monitor = {
  onfile_http = function(engine, ts, flow, path, req, resp, length, partial)
`+expressions("req, resp", sources(tests))+`
    kept = req
  end,
  onterminateflow = function() io.write(attempt(function() return kept:get_path() end)) end,
} }`)
	h, f := r.on(newEngine("0")), web()
	h.FlowStart(f)
	x := &extract.Exchange{
		Request: &extract.Head{Method: "GET", Target: "http://example.org/a/b?x=1", Headers: []extract.Header{{Name: "Host", Value: "example.org"}}},
		Response: &extract.Head{Status: 404, Headers: []extract.Header{
			{Name: "Content-Type", Value: "application/x-shockwave-flash"}, {Name: "Via", Value: "one"}, {Name: "Via", Value: "two"},
		}},
	}
	file := file(t, ramStore(t), "/a/b", "x")
	defer file.Release()
	h.File(f, x, flow.ToClient, file, false)
	h.FlowEnd(f)
	compare(t, r, append(tests, expression{"kept", "ERR *only inside of the hook*"}))
}

// A head that was not seen is empty, and not nil: scripts do not look.
func TestHeaderUnseen(t *testing.T) {
	r := one(t, showLua+`
TrisulPlugin = { id = { name = "heads" }, filex_monitor = {
  onfile_http = function(engine, ts, flow, path, req, resp)
    print(show(req:is_request(), req:get_path(), req:get_method(), req:get_value("Host"), req:get_all_headers()))
    print(show(resp:is_response(), resp:get_status(), resp:get_value("Host")))
  end } }`)
	h, f := r.on(newEngine("0")), web()
	h.FlowStart(f)
	file := file(t, ramStore(t), "/a/b", "x")
	defer file.Release()
	h.File(f, &extract.Exchange{}, flow.ToClient, file, false)
	check(t, "heads", r.printed(), "true nil nil nil {}\ntrue nil nil\n")
}

// The engine's methods, and what the lane is asked for.
func TestEngine(t *testing.T) {
	const guid = "'{4cd742b1-c1ca-4708-be78-0fca2eb01a86}'"
	const norm = "{4CD742B1-C1CA-4708-BE78-0FCA2EB01A86}"
	id := "'" + webID + "'"
	tests := []struct{ lua, want string }{
		{`engine:update_counter(` + guid + `, "182.28.22.123", 1, 288378)`, "UpdateCounter({4cd742b1-c1ca-4708-be78-0fca2eb01a86}, 182.28.22.123, 1, 288378)"},
		{`engine:update_counter_raw(` + guid + `, "k", 0, 2.5)`, "UpdateCounterRaw({4cd742b1-c1ca-4708-be78-0fca2eb01a86}, k, 0, 2.5)"},
		{`engine:update_counter_bytes(` + guid + `, "k", 3)`, "UpdateCounter({4cd742b1-c1ca-4708-be78-0fca2eb01a86}, k, 3, 59)"},
		{`engine:update_key_info(` + guid + `, "0A:11", "Router1")`, "UpdateKeyInfo(" + norm + ", 0A:11, Router1, )"},
		{`engine:update_key_info(` + guid + `, "0A:11", "Router1", "text")`, "UpdateKeyInfo(" + norm + ", 0A:11, Router1, text)"},
		{`engine:set_key_attribute(` + guid + `, "1ge/0/0", "speed", "1000")`, "SetKeyAttribute(" + norm + ", 1ge/0/0, speed, 1000)"},
		{`engine:add_alert(` + guid + `, ` + id + `, "SIG", 1, "text")`, "AddAlert(" + norm + ", " + webID + ", SIG, , 1, text, , false)"},
		{`engine:add_alert(` + guid + `, nil, "SIG", 2, "text")`, "AddAlert(" + norm + ", , SIG, , 2, text, , false)"},
		{`engine:add_alert_full(` + guid + `, ` + id + `, "SIG", "class", 3, "text", "BLOCK")`, "AddAlert(" + norm + ", " + webID + ", SIG, class, 3, text, BLOCK, false)"},
		{`engine:add_alert_full(` + guid + `, nil, "SIG", nil, 3, "text")`, "AddAlert(" + norm + ", , SIG, , 3, text, , false)"},
		{`engine:add_alert_tca(` + guid + `, 17, "FIRED", "text")`, "AddAlert(" + norm + ", , 17, , 0, text, FIRED, true)"},
		{`engine:add_resource(` + guid + `, ` + id + `, "uri", "contents")`, "AddResource(" + norm + ", " + webID + ", uri, contents)"},
		{`engine:add_resource(` + guid + `, layer:packet():flowid(), "uri")`, "AddResource(" + norm + ", " + webID + ", uri, )"},
		{`engine:add_flow_counter(` + id + `, ` + guid + `, "video", 1, 2)`, "AddFlowCounter(" + webID + ", " + norm + ", video, 1, 2)"},
		{`engine:reset_flow_counter(` + id + `, ` + guid + `)`, "ResetFlowCounter(" + webID + ", " + norm + ")"},
		{`engine:tag_flow(` + id + `, "suspect")`, "TagFlow(" + webID + ", suspect)"},
		{`engine:update_flow(` + id + `, 1, 100)`, "UpdateFlow(" + webID + ", 1, 100)"},
		{`engine:update_flow_raw(` + id + `, 1, 100)`, "UpdateFlow(" + webID + ", 1, 100)"},
		{`engine:terminate_flow(` + id + `) engine:tag_flow(` + id + `, "t")`, "TagFlow(" + webID + ", t)"},
		{`engine:new_flow_record(` + id + `, 1, 2, 3, 4)`, "NewFlowRecord(" + webID + ", 1, 2, 3, 4)"},
		{`engine:set_flow_duration(` + id + `, 60)`, "SetFlowDuration(" + webID + ", 60)"},
		{`engine:disable_reassembly(` + id + `)`, "DisableReassembly(" + webID + ")"},
		{`engine:disable_reassembly(layer:packet():flowid())`, "DisableReassembly(" + webID + ")"},
		{`engine:post_message_frontend("all")`, "PostFrontend(, all)"},
		{`engine:post_message_frontend("{ID}", "some")`, "PostFrontend({ID}, some)"},
		{`engine:post_message_backend("all")`, "PostBackend(, all)"},
		{`engine:post_message_backend("{ID}", "some")`, "PostBackend({ID}, some)"},
		{`engine:add_edge(` + guid + `, "a", "{98348488-45A7-45FD-450E-45838053800D}", "b")`, "AddEdge(" + norm + ", a, {98348488-45A7-45FD-450E-45838053800D}, b)"},
		{`engine:add_flow_edges(` + id + `, ` + guid + `, "PING")`, "AddEdge(" + norm + ", PING, " + hosts + ", C0.A8.01.02)*AddEdge(" + hosts + ", D1.D8.F9.3A, " + norm + ", PING)*p-0050*"},
		{`engine:add_flow_attribute(` + id + `, "name", "value")`, "AddFlowAttribute(" + webID + ", name, value)"},
		{`layer:packet():set_packetstore_policy(2)`, "StorePacket(2)"},
		{`T.host:createkey(` + guid + `, "k", "label")`, "UpdateKeyInfo(" + norm + ", k, label, )"},
		{`T.host:broadcast("{ID}", "{CLASS}", "text")`, "PostFrontend({ID}, text);PostBackend({ID}, text)"},
		{`engine:postmessage_backend("all")`, "PostBackend(, all)"},
		{`engine:postmessage_frontend("{ID}", "some")`, "PostFrontend({ID}, some)"},
		{`engine:add_alert(` + guid + `, nil, "SIG", 0/0, "text")`, "AddAlert(" + norm + ", , SIG, , 0, text, , false)"},
		{`engine:add_alert(` + guid + `, nil, "SIG", 1e300, ("x"):rep(1e6))`, "AddAlert(" + norm + ", , SIG, , 2147483647, " + strings.Repeat("x", 32<<10) + ", , false)"},
		{`engine:new_flow_record(` + id + `, 1.5, -2, 0/0, 1e300)`, "NewFlowRecord(" + webID + ", 1, 0, 0, 4611686018427387904)"},
		{`engine:update_counter(` + guid + `, "k", 0, 0/0)`, ""}, // does not count
		{`engine:update_counter_raw(` + guid + `, "k", 0, -1/0)`, ""},
		{`engine:update_flow(` + id + `, 0, 1/0)`, ""},
		{`print(show(engine:timestamp(), engine.instanceid(), engine:probeid()))`, ""},
		{`engine:update_counter(` + guid + `, "k", 1)`, ""}, // fails
		{`engine.update_counter(` + guid + `, "k", 1, 1)`, ""},
		{`engine:add_alert("x", nil, "SIG", "high", "text")`, ""},
	}
	for _, tt := range tests {
		r := one(t, showLua+counterPlugin(tt.lua))
		e := newEngine("77BAB82")
		h := r.on(e)
		p := frame()
		e.packet = p
		h.Packet(p, web())
		check(t, tt.lua, strings.Join(e.calls, ";"), tt.want)
		switch {
		case strings.Contains(tt.lua, "instanceid"):
			check(t, tt.lua, r.printed(), "1258892321 '77BAB82' 'probe0'\n")
		case tt.want == "":
			want := "4 [test.lua] onpacket: *test.lua:*: *"
			if strings.Contains(tt.lua, "/0)") {
				want = "4 [test.lua] engine: a counter of * was to be updated with *, which does not count"
			}
			check(t, tt.lua, r.logs(), want)
		default:
			check(t, tt.lua, r.logs(), "")
		}
		r.end()
	}
}

const hosts = "{4CD742B1-C1CA-4708-BE78-0FCA2EB01A86}"

// A packet that is not IP has a flow id of zeroes.
func TestNoFlow(t *testing.T) {
	r := one(t, `TrisulPlugin = { id = { name = "arp" }, simplecounter = { protocol_guid = "{974FB098-DE46-45db-94DA-8D64A3BBCDE5}",
  onpacket = function(engine, layer) print(layer:flowkey(), layer:packet():flowid():ipa_readable()) end } }`)
	p := &packet.Packet{}
	p.Data = make([]byte, 42)
	p.Layers[0], p.NLayers = packet.Layer{Proto: packet.Ethernet, Len: 14}, 1
	r.on(newEngine("0")).Packet(p, nil)
	check(t, "flow id", r.printed(), "00A:00.00.00.00:p-0000_00.00.00.00:p-0000\t0.0.0.0\n")
}
