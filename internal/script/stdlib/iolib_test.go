package stdlib

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"eddy/internal/script/vm"
)

// Chunks that must do in eddy what they do in stock Lua. text(s) makes a file with s in it and returns its name; dir
// is an empty folder.
var sameAsLua = []string{
	// formats
	`return io.open(text("line 1\nline 2\n\nlast")):read("l", "L", "l", "l", "l")`,
	`return io.open(text("a\nb\n")):read("*l", "*L", "*a", "*l")`,
	`return io.open(text("")):read("a"), io.open(text("")):read("l"), io.open(text("")):read(0), io.open(text("")):read(1)`,
	`return io.open(text("abc")):read(0), io.open(text("abc")):read(2, 2, 2)`,
	`return io.open(text("abc")):read(2.0), io.open(text("abc")):read("a", "a", "l")`,
	`return io.open(text("12 -7 0x1F 0xA.8p1 1e3 3.25 +5 .5 5. 9223372036854775807 9223372036854775808 0xffffffffffffffffff")):read("n", "n", "n", "n", "n", "n", "n", "n", "n", "n", "n", "n")`,
	`local f = io.open(text("  12abc")) return f:read("n"), f:read("a")`,
	`local f = io.open(text("x12")) return f:read("n"), f:read("a")`,
	`local f = io.open(text("-")) return f:read("n"), f:read("a")`,
	`local f = io.open(text("1e+ 2")) return f:read("n"), f:read("a")`,
	`local f = io.open(text("0x 2")) return f:read("n"), f:read("a")`,
	`local f = io.open(text("1.2.3")) return f:read("n", "n")`,
	`local f = io.open(text(("1"):rep(300))) return f:read("n"), f:read("a")`,
	`local f = io.open(text("\t\n 7\n8")) return f:read("n", "l", "n")`,
	`local f = io.open(text("nan inf")) return f:read("n")`,
	`return io.open(text("a\r\nb")):read("l", "l")`,
	`return io.open(text("a\0b\nc")):read("l", "l")`,
	`return #io.open(text(("x"):rep(100000) .. "\n" .. ("y"):rep(50000))):read("l")`,
	`return #io.open(text(("x"):rep(100000))):read("a"), #io.open(text(("x"):rep(100000))):read(70000)`,
	`return io.open(text("x")):read("x")`, `return io.open(text("x")):read({})`, `return io.open(text("x")):read("*x")`,
	`return io.open(text("abc\n")):read("line")`, `return io.open(text("abc\ndef")):read("*all")`,
	// lines
	`local t = {} for l in io.lines(text("a\nb\n\nc")) do t[#t+1] = l end return table.concat(t, "|")`,
	`local t = {} for l in io.lines(text("a\nb"), "L") do t[#t+1] = l end return table.concat(t, "|")`,
	`local t = {} for a, b in io.lines(text("abcdefg"), 1, 2) do t[#t+1] = a .. "-" .. tostring(b) end return table.concat(t, "|")`,
	`local f = io.open(text("a\nb")) local t = {} for l in f:lines() do t[#t+1] = l end return table.concat(t, "|"), io.type(f)`,
	`local it, a, b, f = io.lines(text("a\nb")) it() it() return a, b, io.type(f), it(), io.type(f), pcall(it)`,
	`local f = io.open(text("a")) local it = f:lines() f:close() return it()`,
	`return io.lines(dir .. "none")`,
	`for l in io.lines(text("a\nb")) do return l end`,
	// open and its errors
	`return io.open(dir .. "none")`, `return io.open(dir .. "none/none", "w")`, `return io.open(text("x"), "rw")`,
	`return io.open(text("x"), "")`, `return io.open(text("x"), "r+b") ~= nil`,
	`return io.open()`, `return io.open({})`, `return io.open(dir):read("a")`, `return io.open(dir, "w")`,
	// writing
	`local n = text("") local f = io.open(n, "w") local same = f:write("a", 1, 2.5, -0.0, 1e15, 2^53, 1e100) == f f:close() return same, get(n)`,
	`local n = text("old") local f = io.open(n, "a") f:write("new") f:close() return get(n)`,
	`local n = text("0123456789") local f = io.open(n, "r+") local a = f:read(3) f:seek("cur", 0) f:write("XX") f:seek("cur", 0) local b = f:read(2) f:close() return a, b, get(n)`,
	`local n = text("") local f = io.open(n, "w+") f:write("hello\nworld\n") f:seek("set") local a, b = f:read("l", "l") f:close() return a, b`,
	`local n = text("abc") local f = io.open(n, "a+") f:write("d") f:seek("set", 0) local s = f:read("a") f:close() return s`,
	`return io.open(text("x")):write("y")`,
	`return io.open(text("x"), "w"):read("a")`,
	`return io.open(text("x"), "w"):write({})`, `return io.open(text("x"), "w"):write("a", nil)`,
	`local n = text("") local f = io.open(n, "w") for i = 1, 5000 do f:write(i, "\n") end f:close() return #get(n)`,
	`local n = text("") local f = io.open(n, "w") f:write(("z"):rep(100000)) f:close() return #get(n)`,
	`local n = text("") local f = io.open(n, "w") f:setvbuf("no") f:write("now") local s = get(n) f:close() return s`,
	`local n = text("") local f = io.open(n, "w") f:setvbuf("line") f:write("a\n") local s = get(n) f:close() return s`,
	`local n = text("") local f = io.open(n, "w") f:setvbuf("full", 1024) f:write("held") local a = get(n) f:flush() local b = get(n) f:close() return a, b`,
	`return io.open(text("x")):setvbuf("odd")`,
	// seek
	`local f = io.open(text("0123456789")) return f:seek(), f:seek("end"), f:seek("set", 3), f:read(2), f:seek("cur"), f:seek("cur", -1), f:read(1), f:seek("cur", 2)`,
	`local f = io.open(text("0123456789")) f:read(1) return f:seek("set", -1)`,
	`local f = io.open(text("x")) return f:seek("nowhere")`, `local f = io.open(text("x")) return f:seek("set", "a")`,
	`local f = io.open(text("ab")) f:seek("end", 5) return f:read("a"), f:read(1)`,
	// closing, types, names
	`local f = io.open(text("x")) local a = io.type(f) return a, f:close(), io.type(f), tostring(f), io.type(1), io.type(nil)`,
	`local f = io.open(text("x")) f:close() return f:read()`, `local f = io.open(text("x")) f:close() return f:close()`,
	`return io.type()`, `return tostring(io.open(text("x"))):match("^file %(0x%x+%)$") ~= nil`,
	`return getmetatable(io.stdout).__name, type(io.stdout), type(getmetatable(io.stdout).__index)`,
	`return io.stdout.read("x")`, `local f = io.open(text("x")) return f.read()`,
	`do local f <close> = io.open(text("x")) keep = f end return io.type(keep)`,
	`return io.stdout:close()`,
	// default files
	`io.input(text("in 1\nin 2")) local a = io.read() local b = io.read("a") io.close(io.input()) return a, b, io.type(io.input()), pcall(io.read)`,
	`local old, n = io.output(), text("") io.output(n) io.write("out", 1) io.close() local e, m = pcall(io.write, "x") io.output(old) return get(n), e, m`,
	`return io.input(dir .. "none")`, `return io.input({})`, `io.input(text("a\nb")) local t = {} for l in io.lines() do t[#t+1] = l end return #t, io.type(io.input())`,
	// popen and execute
	`local f = io.popen("echo hi; echo there") local s = f:read("a") return s, f:close()`,
	`local f = io.popen("exit 3") return f:close()`, `local f = io.popen("kill -9 $$") return f:close()`,
	`local n = text("") local f = io.popen("cat > " .. n, "w") f:write("to cat") return f:close(), get(n)`,
	`local t = {} for l in io.popen("printf 'a\\nb'"):lines() do t[#t+1] = l end return table.concat(t, "|")`,
	`return io.popen("true", "rw")`, `return io.popen()`, `return io.popen("true"):seek("set")`,
	`local f = io.popen("exec 1>&-; exit 0") return f:read("a"), f:read("l"), f:close()`,
	`return os.execute("exit 0")`, `return os.execute("exit 7")`, `return os.execute("kill -15 $$")`, `return os.execute()`,
	`return os.execute("test -d " .. dir), os.execute({})`,
	// tmpfile, remove, rename, tmpname
	`local f = io.tmpfile() f:write("tmp") f:seek("set") return f:read("a"), f:close()`,
	`local n = text("x") return os.remove(n), os.remove(n)`, `return os.remove(dir .. "none")`,
	`local n = text("x") return os.rename(n, n .. ".2"), get(n .. ".2"), os.rename(n, n .. ".3")`,
	`local n = os.tmpname() local f = io.open(n) local ok = f ~= nil f:close() return ok, os.remove(n)`,
	`return os.remove()`, `return os.rename("a")`, `return os.rename(dir .. "none", "x")`,
}

