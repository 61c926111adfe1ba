package observed

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/capture"
	"eddy/internal/fastpath/packet"
	"eddy/internal/fastpath/report"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shop is the project's own capture: a few connections to a shop.
const shop = "../../../examples/observe/shop.pcap"

// plugin writes a plugin file.
func plugin(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "plugin.lua")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// printed runs a lane on the shop's capture and gives what its plugins print.
func printed(t *testing.T, cfg *model.Observe) (string, *report.Lane) {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	var stderr bytes.Buffer
	l, problems := Build(cfg, Options{Stdout: out, Stderr: &stderr})
	if l == nil {
		t.Fatal(problems.All())
	}
	if err := l.Start(); err != nil {
		t.Fatal(err)
	}
	if err := l.Wait(); err != nil {
		t.Error(err)
	}
	if stderr.Len() > 0 {
		t.Errorf("stderr: %s", &stderr)
	}
	text, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text), l.Report()
}

func TestStopBeforeStart(t *testing.T) {
	l, problems := Build(&model.Observe{Read: []string{shop}}, Options{Stdout: io.Discard, Stderr: io.Discard})
	if l == nil {
		t.Fatal(problems.All())
	}
	if !l.Stop(context.Background()) {
		t.Error("something was cut off")
	}
}

func TestStartFails(t *testing.T) {
	for name, cfg := range map[string]*model.Observe{
		"no such file":      {Read: []string{"/nonexistent.pcap"}},
		"no such folder":    {Read: []string{shop}, Eve: "/nonexistent/eve.json"},
		"no such hash":      {Read: []string{shop}, Hashes: []string{"crc32"}},
		"no such interface": {Interface: "nonexistent0"},
		"no place to store": {Read: []string{shop}, Store: "/nonexistent/x.pcap"},
		"no place to keep":  {Read: []string{shop}, KeepDir: "/dev/null/x"},
	} {
		t.Run(name, func(t *testing.T) {
			l, problems := Build(cfg, Options{Stdout: io.Discard, Stderr: io.Discard})
			if l == nil {
				t.Fatal(problems.All())
			}
			if err := l.Start(); err == nil {
				t.Error("it started")
			}
			l.Stop(context.Background())
		})
	}
}

// Work that is still out when the lane is stopped has until the limit, and is then dropped by name.
func TestStopWithWork(t *testing.T) {
	cfg := &model.Observe{Read: []string{shop}, Engines: 1, StopTimeout: 100 * time.Millisecond, Scripts: []string{plugin(t, `
		TrisulPlugin = { id = { name = "slow" }, filex_monitor = { onfile_http = function(engine, ts, flow, path)
			T.async:schedule{ data = path, onexecute = function() io.popen("sleep 20"):close() end }
		end } }`)}}
	l, problems := Build(cfg, Options{Stdout: io.Discard, Stderr: io.Discard})
	if l == nil {
		t.Fatal(problems.All())
	}
	if err := l.Start(); err != nil {
		t.Fatal(err)
	}
	for l.engines[0].packets.Load() == 0 { // the replay has begun, and this one is over in no time
		time.Sleep(time.Millisecond)
	}
	if l.Stop(context.Background()) {
		t.Error("nothing was cut off")
	}
	r := l.Report()
	if len(r.Async) != 1 {
		t.Fatalf("%+v", r.Async)
	}
	a := r.Async[0]
	var dropped uint64
	for _, d := range a.Dropped {
		dropped += d.N
		if !strings.Contains(d.Name, "plugin.lua:3") {
			t.Errorf("dropped without its place: %q", d.Name)
		}
	}
	if a.Scheduled == 0 || a.Scheduled != a.Done+dropped {
		t.Errorf("%d scheduled, %d done, %d dropped", a.Scheduled, a.Done, dropped)
	}
}

// However many engines there are, the same is found.
func TestEnginesAgree(t *testing.T) {
	var want *report.Lane
	for _, engines := range []int{1, 2, 3, 8} {
		_, r := printed(t, &model.Observe{Read: []string{shop, shop}, Engines: engines})
		if want == nil {
			want = r
			if r.Packets == 0 || r.Files.Whole == 0 || r.Flows.All() == 0 {
				t.Fatalf("%+v", r)
			}
			continue
		}
		if r.Packets != want.Packets || r.Bytes != want.Bytes || r.Flows.TCP != want.Flows.TCP || r.Files != want.Files ||
			!slices.Equal(r.Learned, want.Learned) || fmt.Sprint(r.Groups) != fmt.Sprint(want.Groups) {
			t.Errorf("%d engines:\n%+v\nwant\n%+v", engines, r, want)
		}
	}
}

