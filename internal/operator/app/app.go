// Package app puts eddy's rooms into the command: it is where operator/cli and the engine meet.
package app

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"

	"eddy/internal/config"
	"eddy/internal/config/diag"
	"eddy/internal/config/model"
	"eddy/internal/engine"
	"eddy/internal/operator/admin"
	"eddy/internal/operator/cli"
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
	}
}

// operated is an engine with what the command and the stats socket ask of it.
type operated struct{ *engine.Engine }

// Status is a line of the most telling fields of "show info".
func (o operated) Status() []string {
	fields := map[string]string{}
	for _, f := range o.Info() {
		fields[f.Name] = infoText(f.Text, f.Int, f.IsInt)
	}
	return []string{fmt.Sprintf("up %s, %s connections now, %s in all, %s requests, %s log lines dropped",
		fields["Uptime"], fields["CurrConns"], fields["CumConns"], fields["CumReq"], fields["DroppedLogs"])}
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
