package syntax

import (
	"strings"

	"eddy/internal/config/diag"
)

// directives are the words that begin with a dot (§2.4).
var directives = []string{".if", ".elif", ".else", ".endif", ".diag", ".notice", ".warning", ".alert"}

// directive obeys a line whose first word begins with a dot.
func (r *Reader) directive(ln Line) {
	name := ln.Words[0]
	switch name.Text {
	case ".if":
		r.openIf(ln)
	case ".elif", ".else", ".endif":
		r.branch(ln)
	case ".diag", ".notice", ".warning", ".alert":
		if !r.skipping() && !ln.Broken {
			r.message(ln)
		}
	default:
		if !r.skipping() {
			r.diags.Errorf(name.Pos, diag.DidYouMean(name.Text, directives), "unknown directive %q", name.Text)
		}
	}
}

func (r *Reader) openIf(ln Line) {
	if len(r.conds) >= MaxNesting {
		if r.deeper == 0 {
			r.diags.Errorf(ln.Pos, "", "more than %d .if blocks in each other", MaxNesting)
		}
		r.deeper++
		return
	}
	if r.skipping() {
		r.conds = append(r.conds, cond{pos: ln.Pos, taken: true})
		return
	}
	if ln.Broken { // reported; no branch of the block is read
		r.conds = append(r.conds, cond{pos: ln.Pos, taken: true})
		return
	}
	yes := r.holds(ln)
	r.conds = append(r.conds, cond{pos: ln.Pos, active: yes, taken: yes})
}

func (r *Reader) branch(ln Line) {
	name := ln.Words[0]
	if len(r.conds) == 0 {
		r.diags.Errorf(name.Pos, "", "%s without an .if before it", name.Text)
		return
	}
	if r.deeper > 0 {
		if name.Text == ".endif" {
			r.deeper--
		}
		return
	}
	c := &r.conds[len(r.conds)-1]
	if name.Text != ".elif" && len(ln.Words) > 1 && !ln.Broken {
		r.diags.Errorf(ln.Words[1].Pos, "put the condition behind .if or .elif", "%s takes no condition", name.Text)
	}
	switch name.Text {
	case ".endif":
		r.conds = r.conds[:len(r.conds)-1]
	case ".else":
		if c.last {
			r.diags.Errorf(name.Pos, "", "a second .else for the .if of line %d", c.pos.Line)
		}
		c.active, c.last = !c.taken && !c.last, true
		c.taken = c.taken || c.active
	case ".elif":
		if c.last {
			r.diags.Errorf(name.Pos, "move it before the .else", ".elif after .else")
		}
		c.active = !c.taken && !c.last && !ln.Broken && r.holds(ln)
		c.taken = c.taken || c.active || ln.Broken
	}
}

// decides says whether words begin an .elif whose condition counts.
func (r *Reader) decides(words []Word) bool {
	if r.deeper > 0 || len(r.conds) == 0 || len(words) == 0 || words[0].Text != ".elif" {
		return false
	}
	c := r.conds[len(r.conds)-1]
	return !c.taken && !c.last
}

// holds evaluates the condition behind the first word. One that is wrong was reported and does not hold.
func (r *Reader) holds(ln Line) bool {
	var b strings.Builder
	for i, w := range ln.Words[1:] {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(w.Text)
	}
	pos := ln.Pos
	if len(ln.Words) > 1 {
		pos = ln.Words[1].Pos
	}
	yes, err := r.preds.Eval(b.String(), r.env)
	if err != nil {
		r.diags.Errorf(pos, err.Hint, "%s", err.Text)
	}
	return yes && err == nil
}

// message shows what .notice and its kin say.
func (r *Reader) message(ln Line) {
	if len(ln.Words) != 2 || ln.Words[1].Text == "" {
		r.diags.Errorf(ln.Pos, `put the message in quotes: `+ln.Words[0].Text+` "text"`, "%s takes one message", ln.Words[0].Text)
		return
	}
	text := ln.Words[1].Text
	switch ln.Words[0].Text {
	case ".alert":
		r.diags.Errorf(ln.Pos, "", "%s", text)
	case ".diag":
		if r.preds.Diag {
			r.diags.Warnf(ln.Pos, "", "%s", text)
		}
	case ".notice":
		if r.preds.Notice != nil {
			r.preds.Notice(ln.Pos, text)
		}
	case ".warning":
		r.diags.Warnf(ln.Pos, "", "%s", text)
	}
}
