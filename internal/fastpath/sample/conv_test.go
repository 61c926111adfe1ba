package sample

import (
	"os"
	"strings"
	"testing"

	"eddy/internal/config/expr"
	"eddy/internal/fastpath/sample/convert"
	"eddy/internal/fastpath/sample/fetch"
)

// TestConverters runs testdata/converters.txt.
func TestConverters(t *testing.T) {
	data, err := os.ReadFile("testdata/converters.txt")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for n, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		text, want, ok := strings.Cut(line, " => ")
		if !ok {
			t.Fatalf("line %d has no \" => \"", n+1)
		}
		env := testEnv()
		tx := testTx(t, env, testRequest)
		got := evaluate(t, env, tx, text)
		// HAProxy writes no value and an empty one alike.
		if got != want && !(want == "[]" && got == "none") {
			t.Errorf("line %d: %s\n got %s\nwant %s", n+1, text, got, want)
		}
		for _, s := range compile(t, env, text).steps {
			used[s.call.Name] = true
		}
	}
	for _, c := range expr.Converters() {
		if !used[c.Name] && !strings.HasPrefix(c.Name, "map_") && !strings.HasPrefix(c.Name, "capture-") && c.Name != "debug" {
			t.Errorf("no line tries the converter %s", c.Name)
		}
	}
}

// TestTables: what is declared has code, and what has code is declared.
func TestTables(t *testing.T) {
	for _, f := range expr.Fetches() {
		if fetch.Table()[f.Name].Get == nil && f.Name != "acl" {
			t.Errorf("the fetch %s has no code", f.Name)
		}
	}
	for name := range fetch.Table() {
		if f := expr.Fetch(name); f == nil || f.Name != name {
			t.Errorf("the fetch %s is not declared", name)
		}
	}
	for _, c := range expr.Converters() {
		if convert.Table()[c.Name].Apply == nil {
			t.Errorf("the converter %s has no code", c.Name)
		}
	}
	for name := range convert.Table() {
		if expr.Converter(name) == nil {
			t.Errorf("the converter %s is not declared", name)
		}
	}
	for _, a := range expr.Aliases() {
		if aliases()[a.Name] == nil {
			t.Errorf("the alias %%%s has no code", a.Name)
		}
	}
	if len(aliases()) != len(expr.Aliases()) {
		t.Errorf("%d aliases have code, %d are declared", len(aliases()), len(expr.Aliases()))
	}
}

func TestDebugAndCaptures(t *testing.T) {
	env := testEnv()
	var lines []string
	env.Process.Debug = func(dest string, line []byte) { lines = append(lines, dest+" "+string(line)) }
	tx := testTx(t, env, testRequest)
	if got := evaluate(t, env, tx, "int(3),debug(pfx,stderr),debug"); got != "[3]" {
		t.Errorf("debug changed the value: %s", got)
	}
	if want := "stderr [debug] pfx: type=sint <3>|buf0 [debug] generic: type=sint <3>"; strings.Join(lines, "|") != want {
		t.Errorf("debug wrote %q", lines)
	}
	model := tx.Front.Model
	model.CaptureReq = append(model.CaptureReq, captureHeader("", 4), captureHeader("", 0))
	model.CaptureResp = append(model.CaptureResp, captureHeader("", 2))
	tx.Captures.Req, tx.Captures.Res = make([][]byte, 2), make([][]byte, 1)
	evaluate(t, env, tx, "str(abcdef),capture-req(0),capture-req(1),capture-res(0),capture-req(9)")
	if got := evaluate(t, env, tx, "capture.req.hdr(0)"); got != "[abcd]" {
		t.Errorf("slot 0: %s", got)
	}
	if got := evaluate(t, env, tx, "capture.req.hdr(1)"); got != "[abcdef]" {
		t.Errorf("slot 1: %s", got)
	}
	if got := evaluate(t, env, tx, "capture.res.hdr(0)"); got != "[ab]" {
		t.Errorf("response slot 0: %s", got)
	}
	if got := evaluate(t, env, tx, "capture.req.hdr(9)"); got != "none" {
		t.Errorf("slot 9: %s", got)
	}
}
