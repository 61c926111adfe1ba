package observe

import (
	"crypto/sha1"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// wrap puts a fragment of the article into a plugin file. As the article has it, the fragment is either the whole hook
// or what stands in one.
func wrap(t *testing.T, dir, fragment string, workers int) string {
	t.Helper()
	if !strings.HasPrefix(fragment, "onfile_http") {
		fragment = "onfile_http = function(engine, timestamp, flowkey, path, req_header, resp_header, length)\n" + fragment + "\nend,"
	}
	return write(t, dir, "article.lua", fmt.Sprintf(`TrisulPlugin = {
  id = { name = "Article", description = "a fragment of the article" },
  request_async_workers = %d,
  filex_monitor = {
%s
  },
}
`, workers, fragment))
}

func fragment(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(shared(t, "seeds/trisul-async"), name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// setups are the numbers of workers and engines that everything has to be right with.
var setups = []struct{ workers, engines int }{{1, 1}, {8, 1}, {1, 2}, {8, 2}}

const capture = "trisul_16minutes.pcap"

// lateFile is the hash of an answer that came a quarter of an hour after its request: Suricata, with which http-files.tsv
// was made, had forgotten the connection by then (docs/observed-lane.md).
const lateFile = "a2b5de9b42b21604a91daf4447b6f587314a66a8"

// TestArticleSums runs the article's example: one line for each extracted file, with the hash that others find.
func TestArticleSums(t *testing.T) {
	pcaps := shared(t, "pcaps")
	want := append(hashesOf(t, pcaps, capture), lateFile)
	slices.Sort(want)
	text := fragment(t, "sha1sum-example.fragment.lua")
	line := regexp.MustCompile(`(?m)^The SHA1 sum of (\S+) IS ([0-9a-f]{40})  (\S+)$`)
	for _, s := range setups {
		t.Run(fmt.Sprintf("%d workers, %d engines", s.workers, s.engines), func(t *testing.T) {
			o := observe(t, "-r", filepath.Join(pcaps, capture), "--engines", fmt.Sprint(s.engines), wrap(t, t.TempDir(), text, s.workers))
			var got []string
			paths := map[string]bool{}
			for _, m := range line.FindAllStringSubmatch(o.Stdout, -1) {
				if m[1] != m[3] || paths[m[1]] {
					t.Errorf("%q and %q: the path is another one, or comes again", m[1], m[3])
				}
				paths[m[1]] = true
				got = append(got, m[2])
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%d hashes, not these %d\n%s", len(got), len(want), o.Stderr)
			}
			if len(o.Report.Async) != 1 {
				t.Fatalf("asynchronous work of %d plugins", len(o.Report.Async))
			}
			if a, n := o.Report.Async[0], uint64(len(want)); a.Scheduled != n || a.Done != n || a.Results != n || a.Failed != 0 || a.Workers != s.workers {
				t.Errorf("asynchronous work: %+v", a)
			}
		})
	}
}

// TestArticleCopies runs the three ways in which the article copies a file. Each time the target is in the end one of the
// extracted files, whole.
func TestArticleCopies(t *testing.T) {
	pcaps := shared(t, "pcaps")
	whole := map[string]bool{lateFile: true}
	for _, h := range hashesOf(t, pcaps, capture) {
		whole[h] = true
	}
	const target = "/tmp/xyz.txt" // the article's
	for name, text := range map[string]string{
		"inline":      `os.execute( "cp "..path.." /tmp/xyz.txt")`,
		"copy":        fragment(t, "copy.fragment.lua"),
		"by schedule": fragment(t, "copy-by-schedule.fragment.lua"),
	} {
		if !strings.Contains(text, target) {
			t.Fatalf("%s: no %s in the fragment", name, target)
		}
		for _, s := range setups {
			t.Run(fmt.Sprintf("%s, %d workers, %d engines", name, s.workers, s.engines), func(t *testing.T) {
				dir := t.TempDir()
				copied := filepath.Join(dir, "xyz.txt")
				o := observe(t, "-r", filepath.Join(pcaps, capture), "--engines", fmt.Sprint(s.engines),
					wrap(t, dir, strings.ReplaceAll(text, target, copied), s.workers))
				body, err := os.ReadFile(copied)
				if err != nil {
					t.Fatalf("%v\n%s", err, o.Stderr)
				}
				// Where several run the article's "cp" onto one file at once, what stays may be a mixture. T.async:copy keeps order.
				racing := name != "copy" && (s.engines > 1 || name == "by schedule" && s.workers > 1)
				if h := fmt.Sprintf("%x", sha1.Sum(body)); !whole[h] && !racing {
					t.Errorf("%d bytes with hash %s are no file of the capture", len(body), h)
				}
			})
		}
	}
}
