package native

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"eddy/internal/base/value"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/pool"
)

func TestPrograms(t *testing.T) {
	t.Setenv("EDDY_SECRET", "s3cret")
	t.Setenv("LC_TIME", "C")
	t.Setenv("HOME", "/nowhere")
	dir := t.TempDir()
	h := handlers(t, Options{MaxOutput: 100})
	for _, tt := range []struct {
		name    string
		payload value.Value
		want    string // stdout, and stderr behind " | ", and " cut"
	}{
		{"arguments", list("printf", "<%s>", "a b", "", "c"), "<a b><><c> | "},
		{"by path", list("/bin/sh", "-c", "echo out; echo err >&2"), "out\n | err\n"},
		{"in a table", tab("args", list("printf", "%s", "x")), "x | "},
		{"numbers", tab("", "printf", "", "%s %s", "", 1, "", 1.5), "1 1.5 | "},
		{"input", tab("", "cat", "stdin", "text\x00\n"), "text\x00\n | "},
		{"no input", list("cat"), " | "},
		{"input that nobody reads", tab("", "true", "stdin", strings.Repeat("x", 1<<20)), " | "},
		{"a folder", tab("", "pwd", "dir", dir), dir + "\n | "},
		{"variables", tab("", "sh", "", "-c", "", `echo "$HOME $LC_TIME [$EDDY_SECRET] [$EDDY_TEST] $MINE"; test -n "$PATH"`, "env", tab("MINE", "x=$(id)\ny")), "/nowhere C [] [] x=$(id)\ny\n | "},
		{"a variable of ours, changed", tab("", "sh", "", "-c", "", "echo $HOME", "env", tab("HOME", "/other")), "/other\n | "},
		{"shell", list("printf", "%s,", "; rm -rf /", "$(id)", "`id`", "a|b", "&& id", "> /etc/x", "*", "~", "$HOME", "\n"), "; rm -rf /,$(id),`id`,a|b,&& id,> /etc/x,*,~,$HOME,\n, | "},
		{"dashes stay arguments", list("printf", "--", "%s", "--help"), "--help | "},
		{"much output", list("sh", "-c", "i=0; while [ $i -lt 5000 ]; do echo 1234567; echo 7654321 >&2; i=$((i+1)); done"),
			strings.Repeat("1234567\n", 12) + "1234 | " + "321\n" + strings.Repeat("7654321\n", 12) + " cut"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := result(t, h.do(t.Context(), t, "exec", tt.payload))
			got := str(t, r, "stdout") + " | " + str(t, r, "stderr")
			if r.Get("cut").Truth() {
				got += " cut"
			}
			if got != tt.want || str(t, r, "status") != "0" {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestBadPrograms(t *testing.T) {
	h := handlers(t, Options{})
	for _, tt := range []struct {
		name    string
		payload value.Value
		want    string
	}{
		{"a command line", value.Str("rm -rf /tmp/x"), `the job's data is a string, not a table: write it as {"program", "argument", …} or {args = {"program",`},
		{"a command line in args", tab("args", "rm -rf /tmp/x"), "'args' must be a list of strings: write it as"},
		{"a path that is not whole", list("bin/x"), `'args' has the program "bin/x"; it has to begin with a slash, or to have none`},
		{"a path upwards", list("../../bin/sh"), `'args' has the program "../../bin/sh"`},
		{"nothing", tab(), "'args' is missing, and the data is no list: write it as"},
		{"arguments by name", tab("args", tab("a", "true")), "'args' must be a list of strings"},
		{"a typing mistake", tab("arsg", list("true")), `there is no field "arsg" (there are args, stdin, dir, env)`},
		{"an empty list", tab("args", list()), "'args' has no first item"},
		{"no program", list("", "x"), "'args' has no first item"},
		{"two lists", tab("", "true", "args", list("true")), "'args' is there beside a list"},
		{"NUL in an argument", list("echo", "a\x00b"), "there is a NUL byte"},
		{"NUL in the program", list("echo\x00"), "there is a NUL byte"},
		{"NUL in a variable", tab("", "env", "env", tab("A", "x\x00B=y")), "there is a NUL byte"},
		{"NUL in the folder", tab("", "env", "dir", "/tmp\x00"), "there is a NUL byte"},
		{"a folder that is not whole", tab("", "env", "dir", "../x"), `'dir' is "../x"; it has to begin with a slash`},
		{"a variable's name", tab("", "env", "env", tab("A=B", "x")), `'env' has the name "A=B"`},
		{"a function as a variable", tab("", "bash", "env", tab("BASH_FUNC_ls%%", "() { id; }")), `'env' has the name "BASH_FUNC_ls%%"`},
		{"variables as lines", tab("", "env", "env", list("A=B")), "'env' must be a table of strings by their names"},
		{"a table as an argument", tab("", "echo", "", list("x")), "'args' has a table at place 2, not a string"},
		{"many arguments", list(append([]string{"echo"}, make([]string, 10_000)...)...), "'args' has 10001 items; at most 10000 are possible"},
		{"a long argument", list("echo", strings.Repeat("x", 128<<10)), "an argument or variable has 131072 bytes"},
		{"an unknown field", tab("", "echo", "shell", true), `there is no field "shell"`},
	} {
		t.Run(tt.name, func(t *testing.T) { h.never(t, "exec", tt.payload, tt.want) })
	}
}

func TestProgramFailures(t *testing.T) {
	h := handlers(t, Options{Grace: 50 * time.Millisecond})
	for _, tt := range []struct {
		name    string
		payload value.Value
		want    string
	}{
		{"status", list("sh", "-c", "exit 3"), `program "sh": it ended with status 3`},
		{"what it said", list("sh", "-c", "for i in 1 2 3 4 5 6 7; do echo line $i >&2; done; printf '\\033[31mred\\r\\n' >&2; exit 1"),
			`program "sh": it ended with status 1: line 4\nline 5\nline 6\nline 7\n\x1b[31mred`},
		{"it says too much", list("sh", "-c", "printf x%02000d 1 >&2; exit 1"), `program "sh": it ended with status 1: …`},
		{"a signal", list("sh", "-c", "kill -9 $$"), `program "sh": it was killed: signal: killed`},
		{"no such program", list("no-such-program;id"), `there is no program "no-such-program;id" in PATH`},
		{"no such path", list("/no/such\nprogram"), `program "/no/such\nprogram": no such file or directory`},
		{"no program", list("/etc"), `program "/etc": permission denied`},
		{"no such folder", tab("", "true", "dir", "/no/such"), `'dir' "/no/such": no such file or directory`},
		{"no folder", tab("", "true", "dir", "/etc/passwd"), `'dir' "/etc/passwd": it is no folder`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := h.do(t.Context(), t, "exec", tt.payload)
			if o.Err == nil || o.Final || !strings.HasPrefix(o.Err.Error(), tt.want) || len(o.Err.Error()) > 1000 {
				t.Errorf("got  %v, final %v\nwant %s", o.Err, o.Final, tt.want)
			}
		})
	}
}

// numbers reads what a script wrote into a file, when there is all of it.
func numbers(t *testing.T, file string, want int) []int {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		b, _ := os.ReadFile(file)
		if fields := strings.Fields(string(b)); len(fields) == want {
			out := make([]int, want)
			for i, f := range fields {
				out[i], _ = strconv.Atoi(f)
			}
			return out
		}
	}
	t.Fatal("the script has not begun")
	return nil
}

// gone waits until a process is dead.
func gone(t *testing.T, pid int) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if i := strings.LastIndex(string(stat), ") "); err != nil || i >= 0 && stat[i+2] == 'Z' {
			return
		}
	}
	t.Errorf("process %d lives on", pid)
	_ = syscall.Kill(pid, syscall.SIGKILL)
}

