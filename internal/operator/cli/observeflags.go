package cli

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"eddy/internal/config"
	"eddy/internal/config/diag"
	"eddy/internal/config/keyword"
)

// observeFlags is what the command line of "eddy observe" asks for.
type observeFlags struct {
	settings []config.Setting // as in an observe section of a configuration
	help     bool
	check    bool
	quiet    bool
	silent   bool   // --no-summary
	summary  bool   // --summary: also with -q
	json     string // file for the summary as JSON; "-": standard output; "": none
}

// observeFlag declares one flag of "eddy observe".
type observeFlag struct {
	short, long string // with their dashes; "" when there is none
	arg         string // "" when it takes none
	help        string
	set         func(f *observeFlags, arg string) error
}

// observeSpecs lists the flags in the order in which --help shows them: one for each keyword of an observe section, then
// those that are about the command.
func observeSpecs() []observeFlag {
	short := map[string]string{"read": "-r", "interface": "-i"}
	var specs []observeFlag
	for _, d := range keyword.ObserveDecls() {
		specs = append(specs, observeFlag{short: short[d.Name], long: "--" + strings.ReplaceAll(d.Name, " ", "-"),
			arg: argName(d), help: d.Doc, set: settingOf(d)})
	}
	turn := func(at func(f *observeFlags) *bool) func(*observeFlags, string) error {
		return func(f *observeFlags, _ string) error { *at(f) = true; return nil }
	}
	return append(specs,
		observeFlag{"", "--json", "FILE", "Writes the summary as JSON too; - is standard output.", func(f *observeFlags, a string) error { f.json = a; return nil }},
		observeFlag{"", "--no-summary", "", "Prints no summary at the end.", turn(func(f *observeFlags) *bool { return &f.silent })},
		observeFlag{"", "--summary", "", "Prints the summary also with -q.", turn(func(f *observeFlags) *bool { return &f.summary })},
		observeFlag{"-c", "--check", "", "Loads the plugins, says what is wrong, and leaves.", turn(func(f *observeFlags) *bool { return &f.check })},
		observeFlag{"-q", "--quiet", "", "Says nothing but errors.", turn(func(f *observeFlags) *bool { return &f.quiet })},
		observeFlag{"-h", "--help", "", "Prints this help.", turn(func(f *observeFlags) *bool { return &f.help })},
	)
}

// argName is what the help calls a keyword's arguments: "PATH=VALUE".
func argName(d keyword.Decl) string {
	var names []string
	for _, p := range d.Params {
		name := strings.ToUpper(p.Name)
		if p.Kind == keyword.Choice {
			name = strings.Join(p.Choices, "|")
		}
		names = append(names, name)
	}
	return strings.Join(names, "=")
}

// settingOf turns a flag's argument into a line of an observe section. A keyword of two arguments takes PATH=VALUE, one
// that chooses several takes them with commas.
func settingOf(d keyword.Decl) func(*observeFlags, string) error {
	return func(f *observeFlags, arg string) error {
		args := []string{arg}
		switch {
		case len(d.Params) == 2:
			name, value, found := strings.Cut(arg, "=")
			if !found {
				return fmt.Errorf("it wants %s, not %q", argName(d), arg)
			}
			args = []string{name, value}
		case d.Params[0].Many && d.Params[0].Kind == keyword.Choice:
			args = strings.Split(arg, ",")
		}
		f.settings = append(f.settings, config.Setting{Keyword: d.Name, Args: args})
		return nil
	}
}

// parseObserve reads the arguments behind "eddy observe". Flags and plugins may come in any order.
func parseObserve(args []string) (*observeFlags, error) {
	f := &observeFlags{}
	known := observeSpecs()
	for i := 0; i < len(args); i++ {
		a := args[i]
		if a == "--" {
			for _, path := range args[i+1:] {
				f.plugin(path)
			}
			return f, nil
		}
		if !strings.HasPrefix(a, "-") || a == "-" {
			if hint := mistaken(a); hint != "" {
				return nil, &usageError{fmt.Sprintf("%q is not a plugin", a), hint}
			}
			f.plugin(a)
			continue
		}
		name, value, inline := strings.Cut(a, "=")
		at := slices.IndexFunc(known, func(s observeFlag) bool { return name == s.short || name == s.long })
		if at < 0 {
			return nil, unknownObserveFlag(name, known)
		}
		spec := known[at]
		switch {
		case spec.arg == "" && inline:
			return nil, &usageError{fmt.Sprintf("%s takes no argument", name), ""}
		case spec.arg != "" && !inline:
			if i++; i == len(args) {
				return nil, &usageError{fmt.Sprintf("%s wants an argument", name), fmt.Sprintf("%s %s: %s", name, spec.arg, spec.help)}
			}
			value = args[i]
		}
		if err := spec.set(f, value); err != nil {
			return nil, &usageError{fmt.Sprintf("%s: %v", name, err), ""}
		}
	}
	return f, nil
}

func (f *observeFlags) plugin(path string) {
	f.settings = append(f.settings, config.Setting{Keyword: "lua-load", Args: []string{path}})
}

// mistaken says what to write instead of a path that is not one of a plugin; "" when it may be one.
func mistaken(path string) string {
	if path == "-" {
		return "did you mean -r - (a capture from standard input)?"
	}
	plain := strings.TrimSuffix(strings.ToLower(path), ".gz")
	switch filepath.Ext(plain) {
	case ".pcap", ".pcapng", ".cap", ".ntar":
		return "did you mean -r " + path + "?"
	case ".cfg":
		return "a configuration with observe sections runs with: eddy -f " + path
	}
	return ""
}

func unknownObserveFlag(name string, known []observeFlag) error {
	bare := make([]string, len(known))
	for i, s := range known {
		bare[i] = strings.TrimLeft(s.long, "-")
	}
	hint := "eddy observe --help lists the flags"
	if near := diag.Nearest(strings.TrimLeft(name, "-"), bare); near != "" && len(name) > 2 {
		hint = fmt.Sprintf("did you mean %q?", "--"+near)
	} else if name == "-f" {
		hint = "a configuration with observe sections runs with: eddy -f FILE"
	} else if len(name) > 2 && slices.ContainsFunc(known, func(s observeFlag) bool { return s.arg != "" && s.short == name[:2] }) {
		hint = fmt.Sprintf("put a space between: %s %s", name[:2], name[2:])
	}
	return &usageError{fmt.Sprintf("unknown flag %s", name), hint}
}
