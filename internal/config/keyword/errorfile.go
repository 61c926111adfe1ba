package keyword

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"eddy/internal/config/diag"
	"eddy/internal/config/model"
)

// errorStatus are the statuses that an answer of the program's own can have (§4.2 http-error).
var errorStatus = []int{200, 400, 401, 403, 404, 405, 407, 408, 410, 413, 414, 421, 422, 425, 429, 431, 500, 501, 502, 503, 504}

func statusParam() Param { return between("status", 100, 999) }

// errorDecls say how the program's own answers look (§4.2 errorfile, §12.4).
func errorDecls() []Decl {
	loc := func(name string, code int) Decl {
		return Decl{Name: name, In: anywhere, Params: one(statusParam(), text("url")), HTTP: true, Spec: "4.2",
			Doc: fmt.Sprintf("Answers %d with this location where the status would be sent.", code),
			Set: func(p *Parser, a Args) {
				raw := fmt.Sprintf("HTTP/1.1 %d %s\r\ncache-control: no-cache\r\ncontent-length: 0\r\nlocation: %s\r\n\r\n",
					code, map[int]string{302: "Found", 303: "See Other"}[code], strings.Map(printableByte, a.Text(1)))
				p.putError(a, &model.ErrorFile{Pos: a.At, Status: int(a.Int(0)), Raw: []byte(raw)})
			}}
	}
	return []Decl{
		{Name: "errorfile", In: anywhere | HTTPErrors, Params: one(statusParam(), Param{Name: "file", Kind: File}), HTTP: true, Spec: "4.2, 12.4",
			Doc: "Sends the file, a whole answer with head and body, where the status would be sent; an empty file closes in silence.",
			Set: setErrorFile},
		{Name: "errorfiles", In: anywhere, Params: one(text("section"), optional(many(statusParam()))), HTTP: true, Spec: "4.2",
			Doc: "Takes over error files of an http-errors section, all or those of the statuses.", Set: setErrorFiles},
		loc("errorloc", 302), loc("errorloc302", 302), loc("errorloc303", 303),
		{Name: "http-error", In: anywhere, Params: one(rest("status <code> [option …]")), Opts: describe(replyOptions()), HTTP: true, Spec: "4.2",
			Doc: "Describes the answer to send where the status would be sent.", Set: setHTTPError},
	}
}

func printableByte(r rune) rune {
	if r < ' ' || r == 0x7f {
		return -1
	}
	return r
}

// knownStatus reports a status that the program never sends.
func (p *Parser) knownStatus(what string, at diag.Pos, status int) bool {
	if slices.Contains(errorStatus, status) {
		return true
	}
	var names []string
	for _, s := range errorStatus {
		names = append(names, strconv.Itoa(s))
	}
	p.errorf(at, "write one of "+strings.Join(names, ", "), "%s: eddy never answers %d itself", what, status)
	return false
}

// putError puts an answer where the section keeps them.
func (p *Parser) putError(a Args, f *model.ErrorFile) {
	if !p.knownStatus(a.Name, a.At, f.Status) {
		return
	}
	if p.errors != nil {
		p.errors.Files[f.Status] = f
		return
	}
	if p.proxy.ErrorFiles == nil {
		p.proxy.ErrorFiles = map[int]*model.ErrorFile{}
	}
	p.proxy.ErrorFiles[f.Status] = f
	for _, r := range p.proxy.errorRefs {
		r.own[f.Status] = f
	}
}

func setErrorFile(p *Parser, a Args) {
	raw, err := wholeAnswer(a.P[1].Raw)
	if err != nil {
		p.errorf(a.P[1].Pos, "the file must hold a status line, headers, an empty line and the body", "errorfile: %s: %v", a.P[1].Text, err)
		return
	}
	if max := p.Config.Global.BufSize; len(raw) > max {
		p.errorf(a.P[1].Pos, "make the file smaller or tune.bufsize larger", "errorfile: %s does not fit into a buffer of %d bytes", a.P[1].Text, max)
		return
	}
	p.putError(a, &model.ErrorFile{Pos: a.At, Status: int(a.Int(0)), Raw: raw})
}

