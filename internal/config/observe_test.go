package config

import (
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"eddy/internal/config/model"
)

// TestObserveSection checks that every keyword of the section reaches the model.
func TestObserveSection(t *testing.T) {
	c := load(t, "observe.cfg")
	if len(c.Observes) != 3 || c.Idle() {
		t.Fatalf("%d lanes, idle %v", len(c.Observes), c.Idle())
	}
	replay, live, moved := *c.Observes[0], *c.Observes[1], *c.Observes[2]
	if replay.Pos.String() != "observe.cfg:2:1" {
		t.Errorf("the section stands at %s", replay.Pos)
	}
	replay.Pos, live.Pos, moved.Pos = model.Observe{}.Pos, model.Observe{}.Pos, model.Observe{}.Pos
	want := model.Observe{
		Name: "replay", Read: []string{"testdata/good/empty.pcap", "-", "testdata/good/empty.pcap"},
		BPF: "tcp and (port 80 or port 8080)", Scripts: []string{"testdata/good/plugins", "testdata/good/samples.lua"}, Engines: 2,
		Eve: "-", EveTypes: []string{"flow", "alert"}, Ramfs: "testdata/good/frames", RamfsMax: 64 << 20, Hashes: []string{"sha1", "md5"},
		KeepDir: "testdata/good/kept", Store: "testdata/good/chosen.pcap", Bucket: 5 * time.Minute,
		MaxFlows: 10000, MaxStreamBytes: 256 << 10, MaxHeldBytes: 32 << 20, LastWins: true,
		TimeoutTCP: 10 * time.Minute, TimeoutUDP: 30 * time.Second, TimeoutOther: time.Minute,
		AsyncMaxEntries: 1000, AsyncMaxBytes: 1 << 20, StopTimeout: 10 * time.Second, HookTimeout: -1,
		HomeNets: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.168.7.9/32"), netip.MustParsePrefix("fd00::/8")},
		Args:     "one two three", Env: map[string]string{"App>User.Name": "x y", "App>Level": "3"},
	}
	if !reflect.DeepEqual(replay, want) {
		t.Errorf("got  %+v\nwant %+v", replay, want)
	}
	if want := (model.Observe{Name: "live", Interface: "eth0", SnapLen: 1500, RingSize: 16 << 20, Fanout: 7, Eve: "testdata/good/events.jsonl"}); !reflect.DeepEqual(live, want) {
		t.Errorf("got  %+v\nwant %+v", live, want)
	}
	if want := (model.Observe{Name: "moved", Interface: "lo", Eve: "-", KeepDir: "/somewhere/kept"}); !reflect.DeepEqual(moved, want) {
		t.Errorf("got  %+v\nwant %+v", moved, want)
	}
}

// TestObserveSettings checks the way of a command line: words count as they are.
func TestObserveSettings(t *testing.T) {
	got, list := Observe("command", []Setting{
		{"read", []string{"testdata/good/empty.pcap"}}, {"read", []string{"-"}}, {"bpf", []string{"tcp port 80 # or \"$PORT\""}},
		{"timeout tcp", []string{"90s"}}, {"hook-timeout", []string{"250ms"}}, {"engines", []string{"1"}}, {"engines", []string{"3"}},
	}, Options{})
	if got == nil || list.Failed() {
		t.Fatal(list.All())
	}
	if want := (model.Observe{Name: "command", Read: []string{"testdata/good/empty.pcap", "-"}, BPF: "tcp port 80 # or \"$PORT\"",
		TimeoutTCP: 90 * time.Second, HookTimeout: 250 * time.Millisecond, Engines: 3}); !reflect.DeepEqual(*got, want) {
		t.Errorf("got  %+v\nwant %+v", *got, want)
	}
	if all := list.All(); len(all) != 1 || all[0].Text != "'engines' was given twice; the last one wins" {
		t.Errorf("problems: %v", all)
	}
}

func TestObserveSettingsRefused(t *testing.T) {
	for _, tt := range []struct {
		keyword string
		args    string
		text    string
		hint    string
	}{
		{"read", "/no/such.pcap", "read: /no/such.pcap: no such file or directory", ""},
		{"engines", "none", `engines: "none" is not a number`, "write an integer"},
		{"engines", "99999999999999999999", "engines: the <number> must be between 1 and 256, not 99999999999999999999", ""},
		{"ramfs-max", "9999g", "ramfs-max: the <size> must be between 1m and 1024g, not 9999g", ""},
		{"bucket", "0", "bucket: the <time> must be at least 1s", ""},
		{"bucket", "1", "bucket: the <time> must be at least 1s", "a time without a unit is in milliseconds: write 1s for seconds"},
		{"hash", "sha-1", `hash: unknown <hash> "sha-1"`, `did you mean "sha1"?`},
		{"home-net", "us", `home-net: "us" is not a network`, "write networks like 10.0.0.0/8 or fd00::/8"},
	} {
		got, list := Observe("x", []Setting{{"interface", []string{"lo"}}, {tt.keyword, []string{tt.args}}}, Options{})
		if got != nil || len(list.All()) != 1 || list.All()[0].Text != tt.text || list.All()[0].Hint != tt.hint {
			t.Errorf("%s %s: %v %v", tt.keyword, tt.args, got, list.All())
		}
	}
	if got, list := Observe("x", nil, Options{}); got != nil || list.All()[0].Text != "the command has nothing to observe" ||
		list.All()[0].Hint != "name a capture (-r FILE) or an interface (-i NAME)" {
		t.Errorf("%v %v", got, list.All())
	}
}

// TestOutputs holds that no lane writes over what lanes read, nor two outputs over each other.
func TestOutputs(t *testing.T) {
	dir := t.TempDir()
	in, link := filepath.Join(dir, "in.pcap"), filepath.Join(dir, "link.pcap")
	if err := os.WriteFile(in, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(in, link); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, config, want string }{
		{"store over read", "observe a\n read in.pcap\n store in.pcap\n", "store would write over in.pcap, which read names"},
		{"by another name", "observe a\n read in.pcap\n store ./link.pcap\n", "store would write over link.pcap, which read names"},
		{"eve behind a plugin", "observe a\n interface lo\n lua-load link.pcap\n eve link.pcap\n", "eve would write over link.pcap, which lua-load names"},
		{"of another lane", "observe a\n interface lo\n store in.pcap\nobserve b\n read in.pcap\n", "store would write over in.pcap, which read names"},
		{"two outputs", "observe a\n interface lo\n eve new\n store new\n", "store would write over new, which eve names"},
		{"two stores", "observe a\n interface lo\n store new\nobserve b\n interface lo\n store new\n", "store would write over new, which store names"},
		{"a shared event log", "observe a\n interface lo\n eve new\nobserve b\n interface lo\n eve new\n", ""},
		{"standard streams", "observe a\n read -\n eve -\n", ""},
		{"a device", "observe a\n read in.pcap\n eve /dev/null\n store /dev/null\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Chdir(dir)
			if err := os.WriteFile("a.cfg", []byte(tt.config), 0o600); err != nil {
				t.Fatal(err)
			}
			var said []string
			_, list := Load(Options{Files: []string{"a.cfg"}})
			for _, p := range list.All() {
				said = append(said, p.Text)
			}
			if got := strings.Join(said, "; "); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}
