package keyword

import (
	"fmt"
	"io"
	"strings"

	"eddy/internal/config/expr"
)

// Document writes docs/configuration.md from the declarations.
func Document(w io.Writer) error {
	d := &document{}
	d.line("# The configuration language")
	d.line("")
	d.line("eddy reads the configuration language of HAProxy. This page is written by the program from the declarations")
	d.line("that also drive its parser (`go test ./internal/config -run Docs -update`), so it lists what is there, no more")
	d.line("and no less. § is the section of HAProxy's `configuration.txt` that tells the details.")
	d.line("")
	d.line("`eddy -c -f FILE` checks a file and tells everything that is wrong at once: place, reason, and what to write.")
	d.line("What HAProxy has and eddy does not have yet is an error that says so.")
	d.line("")
	d.line("## Contents")
	d.line("")
	groups := documentGroups()
	for _, g := range groups {
		d.line("- [%s](#%s)", g.title, anchor(g.title))
	}
	for _, title := range []string{"Rule actions", "Fetches", "Converters", "Log format aliases", "Read and passed over", "Not there yet"} {
		d.line("- [%s](#%s)", title, anchor(title))
	}
	for _, g := range groups {
		d.heading(g.title, g.intro)
		for i := range g.decls {
			d.decl(&g.decls[i])
		}
	}
	d.actions()
	d.samples()
	d.passedOver()
	d.absent()
	_, err := io.WriteString(w, d.b.String())
	return err
}

type documentGroup struct {
	title, intro string
	decls        []Decl
}

func documentGroups() []documentGroup {
	return []documentGroup{
		{"The process", "In the `global` section.", globalDecls()},
		{"The environment", "In the `global` section. Lines further down see the change in \"$NAME\".", environmentDecls()},
		{"Lua", "In the `global` section.", luaDecls()},
		{"Sizes", "In the `global` section.", tuneDecls()},
		{"Proxies", "", proxyDecls()},
		{"Timeouts", "Times are milliseconds, or have a unit behind them: us, ms, s, m, h, d.", timeoutDecls()},
		{"Logs", "", logDecls()},
		{"Options", "`no option …` takes one back that a defaults section set.", optionDecls()},
		{"The client's side", "", frontDecls()},
		{"Rules", "`if` and `unless` take names of acls, all of which must hold, with `or` between alternatives, `!` before what must not hold, and tests in braces: `if { path /a } !local or { method POST }`.", ruleDecls()},
		{"The server's side", "", backDecls()},
		{"Answers of the program's own", "", errorDecls()},
		{"Health checks", "", checkDecls()},
		{"Observed lanes", "An `observe` section is eddy's own: it reads packets, from files or live, and runs plugins on them beside the proxies ([observed-lane.md](observed-lane.md)). `eddy observe` has a flag for each of these: `--max-flows` for `max-flows`, and a dash for a space.", ObserveDecls()},
		{"Queues", "A `queue` section is eddy's own: it is a lane of jobs that scripts and plugins push to. Without a line for it, each thing is as said. A number of things may have a unit: k for 1000, m for 1000000; sizes have HAProxy's: k for 1024, m, g. The queue `default`, in memory, is there without a section, with as many workers as processors, 4 at least, and dead jobs kept for a day.", queueDecls()},
	}
}

// document is text in the making.
type document struct{ b strings.Builder }

func (d *document) line(format string, args ...any) {
	fmt.Fprintf(&d.b, format, args...)
	d.b.WriteByte('\n')
}

func (d *document) heading(title, intro string) {
	d.line("")
	d.line("## %s", title)
	if intro != "" {
		d.line("")
		d.line("%s", intro)
	}
}

func (d *document) decl(k *Decl) {
	grammar := strings.TrimSpace(k.Name + " " + Grammar(k.Params))
	if k.No {
		grammar = "[no] " + grammar
	}
	d.line("")
	d.line("### `%s`", grammar)
	d.line("")
	facts := []string{k.In.String()}
	if k.Spec != "" {
		facts = append(facts, "§"+k.Spec)
	}
	if k.HTTP {
		facts = append(facts, "mode http")
	}
	d.line("%s — *%s*", k.Doc, strings.Join(facts, "; "))
	d.options(k.Opts)
}

