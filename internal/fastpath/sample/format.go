package sample

import (
	"strings"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/sample/cast"
	"eddy/internal/fastpath/txn"
)

// Format is a log-format string ready to be put together (configuration.txt §8.2.6).
type Format struct {
	items []formatItem
	log   bool // for log lines: see escape.go
}

type formatItem struct {
	text  string
	alias alias
	expr  *Expr
	quote bool // flag Q
	style fieldStyle
}

// alias appends the value of %xx. It reports false when there is none.
type alias func(dst []byte, tx *txn.Txn, f *fieldStyle) ([]byte, bool)

// fieldStyle is what an alias has to know of where it is written.
type fieldStyle struct {
	env   *Env
	hex   bool // flag X
	esc   bool // flag E
	quote bool // flag Q, for what is several values
	log   bool
}

// Format builds a format. A nil m gives nil, which appends nothing.
func (e *Env) Format(m *model.Format) *Format {
	if m == nil {
		return nil
	}
	f := &Format{log: m.Log}
	for i := range m.Items {
		it := &m.Items[i]
		out := formatItem{text: it.Text, quote: it.Quote}
		out.style = fieldStyle{env: e, hex: it.Hex, esc: it.Esc, log: m.Log}
		switch {
		case it.Expr != nil:
			out.expr = e.Expr(it.Expr)
		case it.Alias != "":
			switch it.Alias {
			case "hrl", "hsl": // several values, each in quotes
				out.style.quote, out.quote = it.Quote, false
			default:
				out.quote = it.Quote && quotable(it.Alias)
			}
			if out.alias = aliases()[it.Alias]; out.alias == nil {
				e.errorf(it.Pos, "", "there is no log alias %%%s", it.Alias)
				continue
			}
		}
		f.items = append(f.items, out)
	}
	return f
}

// Static gives the text of a format that has no variable part.
func (f *Format) Static() (string, bool) {
	switch {
	case f == nil || len(f.items) == 0:
		return "", true
	case len(f.items) == 1 && f.items[0].alias == nil && f.items[0].expr == nil:
		return f.items[0].text, true
	}
	return "", false
}

// Append puts the format together behind dst. Values are escaped for where the format is used: in logs what has none
// is written "-"; elsewhere it is left out.
func (f *Format) Append(dst []byte, tx *txn.Txn) []byte {
	if f == nil {
		return dst
	}
	base := len(dst)
	for i := range f.items {
		it := &f.items[i]
		switch {
		case it.alias != nil:
			dst = f.field(dst, tx, it)
		case it.expr != nil:
			dst = f.value(dst, tx, it)
		default:
			text := it.text
			if f.log && strings.HasPrefix(text, " ") && (len(dst) == base || dst[len(dst)-1] == ' ') {
				text = text[1:] // the item before was empty
			}
			dst = append(dst, text...)
		}
	}
	return dst
}

func (f *Format) field(dst []byte, tx *txn.Txn, it *formatItem) []byte {
	start := len(dst)
	dst, ok := it.alias(dst, tx, &it.style)
	if !ok {
		dst = dst[:start]
		return f.missing(dst, it)
	}
	if it.quote {
		dst = quoteFrom(dst, start)
	}
	return dst
}

func (f *Format) value(dst []byte, tx *txn.Txn, it *formatItem) []byte {
	v, ok := it.expr.Eval(tx)
	if !ok || (v.Type == txn.TypeStr || v.Type == txn.TypeBin) && len(v.B) == 0 {
		return f.missing(dst, it)
	}
	start := len(dst)
	if it.quote {
		dst = append(dst, '"')
	}
	switch v.Type {
	case txn.TypeStr, txn.TypeMeth:
		dst = f.appendText(dst, v.B, it.style.esc)
	case txn.TypeBin:
		dst = f.appendText(dst, cast.CString(v.B), it.style.esc)
	case txn.TypeInt, txn.TypeBool:
		if it.style.hex {
			dst = cast.AppendHex(dst, uint64(v.Int), 1)
		} else {
			dst = cast.Append(dst, v)
		}
	default:
		if it.style.hex && v.Addr.IsValid() {
			dst = cast.AppendAddrHex(dst, v.Addr)
		} else {
			dst = cast.Append(dst, v)
		}
	}
	if it.quote {
		dst = append(dst, '"')
	} else if len(dst) == start {
		return f.missing(dst, it)
	}
	return dst
}

func (f *Format) appendText(dst, b []byte, esc bool) []byte {
	if f.log {
		return cast.AppendEscaped(dst, b, esc, cast.ForLogValue)
	}
	return cast.AppendEscaped(dst, b, esc, cast.ForHeader)
}

func (f *Format) missing(dst []byte, it *formatItem) []byte {
	switch {
	case !f.log:
		return dst
	case it.quote:
		return append(dst, `""`...)
	}
	return append(dst, '-')
}

// quotable says which aliases flag Q puts in quotes: texts and addresses, not dates, numbers and states.
func quotable(alias string) bool {
	switch alias {
	case "ci", "fi", "bi", "si", "f", "ft", "b", "s", "H", "HM", "HP", "HPO", "HQ", "HU", "HV", "ID", "r", "CC", "CS", "hr", "hs",
		"OG", "sslc", "sslv":
		return true
	}
	return false
}

// quoteFrom puts dst[start:] in quotes.
func quoteFrom(dst []byte, start int) []byte {
	dst = append(dst, 0, 0)
	copy(dst[start+1:], dst[start:len(dst)-2])
	dst[start], dst[len(dst)-1] = '"', '"'
	return dst
}
