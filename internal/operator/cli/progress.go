package cli

import (
	"fmt"
	"strings"
	"time"

	"eddy/internal/operator/summary"
)

// When the progress line is drawn: not for what is over soon, and no oftener than one can read.
const (
	progressAfter = 500 * time.Millisecond
	progressEvery = 200 * time.Millisecond
)

// progressLine says how far a lane has come: total and done are bytes of its input, total is 0 where there is no end.
func progressLine(done, total int64, packets uint64, elapsed time.Duration, width int) string {
	seconds := max(elapsed.Seconds(), 1e-3)
	parts := []string{
		summary.Short(float64(packets)) + " packets",
		summary.Short(float64(packets)/seconds) + " packets/s",
		summary.Bytes(float64(done)/seconds) + "/s",
	}
	switch {
	case total <= 0:
		parts = append([]string{"observing"}, parts...)
	case done >= total:
		parts = append([]string{"100 %"}, parts...)
		parts = append(parts, "finishing what plugins have scheduled")
	default:
		parts = append([]string{fmt.Sprintf("%d %%", 100*done/total)}, parts...)
		if done > 0 {
			parts = append(parts, summary.Duration(time.Duration(float64(elapsed)*float64(total-done)/float64(done)))+" left")
		}
	}
	line := strings.Join(parts, "  ")
	if len(line) >= width {
		line = line[:max(width-1, 0)]
	}
	return line
}
