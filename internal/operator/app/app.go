// Package app puts eddy's rooms into the command: it is where operator/cli and the engine meet.
package app

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"eddy/internal/config"
	"eddy/internal/config/diag"
	"eddy/internal/config/model"
	"eddy/internal/engine"
	"eddy/internal/engine/observed"
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
		Observe: func(o *model.Observe, cfg *model.Config, out, errOut io.Writer) (cli.Lane, *diag.List) {
			l, problems := observed.Build(o, observed.Options{
				Version: Version, Stdout: out, Stderr: errOut, Queues: cfg.Queues, StateDir: cfg.Global.StateDir,
			})
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
