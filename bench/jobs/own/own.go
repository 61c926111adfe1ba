package own

import (
	"time"

	"eddy/bench/jobs/load"
)

// closeTime is what a queue has to close its files.
const closeTime = 30 * time.Second

// Subjects are the subjects by name.
func Subjects() map[string]load.Open {
	return map[string]load.Open{
		"fsync":         diskQueue(true).open,
		"os":            diskQueue(false).open,
		"memory":        memoryQueue().open,
		"pebble-single": OpenPebbleSingle,
		"pebble-group":  OpenPebbleGroup,
	}
}
