package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"eddy/internal/config/diag"
)

// flags is what the command line asks for (management.txt §3).
type flags struct {
	files []string // -f and everything after --
	check bool     // -c
	help  bool
	// version is 1 for -v, 2 for -vv.
	version int

	foreground bool // -db and -d
	debug      bool // -d
	daemon     bool // -D
	master     bool // -W and -Ws
	systemd    bool // -Ws
	verbose    bool // -V
	quiet      bool // -q
	zeroWarn   bool // -dW
	diag       bool // -dD

	pidFile   string // -p
	dir       string // -C
	localPeer string // -L
	maxConn   int    // -n; 0: not given
	perProxy  int    // -N; 0: not given
	memory    int    // -m, MB; 0: not given

	finish    []int // -sf
	terminate []int // -st

	// notes are things to say about flags that are taken for HAProxy's sake but do nothing here.
	notes []string
}

// usageError is a command line that makes no sense.
type usageError struct{ text, hint string }

func (e *usageError) Error() string { return e.text }

// flagSpec declares one flag: everything that parsing, help and "did you mean" need.
type flagSpec struct {
	name string // with its dash
	arg  string // what its argument is called; "" when it takes none
	help string // "": not shown by --help
	set  func(f *flags, arg string) error
}

// specs lists the flags in the order in which --help shows them.
func specs() []flagSpec {
	return []flagSpec{
		{"-f", "FILE", "read this configuration file, or all *.cfg files of this folder; may be repeated", func(f *flags, a string) error {
			f.files = append(f.files, a)
			return nil
		}},
		{"-c", "", "check the configuration and its scripts, then exit: 0 when all is well", func(f *flags, _ string) error { f.check = true; return nil }},
		{"-C", "DIR", "change to this folder first", func(f *flags, a string) error { f.dir = a; return nil }},
		{"-D", "", "start in the background (daemon)", func(f *flags, _ string) error { f.daemon = true; return nil }},
		{"-W", "", "master and worker: SIGUSR2 reloads, a dead worker is started again", func(f *flags, _ string) error { f.master = true; return nil }},
		{"-Ws", "", "as -W, and tells systemd when it is ready (Type=notify)", func(f *flags, _ string) error {
			f.master, f.systemd = true, true
			return nil
		}},
		{"-db", "", "stay in the foreground, whatever the configuration says", func(f *flags, _ string) error { f.foreground = true; return nil }},
		{"-d", "", "as -db, and say more about what happens", func(f *flags, _ string) error {
			f.foreground, f.debug, f.verbose, f.quiet = true, true, true, false
			return nil
		}},
		{"-dW", "", "refuse to start when there are warnings", func(f *flags, _ string) error { f.zeroWarn = true; return nil }},
		{"-dD", "", "show .diag messages of the configuration too", func(f *flags, _ string) error { f.diag = true; return nil }},
		{"-q", "", "say nothing but errors", func(f *flags, _ string) error { f.quiet, f.verbose = true, false; return nil }},
		{"-V", "", "say more (undoes -q)", func(f *flags, _ string) error { f.verbose, f.quiet = true, false; return nil }},
		{"-p", "FILE", "write the process id to this file", func(f *flags, a string) error { f.pidFile = a; return nil }},
		{"-sf", "PID...", "once ready, ask these processes to finish what they do and leave", nil},
		{"-st", "PID...", "once ready, ask these processes to leave now", nil},
		{"-n", "MAXCONN", "most connections at once, over the configuration's maxconn", number(func(f *flags) *int { return &f.maxConn })},
		{"-N", "MAXCONN", "most connections of a proxy that says nothing itself", number(func(f *flags) *int { return &f.perProxy })},
		{"-m", "MB", "memory to stay within", number(func(f *flags) *int { return &f.memory })},
		{"-L", "NAME", "this machine's name: $HAPROXY_LOCALPEER in the configuration", func(f *flags, a string) error { f.localPeer = a; return nil }},
		{"-x", "SOCKET", "taken and ignored: with -sf and -st the old process passes its listening sockets anyway", noteArg("-x is not needed: -sf and -st take the listening sockets of the processes that they name")},
		{"-S", "BIND", "taken and ignored: reload the master with SIGUSR2", noteArg("-S: eddy has no master socket; use SIGUSR2 to reload, SIGUSR1 or SIGTERM to stop")},
		{"-v", "", "print the version", func(f *flags, _ string) error { f.version = max(f.version, 1); return nil }},
		{"-vv", "", "print the version and what it was built with", func(f *flags, _ string) error { f.version = 2; return nil }},
		{"-h", "", "print this help", func(f *flags, _ string) error { f.help = true; return nil }},
		{"--help", "", "", func(f *flags, _ string) error { f.help = true; return nil }},
		{"-help", "", "", func(f *flags, _ string) error { f.help = true; return nil }},
		{"--version", "", "", func(f *flags, _ string) error { f.version = max(f.version, 1); return nil }},
		{"-4", "", "", func(*flags, string) error { return nil }},
	}
}

