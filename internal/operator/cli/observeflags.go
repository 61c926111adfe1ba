package cli

import (
	"fmt"
	"io"
	"os"
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
	files    []string         // configurations with queue sections
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
		observeFlag{"-f", "--queues", "FILE", "Takes the queue sections of a configuration, and its state-dir; the rest of it is left alone.",
			func(f *observeFlags, a string) error { f.files = append(f.files, a); return nil }},
		observeFlag{"", "--json", "FILE", "Writes the summary as JSON too; - is standard output.", func(f *observeFlags, a string) error { f.json = a; return nil }},
		observeFlag{"", "--no-summary", "", "Prints no summary at the end.", turn(func(f *observeFlags) *bool { return &f.silent })},
		observeFlag{"", "--summary", "", "Prints the summary also with -q.", turn(func(f *observeFlags) *bool { return &f.summary })},
		observeFlag{"-c", "--check", "", "Loads the plugins, says what is wrong, and leaves.", turn(func(f *observeFlags) *bool { return &f.check })},
		observeFlag{"-q", "--quiet", "", "Says nothing but errors.", turn(func(f *observeFlags) *bool { return &f.quiet })},
		observeFlag{"-h", "--help", "", "Prints this help.", turn(func(f *observeFlags) *bool { return &f.help })},
	)
}

// maxChoices is how many words the help lists as a flag's argument; of more, the flag's text speaks.
const maxChoices = 4

// argName is what the help calls a keyword's arguments: "PATH=VALUE".
func argName(d keyword.Decl) string {
	var names []string
	for _, p := range d.Params {
		name := strings.ToUpper(p.Name)
		if p.Kind == keyword.Choice && len(p.Choices) <= maxChoices {
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
		at := named(known, name)
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
			if value = args[i]; named(known, value) >= 0 {
				return nil, &usageError{fmt.Sprintf("%s wants an argument, and %s is a flag", name, value), fmt.Sprintf("%s %s: %s", name, spec.arg, spec.help)}
			}
		}
		if filepath.Ext(value) == ".lua" {
			switch {
			case written(spec.long):
				return nil, &usageError{fmt.Sprintf("%s would write to the plugin %q", name, value), fmt.Sprintf("%s %s: %s", name, spec.arg, spec.help)}
			case spec.long == "--queues":
				return nil, &usageError{fmt.Sprintf("%s would read queues from the plugin %q", name, value), fmt.Sprintf("%s %s: %s", name, spec.arg, spec.help)}
			}
		}
		if err := spec.set(f, value); err != nil {
			return nil, &usageError{fmt.Sprintf("%s: %v", name, err), ""}
		}
	}
	return f, nil
}

// named gives the place of the flag of that name among known; -1 when there is none.
func named(known []observeFlag, name string) int {
	return slices.IndexFunc(known, func(s observeFlag) bool { return name != "" && (name == s.short || name == s.long) })
}

func (f *observeFlags) plugin(path string) {
	f.settings = append(f.settings, config.Setting{Keyword: "lua-load", Args: []string{path}})
}

// written says whether a flag names a file that eddy writes: a plugin in its place is one in front of which the file's name
// was forgotten.
func written(flag string) bool { return flag == "--eve" || flag == "--store" || flag == "--json" }

// mistaken says what to write instead of a path that is not one of a plugin; "" when it may be one.
func mistaken(path string) string {
	switch {
	case path == "-":
		return "did you mean -r - (a capture from standard input)?"
	case path == "help" && !exists(path):
		return "eddy observe --help explains the flags"
	case captured(path):
		return "did you mean -r " + path + "?"
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

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// captured says whether a file begins as captures do: pcap of either byte order and resolution, pcapng, or something
// compressed with gzip.
func captured(path string) bool {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return false // looking would take from a pipe what it holds
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	var head [4]byte
	n, _ := io.ReadFull(f, head[:])
	switch string(head[:n]) {
	case "\xa1\xb2\xc3\xd4", "\xd4\xc3\xb2\xa1", "\xa1\xb2\x3c\x4d", "\x4d\x3c\xb2\xa1", "\n\r\r\n":
		return true
	}
	return string(head[:min(n, 2)]) == "\x1f\x8b"
}

func unknownObserveFlag(name string, known []observeFlag) error {
	bare := make([]string, len(known))
	for i, s := range known {
		bare[i] = strings.TrimLeft(s.long, "-")
	}
	hint := "eddy observe --help lists the flags"
	if near := diag.Nearest(strings.TrimLeft(name, "-"), bare); near != "" && len(name) > 2 {
		hint = fmt.Sprintf("did you mean %q?", "--"+near)
	} else if name == "-v" || name == "-vv" {
		hint = "eddy " + name + " prints the version"
	} else if len(name) > 2 && slices.ContainsFunc(known, func(s observeFlag) bool { return s.arg != "" && s.short == name[:2] }) {
		hint = fmt.Sprintf("put a space between: %s %s", name[:2], name[2:])
	}
	return &usageError{fmt.Sprintf("unknown flag %s", name), hint}
}
