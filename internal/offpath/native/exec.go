package native

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"eddy/internal/base/value"
	"eddy/internal/offpath/job"
)

const formProgram = `{"program", "argument", …} or {args = {"program", "argument", …}, stdin = "…", dir = "/path", env = {NAME = "value"}}: ` +
	`a list, as there is no shell`

// Bounds of what a program is given, so that the kernel takes it (execve(2)).
const (
	maxArgs   = 10_000
	maxArgLen = 128<<10 - 1 // bytes of one argument, or of NAME=value
)

// kept are the variables of eddy's own environment that programs see. Others may hold secrets of the configuration.
var kept = [...]string{"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR"}

// programs runs programs.
type programs struct {
	maxOutput int
	grace     time.Duration
}

// program is what to run.
type program struct {
	args  []string // the program first
	stdin string
	dir   string
	env   []string
}

// run runs a job's program and gives {status = 0, stdout = "…", stderr = "…"}, with cut = true when there was more output than
// is kept. A status other than 0 is a failure.
func (x programs) run(ctx context.Context, j *job.Job) (value.Value, error) {
	p, err := readProgram(j.Data)
	if err != nil {
		return value.Nil(), err
	}
	if err := context.Cause(ctx); err != nil {
		return value.Nil(), err
	}
	file := p.args[0]
	if !strings.Contains(file, "/") {
		if file, err = exec.LookPath(file); err != nil {
			return value.Nil(), fmt.Errorf("there is no program %q in PATH", short(p.args[0], 200))
		}
	}
	if err := folder(p.dir); err != nil {
		return value.Nil(), err
	}
	cmd := &exec.Cmd{Path: file, Args: p.args, Dir: p.dir, Env: append(environment(), p.env...), WaitDelay: x.grace}
	if p.stdin != "" {
		cmd.Stdin = strings.NewReader(p.stdin)
	}
	child := process{cmd: cmd, grace: x.grace, stdout: &head{most: x.maxOutput}, stderr: &tail{most: x.maxOutput}}
	if err := child.run(ctx); err != nil {
		return value.Nil(), fmt.Errorf("program %q: %w", short(p.args[0], 200), err)
	}
	t := &value.Table{}
	t.Set("status", value.Int(0))
	t.Set("stdout", value.Bytes(child.stdout.kept))
	t.Set("stderr", value.Bytes(child.stderr.kept))
	if child.stdout.cut || child.stderr.cut {
		t.Set("cut", value.Bool(true))
	}
	return value.Tab(t), nil
}

// readProgram makes a program of a payload.
func readProgram(data []byte) (*program, error) {
	p := open(data, formProgram)
	x := &program{}
	list := p.table
	if list == nil || len(list.Arr) == 0 {
		var ok bool
		switch list, ok = p.get("args").AsTable(); {
		case !p.has("args"):
			p.bad("args", "is missing, and the data is no list")
		case !ok || list == nil || len(list.Map) > 0:
			p.bad("args", "must be a list of strings")
		}
	} else if !p.get("args").IsNil() {
		p.bad("args", "is there beside a list")
	}
	x.args = p.items("args", list)
	switch {
	case len(x.args) == 0 || x.args[0] == "":
		p.bad("args", "has no first item: that is the program")
	case strings.Contains(x.args[0], "/") && x.args[0][0] != '/':
		p.bad("args", "has the program %q; it has to begin with a slash, or to have none", short(x.args[0], 200))
	}
	x.stdin, x.dir = p.text("stdin"), p.text("dir")
	for _, v := range p.pairs("env") {
		if !variable(v.name) {
			p.bad("env", "has the name %q; a name is made of letters, digits and underscores", short(v.name, 50))
		}
		x.env = append(x.env, v.name+"="+v.value)
	}
	if len(x.args) > maxArgs {
		p.bad("args", "has %d items; at most %d are possible", len(x.args), maxArgs)
	}
	for _, s := range slices.Concat(x.args, x.env, []string{x.dir}) {
		if strings.IndexByte(s, 0) >= 0 {
			p.wrong("there is a NUL byte in an argument, a variable or 'dir', which no program can be given")
		}
		if len(s) > maxArgLen {
			p.wrong(fmt.Sprintf("an argument or variable has %d bytes; at most %d are possible, more goes into 'stdin'", len(s), maxArgLen))
		}
	}
	if x.dir != "" && !filepath.IsAbs(x.dir) {
		p.bad("dir", "is %q; it has to begin with a slash", short(x.dir, 200))
	}
	return x, p.endList()
}

// folder says what is wrong with a program's folder; the kernel's own answer would be taken for one about the program.
func folder(dir string) error {
	if dir == "" {
		return nil
	}
	at, err := os.Stat(dir)
	if err == nil && !at.IsDir() {
		err = errors.New("it is no folder")
	}
	if err != nil {
		return fmt.Errorf("'dir' %q: %w", short(dir, 200), cause(err))
	}
	return nil
}

// variable says that s can be the name of a variable.
func variable(s string) bool {
	for i, r := range s {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_' || i > 0 && r >= '0' && r <= '9') {
			return false
		}
	}
	return s != ""
}

// environment is what programs see of eddy's own.
func environment() []string {
	var out []string
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if slices.Contains(kept[:], name) || strings.HasPrefix(name, "LC_") {
			out = append(out, v)
		}
	}
	return out
}
