package haproxy

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"

	"eddy/internal/config/expr"
	"eddy/internal/config/model"
	"eddy/internal/fastpath/http1"
	"eddy/internal/fastpath/txn"
	"eddy/internal/script/haproxy/lib"
	"eddy/internal/script/vm"
)

// message reads arguments 1 and 2, handle and direction, and gives the message.
func (u *unit) message(c *vm.Call) (*call, *http1.Message, error) {
	d, _ := c.Int(2)
	return u.messageOf(c, txn.Dir(d&1))
}

// messageOf gives a message of the transaction of argument 1.
func (u *unit) messageOf(c *vm.Call, dir txn.Dir) (*call, *http1.Message, error) {
	k, tx, err := u.selfTxn(c)
	if err != nil {
		return nil, nil, err
	}
	switch {
	case tx.Mode != model.ModeHTTP:
		return nil, nil, errors.New("there is no HTTP message here; the proxy is not in mode http")
	case dir == txn.Req:
		return k, &tx.Req, nil
	case !tx.HasRes:
		return nil, nil, errors.New("there is no response yet; use this in an http-response action")
	}
	return k, &tx.Res, nil
}

func (u *unit) httpFuncs() lib.Funcs {
	return lib.Funcs{
		"http_headers":    u.httpHeaders,
		"http_add":        func(c *vm.Call) error { return u.httpPut(c, "add_header", false) },
		"http_set":        func(c *vm.Call) error { return u.httpPut(c, "set_header", true) },
		"http_del":        u.httpDel,
		"http_rep":        u.httpReplace,
		"http_stline":     u.httpStartLine,
		"http_set_method": u.target("req_set_method", (*http1.Message).SetMethod, spanMethod),
		"http_set_path":   u.target("req_set_path", (*http1.Message).SetPath, spanPath, spanPathQ, spanURL),
		"http_set_query":  u.target("req_set_query", (*http1.Message).SetQuery, spanQuery, spanPathQ, spanURL),
		"http_set_uri":    u.target("req_set_uri", (*http1.Message).SetTarget, spanPath, spanPathQ, spanURL, spanQuery),
		"http_set_status": u.httpSetStatus,
		"http_reason":     httpReason,
		"msg_body":        u.msgBody,
		"msg_input":       u.msgInput,
		"msg_eom":         u.msgEnd,
	}
}

// httpHeaders(handle, dir) returns name, value, name, value ... in order, names as received.
func (u *unit) httpHeaders(c *vm.Call) error {
	_, m, err := u.message(c)
	if err != nil {
		return err
	}
	for i := range m.Len() {
		c.PushBytes(m.Name(i))
		c.PushBytes(m.Value(i))
	}
	return nil
}

// httpPut(handle, dir, name, value)
func (u *unit) httpPut(c *vm.Call, who string, replace bool) error {
	_, m, err := u.message(c)
	if err != nil {
		return err
	}
	name, err := lib.Bytes(c, 3, who, 1)
	if err != nil {
		return err
	}
	value, err := lib.Bytes(c, 4, who, 2)
	if err != nil {
		return err
	}
	ok := false
	if replace {
		ok = m.Set(string(name), value)
	} else {
		ok = m.Add(name, value)
	}
	if !ok {
		return fmt.Errorf("%s: header %q cannot be sent with this value: names are letters, digits and a few signs, "+
			"values have no line breaks", who, name)
	}
	return nil
}

func (u *unit) httpDel(c *vm.Call) error {
	_, m, err := u.message(c)
	if err != nil {
		return err
	}
	name, err := lib.Str(c, 3, "del_header", 1)
	if err != nil {
		return err
	}
	m.Del(name)
	return nil
}

// httpReplace(handle, dir, name, regex, replacement, by value) replaces matching lines, or matching values of
// comma-separated lists (lua-api, HTTPMessage.rep_header and rep_value).
func (u *unit) httpReplace(c *vm.Call) error {
	_, m, err := u.message(c)
	if err != nil {
		return err
	}
	who := "rep_header"
	if c.Bool(6) {
		who = "rep_value"
	}
	name, err := lib.Str(c, 3, who, 1)
	if err != nil {
		return err
	}
	re, err := u.regexArg(c, 4, who)
	if err != nil {
		return err
	}
	by, err := lib.Str(c, 5, who, 3)
	if err != nil {
		return err
	}
	for i := m.Find(name, 0); i >= 0; i = m.Find(name, i+1) {
		old := m.Value(i)
		var now []byte
		if c.Bool(6) {
			now = replaceValues(re, old, by)
		} else {
			now, _ = replaceWhole(re, old, by)
		}
		if now != nil && !m.SetValueAt(i, now) {
			return fmt.Errorf("%s: the new value of %q has a line break", who, name)
		}
	}
	return nil
}

// maxRegexes bounds the compiled expressions that a state keeps for rep_header and rep_value.
const maxRegexes = 256

