package keyword

import (
	"strconv"
	"strings"

	"eddy/internal/config/address"
	"eddy/internal/config/diag"
	"eddy/internal/config/model"
	"eddy/internal/config/syntax"
)

// logDecls say where and what to log (§4.2, §8).
func logDecls() []Decl {
	return []Decl{
		{Name: "log global", In: anywhere, No: true, Spec: "4.2", Doc: "Logs to the targets of the global section.",
			Set: func(p *Parser, a Args) { p.addLog(model.Log{Pos: a.At, Global: true}) }},
		{Name: "log", In: Global | anywhere, No: true, Params: one(rest("target [option …] facility [level [minlevel]]")), Opts: logDocs(), Spec: "3.1, 4.2",
			Doc: "Logs to a target: ADDRESS[:PORT] (UDP), /socket, stdout, stderr, fd@N, tcp@ADDRESS:PORT. no log forgets those before.", Set: setLog},
		{Name: "log-tag", In: Global | anywhere, Params: one(text("tag")), Spec: "3.1, 4.2",
			Doc: "Gives the program's name in syslog lines.", Set: setLogTag},
		{Name: "log-format", In: Defaults | front, Params: one(format("format")), Spec: "4.2, 8.2.6",
			Doc: "Gives the log line of a request or connection.",
			Set: func(p *Parser, a Args) { p.proxy.LogFormat = a.P[0].Fmt }},
		{Name: "error-log-format", In: Defaults | front, Params: one(format("format")), Spec: "4.2, 8.2.5",
			Doc: "Gives the log line of a connection that failed before any request.",
			Set: func(p *Parser, a Args) { p.proxy.ErrorFormat = a.P[0].Fmt }},
	}
}

// The facilities and levels of syslog, and the formats of log lines (§4.2 log).
var (
	facilities = strings.Fields("kern user mail daemon auth syslog lpr news uucp cron auth2 ftp ntp audit alert cron2 " +
		"local0 local1 local2 local3 local4 local5 local6 local7")
	levels     = strings.Fields("emerg alert crit err warning notice info debug")
	logFormats = strings.Fields("local rfc3164 rfc5424 priority short timed iso raw json")
)

// Bytes of a line: where len is not given, and where whole JSON objects have to fit in.
const (
	defaultLogLen = 1024
	minJSONLen    = 512
)

func logOptions() []Option[model.Log] {
	return []Option[model.Log]{
		{Name: "len", Params: one(between("bytes", 80, 65535)), Doc: "Cuts lines at this length; 1024 when not given.",
			Set: func(p *Parser, l *model.Log, a Args) { l.MaxLen = int(a.Int(0)) }},
		{Name: "format", Params: one(choice("format", logFormats...)), Doc: "Says how a line looks; local, which is rfc3164 without a host name, when not given. json, which is eddy's own, is one object a line: time, level, facility, tag, pid, host if there is one, message.",
			Set: func(p *Parser, l *model.Log, a Args) { l.Format = a.Text(0) }},
		{Name: "sample", Params: one(text("ranges:size")), Doc: "Sends only some of the lines: the first and third of ten with 1,3:10.",
			Set: setLogSample},
	}
}

func logDocs() []OptionDoc {
	docs := describe(logOptions())
	return append(docs,
		OptionDoc{Name: "facility", Grammar: strings.Join(facilities, "|"), Doc: "Syslog facility of the lines."},
		OptionDoc{Name: "level, minlevel", Grammar: strings.Join(levels, "|"), Doc: "Sends lines of this level and above; counts those above the second as the second."})
}

func (p *Parser) addLog(l model.Log) {
	logs := &p.Config.Global.Logs
	if p.proxy != nil {
		logs = &p.proxy.Logs
	}
	*logs = append(*logs, l)
}

func setLogTag(p *Parser, a Args) {
	if p.proxy != nil {
		p.proxy.LogTag = a.Text(0)
		return
	}
	p.Config.Global.LogTag = a.Text(0)
}