const sameHeader = `
local count = 0
function text(s) count = count + 1 local n = dir .. "f" .. count local f = assert(io.open(n, "w")) f:write(s) f:close() return n end
function get(n) local f = assert(io.open(n)) local s = f:read("a") f:close() return s end
local function show(ok, ...)
	local t = table.pack(...)
	for i = 1, t.n do
		local v = t[i]
		v = math.type(v) and (math.type(v) .. " " .. v) or tostring(v)
		t[i] = v:gsub(dir, "DIR/"):gsub("0x%x+", "ADDR"):gsub("^[^ ]*:%d+: ", ""):gsub("[\n\r\0]", "~"):sub(1, 200)
	end
	return tostring(ok) .. " " .. table.concat(t, " | ")
end
local out = {}
`

func TestSameAsLua(t *testing.T) {
	lua, err := exec.LookPath("lua5.4")
	if err != nil {
		t.Skip("there is no lua5.4 to compare with")
	}
	var src strings.Builder
	src.WriteString(sameHeader)
	for _, c := range sameAsLua {
		fmt.Fprintf(&src, "out[#out + 1] = show(pcall(function() %s\nend))\n", c)
	}
	l := newLab(t, Options{})
	fn, err := l.Load("=test", src.String()+"return table.concat(out, '\\n')")
	if err != nil {
		t.Fatal(err)
	}
	r := vm.Run{Fn: fn, Kind: vm.KindTask}
	if err := l.Run(context.Background(), &r); err != nil {
		t.Fatal(err)
	}
	got, _ := r.Results[0].AsStr()

	dir := t.TempDir() + "/"
	script := filepath.Join(t.TempDir(), "same.lua")
	if err := os.WriteFile(script, []byte("dir = "+strconv.Quote(dir)+src.String()+"io.stdout:write(table.concat(out, '\\n'))"), 0o600); err != nil {
		t.Fatal(err)
	}
	want, err := exec.Command(lua, script).Output()
	if err != nil {
		t.Fatal(err)
	}
	g, w := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	if len(g) != len(w) || len(g) != len(sameAsLua) {
		t.Fatalf("%d and %d answers to %d questions", len(g), len(w), len(sameAsLua))
	}
	for i, c := range sameAsLua {
		if g[i] != plainNames(w[i]) {
			t.Errorf("%s\neddy %s\n Lua %s", c, g[i], w[i])
		}
	}
}

