package sample

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	mathrand "math/rand/v2"
	"strconv"
	"strings"
	"time"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/txn"
)

// constantFetches are constants and variables.
func constantFetches() map[string]fetch {
	constant := func(v func(c *call) txn.Value) fetch {
		return fetch{
			get:     func(_ *txn.Txn, c *call) (txn.Value, bool) { return c.data.(txn.Value), true },
			prepare: func(c *call) error { c.data = v(c); return nil },
		}
	}
	address := constant(func(c *call) txn.Value { return txn.Value{Type: txn.TypeAddr, Addr: c.args[0].addr} })
	return map[string]fetch{
		"always_false": fixed(boolean(false)),
		"always_true":  fixed(boolean(true)),
		"bin":          constant(func(c *call) txn.Value { return bin(c.bytes(0)) }),
		"bool":         constant(func(c *call) txn.Value { return boolean(c.int(0, 0) != 0) }),
		"int":          constant(func(c *call) txn.Value { return num(c.int(0, 0)) }),
		"ipv4":         address,
		"ipv6":         address,
		"meth":         constant(func(c *call) txn.Value { return meth(c.bytes(0)) }),
		"str":          constant(func(c *call) txn.Value { return str(c.bytes(0)) }),
		"nbproc":       fixed(num(1)),
		"proc":         fixed(num(1)),
		"quic_enabled": fixed(boolean(false)),
		"tgroup":       fixed(num(0)),
		"thread":       fixed(num(0)),
		"var": one(func(tx *txn.Txn, c *call) (txn.Value, bool) {
			if v, ok := c.args[0].v.Get(tx); ok {
				return v, true
			}
			if len(c.args) > 1 {
				return str(c.bytes(1)), true
			}
			return txn.Value{}, false
		}),
		"acl":           {get: namedACLs, prepare: buildNamedACLs},
		"dump_all_vars": one(dumpVars),
	}
}

// processFetches tell of the process and the machine.
func processFetches() map[string]fetch {
	return map[string]fetch{
		"act_conn": integer(func(_ *txn.Txn, c *call) int64 { return c.env.conns() }),
		"date": integer(func(_ *txn.Txn, c *call) int64 {
			return unit(time.Now(), c.text(1)) + c.int(0, 0)
		}),
		"date_us":  integer(func(*txn.Txn, *call) int64 { return int64(time.Now().Nanosecond() / 1000) }),
		"env":      {get: func(_ *txn.Txn, c *call) (txn.Value, bool) { v, ok := c.data.(txn.Value); return v, ok }, prepare: readEnv},
		"hostname": one(func(tx *txn.Txn, c *call) (txn.Value, bool) { return keep(tx, c.env.Process.Hostname), true }),
		"nbthread": integer(func(_ *txn.Txn, c *call) int64 { return int64(max(1, c.env.Process.Threads)) }),
		"pid":      integer(func(_ *txn.Txn, c *call) int64 { return int64(c.env.Process.PID) }),
		"rand": integer(func(_ *txn.Txn, c *call) int64 {
			if n := c.int(0, 1<<32); n > 0 {
				return mathrand.Int64N(n)
			}
			return 0
		}),
		"stopping": one(func(_ *txn.Txn, c *call) (txn.Value, bool) {
			return boolean(c.env.Process.Stopping != nil && c.env.Process.Stopping()), true
		}),
		"uptime": integer(func(_ *txn.Txn, c *call) int64 {
			if c.env.Process.Started.IsZero() {
				return 0
			}
			return int64(time.Since(c.env.Process.Started).Seconds())
		}),
		"uuid":    one(func(tx *txn.Txn, c *call) (txn.Value, bool) { return str(uuid(tx, c.text(0) == "7")), true }),
		"version": one(func(tx *txn.Txn, c *call) (txn.Value, bool) { return keep(tx, c.env.Process.Version), true }),
	}
}

func (e *Env) conns() int64 {
	if e.Process.Conns == nil {
		return 0
	}
	return e.Process.Conns()
}

func readEnv(c *call) error {
	if c.env.Process.Env == nil {
		return nil
	}
	if v, ok := c.env.Process.Env(c.text(0)); ok {
		c.data = str([]byte(v))
	}
	return nil
}

// uuid makes a UUID (RFC 9562), random or by time.
func uuid(tx *txn.Txn, byTime bool) []byte {
	var u [16]byte
	rand.Read(u[:]) // never fails
	version := byte(4)
	if byTime {
		version = 7
		ms := uint64(time.Now().UnixMilli())
		binary.BigEndian.PutUint16(u[:], uint16(ms>>32))
		binary.BigEndian.PutUint32(u[2:], uint32(ms))
	}
	u[6] = u[6]&0x0f | version<<4
	u[8] = u[8]&0x3f | 0x80
	out := tx.Scratch.Take(36)
	const digits = "0123456789abcdef"
	k := 0
	for i, b := range u {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			out[k] = '-'
			k++
		}
		out[k], out[k+1] = digits[b>>4], digits[b&15]
		k += 2
	}
	return out
}

// dumpVars writes variables as name=value (configuration.txt §7.3.2 dump_all_vars).
func dumpVars(tx *txn.Txn, c *call) (txn.Value, bool) {
	delim := ", "
	if c.has(2) {
		delim = c.text(2)
	}
	var out []byte
	dump := func(scope string, each func(func(string, txn.Value))) {
		if c.has(0) && c.text(0) != scope {
			return
		}
		each(func(name string, v txn.Value) {
			if !strings.HasPrefix(name, c.text(1)) {
				return
			}
			if len(out) > 0 {
				out = append(out, delim...)
			}
			out = append(out, scope+"."+name+"="...)
			out = appendDump(out, v)
		})
	}
	if tx.Conn != nil {
		dump("sess", tx.Conn.Vars.Each)
	}
	dump("txn", tx.Vars.Each)
	dump("req", tx.ReqVars.Each)
	dump("res", tx.ResVars.Each)
	if c.env.Proc != nil {
		dump("proc", c.env.Proc.Each)
	}
	return str(out), true
}

func appendDump(out []byte, v txn.Value) []byte {
	switch v.Type {
	case txn.TypeBool:
		return strconv.AppendBool(out, v.Int != 0)
	case txn.TypeBin:
		return fmt.Appendf(append(out, 'x'), "%x", v.B)
	case txn.TypeStr, txn.TypeMeth:
		out = append(out, '"')
		for _, b := range v.B {
			switch b {
			case '"', '\\':
				out = append(out, '\\', b)
			case '\r':
				out = append(out, `\r`...)
			case '\n':
				out = append(out, `\n`...)
			case '\b':
				out = append(out, `\b`...)
			case 0:
				out = append(out, `\0`...)
			default:
				out = append(out, b)
			}
		}
		return append(out, '"')
	}
	return AppendValue(out, v)
}

// namedACLs is acl(name,...): all of them hold.
func namedACLs(tx *txn.Txn, c *call) (txn.Value, bool) {
	for _, t := range c.data.([]term) {
		switch t.eval(tx) {
		case no:
			return boolean(false), true
		case maybe:
			tx.Undecided = true
			return txn.Value{}, false
		}
	}
	return boolean(true), true
}

func buildNamedACLs(c *call) error {
	var terms []term
	for i := range c.args {
		if len(c.args[i].acls) == 0 {
			return fmt.Errorf("there is no ACL %q here", c.text(i))
		}
		terms = append(terms, c.env.term(model.Term{Not: strings.HasPrefix(c.text(i), "!"), ACLs: c.args[i].acls}))
	}
	c.data = terms
	return nil
}
