// Package top is a live view of a running eddy's queues, handlers, jobs and Lua states: what "eddy top" shows.
package top

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"eddy/internal/operator/jobs"
	"eddy/internal/operator/view"
)

// Sample is what a process said of itself at one moment.
type Sample struct {
	At     time.Time
	Queues []view.Queue
	Lua    []view.LuaState
	Info   map[string]string // fields of "show info"
}

// maxSample bounds what is read for a sample, in bytes.
const maxSample = 32 << 20

// Take asks for a Sample.
func Take(ctx context.Context, c *jobs.Client) (*Sample, error) {
	in, err := c.Open(ctx, "show info json;show queues json;show lua json", nil)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	var raw [3]json.RawMessage
	d := json.NewDecoder(io.LimitReader(in, maxSample))
	for i := range raw {
		if err := d.Decode(&raw[i]); err != nil {
			return nil, fmt.Errorf("the answer is not what this eddy understands: %w", err)
		}
		if err := jobs.Check(raw[i]); err != nil {
			return nil, err
		}
	}
	return read(raw)
}

// read makes a Sample of the three answers.
func read(raw [3]json.RawMessage) (*Sample, error) {
	var info []struct {
		Field struct{ Name string }
		Value struct{ Value any }
	}
	var queues view.Queues
	var lua view.Lua
	for i, to := range []any{&info, &queues, &lua} {
		if err := json.Unmarshal(raw[i], to); err != nil {
			return nil, fmt.Errorf("the answer is not what this eddy understands: %w", err)
		}
	}
	s := &Sample{At: queues.At, Queues: queues.Queues, Lua: lua.States, Info: map[string]string{}}
	for _, f := range info {
		switch v := f.Value.Value.(type) {
		case string:
			s.Info[f.Field.Name] = v
		case float64:
			s.Info[f.Field.Name] = fmt.Sprintf("%.0f", v)
		}
	}
	return s, nil
}
