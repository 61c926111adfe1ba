package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"eddy/internal/operator/jobs"
	"eddy/internal/operator/view"
	"eddy/internal/operator/visible"
)

// jobsCommand is the first argument that makes eddy ask about jobs.
const jobsCommand = "jobs"

// exitNoConnection: nobody answered at the socket.
const exitNoConnection = 3

// jobsRun is one execution of "eddy jobs".
type jobsRun struct {
	*console
	f      *jobsFlags
	client *jobs.Client
	ctx    context.Context
	paint  bool // standard output takes colours
}

// runJobs executes the arguments behind "eddy jobs" and returns the exit code.
func (p Program) runJobs(args []string, out, errOut io.Writer) int {
	r := &jobsRun{console: newConsole(out, errOut, os.LookupEnv), paint: newConsole(out, out, os.LookupEnv).colour}
	f, err := parseJobs(args)
	if err != nil {
		return r.usage(err)
	}
	if r.f = f; f.help {
		printJobsHelp(out)
		return exitOK
	}
	socket, err := p.socket(r.console, f.socket, f.files)
	if err != nil {
		return r.exit(err)
	}
	r.client = &jobs.Client{Socket: socket}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	r.ctx = ctx
	return r.exit(f.action.run(r))
}

// exit says what went wrong, and gives the exit code.
func (r *jobsRun) exit(err error) int {
	var failure *jobs.Failure
	var connection *jobs.ConnError
	var usage *usageError
	switch {
	case err == nil || errors.Is(err, syscall.EPIPE) && abandoned(r.out): // whoever read had enough, as "| head" has
		return exitOK
	case errors.As(err, &usage):
		return r.usage(err)
	case errors.As(err, &connection):
		r.errorf(socketHint(connection), "%v", err)
		return exitNoConnection
	case errors.As(err, &failure):
		r.errorf(visible.Text(failure.Hint, 400), "%v", err)
		if failure.Kind == view.Usage {
			return exitUsage
		}
		return exitFailed
	}
	r.errorf("", "%v", err)
	return exitFailed
}

// ask sends a command and gives its answer. With --json, that is printed as it is, a failure too.
func (r *jobsRun) ask(payload []byte, to any, words ...string) error {
	answer, err := r.client.Ask(r.ctx, payload, words...)
	if r.f.json && json.Valid(answer) {
		if _, failed := r.out.Write(append(visible.JSON(nil, bytes.TrimSpace(answer)), '\n')); failed != nil {
			return failed
		}
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(answer, to)
}

// do sends a command that changes something, and prints what became of it.
func (r *jobsRun) do(payload []byte, words ...string) error {
	var a view.Answer
	if err := r.ask(payload, &a, words...); err != nil || r.f.json {
		return err
	}
	_, err := fmt.Fprintln(r.out, visible.Text(a.Text, 2000))
	return err
}

// each does something to every argument, and goes on when one fails; the last error is the one that counts.
func (r *jobsRun) each(words ...string) error {
	var last error
	for _, arg := range r.f.args {
		err := r.do(nil, append(words, arg)...)
		var connection *jobs.ConnError
		if errors.As(err, &connection) || r.ctx.Err() != nil {
			return err
		}
		if last != nil {
			r.exit(last) // says it
		}
		if err != nil {
			last = err
		}
	}
	return last
}

func (r *jobsRun) queues() error {
	var a view.Queues
	if err := r.ask(nil, &a, append([]string{"show", "queues"}, r.f.args...)...); err != nil || r.f.json {
		return err
	}
	if len(r.f.args) > 0 && len(a.Queues) == 1 {
		return view.WriteQueue(r.out, &a.Queues[0], time.Now())
	}
	var paint view.Paint
	if r.paint {
		paint = func(row, column int, text string) string {
			switch {
			case row < 0:
				return coloured("1", text)
			case column == 2 && a.Queues[row].State != "running":
				return coloured("33", text)
			case column == 7 && a.Queues[row].Jobs.Dead > 0:
				return coloured("31", text)
			}
			return text
		}
	}
	return view.WriteQueues(r.out, a.Queues, time.Now(), paint)
}

func coloured(code, text string) string { return "\x1b[" + code + "m" + text + "\x1b[0m" }

func (r *jobsRun) show() error {
	var j view.Job
	if err := r.ask(nil, &j, "show", "job", r.f.args[0]); err != nil || r.f.json {
		return err
	}
	return view.WriteJob(r.out, &j, time.Now())
}

func (r *jobsRun) retry() error {
	if r.f.dead == "" {
		return r.each("retry", "job")
	}
	return r.do(nil, append([]string{"retry", "dead", r.f.dead}, r.f.options...)...)
}

func (r *jobsRun) steer() error { return r.each(r.f.action.name, "queue") }

// maxEdit bounds a payload that is read from standard input.
const maxEdit = 16 << 20

func (r *jobsRun) edit() error {
	text := []byte(r.f.args[1])
	if r.f.args[1] == "-" {
		var err error
		if text, err = io.ReadAll(io.LimitReader(os.Stdin, maxEdit+1)); err != nil {
			return err
		}
		if len(text) > maxEdit {
			return &usageError{fmt.Sprintf("the payload is larger than %d MiB", maxEdit>>20), ""}
		}
	}
	// On one line nothing in it can be taken for the end of the payload.
	var line bytes.Buffer
	if err := json.Compact(&line, text); err != nil {
		return &usageError{fmt.Sprintf("the payload is not JSON: %v", err), `a text has quotes: eddy jobs edit ID '"text"'`}
	}
	return r.do(line.Bytes(), "edit", "job", r.f.args[0])
}

func (r *jobsRun) remove() error {
	what := "job " + r.f.args[0]
	if n := len(r.f.args); n > 1 {
		what = view.Plural(n, "job")
	}
	if err := r.confirm("Delete " + what + "?"); err != nil {
		return err
	}
	return r.each("delete", "job")
}

func (r *jobsRun) purge() error {
	name := r.f.args[0]
	if r.asks() {
		var a view.Queues
		if err := r.client.Into(r.ctx, &a, "show", "queues", name); err != nil {
			return err
		}
		which := "all but running ones"
		if len(r.f.options) > 0 {
			which = r.f.options[1]
		}
		question := "Purge " + which + "?"
		for _, q := range a.Queues {
			if q.Name == name {
				question = fmt.Sprintf("Queue %s has %d ready, %d scheduled, %d retrying, %d running and %d dead jobs. %s", name,
					q.Jobs.Ready, q.Jobs.Scheduled, q.Jobs.Retrying, q.Jobs.Running, q.Jobs.Dead, question)
			}
		}
		if err := r.confirm(question); err != nil {
			return err
		}
	}
	return r.do(nil, append([]string{"purge", "queue", name}, r.f.options...)...)
}

// asks says whether somebody is there to be asked.
func (r *jobsRun) asks() bool { return !r.f.yes && terminal(r.err) && terminal(os.Stdin) }

// confirm asks before something that cannot be undone.
func (r *jobsRun) confirm(question string) error {
	if !r.asks() {
		return nil
	}
	fmt.Fprintf(r.err, "%s [y/N] ", visible.Text(question, 400))
	answer, _ := bufio.NewReader(os.Stdin).ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return errors.New("nothing was done")
}
