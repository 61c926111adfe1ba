// Package summary writes the report of an observed lane: as text for a person, and as JSON for a program.
package summary

import (
	"encoding/json"
	"io"

	"eddy/internal/fastpath/report"
)

// Summary is a report with what follows from it and from the process.
type Summary struct {
	*report.Lane
	PacketsPerSecond float64 `json:"packets_per_second"` // by the wall clock
	BytesPerSecond   float64 `json:"bytes_per_second"`
	PeakRSS          int64   `json:"peak_rss_bytes,omitempty"` // of the process; 0: not known
}

// Of makes the summary of a report. peakRSS is the most memory that the process had, in bytes; 0 leaves it out.
func Of(r *report.Lane, peakRSS int64) Summary {
	s := Summary{Lane: r, PeakRSS: peakRSS}
	if sec := r.Elapsed.Seconds(); sec > 0 {
		s.PacketsPerSecond, s.BytesPerSecond = float64(r.Packets)/sec, float64(r.Bytes)/sec
	}
	return s
}

// JSON writes one object, indented, with a line end behind it.
func (s Summary) JSON(w io.Writer) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(b, '\n'))
	return err
}
