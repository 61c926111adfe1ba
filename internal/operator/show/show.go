// Package show is the commands of the stats socket that show what the process is and does (management.txt §9.3): "show info",
// "show stat", "show errors", "show tasks" and "show lua".
package show

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"eddy/internal/config/diag"
	"eddy/internal/fastpath/proxy"
	"eddy/internal/operator/admin"
	"eddy/internal/operator/view"
	"eddy/internal/operator/visible"
)

// Process is what is shown. Its functions may be called from any goroutine, several at once; those that are nil show nothing.
type Process struct {
	Info    func() []Field
	Proxies *proxy.Set
	MaxConn int // of the process; 0: no bound
	Errors  func() []Error
	Tasks   func() []Task
	Lua     func() []view.LuaState
}

// Field is a line of "show info".
type Field struct {
	Name  string
	Text  string
	Int   int64
	IsInt bool
}

// Error is something that went wrong.
type Error struct {
	At    time.Time `json:"at"`
	Kind  string    `json:"kind"`            // "script", "job"
	Where string    `json:"where,omitempty"` // a script's line
	Text  string    `json:"text"`
}

// Task is a background coroutine of a script.
type Task struct {
	Where     string `json:"where"` // it was registered
	State     string `json:"state"`
	Restarts  int    `json:"restarts"`
	LastError string `json:"last_error,omitempty"`
}

// Commands are the commands, for the stats socket.
func Commands(p Process) []admin.Command {
	command := func(word, usage string, level admin.Level, run func(*request) error) admin.Command {
		return admin.Command{Words: []string{"show", word}, Usage: usage, Level: level, Run: func(ctx context.Context, args []string, conn admin.Conn) error {
			r := &request{Process: p, ctx: ctx, usage: usage, args: args, out: bufio.NewWriterSize(conn, 32<<10)}
			err := run(r)
			if n := len(args); err != nil && n > 0 && args[n-1] == "json" {
				err = r.fail(err)
			}
			return errors.Join(err, r.out.Flush())
		}}
	}
	return []admin.Command{
		command("info", "show info [typed|json] [desc] : what the process is and does", admin.User, (*request).info),
		command("stat", "show stat [{IID|PROXY} TYPE SID] [typed|json] [up|no-maint] : figures of frontends, backends and servers, as CSV", admin.User, (*request).stat),
		command("errors", "show errors [json] : the last errors of scripts and jobs", admin.Operator, (*request).errors),
		command("tasks", "show tasks [json] : background coroutines of scripts", admin.User, (*request).tasks),
		command("lua", "show lua [json] : Lua's states", admin.User, (*request).lua),
	}
}

// request is a command that somebody sent.
type request struct {
	Process
	ctx   context.Context
	usage string
	args  []string
	out   *bufio.Writer
}

// notFound is the error of a name that nothing has.
type notFound string

func (e notFound) Error() string { return string(e) }

// fail says in JSON what went wrong: an error's first line, with the others as the hint.
func (r *request) fail(err error) error {
	text, hint, _ := strings.Cut(err.Error(), "\n")
	a := view.Answer{Text: text, Fail: view.Usage, Hint: hint}
	if errors.As(err, new(notFound)) {
		a.Fail = view.NotFound
	}
	return r.json(a)
}

// options reads words that may stand in any order, each once.
func (r *request) options(args []string, known ...string) (map[string]bool, error) {
	given := map[string]bool{}
	for _, a := range args {
		if !slices.Contains(known, a) {
			hint := diag.DidYouMean(a, known)
			if hint == "" {
				hint = r.usage
			}
			return nil, fmt.Errorf("%q is not known here\n%s", a, hint)
		}
		given[a] = true
	}
	if given["typed"] && given["json"] {
		return nil, errors.New("typed or json, not both")
	}
	return given, nil
}

// json writes a value as JSON.
func (r *request) json(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = r.out.Write(append(visible.JSON(nil, text), '\n'))
	return err
}

// Bounds of what text shows of what scripts said, in characters.
const (
	maxText = 2000
	maxCell = 60
)

// errors writes a line for each error, the oldest first; of a text with several lines the others below it.
func (r *request) errors() error {
	given, err := r.options(r.args, "json")
	if err != nil {
		return err
	}
	all := []Error{}
	if r.Errors != nil {
		all = append(all, r.Errors()...)
	}
	for i := range all {
		all[i].At = all[i].At.UTC().Truncate(time.Millisecond)
	}
	if given["json"] {
		return r.json(map[string]any{"errors": all})
	}
	if len(all) == 0 {
		_, err = io.WriteString(r.out, "no errors\n")
		return err
	}
	for _, e := range all {
		where := ""
		if e.Where != "" {
			where = visible.Text(e.Where, maxCell) + ": "
		}
		for i, line := range strings.Split(strings.TrimSpace(e.Text), "\n") {
			line = visible.Text(strings.ReplaceAll(line, "\t", "  "), maxText)
			switch {
			case i == 0:
				fmt.Fprintf(r.out, "%s  %s  %s%s\n", view.Moment(e.At), visible.Text(e.Kind, maxCell), where, line)
			case line != "":
				fmt.Fprintf(r.out, "    %s\n", line)
			}
		}
	}
	return nil
}

func (r *request) tasks() error {
	given, err := r.options(r.args, "json")
	if err != nil {
		return err
	}
	all := []Task{}
	if r.Tasks != nil {
		all = append(all, r.Tasks()...)
	}
	if given["json"] {
		return r.json(map[string]any{"tasks": all})
	}
	if len(all) == 0 {
		_, err = io.WriteString(r.out, "no tasks\n")
		return err
	}
	t := view.Table{Columns: []view.Column{{Title: "TASK"}, {Title: "STATE"}, {Title: "RESTARTS", Right: true}, {Title: "LAST ERROR"}}}
	for _, task := range all {
		last := "-"
		if task.LastError != "" {
			last = visible.Text(task.LastError, maxText)
		}
		t.Rows = append(t.Rows, []string{visible.Text(task.Where, maxCell), visible.Text(task.State, maxCell), fmt.Sprint(task.Restarts), last})
	}
	return t.Write(r.out, true, nil)
}

func (r *request) lua() error {
	given, err := r.options(r.args, "json")
	if err != nil {
		return err
	}
	all := view.Lua{States: []view.LuaState{}}
	if r.Lua != nil {
		all.States = append(all.States, r.Lua()...)
	}
	if given["json"] {
		return r.json(all)
	}
	if len(all.States) == 0 {
		_, err = io.WriteString(r.out, "no script is loaded\n")
		return err
	}
	t := view.Table{Columns: []view.Column{{Title: "STATE"}, {Title: "MEMORY", Right: true}, {Title: "RUNS", Right: true}, {Title: "COMPUTED", Right: true},
		{Title: "MEAN", Right: true}, {Title: "LOCK-WAITS", Right: true}, {Title: "WAITED", Right: true}}}
	for _, s := range all.States {
		mean := 0.0
		if s.Runs > 0 {
			mean = s.Computed / float64(s.Runs)
		}
		t.Rows = append(t.Rows, []string{visible.Text(s.Name, maxCell), view.Size(s.Memory), fmt.Sprint(s.Runs), view.Seconds(s.Computed),
			view.Seconds(mean), fmt.Sprint(s.LockWaits), view.Seconds(s.LockWait)})
	}
	return t.Write(r.out, true, nil)
}
