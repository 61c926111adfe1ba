package exporter

import (
	"eddy/internal/base/histogram"
	"eddy/internal/handoff"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/queue"
)

// keptStates are those in which a queue keeps jobs, as labels.
var keptStates = [...]job.State{job.Ready, job.Scheduled, job.Running, job.Retrying, job.Dead}

// reason is a refusal as a label.
func reason(r handoff.Refusal) string {
	switch r {
	case handoff.EntriesFull, handoff.SharedEntriesFull:
		return "max_jobs"
	case handoff.BytesFull, handoff.SharedBytesFull:
		return "max_bytes"
	case handoff.TooLarge:
		return "too_large"
	case handoff.Closed:
		return "closed"
	case handoff.Unavailable:
		return "unavailable"
	}
	return "other"
}

// queueFamilies are those of queues.
func queueFamilies() []family {
	byQueue := []string{"queue"}
	// each makes the values of all queues by one of their figures.
	each := func(figure func(q *queue.Stats) float64) func(*Snapshot, addValue) {
		return func(s *Snapshot, add addValue) {
			for i := range s.Queues {
				q := &s.Queues[i]
				add(figure(q), q.Name)
			}
		}
	}
	count := func(name, help string, figure func(q *queue.Stats) uint64) family {
		return counter("eddy_queue_"+name, help, byQueue, each(func(q *queue.Stats) float64 { return float64(figure(q)) }))
	}
	level := func(name, help string, figure func(q *queue.Stats) float64) family {
		return gauge("eddy_queue_"+name, help, byQueue, each(figure))
	}
	times := func(name, help string, figure func(q *queue.Stats) *histogram.Snapshot) family {
		return family{Metric: Metric{"eddy_queue_" + name, Histogram, help, byQueue}, histograms: func(s *Snapshot, add addHistogram) {
			for i := range s.Queues {
				add(figure(&s.Queues[i]), s.Queues[i].Name)
			}
		}}
	}
	return []family{
		gauge("eddy_queue_info", "1, with where the queue keeps its jobs as a label: memory or disk.", []string{"queue", "store"},
			func(s *Snapshot, add addValue) {
				for i := range s.Queues {
					store := "memory"
					if s.Queues[i].Disk {
						store = "disk"
					}
					add(1, s.Queues[i].Name, store)
				}
			}),
		gauge("eddy_queue_jobs", "Jobs in the queue now, by state.", []string{"queue", "state"},
			byState(func(q *queue.Stats, st job.State) int64 { return q.Totals.Jobs[st] })),
		gauge("eddy_queue_bytes", "Bytes of the jobs in the queue now, by state.", []string{"queue", "state"},
			byState(func(q *queue.Stats, st job.State) int64 { return q.Totals.Bytes[st] })),
		level("used_jobs", "Jobs that count against max-jobs: those that are not dead, and those on their way to the store.",
			func(q *queue.Stats) float64 { return float64(q.Used.Entries) }),
		level("used_bytes", "Their bytes, which count against max-bytes.",
			func(q *queue.Stats) float64 { return float64(q.Used.Bytes) }),
		level("max_jobs", "As many jobs that are not dead may be in the queue; 0: no limit.",
			func(q *queue.Stats) float64 { return float64(q.Bounds.Entries) }),
		level("max_bytes", "As many bytes may the jobs have that are not dead; 0: no limit.",
			func(q *queue.Stats) float64 { return float64(q.Bounds.Bytes) }),
		gauge("eddy_queue_ready_oldest_seconds", "How long the oldest job waits that could run; 0: none waits.", byQueue,
			func(s *Snapshot, add addValue) {
				for i := range s.Queues {
					age := 0.0
					if since := s.Queues[i].OldestReady; !since.IsZero() {
						age = max(s.At.Sub(since).Seconds(), 0)
					}
					add(age, s.Queues[i].Name)
				}
			}),
		level("workers", "Workers of the queue.", func(q *queue.Stats) float64 { return float64(q.Workers) }),
		level("workers_busy", "Workers that have a job now.", func(q *queue.Stats) float64 { return float64(q.Busy) }),
		level("paused", "1 when an operator has paused the queue.", func(q *queue.Stats) float64 { return truth(q.Paused) }),
		level("draining", "1 when the queue takes no new jobs.", func(q *queue.Stats) float64 { return truth(q.Draining) }),
		level("loading", "1 while the queue reads its store after a start; workers have begun meanwhile.",
			func(q *queue.Stats) float64 { return truth(q.Loading) }),
		level("away", "1 when the queue's store is with another process, the next one or the one before.",
			func(q *queue.Stats) float64 { return truth(q.Away) }),
		level("store_failing", "1 when the queue's store refuses: the disk is full, or can't be written.",
			func(q *queue.Stats) float64 { return truth(q.StoreError != "") }),
		level("uncommitted_jobs", "Jobs that were accepted and are not yet in the store.",
			func(q *queue.Stats) float64 { return float64(q.Uncommitted) }),
		level("uncommitted_oldest_seconds", "How long the oldest of them waits for the store.",
			func(q *queue.Stats) float64 { return q.OldestGap.Seconds() }),

		count("opened_total", "Jobs that were found in the store when it was opened.",
			func(q *queue.Stats) uint64 { return q.Opened }),
		count("handed_total", "Jobs that were handed to another process with the store.",
			func(q *queue.Stats) uint64 { return q.Handed }),
		count("pushed_total", "Jobs that were accepted.", func(q *queue.Stats) uint64 { return q.Pushed }),
		count("duplicates_total", "Pushes that were not needed: a job with the same unique key was there.",
			func(q *queue.Stats) uint64 { return q.Duplicates }),
		counter("eddy_queue_refused_total", "Pushes that were refused, by reason.", []string{"queue", "reason"},
			func(s *Snapshot, add addValue) {
				for i := range s.Queues {
					q := &s.Queues[i]
					for r := handoff.Accepted + 1; r < handoff.NumRefusals; r++ {
						add(float64(q.Refused[r]), q.Name, reason(r))
					}
				}
			}),
		count("started_total", "Attempts that began.", func(q *queue.Stats) uint64 { return q.Started }),
		count("done_total", "Jobs that ended well.", func(q *queue.Stats) uint64 { return q.Done }),
		count("failed_total", "Attempts that failed.", func(q *queue.Stats) uint64 { return q.Failed }),
		count("timed_out_total", "Attempts that failed because their time was over.",
			func(q *queue.Stats) uint64 { return q.TimedOut }),
		count("retried_total", "Attempts that failed and are followed by another one.",
			func(q *queue.Stats) uint64 { return q.Retried }),
		count("dead_total", "Jobs that became dead: no attempt was left, or none could help.",
			func(q *queue.Stats) uint64 { return q.Died }),
		count("dropped_total", "Jobs that were dropped to make room for others (when-full).",
			func(q *queue.Stats) uint64 { return q.Dropped }),
		count("deleted_total", "Jobs that an operator deleted.", func(q *queue.Stats) uint64 { return q.Deleted }),
		count("expired_total", "Dead jobs that were let go, because they were kept long enough or there were too many.",
			func(q *queue.Stats) uint64 { return q.Expired }),
		count("redelivered_total", "Jobs that were given out again, because their attempt was cut short: mostly by the death of the process.",
			func(q *queue.Stats) uint64 { return q.Redelivered }),
		count("popped_total", "Jobs that scripts popped.", func(q *queue.Stats) uint64 { return q.Popped }),
		count("owner_gone_total", "Results that nobody took, though their jobs name a taker.",
			func(q *queue.Stats) uint64 { return q.OwnerGone }),
		count("rate_waits_total", "Times that jobs waited because of the queue's rate.",
			func(q *queue.Stats) uint64 { return q.RateWaits }),

		times("wait_seconds", "From ready to the beginning of an attempt.",
			func(q *queue.Stats) *histogram.Snapshot { return &q.Wait }),
		times("run_seconds", "Time that attempts took.", func(q *queue.Stats) *histogram.Snapshot { return &q.Run }),
		times("commit_seconds", "Time that commits to the store took; one commit may have many jobs.",
			func(q *queue.Stats) *histogram.Snapshot { return &q.Commit }),
	}
}

// byState makes the values of all queues by state.
func byState(figure func(*queue.Stats, job.State) int64) func(*Snapshot, addValue) {
	return func(s *Snapshot, add addValue) {
		for i := range s.Queues {
			q := &s.Queues[i]
			for _, st := range keptStates {
				add(float64(figure(q, st)), q.Name, st.String())
			}
		}
	}
}