// plainNames takes the library out of function names in messages: stock Lua says 'io.open', or 'open', as it finds it.
func plainNames(s string) string {
	return strings.NewReplacer("'io.", "'", "'os.", "'").Replace(s)
}

func TestOtherRunsGoOnMeanwhile(t *testing.T) {
	l := newLab(t, Options{})
	fifo := filepath.Join(l.dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, src := range []string{
		`started = true os.execute("read x < " .. dir .. "fifo")`,
		`started = true local f = io.popen("cat " .. dir .. "fifo") f:read("l") f:close()`,
		`started = true local f = io.popen("cat " .. dir .. "fifo") f:close()`,
		`started = true local f = io.open(dir .. "fifo") f:read("l") f:close()`,
		`started = true local f = io.open(dir .. "fifo") for l in f:lines() do end f:close()`,
		`started = true for l in io.popen("cat " .. dir .. "fifo"):lines() do end`,
	} {
		done := make(chan error, 1)
		go func() {
			_, err := l.eval(t, src)
			done <- err
		}()
		for { // the state is free: the writer below is opened while the script waits
			if got, err := l.eval(t, `local s = started started = nil return s`); err != nil {
				t.Fatal(err)
			} else if got == "true" {
				break
			}
		}
		w, err := os.OpenFile(fifo, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := l.eval(t, `return "free"`); got != "free" || err != nil {
			t.Fatal(got, err)
		}
		if _, err := w.WriteString("line\n"); err != nil {
			t.Fatal(err)
		}
		w.Close()
		if err := <-done; err != nil {
			t.Errorf("%s: %v", src, err)
		}
	}
	if w := l.warnings(); w != "" {
		t.Error(w)
	}
}

// When a run's context ends, so does what it waits for, and what it started.
func TestContextEndsWaits(t *testing.T) {
	l := newLab(t, Options{})
	if err := syscall.Mkfifo(filepath.Join(l.dir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, src := range []string{
		`os.execute("sleep 1000 & echo $! > " .. dir .. "pid; sleep 1000")`,
		`io.popen("echo $$ > " .. dir .. "pid; sleep 1000"):read("a")`,
		`io.popen("sleep 1000 & echo $! > " .. dir .. "pid; sleep 1000"):close()`,
		`io.popen("sleep 1000 & echo $! > " .. dir .. "pid"):read("a")`,
		`keep = io.popen("echo $$ > " .. dir .. "pid; exec sleep 1000") os.execute("sleep 1000")`,
		`local f = io.popen("echo $$ > " .. dir .. "pid; sleep 1000", "w") while true do f:write(("x"):rep(10000)) end`,
		`f = io.open(dir .. "pid", "w") f:write("0\n") f:close() io.open(dir .. "fifo")`,
	} {
		pid := filepath.Join(l.dir, "pid")
		os.Remove(pid)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() {
			_, err := l.evalCtx(t, ctx, src)
			done <- err
		}()
		var n int
		waitFor(t, "the child's number", func() bool {
			p, _ := os.ReadFile(pid)
			var err error
			n, err = strconv.Atoi(strings.TrimSpace(string(p)))
			return err == nil
		})
		cancel()
		if err := <-done; err == nil {
			t.Errorf("%s: no error", src)
		}
		if n > 0 {
			waitFor(t, "the end of the child's group", func() bool { return !alive(n) })
		}
	}
}

// alive tells whether a process runs; one that is dead may still wait for whoever inherited it.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

// waitFor polls for what nobody announces: the state of another process.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func TestCollectedFiles(t *testing.T) {
	l := newLab(t, Options{MaxFiles: 3})
	got, err := l.eval(t, `
		local p = io.popen("echo $$; exec sleep 1000") pid = p:read("n")
		local f = io.open(dir .. "out", "w") f:write("not lost")
		local g = io.popen("cat > " .. dir .. "piped", "w") g:write("not lost either")
		local _, message, code = io.open(dir .. "more", "w")
		return pid, message:match("[^:]*$"), code`)
	var pid int
	if _, err2 := fmt.Sscan(got, &pid); err != nil || err2 != nil || !strings.HasSuffix(got, " Too many open files 24") {
		t.Fatal(got, err)
	}
	l.Collect()
	l.Collect()
	waitFor(t, "the end of the child", func() bool { return !alive(pid) })
	for name, want := range map[string]string{"out": "not lost", "piped": "not lost either"} {
		waitFor(t, name, func() bool {
			p, _ := os.ReadFile(filepath.Join(l.dir, name))
			return string(p) == want
		})
	}
	waitFor(t, "room for another file", func() bool {
		got, err := l.eval(t, `local f = io.open(dir .. "more", "w") return f and f:close()`)
		return got == "true" && err == nil
	})
}

// TestForgottenFiles opens more than half of what may be open: what nobody holds is closed without Lua's needing memory.
func TestForgottenFiles(t *testing.T) {
	l := newLab(t, Options{MaxFiles: 100})
	if got, err := l.eval(t, `collectgarbage("stop") for i = 1, 60 do assert(io.open("/dev/null")) end return "done"`); got != "done" {
		t.Fatal(got, err)
	}
	waitFor(t, "the forgotten ones", func() bool { return l.lib.opened.Load() < 30 })
}

// What is open when the state is closed is written and closed; what runs is killed.
func TestClose(t *testing.T) {
	l := newLab(t, Options{})
	if err := l.LoadString(context.Background(), "main", `
		f = io.open(dir .. "out", "w") f:write("written at the end")
		p = io.popen("echo $$ > " .. dir .. "pid; exec sleep 1000")
		os.execute("while test ! -s " .. dir .. "pid; do sleep 0.01; done")`); err != nil {
		t.Fatal(err)
	}
	l.State.Close()
	l.lib.Close()
	if p, _ := os.ReadFile(filepath.Join(l.dir, "out")); string(p) != "written at the end" {
		t.Errorf("the file holds %q", p)
	}
	p, _ := os.ReadFile(filepath.Join(l.dir, "pid"))
	pid, err := strconv.Atoi(strings.TrimSpace(string(p)))
	if err != nil || alive(pid) {
		t.Errorf("child %d: still there (%v)", pid, err)
	}
}

// A child that a script starts while it is loaded outlives the loading.
func TestChildOfMainChunk(t *testing.T) {
	l := newLab(t, Options{})
	ctx, cancel := context.WithCancel(context.Background())
	if err := l.LoadString(ctx, "main", `helper = io.popen("read x; echo got $x > " .. dir .. "out", "w")`); err != nil {
		t.Fatal(err)
	}
	cancel()
	l.cases(t, [][2]string{{`helper:write("this\n") return helper:close()`, "true exit 0"}, {`return io.open(dir .. "out"):read("a")`, "got this\n"}})
}

func TestSharedFile(t *testing.T) {
	l := newLab(t, Options{})
	l.cases(t, [][2]string{{`shared = io.popen("i=0; while test $i -lt 300; do echo line $i; i=$((i+1)); done") seen = 0 return 1`, "1"}})
	done := make(chan error)
	for range 3 {
		go func() {
			_, err := l.eval(t, `for line in shared:lines() do assert(line:find("^line %d+$"), line) seen = seen + 1 end`)
			done <- err
		}()
	}
	for range 3 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	l.cases(t, [][2]string{{`return seen, shared:close()`, "300 true exit 0"}})
}

func TestReadBound(t *testing.T) {
	l := newLab(t, Options{MaxRead: 1000})
	l.cases(t, [][2]string{
		{`return io.popen("head -c 2000 /dev/zero"):read("a")`, "error: test:1: " + errTooBig.Error()},
		{`return io.popen("head -c 2000 /dev/zero"):read("l")`, "error: test:1: " + errTooBig.Error()},
		{`return io.popen("head -c 2000 /dev/zero"):read(2^40)`, "error: test:1: " + errTooBig.Error()},
		{`return #io.popen("head -c 2000 /dev/zero"):read(1000)`, "1000"},
	})
}

func BenchmarkLines(b *testing.B) {
	l := newLab(b, Options{})
	if err := os.WriteFile(filepath.Join(l.dir, "lines"), []byte(strings.Repeat("a line of some length\n", 10000)), 0o600); err != nil {
		b.Fatal(err)
	}
	fn, err := l.Load("=bench", `for line in io.lines(dir .. "lines") do end`)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := l.Run(context.Background(), &vm.Run{Fn: fn, Kind: vm.KindTask}); err != nil {
			b.Fatal(err)
		}
	}
}