// tuningFlags are HAProxy's -dX flags that choose between mechanisms eddy does not have. They are taken so that a
// command line can stay as it is.
func tuningFlags() map[string]string {
	return map[string]string{
		"-dC": "dump of the configuration", "-dF": "fast forwarding", "-dG": "getaddrinfo", "-dI": "insecure fork",
		"-dK": "dump of the keywords", "-dL": "dump of the libraries", "-dM": "memory poisoning", "-dR": "SO_REUSEPORT",
		"-dS": "splice", "-dT": "ktls", "-dV": "certificate checks", "-dZ": "zero copy", "-dc": "CPU affinity",
		"-de": "epoll", "-dk": "kqueue", "-dp": "poll", "-dr": "address resolution", "-dt": "traces", "-dv": "event ports", "-dA": "core dumps",
	}
}

func number(field func(*flags) *int) func(*flags, string) error {
	return func(f *flags, a string) error {
		n, err := strconv.Atoi(a)
		if err != nil || n < 1 {
			return fmt.Errorf("it wants a number from 1 up, not %q", a)
		}
		*field(f) = n
		return nil
	}
}

func noteArg(text string) func(*flags, string) error {
	return func(f *flags, _ string) error { f.notes = append(f.notes, text); return nil }
}

// parseFlags reads the arguments after the program's name.
func parseFlags(args []string) (*flags, error) {
	f := &flags{}
	known := specs()
	for i := 0; i < len(args); i++ {
		a := args[i]
		if a == "--" {
			f.files = append(f.files, args[i+1:]...)
			return f, nil
		}
		if !strings.HasPrefix(a, "-") || a == "-" {
			hint := fmt.Sprintf("to read it as a configuration: -f %s", a)
			if near := diag.Nearest(a, []string{observeCommand, jobsCommand, topCommand}); i == 0 && near != "" {
				hint = fmt.Sprintf("did you mean \"eddy %s\"?", near)
			}
			return nil, &usageError{fmt.Sprintf("%q is not a flag", a), hint}
		}
		if a == "-sf" || a == "-st" {
			pids, err := pidList(a, args[i+1:])
			if err != nil {
				return nil, err
			}
			i += len(pids)
			if a == "-sf" {
				f.finish = append(f.finish, pids...)
			} else {
				f.terminate = append(f.terminate, pids...)
			}
			continue
		}
		at := slices.IndexFunc(known, func(s flagSpec) bool { return s.name == a })
		if at < 0 {
			if len(a) >= 3 {
				if what, ok := tuningFlags()[a[:3]]; ok {
					f.notes = append(f.notes, fmt.Sprintf("%s (%s) has no effect in eddy", a, what))
					continue
				}
			}
			return nil, unknownFlag(a, known)
		}
		spec, arg := known[at], ""
		if spec.arg != "" {
			if i++; i == len(args) {
				return nil, &usageError{fmt.Sprintf("%s wants an argument", a), fmt.Sprintf("%s %s: %s", a, spec.arg, spec.help)}
			}
			arg = args[i]
		}
		if err := spec.set(f, arg); err != nil {
			return nil, &usageError{fmt.Sprintf("%s: %v", a, err), ""}
		}
	}
	return f, nil
}

// pidList reads process ids up to the next flag; none at all is fine, so that $(cat pidfile) may be empty.
func pidList(flag string, args []string) ([]int, error) {
	var pids []int
	for _, a := range args {
		if strings.HasPrefix(a, "-") {
			break
		}
		pid, err := strconv.Atoi(a)
		if err != nil || pid < 1 {
			return nil, &usageError{fmt.Sprintf("%s: %q is not a process id", flag, a), "give the numbers from the pid file: " + flag + " $(cat /run/eddy.pid)"}
		}
		pids = append(pids, pid)
	}
	return pids, nil
}

func unknownFlag(a string, known []flagSpec) error {
	for i := 2; i < len(a); i++ { // "-fFILE", "-cf", "-qc"
		head, rest := a[:i], "-"+a[i:]
		at := slices.IndexFunc(known, func(s flagSpec) bool { return s.name == head })
		if at < 0 {
			continue
		}
		if known[at].arg != "" {
			return &usageError{fmt.Sprintf("unknown flag %s", a), fmt.Sprintf("put a space between: %s %s", head, a[i:])}
		}
		if slices.ContainsFunc(known, func(s flagSpec) bool { return s.name == rest }) {
			return &usageError{fmt.Sprintf("unknown flag %s", a), fmt.Sprintf("flags stand alone: %s %s", head, rest)}
		}
	}
	bare := make([]string, len(known)) // the dashes are alike everywhere
	for i, s := range known {
		bare[i] = strings.TrimLeft(s.name, "-")
	}
	hint := "eddy --help lists the flags"
	if near := diag.Nearest(strings.TrimLeft(a, "-"), bare); near != "" {
		hint = fmt.Sprintf("did you mean %q?", known[slices.Index(bare, near)].name)
	}
	return &usageError{fmt.Sprintf("unknown flag %s", a), hint}
}
