package exporter

import (
	"cmp"
	"slices"

	"eddy/internal/offpath/queue"
)

// maxHandlers bounds the handlers of a queue that are shown: jobs may name any. The rest is one, which is called as queues call
// those that they don't tell apart.
const (
	maxHandlers   = 100
	otherHandlers = "others"
)

// handlerFamilies are those of handlers.
func handlerFamilies() []family {
	byHandler := []string{"queue", "handler"}
	each := func(figure func(h *queue.HandlerStats) float64) func(*Snapshot, addValue) {
		return func(s *Snapshot, add addValue) {
			for i := range s.Queues {
				shown := busiest(s.Queues[i].Handlers)
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

// busiest gives the handlers to show: those with the most attempts, and the rest put together.
func busiest(all []queue.HandlerStats) []queue.HandlerStats {
	if len(all) <= maxHandlers {
		return all
	}
	out := slices.Clone(all)
	slices.SortFunc(out, func(a, b queue.HandlerStats) int {
		aRest, bRest := truth(a.Name == otherHandlers), truth(b.Name == otherHandlers)
		return cmp.Or(cmp.Compare(aRest, bRest), cmp.Compare(b.Started, a.Started), cmp.Compare(a.Name, b.Name))
	})
	rest := queue.HandlerStats{Name: otherHandlers}
	for _, h := range out[maxHandlers:] {
		rest.Started += h.Started
		rest.Done += h.Done
		rest.Failed += h.Failed
		rest.Total += h.Total
		rest.Max = max(rest.Max, h.Max)
	}
	return append(out[:maxHandlers], rest)
}
