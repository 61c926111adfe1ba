// Package app puts eddy's rooms into the command: it is where operator/cli and the engine meet.
package app

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"time"

	"eddy/internal/config"
	"eddy/internal/config/diag"
	"eddy/internal/config/model"
	"eddy/internal/engine"
	"eddy/internal/engine/observed"
	"eddy/internal/operator/admin"
	"eddy/internal/operator/cli"
	"eddy/internal/operator/summary"
)

// Version is eddy's.
const Version = "0.1.0"

// Main is the eddy command.
func Main() int {
	return Eddy().Run(os.Args[1:], os.Stdout, os.Stderr)
}

// Eddy is the program made of eddy's own rooms.
func Eddy() cli.Program {
	return cli.Program{
		Version: Version,
		About:   []string{"Scripts run on PUC Lua 5.4"},
		Load:    config.Load,
		Build: func(cfg *model.Config, out, errOut io.Writer) (cli.Engine, *diag.List) {
			e, problems := engine.Build(cfg, engine.Options{Version: Version, Stdout: out, Stderr: errOut})
			if e == nil {
				return nil, problems
			}
			return operated{e}, problems
		},
		Observe: func(o *model.Observe, out, errOut io.Writer) (cli.Lane, *diag.List) {
			l, problems := observed.Build(o, observed.Options{Version: Version, Stdout: out, Stderr: errOut})
			if l == nil {
				return nil, problems
			}
			return l, problems
		},
	}
}

// operated is an engine with what the command and the stats socket ask of it.
type operated struct{ *engine.Engine }

// Status is a line of the most telling fields of "show info", and one for each observed lane.
func (o operated) Status() []string {
	fields := map[string]string{}
	for _, f := range o.Info() {
		fields[f.Name] = infoText(f.Text, f.Int, f.IsInt)
	}
	lines := []string{fmt.Sprintf("up %s, %s connections now, %s in all, %s requests, %s log lines dropped",
		fields["Uptime"], fields["CurrConns"], fields["CumConns"], fields["CumReq"], fields["DroppedLogs"])}
	for _, lane := range o.Reports() {
		lines = append(lines, summary.Line(lane, time.Now()))
	}
	return lines
}

func infoText(text string, n int64, isInt bool) string {
	if isInt {
		return strconv.FormatInt(n, 10)
	}
	return text
}

// Commands are eddy's own and those that scripts have registered.
func (o operated) Commands() []admin.Command {
	out := []admin.Command{
		{Words: []string{"show", "info"}, Usage: "show info    : what the process is and does", Run: o.showInfo},
		{Words: []string{"show", "observe"}, Usage: "show observe : the observed lanes, and what they have found", Run: o.showObserve},
		{Words: []string{"show", "version"}, Usage: "show version : eddy's version", Run: func(_ context.Context, _ []string, c admin.Conn) error {
			_, err := fmt.Fprintln(c, Version)
			return err
		}},
	}
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

func (o operated) showInfo(_ context.Context, _ []string, c admin.Conn) error {
	for _, f := range o.Info() {
		if _, err := fmt.Fprintf(c, "%s: %s\n", f.Name, infoText(f.Text, f.Int, f.IsInt)); err != nil {
			return err
		}
	}
	return nil
}

// showObserve writes a line for a lane that runs, and the summary of one that has ended.
func (o operated) showObserve(_ context.Context, _ []string, c admin.Conn) error {
	for _, lane := range o.Reports() {
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
