// Package steer is the commands of the stats socket that show queues and jobs, and steer them.
//
// Their words are in the manner of HAProxy's (management.txt §9.3): a verb, what it is done to, and a name. Each takes "json" as
// its last word and then answers with the types of package view; a failure is then a view.Answer.
package steer

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"

	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
	"eddy/internal/offpath/queue"
	"eddy/internal/operator/admin"
	"eddy/internal/operator/view"
	"eddy/internal/operator/visible"
)

// Queue is what an operator does to a queue; *queue.Queue is one.
type Queue interface {
	Name() string
	Stats() queue.Stats
	Get(id job.ID) (*job.Job, error)
	List(f queue.Filter) (jobs []*job.Job, more bool, err error)
	Retry(id job.ID) error
	RetryDead(max int) (int, error)
	Delete(id job.ID) error
	Purge(states ...job.State) (int, error)
	Edit(id job.ID, data []byte) error
	Pause()
	Resume()
	Drain()
}

// Queues gives the queues of the process, in the order of its configuration. Any goroutine may call it.
type Queues func() []Queue

// Of makes Queues of a set.
func Of(set *queue.Set) Queues {
	return func() []Queue {
		var all []Queue
		for _, q := range set.All() {
			all = append(all, q)
		}
		return all
	}
}

// verb is a command before it is put on the socket. Its words are at least need, not counting "json".
type verb struct {
	words []string
	short []string // another way to say it, which help does not show; nil: none
	usage string
	level admin.Level
	need  int
	run   func(r *request) error
}

// request is a command that somebody sent.
type request struct {
	queues Queues
	ctx    context.Context // ends with the connection
	usage  string
	args   []string
	data   []byte // the payload behind the line; nil: none
	json   bool
	out    *bufio.Writer
}

// Commands are the commands, for the stats socket.
func Commands(queues Queues) []admin.Command {
	var out []admin.Command
	for _, v := range verbs() {
		c := admin.Command{Words: v.words, Usage: v.usage, Level: v.level, Run: v.command(queues)}
		out = append(out, c)
		if v.short != nil {
			c.Words, c.Usage = v.short, ""
			out = append(out, c)
		}
	}
	return out
}

func verbs() []verb {
	return []verb{
		{words: []string{"show", "queues"}, usage: "show queues [NAME] [json] : queues of jobs, or all about one", run: showQueues},
		{words: []string{"show", "jobs"}, level: admin.Operator,
			usage: "show jobs [QUEUE] [state S,...] [handler H] [key K] [limit N] [after ID] [json] : jobs that have not ended, and dead ones", run: showJobs},
		{words: []string{"show", "job"}, usage: "show job ID [json] : all about a job", level: admin.Operator, need: 1, run: showJob},
		{words: []string{"retry", "job"}, short: []string{"retry"}, usage: "retry job ID [json] : give a dead, retrying or scheduled job its next attempt now",
			level: admin.Operator, need: 1, run: retryJob},
		{words: []string{"retry", "dead"}, usage: "retry dead QUEUE [limit N] [json] : give dead jobs another attempt, the oldest first",
			level: admin.Operator, need: 1, run: retryDead},
		{words: []string{"pause", "queue"}, short: []string{"pause"}, usage: "pause queue NAME [json] : begin no more jobs; pushes go on",
			level: admin.Operator, need: 1, run: pause},
		{words: []string{"resume", "queue"}, short: []string{"resume"}, usage: "resume queue NAME [json] : end a pause or a drain",
			level: admin.Operator, need: 1, run: resume},
		{words: []string{"drain", "queue"}, short: []string{"drain"}, usage: "drain queue NAME [json] : refuse pushes; jobs that are there run",
			level: admin.Operator, need: 1, run: drain},
		{words: []string{"delete", "job"}, short: []string{"delete"}, usage: "delete job ID [json] : take a job away; one that runs is cancelled",
			level: admin.Admin, need: 1, run: deleteJob},
		{words: []string{"edit", "job"}, short: []string{"edit"}, usage: "edit job ID DATA|<< [json] : give a job that waits or is dead another payload, written as JSON",
			level: admin.Admin, need: 1, run: editJob},
		{words: []string{"purge", "queue"}, short: []string{"purge"}, usage: "purge queue NAME [state S,...] [json] : take jobs away: all but running ones, or those of these states",
			level: admin.Admin, need: 1, run: purge},
	}
}

// command is the verb as the socket runs it.
func (v *verb) command(queues Queues) func(context.Context, []string, admin.Conn) error {
	return func(ctx context.Context, args []string, conn admin.Conn) error {
		args, data, given, err := admin.Payload(args, conn)
		if err != nil {
			return err
		}
		r := &request{queues: queues, ctx: ctx, usage: v.usage, args: args, data: data, out: bufio.NewWriterSize(conn, 32<<10)}
		if given && r.data == nil {
			r.data = []byte{}
		}
		if n := len(args); n > v.need && args[n-1] == "json" {
			r.args, r.json = args[:n-1], true
		}
		if len(r.args) < v.need {
			err = fault(view.Usage, "this command wants more words", "%s", v.usage)
		} else {
			err = v.run(r)
		}
		if err != nil {
			err = r.fail(err)
		}
		return errors.Join(err, r.out.Flush())
	}
}

// failure is an error with its kind.
type failure struct {
	kind view.Fail
	text string
	hint string
}

func (f *failure) Error() string { return f.text }

// fail tells the client what went wrong.
func (r *request) fail(err error) error {
	var f *failure
	if !errors.As(err, &f) {
		f = &failure{kind: view.Refused, text: err.Error()}
	}
	if r.json {
		return r.answer(view.Answer{Text: f.text, Fail: f.kind, Hint: f.hint})
	}
	text := visible.Text(f.text, maxMessage)
	if f.hint != "" {
		text += "\n" + visible.Text(f.hint, maxMessage)
	}
	_, err = io.WriteString(r.out, text+"\n")
	return err
}

// maxMessage bounds a message, in characters.
const maxMessage = 2000

// done tells the client that it was done.
func (r *request) done(n int, text string) error {
	if r.json {
		return r.answer(view.Answer{Done: n, Text: text})
	}
	_, err := io.WriteString(r.out, visible.Text(text, maxMessage)+"\n")
	return err
}

// answer writes a value as JSON, on one line.
func (r *request) answer(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = r.out.Write(append(visible.JSON(nil, text), '\n'))
	return err
}

// of says what a queue's error about a job means.
func of(err error, id job.ID) error {
	if errors.Is(err, jobstore.ErrNotFound) {
		return fault(view.NotFound, "no job "+id.String(), "it has ended well, was deleted, or was never here")
	}
	return err
}
