package convert

import (
	"eddy/internal/config/model"
	"eddy/internal/fastpath/sample/call"
	"eddy/internal/fastpath/sample/cast"
	"eddy/internal/fastpath/txn"
)

// outsideConverters read or change something besides their input.
func outsideConverters() map[string]call.Converter {
	capture := func(d txn.Dir) call.Converter {
		return does(func(tx *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool) {
			call.StoreCapture(tx, d, int(c.Int(0, 0)), v.B)
			return v, true
		})
	}
	return map[string]call.Converter{
		"capture-req": capture(txn.Req),
		"capture-res": capture(txn.Res),
		"set-var": {
			Prepare: func(c *call.Call) error {
				var words []string
				for _, a := range c.Args[1:] {
					words = append(words, a.Text)
				}
				conds, _ := call.ParseSetConds(words)
				c.Data = conds
				return nil
			},
			Apply: func(tx *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool) {
				c.Args[0].Var.SetIf(tx, v, c.Data.(call.SetConds))
				return v, true
			},
		},
		"unset-var": does(func(tx *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool) {
			c.Args[0].Var.Unset(tx)
			return v, true
		}),
		"debug": does(debug),
		"fe_exists": does(func(_ *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool) {
			return cast.Bool(c.World.Find(v.B, model.Frontend) != nil), true
		}),
		"nbsrv": does(func(_ *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool) {
			p := c.World.Find(v.B, model.Backend)
			if p == nil {
				return txn.Value{}, false
			}
			return cast.Num(int64(p.Usable())), true
		}),
		"srv_is_up": does(func(tx *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool) {
			s := c.World.FindServer(tx, v.B)
			return cast.Bool(s != nil && call.ServerUp(s)), s != nil
		}),
		"srv_queue": does(func(tx *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool) {
			s := c.World.FindServer(tx, v.B)
			if s == nil {
				return txn.Value{}, false
			}
			return cast.Num(s.Queue.Load()), true
		}),
	}
}

// debug writes "[debug] prefix: type=... <value>" to a sink and passes its input on.
func debug(_ *txn.Txn, v txn.Value, c *call.Call) (txn.Value, bool) {
	if c.World.Process.Debug == nil {
		return v, true
	}
	line := append([]byte("[debug] "), orText(c.Text(0), "generic")...)
	line = append(line, ": type="...)
	line = append(line, typeName(v.Type)...)
	line = append(line, " <"...)
	line = cast.AppendEscaped(line, cast.Append(nil, v), false, cast.ForLog)
	line = append(line, '>')
	c.World.Process.Debug(orText(c.Text(1), "buf0"), line)
	return v, true
}

func typeName(t txn.ValueType) string {
	return [...]string{"any", "bool", "sint", "addr", "str", "bin", "meth"}[t]
}
