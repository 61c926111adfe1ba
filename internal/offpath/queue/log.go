package queue

import (
	"fmt"
	"strings"
	"time"

	"eddy/internal/offpath/job"
)

// Levels of Options.Log, as syslog has them.
const (
	logError   = 3
	logWarning = 4
	logNotice  = 5
	logInfo    = 6
)

// log tells people something.
func (q *Queue) log(level int, text string) {
	if q.opts.Log != nil {
		q.opts.Log(level, "queue '"+q.opts.Name+"': "+text)
	}
}

// failureLines is how many failed attempts a second are told; of the others, how many there were.
const failureLines = 10

// quota bounds lines by second. The queue's lock guards it.
type quota struct {
	second  int64
	lines   int
	skipped int
}

// more says whether there may be another line, and how many there were not since the last one.
func (l *quota) more(now time.Time) (ok bool, skipped int) {
	if s := now.Unix(); s != l.second {
		l.second, l.lines = s, 0
	}
	if l.lines++; l.lines > failureLines {
		l.skipped++
		return false, 0
	}
	skipped, l.skipped = l.skipped, 0
	return true, skipped
}

// logFailure tells that an attempt failed, and what comes of it.
func (q *Queue) logFailure(j *job.Job, to job.Head, err error, now time.Time) {
	if q.opts.Log == nil || to.State == job.Done {
		return
	}
	q.mu.Lock()
	ok, skipped := q.quota.more(now)
	q.mu.Unlock()
	if !ok {
		return
	}
	if skipped > 0 {
		q.log(logWarning, fmt.Sprintf("%d more attempts failed", skipped))
	}
	text, _, _ := strings.Cut(err.Error(), "\n")
	const most = 300
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	what := "a function of " + j.Owner
	if j.Handler != "" {
		what = "handler '" + j.Handler + "'"
	}
	if j.Origin.Where != "" {
		what += ", pushed by " + j.Origin.Where
	}
	switch to.State {
	case job.Dead, job.Gone:
		q.log(logWarning, fmt.Sprintf("job %v (%s) is dead after attempt %d: %s", j.ID, what, j.Attempts, text))
	case job.Retrying:
		pause := time.Unix(0, to.Due).Sub(now).Round(100 * time.Millisecond)
		q.log(logInfo, fmt.Sprintf("attempt %d of job %v (%s) failed, the next one comes in %v: %s", j.Attempts, j.ID, what, pause, text))
	case job.Ready:
		q.log(logInfo, fmt.Sprintf("attempt %d of job %v (%s) was cut short by the stop", j.Attempts, j.ID, what))
	}
}
