package fetch

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	mathrand "math/rand/v2"
	"strconv"
	"strings"
	"time"

	"eddy/internal/fastpath/sample/call"
	"eddy/internal/fastpath/sample/cast"
	"eddy/internal/fastpath/txn"
)

// constantFetches are constants and variables.
func constantFetches() map[string]call.Fetch {
	constant := func(v func(c *call.Call) txn.Value) call.Fetch {
		return call.Fetch{
			Get:     func(_ *txn.Txn, c *call.Call) (txn.Value, bool) { return c.Data.(txn.Value), true },
			Prepare: func(c *call.Call) error { c.Data = v(c); return nil },
		}
	}
	address := constant(func(c *call.Call) txn.Value { return txn.Value{Type: txn.TypeAddr, Addr: c.Args[0].Addr} })
	return map[string]call.Fetch{
		"always_false": fixed(cast.Bool(false)),
		"always_true":  fixed(cast.Bool(true)),
		"bin":          constant(func(c *call.Call) txn.Value { return cast.Bin(c.Bytes(0)) }),
		"bool":         constant(func(c *call.Call) txn.Value { return cast.Bool(c.Int(0, 0) != 0) }),
		"int":          constant(func(c *call.Call) txn.Value { return cast.Num(c.Int(0, 0)) }),
		"ipv4":         address,
		"ipv6":         address,
		"meth":         constant(func(c *call.Call) txn.Value { return cast.Meth(c.Bytes(0)) }),
		"str":          constant(func(c *call.Call) txn.Value { return cast.Str(c.Bytes(0)) }),
		"nbproc":       fixed(cast.Num(1)),
		"proc":         fixed(cast.Num(1)),
		"quic_enabled": fixed(cast.Bool(false)),
		"tgroup":       fixed(cast.Num(0)),
		"thread":       fixed(cast.Num(0)),
		"var": one(func(tx *txn.Txn, c *call.Call) (txn.Value, bool) {
			if v, ok := c.Args[0].Var.Get(tx); ok {
				return v, true
			}
			if len(c.Args) > 1 {
				return cast.Str(c.Bytes(1)), true
			}
			return txn.Value{}, false
		}),
		"dump_all_vars": one(dumpVars),
	}
}

// processFetches tell of the process and the machine.
func processFetches() map[string]call.Fetch {
	return map[string]call.Fetch{
		"act_conn": integer(func(_ *txn.Txn, c *call.Call) int64 { return c.World.Process.ConnCount() }),
		"date": integer(func(_ *txn.Txn, c *call.Call) int64 {
			return unit(time.Now(), c.Text(1)) + c.Int(0, 0)
		}),
		"date_us": integer(func(*txn.Txn, *call.Call) int64 { return int64(time.Now().Nanosecond() / 1000) }),
		"env":     {Get: func(_ *txn.Txn, c *call.Call) (txn.Value, bool) { v, ok := c.Data.(txn.Value); return v, ok }, Prepare: readEnv},
		"hostname": one(func(tx *txn.Txn, c *call.Call) (txn.Value, bool) {
			return cast.Keep(tx, c.World.Process.Hostname), true
		}),
		"nbthread": integer(func(_ *txn.Txn, c *call.Call) int64 { return int64(max(1, c.World.Process.Threads)) }),
		"pid":      integer(func(_ *txn.Txn, c *call.Call) int64 { return int64(c.World.Process.PID) }),
		"rand": integer(func(_ *txn.Txn, c *call.Call) int64 {
			if n := c.Int(0, 1<<32); n > 0 {
				return mathrand.Int64N(n)
			}
			return 0
		}),
		"stopping": one(func(_ *txn.Txn, c *call.Call) (txn.Value, bool) {
			return cast.Bool(c.World.Process.Stopping != nil && c.World.Process.Stopping()), true
		}),
		"uptime": integer(func(_ *txn.Txn, c *call.Call) int64 {
			if c.World.Process.Started.IsZero() {
				return 0
			}
			return int64(time.Since(c.World.Process.Started).Seconds())
		}),
		"uuid":    one(func(tx *txn.Txn, c *call.Call) (txn.Value, bool) { return cast.Str(uuid(tx, c.Text(0) == "7")), true }),
		"version": one(func(tx *txn.Txn, c *call.Call) (txn.Value, bool) { return cast.Keep(tx, c.World.Process.Version), true }),
	}
}

func readEnv(c *call.Call) error {
	if c.World.Process.Env == nil {
		return nil
	}
	if v, ok := c.World.Process.Env(c.Text(0)); ok {
		c.Data = cast.Str([]byte(v))
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
func dumpVars(tx *txn.Txn, c *call.Call) (txn.Value, bool) {
	delim := ", "
	if c.Has(2) {
		delim = c.Text(2)
	}
	var out []byte
	dump := func(scope string, each func(func(string, txn.Value))) {
		if c.Has(0) && c.Text(0) != scope {
			return
		}
		each(func(name string, v txn.Value) {
			if !strings.HasPrefix(name, c.Text(1)) {
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
	if c.World.Proc != nil {
		dump("proc", c.World.Proc.Each)
	}
	return cast.Str(out), true
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
	return cast.Append(out, v)
}
