package config

import (
	"slices"
	"strings"

	"eddy/internal/config/diag"
	"eddy/internal/config/expr"
	"eddy/internal/config/keyword"
	"eddy/internal/config/model"
	"eddy/internal/config/syntax"
)

// Language is the version of HAProxy's language that eddy follows: what version_atleast and ${HAPROXY_BRANCH} tell.
const (
	Language = "3.2"
	features = "LUA PCRE THREAD"
	enabled  = "EPOLL SPLICE GETADDRINFO"
)

// loader is one Load in progress.
type loader struct {
	opts   Options
	diags  *diag.List
	env    *syntax.Env
	preds  *syntax.Predicates
	parser *keyword.Parser
	total  int64 // bytes read so far
	full   bool  // MaxProblems was reached
}

func newLoader(opts Options) *loader {
	l := &loader{opts: opts, diags: &diag.List{}}
	l.env = syntax.NewEnv(opts.Env, map[string]string{
		"HAPROXY_STARTUP_VERSION":  opts.Version,
		"HAPROXY_BRANCH":           Language,
		"HAPROXY_LOCALPEER":        opts.LocalPeer,
		"HAPROXY_HTTP_LOG_FMT":     expr.HTTPLog,
		"HAPROXY_HTTP_CLF_LOG_FMT": expr.HTTPLogCLF,
		"HAPROXY_HTTPS_LOG_FMT":    expr.HTTPLog,
		"HAPROXY_TCP_LOG_FMT":      expr.TCPLog,
		"HAPROXY_TCP_CLF_LOG_FMT":  expr.TCPLogCLF,
	})
	l.preds = &syntax.Predicates{Version: Language, Diag: opts.Diag, Notice: opts.Notice,
		Features: append(strings.Fields(features), opts.Features...), Enabled: strings.Fields(enabled)}
	l.parser = keyword.NewParser(l.diags, l.env, l, opts.Dir)
	return l
}

// read reads the statements of one file.
func (l *loader) read(name string, text []byte) {
	if l.full {
		return
	}
	l.parser.StartFile(name)
	r := syntax.NewReader(name, text, l.env, l.preds, l.diags)
	for {
		r.Section = l.parser.SectionName()
		line, ok := r.Next()
		if !ok {
			return
		}
		l.parser.Line(line)
		if l.diags.Len() >= MaxProblems {
			l.diags.Errorf(line.Pos, "", "more than %d problems; the rest was not read", MaxProblems)
			l.full = true
			return
		}
	}
}

// finish checks the whole and hands it over.
func (l *loader) finish() (*model.Config, *diag.List) {
	l.parser.Finish()
	check(l.parser.Config, l.parser.Lost, l.diags)
	if l.diags.Failed() {
		return nil, l.diags
	}
	c := l.parser.Config
	slices.Sort(c.Global.EnvUnset)
	slices.Sort(c.Global.EnvKeep)
	return c, l.diags
}
