package app_test

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"eddy/internal/operator/app"

	"github.com/emersion/go-smtp"
	"github.com/rogpeppe/go-internal/testscript"
)

const patience = 20 * time.Second

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"eddy": func() { os.Exit(app.Main()) }})
}

// TestScripts runs the whole program, as a user starts it.
func TestScripts(t *testing.T) {
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("PORT", freePort(t))
			env.Setenv("ROOT", root)
			env.Setenv("GORACE", "atexit_sleep_ms=0") // many processes, each of which would end a second later
			env.Defer(func() { killStrays(env.WorkDir) })
			box := &mailbox{}
			env.Values["mails"] = box
			port, stop := box.serve(t)
			env.Setenv("SMTP_PORT", port)
			env.Defer(stop)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"get": get, "mail": waitMail, "unixsay": unixsay, "observed": observed, "says": says, "signal": signalPID, "ended": ended,
		},
	})
}

func freePort(t *testing.T) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return strconv.Itoa(ln.Addr().(*net.TCPAddr).Port)
}

func killStrays(dir string) {
	files, _ := filepath.Glob(filepath.Join(dir, "*.pid"))
	for _, f := range files {
		b, _ := os.ReadFile(f)
		if pid, err := strconv.Atoi(strings.TrimSpace(string(b))); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

func until(ts *testscript.TestScript, what string, ok func() bool) {
	end := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(end) {
			ts.Fatalf("waited in vain: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// get URL-PATH: asks eddy, waiting until it listens, and prints status, location and body.
func get(ts *testscript.TestScript, _ bool, args []string) {
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	var res *http.Response
	until(ts, "an answer to "+args[0], func() (ok bool) {
		var err error
		res, err = client.Get("http://127.0.0.1:" + ts.Getenv("PORT") + args[0])
		return err == nil
	})
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%d %s\n%s\n", res.StatusCode, res.Header.Get("Location"), body)
}

// mailbox is a real mail server that keeps what it gets.
type mailbox struct {
	mu    sync.Mutex
	texts []string
}

func (b *mailbox) serve(t *testing.T) (port string, stop func()) {
	s := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &letter{box: b}, nil }))
	s.ErrorLog = log.New(io.Discard, "", 0)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Serve(ln) }()
	return strconv.Itoa(ln.Addr().(*net.TCPAddr).Port), func() { s.Close(); ln.Close() }
}

type letter struct{ box *mailbox }

func (letter) Mail(string, *smtp.MailOptions) error { return nil }
func (letter) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (letter) Reset()                               {}
func (letter) Logout() error                        { return nil }
func (l letter) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	l.box.mu.Lock()
	defer l.box.mu.Unlock()
	l.box.texts = append(l.box.texts, strings.ReplaceAll(string(text), "\r\n", "\n"))
	return err
}

// mail N REGEXP...: waits for the N-th mail, which has to match all the expressions.
func waitMail(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	box := ts.Value("mails").(*mailbox)
	text := ""
	until(ts, "mail "+args[0], func() bool {
		box.mu.Lock()
		defer box.mu.Unlock()
		if len(box.texts) < n {
			return false
		}
		text = box.texts[n-1]
		return true
	})
	for _, re := range args[1:] {
		if !regexp.MustCompile("(?m)" + re).MatchString(text) {
			ts.Fatalf("mail %d has no %s:\n%s", n, re, text)
		}
	}
}

// unixsay SOCKET LINE: sends a line and prints what comes back.
func unixsay(ts *testscript.TestScript, _ bool, args []string) {
	c, err := net.Dial("unix", ts.MkAbs(args[0]))
	ts.Check(err)
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	fmt.Fprintln(c, args[1])
	b, err := io.ReadAll(c)
	ts.Check(err)
	fmt.Fprint(ts.Stdout(), string(b))
}

// observed REGEXP: waits until "show observe" on the socket s.sock says so.
func observed(ts *testscript.TestScript, _ bool, args []string) { waitFor(ts, "show observe", args[0]) }

// says LINE REGEXP: waits until a command on the socket s.sock says so. The last job's id in the answer is $ID then.
func says(ts *testscript.TestScript, _ bool, args []string) {
	text := waitFor(ts, args[0], args[1])
	if ids := regexp.MustCompile(`\b[0-9A-Z]{13}\b`).FindAllString(text, -1); ids != nil {
		ts.Setenv("ID", ids[len(ids)-1])
	}
}

// waitFor asks on the socket s.sock until the answer is like that.
func waitFor(ts *testscript.TestScript, line, like string) (answer string) {
	re := regexp.MustCompile(like)
	until(ts, line+" says "+like, func() bool {
		c, err := net.Dial("unix", ts.MkAbs("s.sock"))
		if err != nil {
			return false
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(patience))
		fmt.Fprintln(c, line)
		b, _ := io.ReadAll(c)
		answer = string(b)
		return re.Match(b)
	})
	return answer
}

func pid(ts *testscript.TestScript, file string) int {
	n, err := strconv.Atoi(strings.TrimSpace(ts.ReadFile(file)))
	ts.Check(err)
	return n
}

// signal NAME PIDFILE
func signalPID(ts *testscript.TestScript, _ bool, args []string) {
	sig := map[string]syscall.Signal{"USR1": syscall.SIGUSR1, "TERM": syscall.SIGTERM}[args[0]]
	ts.Check(syscall.Kill(pid(ts, args[1]), sig))
}

// ended PIDFILE: waits until the process whose pid was copied to a file has gone.
func ended(ts *testscript.TestScript, _ bool, args []string) {
	n := pid(ts, args[0])
	until(ts, "the end of a process", func() bool {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", n))
		return err != nil || strings.Contains(string(b), ") Z ")
	})
}
