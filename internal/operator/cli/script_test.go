package cli_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"eddy/internal/config"
	"eddy/internal/config/diag"
	"eddy/internal/config/model"
	"eddy/internal/fastpath/listener"
	"eddy/internal/fastpath/report"
	"eddy/internal/operator/admin"
	"eddy/internal/operator/cli"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience bounds every wait in the scripts.
const patience = 20 * time.Second

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"eddy": func() { os.Exit(program().Run(os.Args[1:], os.Stdout, os.Stderr)) }})
}

// program is the command over a small engine that answers each connection with its pid. Everything about processes
// is real: signals, pid files, sockets, workers.
func program() cli.Program {
	return cli.Program{Version: "1.2.3", About: []string{"about this"}, Load: config.Load, Observe: observe,
		Build: func(cfg *model.Config, _, errOut io.Writer) (cli.Engine, *diag.List) {
			l := new(diag.List)
			switch cfg.Global.Description {
			case "warn":
				l.Warnf(diag.Pos{}, "mend it", "a script looks odd")
			case "waits": // for a file "go"
				fmt.Fprintln(errOut, "waiting")
				for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
					if _, err := os.Stat("go"); err == nil {
						break
					}
				}
			case "fail":
				l.Errorf(diag.Pos{}, "mend it", "a script is broken")
				return nil, l
			}
			return &pidEngine{cfg: cfg}, l
		}}
}

type pidEngine struct {
	cfg       *model.Config
	listeners []net.Listener
	wg        sync.WaitGroup
	held      sync.WaitGroup // connections that said "hold"
}

func (e *pidEngine) Listen(_ []int, sockets *listener.Inherited) error {
	var errs []error
	for _, p := range e.cfg.Proxies {
		for _, b := range p.Binds {
			addr := net.JoinHostPort(b.Addr.Host, strconv.Itoa(b.Addr.Port))
			ln, err := sockets.Take(addr)
			if ln == nil && err == nil {
				ln, err = net.Listen("tcp", addr)
			}
			if err != nil {
				errs = append(errs, err)
				continue
			}
			e.listeners = append(e.listeners, ln)
		}
	}
	if len(errs) > 0 {
		e.SoftStop()
		e.listeners = nil
	}
	return errors.Join(errs...)
}

func (e *pidEngine) Start() error {
	switch e.cfg.Global.Description {
	case "init fails":
		return fmt.Errorf("an init function failed")
	case "init hangs":
		fmt.Fprintln(os.Stderr, "starting")
		select {}
	}
	for _, ln := range e.listeners {
		e.wg.Go(func() {
			for {
				c, err := ln.Accept()
				if err != nil {
					return
				}
				e.held.Go(func() {
					defer c.Close()
					line, _ := bufio.NewReader(c).ReadString('\n')
					switch line {
					case "die\n":
						os.Exit(7)
					case "hold\n":
						fmt.Fprintln(c, "held by", os.Getpid())
						_, _ = io.Copy(io.Discard, c)
					case "maxconn\n":
						fmt.Fprintln(c, e.cfg.Global.MaxConn, e.cfg.Proxies[0].MaxConn)
					default:
						fmt.Fprintln(c, "pid", os.Getpid(), "uid", os.Getuid())
					}
				})
			}
		})
	}
	return nil
}

// Sockets gives none when the description says so.
func (e *pidEngine) Sockets() []listener.Socket {
	var out []listener.Socket
	for _, ln := range e.listeners {
		f, err := ln.(*net.TCPListener).File()
		if err != nil || e.cfg.Global.Description == "keeps" {
			continue
		}
		out = append(out, listener.Socket{Name: ln.Addr().String(), File: f})
	}
	return out
}

func (e *pidEngine) Taken(name string) { fmt.Fprintln(os.Stderr, "taken", name) }

func (e *pidEngine) Unfinished() []string {
	if e.cfg.Global.Description == "leaves" {
		return []string{"queue 'x': 3 jobs were not done"}
	}
	return nil
}

func (e *pidEngine) SoftStop() {
	for _, ln := range e.listeners {
		ln.Close()
	}
}

func (e *pidEngine) Stop(ctx context.Context) bool {
	e.SoftStop()
	e.wg.Wait()
	done := make(chan struct{})
	go func() { e.held.Wait(); close(done) }()
	select {
	case <-done:
		return true
	case <-ctx.Done():
		return false
	}
}

// Reports has a lane of three packets for each observe section.
func (e *pidEngine) Reports() []*report.Lane {
	var lanes []*report.Lane
	for _, o := range e.cfg.Observes {
		lanes = append(lanes, &report.Lane{Name: o.Name, Packets: 3, Over: true})
	}
	return lanes
}

// Finished: a configuration without proxies has come to its end when it begins.
func (e *pidEngine) Finished() <-chan struct{} {
	if len(e.cfg.Proxies) > 0 {
		return nil
	}
	end := make(chan struct{})
	close(end)
	return end
}

func (e *pidEngine) Status() []string { return []string{"status: fine"} }

