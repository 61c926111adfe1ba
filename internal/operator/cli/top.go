package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"eddy/internal/config/diag"
	"eddy/internal/operator/jobs"
	"eddy/internal/operator/top"
	"eddy/internal/operator/view"
)

// topCommand is the first argument that makes eddy show a live view.
const topCommand = "top"

// topFlags is what the command line of "eddy top" asks for.
type topFlags struct {
	socket string
	files  []string
	every  time.Duration
	rounds int // 0: until it is ended
	once   bool
	help   bool
}

// Bounds of -d.
const (
	shortestDelay = 100 * time.Millisecond
	longestDelay  = time.Hour
)

// parseTop reads the arguments behind "eddy top".
func parseTop(args []string) (*topFlags, error) {
	f := &topFlags{every: time.Second}
	for i := 0; i < len(args); i++ {
		name, value, inline := strings.Cut(args[i], "=")
		switch name {
		case "-h", "--help":
			f.help = true
			continue
		case "--once":
			f.once = true
			continue
		case "-S", "-f", "-d", "-n":
		default:
			hint := "eddy top --help explains it"
			if near := diag.DidYouMean(name, []string{"-S", "-f", "-d", "-n", "--once", "--help"}); near != "" {
				hint = near
			}
			return nil, &usageError{fmt.Sprintf("eddy top does not know %q", name), hint}
		}
		if !inline {
			if i++; i == len(args) {
				return nil, &usageError{name + " wants an argument", "eddy top --help explains it"}
			}
			value = args[i]
		}
		if err := f.set(name, value); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (f *topFlags) set(name, value string) error {
	switch name {
	case "-S":
		f.socket = value
	case "-f":
		f.files = append(f.files, value)
	case "-d":
		d, err := time.ParseDuration(value)
		if s, notNumber := strconv.ParseFloat(value, 64); notNumber == nil {
			d, err = time.Duration(s*float64(time.Second)), nil
		}
		if err != nil || d < shortestDelay || d > longestDelay {
			return &usageError{fmt.Sprintf("-d wants a time from 100ms to 1h, not %q", value), ""}
		}
		f.every = d
	case "-n":
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 {
			return &usageError{fmt.Sprintf("-n wants a number from 1 up, not %q", value), ""}
		}
		f.rounds = n
	}
	return nil
}

// printTopHelp explains "eddy top".
func printTopHelp(w io.Writer) {
	fmt.Fprint(w, `eddy top shows the queues of a running eddy, its handlers, jobs and Lua states, live.

Usage:
  eddy top [flags]

Flags:
  -S SOCKET    the stats socket: a path, or host:port
  -f FILE      take the stats socket from this configuration; without -S and -f it is $EDDY_SOCKET
  -d TIME      between two looks: 1s, 500ms; 1s when it is not given
  -n ROUNDS    end after so many looks
  --once       print one plain table, from two looks, and leave; as when standard output is no terminal
  -h, --help   print this help

Keys: q leaves, arrows choose a queue, p pauses it, r lets it go on.

IN/S, DONE/S, FAIL/S and REFUSED/S are since the look before. OLDEST is the age of the oldest ready job. SHARE is how
much of the time that handlers took was one's. When the process is replaced or stops, top waits for the next one.

Exit codes: 0 it was left, 1 refused, 2 the command line makes no sense, 3 no connection at the start.
`)
}

// topRun is one execution of "eddy top".
type topRun struct {
	jobsRun
	flags *topFlags
	model top.Model
}

// runTop executes the arguments behind "eddy top" and returns the exit code.
func (p Program) runTop(args []string, out, errOut io.Writer) int {
	r := &topRun{jobsRun: jobsRun{console: newConsole(out, errOut, os.LookupEnv), paint: newConsole(out, out, os.LookupEnv).colour}}
	f, err := parseTop(args)
	if err != nil {
		return r.usage(err)
	}
	if r.flags = f; f.help {
		printTopHelp(out)
		return exitOK
	}
	socket, err := p.socket(r.console, f.socket, f.files)
	if err != nil {
		return r.exit(err)
	}
	r.client, r.model.Socket = &jobs.Client{Socket: socket}, socket
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	r.ctx = ctx
	first, err := top.Take(ctx, r.client)
	if err != nil {
		return r.exit(err)
	}
	r.model.Add(first)
	if file, ok := out.(*os.File); ok && !f.once && terminal(out) && terminal(os.Stdin) {
		return r.exit(r.live(file))
	}
	return r.exit(r.plain())
}

// plain prints tables one below the other. The first comes with the second look, so that it has rates.
func (r *topRun) plain() error {
	for round := 0; round < max(r.flags.rounds, 1); round++ {
		if !pause(r.ctx, r.flags.every) {
			return nil
		}
		s, err := top.Take(r.ctx, r.client)
		if err != nil {
			return err
		}
		r.model.Add(s)
		if _, err := io.WriteString(r.out, r.model.Table(time.Now())); err != nil {
			return err
		}
	}
	return nil
}

// pause waits; false when it was called off.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// look is an answer that came in beside the view.
type look struct {
	sample *top.Sample
	notice string
	err    error
}

// live draws on a terminal until somebody ends it. Asking happens beside it: a process that does not answer holds no key up.
func (r *topRun) live(out *os.File) error {
	t, err := openTop(os.Stdin, out, r.paint)
	if err != nil {
		return err
	}
	defer t.close()
	ctx, cancel := context.WithCancel(r.ctx)
	var asked sync.WaitGroup
	defer asked.Wait()
	defer cancel()
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, syscall.SIGWINCH)
	defer signal.Stop(resized)
	looks := make(chan look, 1)
	asking := false
	var next func() look // what a key asked for meanwhile
	ask := func(do func() look) {
		if asking {
			next = do
			return
		}
		asking = true
		asked.Go(func() { looks <- do() }) // there is room for one, and one is asked at a time
	}
	tick := time.NewTicker(r.flags.every)
	defer tick.Stop()
	for rounds := 1; ; {
		if err := t.draw(&r.model); err != nil {
			return nil // the terminal is gone
		}
		select {
		case <-ctx.Done():
			return nil
		case <-resized:
		case k := <-t.keys:
			if k == keyQuit {
				return nil
			}
			if do := r.key(ctx, k); do != nil {
				ask(do)
			}
		case <-tick.C:
			if r.flags.rounds > 0 && rounds >= r.flags.rounds {
				return nil
			}
			if !asking {
				ask(func() look { return r.look(ctx) })
			}
		case l := <-looks:
			asking = false
			if l.notice != "" {
				r.model.Notice = l.notice
			}
			switch {
			case l.err != nil:
				r.model.Lose(cause(l.err), time.Now())
			case l.sample != nil:
				rounds++
				r.model.Add(l.sample)
			}
			if next != nil {
				ask(next)
				next = nil
			}
		}
	}
}

// cause takes the socket off an error: the view names it already.
func cause(err error) error {
	var connection *jobs.ConnError
	if errors.As(err, &connection) {
		return connection.Err
	}
	return err
}

func (r *topRun) look(ctx context.Context) look {
	s, err := top.Take(ctx, r.client)
	return look{sample: s, err: err}
}

// key does what a key asks for. What takes a question to the process is given back.
func (r *topRun) key(ctx context.Context, k topKey) func() look {
	verb := ""
	switch k {
	case keyUp:
		r.model.Move(-1)
	case keyDown:
		r.model.Move(1)
	case keyPause:
		verb = "pause"
	case keyResume:
		verb = "resume"
	}
	name := r.model.Selected
	if verb == "" || name == "" {
		return nil
	}
	return func() look {
		var a view.Answer
		var failure *jobs.Failure
		switch err := r.client.Into(ctx, &a, verb, "queue", name); {
		case errors.As(err, &failure):
			return look{notice: err.Error()}
		case err != nil:
			return look{err: err}
		}
		l := r.look(ctx)
		l.notice = a.Text
		return l
	}
}