// wholeAnswer makes an HTTP/1.1 answer of an error file: line ends are CRLF, and the length of the body is given. An
// empty file stays empty.
func wholeAnswer(text []byte) ([]byte, error) {
	if len(text) == 0 {
		return []byte{}, nil
	}
	var out bytes.Buffer
	first, hasLength := true, false
	for {
		line, rest, found := bytes.Cut(text, []byte("\n"))
		if !found {
			return nil, errors.New("the head does not end with an empty line")
		}
		line, text = bytes.TrimSuffix(line, []byte("\r")), rest
		if len(line) == 0 && !first {
			break
		}
		if i := bytes.IndexFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }); i >= 0 {
			return nil, errors.New("control characters in the head")
		}
		if first {
			if !isStatusLine(line) {
				return nil, fmt.Errorf("it begins with %q instead of a status line", clip(line))
			}
			first = false
			out.WriteString("HTTP/1.1" + string(line[len("HTTP/1.x"):]))
		} else {
			name, _, colon := bytes.Cut(line, []byte(":"))
			switch {
			case !colon || !isHeaderName(string(name)):
				return nil, fmt.Errorf("%q is not a header", clip(line))
			case bytes.EqualFold(name, []byte("transfer-encoding")):
				return nil, errors.New("the body cannot be chunked")
			case bytes.EqualFold(name, []byte("content-length")):
				hasLength = true
				continue
			}
			out.Write(line)
		}
		out.WriteString("\r\n")
	}
	if hasLength || len(text) > 0 {
		fmt.Fprintf(&out, "content-length: %d\r\n", len(text))
	}
	out.WriteString("\r\n")
	out.Write(text)
	return out.Bytes(), nil
}

// isStatusLine says whether line is "HTTP/1.x NNN[ reason]".
func isStatusLine(line []byte) bool {
	s := string(line)
	if len(s) < len("HTTP/1.1 200") || !strings.HasPrefix(s, "HTTP/1.") || s[8] != ' ' {
		return false
	}
	for _, c := range s[9:12] {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(s) == 12 || s[12] == ' '
}

func clip(b []byte) string {
	if len(b) > 40 {
		return string(b[:40]) + "…"
	}
	return string(b)
}

func setErrorFiles(p *Parser, a Args) {
	r := errorRef{pos: a.P[0].Pos, name: a.Text(0), own: map[int]*model.ErrorFile{}}
	for i := 1; i < len(a.P); i++ {
		if p.knownStatus("errorfiles", a.P[i].Pos, int(a.Int(i))) {
			r.codes = append(r.codes, int(a.Int(i)))
		}
	}
	p.proxy.errorRefs = append(p.proxy.errorRefs, r)
}

// setHTTPError reads "http-error status CODE …": the same words as the return action's.
func setHTTPError(p *Parser, a Args) {
	act := &model.Action{Pos: a.At, Name: "return", Opts: map[string]model.Param{}}
	if _, ok := readOptions(p, "http-error", replyOptions(), nil, act, a.Rest); !ok {
		return
	}
	status, ok := act.Opt("status")
	if !ok {
		p.errorf(a.At, "write: http-error status CODE …", "http-error: the status is missing")
		return
	}
	if !p.knownStatus("http-error", status.Pos, int(status.Int)) || !p.checkReply("http-error", act) {
		return
	}
	if _, reset := act.Opt("default-errorfiles"); reset {
		delete(p.proxy.ErrorFiles, int(status.Int))
		for _, r := range p.proxy.errorRefs {
			r.own[int(status.Int)] = nil
		}
		return
	}
	f := &model.ErrorFile{Pos: a.At, Status: int(status.Int), Return: act}
	if file, ok := act.Opt("errorfile"); ok {
		f.Raw, f.Return = file.Raw, nil
	}
	p.putError(a, f)
}

// resolveErrorFiles puts what errorfiles lines name into the proxy.
func (p *Parser) resolveErrorFiles(x *Proxy) {
	for _, r := range x.errorRefs {
		var names []string
		var section *model.HTTPErrors
		for _, s := range p.Config.HTTPErrors {
			names = append(names, s.Name)
			if s.Name == r.name {
				section = s
			}
		}
		if section == nil {
			p.errorf(r.pos, diag.DidYouMean(r.name, names), "errorfiles: there is no http-errors section '%s'", r.name)
			continue
		}
		for status, f := range section.Files {
			if _, own := r.own[status]; own || r.codes != nil && !slices.Contains(r.codes, status) {
				continue
			}
			if x.ErrorFiles == nil {
				x.ErrorFiles = map[int]*model.ErrorFile{}
			}
			x.ErrorFiles[status] = f
		}
	}
}
