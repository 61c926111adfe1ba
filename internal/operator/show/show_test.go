package show

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/proxy"
	"eddy/internal/operator/admin"
	"eddy/internal/operator/view"
)

// sink is a connection that keeps what is written.
type sink struct{ bytes.Buffer }

func (*sink) ReadLine() ([]byte, error) { return nil, fmt.Errorf("nothing to read") }
func (*sink) Flush() error              { return nil }

// ask runs a command as the socket would.
func ask(t *testing.T, p Process, line string) string {
	t.Helper()
	words := strings.Fields(line)
	for _, c := range Commands(p) {
		if c.Words[1] != words[1] {
			continue
		}
		var out sink
		if err := c.Run(context.Background(), words[2:], &out); err != nil {
			fmt.Fprintln(&out, err)
		}
		text := out.String()
		if strings.Contains(text, "\n\n") || strings.ContainsAny(text, "\x1b\r") {
			t.Errorf("%s: an empty line, or what does not print: %q", line, text)
		}
		return text
	}
	t.Fatalf("no command %s", line)
	return ""
}

func process() Process {
	web := &model.Proxy{Name: "web", Side: model.Listen, Mode: model.ModeHTTP, MaxConn: 100, Balance: model.Balance{Algo: "roundrobin"},
		Servers: []*model.Server{{Name: "s1", Weight: 2, Addr: model.Address{Host: "127.0.0.1", Port: 80}, MaxQueue: 7, Check: true},
			{Name: `s"2,`, Weight: 1, Backup: true, Disabled: true, MaxConn: 9}}}
	raw := &model.Proxy{Name: "raw", Side: model.Frontend}
	set := proxy.NewSet([]*proxy.Proxy{proxy.New(web), proxy.New(raw)})
	for i, p := range set.All {
		p.ID = i + 2
	}
	p := set.All[0]
	p.Front.ConnsTot.Store(12)
	p.Front.Reqs.Store(34)
	p.Front.Status[2].Store(30)
	p.Front.Denied.Store(4)
	p.Servers[0].ErrConn.Store(5)
	p.Queue.Store(6)
	ap := netip.MustParseAddrPort("127.0.0.1:80")
	p.Servers[0].Addr.Store(&ap)
	return Process{
		Proxies: set,
		MaxConn: 2000,
		Info: func() []Field {
			return []Field{{Name: "Name", Text: "eddy"}, {Name: "Pid", Int: 42, IsInt: true}, {Name: "description", Text: "a\x1b[2J: b"}, {Name: "Jobs", Int: 3, IsInt: true}}
		},
		Errors: func() []Error {
			return []Error{{At: time.Unix(1000, 0), Kind: "script", Where: "a.lua:1", Text: "bad\x1b[2J\n\n\tstack\n"}, {At: time.Unix(1001, 0), Kind: "job", Text: "refused"}}
		},
		Tasks: func() []Task {
			return []Task{{Where: "mail.lua:40", State: "waiting", Restarts: 2, LastError: "refused\n"}}
		},
		Lua: func() []view.LuaState {
			return []view.LuaState{{Name: "shared", Memory: 1 << 20, Runs: 10, Computed: 0.05, LockWaits: 1, LockWait: 0.001}}
		},
	}
}

func TestShow(t *testing.T) {
	p := process()
	for _, tt := range []struct{ line, want string }{
		{"show info", "Name: eddy\nPid: 42\ndescription: a\\x1b[2J: b\nJobs: 3\n"},
		{"show info desc", "Name: eddy:\"name of the program\"\nPid: 42:\"process id\"\ndescription: a\\x1b[2J: b:\"description of the configuration\"\nJobs: 3:\"\"\n"},
		{"show info typed", "0.Name.1:PNSV:str:eddy\n1.Pid.1:SGPV:u32:42\n2.description.1:CNSV:str:a\\x1b[2J: b\n3.Jobs.1:MGPV:s64:3\n"},
		{"show lua nope json", `{"done":0,"text":"\"nope\" is not known here","error":"usage","hint":"show lua [json] : Lua's states"}` + "\n"},
		{"show stat nope 1 1 json", `{"done":0,"text":"no proxy \"nope\"","error":"not-found","hint":"show stat lists them all"}` + "\n"},
		{"show info jsno", "\"jsno\" is not known here\ndid you mean \"json\"?\n"},
		{"show info json typed", "typed or json, not both\n"},
		{"show info typed json", `{"done":0,"text":"typed or json, not both","error":"usage"}` + "\n"},
		{"show errors", "1970-01-01T00:16:40.000Z  script  a.lua:1: bad\\x1b[2J\n      stack\n1970-01-01T00:16:41.000Z  job  refused\n"},
		{"show errors json", `{"errors":[{"at":"1970-01-01T00:16:40Z","kind":"script","where":"a.lua:1","text":"bad\u001b[2J\n\n\tstack\n"},{"at":"1970-01-01T00:16:41Z","kind":"job","text":"refused"}]}` + "\n"},
		{"show tasks", "TASK         STATE    RESTARTS  LAST ERROR\nmail.lua:40  waiting         2  refused\\x0a\n"},
		{"show tasks json", `{"tasks":[{"where":"mail.lua:40","state":"waiting","restarts":2,"last_error":"refused\n"}]}` + "\n"},
		{"show lua", "STATE   MEMORY  RUNS  COMPUTED  MEAN  LOCK-WAITS  WAITED\nshared      1M    10      50ms   5ms           1     1ms\n"},
		{"show lua json", `{"states":[{"name":"shared","memory_bytes":1048576,"runs":10,"computed_seconds":0.05,"lock_waits":1,"lock_wait_seconds":0.001}]}` + "\n"},
	} {
		if got := ask(t, p, tt.line); got != tt.want {
			t.Errorf("%s: got\n%swant\n%s", tt.line, got, tt.want)
		}
	}
	for line, want := range map[string]string{"show errors": "no errors\n", "show tasks": "no tasks\n", "show lua": "no script is loaded\n", "show tasks json": `{"tasks":[]}` + "\n"} {
		if got := ask(t, Process{}, line); got != want {
			t.Errorf("%s without anything: %q", line, got)
		}
	}
}

