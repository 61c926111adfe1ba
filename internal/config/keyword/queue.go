package keyword

import (
	"strings"
	"time"

	"eddy/internal/config/diag"
	"eddy/internal/config/model"
	"eddy/internal/config/syntax"
)

// queue is a queue section while it is read.
type queue struct {
	*model.Queue
	seen map[string]diag.Pos // keywords that may stand once
}

// Bounds of what queue sections ask for.
const (
	maxQueues     = 1000
	maxQueueName  = 64
	maxWorkers    = 10_000
	maxJobs       = 100_000_000
	minQueueBytes = 64 << 10
	maxQueueBytes = 1 << 40
	maxJobSize    = 256 << 20
	maxRate       = 1_000_000
	maxRetries    = 10_000
	longestKept   = 365 * 24 * time.Hour
	shortestPause = time.Millisecond
)

// openQueue opens a section "queue NAME" with the defaults of a queue.
func (p *Parser) openQueue(ln syntax.Line) {
	q := model.NewQueue("")
	q.Pos = ln.Pos
	p.where, p.queue = Queue, &queue{q, map[string]diag.Pos{}}
	if len(ln.Words) < 2 {
		p.Diags.Errorf(ln.Pos, "write: queue NAME", "the queue section has no name")
		return
	}
	p.noMore(ln, 2)
	name := ln.Words[1]
	p.checkQueueName(name)
	q.Name = name.Text
	for _, other := range p.Config.Queues {
		if other.Name == q.Name {
			p.Diags.Errorf(name.Pos, "every queue needs a name of its own", "there is a queue '%s' in %s already", q.Name, other.Pos.From(name.Pos))
			break
		}
	}
	if len(p.Config.Queues) == maxQueues {
		p.Diags.Errorf(ln.Pos, "", "more than %d queue sections", maxQueues)
		return
	}
	p.Config.Queues = append(p.Config.Queues, q)
}

// queueLock is the name of what lies beside the folders of queues.
const queueLock = "owner.sock"

// checkQueueName holds a queue's name against what may name a folder.
func (p *Parser) checkQueueName(w syntax.Word) {
	const hint = "names of queues are names of folders: at most 64 letters, digits, '-', '_' and '.', not beginning with '.'"
	bad := strings.Trim(w.Text, strings.ReplaceAll(nameLetters, ":", ""))
	switch {
	case w.Text == "":
		p.Diags.Errorf(w.Pos, "is a variable of the environment missing?", "the name is empty")
	case bad != "":
		r := []rune(bad)[0]
		p.Diags.Errorf(w.Pos, hint, "%q cannot stand in the name of a queue", string(r))
	case w.Text[0] == '.':
		p.Diags.Errorf(w.Pos, hint, "the name of a queue cannot begin with '.'")
	case len(w.Text) > maxQueueName:
		p.Diags.Errorf(w.Pos, hint, "the name of the queue has %d characters", len(w.Text))
	case w.Text == queueLock:
		p.Diags.Errorf(w.Pos, "choose another name", "'%s' cannot be the name of a queue: the folder of the queues has a file of this name", queueLock)
	}
}

// closeQueue looks at the section as a whole.
func (p *Parser) closeQueue() {
	q, seen := p.queue.Queue, p.queue.seen
	if at, given := seen["durability"]; given && !q.Disk {
		p.Diags.Warnf(at, "add: store disk", "'durability' has no effect: queue '%s' is in memory", q.Name)
	}
	if q.MaxSize <= q.MaxBytes {
		return
	}
	at, given := seen["max-size"]
	if !given { // the default shrinks with the queue
		q.MaxSize = q.MaxBytes
		return
	}
	p.errorf(at, "make max-bytes larger or max-size smaller", "max-size: a job of %s would not fit into queue '%s', whose max-bytes are %s",
		sizeText(q.MaxSize), q.Name, sizeText(q.MaxBytes))
}

