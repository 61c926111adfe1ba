package trisul

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"eddy/internal/config/diag"
	"eddy/internal/fastpath/counter"
	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/learned"
	"eddy/internal/fastpath/packet"
	"eddy/internal/fastpath/ramfs"
	"eddy/internal/offpath/queue"
	"eddy/internal/reentry"
)

// engine is an engine that notes what it is asked for.
type engine struct {
	id     string
	now    int64
	inbox  *reentry.Inbox
	packet *packet.Packet
	calls  []string
	alerts []*learned.Alert
	hooks  *PacketHooks // gets attributes
	flow   *flow.Flow
}

func newEngine(id string) *engine {
	return &engine{id: id, now: 1258892321_000000000, inbox: reentry.New(reentry.Options{})}
}

func (e *engine) note(name string, args ...any) {
	text := make([]string, len(args))
	for i, a := range args {
		if b, ok := a.([]byte); ok {
			a = string(b)
		}
		text[i] = fmt.Sprint(a)
	}
	e.calls = append(e.calls, name+"("+strings.Join(text, ", ")+")")
}

func (e *engine) Timestamp() int64       { return e.now }
func (e *engine) InstanceID() string     { return e.id }
func (e *engine) Inbox() *reentry.Inbox  { return e.inbox }
func (e *engine) Packet() *packet.Packet { return e.packet }
func (e *engine) UpdateCounter(guid, key []byte, meter int, value float64) {
	e.note("UpdateCounter", guid, key, meter, value)
}
func (e *engine) UpdateCounterRaw(guid, key []byte, meter int, value float64) {
	e.note("UpdateCounterRaw", guid, key, meter, value)
}
func (e *engine) UpdateKeyInfo(guid, key, label, description string) {
	e.note("UpdateKeyInfo", guid, key, label, description)
}
func (e *engine) SetKeyAttribute(guid, key, name, value string) {
	e.note("SetKeyAttribute", guid, key, name, value)
}
func (e *engine) AddAlert(a *learned.Alert) {
	e.alerts = append(e.alerts, a)
	id := ""
	if a.HasFlow {
		id = flow.ID(a.Flow)
	}
	e.note("AddAlert", a.Group, id, a.Key, a.Classification, a.Priority, a.Message, a.Status, a.Threshold)
}
func (e *engine) AddResource(r *learned.Resource) {
	e.note("AddResource", r.Group, flow.ID(r.Flow), r.URI, r.Contents)
}
func (e *engine) AddEdge(l *learned.Link)    { e.note("AddEdge", l.FromGroup, l.From, l.ToGroup, l.To) }
func (e *engine) TagFlow(id, tag string)     { e.note("TagFlow", id, tag) }
func (e *engine) PostFrontend(id, s string)  { e.note("PostFrontend", id, s) }
func (e *engine) PostBackend(id, s string)   { e.note("PostBackend", id, s) }
func (e *engine) DisableReassembly(s string) { e.note("DisableReassembly", s) }
func (e *engine) StorePacket(policy int)     { e.note("StorePacket", policy) }
func (e *engine) AddFlowAttribute(id, name, value string) {
	e.note("AddFlowAttribute", id, name, value)
	if e.hooks != nil && e.flow != nil {
		e.hooks.Attribute(e.flow, name, value)
	}
}
func (e *engine) AddFlowCounter(id, guid, key string, meter, direction int) {
	e.note("AddFlowCounter", id, guid, key, meter, direction)
}
func (e *engine) ResetFlowCounter(id, guid string) { e.note("ResetFlowCounter", id, guid) }
func (e *engine) UpdateFlow(id string, meter int, value float64) {
	e.note("UpdateFlow", id, meter, value)
}
func (e *engine) SetFlowDuration(id string, s float64) { e.note("SetFlowDuration", id, s) }
func (e *engine) NewFlowRecord(id string, a, b, c, d uint64) {
	e.note("NewFlowRecord", id, a, b, c, d)
}

// rig is a lane without packets: plugins in files, one engine or more, and what comes out.
type rig struct {
	*Plugins
	t        testing.TB
	dir      string
	out      *os.File
	mu       sync.Mutex
	logged   []string
	problems diag.List
	queues   *queue.Set // nil: none
	closed   bool
}

