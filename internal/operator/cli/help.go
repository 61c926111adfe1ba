package cli

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
)

// printHelp explains the flags, and what to try first.
func printHelp(w io.Writer) {
	fmt.Fprint(w, `eddy runs HAProxy configurations and HAProxy Lua scripts, and Trisul plugins on observed packets; slow work
leaves the fast path.

Usage:
  eddy -f FILE          run
  eddy -c -f FILE       check the configuration and its scripts
  eddy [flags] -- FILE...
  eddy observe …        run plugins on packets, from files or live: eddy observe --help
  eddy jobs …           show and steer the queues of a running eddy: eddy jobs --help
  eddy top              watch it live: eddy top --help

Flags:
`)
	for _, s := range specs() {
		if s.help == "" {
			continue
		}
		fmt.Fprintf(w, "  %-13s %s\n", strings.TrimSpace(s.name+" "+s.arg), s.help)
	}
	fmt.Fprint(w, `
Signals:
  SIGUSR1       finish what runs (for hard-stop-after at most), then leave
  SIGTERM, ^C   the same, for hard-stop-after or 5 seconds; a second one leaves at once
  SIGHUP        print what is going on; with -W: reload, as SIGUSR2

Exit codes: 0 all is well, 1 the configuration or the start failed, 2 the command line makes no sense.
`)
}

// printVersion is -v, and with detail -vv.
func printVersion(w io.Writer, version string, detail bool, extra []string) {
	fmt.Fprintf(w, "eddy version %s\n", version)
	if !detail {
		return
	}
	fmt.Fprintf(w, "Built with %s for %s/%s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH)
	for _, line := range extra {
		fmt.Fprintln(w, line)
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision", "vcs.time", "-tags", "CGO_ENABLED", "GOAMD64":
			fmt.Fprintf(w, "%s = %s\n", s.Key, s.Value)
		}
	}
	if len(info.Deps) > 0 {
		fmt.Fprintln(w, "Libraries:")
	}
	for _, d := range info.Deps {
		fmt.Fprintf(w, "  %s %s\n", d.Path, d.Version)
	}
}
