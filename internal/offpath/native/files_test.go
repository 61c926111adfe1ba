package native

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"eddy/internal/base/value"
)

func TestFiles(t *testing.T) {
	h := handlers(t, Options{})
	for _, tt := range []struct {
		name, handler string
		payload       value.Value // with DIR for the folder
		want          string      // content of "to" and of "from"; "-" is none
		err           string      // with DIR; an error that is not final
	}{
		{"copy", "copy", tab("from", "DIR/from", "to", "DIR/to"), "from from", ""},
		{"append", "cat", tab("from", "DIR/from", "to", "DIR/to"), "tofrom from", ""},
		{"remove", "rm", tab("file", "DIR/to"), "- from", ""},
		{"remove what is not there", "rm", tab("file", "DIR/none"), "to from", ""},
		{"a name is only a name", "copy", tab("from", "DIR/from", "to", "DIR/-f; rm -rf $(pwd) * `id`\n"), "to from", ""},
		{"nothing to copy", "copy", tab("from", "DIR/none", "to", "DIR/to"), "to from", `copy "DIR/none" to "DIR/to": cannot read "DIR/none": no such file or directory`},
		{"remove a folder", "rm", tab("file", "DIR"), "to from", `remove "DIR": it is a folder`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, name := range []string{"from", "to"} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			o := h.do(t.Context(), t, tt.handler, inFolder(tt.payload, dir))
			said := ""
			if o.Err != nil {
				said = strings.ReplaceAll(o.Err.Error(), dir, "DIR")
			}
			if said != tt.err || o.Final {
				t.Errorf("got  %s, final %v\nwant %s", said, o.Final, tt.err)
			}
			if got := content(dir, "to") + " " + content(dir, "from"); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// inFolder puts a folder's path into a payload.
func inFolder(v value.Value, dir string) value.Value {
	old, _ := v.AsTable()
	t := &value.Table{}
	for _, f := range old.Map {
		key, _ := f.Key.AsStr()
		s, _ := f.Value.AsStr()
		t.Set(key, value.Str(strings.ReplaceAll(s, "DIR", dir)))
	}
	return value.Tab(t)
}

func content(dir, name string) string {
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return "-"
	}
	return string(b)
}

func TestBadFiles(t *testing.T) {
	h := handlers(t, Options{})
	for _, tt := range []struct {
		name, handler string
		payload       value.Value
		want          string
	}{
		{"out of the folder", "rm", tab("file", "/var/spool/x/../../../etc/passwd"), `'file' has ".." in it ("/var/spool/x/../../../etc/passwd"), which could lead out of a folder: write it as {file = "/path"}`},
		{"at the end", "rm", tab("file", "/var/.."), `'file' has ".." in it`},
		{"alone", "copy", tab("from", "..", "to", "/x"), `'from' has ".." in it`},
		{"in the target", "cat", tab("from", "/x", "to", "../x"), `'to' has ".." in it`},
		{"NUL", "rm", tab("file", "/tmp/x\x00.jpg"), "'file' has a NUL byte in it"},
		{"nothing", "rm", tab(), "'file' is missing"},
		{"one of two", "copy", tab("from", "/x"), `'to' is missing: write it as {from = "/path", to = "/path"}`},
		{"a list", "copy", list("/x", "/y"), "the job's data is a list, not a table of named fields"},
		{"a typing mistake", "copy", tab("form", "/x", "to", "/y"), `there is no field "form" (there are from, to)`},
		{"a list beside", "rm", tab("file", "/x", "", "/y"), "the job's data is a list, not a table of named fields"},
		{"a table", "rm", tab("file", list("/x")), "'file' is a table, not a string"},
		{"another field", "rm", tab("file", "/x", "recursive\n", true), `there is no field "recursive\n" (there are file)`},
		{"no table", "rm", value.Str("/x"), "the job's data is a string, not a table"},
	} {
		t.Run(tt.name, func(t *testing.T) { h.never(t, tt.handler, tt.payload, tt.want) })
	}
	if o := h["rm"].Run(t.Context(), newJob(nil)); o.Err == nil || !o.Final {
		t.Errorf("without data: %v", o.Err)
	}
	if o := h["rm"].Run(t.Context(), newJob([]byte("{}"))); o.Err == nil || !o.Final {
		t.Errorf("damaged data: %v", o.Err)
	}
	for _, fine := range []string{"/a/..b", "/a/b..", "...", "a..b/c"} {
		p := open(data(t, tab("file", fine)), formFile)
		if p.path("file"); p.end() != nil {
			t.Errorf("%s: %v", fine, p.err)
		}
	}
}
