package cli

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestParseJobs(t *testing.T) {
	for _, tt := range []struct {
		args    string
		action  string
		rest    []string
		options []string
		check   func(*jobsFlags) bool
	}{
		{"list", "list", nil, nil, nil},
		{"list email --state dead --limit=5", "list", []string{"email"}, []string{"state", "dead", "limit", "5"}, nil},
		{"-S /run/s list -- --odd", "list", []string{"--odd"}, nil, func(f *jobsFlags) bool { return f.socket == "/run/s" }},
		{"retry a b", "retry", []string{"a", "b"}, nil, nil},
		{"retry --dead email --limit 3", "retry", nil, []string{"limit", "3"}, func(f *jobsFlags) bool { return f.dead == "email" }},
		{"-f a.cfg -f b.cfg purge email -y --state dead", "purge", []string{"email"}, []string{"state", "dead"}, func(f *jobsFlags) bool { return f.yes && len(f.files) == 2 }},
		{"edit ID - --json", "edit", []string{"ID", "-"}, nil, func(f *jobsFlags) bool { return f.json }},
		{"queues", "queues", nil, nil, nil},
	} {
		f, err := parseJobs(strings.Fields(tt.args))
		if err != nil {
			t.Errorf("%s: %v", tt.args, err)
			continue
		}
		if f.action.name != tt.action || !reflect.DeepEqual(f.args, tt.rest) || !reflect.DeepEqual(f.options, tt.options) || tt.check != nil && !tt.check(f) {
			t.Errorf("%s: got %+v", tt.args, f)
		}
	}
	for args, want := range map[string]string{
		"":                         "--help",
		"lsit":                     `did you mean "eddy jobs list"?`,
		"list a b":                 "too much",
		"show":                     "wants more",
		"retry":                    "wants more",
		"retry a --dead email":     "not both",
		"retry a --limit 3":        "--limit is for --dead",
		"pause email --state dead": "does not know --state",
		"list --stat dead":         `did you mean "--state"?`,
		"list --state":             "wants an argument",
		"list --state=":            "not empty",
		"list --json=x":            "takes no argument",
		"list --key a --key b":     "twice",
	} {
		_, err := parseJobs(strings.Fields(args))
		var u *usageError
		if !errors.As(err, &u) || !strings.Contains(u.text+" "+u.hint, want) {
			t.Errorf("%q: %v, want %q", args, err, want)
		}
	}
}

func TestParseTop(t *testing.T) {
	f, err := parseTop(strings.Fields("-S s -d 0.5 -n 3 --once"))
	if err != nil || f.socket != "s" || f.every.Milliseconds() != 500 || f.rounds != 3 || !f.once {
		t.Errorf("got %+v, %v", f, err)
	}
	for args, want := range map[string]string{"-d 1ms": "100ms", "-d x": "wants a time", "-n 0": "wants a number", "-n": "wants an argument", "--onec": `did you mean "--once"?`} {
		_, err := parseTop(strings.Fields(args))
		var u *usageError
		if !errors.As(err, &u) || !strings.Contains(u.text+" "+u.hint, want) {
			t.Errorf("%q: %v, want %q", args, err, want)
		}
	}
}

func TestParseKey(t *testing.T) {
	for text, want := range map[string][]topKey{
		"q":                {keyQuit},
		"\x03":             {keyQuit},
		"\x1b[A\x1bOBp":    {keyUp, keyDown, keyPause},
		"\x1b[1;5Ar":       {keyUp, keyResume},
		"\x1b[":            {keyNone},
		"\x1bq":            {keyNone, keyQuit},
		"jkx\x1b[200~":     {keyDown, keyUp, keyNone, keyNone},
		"\xff":             {keyNone},
		"\x1b[<0;10;20Mjq": {keyNone, keyDown, keyQuit},
	} {
		var got []topKey
		for rest := text; rest != ""; {
			var k topKey
			k, rest = parseKey(rest)
			got = append(got, k)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}

func TestShellQuote(t *testing.T) {
	for in, want := range map[string]string{"email": "email", "": "''", "a b": "'a b'", "a'b": `'a'\''b'`, "$(x)": "'$(x)'", "fifo/a:1": "fifo/a:1"} {
		if got := shellQuote(in); got != want {
			t.Errorf("%q: got %s", in, got)
		}
	}
}

// However an answer is cut into pieces, the line end that ends it is one.
func TestLastLine(t *testing.T) {
	for _, pieces := range [][]string{{"{\n}\n\n"}, {"{\n}\n", "\n"}, {"{\n}", "\n", "\n"}, {"{", "\n}", "\n\n"}} {
		var b bytes.Buffer
		w := lastLine{w: &b}
		for _, p := range pieces {
			if n, err := w.Write([]byte(p)); n != len(p) || err != nil {
				t.Errorf("%q: %d, %v", p, n, err)
			}
		}
		if b.String() != "{\n}\n" {
			t.Errorf("%q became %q", pieces, b.String())
		}
	}
}
