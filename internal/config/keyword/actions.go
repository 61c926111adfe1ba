package keyword

import (
	"strings"

	"eddy/internal/config/diag"
	"eddy/internal/config/expr"
	"eddy/internal/config/model"
	"eddy/internal/config/syntax"
)

// Actions declares the rule actions (§4.4). Lua actions, "lua.NAME arg …", come from scripts: Name "lua", Sub NAME,
// Args the words as they are.
func Actions() []ActionDecl {
	fmt1 := func(name, doc string) ActionDecl {
		return ActionDecl{Name: name, In: HTTPReq, Params: one(format("format")), Doc: doc}
	}
	address := func(name, doc string) ActionDecl {
		return ActionDecl{Name: name, In: tcpReq | HTTPReq, Params: one(expression("expression")), Doc: doc}
	}
	header := Param{Name: "name", Kind: HdrName}
	regex := Param{Name: "regex", Kind: Regex}
	method := option("-m", "How to compare the name: str (when not given), beg, end, sub or reg.", choice("method", "str", "beg", "end", "sub", "reg"))
	logLevel := append([]string{"silent"}, levels...)
	return []ActionDecl{
		{Name: "accept", In: tcpAny, Final: true, Doc: "Ends these rules; the connection or message goes on."},
		{Name: "allow", In: httpAny, Final: true, Doc: "Ends these rules; the message goes on."},
		{Name: "reject", In: tcpAny | HTTPReq, Final: true, Doc: "Closes the connection without an answer."},
		{Name: "close", In: TCPRes, Final: true, Doc: "Closes the server's connection."},
		{Name: "silent-drop", In: tcpAny | HTTPReq | HTTPRes, Final: true,
			Opts: []Option[model.Action]{option("rst-ttl", "Sends a reset that gets this far.", between("hops", 1, 255))},
			Doc:  "Forgets the connection without telling the client."},
		{Name: "expect-proxy", In: TCPConn, Params: one(choice("layer", "layer4")), Doc: "Reads a PROXY protocol header at the front of the connection."},

		{Name: "deny", In: HTTPReq | HTTPRes, Opts: replyOptions(), Final: true, Check: checkReplyAction,
			Doc: "Refuses with 403, or 502 for answers, or as described."},
		{Name: "tarpit", In: HTTPReq, Opts: replyOptions(), Final: true, Check: checkReplyAction,
			Doc: "Refuses after timeout tarpit, with 500 or as described."},
		{Name: "return", In: HTTPReq | HTTPRes, Opts: replyOptions(), Final: true, Check: checkReplyAction,
			Doc: "Answers with 200 or as described."},
		{Name: "redirect", In: HTTPReq | HTTPRes, Opts: redirectOptions(), Needs: []string{"location", "prefix", "scheme"}, Final: true, Check: checkRedirect,
			Doc: "Answers with a redirect, 302 when no code is given."},
		{Name: "use-service", In: TCPContent | HTTPReq, Params: one(text("name")), Final: true, Check: checkService,
			Doc: "Lets a service answer: lua.NAME is one that a script registered, prometheus-exporter answers with eddy's figures for Prometheus and is for http-request rules."},

		{Name: "add-header", In: httpAny, Params: one(header, format("format")), Doc: "Adds a header."},
		{Name: "set-header", In: httpAny, Params: one(header, format("format")), Doc: "Puts a header in the place of all of that name."},
		{Name: "del-header", In: httpAny, Params: one(text("name")), Opts: []Option[model.Action]{method}, Check: checkDelHeader,
			Doc: "Removes the headers of a name."},
		{Name: "replace-header", In: httpAny, Params: one(header, regex, format("format")),
			Doc: "Changes whole header lines that match; \\1 is the first group."},
		{Name: "replace-value", In: httpAny, Params: one(header, regex, format("format")),
			Doc: "Changes each value between commas that matches."},
		{Name: "replace-path", In: HTTPReq, Params: one(regex, format("format")), Doc: "Changes the path, without query."},
		{Name: "replace-pathq", In: HTTPReq, Params: one(regex, format("format")), Doc: "Changes the path with query."},
		{Name: "replace-uri", In: HTTPReq, Params: one(regex, format("format")), Doc: "Changes the URI as it was received."},
		fmt1("set-method", "Sets the method."),
		fmt1("set-path", "Sets the path; the query stays."),
		fmt1("set-pathq", "Sets path and query."),
		fmt1("set-query", "Sets the query; the path stays."),
		fmt1("set-uri", "Sets the whole URI."),
		{Name: "set-status", In: HTTPRes | HTTPAfter, Params: one(statusParam()),
			Opts: []Option[model.Action]{option("reason", "Text behind the status.", text("text"))}, Doc: "Sets the status of the answer."},

		{Name: "set-var", Paren: "variable[,condition …]", In: tcpAny | httpAny, Params: one(expression("expression")), Doc: "Sets a variable."},
		{Name: "set-var-fmt", Paren: "variable[,condition …]", In: tcpAny | httpAny, Params: one(format("format")), Doc: "Sets a variable to a formatted text."},
		{Name: "unset-var", Paren: "variable", In: tcpAny | httpAny, Doc: "Removes a variable."},

		{Name: "wait-for-body", In: HTTPReq | HTTPRes, Needs: []string{"time"}, Doc: "Waits until the body, or so much of it, is in the buffer.",
			Opts: []Option[model.Action]{
				option("time", "Waits at most this long.", duration("time")),
				option("at-least", "Waits for so many bytes only.", size("bytes")),
			}},
		{Name: "set-log-level", In: TCPContent | TCPRes | httpAny, Params: one(choice("level", logLevel...)), Doc: "Sets the level of the log line; silent writes none."},
		{Name: "capture", In: TCPContent | httpAny, Params: one(expression("expression")), Needs: []string{"len", "id"}, Check: checkCapture,
			Doc: "Keeps a value for the logs, in a place of its own (len) or in a declared one (id). Opts has id in both cases.",
			Opts: []Option[model.Action]{
				option("len", "Cuts the value at this length.", between("bytes", 1, 65536)),
				option("id", "Number of a declared capture, from 0.", number("id")),
			}},
		address("set-src", "Sets the client's address."),
		address("set-src-port", "Sets the client's port."),
		address("set-dst", "Sets the address that the client called."),
		address("set-dst-port", "Sets the port that the client called."),
		{Name: "set-nice", In: TCPContent | TCPRes | HTTPReq | HTTPRes, Params: one(between("nice", -1024, 1024)), Doc: "Weighs this stream against others.", NoEffect: "Go schedules all streams alike"},
		{Name: "disable-l7-retry", In: HTTPReq, Doc: "Tries again only when connecting failed."},
	}
}