// load makes plugins of files: name → text.
func load(t testing.TB, files map[string]string, changes ...func(*Options)) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir()}
	for name, text := range files {
		file := filepath.Join(r.dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if r.out, err = os.Create(filepath.Join(t.TempDir(), "stdout")); err != nil {
		t.Fatal(err)
	}
	o := Options{Registry: counter.NewRegistry(), Stdout: r.out, Log: func(level int, source, text string) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.logged = append(r.logged, fmt.Sprintf("%d [%s] %s", level, source, text))
	}}
	for _, change := range changes {
		change(&o)
	}
	if o.Jobs != nil {
		r.queues = o.Jobs.Queues
	}
	if r.Plugins, err = Load(context.Background(), []string{r.dir}, o, &r.problems); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.end)
	return r
}

// one is load for a plugin that has nothing wrong with it.
func one(t testing.TB, text string, changes ...func(*Options)) *rig {
	t.Helper()
	r := load(t, map[string]string{"test.lua": text}, changes...)
	for _, p := range r.problems.All() {
		t.Errorf("%v: %s", p.Pos, p.Text)
	}
	return r
}

// end stops the workers and closes everything; a second call does nothing.
func (r *rig) end() {
	if r.closed {
		return
	}
	r.closed = true
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for name, left := range r.Plugins.Stop(ctx) {
		r.t.Errorf("%s: %s", name, left.String())
	}
	if r.queues != nil {
		r.queues.Stop(ctx)
	}
	r.StopJobs(ctx)
	r.Plugins.Close()
	r.out.Close()
}

// on opens and starts the packet hooks on an engine.
func (r *rig) on(e *engine) *PacketHooks {
	r.t.Helper()
	h, err := r.Packets(e)
	if err != nil {
		r.t.Fatal(err)
	}
	e.hooks = h
	if err := h.Start(); err != nil {
		r.t.Fatal(err)
	}
	return h
}

// printed is what scripts have printed.
func (r *rig) printed() string {
	r.t.Helper()
	text, err := os.ReadFile(r.out.Name())
	if err != nil {
		r.t.Fatal(err)
	}
	return string(text)
}

// logs is what was logged, a line each.
func (r *rig) logs() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.logged, "\n")
}

// finish waits for the asynchronous work of engines.
func (r *rig) finish(engines ...*engine) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for _, e := range engines {
		if open := e.inbox.Finish(ctx); open > 0 {
			r.t.Fatalf("%d pieces of asynchronous work did not come back", open)
		}
	}
}

// check compares, '*' in want being anything.
func check(t testing.TB, what, got, want string) {
	t.Helper()
	if !like(want, got) {
		t.Errorf("%s:\ngot  %s\nwant %s", what, got, want)
	}
}

func like(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if !strings.HasPrefix(text, parts[0]) {
		return false
	}
	text = text[len(parts[0]):]
	for i, p := range parts[1:] {
		if i == len(parts)-2 {
			return strings.HasSuffix(text, p)
		}
		at := strings.Index(text, p)
		if at < 0 {
			return false
		}
		text = text[at+len(p):]
	}
	return len(parts) > 1 || text == ""
}

// web is a flow of a client to a web server.
func web() *flow.Flow {
	k := flow.Key{SrcPort: 2964, DstPort: 80, Proto: 6, Version: 4}
	copy(k.Src[:], []byte{192, 168, 1, 2})
	copy(k.Dst[:], []byte{209, 216, 249, 58})
	return &flow.Flow{Key: k, Serial: 7, Start: 1258892320_500000000}
}

const webID = "06A:C0.A8.01.02:p-0B94_D1.D8.F9.3A:p-0050"

// ramStore is a folder for extracted files.
func ramStore(t testing.TB) *ramfs.Store {
	t.Helper()
	s, err := ramfs.Open(ramfs.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// file extracts a file.
func file(t testing.TB, s *ramfs.Store, uri, content string) *ramfs.File {
	t.Helper()
	w := s.Create(ramfs.Name{Host: "example.org", URI: uri})
	if err := w.Write([]byte(content), nil); err != nil {
		t.Fatal(err)
	}
	f, _ := w.Finish()
	if f == nil {
		t.Fatal("no file")
	}
	return f
}
