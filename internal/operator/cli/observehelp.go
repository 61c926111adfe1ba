package cli

import (
	"fmt"
	"io"
	"strings"
)

// helpWidth is how wide the text of the help is.
const helpWidth = 100

// printObserveHelp explains "eddy observe".
func printObserveHelp(w io.Writer) {
	fmt.Fprint(w, `eddy observe turns packets into flows, files and counters, and runs Trisul plugins on them.

Usage:
  eddy observe -r capture.pcap plugin.lua folder/     replay a file, as fast as it goes
  eddy observe -i eth0 --eve events.jsonl plugin.lua  watch an interface
  zcat huge.pcap.gz | eddy observe -r - plugin.lua    replay what another program writes
  eddy observe -c plugin.lua                          check plugins

A plugin is a Lua file with a table TrisulPlugin. What it prints goes to standard output; everything else that
eddy says goes to standard error.

Flags:
`)
	specs := observeSpecs()
	column := 0
	for _, s := range specs {
		column = max(column, len(flagText(s)))
	}
	for _, s := range specs {
		lines := wrap(s.help, helpWidth-column-4)
		fmt.Fprintf(w, "  %-*s  %s\n", column, flagText(s), lines[0])
		for _, line := range lines[1:] {
			fmt.Fprintf(w, "  %-*s  %s\n", column, "", line)
		}
	}
	fmt.Fprint(w, `
Sizes are bytes, or have k, m or g behind them; times have a unit: 5s, 1m, 1h, 1d. -r, --hash, --home-net
and --env may be repeated. The same settings can stand in an observe section of a configuration.

Signals:
  SIGTERM, ^C   stop (SIGUSR1 too), give asynchronous work --stop-timeout, print the summary; a second cuts
  SIGHUP        print where it stands

Exit codes: 0 all was read, or a signal ended it; 1 it could not start, or an input was damaged; 2 the command
line makes no sense.
`)
}

// flagText is how the help shows a flag: "-r, --read FILE".
func flagText(s observeFlag) string {
	text := "    " + s.long
	if s.short != "" {
		text = s.short + ", " + s.long
	}
	return strings.TrimRight(text+" "+s.arg, " ")
}

// wrap cuts a text into lines of at most width bytes where words allow it.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
