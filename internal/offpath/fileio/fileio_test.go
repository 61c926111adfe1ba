package fileio

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// folder has some things to work on: "a" with content, "empty", a folder "sub", a pipe "fifo".
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "a"), "content of a")
	put(t, filepath.Join(dir, "empty"), "")
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("a", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func put(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// content is what a file has; "-" is no file.
func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "-"
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestOperations(t *testing.T) {
	ctx := context.Background()
	copies := func(from, to string) func(string) error {
		return func(dir string) error { return Copy(ctx, filepath.Join(dir, from), filepath.Join(dir, to)) }
	}
	cats := func(from, to string) func(string) error {
		return func(dir string) error { return Cat(ctx, filepath.Join(dir, from), filepath.Join(dir, to)) }
	}
	on := func(name string, do func(path string) error) func(string) error {
		return func(dir string) error { return do(filepath.Join(dir, name)) }
	}
	appends := func(data string) func(string) error {
		return func(path string) error { return Append(path, []byte(data)) }
	}
	writes := func(data string, at int64) func(string) error {
		return func(path string) error { return WriteAt(path, []byte(data), at) }
	}
	for _, tt := range []struct {
		name string
		do   func(dir string) error
		file string // to look at
		want string
		err  string // with DIR in place of the folder; "": none
	}{
		{"copy", copies("a", "new"), "new", "content of a", ""},
		{"copy over a longer file", copies("empty", "a"), "a", "", ""},
		{"copy from a link", copies("link", "new"), "new", "content of a", ""},
		{"copy to itself", copies("a", "link"), "a", "content of a", `copy "DIR/a" to "DIR/link": source and target are the same file`},
		{"copy nothing", copies("none", "new"), "new", "-", `copy "DIR/none" to "DIR/new": cannot read "DIR/none": no such file or directory`},
		{"copy into no folder", copies("a", "no/new"), "a", "content of a",
			`copy "DIR/a" to "DIR/no/new": cannot write "DIR/no/new": no such file or directory (the folder "DIR/no" is missing: create it first)`},
		{"copy a folder", copies("sub", "new"), "new", "-", `copy "DIR/sub" to "DIR/new": cannot read "DIR/sub": it is a folder, not a regular file`},
		{"copy a pipe without a writer", copies("fifo", "new"), "new", "-", `copy "DIR/fifo" to "DIR/new": cannot read "DIR/fifo": it is a named pipe, not a regular file`},
		{"copy to a folder", copies("a", "sub"), "a", "content of a", `copy "DIR/a" to "DIR/sub": cannot write "DIR/sub": is a directory`},
		{"copy to a pipe without a reader", copies("a", "fifo"), "a", "content of a", `copy "DIR/a" to "DIR/fifo": cannot write "DIR/fifo": no such device or address`},

		{"cat makes the file", cats("a", "new"), "new", "content of a", ""},
		{"cat appends", cats("a", "link"), "a", "content of a", `append "DIR/a" to "DIR/link": source and target are the same file`},
		{"cat an empty file", cats("empty", "a"), "a", "content of a", ""},
		{"cat nothing", cats("none", "a"), "a", "content of a", `append "DIR/none" to "DIR/a": cannot read "DIR/none": no such file or directory`},

		{"remove", on("a", Remove), "a", "-", ""},
		{"remove nothing", on("none", Remove), "none", "-", ""},
		{"remove what is below nothing", on("none/none", Remove), "none", "-", ""},
		{"remove a link, not what it names", on("link", Remove), "a", "content of a", ""},
		{"remove a folder", on("sub", Remove), "a", "content of a", `remove "DIR/sub": it is a folder`},

		{"append", on("a", appends(", more")), "a", "content of a, more", ""},
		{"append makes the file", on("new", appends("x")), "new", "x", ""},
		{"append nothing", on("new", appends("")), "new", "", ""},
		{"append into no folder", on("no/new", appends("x")), "a", "content of a",
			`append to "DIR/no/new": cannot write "DIR/no/new": no such file or directory (the folder "DIR/no" is missing: create it first)`},

		{"write in the middle", on("a", writes("CON", 0)), "a", "CONtent of a", ""},
		{"write over the end", on("a", writes("bcd", 11)), "a", "content of bcd", ""},
		{"write behind the end", on("a", writes("z", 14)), "a", "content of a\x00\x00z", ""},
		{"write makes the file", on("new", writes("z", 1)), "new", "\x00z", ""},
		{"write before the beginning", on("new", writes("z", -1)), "new", "-", `write into "DIR/new": offset -1 is negative`},
		{"names are quoted", on("no\n/\x1b", appends("x")), "a", "content of a",
			`append to "DIR/no\n/\x1b": cannot write "DIR/no\n/\x1b": no such file or directory (the folder "DIR/no\n" is missing: create it first)`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := folder(t)
			said := ""
			if err := tt.do(dir); err != nil {
				said = strings.ReplaceAll(err.Error(), dir, "DIR")
			}
			if said != tt.err {
				t.Errorf("got  %s\nwant %s", said, tt.err)
			}
			if got := content(t, filepath.Join(dir, tt.file)); got != tt.want {
				t.Errorf("%s has %q, want %q", tt.file, got, tt.want)
			}
		})
	}
}

func TestCatAppends(t *testing.T) {
	dir := folder(t)
	from, to := filepath.Join(dir, "a"), filepath.Join(dir, "new")
	for range 2 {
		if err := Cat(t.Context(), from, to); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := content(t, to), "content of acontent of a"; got != want {
		t.Errorf("got %q", got)
	}
}

// Files larger than a step, and files that say they are empty and are not.
func TestSizes(t *testing.T) {
	dir := t.TempDir()
	for _, size := range []int{0, 1, catStep - 1, catStep, catStep + 1, 3*catStep + 5} {
		data := bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
		from, to, both := filepath.Join(dir, "from"), filepath.Join(dir, "to"), filepath.Join(dir, "both")
		put(t, from, string(data))
		put(t, both, "head ")
		if err := errors.Join(Copy(t.Context(), from, to), Cat(t.Context(), from, both)); err != nil {
			t.Fatal(err)
		}
		if content(t, to) != string(data) || content(t, both) != "head "+string(data) {
			t.Errorf("%d bytes came out different", size)
		}
	}
	const proc = "/proc/self/status" // its size is 0
	if _, err := os.Stat(proc); err != nil {
		t.Skip("no /proc here")
	}
	for name, do := range map[string]func(context.Context, string, string) error{"copy": Copy, "cat": Cat} {
		to := filepath.Join(dir, name)
		if err := do(t.Context(), proc, to); err != nil || len(content(t, to)) < 100 {
			t.Errorf("%s of %s: %v, %d bytes", name, proc, err, len(content(t, to)))
		}
	}
}

func TestCancelled(t *testing.T) {
	dir := folder(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	cancel(enough)
	from, to := filepath.Join(dir, "a"), filepath.Join(dir, "new")
	for _, do := range []func(context.Context, string, string) error{Copy, Cat} {
		if err := do(ctx, from, to); !errors.Is(err, enough) {
			t.Errorf("got %v", err)
		}
	}
}

// What the operating system said can be asked for.
func TestErrorsKeepTheirCause(t *testing.T) {
	dir := folder(t)
	if err := Append(filepath.Join(dir, "no", "x"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full here")
	}
	if err := Append("/dev/full", []byte("x")); !errors.Is(err, syscall.ENOSPC) || strings.Count(err.Error(), "/dev/full") != 1 {
		t.Errorf("got %v", err)
	}
	if err := Copy(t.Context(), filepath.Join(dir, "a"), "/dev/full"); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v", err)
	}
}
