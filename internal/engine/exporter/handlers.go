package exporter

import (
	"cmp"
	"slices"
	"sync"

	"eddy/internal/offpath/queue"
)

// maxHandlers bounds the handlers of a queue that have series of their own: jobs may name any. The rest is one, which is called as queues call
// those that they don't tell apart.
const (
	maxHandlers   = 100
	otherHandlers = "others"
)

// handlerFamilies are those of handlers.
func handlerFamilies() []family {
	byHandler := []string{"queue", "handler"}
	own := chosen{queues: map[string]map[string]bool{}}
	each := func(figure func(h *queue.HandlerStats) float64) func(*Snapshot, addValue) {
		return func(s *Snapshot, add addValue) {
			for i := range s.Queues {
				shown := own.pick(s.Queues[i].Name, s.Queues[i].Handlers)
				for j := range shown {
					add(figure(&shown[j]), s.Queues[i].Name, shown[j].Name)
				}
			}
		}
	}
	return []family{
		counter("eddy_handler_started_total", "Attempts that began, by handler.", byHandler,
			each(func(h *queue.HandlerStats) float64 { return float64(h.Started) })),
		counter("eddy_handler_done_total", "Jobs that ended well, by handler.", byHandler,
			each(func(h *queue.HandlerStats) float64 { return float64(h.Done) })),
		counter("eddy_handler_failed_total", "Attempts that failed, by handler.", byHandler,
			each(func(h *queue.HandlerStats) float64 { return float64(h.Failed) })),
		counter("eddy_handler_run_seconds_total", "Time that attempts took, by handler.", byHandler,
			each(func(h *queue.HandlerStats) float64 { return h.Total.Seconds() })),
		gauge("eddy_handler_run_max_seconds", "The longest attempt so far, by handler.", byHandler,
			each(func(h *queue.HandlerStats) float64 { return h.Max.Seconds() })),
	}
}

// chosen is the handlers of each queue that have series of their own. A handler that has them keeps them: were the busiest
// chosen anew for each page, the counters of others would come, go and run backwards.
type chosen struct {
	mu     sync.Mutex
	queues map[string]map[string]bool
}

// pick gives the handlers of a queue to show: those chosen, of which the busiest are the first, and the rest put together.
func (c *chosen) pick(queueName string, all []queue.HandlerStats) []queue.HandlerStats {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b queue.HandlerStats) int {
		return cmp.Or(cmp.Compare(b.Started, a.Started), cmp.Compare(a.Name, b.Name))
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	names := c.queues[queueName]
	if names == nil {
		names = map[string]bool{}
		c.queues[queueName] = names
	}
	var out []queue.HandlerStats
	rest := queue.HandlerStats{Name: otherHandlers}
	more := false
	for _, h := range all {
		if !names[h.Name] && len(names) < maxHandlers && h.Name != otherHandlers {
			names[h.Name] = true
		}
		if names[h.Name] {
			out = append(out, h)
			continue
		}
		more = true
		rest.Started += h.Started
		rest.Done += h.Done
		rest.Failed += h.Failed
		rest.Total += h.Total
		rest.Max = max(rest.Max, h.Max)
	}
	if more {
		out = append(out, rest)
	}
	return out
}
