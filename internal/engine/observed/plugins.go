package observed

import (
	"context"
	"os"

	"eddy/internal/config/diag"
	"eddy/internal/handoff"
	"eddy/internal/script/trisul"
)

// loadPlugins loads the lane's scripts; nil when there are none, or they can't be read at all.
func (l *Lane) loadPlugins(problems *diag.List) *trisul.Plugins {
	cfg := l.cfg
	if len(cfg.Scripts) == 0 {
		return nil
	}
	stdout, _ := l.opts.Stdout.(*os.File)
	p, err := trisul.Load(context.Background(), cfg.Scripts, trisul.Options{
		Registry: l.registry, Log: l.log.log, Stdout: stdout, Args: cfg.Args, Env: cfg.Env, HomeNets: cfg.HomeNets,
		Version: l.opts.Version, Config: cfg.Pos.File, Burst: cfg.HookTimeout,
		AsyncBounds: handoff.Bounds{Entries: cfg.AsyncMaxEntries, Bytes: cfg.AsyncMaxBytes},
		Jobs:        l.offPath.shared,
	}, problems)
	if err != nil {
		problems.Errorf(cfg.Pos, "", "%v", err)
	}
	return p
}