func (d *document) options(opts []OptionDoc) {
	if len(opts) == 0 {
		return
	}
	d.line("")
	d.line("| option | |")
	d.line("|---|---|")
	for _, o := range opts {
		doc := o.Doc
		if o.NoEffect != "" {
			doc += " Read and passed over: " + o.NoEffect + "."
		}
		d.line("| `%s` | %s |", cell(strings.TrimSpace(o.Name+" "+o.Grammar)), cell(doc))
	}
}

// cell protects what would end a table's cell.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

func (d *document) actions() {
	d.heading("Rule actions", "`lua.NAME [arg …]` runs an action that a script registered, in any rule. The others (§4.4):")
	for _, a := range Actions() {
		name := a.Name
		if a.Paren != "" {
			name += "(" + a.Paren + ")"
		}
		if len(a.Opts) > 0 {
			name = strings.TrimSpace(name+" "+Grammar(a.Params)) + " [option …]"
		} else {
			name = strings.TrimSpace(name + " " + Grammar(a.Params))
		}
		d.line("")
		d.line("### `%s`", name)
		d.line("")
		doc := a.Doc
		if a.Final {
			doc += " Final: no rule of the list comes after it."
		}
		if a.NoEffect != "" {
			doc += " Read and passed over: " + a.NoEffect + "."
		}
		d.line("%s — *%s*", doc, a.In)
		d.options(describe(a.Opts))
	}
}

func (d *document) samples() {
	d.heading("Fetches", "What an expression begins with (§7.3.2 to §7.3.7). Scripts reach them as `txn.f:NAME()`.")
	d.line("")
	d.line("| fetch | gives | | § |")
	d.line("|---|---|---|---|")
	for _, f := range expr.Fetches() {
		name := "`" + cell(f.Name+expr.Signature(f.Args)) + "`"
		for _, alias := range f.Aliases {
			name += ", `" + alias + "`"
		}
		d.line("| %s | %s | %s | %s |", name, f.Out, cell(f.Doc), f.Section)
	}
	d.heading("Converters", "What may follow, each after a comma (§7.3.1).")
	d.line("")
	d.line("| converter | takes | gives | |")
	d.line("|---|---|---|---|")
	for _, c := range expr.Converters() {
		d.line("| `%s` | %s | %s | %s |", cell(c.Name+expr.Signature(c.Args)), c.In, c.Out, cell(c.Doc))
	}
	d.heading("Log format aliases", "What log-format strings have beside `%[expression]` (§8.2.6).")
	d.line("")
	d.line("| alias | |")
	d.line("|---|---|")
	for _, a := range expr.Aliases() {
		d.line("| `%%%s` | %s |", a.Name, cell(a.Doc))
	}
}

func (d *document) passedOver() {
	d.heading("Read and passed over", "These change nothing, for the reason given. Those with a star bring no warning.")
	why, names := "", []string(nil)
	flush := func() {
		if len(names) > 0 {
			d.line("")
			d.line("- **%s:** %s", why, strings.Join(names, ", "))
		}
		names = nil
	}
	for _, k := range idleDecls() {
		if k.NoEffect != why {
			flush()
			why = k.NoEffect
		}
		name := "`" + k.Name + "`"
		if k.Quiet {
			name += "\\*"
		}
		names = append(names, name)
	}
	flush()
}

func (d *document) absent() {
	d.heading("Not there yet", "HAProxy has these; in eddy they are errors that say so.")
	t := newTable()
	for _, g := range []struct {
		what  string
		names []string
	}{
		{"Sections", absentSections}, {"Keywords", absentKeywords()}, {"Options of bind", absentBindOptions()},
		{"Options of server", absentServerOptions()}, {"Rule actions", absentActions()}, {"Ways to balance", absentBalance()},
	} {
		var names []string
		for _, n := range g.names {
			if g.what == "Keywords" && !t.absent[n] {
				continue
			}
			names = append(names, "`"+n+"`")
		}
		d.line("")
		d.line("- **%s:** %s", g.what, strings.Join(names, ", "))
	}
}

// anchor is the link target that Markdown viewers give a heading.
func anchor(title string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		case r == ' ':
			return '-'
		}
		return -1
	}, title)
}