// A program that is to stop goes with its children, whatever they do about SIGTERM.
func TestProgramsStop(t *testing.T) {
	for _, tt := range []struct {
		name, script string // writes the numbers of two processes into the file $1
		said         string // into $2
	}{
		{"all obey", `sleep 100 & echo $! $$ >"$1"; wait`, ""},
		{"nobody obeys", `trap "" TERM; sleep 100 & echo $! $$ >"$1"; wait`, ""},
		{"the child has to clean up", `sh -c 'trap "sleep 0.05; echo clean >\"$0\"; exit" TERM; echo $$ >"$1"; while :; do sleep 0.01; done' "$2" "$1.half" &
			while ! test -s "$1.half"; do sleep 0.01; done; echo $! $$ >"$1"; wait`, "clean\n"},
		{"the child holds nothing", `sleep 100 >/dev/null 2>&1 & echo $! $$ >"$1"; wait`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			grace := 200 * time.Millisecond
			if tt.said != "" {
				grace = 10 * time.Second
			}
			h := handlers(t, Options{Grace: grace})
			ctx, cancel := context.WithCancelCause(t.Context())
			cancelled := errors.New("deleted by an operator")
			done := make(chan error, 1)
			j := newJob(data(t, list("sh", "-c", tt.script, "sh", dir+"/pids", dir+"/said")))
			go func() { done <- h["exec"].Run(ctx, j).Err }()
			pids := numbers(t, dir+"/pids", 2)
			cancel(cancelled)
			if err := <-done; !errors.Is(err, cancelled) || err.Error() != `program "sh": stopped: deleted by an operator` {
				t.Errorf("got %v", err)
			}
			for _, pid := range pids {
				gone(t, pid)
			}
			if said, _ := os.ReadFile(dir + "/said"); string(said) != tt.said {
				t.Errorf("it said %q, want %q", said, tt.said)
			}
		})
	}
}

