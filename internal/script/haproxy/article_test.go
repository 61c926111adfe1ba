package haproxy

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"eddy/internal/config/diag"
	"eddy/internal/config/model"
	"eddy/internal/offpath/client/smtp"
)

const article = "../../../../shared/seeds/haproxy-async-email"

// TestArticleFifo runs the article's test.lua, with its own fifo.lua and with the built-in one, in a process of its own
// because it prints.
func TestArticleFifo(t *testing.T) {
	want, err := os.ReadFile(article + "/test.expected")
	if err != nil {
		t.Skip("the article's files are not here")
	}
	for _, own := range []bool{true, false} {
		dir := t.TempDir()
		names := []string{"test.lua"}
		if own {
			names = append(names, "fifo.lua")
		}
		for _, n := range names {
			text, err := os.ReadFile(filepath.Join(article, n))
			if err != nil {
				t.Fatal(err)
			}
			os.WriteFile(filepath.Join(dir, n), text, 0o644)
		}
		cmd := exec.Command(os.Args[0], "-test.run=^TestPrintArticle$", "-test.v=false")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "EDDY_ARTICLE=1")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("own=%v: %v\n%s", own, err, out)
		}
		if got := strings.TrimSuffix(string(out), "PASS\n"); got != string(want) {
			t.Errorf("own=%v: printed %q, want %q", own, got, want)
		}
	}
}

// TestPrintArticle is the child process of TestArticleFifo.
func TestPrintArticle(t *testing.T) {
	if os.Getenv("EDDY_ARTICLE") == "" {
		t.Skip("runs inside TestArticleFifo")
	}
	b, err := New(Options{Lua: &model.Lua{Loads: []model.LuaLoad{{File: "test.lua"}}}, Env: testEnv(), Logger: &logs{}})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	var problems diag.List
	b.Load(&problems)
	for _, p := range problems.All() {
		t.Error(p.Text)
	}
}

// TestArticleScript runs the article's samples.lua unchanged: the action, the task, a mail that works and one that fails.
func TestArticleScript(t *testing.T) {
	script, err := os.ReadFile(article + "/samples.lua")
	if err != nil {
		t.Skip("the article's files are not here")
	}
	sent := make(chan smtp.Message, 2)
	fail := make(chan error, 2)
	b := open(t, string(script), func(o *Options) {
		o.Mail = func(_ context.Context, m smtp.Message) error { sent <- m; return <-fail }
	})
	tx := b.request(t, plainRequest+"body")
	fail <- nil
	fail <- errors.New("it is dead")
	b.run(t, tx, "async_send_email")
	b.run(t, tx, "async_send_email")
	end(tx)
	b.StartTasks(context.Background())
	for range 2 {
		m := <-sent
		if m.Server != "127.0.0.1" || m.Port != 25 || m.To[0] != "admin@arpalert.org" || !strings.Contains(string(m.Data), "Request received:\n"+plainRequest+"body\r\n") {
			t.Errorf("mail %+v", m)
		}
	}
	check(t, b.logs.await(t, "Can't send"), "- warning Can't send email: it is dead")
}

func TestRequire(t *testing.T) {
	b := open(t, every(`local F = require("fifo") local f = F.new() f:push(1) f:push(2) return F == Fifo, f:size(), f:pop(), f:pop(), f:pop()`))
	check(t, b.evalOn(t, b.request(t, plainRequest)), "true 2 1 2 nil")
}