// replyOptions describe an answer (§4.4 return).
func replyOptions() []Option[model.Action] {
	type A = model.Action
	return []Option[A]{
		option("status", "Status of the answer.", statusParam()),
		optionAs("deny_status", "status", "The same, in older configurations.", statusParam()),
		option("content-type", "Type of the body.", text("type")),
		option("default-errorfiles", "Sends what the proxy sends for the status."),
		{Name: "errorfile", Params: one(Param{Name: "file", Kind: File}), Doc: "Sends a file that holds a whole answer.",
			Set: func(p *Parser, act *A, a Args) {
				raw, err := wholeAnswer(a.P[0].Raw)
				if err != nil {
					p.errorf(a.P[0].Pos, "the file must hold a status line, headers, an empty line and the body", "errorfile: %s: %v", a.Text(0), err)
				}
				a.P[0].Raw = raw
				act.Opts["errorfile"] = a.P[0]
			}},
		option("errorfiles", "Sends what an http-errors section has for the status.", text("section")),
		option("file", "Sends a file as the body.", Param{Name: "file", Kind: File}),
		{Name: "lf-file", Params: one(Param{Name: "file", Kind: File}), Doc: "Sends a file as the body, read as a format.",
			Set: func(p *Parser, act *A, a Args) {
				v := a.P[0]
				v.Fmt = expr.ParseFormat(p.exprCtx(), expr.Word{Text: string(v.Raw), Pos: diag.Pos{File: v.Text, Line: 1, Col: 1}})
				act.Opts["lf-file"] = v
			}},
		option("string", "Sends a text as the body.", text("text")),
		option("lf-string", "Sends a formatted text as the body.", format("format")),
		{Name: "hdr", Params: one(Param{Name: "name", Kind: HdrName}, format("format")), Doc: "Adds a header to the answer.",
			Set: func(p *Parser, act *A, a Args) {
				act.Headers = append(act.Headers, model.HeaderFmt{Pos: a.P[0].Pos, Name: a.Text(0), Fmt: a.P[1].Fmt})
			}},
	}
}

