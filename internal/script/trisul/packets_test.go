package trisul

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"eddy/internal/fastpath/counter"
	"eddy/internal/fastpath/extract"
	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/learned"
	"eddy/internal/fastpath/packet"
	"eddy/internal/fastpath/shard"
)

// plug makes a plugin of script types.
func plug(types string) string { return "TrisulPlugin = { id = { name = 'test' }, " + types + " }" }

func TestReassembly(t *testing.T) {
	r := load(t, map[string]string{
		"a.lua": plug(`reassembly_handler = {
  filter = function(engine, ts, flow) print("a filter", ts, flow:porta_readable()) return flow:portz_readable() == "80" end,
  onnewflow = function(engine, ts, flow) print("a new", ts, flow:id()) end,
  onpayload = function(engine, ts, flow, dir, pos, buffer) print("a payload", ts, dir, pos, buffer:tostring()) end,
  onterminateflow = function(engine, ts, flow) print("a end", ts) end }`),
		"b.lua": plug(`reassembly_handler = {
  filter = function() return false end,
  onnewflow = function() print("b new") end,
  onpayload = function() print("b payload") end,
  onattribute = function(engine, ts, flow, name, value) print("b attribute", ts, name, value) end }`),
	})
	e := newEngine("0")
	h, f := r.on(e), web()
	if w := h.Wants(); w != shard.WantFlows|shard.WantPayload|shard.WantAttributes {
		t.Errorf("wants %b", w)
	}
	if payload, files := h.FlowStart(f); !payload || files {
		t.Error("votes:", payload, files)
	}
	h.Payload(f, flow.ToServer, 0, []byte("GET"))
	h.Payload(f, flow.ToClient, 10, []byte("HTTP"))
	h.Attribute(f, "", "")
	h.Attribute(f, "Host", "example.org")
	h.FlowEnd(f)
	mail := web()
	mail.Key.DstPort = 25
	if payload, _ := h.FlowStart(mail); payload {
		t.Error("nobody wanted this flow")
	}
	h.Payload(mail, flow.ToServer, 0, []byte("EHLO"))
	h.FlowEnd(mail)
	dns := web()
	dns.Key.Proto = 17
	h.FlowStart(dns)
	h.Attribute(dns, "^D", "")
	check(t, "hooks", r.printed(), "a filter\t1258892320\t2964\na new\t1258892320\t"+webID+"\n"+
		"a payload\t1258892320\t1\t0\tGET\na payload\t1258892320\t0\t10\tHTTP\n"+
		"b attribute\t1258892320\t\t\nb attribute\t1258892320\tHost\texample.org\na end\t1258892321\na filter\t1258892320\t2964\n")
	if len(h.flows) != 0 {
		t.Errorf("%d flows are remembered", len(h.flows))
	}
	check(t, "log", r.logs(), "")
}

// TestAttributeLoop adds attributes from the hook that is told of them.
func TestAttributeLoop(t *testing.T) {
	r := one(t, plug(`reassembly_handler = { onattribute = function(engine, ts, flow, name, value)
  print(name, value)
  if name == "Host" then
    engine:add_flow_attribute(flow, "Seen", value)
    engine:disable_reassembly(flow:id())
    print("done")
  end
end }`))
	e := newEngine("0")
	h, f := r.on(e), web()
	e.flow = f
	h.Attribute(f, "Host", "x")
	check(t, "order", r.printed(), "Host\tx\ndone\nSeen\tx\n") // never inside of a run
	check(t, "calls", strings.Join(e.calls, ";"), "DisableReassembly("+webID+");AddFlowAttribute("+webID+", Seen, x)")
}

// TestAttributeStorm answers each attribute with another one.
func TestAttributeStorm(t *testing.T) {
	r := one(t, plug(`reassembly_handler = { onattribute = function(engine, ts, flow, name, value)
  print(name)
  engine:add_flow_attribute(flow:id(), name .. "x", value)
end }`))
	e := newEngine("0")
	h, f := r.on(e), web()
	e.flow = f
	h.Attribute(f, "a", "")
	h.Attribute(f, "b", "")
	check(t, "printed", r.printed(), "a\nax\n*\nb\nbx\n*")
	if n := strings.Count(r.printed(), "\n"); n != 2*maxNested {
		t.Errorf("%d calls", n)
	}
}