// queueDecls are the keywords of queue sections.
func queueDecls() []Decl {
	decl := func(name string, param Param, doc string, set func(q *model.Queue, a Args)) Decl {
		return Decl{Name: name, In: Queue, Params: one(param), Doc: doc,
			Set: func(p *Parser, a Args) { p.once(a); set(p.queue.Queue, a) }}
	}
	span := func(name, doc string, longest time.Duration, at func(q *model.Queue) *time.Duration) Decl {
		param := Param{Name: "time", Kind: Time, Max: int64(longest)}
		return Decl{Name: name, In: Queue, Params: one(param), Doc: doc, Set: func(p *Parser, a Args) {
			p.once(a)
			p.warnUnitless(name, a.P[0].Pos, a.Text(0))
			*at(p.queue.Queue) = time.Duration(a.Int(0))
		}}
	}
	bytes := func(lo, hi int64) Param { return Param{Name: "size", Kind: Size, Min: lo, Max: hi} }
	return []Decl{
		decl("store", choice("where", "memory", "disk"), "Keeps the jobs in memory, or in a folder of state-dir, where they survive the end of the process; memory when not given.",
			func(q *model.Queue, a Args) { q.Disk = a.Text(0) == "disk" }),
		decl("durability", choice("when", "fsync", "os"), "Accepts a push to a disk queue when the disk has it, or already when the operating system has it, which is safe from a crash of the process and not of the machine; fsync when not given.",
			func(q *model.Queue, a Args) { q.SyncOS = a.Text(0) == "os" }),
		{Name: "workers", In: Queue, Params: one(number("number")), Doc: "Runs this many jobs at a time; 4 when not given.", Set: setWorkers},
		decl("max-jobs", count("number", 1, maxJobs), "Holds this many jobs, without dead ones; 100k when not given.",
			func(q *model.Queue, a Args) { q.MaxJobs = int(a.Int(0)) }),
		decl("max-bytes", bytes(minQueueBytes, maxQueueBytes), "Holds jobs of so many bytes in all, without dead ones; 256m when not given.",
			func(q *model.Queue, a Args) { q.MaxBytes = a.Int(0) }),
		decl("max-size", bytes(64, maxJobSize), "Refuses a job with a larger payload than this; 1m when not given.",
			func(q *model.Queue, a Args) { q.MaxSize = a.Int(0) }),
		decl("when-full", choice("what", "reject", "drop-oldest", "drop-newest"), "Says what a full queue does with one job more: refuses it, drops the oldest that waits in its favour, or drops the new one without telling who pushed it; reject when not given.",
			func(q *model.Queue, a Args) { q.WhenFull = a.Text(0) }),
		{Name: "rate", In: Queue, Params: one(text("number/unit"), optional(rest("option …"))), Opts: describe(rateOptions()),
			Doc: "Begins at most this many attempts in a second, minute or hour (50/s, 100/m, 1k/h); as many as there are workers for when not given.", Set: setRate},
		{Name: "retries", In: Queue, Params: one(between("number", 0, maxRetries), optional(rest("option …"))), Opts: describe(retryOptions()),
			Doc: "Tries a job again so many times after its first attempt failed, then it is dead; 8 when not given.", Set: setRetries},
		span("timeout", "Ends an attempt that takes longer; 1m when not given, 0 for never.", syntax.MaxTime,
			func(q *model.Queue) *time.Duration { return &q.Timeout }),
		span("unique-for", "Lets a job hold its unique key for this long after its push; until it has ended when not given, or 0.", longestKept,
			func(q *model.Queue) *time.Duration { return &q.UniqueFor }),
		span("keep-dead", "Keeps dead jobs for this long, to be looked at and tried again; 7d when not given, 0 keeps none.", longestKept,
			func(q *model.Queue) *time.Duration { return &q.KeepDead }),
	}
}

func setWorkers(p *Parser, a Args) {
	n := a.Int(0)
	if n < 1 || n > maxWorkers {
		p.errorf(a.P[0].Pos, "use 1..10000; \"pause\" on the stats socket stops a queue for a while", "workers: %d workers are not possible", n)
		return
	}
	p.once(a)
	p.queue.Workers = int(n)
}

