package exporter

import "runtime"

// processFamilies are those of the process as a whole.
func processFamilies() []family {
	return []family{
		gauge("eddy_build_info", "1, with the version of eddy and of Go as labels.", []string{"version", "goversion"},
			func(s *Snapshot, add addValue) { add(1, s.Version, runtime.Version()) }),
		gauge("eddy_start_time_seconds", "When this configuration was started or reloaded, in seconds since 1970.", nil,
			func(s *Snapshot, add addValue) { add(float64(s.Started.UnixNano()) / 1e9) }),
		gauge("eddy_connections", "Client connections now.", nil,
			func(s *Snapshot, add addValue) { add(float64(s.Conns)) }),
		counter("eddy_log_lines_dropped_total", "Log lines that were lost because their target was too slow.", nil,
			func(s *Snapshot, add addValue) { add(float64(s.LogLinesDropped)) }),
	}
}