func TestFiles(t *testing.T) {
	r := load(t, map[string]string{
		"a.lua": plug(`filex_monitor = {
  filter_flow = function(engine, ts, flow) return flow:ipa_readable() == "192.168.1.2" end,
  filter = function(engine, ts, flow, header)
    print("a filter", header:is_request(), header:get_path())
    if header:is_request() then return not header:get_path():match("skip") end
    return header:match_value("Content-Type", "pdf")
  end,
  onpayload_raw = function(engine, ts, flow, dir, pos, buffer) print("a raw", dir, pos, buffer:size()) end,
  onpayload_http = function(engine, ts, flow, path, req, resp, dir, pos, buffer) print("a http", path, req:get_path(), dir, pos, buffer:size()) end,
  onfile_http = function(engine, ts, flow, path, req, resp, length, partial) print("a file", ts, path, length, partial) end,
  onterminateflow = function(engine, ts, flow) print("a end", ts) end }`),
		"b.lua": plug(`filex_monitor = {
  filter_flow = function() return false end,
  onfile_http = function() print("b file") end }`),
	})
	h, f := r.on(newEngine("0")), web()
	want := shard.WantFlows | shard.WantHTTPHeads | shard.WantHTTPPayload | shard.WantFiles | shard.WantRawPayload
	if w := h.Wants(); w != want {
		t.Errorf("wants %b, not %b", w, want)
	}
	if _, files := h.FlowStart(f); !files {
		t.Error("a wants files")
	}
	store := ramStore(t)
	say := func(n int, path, kind string) *extract.Exchange {
		return &extract.Exchange{N: n, Request: &extract.Head{Method: "GET", Target: path},
			Response: &extract.Head{Status: 200, Headers: []extract.Header{{Name: "Content-Type", Value: kind}}}}
	}
	for i, tt := range []struct {
		path, kind    string
		request, both bool
	}{{"/a.pdf", "application/pdf", true, true}, {"/b.html", "text/html", true, false}, {"/skip.pdf", "application/pdf", false, false}} {
		x := say(i, tt.path, tt.kind)
		if got := h.FileHead(f, x, flow.ToServer); got != tt.request {
			t.Errorf("%s: request %v", tt.path, got)
		}
		if got := h.FileHead(f, x, flow.ToClient); got != tt.both {
			t.Errorf("%s: answer %v", tt.path, got)
		}
		file := file(t, store, tt.path, "12345")
		h.HTTPPayload(f, x, flow.ToClient, "/ram/x", 0, []byte("12345"))
		h.HTTPPayload(f, x, flow.ToClient, "/ram/x", 5, nil)
		h.File(f, x, flow.ToClient, file, true)
		file.Release()
	}
	h.RawPayload(f, flow.ToClient, 7, []byte("raw"))
	h.FlowEnd(f)
	check(t, "hooks", r.printed(), "a filter\ttrue\t/a.pdf\na filter\tfalse\t/a.pdf\n"+
		"a http\t/ram/x\t/a.pdf\t1\t0\t5\na http\t/ram/x\t/a.pdf\t1\t5\t0\na file\t1258892321\t*a.pdf*\t5\ttrue\n"+
		"a filter\ttrue\t/b.html\na filter\tfalse\t/b.html\na filter\ttrue\t/skip.pdf\na raw\t1\t7\t3\na end\t1258892321\n")
	check(t, "log", r.logs(), "")
}

func TestStorage(t *testing.T) {
	r := load(t, map[string]string{
		"a.lua": plug(`packet_storage = {
  filter = function(engine, ts, flow) return flow:portz_readable() == "80" and 5 or -1 end,
  filter_payload = function(engine, ts, flow, dir, pos, buffer) print(dir, pos, buffer:size()) return buffer:hval_8(0) == 22 and 0 or 99 end }`),
		"b.lua": plug(`packet_storage = { filter = function(engine, ts, flow) return 4 end }`),
	})
	h, f := r.on(newEngine("0")), web()
	if h.Wants()&shard.WantStore == 0 {
		t.Error("does not want to decide")
	}
	if got := h.Store(f); got != 4 {
		t.Errorf("policy %d, not the more liberal one", got)
	}
	for _, tt := range []struct {
		dir  flow.Dir
		data string
		want int
	}{{flow.ToServer, "GET", -1}, {flow.ToServer, "\x16", -1}, {flow.ToClient, "\x16\x03", 0}, {flow.ToClient, "x", 0}} {
		if got := h.StorePayload(f, tt.dir, 0, []byte(tt.data)); got != tt.want {
			t.Errorf("%q: policy %d, want %d", tt.data, got, tt.want)
		}
	}
	h.FlowEnd(f)
	check(t, "first chunks", r.printed(), "0\t0\t3\n1\t0\t2\n")
}

