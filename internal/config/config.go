// Package config reads HAProxy configuration files into a model.Config.
//
// The way of a configuration: files are found (files.go), syntax cuts their lines into words, keyword gives every
// line its meaning and fills the model, and check.go looks at the whole: names that point nowhere, settings that
// are missing. All problems are collected; one bad line never hides the next.
//
// Loading touches nothing that runs. It reads the files that the configuration names and looks up users and groups;
// Options.ReadFile and Options.Env put a test's world in the place of the real one. Load may be called from any
// goroutine, also several at a time.
package config

import (
	"eddy/internal/config/diag"
	"eddy/internal/config/model"
)

// Options say what to read and in which surroundings.
type Options struct {
	Files []string // -f: files and folders, in order; of a folder, *.cfg by name
	Dir   string   // -C: where relative paths start; "": the working folder

	// Env looks up a variable of the process's environment; nil: there is none.
	Env func(name string) (string, bool)

	Version   string   // of eddy, "0.1.0": what ${HAPROXY_STARTUP_VERSION} gives
	LocalPeer string   // -L: ${HAPROXY_LOCALPEER}
	Features  []string // names that feature(NAME) finds beside eddy's own; usually nil
	Diag      bool     // -dD: show .diag messages too

	// Notice is given the messages of .notice lines; nil: they are dropped.
	Notice func(pos diag.Pos, text string)

	// ReadFile reads a file that the configuration names, giving an error above max bytes; nil: from disk.
	ReadFile func(path string, max int64) ([]byte, error)
}

// Load reads and checks the files of opts. The config is nil when the list Failed(); every problem found is in the
// list, at most MaxProblems of them.
func Load(opts Options) (*model.Config, *diag.List) { return readAll(opts).finish() }

// StatsSockets reads the files of opts as Load does, and gives the stats sockets that were found even when the list Failed():
// one who asks a running process has to find it, whatever is wrong with its file here and now.
func StatsSockets(opts Options) ([]model.Bind, *diag.List) {
	l := readAll(opts)
	_, problems := l.finish()
	return l.parser.Config.Global.StatsSocks, problems
}

func readAll(opts Options) *loader {
	l := newLoader(opts)
	for _, path := range l.expand(opts.Files) {
		text, err := l.readConfig(path)
		if err != nil {
			l.diags.Errorf(diag.Pos{File: path}, "", "cannot read the configuration: %v", err)
			continue
		}
		l.read(path, text)
	}
	return l
}

// LoadBytes is Load for one text that is called name in messages; opts.Files is not used.
func LoadBytes(name string, text []byte, opts Options) (*model.Config, *diag.List) {
	l := newLoader(opts)
	if len(text) > maxFileSize {
		l.diags.Errorf(diag.Pos{File: name}, "", "the configuration is larger than %d MiB", maxFileSize>>20)
	} else {
		l.read(name, text)
	}
	return l.finish()
}

// MaxProblems is how many problems are collected before reading stops.
const MaxProblems = 500