func setLog(p *Parser, a Args) {
	if a.No {
		if len(a.Rest) > 0 {
			p.errorf(a.Rest[0].Pos, "", "no log: unexpected %q", a.Rest[0].Text)
		}
		if p.proxy != nil {
			p.proxy.Logs = nil
		} else {
			p.Config.Global.Logs = nil
		}
		return
	}
	l := model.Log{Pos: a.At, MaxLen: defaultLogLen, Level: "debug", MinLevel: "emerg"}
	if !p.setLogTarget(&l, a.Rest[0]) {
		return
	}
	words := a.Rest[1:]
	for len(words) > 0 && findOption(logOptions(), words[0].Text) != nil {
		n := min(2, len(words))
		if _, ok := readOptions(p, "log", logOptions(), nil, &l, words[:n]); !ok {
			return
		}
		words = words[n:]
	}
	if l.Format == "json" && l.MaxLen < minJSONLen && l.FD == 0 {
		p.errorf(a.Rest[0].Pos, "write len 1024, say", "log: a line in format json needs at least %d bytes", minJSONLen)
		return
	}
	if len(words) > 0 && words[0].Text == "profile" {
		p.notYet(words[0].Pos, "log … profile")
		return
	}
	if w := a.Rest[0]; len(words) == 0 && diag.Nearest(w.Text, []string{"global"}) != "" {
		p.errorf(w.Pos, "did you mean \"log global\"?", "log: the facility is missing")
		return
	}
	if len(words) == 0 {
		p.errorf(a.At, "write: log "+a.Rest[0].Text+" local0, say", "log: the facility is missing")
		return
	}
	for i, word := range []struct {
		what  string
		known []string
		to    *string
	}{{"facility", facilities, &l.Facility}, {"level", levels, &l.Level}, {"minlevel", levels, &l.MinLevel}} {
		if i >= len(words) {
			break
		}
		if !contains(word.known, words[i].Text) {
			hint := diag.DidYouMean(words[i].Text, word.known)
			if hint == "" {
				hint = "write one of " + strings.Join(word.known, ", ")
			}
			p.errorf(words[i].Pos, hint, "log: unknown %s %q", word.what, words[i].Text)
			return
		}
		*word.to = words[i].Text
	}
	if len(words) > 3 {
		p.errorf(words[3].Pos, "", "log: unexpected %q", words[3].Text)
		return
	}
	p.addLog(l)
}

// setLogTarget reads the first word of a log line.
func (p *Parser) setLogTarget(l *model.Log, w syntax.Word) bool {
	switch w.Text {
	case "stdout":
		l.FD = 1
		return true
	case "stderr":
		l.FD = 2
		return true
	case "":
		p.errorf(w.Pos, "is a variable of the environment missing?", "log: the target is empty")
		return false
	}
	ad, err := address.Parse(p.Env.Expand(w.Text), address.PortOptional)
	if err != nil {
		p.errorf(w.Pos, err.Hint, "log: %s", err.Text)
		return false
	}
	switch ad.Kind {
	case model.AddrFD:
		l.FD, l.Addr = ad.FD, ad.Address
		if ad.FD == 0 {
			p.errorf(w.Pos, "write stdout or stderr", "log: file descriptor 0 is the standard input")
			return false
		}
	case model.AddrTCP, model.AddrUDP:
		l.TCP = ad.Stream
		l.Addr = ad.Address
		if !l.TCP {
			l.Addr.Kind = model.AddrUDP
		}
		if l.Addr.NoPort {
			l.Addr.Port, l.Addr.NoPort = 514, false
		}
	default:
		l.TCP, l.Addr = ad.Stream, ad.Address
	}
	return true
}

// setLogSample reads "1,3-5:10".
func setLogSample(p *Parser, l *model.Log, a Args) {
	ranges, size, ok := strings.Cut(a.Text(0), ":")
	n, err := strconv.Atoi(size)
	bad := !ok || err != nil || n < 1 || n > 1<<20
	for _, r := range strings.Split(ranges, ",") {
		lo, hi, isRange := strings.Cut(r, "-")
		if !isRange {
			hi = lo
		}
		from, err1 := strconv.Atoi(lo)
		to, err2 := strconv.Atoi(hi)
		if err1 != nil || err2 != nil || from < 1 || to < from || to > n {
			bad = true
			break
		}
		l.SampleLo = append(l.SampleLo, from, to)
	}
	if bad {
		p.errorf(a.P[0].Pos, "write ranges and the size of a round, like 1,3-5:10", "log: bad sample %q", a.Text(0))
		return
	}
	l.SampleN = n
}
