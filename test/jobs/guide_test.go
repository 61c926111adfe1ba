package jobs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"eddy/test/program"
)

// guide is docs/jobs.md: its blocks of code by the heading that they are under.
func guide(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/jobs.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := make(map[string][]string)
	heading, block, inside := "", "", false
	for line := range strings.Lines(string(text)) {
		switch {
		case strings.HasPrefix(line, "```"):
			if inside {
				blocks[heading] = append(blocks[heading], block)
			}
			inside, block = !inside, ""
		case inside:
			block += line
		case strings.HasPrefix(line, "#"):
			heading = strings.Trim(line, "# \n")
		}
	}
	return blocks
}

// first is the guide's first job, in a folder, with a port and a socket of the test's own. The queue of the disk is as the guide
// writes it, too.
func first(t *testing.T, more string) (dir, port string) {
	t.Helper()
	blocks := guide(t)["A first job"]
	if len(blocks) != 4 {
		t.Fatalf("%d blocks in the first part", len(blocks))
	}
	dir, port = t.TempDir(), program.FreePort(t)
	config := strings.NewReplacer("127.0.0.1:10080", "127.0.0.1:"+port, "/tmp/eddy.sock", filepath.Join(dir, "eddy.sock")).Replace(blocks[0])
	if strings.Count(config, dir) != 1 || strings.Count(config, port) != 1 {
		t.Fatalf("the guide has another port or socket:\n%s", config)
	}
	config += "\n" + blocks[3] + "\nglobal\n    state-dir " + filepath.Join(dir, "state") + "\n" + more
	for name, text := range map[string]string{"haproxy.cfg": config, "hello.lua": blocks[1]} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, port
}

func TestGuideFirstJob(t *testing.T) {
	dir, port := first(t, "")
	e := program.Start(t, eddy, dir, "127.0.0.1:"+port, nil, "-f", "haproxy.cfg")
	if text := newClient(t, port).get("/some/path", 200); text != "thank you\n" {
		t.Errorf("answer %q", text)
	}
	e.WaitFor(t, "somebody asked for /some/path")
	program.Until(t, "the job is counted", func() bool {
		r := program.Run(t, eddy, dir, nil, "jobs", "-S", filepath.Join(dir, "eddy.sock"), "queues", "--json")
		return strings.Contains(r.Stdout, `"done":1,`)
	})
	for _, part := range []string{"eddy -f haproxy.cfg &\n", "curl http://127.0.0.1:10080/", "eddy jobs -S /tmp/eddy.sock queues"} {
		if commands := guide(t)["A first job"][2]; !strings.Contains(commands, part) {
			t.Errorf("no %q in\n%s", part, commands)
		}
	}
	e.Stop(t)
}

// TestGuideOnCall runs the commands of the guide as they stand there, but for the id.
func TestGuideOnCall(t *testing.T) {
	blocks := guide(t)["On call"]
	if len(blocks) != 1 {
		t.Fatalf("%d blocks of commands", len(blocks))
	}
	dir, port := first(t, "global\n    lua-load broken.lua\nlisten broken\n    mode http\n    bind 127.0.0.1:${PORT}\n    timeout client 10s\n    http-request use-service lua.broken\n")
	script := `
async.handler("broken", function(job) error("the server says no") end)
core.register_service("broken", "http", function(applet)
    local id, why = async.queue("mail"):push { handler = "broken", retries = 0, data = { to = "you@eddy.example" } }
    local text = "job " .. (id or why)
    applet:set_status(id and 202 or 503)
    applet:add_header("content-length", #text)
    applet:start_response()
    applet:send(text)
end)
`
	if err := os.WriteFile(filepath.Join(dir, "broken.lua"), []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	broken := program.FreePort(t)
	e := program.Start(t, eddy, dir, "127.0.0.1:"+port, []string{"PORT=" + broken}, "-f", "haproxy.cfg")
	c := newClient(t, broken)
	socket := filepath.Join(dir, "eddy.sock")
	dead := func(n int64) {
		t.Helper()
		program.Until(t, "the jobs are dead", func() bool { return program.Queue(t, socket, "mail").Jobs.Dead == n })
	}
	id := c.id("/")
	c.id("/")
	dead(2)

	parts := map[string]string{ // what is in the answers
		"eddy jobs queues":                  "mail ",
		"eddy jobs list mail --state dead":  "the server says no",
		"eddy jobs show ID":                 `"to": "you@eddy.example"`,
		"eddy jobs retry ID":                "has its next attempt now",
		"eddy jobs retry --dead mail":       "2 dead jobs of queue mail",
		"eddy jobs pause mail":              "queue mail is paused",
		"eddy jobs resume mail":             "takes jobs",
		"eddy jobs drain mail":              "queue mail",
		"eddy jobs purge mail --state dead": "2 jobs of queue mail",
	}
	died := uint64(2)
	ids := regexp.MustCompile(`\b[0-9A-Z]{13}\b`)
	for line := range strings.Lines(blocks[0]) {
		line, _, _ = strings.Cut(line, "#")
		for command := range strings.SplitSeq(line, ";") {
			command = strings.TrimSpace(command)
			words := strings.Fields(ids.ReplaceAllString(command, id))
			r := program.Run(t, eddy, dir, []string{"EDDY_SOCKET=" + socket}, words[1:]...)
			general := ids.ReplaceAllString(command, "ID")
			part, known := parts[general]
			if delete(parts, general); !known {
				t.Errorf("%q is not known here", command)
			}
			if r.Code != 0 || !strings.Contains(r.Stdout, part) {
				t.Errorf("%s: code %d, no %q in\n%s%s", command, r.Code, part, r.Stdout, r.Stderr)
			}
			if strings.Contains(command, " retry ") {
				died += uint64(1 + strings.Count(command, "--dead"))
				program.Until(t, "they are dead again", func() bool { return program.Queue(t, socket, "mail").Counts.Died == died })
			}
			if strings.Contains(command, " drain ") {
				if text := c.get("/", 503); !strings.Contains(text, "draining") {
					t.Errorf("a draining queue says %q", text)
				}
			}
		}
	}
	for command := range parts {
		t.Errorf("the guide does not have %q", command)
	}
	// What the text between says.
	program.Say(t, socket, "resume queue mail")
	id = c.id("/")
	dead(1)
	for _, args := range [][]string{{"jobs", "edit", id, `{"to":"me@eddy.example"}`}, {"top", "--once"}, {"jobs", "-f", "haproxy.cfg", "show", id}} {
		r := program.Run(t, eddy, dir, []string{"EDDY_SOCKET=" + socket, "PORT=" + broken}, args...)
		if r.Code != 0 {
			t.Errorf("eddy %q: code %d\n%s%s", args, r.Code, r.Stdout, r.Stderr)
		}
		if args[1] == "-f" {
			for _, part := range []string{"attempt 1 failed: ", "broken.lua:2: the server says no", `"to": "me@eddy.example"`} {
				if !strings.Contains(r.Stdout, part) {
					t.Errorf("no %q in\n%s", part, r.Stdout)
				}
			}
		}
	}
	e.Stop(t)
}
