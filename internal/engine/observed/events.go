package observed

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"eddy/internal/fastpath/eve"
	"eddy/internal/fastpath/learned"
)

// openEvents opens the event log; nil when there is none.
func openEvents(path string, types []string, stdout io.Writer, log *logger) (*events, error) {
	switch path {
	case "":
		return nil, nil
	case "-":
		return newEvents(stdout, nil, types, log), nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o640)
	if err != nil {
		return nil, fmt.Errorf("event log: %w", err)
	}
	return newEvents(f, f, types, log), nil
}

// flushEvery bounds how long an event waits for others before it is written.
const flushEvery = time.Second

// events is the event log.
type events struct {
	mu   sync.Mutex // of w
	w    *eve.Writer
	out  *eventFile
	f    *os.File // nil: standard output
	stop chan struct{}
	done sync.WaitGroup
}

func newEvents(out io.Writer, f *os.File, types []string, log *logger) *events {
	file := &eventFile{w: out, warn: func(text string) { log.warn("eddy", text) }}
	e := &events{w: eve.New(file, eve.Options{Types: types}), out: file, f: f, stop: make(chan struct{})}
	e.done.Go(e.flush)
	return e
}

// flush writes what waits, now and then.
func (e *events) flush() {
	every := time.NewTicker(flushEvery)
	defer every.Stop()
	for {
		select {
		case <-every.C:
			e.mu.Lock()
			_ = e.w.Flush()
			e.mu.Unlock()
		case <-e.stop:
			return
		}
	}
}

// Write implements ledger.Output.
func (e *events) Write(r learned.Record) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.w.Write(r)
}

func (e *events) close() error {
	close(e.stop)
	e.done.Wait()
	err := errors.Join(e.w.Flush(), e.out.end())
	if e.f != nil {
		err = errors.Join(err, e.f.Close())
	}
	if err != nil {
		return fmt.Errorf("event log: %w", err)
	}
	return nil
}
