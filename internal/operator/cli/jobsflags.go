package cli

import (
	"fmt"
	"strings"

	"eddy/internal/config/diag"
)

// jobsFlags is what the command line of "eddy jobs" asks for.
type jobsFlags struct {
	socket  string   // -S
	files   []string // -f
	json    bool
	yes     bool // -y: no question before jobs go
	help    bool
	dead    string   // retry --dead QUEUE
	options []string // words for the socket: "state", "dead", "limit", "10"
	action  *jobsAction
	args    []string // behind the action
}

// jobsAction is one of "eddy jobs list" and its like.
type jobsAction struct {
	name    string
	args    string // as the help shows them
	help    string
	least   int      // arguments
	most    int      // -1: any number
	options []string // flags beyond those that all have
	run     func(*jobsRun) error
}

// jobsActions are in the order in which the help shows them.
func jobsActions() []jobsAction {
	return []jobsAction{
		{"queues", "[QUEUE]", "queues with their figures, or all about one", 0, 1, nil, (*jobsRun).queues},
		{"list", "[QUEUE]", "jobs: --state S,… --handler H --key K --limit N --after ID", 0, 1,
			[]string{"--state", "--handler", "--key", "--limit", "--after"}, (*jobsRun).list},
		{"show", "ID", "all about a job: payload, errors, what happened when", 1, 1, nil, (*jobsRun).show},
		{"retry", "ID… | --dead QUEUE", "give jobs their next attempt now; --limit N of the dead ones", 0, -1, []string{"--dead", "--limit"}, (*jobsRun).retry},
		{"pause", "QUEUE…", "begin no more jobs; pushes go on", 1, -1, nil, (*jobsRun).steer},
		{"resume", "QUEUE…", "end a pause or a drain", 1, -1, nil, (*jobsRun).steer},
		{"drain", "QUEUE…", "refuse pushes; jobs that are there run", 1, -1, nil, (*jobsRun).steer},
		{"edit", "ID JSON|-", "give a job another payload; - reads it from standard input", 2, 2, nil, (*jobsRun).edit},
		{"delete", "ID…", "take jobs away; one that runs is cancelled", 1, -1, nil, (*jobsRun).remove},
		{"purge", "QUEUE", "take all jobs away but running ones, or those of --state S,…", 1, 1, []string{"--state"}, (*jobsRun).purge},
	}
}

// jobsOption says whether a flag is one with an argument that some actions take.
func jobsOption(name string) bool {
	switch name {
	case "--state", "--handler", "--key", "--limit", "--after", "--dead":
		return true
	}
	return false
}

// parseJobs reads the arguments behind "eddy jobs". Flags may stand anywhere.
func parseJobs(args []string) (*jobsFlags, error) {
	f := &jobsFlags{}
	given := map[string]string{}
	var order []string
	only := false // "--": no flags behind it
	for i := 0; i < len(args); i++ {
		a := args[i]
		if only || a == "-" || !strings.HasPrefix(a, "-") {
			if err := f.word(a); err != nil {
				return nil, err
			}
			continue
		}
		name, value, inline := strings.Cut(a, "=")
		wants := name == "-S" || name == "-f" || jobsOption(name)
		switch {
		case wants && !inline:
			if i++; i == len(args) {
				return nil, &usageError{name + " wants an argument", jobsHint}
			}
			value = args[i]
		case !wants && inline:
			return nil, &usageError{name + " takes no argument", jobsHint}
		}
		switch {
		case a == "--":
			only = true
		case name == "-S":
			f.socket = value
		case name == "-f":
			f.files = append(f.files, value)
		case name == "--json":
			f.json = true
		case name == "-y" || name == "--yes":
			f.yes = true
		case name == "-h" || name == "--help":
			f.help = true
		case jobsOption(name):
			if value == "" {
				return nil, &usageError{name + " wants an argument that is not empty", ""}
			}
			if _, twice := given[name]; twice {
				return nil, &usageError{name + " is there twice", ""}
			}
			given[name] = value
			order = append(order, name)
		default:
			return nil, unknownJobsFlag(name)
		}
	}
	if f.help {
		return f, nil
	}
	return f, f.check(given, order)
}

const jobsHint = "eddy jobs --help explains it"

// word takes an argument that is no flag.
func (f *jobsFlags) word(a string) error {
	if f.action != nil {
		f.args = append(f.args, a)
		return nil
	}
	var names []string
	for _, action := range jobsActions() {
		if action.name == a {
			f.action = &action
			return nil
		}
		names = append(names, action.name)
	}
	hint := "it can " + strings.Join(names, ", ")
	if near := diag.Nearest(a, names); near != "" {
		hint = fmt.Sprintf("did you mean \"eddy jobs %s\"?", near)
	}
	return &usageError{fmt.Sprintf("eddy jobs cannot %q", a), hint}
}

// check looks whether action, arguments and flags go together.
func (f *jobsFlags) check(given map[string]string, order []string) error {
	if f.action == nil {
		return &usageError{"what about the jobs?", jobsHint}
	}
	a := f.action
	for _, name := range order {
		known := false
		for _, o := range a.options {
			known = known || o == name
		}
		if !known {
			return &usageError{fmt.Sprintf("eddy jobs %s does not know %s", a.name, name), jobsHint}
		}
		if name == "--dead" {
			f.dead = given[name]
			continue
		}
		f.options = append(f.options, strings.TrimPrefix(name, "--"), given[name])
	}
	usage := strings.TrimRight(fmt.Sprintf("eddy jobs %s %s", a.name, a.args), " ")
	switch n := len(f.args); {
	case n < a.least, a.name == "retry" && n == 0 && f.dead == "":
		return &usageError{fmt.Sprintf("eddy jobs %s wants more", a.name), usage}
	case a.most >= 0 && n > a.most:
		return &usageError{fmt.Sprintf("%q is too much", f.args[a.most]), usage}
	case a.name == "retry" && f.dead != "" && n > 0:
		return &usageError{"ids, or --dead with a queue: not both", usage}
	case a.name == "retry" && f.dead == "" && len(f.options) > 0:
		return &usageError{"--limit is for --dead", usage}
	}
	return nil
}

func unknownJobsFlag(name string) error {
	known := []string{"-S", "-f", "-y", "--json", "--yes", "--help", "--state", "--handler", "--key", "--limit", "--after", "--dead"}
	hint := jobsHint
	if near := diag.DidYouMean(name, known); near != "" {
		hint = near
	}
	return &usageError{"unknown flag " + name, hint}
}
