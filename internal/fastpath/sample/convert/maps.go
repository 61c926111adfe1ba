package convert

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"eddy/internal/fastpath/patfile"
	"eddy/internal/fastpath/sample/call"
	"eddy/internal/fastpath/sample/cast"
	"eddy/internal/fastpath/txn"
)

// mapConverters look values up in map files.
func mapConverters() map[string]call.Converter {
	m := map[string]call.Converter{
		"map":      mapConverter(patfile.Str, ""),
		"map_regm": mapConverter(patfile.Reg, "regm"),
	}
	for _, method := range []patfile.Method{
		patfile.Str, patfile.Beg, patfile.Sub, patfile.Dir, patfile.Dom, patfile.End, patfile.Reg, patfile.Int, patfile.IP,
	} {
		name := "map_" + method.String()
		m[name] = mapConverter(method, "")
		m[name+"_str"] = mapConverter(method, "")
		m[name+"_int"] = mapConverter(method, "int")
		m[name+"_ip"] = mapConverter(method, "ip")
		m[name+"_key"] = mapConverter(method, "key")
	}
	return m
}

// lookup is a map converter's map and what comes out of it.
type lookup struct {
	view    *patfile.View
	out     string // "", "int", "ip", "key" or "regm"
	missing txn.Value
	hasMiss bool
}

func mapConverter(method patfile.Method, out string) call.Converter {
	return call.Converter{
		Prepare: func(c *call.Call) error {
			l := &lookup{out: out}
			if err := l.open(c, method); err != nil {
				return err
			}
			if len(c.Args) > 1 {
				var ok bool
				if l.missing, ok = mapValue(c.Text(1), out); !ok {
					return fmt.Errorf("the default %q is no %s", c.Text(1), out)
				}
				l.hasMiss = true
			}
			c.Data = l
			return nil
		},
		Apply: func(tx *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool) {
			l := c.Data.(*lookup)
			return l.find(tx, v)
		},
	}
}

func (l *lookup) open(c *call.Call, method patfile.Method) error {
	if c.World.Files == nil {
		return errors.New("maps can't be read here")
	}
	f, err := c.World.Files.Open(c.Text(0), true)
	if err != nil {
		return fmt.Errorf("the map can't be read: %w", err)
	}
	var bad error
	l.view = f.View(method, false, func(e *patfile.Entry, err error) {
		bad = errors.Join(bad, fmt.Errorf("%s, line %d: %w", f.Name, e.Line, err))
	})
	if bad != nil {
		return bad
	}
	for _, e := range f.Entries() {
		if _, ok := mapValue(e.Value, l.out); !ok {
			return fmt.Errorf("%s, line %d: the value %q is no %s", f.Name, e.Line, e.Value, l.out)
		}
	}
	return nil
}

// mapValue reads a value by the map's type of output.
func mapValue(text, out string) (txn.Value, bool) {
	switch out {
	case "int":
		n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		return cast.Num(n), err == nil
	case "ip":
		a, ok := cast.ParseAddr([]byte(text))
		if !ok {
			return txn.Value{}, false
		}
		return cast.Addr(a)
	}
	return cast.Str([]byte(text)), true
}

func (l *lookup) find(tx *txn.Txn, v txn.Value) (txn.Value, bool) {
	var m patfile.Match
	var value string
	var ok bool
	switch l.view.Method() {
	case patfile.Int:
		m, value, ok = l.view.Number(v.Int)
	case patfile.IP:
		m, value, ok = l.view.Addr(v.Addr)
	default:
		m, value, ok = l.view.Text(v.B)
	}
	if !ok {
		return l.missing, l.hasMiss
	}
	switch l.out {
	case "key":
		return cast.Keep(tx, m.Pattern), true
	case "int", "ip":
		return mapValue(value, l.out)
	case "regm":
		at := m.Re.FindSubmatchIndex(v.B)
		if at == nil {
			return txn.Value{}, false
		}
		return cast.Str(cast.AppendExpanded(tx.Scratch.Take(len(value) + len(v.B))[:0], []byte(value), v.B, at)), true
	}
	return cast.Keep(tx, value), true
}
