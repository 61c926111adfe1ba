package steer

import (
	"slices"
	"strings"
	"time"

	"eddy/internal/base/histogram"
	"eddy/internal/handoff"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/queue"
	"eddy/internal/operator/view"
)

// showQueues writes the figures of all queues, or all about one.
func showQueues(r *request) error {
	queues := r.queues()
	if len(r.args) > 0 {
		if err := r.noMore(r.args[1:]); err != nil {
			return err
		}
		q, err := r.queue(r.args[0], "json")
		if err != nil {
			return err
		}
		queues = []Queue{q}
	}
	now := time.Now()
	answer := view.Queues{At: now.UTC().Truncate(time.Millisecond), Queues: []view.Queue{}}
	for _, q := range queues {
		s := q.Stats()
		answer.Queues = append(answer.Queues, queueView(q.Name(), &s, now))
	}
	switch {
	case r.json:
		return r.answer(&answer)
	case len(r.args) > 0:
		return view.WriteQueue(r.out, &answer.Queues[0], now)
	}
	return view.WriteQueues(r.out, answer.Queues, now, nil)
}

// queueView makes of a queue's figures what operators see.
func queueView(name string, s *queue.Stats, now time.Time) view.Queue {
	v := view.Queue{Name: name, Store: "memory", Path: s.Path, Paused: s.Paused, Draining: s.Draining, StoreError: s.StoreError,
		Workers: s.Workers, Busy: s.Busy, MaxJobs: s.Bounds.Entries, MaxBytes: s.Bounds.Bytes, Jobs: states(&s.Totals.Jobs), Bytes: states(&s.Totals.Bytes),
		Uncommitted: s.Uncommitted, OldestGap: s.OldestGap.Seconds(), Wait: spread(&s.Wait), Run: spread(&s.Run), Commit: spread(&s.Commit),
		Running: []view.Running{}, Handlers: []view.Handler{}}
	if s.Disk {
		v.Store = "disk"
	}
	if s.StoreError != "" && !s.StoreSince.IsZero() {
		since := s.StoreSince.UTC().Truncate(time.Millisecond)
		v.StoreSince = &since
	}
	v.State = stateOf(s)
	if !s.OldestReady.IsZero() {
		age := max(now.Sub(s.OldestReady), 0).Seconds()
		v.OldestReady = &age
	}
	v.Counts = counts(s)
	for _, r := range s.Running {
		v.Running = append(v.Running, view.Running{ID: r.ID.String(), Handler: r.Handler, Key: r.Key, Attempt: r.Attempt, Worker: r.Worker,
			Seconds: max(now.Sub(r.Since), 0).Seconds()})
	}
	slices.SortFunc(v.Running, func(a, b view.Running) int { return a.Worker - b.Worker })
	for _, h := range s.Handlers {
		shown := view.Handler{Name: h.Name, Started: h.Started, Done: h.Done, Failed: h.Failed, Total: h.Total.Seconds(), Max: h.Max.Seconds()}
		if ended := h.Done + h.Failed; ended > 0 {
			shown.Mean = shown.Total / float64(ended)
		}
		v.Handlers = append(v.Handlers, shown)
	}
	slices.SortStableFunc(v.Handlers, func(a, b view.Handler) int { // those that take most of the time first
		if a.Total != b.Total {
			if a.Total > b.Total {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	return v
}

// stateOf says how a queue is, in words.
func stateOf(s *queue.Stats) string {
	var words []string
	for _, w := range []struct {
		is   bool
		word string
	}{{s.StoreError != "", "failing"}, {s.Away, "away"}, {s.Loading, "loading"}, {s.Paused, "paused"}, {s.Draining, "draining"}} {
		if w.is {
			words = append(words, w.word)
		}
	}
	if words == nil {
		return "running"
	}
	return strings.Join(words, ", ")
}

func states(n *[job.Gone + 1]int64) view.States {
	return view.States{Ready: n[job.Ready], Scheduled: n[job.Scheduled], Running: n[job.Running], Retrying: n[job.Retrying], Dead: n[job.Dead]}
}

func counts(s *queue.Stats) view.Counts {
	c := view.Counts{Pushed: s.Pushed, Duplicates: s.Duplicates, Reasons: map[string]uint64{}, Started: s.Started, Done: s.Done, Failed: s.Failed,
		Retried: s.Retried, TimedOut: s.TimedOut, Died: s.Died, Dropped: s.Dropped, Deleted: s.Deleted, Redelivered: s.Redelivered,
		OwnerGone: s.OwnerGone, Popped: s.Popped, RateWaits: s.RateWaits, Opened: s.Opened, Handed: s.Handed, Expired: s.Expired, Commits: s.Commits}
	for reason, n := range s.Refused {
		if n > 0 {
			c.Refused += n
			c.Reasons[handoff.Refusal(reason).String()] += n
		}
	}
	return c
}

func spread(h *histogram.Snapshot) view.Spread {
	if h.Count == 0 {
		return view.Spread{}
	}
	return view.Spread{Count: h.Count, Mean: h.Mean().Seconds(), P50: h.Quantile(0.5).Seconds(), P99: h.Quantile(0.99).Seconds()}
}