func TestLiberal(t *testing.T) {
	order := []int{-1, 0, 2, 5, 4, 3, 6, 1}
	for i, a := range order {
		for j, b := range order {
			if got := merge(a, b); got != order[max(i, j)] {
				t.Errorf("merge(%d, %d) = %d", a, b, got)
			}
		}
	}
}

func TestProtocolHandler(t *testing.T) {
	r := load(t, map[string]string{
		"low.lua": plug(`protocol_handler = {
  control = { guid = "{E1BD4415-DED3-4D81-974A-3E23C8CE6F5B}", name = "LOW",
    host_protocol_guid = '{77e462ab-2e42-42ec-9a58-c1a6821d6b31}', host_protocol_ports = { 80, 81 } },
  parselayer = function(layer)
    print("low", layer:layer_bytes(), layer:getbyte(0), layer:packet():wire_length())
    if layer:getbyte(0) == 104 then return 2, "{E1BD4415-DED3-4D81-974A-3E23C8CE6F5C}" end
  end }`),
		"top.lua": plug(`protocol_handler = {
  control = { guid = "{e1bd4415-ded3-4d81-974a-3e23c8ce6f5c}", name = "TOP" },
  parselayer = function(layer) return 1, nil end }`),
		"over.lua": plug(`protocol_handler = {
  control = { guid = "{E1BD4415-DED3-4D81-974A-3E23C8CE6F5D}", name = "OVER", host_protocol_guid = "{E1BD4415-DED3-4D81-974A-3E23C8CE6F5C}" },
  parselayer = function(layer) return layer:layer_bytes() / 2 end }`),
		"use.lua": plug(`simplecounter = { protocol_guid = "{E1BD4415-DED3-4D81-974A-3E23C8CE6F5C}",
  onpacket = function(engine, layer) print("top", layer:protocol_id(), layer:rawbytes():tostring()) end }`),
	})
	h := r.on(newEngine("0"))
	p := frame()
	h.Layer(p)
	h.Packet(p, web())
	// "low" announces what follows; "over" is attached to what it follows.
	low, top, over := r.id("6F5B"), r.id("6F5C"), r.id("6F5D")
	want := []packet.Layer{
		{Proto: packet.Custom, ID: low, Off: 54, Len: 2}, {Proto: packet.Custom, ID: top, Off: 56, Len: 1},
		{Proto: packet.Custom, ID: over, Off: 57, Len: 1}, {Proto: packet.Payload, Off: 58, Len: 1},
	}
	if got := p.Layers[3:p.NLayers]; !slices.Equal(got, want) {
		t.Errorf("layers %v, want %v", got, want)
	}
	other := frame()
	other.DstPort = 25
	h.Layer(other) // not its port
	refused := frame()
	refused.Data = append([]byte(nil), refused.Data...)
	refused.Data[54] = 'x'
	h.Layer(refused)
	if refused.NLayers != 4 || refused.Layers[3].Proto != packet.Payload {
		t.Errorf("layers of a packet that was not recognised: %v", refused.Layers[:refused.NLayers])
	}
	check(t, "hooks", r.printed(), "low\t5\t104\t59\ntop\t{E1BD4415-DED3-4D81-974A-3E23C8CE6F5C}\tl\nlow\t5\t120\t59\n")
	check(t, "log", r.logs(), "")
}

// id is the number of a protocol that a plugin declares, by the end of its GUID.
func (r *rig) id(end string) uint16 {
	r.t.Helper()
	pr, ok := r.protocols.Find("{E1BD4415-DED3-4D81-974A-3E23C8CE" + end + "}")
	if !ok {
		r.t.Fatalf("there is no protocol ...%s", end)
	}
	return pr.ID
}