// regexArg compiles the expression in argument i; those that were used last are kept.
func (u *unit) regexArg(c *vm.Call, i int, who string) (*regexp.Regexp, error) {
	s, err := lib.Str(c, i, who, 2)
	if err != nil {
		return nil, err
	}
	if re := u.regexes[s]; re != nil {
		return re, nil
	}
	re, hint, err := expr.CompileRegex(s, false)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", who, lib.WithHint(err, hint))
	}
	if len(u.regexes) >= maxRegexes {
		clear(u.regexes)
	}
	u.regexes[s] = re
	return re, nil
}

// replaceWhole gives the replacement for a value that re matches; nil when it does not.
func replaceWhole(re *regexp.Regexp, value []byte, by string) ([]byte, bool) {
	m := re.FindSubmatchIndex(value)
	if m == nil {
		return nil, false
	}
	return expand([]byte{}, by, value, m), true
}

// replaceValues does that for each value of a comma-separated list; blanks around a value stay. nil: no match.
func replaceValues(re *regexp.Regexp, list []byte, by string) []byte {
	var out []byte
	found := false
	for i, item := range bytes.Split(list, []byte{','}) {
		if i > 0 {
			out = append(out, ',')
		}
		value := bytes.Trim(item, " \t")
		now, ok := replaceWhole(re, value, by)
		if !ok {
			out = append(out, item...)
			continue
		}
		found = true
		at := bytes.Index(item, value)
		out = append(append(append(out, item[:at]...), now...), item[at+len(value):]...)
	}
	if !found {
		return nil
	}
	return out
}

// expand writes a replacement text: \0 to \9 are groups, a backslash makes the next byte plain.
func expand(dst []byte, by string, src []byte, m []int) []byte {
	for i := 0; i < len(by); i++ {
		if by[i] != '\\' || i+1 == len(by) {
			dst = append(dst, by[i])
			continue
		}
		i++
		if by[i] < '0' || by[i] > '9' {
			dst = append(dst, by[i])
			continue
		}
		if g := 2 * int(by[i]-'0'); g < len(m) && m[g] >= 0 {
			dst = append(dst, src[m[g]:m[g+1]]...)
		}
	}
	return dst
}

// httpStartLine(handle, dir): method, uri, version or version, code, reason; all strings.
func (u *unit) httpStartLine(c *vm.Call) error {
	_, m, err := u.message(c)
	if err != nil {
		return err
	}
	if m.IsResponse() {
		c.PushBytes(m.VersionText())
		c.PushStr(fmt.Sprint(m.Status()))
		c.PushBytes(m.Reason())
		return nil
	}
	c.PushBytes(m.Method())
	c.PushBytes(m.Target())
	c.PushBytes(m.VersionText())
	return nil
}

// target makes a Func(handle, text) that changes the request line; spans are what Lua must no longer read out of the
// head as received. It returns whether the text was taken.
func (u *unit) target(who string, set func(*http1.Message, []byte) bool, spans ...int) vm.Func {
	return func(c *vm.Call) error {
		k, m, err := u.messageOf(c, txn.Req)
		if err != nil {
			return err
		}
		v, err := lib.Bytes(c, 2, who, 1)
		if err != nil {
			return err
		}
		ok := set(m, v)
		if ok {
			k.hide(spans...)
		}
		c.PushBool(ok)
		return nil
	}
}

// httpSetStatus(handle, code, reason)
func (u *unit) httpSetStatus(c *vm.Call) error {
	_, m, err := u.messageOf(c, txn.Res)
	if err != nil {
		return err
	}
	code, err := lib.Int(c, 2, "res_set_status", 1)
	if err != nil {
		return err
	}
	if code < 100 || code > 999 {
		return fmt.Errorf("res_set_status: %d is no status; give a number from 100 to 999", code)
	}
	var reason []byte
	if !c.IsNil(3) {
		if reason, err = lib.Bytes(c, 3, "res_set_status", 2); err != nil {
			return err
		}
	}
	m.SetStatus(int(code), reason)
	return nil
}

// httpReason(status) is the standard reason, for Reply.
func httpReason(c *vm.Call) error {
	n, _ := c.Int(1)
	if n < 100 || n > 999 {
		c.PushStr("")
		return nil
	}
	c.PushStr(http1.StatusText(int(n)))
	return nil
}

// msgBody(handle, dir, offset, length) is what of the body is buffered.
func (u *unit) msgBody(c *vm.Call) error {
	data, done, err := u.body(c)
	if err != nil {
		return err
	}
	part, _, _, err := window(c, 3, data, "http_msg:body")
	if err != nil {
		return err
	}
	pushData(c, part, done && len(data) == 0)
	return nil
}

func (u *unit) body(c *vm.Call) (data []byte, done bool, err error) {
	k, _, err := u.message(c)
	if err != nil {
		return nil, false, err
	}
	if k.tx.Control == nil {
		return nil, false, errNoStream
	}
	d, _ := c.Int(2)
	data, done = k.tx.Control.Body(txn.Dir(d & 1))
	return data, done, nil
}

func (u *unit) msgInput(c *vm.Call) error {
	data, _, err := u.body(c)
	if err == nil {
		c.PushInt(int64(len(data)))
	}
	return err
}

func (u *unit) msgEnd(c *vm.Call) error {
	_, done, err := u.body(c)
	if err == nil {
		c.PushBool(done)
	}
	return err
}