func TestKeep(t *testing.T) {
	dir := t.TempDir()
	_, r := printed(t, &model.Observe{Read: []string{shop}, KeepDir: dir})
	files, err := filepath.Glob(filepath.Join(dir, "*/*"))
	if err != nil || len(files) == 0 || r.Files.Kept != uint64(len(files)) {
		t.Fatalf("%d files, %d kept, %v", len(files), r.Files.Kept, err)
	}
	for _, f := range files {
		if sum, err := digestOf(f); err != nil || sum != filepath.Base(f) {
			t.Errorf("%s is not called by its hash %s, %v", f, sum, err)
		}
	}
}

// digestOf gives the SHA-256 of a file.
func digestOf(path string) (string, error) {
	data, err := os.ReadFile(path)
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), err
}

// drops joins the names of what was lost.
func drops(list []report.Count) string {
	var names []string
	for _, d := range list {
		names = append(names, d.Name)
	}
	return strings.Join(names, "; ")
}

// frames reads a pcap file.
func frames(t *testing.T, path string) (sizes []int) {
	t.Helper()
	f, err := capture.Open(path, capture.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for {
		var fr packet.Frame
		if err := f.Next(&fr); err == io.EOF {
			return sizes
		} else if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, len(fr.Data))
	}
}

func TestStore(t *testing.T) {
	all := frames(t, shop)
	for _, tt := range []struct {
		policy string
		want   func(n, of int) bool // packets stored
		size   func(n int) bool
	}{
		{"-1", func(n, of int) bool { return n == of }, func(int) bool { return true }},
		{"0", func(n, _ int) bool { return n == 0 }, nil},
		{"1", func(n, of int) bool { return n == of }, func(int) bool { return true }},
		{"2", func(n, of int) bool { return n == of }, func(n int) bool { return n <= 14+20+60 }},
	} {
		out := filepath.Join(t.TempDir(), "out.pcap")
		printed(t, &model.Observe{Read: []string{shop}, Engines: 1, Store: out, Scripts: []string{plugin(t,
			`TrisulPlugin = { id = { name = "store" }, packet_storage = { filter = function() return `+tt.policy+` end } }`)}})
		var got []int
		if info, err := os.Stat(out); err == nil && info.Size() > 0 {
			got = frames(t, out)
		}
		if !tt.want(len(got), len(all)) {
			t.Errorf("policy %s: %d of %d packets", tt.policy, len(got), len(all))
		}
		for _, n := range got {
			if !tt.size(n) {
				t.Errorf("policy %s: a packet of %d bytes", tt.policy, n)
			}
		}
	}
}

// A hook that computes without end is stopped after hook-timeout; what comes after it goes on.
func TestHookTimeout(t *testing.T) {
	cfg := &model.Observe{Read: []string{shop}, Engines: 1, HookTimeout: 20 * time.Millisecond, Scripts: []string{plugin(t, `
		TrisulPlugin = { id = { name = "stuck" }, filex_monitor = { onfile_http = function()
			n = (n or 0) + 1
			while n == 1 do pcall(error) end
		end } }`)}}
	var stderr bytes.Buffer
	l, problems := Build(cfg, Options{Stdout: io.Discard, Stderr: &stderr})
	if l == nil {
		t.Fatal(problems.All())
	}
	if err := l.Start(); err != nil {
		t.Fatal(err)
	}
	if err := l.Wait(); err != nil {
		t.Error(err)
	}
	if r := l.Report(); len(r.Scripts) != 1 || r.Scripts[0].Errors != 1 || !strings.Contains(stderr.String(), "plugin.lua:4: execution time is over") {
		t.Errorf("%+v\n%s", r.Scripts, &stderr)
	}
}

