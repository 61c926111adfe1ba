package observe

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"eddy/internal/script/trisul/plugin"
	"eddy/test/program"
)

// page is a document with files to save, commands to run and what they have to say.
type page struct {
	dir  string
	said string // by the commands before
}

// TestDocs follows docs/observed-lane.md as a newcomer would: it saves the files, runs the commands, and looks for the lines
// that the document promises. "…" stands for anything.
func TestDocs(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "docs", "observed-lane.md"))
	if err != nil {
		t.Fatal(err)
	}
	p := page{dir: t.TempDir()}
	for name, target := range map[string]string{"bin/eddy": eddy, "examples": filepath.Join(root, "examples")} {
		link := filepath.Join(p.dir, name)
		if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
	}
	block := regexp.MustCompile("(?ms)(^[^\n]*\n)?\n^```(\\w+)\n(.*?)^```$")
	seen := map[string]int{}
	for _, m := range block.FindAllStringSubmatch(string(text), -1) {
		before, kind, body := m[1], m[2], m[3]
		seen[kind]++
		switch kind {
		case "lua", "haproxy":
			p.save(t, before, body)
		case "sh":
			p.run(t, body)
		case "text":
			p.expect(t, body)
		default:
			t.Errorf("what is a block of %q?", kind)
		}
	}
	if seen["lua"] < 2 || seen["sh"] < 5 || seen["text"] < 5 {
		t.Errorf("only these blocks were found: %v", seen)
	}
}

// save writes a file that the line before names.
func (p *page) save(t *testing.T, before, body string) {
	t.Helper()
	m := regexp.MustCompile("[Ss]ave this as `([^`]+)`").FindStringSubmatch(before)
	if m == nil {
		t.Fatalf("no name for this file after %q:\n%s", before, body)
	}
	write(t, p.dir, m[1], body)
}

// run runs commands in the folder. What watches an interface does so in a network of its own, until it has begun.
func (p *page) run(t *testing.T, body string) {
	t.Helper()
	p.said = ""
	body = strings.ReplaceAll(body, "make build\n", "") // it is
	if strings.Contains(body, "-i eth0") {
		t.Run("live", func(t *testing.T) {
			bin, args := newNamespace(t, "eth0").command("bash", "-c", "exec "+strings.TrimSpace(body))
			e := program.Launch(t, bin, p.dir, nil, args...)
			e.WaitFor(t, "observing eth0")
			e.Stop(t)
			p.said = e.Said()
		})
		return
	}
	c := exec.Command("bash", "-euo", "pipefail", "-c", body)
	c.Dir = p.dir
	out, err := c.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s\n%s", err, body, out)
	}
	p.said = string(out)
}

// expect looks for lines in what was said; blanks count as one.
func (p *page) expect(t *testing.T, body string) {
	t.Helper()
	for _, line := range strings.Split(strings.TrimSpace(body), "\n") {
		pattern := strings.ReplaceAll(regexp.QuoteMeta(strings.Join(strings.Fields(line), " ")), "…", ".*")
		if !regexp.MustCompile("(?m)^ ?" + pattern + "$").MatchString(regexp.MustCompile(`[ \t]+`).ReplaceAllString(p.said, " ")) {
			t.Errorf("no line %q in:\n%s", line, p.said)
		}
	}
}

// TestHooks holds that the hooks which the document names are those that plugins can have.
func TestHooks(t *testing.T) {
	text, err := os.ReadFile("../../docs/observed-lane.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "## Which hook for what\n")
	if !found {
		t.Fatal("no section about hooks")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	name := regexp.MustCompile("`(\\w+)`")
	rows := 0
	for _, row := range strings.Split(table, "\n")[2:] {
		cells := strings.Split(row, "|")
		known := map[string]bool{}
		for _, m := range name.FindAllStringSubmatch(cells[2], -1) {
			kind, ok := plugin.FindKind(m[1])
			if !ok {
				t.Errorf("there is no script type %s", m[1])
			}
			for _, hook := range kind.HookNames() {
				known[hook] = true
			}
		}
		for _, m := range name.FindAllStringSubmatch(cells[3], -1) {
			if rows++; len(known) > 0 && !known[m[1]] {
				t.Errorf("%s has no hook %s", strings.TrimSpace(cells[2]), m[1])
			}
		}
	}
	if rows < 15 {
		t.Errorf("only %d hooks were found", rows)
	}
}