// warnUnitless warns about a number that was probably meant to be of seconds.
func (p *Parser) warnUnitless(what string, at diag.Pos, s string) bool {
	if strings.Trim(s, "0123456789") != "" || strings.Trim(s, "0") == "" {
		return false
	}
	p.Diags.Warnf(at, "write "+s+"ms, or "+s+"s for seconds", "%s: a time without a unit is in milliseconds", what)
	return true
}

// rateOptions are what may stand behind the rate.
func rateOptions() []Option[model.Queue] {
	return []Option[model.Queue]{
		{Name: "burst", Params: one(count("number", 1, maxRate)), Doc: "Lets this many begin at once after a quiet time; 1 when not given.",
			Set: func(_ *Parser, q *model.Queue, a Args) { q.RateBurst = int(a.Int(0)) }},
	}
}

// setRate reads "rate 50/s [burst 100]".
func setRate(p *Parser, a Args) {
	w := a.P[0]
	if findOption(rateOptions(), w.Text) != nil {
		p.errorf(w.Pos, "write: rate 50/s burst 100, say", "rate: a %s goes with a rate", w.Text)
		return
	}
	q := *p.queue.Queue
	number, unit, ok := strings.Cut(w.Text, "/")
	q.RateBurst = 1
	q.RatePer = map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour}[unit]
	if !ok || q.RatePer == 0 {
		p.errorf(w.Pos, "write a number with /s, /m or /h behind it, like 50/s", "rate: %q is not a rate", w.Text)
		return
	}
	n, err := syntax.ParseCount(number)
	switch {
	case err != nil:
		p.errorf(w.Pos, "", "rate: %v", err)
		return
	case n < 1 || n > maxRate:
		p.errorf(w.Pos, "\"pause\" on the stats socket stops a queue for a while", "rate: the number must be between 1 and %s, not %s", countText(maxRate), number)
		return
	}
	q.RateEvents = int(n)
	if _, ok := readOptions(p, "rate", rateOptions(), nil, &q, a.Rest); ok {
		p.once(a)
		*p.queue.Queue = q
	}
}

// retryOptions are what may stand behind the number of retries.
func retryOptions() []Option[model.Queue] {
	return []Option[model.Queue]{
		{Name: "backoff", Params: one(text("shortest..longest")), Doc: "Waits so long before the first retry, and twice as long before each next one, up to the second time, with some chance in it; 1s..10m when not given.",
			Set: setBackoff},
	}
}

// setRetries reads "retries 8 [backoff 1s..10m]".
func setRetries(p *Parser, a Args) {
	q := *p.queue.Queue
	q.Retries = int(a.Int(0))
	if _, ok := readOptions(p, "retries", retryOptions(), nil, &q, a.Rest); ok {
		p.once(a)
		*p.queue.Queue = q
	}
}

// setBackoff reads "1s..10m"; one time alone is the pause before every retry.
func setBackoff(p *Parser, q *model.Queue, a Args) {
	w := a.P[0]
	first, last, isRange := strings.Cut(w.Text, "..")
	if !isRange {
		last = first
	}
	var times [2]time.Duration
	for i, s := range []string{first, last} {
		d, err := syntax.ParseTime(s, time.Millisecond)
		if err != nil {
			p.errorf(w.Pos, "write two times, like 1s..10m", "backoff: %v", err)
			return
		}
		times[i] = d
	}
	switch {
	case times[0] > times[1]:
		p.errorf(w.Pos, "write the shorter time first", "backoff: %s is longer than %s", first, last)
	case times[0] < shortestPause:
		p.errorf(w.Pos, "", "backoff: the shortest pause must be at least 1ms")
	default:
		if !p.warnUnitless("backoff", w.Pos, first) && isRange {
			p.warnUnitless("backoff", w.Pos, last)
		}
		q.BackoffMin, q.BackoffMax = times[0], times[1]
	}
}
