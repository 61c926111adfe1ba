package cli

import (
	"fmt"
	"io"
	"unicode/utf8"
)

// printJobsHelp explains "eddy jobs".
func printJobsHelp(w io.Writer) {
	fmt.Fprint(w, `eddy jobs shows and steers the queues of a running eddy, over its stats socket.

Usage:
  eddy jobs [flags] ACTION …

Actions:
`)
	for _, a := range jobsActions() {
		text := a.name + " " + a.args
		fmt.Fprintf(w, "  %s%*s  %s\n", text, max(26-utf8.RuneCountInString(text), 0), "", a.help)
	}
	fmt.Fprint(w, `
Flags:
  -S SOCKET    the stats socket: a path, or host:port
  -f FILE      take the stats socket from this configuration; without -S and -f it is $EDDY_SOCKET
  --json       print JSON, for programs
  -y, --yes    do not ask before jobs go (delete, purge); only asked on a terminal
  -h, --help   print this help

States are running, ready, retrying, scheduled, dead and all. An id is 13 characters; small letters are as good.

Examples:
  eddy jobs -S /run/eddy.sock queues               how deep is each queue, how old its oldest job
  eddy jobs list email --state dead                which jobs failed, and why
  eddy jobs show 01KQ2N8S4G0D7                     all about one: payload, errors, traceback
  eddy jobs retry 01KQ2N8S4G0D7                    another attempt now
  eddy jobs retry --dead email --limit 10          ten of the dead, to see whether it works again
  eddy jobs edit 01KQ2N8S4G0D7 '{"to":"a@b.c"}'    mend the payload, then retry
  eddy jobs pause email; eddy jobs resume email    while the mail server is down
  eddy jobs list --json | jq -r '.jobs[].id'

Looking at jobs and steering queues takes a socket of level operator, which is usual; edit, delete and purge take
level admin. "eddy top" shows it all live.

Exit codes: 0 done, 1 not found or refused, 2 the command line makes no sense, 3 no connection.
`)
}