// TestProtocolAccess attaches handlers below the ports: to an IP protocol number, and to an EtherType.
func TestProtocolAccess(t *testing.T) {
	handler := `protocol_handler = { control = { guid = "{E1BD4415-DED3-4D81-974A-3E23C8CE6F%s}", name = "X", host_protocol_guid = '%s',
  host_protocol_ports = { %s } }, parselayer = function(layer) print("%s", layer:getbyte(0)) return layer:layer_bytes() end }`
	r := load(t, map[string]string{
		"ip.lua":       plug(fmt.Sprintf(handler, "01", "{0A2C724B-5B9F-4ba6-9C97-B05080558574}", "89", "ospf")),
		"ethernet.lua": plug(fmt.Sprintf(handler, "02", "{974FB098-DE46-45db-94DA-8D64A3BBCDE5}", "0x88cc", "lldp")),
		"any.lua":      plug(fmt.Sprintf(handler, "03", "{14D7AB53-CC51-47e9-8814-9C06AAE60189}", "", "udp")),
	})
	h := r.on(newEngine("0"))
	for _, layers := range [][]packet.Layer{
		{{Proto: packet.Ethernet, Len: 14}, {Proto: packet.IPv4, Off: 14, Len: 20}, {Proto: packet.Payload, Off: 34, Len: 4}},
		{{Proto: packet.Ethernet, Len: 14}, {Proto: packet.Payload, Off: 14, Len: 24}},
		{{Proto: packet.UDP, Len: 8}, {Proto: packet.Payload, Off: 8, Len: 4}},
		{{Proto: packet.ARP, Len: 8}, {Proto: packet.Payload, Off: 8, Len: 4}},
		{{Proto: packet.UDP, Len: 8}},
	} {
		p := &packet.Packet{}
		p.Data = make([]byte, 40)
		p.Data[12], p.Data[13], p.Data[14], p.Data[34] = 0x88, 0xcc, 1, 2
		p.Tuple.Proto = 89
		p.NLayers = uint8(copy(p.Layers[:], layers))
		h.Layer(p)
	}
	check(t, "hooks", r.printed(), "ospf\t2\nlldp\t1\nudp\t0\n")
	check(t, "log", r.logs(), "")
}

func TestUnknownProtocol(t *testing.T) {
	r := one(t, plug(`simplecounter = { protocol_guid = "{00000000-0000-0000-0000-000000000000}", onpacket = function() end }`))
	if r.on(newEngine("0")).Wants() != 0 {
		t.Error("wants packets")
	}
	check(t, "log", r.logs(), `5 [test.lua] *test.lua:1: simplecounter: there is no protocol "{00000000-*}": onpacket is never called`)
}

func TestMessageMonitor(t *testing.T) {
	r := one(t, plug(`message_monitor = { onnewflowrecord = function(engine, flow, az, za, paz, pza) print(flow:id(), az, za, paz, pza) end }`))
	h := r.on(newEngine("0"))
	if h.Wants() != shard.WantReports {
		t.Error("wants", h.Wants())
	}
	h.FlowReport(learned.FlowReport{Flow: webID, AZ: 1, ZA: 2, PacketAZ: 3, PacketZA: 4})
	check(t, "hook", r.printed(), webID+"\t1\t2\t3\t4\n")
}

func TestMessages(t *testing.T) {
	receiver := `TrisulPlugin = { id = { name = "r" }, %s
  onmessage = function(id, text) print("%s", id, text) end,
  simplecounter = { protocol_guid = "{0A2C724B-5B9F-4ba6-9C97-B05080558574}", onpacket = function() end } }`
	r := load(t, map[string]string{
		"all.lua":  fmt.Sprintf(receiver, "", "all"),
		"some.lua": fmt.Sprintf(receiver, `message_subscriptions = { '{f8d5570e-00a7-41fd-c30e-298c55d8ec4d}' },`, "some"),
		"none.lua": plug(`simplecounter = { onpacket = function() end, protocol_guid = "{0A2C724B-5B9F-4ba6-9C97-B05080558574}" }`),
	})
	h := r.on(newEngine("0"))
	h.Message("", "broadcast")
	h.Message("{F8D5570E-00A7-41FD-C30E-298C55D8EC4D}", "for some")
	h.Message("{F8D5570E-00A7-41FD-C30E-298C55D8EC4E}", "for nobody")
	check(t, "messages", r.printed(), "all\t\tbroadcast\nsome\t\tbroadcast\nsome\t{F8D5570E-00A7-41FD-C30E-298C55D8EC4D}\tfor some\n")
}