// Messages go from packet hooks to metric hooks and back, and asynchronous work of a metric hook comes back to it.
func TestAcross(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.lua": `TrisulPlugin = { id = { name = "a" }, message_subscriptions = { "{F8D5570E-00A7-41FD-C30E-298C55D8EC4D}" },
			onmessage = function(id, text) print("a has " .. text) end,
			reassembly_handler = { onnewflow = function(engine) if not done then engine:post_message_backend("one") done = true end end } }`,
		"b.lua": `TrisulPlugin = { id = { name = "b" }, onmessage = function(id, text) got = text end,
			resource_monitor = { resource_guid = "{4EF9DEB9-4332-4867-A667-6A30C5900E9E}",
				onnewresource = function(engine, r)
					if asked then return end
					asked = true
					local uri = r:uri()
					T.async:schedule{ data = uri, onexecute = function(d) return #d .. " bytes" end,
						onresult = function(engine, request, response)
							print("b has " .. tostring(got) .. ", " .. tostring(request == uri) .. ", " .. response)
							engine:post_message_frontend("{F8D5570E-00A7-41FD-C30E-298C55D8EC4D}", "two")
						end }
				end } }`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out, _ := printed(t, &model.Observe{Read: []string{shop}, Engines: 1, Scripts: []string{dir}})
	if !strings.Contains(out, "b has one, true, ") {
		t.Errorf("printed: %s", out)
	}
}

// What onload schedules and posts reaches every engine, whichever was made first.
func TestOnload(t *testing.T) {
	const engines = 4
	out, r := printed(t, &model.Observe{Read: []string{shop}, Engines: engines, Scripts: []string{plugin(t, `
		TrisulPlugin = { id = { name = "early" },
			onload = function()
				T.async:schedule{ data = "x", onexecute = function(d) return d end, onresult = function() print("result") end }
				T.host:broadcast("", "", "hello")
			end,
			onmessage = function(id, text) print("message " .. text) end,
			reassembly_handler = { onnewflow = function() end } }`)}})
	if n := strings.Count(out, "result\n"); n != engines {
		t.Errorf("%d results: %s", n, out)
	}
	if n := strings.Count(out, "message hello\n"); n != engines*engines {
		t.Errorf("%d messages: %s", n, out)
	}
	if len(r.Drops) > 0 {
		t.Errorf("dropped: %v", r.Drops)
	}
}

// Long names grow the buffer in which a hook's updates are noted; nothing may refer to it afterwards.
func TestLongKeys(t *testing.T) {
	_, r := printed(t, &model.Observe{Read: []string{shop}, Engines: 1, Scripts: []string{plugin(t, `
		local G = "{5BFD8D10-5C52-4A1B-8A4C-0B1C5A9D7E11}"
		TrisulPlugin = { id = { name = "long" },
			countergroup = { control = { guid = G, name = "Long", description = "keys", bucketsize = 60 },
				meters = { { 0, T.K.vartype.COUNTER, 10, 0, "Hits", "hits", "" } } },
			simplecounter = { protocol_guid = "{0A2C724B-5B9F-4BA6-9C97-B05080558574}", onpacket = function(engine)
				engine:update_counter(G, "a", 0, 1)
				engine:update_counter(G, ("k"):rep(100000), 0, 1)
				engine:update_counter(G, "b", 0, 1)
			end } }`)}})
	for _, g := range r.Groups {
		if g.Name == "Long" && g.Keys == 3 && g.Top[0].Value == g.Top[2].Value {
			return
		}
	}
	t.Errorf("groups: %+v, dropped: %v", r.Groups, r.Drops)
}

func TestInputFilter(t *testing.T) {
	out, r := printed(t, &model.Observe{Scripts: []string{plugin(t, `
		local n = 0
		TrisulPlugin = { id = { name = "input" }, inputfilter = { step = function(packet)
			n = n + 1
			if n > 3 then return false end
			packet:set_packet(1000 + n, 500, 1, string.rep("\xff", 12) .. "\x08\x06" .. string.rep("\0", 40))
			return true
		end }, onunload = function() print("over") end }`)}})
	if r.Packets != 3 || r.First.Unix() != 1001 || r.Last.Unix() != 1003 {
		t.Errorf("%d packets from %v to %v", r.Packets, r.First, r.Last)
	}
	if out != "over\n" {
		t.Errorf("printed: %q", out)
	}
}