func (e *pidEngine) Commands() []admin.Command {
	return []admin.Command{{Words: []string{"show", "pid"}, Usage: "show pid", Run: func(_ context.Context, _ []string, c admin.Conn) error {
		_, err := fmt.Fprintln(c, os.Getpid())
		return err
	}}}
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			for _, name := range []string{"PORT", "PORT2", "PORT3"} {
				env.Setenv(name, freePort(t))
			}
			env.Setenv("TERM", "xterm")
			env.Setenv("GORACE", "atexit_sleep_ms=0") // many processes, each of which would end a second later
			env.Defer(func() { killStrays(env.WorkDir) })
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"dial": dial, "hangup": hangup, "signal": signalCmd, "gone": gone, "subst": subst, "unixsay": unixsay, "appears": appears,
			"exitcode": exitcode, "eventually": eventually, "take": take,
		},
		Condition: func(cond string) (bool, error) {
			if cond == "root" {
				return os.Geteuid() == 0, nil
			}
			return false, fmt.Errorf("unknown condition %s", cond)
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

// killStrays ends what a failed script left in the background, by the pids in its pid files.
func killStrays(dir string) {
	files, _ := filepath.Glob(filepath.Join(dir, "*.pid"))
	for _, f := range files {
		if pid, err := readPID(f); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

func readPID(file string) (int, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(b)))
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

// dial [-keep NAME] PORT SAY PREFIX [NOT]: connects until somebody answers SAY with a line that starts with PREFIX and whose second
// word is not NOT (an old process may take connections for a moment yet), and puts that word into $ANSWER. "! dial PORT": nobody listens (any more).
func dial(ts *testscript.TestScript, neg bool, args []string) {
	keep := ""
	if args[0] == "-keep" {
		keep, args = args[1], args[2:]
	}
	until(ts, "dial "+strings.Join(args, " "), func() bool {
		c, err := net.DialTimeout("tcp", "127.0.0.1:"+args[0], time.Second)
		if neg || err != nil {
			if err == nil {
				c.Close()
			}
			return neg && err != nil
		}
		_ = c.SetDeadline(time.Now().Add(patience))
		fmt.Fprintln(c, args[1])
		line, _ := bufio.NewReader(c).ReadString('\n')
		if keep == "" {
			c.Close()
		} else {
			ts.Defer(func() { c.Close() })
			kept.Store(ts.Getenv("WORK")+keep, c)
		}
		if !strings.HasPrefix(line, args[2]) {
			return false
		}
		answer := strings.Fields(line)[1]
		if len(args) > 3 && answer == args[3] {
			return false
		}
		ts.Setenv("ANSWER", answer)
		return true
	})
}

var kept sync.Map // connections of "dial -keep", by work folder and name

// take PORT: listens on a port until the script ends.
func take(ts *testscript.TestScript, _ bool, args []string) {
	ln, err := net.Listen("tcp", "127.0.0.1:"+args[0])
	ts.Check(err)
	ts.Defer(func() { ln.Close() })
}

// hangup NAME: closes a kept connection.
func hangup(ts *testscript.TestScript, _ bool, args []string) {
	c, _ := kept.Load(ts.Getenv("WORK") + args[0])
	c.(net.Conn).Close()
}

// signal NAME PIDFILE|PID: sends a signal.
func signalCmd(ts *testscript.TestScript, _ bool, args []string) {
	sig := map[string]syscall.Signal{"HUP": syscall.SIGHUP, "USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2,
		"TERM": syscall.SIGTERM, "TTOU": syscall.SIGTTOU, "KILL": syscall.SIGKILL}[args[0]]
	ts.Check(syscall.Kill(pidOf(ts, args[1]), sig))
}

func pidOf(ts *testscript.TestScript, s string) int {
	if pid, err := strconv.Atoi(s); err == nil {
		return pid
	}
	var pid int
	until(ts, "pid file "+s, func() (ok bool) {
		var err error
		pid, err = readPID(ts.MkAbs(s))
		return err == nil
	})
	return pid
}

// gone PID: waits until a process has ended (a zombie has).
func gone(ts *testscript.TestScript, _ bool, args []string) {
	until(ts, "end of "+args[0], func() bool {
		b, err := os.ReadFile("/proc/" + args[0] + "/stat")
		return err != nil || strings.Contains(string(b), ") Z ")
	})
}

// subst FILE...: replaces $PORT and $PORT2 in files.
func subst(ts *testscript.TestScript, _ bool, args []string) {
	for _, f := range args {
		text := os.Expand(ts.ReadFile(f), func(name string) string {
			if v := ts.Getenv(name); v != "" && strings.HasPrefix(name, "PORT") || name == "WORK" {
				return v
			}
			return "$" + name
		})
		ts.Check(os.WriteFile(ts.MkAbs(f), []byte(text), 0o644))
	}
}

// unixsay SOCKET TEXT: sends a line and prints what comes back.
func unixsay(ts *testscript.TestScript, neg bool, args []string) {
	c, err := net.Dial("unix", ts.MkAbs(args[0]))
	if err != nil {
		if !neg {
			ts.Fatalf("%v", err)
		}
		return
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	fmt.Fprintln(c, args[1])
	b, err := io.ReadAll(c)
	ts.Check(err)
	fmt.Fprint(ts.Stdout(), string(b))
	ts.Setenv("ANSWER", strings.TrimSpace(string(b)))
}

// appears FILE: waits for a file; "! appears FILE" waits until it is gone.
func appears(ts *testscript.TestScript, neg bool, args []string) {
	until(ts, "file "+args[0], func() bool {
		_, err := os.Stat(ts.MkAbs(args[0]))
		return (err == nil) != neg
	})
}

// exitcode CODE PROGRAM ARGS...: runs a program that has to end with this code.
func exitcode(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// eventually FILE REGEXP: waits until a file has a line like this.
func eventually(ts *testscript.TestScript, _ bool, args []string) {
	re := regexp.MustCompile(args[1])
	until(ts, "line "+args[1]+" in "+args[0], func() bool { return re.MatchString(ts.ReadFile(args[0])) })
}