// TestLife looks at onload and onunload: in each state, of the plugin and of the type; a plugin without script types has one
// state.
func TestLife(t *testing.T) {
	r := load(t, map[string]string{
		"hello.lua": `TrisulPlugin = { id = { name = "Hello World" }, onload = function() print("hello") end, onunload = function() print("bye") end }`,
		"off.lua": `TrisulPlugin = { id = { name = "off" }, onload = function() return false end, onunload = function() print("never") end,
  simplecounter = { protocol_guid = "{0A2C724B-5B9F-4ba6-9C97-B05080558574}", onpacket = function() print("never") end } }`,
		"two.lua": `TrisulPlugin = { id = { name = "two" }, onload = function() print("load") end, onunload = function() print("unload") end,
  simplecounter = { onload = function() print("type load") end, onunload = function() print("type unload") end,
    protocol_guid = "{0A2C724B-5B9F-4ba6-9C97-B05080558574}", onpacket = function() end } }`,
		"broken.lua": `TrisulPlugin = { id = { name = "broken" }, onload = function() error("no data file") end,
  simplecounter = { protocol_guid = "{0A2C724B-5B9F-4ba6-9C97-B05080558574}", onpacket = function() print("never") end } }`,
	})
	first, second := r.on(newEngine("0")), r.on(newEngine("1"))
	for _, h := range []*PacketHooks{first, second} {
		h.Packet(frame(), web())
		h.Tick()
		h.Stop()
	}
	check(t, "printed", r.printed(), "hello\nload\ntype load\nload\ntype load\nbye\ntype unload\nunload\ntype unload\nunload\n")
	if !strings.Contains(r.logs(), "4 [broken.lua] onload: ") || !strings.Contains(r.logs(), "[off.lua] onload did not go well, or returned false") {
		t.Error(r.logs())
	}
}

// TestFaults has a hook that always fails: it is called on, and the log stays short.
func TestFaults(t *testing.T) {
	r := one(t, counterPlugin(`n = (n or 0) + 1
    engine:update_counter("{4CD742B1-C1CA-4708-BE78-0FCA2EB01A86}", "before", 0, n)
    local x = nothing.field`))
	e := newEngine("0")
	h := r.on(e)
	for range 1200 {
		h.Packet(frame(), nil)
	}
	lines := strings.Split(r.logs(), "\n")
	if len(lines) != 6 { // 1, 2, 3, 10, 100, 1000
		t.Errorf("%d lines:\n%s", len(lines), r.logs())
	}
	check(t, "first", lines[0], "4 [test.lua] onpacket: *test.lua:6: attempt to index a nil value (global 'nothing')")
	check(t, "last", lines[len(lines)-1], "*(1000 times so far)")
	if len(e.calls) != 1200 {
		t.Errorf("%d counters", len(e.calls))
	}
	s := r.Scripts()
	if len(s) != 1 || s[0].Errors != 1200 || s[0].Plugin != "count" || !strings.HasPrefix(s[0].First, "onpacket: ") {
		t.Errorf("%+v", s)
	}
}

// TestBurst has a hook that never ends.
func TestBurst(t *testing.T) {
	r := one(t, counterPlugin(`if not stuck then stuck = true while true do pcall(function() while true do end end) end end print("on")`),
		func(o *Options) { o.Burst = 20 * time.Millisecond })
	h := r.on(newEngine("0"))
	h.Packet(frame(), nil)
	h.Packet(frame(), nil)
	check(t, "log", r.logs(), "4 [test.lua] onpacket: *test.lua:4: execution time is over (hook-timeout *T.async:schedule is for what takes time)")
	check(t, "the next packet", r.printed(), "on\n")
}

// TestInterrupt ends hooks that wait and hooks that compute.
func TestInterrupt(t *testing.T) {
	for name, code := range map[string]string{"waits": `os.execute("sleep 60")`, "computes": "while true do end"} {
		t.Run(name, func(t *testing.T) {
			r := one(t, counterPlugin(`print("begun") `+code), func(o *Options) { o.Burst = -1 })
			h := r.on(newEngine("0"))
			over := make(chan struct{})
			go func() {
				defer close(over)
				h.Packet(frame(), nil)
			}()
			for r.printed() == "" {
				select {
				case <-over:
					t.Fatal(r.logs())
				case <-time.After(time.Millisecond):
				}
			}
			r.Interrupt()
			select {
			case <-over:
			case <-time.After(20 * time.Second):
				t.Fatal("the hook goes on")
			}
			check(t, "log", r.logs(), "")
		})
	}
}

