package engine

import (
	"eddy/internal/base/syslog"
	"eddy/internal/config/diag"
	"eddy/internal/engine/jobs"
	"eddy/internal/offpath/queue"
)

// buildJobs makes the queues, without their stores.
func (e *Engine) buildJobs(problems *diag.List) {
	g := &e.cfg.Global
	e.jobs = jobs.New(jobs.Options{
		Queues: e.cfg.Queues, StateDir: g.StateDir, Chroot: g.Chroot, User: g.User, Group: g.Group, UID: g.UID, GID: g.GID, Log: e.jobLog,
	}, problems)
}

// jobLog takes what queues say to the global log lines.
func (e *Engine) jobLog(level int, text string) {
	if level <= syslog.Warning {
		e.errors.add("job", text)
	}
	if e.globalLog != nil {
		e.globalLog.Log(level, "", []byte(text))
	}
}

// Queues are the queues of the generation. Any goroutine may call it.
func (e *Engine) Queues() *queue.Set { return e.jobs.Queues }

// Handlers are those who do jobs. Any goroutine may call it.
func (e *Engine) Handlers() *queue.Handlers { return e.jobs.Handlers }