func checkReplyAction(p *Parser, set RuleSets, act *model.Action) bool {
	return p.checkReply(set.String()+" "+act.Name, act)
}

// checkReply checks what the options of an answer must have in common.
func (p *Parser) checkReply(what string, act *model.Action) bool {
	bodies := []string{"default-errorfiles", "errorfile", "errorfiles", "file", "lf-file", "string", "lf-string"}
	body := ""
	for _, b := range bodies {
		if _, ok := act.Opt(b); !ok {
			continue
		}
		if body != "" {
			p.errorf(act.Opts[b].Pos, "keep one of them", "%s: %q and %q cannot stand together", what, body, b)
			return false
		}
		body = b
	}
	status, hasStatus := act.Opt("status")
	if hasStatus && (status.Int < 200 || status.Int > 599) {
		p.errorf(status.Pos, "", "%s: the status must be between 200 and 599, not %d", what, status.Int)
		return false
	}
	typ, hasType := act.Opt("content-type")
	v := act.Opts[body]
	switch body {
	case "file", "lf-file", "string", "lf-string":
		if !hasType && (len(v.Raw) > 0 || body == "string" || body == "lf-string") {
			p.errorf(act.Pos, "add: content-type text/plain, say", "%s: a body needs a content-type", what)
			return false
		}
		if len(v.Raw) > p.Config.Global.BufSize {
			p.errorf(v.Pos, "make the file smaller or tune.bufsize larger", "%s: %s does not fit into a buffer of %d bytes", what, v.Text, p.Config.Global.BufSize)
			return false
		}
	case "errorfiles":
		p.errorSections = append(p.errorSections, namedAt{v.Text, v.Pos})
		fallthrough
	case "default-errorfiles", "errorfile":
		if hasStatus && !p.knownStatus(what, status.Pos, int(status.Int)) {
			return false
		}
		if len(act.Headers) > 0 {
			p.Diags.Warnf(act.Headers[0].Pos, "", "%s: hdr is not used with %s", what, body)
		}
	case "":
		if hasType && len(act.Headers) == 0 && act.Name == "return" {
			p.Diags.Warnf(typ.Pos, "", "%s: content-type is not used without a body", what)
		}
	}
	return true
}

// redirectOptions are what may stand behind redirect (§4.2 redirect).
func redirectOptions() []Option[model.Action] {
	return append([]Option[model.Action]{
		option("location", "Sends the client to this place.", format("format")),
		option("prefix", "Sends the client to this with the request's path and query behind it.", format("format")),
		option("scheme", "Sends the client to the same place with this scheme.", format("format")),
	}, redirectDetails()...)
}

// plainRedirectOptions are those of the "redirect" line, whose texts are not formats.
func plainRedirectOptions() []Option[model.Action] {
	plain := func(name, doc string) Option[model.Action] {
		return Option[model.Action]{Name: name, Params: one(text("text")), Doc: doc, Set: func(p *Parser, act *model.Action, a Args) {
			v := a.P[0]
			v.Fmt = &model.Format{Pos: v.Pos, Text: v.Text, Items: []model.FormatItem{{Pos: v.Pos, Text: v.Text}}}
			act.Opts[name] = v
		}}
	}
	return append([]Option[model.Action]{
		plain("location", "Sends the client to this place."),
		plain("prefix", "Sends the client to this with the request's path and query behind it."),
		plain("scheme", "Sends the client to the same place with this scheme."),
	}, redirectDetails()...)
}