// TestRequire finds modules beside the plugin, and in the folder that was named.
func TestRequire(t *testing.T) {
	r := load(t, map[string]string{
		"app/main.lua":      `local a, b, c = require "beside", require "top", require "sub.deep" ` + plug(`onload = function() print(a, b, c) end`),
		"app/beside.lua":    `return "beside"`,
		"top.lua":           `return "top"`,
		"app/sub/deep.lua":  `return "deep"`,
		"app/sub/other.lua": `error("modules are not run")`,
	})
	for _, p := range r.problems.All() {
		t.Errorf("%v: %s", p.Pos, p.Text)
	}
	r.on(newEngine("0"))
	check(t, "modules", r.printed(), "beside\ttop\tdeep\n")
}

func TestProblems(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"syntax":    {"TrisulPlugin = {\n id = {,\n}", "error *test.lua:2: error in plugin: *unexpected symbol*"},
		"runtime":   {"TrisulPlugin = nothing.x", "error *test.lua:1: error in plugin: *attempt to index*"},
		"no table":  {"-- TrisulPlugin", ""}, // in a folder it may be a module
		"no name":   {"TrisulPlugin = {}", "warning *test.lua: the plugin has no id with a name (*"},
		"type":      {plug("\n simplecountr = { onpacket = function() end }"), `error *test.lua:2: there is no script type "simplecountr" (did you mean "simplecounter"?)`},
		"own table": {plug("\n simplecounter = {}, monitor = { f = function() end }"), `warning *there is no script type "monitor"*`},
		"no hook":   {plug("\n simplecounter = { onpacket = 5 }"), `*simplecounter.onpacket is not a function*`},
		"no type":   {plug("\n others = 5"), `*the plugin has no script type*`},
		"empty":     {plug("\n simplecountr = {}"), `*there is no script type "simplecountr" (did you mean "simplecounter"?)`},
		"workers":   {plug("\n request_async_workers = 'many', simplecounter = { onpacket = function() end }"), `*request_async_workers is not a number*`},
		"hook":      {plug("\n simplecounter = { onpackt = function() end }"), `warning *test.lua:2: simplecounter has no hook "onpackt"; it is never called (did you mean "onpacket"?)`},
		"on":        {plug("\n onbanana = function() end"), `warning *test.lua:2: TrisulPlugin has no hook "onbanana"*`},
		"helper":    {plug("helper = function() end, settings = { a = function() end }"), ""},
		"twice":     {plug("simplecounter = {}, simple_counter = {}"), "error *are the same script type*"},
		"guid":      {plug("alertgroup = { control = { guid = '{x}', name = 'A' } }"), `error *alertgroup: control.guid is "{x}"*`},
		"meter":     {plug("countergroup = { control = { guid = '{6ecb4ebb-d53b-470c-aca6-2f326b4c6c91}', name = 'A' }, meters = { { 0, 99, 10, 0, 'n' } } }"), "error *countergroup: meter 0: its second value must be one of T.K.vartype: AVERAGE,*"},
	} {
		t.Run(name, func(t *testing.T) {
			r := load(t, map[string]string{"test.lua": tt.text})
			var got []string
			for _, p := range r.problems.All() {
				hint := ""
				if p.Hint != "" {
					hint = " (" + p.Hint + ")"
				}
				got = append(got, fmt.Sprintf("%v %v: %s%s", p.Severity, p.Pos, p.Text, hint))
			}
			check(t, "problems", strings.Join(got, "\n"), tt.want)
		})
	}
}

func TestNamedFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.lua")
	if err := os.WriteFile(file, []byte("return 1"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t}
	p, err := Load(t.Context(), []string{file}, Options{Registry: counter.NewRegistry(), Log: func(int, string, string) {}}, &r.problems)
	if err != nil || !r.problems.Failed() {
		t.Errorf("%v, %v", err, r.problems.All())
	}
	p.Close()
	if _, err := Load(t.Context(), []string{file + ".none"}, Options{Registry: counter.NewRegistry(), Log: func(int, string, string) {}}, &r.problems); err == nil {
		t.Error("a file that is missing")
	}
}
