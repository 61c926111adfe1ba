package exporter

import "eddy/internal/fastpath/report"

// laneFamilies are those of observed lanes.
func laneFamilies() []family {
	byLane := []string{"lane"}
	each := func(figure func(l *report.Lane) float64) func(*Snapshot, addValue) {
		return func(s *Snapshot, add addValue) {
			for _, l := range s.Lanes {
				add(figure(l), l.Name)
			}
		}
	}
	return []family{
		gauge("eddy_lane_running", "1 while the lane observes, 0 when it has ended.", byLane,
			each(func(l *report.Lane) float64 { return truth(!l.Over) })),
		counter("eddy_lane_packets_total", "Packets that were observed.", byLane,
			each(func(l *report.Lane) float64 { return float64(l.Packets) })),
		counter("eddy_lane_drops_total", "What was lost, by reason.", []string{"lane", "reason"},
			func(s *Snapshot, add addValue) {
				for _, l := range s.Lanes {
					for _, d := range l.Drops {
						add(float64(d.N), l.Name, d.Name)
					}
				}
			}),
		counter("eddy_lane_script_errors_total", "Hooks of plugins that ended with an error.", []string{"lane", "plugin"},
			func(s *Snapshot, add addValue) {
				for _, l := range s.Lanes {
					for _, p := range l.Scripts {
						add(float64(p.Errors), l.Name, p.Plugin)
					}
				}
			}),
	}
}
