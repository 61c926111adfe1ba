package cli

import (
	"os"
	"syscall"
	"testing"
	"time"
)

func TestStarting(t *testing.T) {
	const long = time.Hour
	for _, tt := range []struct {
		name    string
		signals []os.Signal
		grace   time.Duration
		ends    bool // the step does when the signals were taken
		want    bool
	}{
		{"nothing comes", nil, long, true, true},
		{"a signal waits for the step", []os.Signal{syscall.SIGTERM}, long, true, true},
		{"a second one does not", []os.Signal{syscall.SIGHUP, syscall.SIGTERM, syscall.SIGINT}, long, false, false},
		{"nor is there time for ever", []os.Signal{syscall.SIGUSR1}, time.Millisecond, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			signals, end := make(chan os.Signal, 8), make(chan struct{})
			defer close(end)
			for _, s := range tt.signals {
				signals <- s
			}
			got := starting(signals, tt.grace, func() {
				if tt.ends {
					for len(signals) > 0 {
						time.Sleep(time.Millisecond)
					}
					return
				}
				<-end
			})
			if got != tt.want {
				t.Errorf("got %v", got)
			}
			if got && len(signals) != len(tt.signals) {
				t.Errorf("%d signals were given back, not %d", len(signals), len(tt.signals))
			}
		})
	}
}
