package native

import (
	"context"
	"os"
	"strings"
	"testing"

	"eddy/internal/base/value"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/queue"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if args := os.Getenv("EDDY_TEST_EXEC"); args != "" { // see TestProgramDiesWithUs
		runAndSay(strings.Split(args, " "))
		return
	}
	goleak.VerifyTestMain(m)
}

// tab makes a table of names and values; a key "" puts the value into the list.
func tab(fields ...any) value.Value {
	t := &value.Table{}
	for i := 0; i < len(fields); i += 2 {
		if key := fields[i].(string); key != "" {
			t.Set(key, val(fields[i+1]))
		} else {
			t.Arr = append(t.Arr, val(fields[i+1]))
		}
	}
	return value.Tab(t)
}

// list makes a list of strings.
func list(items ...string) value.Value {
	t := &value.Table{}
	for _, s := range items {
		t.Arr = append(t.Arr, value.Str(s))
	}
	return value.Tab(t)
}

func val(a any) value.Value {
	switch a := a.(type) {
	case string:
		return value.Str(a)
	case int:
		return value.Int(int64(a))
	case float64:
		return value.Num(a)
	case bool:
		return value.Bool(a)
	case value.Value:
		return a
	}
	panic("no such value")
}

// with gives the table v with more fields; those of the same name go.
func with(v value.Value, fields ...any) value.Value {
	old, _ := v.AsTable()
	more, _ := tab(fields...).AsTable()
	t := &value.Table{Arr: old.Arr, Map: append([]value.Pair(nil), more.Map...)}
	for _, f := range old.Map {
		key, _ := f.Key.AsStr()
		if more.Get(key).IsNil() {
			t.Map = append(t.Map, f)
		}
	}
	return value.Tab(t)
}

func data(t testing.TB, v value.Value) []byte {
	t.Helper()
	b, err := value.Append(nil, v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// registry is what Register fills.
type registry map[string]queue.Runner

func (r registry) Handle(name, _ string, h queue.Runner) error {
	r[name] = h
	return nil
}

// handlers gives all of them.
func handlers(t *testing.T, o Options) registry {
	t.Helper()
	r := registry{}
	stop, err := Register(r, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return r
}

// do runs one job.
func (r registry) do(ctx context.Context, t *testing.T, name string, payload value.Value) queue.Outcome {
	t.Helper()
	return r[name].Run(ctx, newJob(data(t, payload)))
}

func newJob(data []byte) *job.Job {
	return &job.Job{Head: job.Head{ID: 0x123456789}, Body: job.Body{Data: data, Pushed: 1_800_000_000_000_000_000}}
}

// result decodes what an outcome has.
func result(t *testing.T, o queue.Outcome) *value.Table {
	t.Helper()
	if o.Err != nil {
		t.Fatal(o.Err)
	}
	v, rest, err := value.Decode(o.Result)
	tab, ok := v.AsTable()
	if err != nil || len(rest) > 0 || !ok {
		t.Fatalf("the result is %q", o.Result)
	}
	return tab
}

func str(t *testing.T, tab *value.Table, name string) string {
	t.Helper()
	s, ok := asText(tab.Get(name))
	if !ok {
		t.Fatalf("%q is no text", name)
	}
	return s
}

// never checks that a payload is refused for good, with an error on one line that has a text in it.
func (r registry) never(t *testing.T, name string, payload value.Value, want string) {
	t.Helper()
	switch o := r.do(t.Context(), t, name, payload); {
	case o.Err == nil:
		t.Errorf("it was done; want an error with %q", want)
	case !o.Final:
		t.Errorf("it would be tried again after: %v", o.Err)
	case !strings.Contains(o.Err.Error(), want):
		t.Errorf("got  %v\nwant %s", o.Err, want)
	case control(o.Err.Error()) >= 0:
		t.Errorf("control bytes in %q", o.Err)
	}
}