func redirectDetails() []Option[model.Action] {
	return []Option[model.Action]{
		{Name: "code", Params: one(choice("code", "301", "302", "303", "307", "308")), Doc: "Status of the answer.",
			Set: func(p *Parser, act *model.Action, a Args) {
				v := a.P[0]
				for _, c := range v.Text {
					v.Int = v.Int*10 + int64(c-'0')
				}
				act.Opts["code"] = v
			}},
		option("drop-query", "Leaves the query out, with prefix."),
		option("keep-query", "Adds the query, with location."),
		option("append-slash", "Adds a slash to the path, with drop-query."),
		option("ignore-empty", "Does nothing when the location comes out empty."),
		option("set-cookie", "Sets a cookie for the session.", text("name[=value]")),
		option("set-cookie-fmt", "The same with a format.", format("format")),
		option("clear-cookie", "Clears a cookie.", text("name[=]")),
	}
}

func checkRedirect(p *Parser, set RuleSets, act *model.Action) bool {
	if _, ok := act.Opt("location"); !ok && set == HTTPRes {
		p.errorf(act.Pos, "write redirect location …", "http-response redirect: only location is possible for answers")
		return false
	}
	return true
}

func checkService(p *Parser, set RuleSets, act *model.Action) bool {
	w := act.Args[0]
	const lua = "lua."
	switch {
	case w.Text == model.MetricsService && set != HTTPReq:
		p.errorf(w.Pos, "write: http-request use-service "+w.Text, "use-service: %s speaks http", w.Text)
		return false
	case w.Text == model.MetricsService:
		return true
	case len(w.Text) <= len(lua) || w.Text[:len(lua)] != lua:
		name := w.Text
		if head, rest, dotted := strings.Cut(name, "."); dotted && diag.Nearest(head, []string{"lua"}) != "" {
			name = rest
		}
		hint := diag.DidYouMean(w.Text, []string{model.MetricsService})
		if hint == "" {
			hint = "services are " + model.MetricsService + " and those that scripts register: lua." + name
		}
		p.errorf(w.Pos, hint, "use-service: unknown service %q", w.Text)
		return false
	}
	act.Sub = w.Text[len(lua):]
	return true
}

func checkDelHeader(p *Parser, set RuleSets, act *model.Action) bool {
	name := act.Args[0]
	w := syntax.Word{Text: name.Text, Pos: name.Pos}
	m, _ := act.Opt("-m")
	kind := HdrName
	switch m.Text {
	case "reg":
		kind = Regex
	case "beg", "end", "sub":
		kind = Text
	}
	_, _, ok := p.readParam(set.String()+" del-header", &Param{Name: "name", Kind: kind}, []syntax.Word{w})
	return ok
}

// checkCapture gives the capture its place: with len a new one in this frontend, with id a declared one.
func checkCapture(p *Parser, set RuleSets, act *model.Action) bool {
	what := set.String() + " capture"
	response := set&(HTTPRes|HTTPAfter) != 0
	x := p.proxy
	if n, ok := act.Opt("len"); ok {
		if x.kind&front == 0 {
			p.errorf(n.Pos, "declare a capture in the frontend and write id NUMBER", "%s: len makes a place in a frontend only", what)
			return false
		}
		act.Opts["id"] = model.Param{Pos: n.Pos, Int: int64(x.addCaptureSlot(response, "", int(n.Int)))}
		return true
	}
	id, _ := act.Opt("id")
	slots := len(x.CaptureReq)
	if response {
		slots = len(x.CaptureResp)
	}
	if x.kind == Frontend && int(id.Int) >= slots {
		p.errorf(id.Pos, "add: declare capture request len N before it", "%s: this frontend has %d captures so far, numbered from 0", what, slots)
		return false
	}
	return true
}
