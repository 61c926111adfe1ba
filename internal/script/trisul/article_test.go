package trisul

import (
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"eddy/internal/fastpath/extract"
	"eddy/internal/fastpath/flow"
)

// article is a plugin around one of the article's pieces of code.
func article(body string, more string) string {
	return `
TrisulPlugin = {
  id = { name = "article", description = "from the documentation" },
  ` + more + `
  filex_monitor = {
    onfile_http  = function ( engine, timestamp, flowkey,
                              path, req_header, resp_header, length )
` + body + `
    end,
  },
}`
}

// fragment reads a piece of code that stands beside the repository.
func fragment(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../../../shared/seeds/trisul-async", name))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the article is not beside the repository")
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestArticleHash runs the article's last example as printed, on files of two engines, with one worker and with several:
// the code of onexecute travels with the path that it uses from outside.
func TestArticleHash(t *testing.T) {
	example := strings.TrimSpace(fragment(t, "sha1sum-example.fragment.lua"))
	for _, workers := range []int{0, 8} {
		for _, engines := range []int{1, 2} {
			t.Run(fmt.Sprintf("%d workers %d engines", workers, engines), func(t *testing.T) {
				plugin := "TrisulPlugin = { id = { name = 'sha1' }, request_async_workers = " + fmt.Sprint(workers) +
					",\n filex_monitor = {\n" + example + "\n} }"
				r := one(t, plugin)
				store := ramStore(t)
				var all []*engine
				var hooks []*PacketHooks
				for i := range engines {
					e := newEngine(fmt.Sprint(i))
					all = append(all, e)
					hooks = append(hooks, r.on(e))
				}
				want := map[string]string{}
				var paths []string
				for i := range 20 {
					h, f := hooks[i%engines], web()
					if _, files := h.FlowStart(f); !files {
						t.Fatal("the script does not want files")
					}
					content := fmt.Sprintf("content %d", i)
					x := file(t, store, fmt.Sprintf("/a/b%d.bin", i), content)
					sum := sha1.Sum([]byte(content))
					want[x.Path] = hex.EncodeToString(sum[:])
					paths = append(paths, x.Path)
					h.File(f, &extract.Exchange{}, flow.ToClient, x, false)
					x.Release()
					h.FlowEnd(f)
				}
				r.finish(all...)
				for _, h := range hooks {
					h.Stop()
				}
				r.end()
				got := map[string]string{}
				for line := range strings.Lines(r.printed()) {
					path, rest, ok := strings.Cut(strings.TrimPrefix(line, "The SHA1 sum of "), " IS ")
					if ok {
						got[strings.TrimSpace(path)] = strings.Fields(rest)[0]
					}
				}
				if len(got) != len(want) {
					t.Errorf("%d lines for %d files:\n%s%s", len(got), len(want), r.printed(), r.logs())
				}
				for path, sum := range want {
					if got[path] != sum {
						t.Errorf("%s: %q, want %q", path, got[path], sum)
					}
				}
				for _, path := range paths {
					if _, err := os.Stat(path); err == nil {
						t.Errorf("%s is still there", path)
					}
				}
				for _, e := range all {
					e.inbox.Close()
				}
			})
		}
	}
}

// TestArticleCopies runs the three ways to copy a file.
func TestArticleCopies(t *testing.T) {
	for name, code := range map[string]string{
		"inline":   `os.execute( "cp "..path.." /tmp/xyz.txt")`,
		"copy":     fragment(t, "copy.fragment.lua"),
		"schedule": fragment(t, "copy-by-schedule.fragment.lua"),
	} {
		t.Run(name, func(t *testing.T) {
			target := filepath.Join(t.TempDir(), "xyz.txt")
			r := one(t, article(strings.ReplaceAll(code, "/tmp/xyz.txt", target), ""))
			e := newEngine("0")
			h, f := r.on(e), web()
			h.FlowStart(f)
			x := file(t, ramStore(t), "/x", "the file's content")
			h.File(f, &extract.Exchange{}, flow.ToClient, x, false)
			x.Release()
			r.finish(e)
			if got, err := os.ReadFile(target); err != nil || string(got) != "the file's content" {
				t.Errorf("%q, %v\n%s", got, err, r.logs())
			}
			if _, err := os.Stat(x.Path); err == nil {
				t.Error("the extracted file is still there")
			}
		})
	}
}