// Over its time, the error says what the program said last, and leaves the why to who stopped it.
func TestProgramOverItsTime(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	o := handlers(t, Options{}).do(ctx, t, "exec", list("sh", "-c", "echo it hangs here >&2; exec sleep 100"))
	if !errors.Is(o.Err, context.DeadlineExceeded) || o.Err.Error() != `program "sh": stopped: it hangs here` {
		t.Errorf("got %v", o.Err)
	}
}

// When eddy stops, nobody waits for long: the group goes within what a queue gives its workers.
func TestProgramsAtTheStop(t *testing.T) {
	dir := t.TempDir()
	h := handlers(t, Options{Grace: time.Hour})
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error, 1)
	j := newJob(data(t, list("sh", "-c", `trap "" TERM; sleep 100 & echo $! $$ >"$0"; wait; wait`, dir+"/pids")))
	go func() { done <- h["exec"].Run(ctx, j).Err }()
	pids := numbers(t, dir+"/pids", 2)
	cancel(pool.ErrStopped)
	if err := <-done; !errors.Is(err, pool.ErrStopped) {
		t.Errorf("got %v", err)
	}
	for _, pid := range pids {
		gone(t, pid)
	}
}

// What a program leaves behind goes when it ends, too, and holds nobody up.
func TestNothingOutlivesAProgram(t *testing.T) {
	dir := t.TempDir()
	h := handlers(t, Options{Grace: 100 * time.Millisecond})
	r := result(t, h.do(t.Context(), t, "exec", list("sh", "-c", `sleep 100 & echo $! >"$0"; echo fine`, dir+"/pid")))
	if str(t, r, "stdout") != "fine\n" {
		t.Errorf("got %q", str(t, r, "stdout"))
	}
	gone(t, numbers(t, dir+"/pid", 1)[0])
	if _, err := exec.LookPath("setsid"); err != nil {
		t.Skip("no setsid here")
	}
	// This one left the group; it is not waited for longer than the grace.
	script := `setsid sh -c 'echo $$ >"$0.half"; mv "$0.half" "$0"; exec sleep 100' "$0" & while ! test -e "$0"; do sleep 0.01; done`
	r = result(t, h.do(t.Context(), t, "exec", list("sh", "-c", script, dir+"/away")))
	if str(t, r, "status") != "0" {
		t.Errorf("got %+v", r)
	}
	pid := numbers(t, dir+"/away", 1)[0]
	_ = syscall.Kill(pid, syscall.SIGKILL)
	gone(t, pid)
}

func TestProgramBeforeItBegins(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	file := filepath.Join(t.TempDir(), "x")
	if o := handlers(t, Options{}).do(ctx, t, "exec", list("touch", file)); !errors.Is(o.Err, context.Canceled) {
		t.Errorf("got %v", o.Err)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("it ran all the same")
	}
}

// The program dies with us, also when we are killed and can't do anything about it.
func TestProgramDiesWithUs(t *testing.T) {
	us, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cmd := exec.Command(us)
	cmd.Env = append(os.Environ(), "EDDY_TEST_EXEC=sh -c echo\t$$>"+dir+"/pid;exec\tsleep\t100")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "running\n" {
		t.Errorf("got %q, %v", line, err)
	}
	pid := numbers(t, dir+"/pid", 1)[0]
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	gone(t, pid)
}

// runAndSay is the process that is killed.
func runAndSay(args []string) {
	fmt.Println("running")
	b, err := value.Append(nil, list(args...))
	if err != nil {
		panic(err)
	}
	h := handler(Options{}.programs().run)
	fmt.Println(h.Run(context.Background(), &job.Job{Body: job.Body{Data: b}}).Err)
}
