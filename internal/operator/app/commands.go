package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	"eddy/internal/operator/admin"
	"eddy/internal/operator/show"
	"eddy/internal/operator/steer"
	"eddy/internal/operator/summary"
	"eddy/internal/operator/view"
	"eddy/internal/operator/visible"
)

// Commands are eddy's own and those that scripts have registered.
func (o operated) Commands() []admin.Command {
	out := slices.Concat(show.Commands(o.process()), steer.Commands(steer.Of(o.Queues())), []admin.Command{
		{Words: []string{"show", "observe"}, Usage: "show observe : the observed lanes, and what they have found", Run: o.showObserve},
		{Words: []string{"show", "version"}, Usage: "show version : eddy's version", Run: func(_ context.Context, _ []string, c admin.Conn) error {
			_, err := fmt.Fprintln(c, Version)
			return err
		}},
	})
	scripts := o.Scripts()
	if scripts == nil {
		return out
	}
	for _, registered := range scripts.Commands() {
		usage := registered.Usage
		if usage == "" {
			usage = fmt.Sprint(registered.Path) + " : a script's"
		}
		out = append(out, admin.Command{Words: registered.Path, Usage: usage, Run: func(ctx context.Context, args []string, c admin.Conn) error {
			_, err := scripts.CLI(ctx, slices.Concat(registered.Path, args), c)
			return err
		}})
	}
	return out
}

// process is the engine as package show wants it.
func (o operated) process() show.Process {
	return show.Process{Proxies: o.Proxies(), MaxConn: o.MaxConn(), Info: o.fields, Errors: o.recentErrors, Tasks: o.tasks, Lua: o.lua}
}

func (o operated) fields() []show.Field {
	var out []show.Field
	for _, f := range o.Info() {
		out = append(out, show.Field{Name: f.Name, Text: f.Text, Int: f.Int, IsInt: f.IsInt})
	}
	return out
}

func (o operated) recentErrors() []show.Error {
	var out []show.Error
	for _, e := range o.RecentErrors() {
		out = append(out, show.Error{At: e.At, Kind: e.Kind, Text: e.Text})
	}
	return out
}

func (o operated) tasks() []show.Task {
	var out []show.Task
	for _, t := range o.Tasks() {
		out = append(out, show.Task{Where: t.Where, State: t.State, Restarts: t.Restarts, LastError: t.LastError})
	}
	return out
}

func (o operated) lua() []view.LuaState {
	var out []view.LuaState
	for _, s := range o.LuaStates() {
		out = append(out, view.LuaState{Name: s.Name, Memory: s.MemoryBytes, Runs: s.Runs, Computed: s.Computed.Seconds(),
			LockWaits: s.LockWaits, LockWait: s.LockWait.Seconds()})
	}
	return out
}

// showObserve writes a line for a lane that runs, and the summary of one that has ended.
func (o operated) showObserve(_ context.Context, args []string, c admin.Conn) error {
	if len(args) > 0 {
		_, err := fmt.Fprintf(c, "%q is not known here\nshow observe\n", visible.Text(args[0], 100))
		return err
	}
	lanes := o.Reports()
	if len(lanes) == 0 {
		_, err := fmt.Fprintln(c, "no lane observes: there is no observe section")
		return err
	}
	for _, lane := range lanes {
		if _, err := fmt.Fprintln(c, summary.Line(lane, time.Now())); err != nil {
			return err
		}
		if !lane.Over {
			continue
		}
		if err := summary.Of(lane, 0).Text(c); err != nil {
			return err
		}
	}
	return nil
}