// stat reads the answer as tools do: the columns by the header's names.
func stat(t *testing.T, line string) map[string]map[string]string {
	t.Helper()
	text, found := strings.CutPrefix(ask(t, process(), line), "# ")
	if !found {
		t.Fatalf("no header: %s", text)
	}
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]map[string]string{}
	for _, row := range rows[1:] {
		fields := map[string]string{}
		for i, name := range rows[0] {
			fields[name] = row[i]
		}
		out[row[0]+"/"+row[1]] = fields
	}
	return out
}

func TestStat(t *testing.T) {
	rows := stat(t, "show stat")
	for object, fields := range map[string]map[string]string{
		"web/FRONTEND": {"slim": "100", "stot": "12", "req_tot": "34", "hrsp_2xx": "30", "dreq": "4", "status": "OPEN", "type": "0", "iid": "2", "sid": "0", "mode": "http", "qcur": ""},
		"web/s1":       {"econ": "5", "status": "UP", "weight": "2", "act": "1", "bck": "0", "qlimit": "7", "addr": "127.0.0.1:80", "type": "2", "sid": "1", "slim": ""},
		`web/s"2,`:     {"status": "MAINT", "slim": "9", "act": "0", "bck": "1"},
		"web/BACKEND":  {"qcur": "6", "status": "UP", "act": "1", "bck": "0", "weight": "2", "algo": "roundrobin", "type": "1"},
		"raw/FRONTEND": {"slim": "2000", "mode": "tcp", "hrsp_2xx": "", "req_tot": "", "iid": "3"},
	} {
		for name, want := range fields {
			if got := rows[object][name]; got != want {
				t.Errorf("%s %s: %q, want %q", object, name, got, want)
			}
		}
	}
	if len(rows) != 5 {
		t.Errorf("%d rows", len(rows))
	}
	names := statNames()
	// Positions that tools have hard-coded (management.txt §9.1).
	for at, name := range map[int]string{0: "pxname", 17: "status", 33: "rate", 62: "agent_status", 73: "addr", 99: "uweight", 118: "cache_hint_hits"} {
		if names[at] != name {
			t.Errorf("column %d is %s, want %s", at, names[at], name)
		}
	}
	for name := range statKinds() {
		if !strings.Contains(" "+strings.Join(names, " ")+" ", " "+name+" ") {
			t.Errorf("%s has a kind and no column", name)
		}
	}
	for line, want := range map[string]int{"show stat web -1 -1": 4, "show stat 2 1 -1": 1, "show stat -1 4 2": 1, "show stat -1 3 -1": 3,
		"show stat no-maint": 4, "show stat domain proxy up": 4} {
		if got := len(stat(t, line)); got != want {
			t.Errorf("%s: %d rows, want %d", line, got, want)
		}
	}
	for line, want := range map[string]string{
		"show stat wbe -1 -1":        "did you mean \"web\"?",
		"show stat web":              "behind a proxy",
		"show stat web x -1":         "are numbers",
		"show stat domain resolvers": "the only domain",
		"show stat jsno -1 -1":       "no proxy",
	} {
		if got := ask(t, process(), line); !strings.Contains(got, want) {
			t.Errorf("%s: %s", line, got)
		}
	}
}

// Every value that is shown has a kind, in both of the typed formats.
func TestStatTyped(t *testing.T) {
	text := ask(t, process(), "show stat typed")
	for _, want := range []string{"F.2.0.0.pxname.1:KNSV:str:web\n", "S.2.2.1.svname.1:KNSV:str:s\"2,\n", "B.2.0.2.qcur.1:MGPV:u32:6\n", "F.2.0.7.stot.1:MCPV:u64:12\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if strings.Contains(text, ".1:::") {
		t.Errorf("a value without a kind:\n%s", text)
	}
	var lists [][]struct {
		ObjType string
		Field   struct{ Name string }
		Tags    map[string]string
		Value   struct{ Value any }
	}
	if err := json.Unmarshal([]byte(ask(t, process(), "show stat json")), &lists); err != nil {
		t.Fatal(err)
	}
	if f := lists[0][0]; len(lists) != 5 || f.ObjType != "Frontend" || f.Field.Name != "pxname" || f.Tags["origin"] != "Key" || f.Value.Value != "web" {
		t.Errorf("got %+v", f)
	}
	for _, c := range Commands(Process{}) {
		if !strings.HasPrefix(c.Usage, strings.Join(c.Words, " ")+" ") || (c.Words[1] == "errors") != (c.Level == admin.Operator) {
			t.Errorf("%v: usage %q, level %d", c.Words, c.Usage, c.Level)
		}
	}
}
