package sample

import (
	"strings"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/proxy"
	"eddy/internal/fastpath/txn"
)

// outsideConverters read or change something besides their input.
func outsideConverters() map[string]converter {
	capture := func(d txn.Dir) converter {
		return does(func(tx *txn.Txn, v txn.Value, c *call) (txn.Value, bool) {
			StoreCapture(tx, d, int(c.int(0, 0)), v.B)
			return v, true
		})
	}
	return map[string]converter{
		"capture-req": capture(txn.Req),
		"capture-res": capture(txn.Res),
		"set-var": {
			prepare: func(c *call) error {
				var words []string
				for _, a := range c.args[1:] {
					words = append(words, a.text)
				}
				conds, _ := ParseSetConds(words)
				c.data = conds
				return nil
			},
			apply: func(tx *txn.Txn, v txn.Value, c *call) (txn.Value, bool) {
				c.args[0].v.SetIf(tx, v, c.data.(SetConds))
				return v, true
			},
		},
		"unset-var": does(func(tx *txn.Txn, v txn.Value, c *call) (txn.Value, bool) {
			c.args[0].v.Unset(tx)
			return v, true
		}),
		"debug": does(debug),
		"fe_exists": does(func(_ *txn.Txn, v txn.Value, c *call) (txn.Value, bool) {
			return boolean(c.env.find(v.B, model.Frontend) != nil), true
		}),
		"nbsrv": does(func(_ *txn.Txn, v txn.Value, c *call) (txn.Value, bool) {
			p := c.env.find(v.B, model.Backend)
			if p == nil {
				return txn.Value{}, false
			}
			return num(int64(p.Usable())), true
		}),
		"srv_is_up": does(func(tx *txn.Txn, v txn.Value, c *call) (txn.Value, bool) {
			s := c.env.findServer(tx, v.B)
			return boolean(s != nil && serverUp(s)), s != nil
		}),
		"srv_queue": does(func(tx *txn.Txn, v txn.Value, c *call) (txn.Value, bool) {
			s := c.env.findServer(tx, v.B)
			if s == nil {
				return txn.Value{}, false
			}
			return num(s.Queue.Load()), true
		}),
	}
}

func (e *Env) find(name []byte, side model.Side) *proxy.Proxy {
	if e.Proxies == nil {
		return nil
	}
	return e.Proxies.Find(string(name), side)
}

// findServer finds "backend/server", or a server of the current backend.
func (e *Env) findServer(tx *txn.Txn, name []byte) *proxy.Server {
	be, srv, ok := strings.Cut(string(name), "/")
	p := currentBackend(tx)
	if ok {
		p = e.find([]byte(be), model.Backend)
	} else {
		srv = be
	}
	if p == nil {
		return nil
	}
	return p.Server(srv)
}

// debug writes "[debug] prefix: type=... <value>" to a sink and passes its input on.
func debug(_ *txn.Txn, v txn.Value, c *call) (txn.Value, bool) {
	if c.env.Process.Debug == nil {
		return v, true
	}
	line := append([]byte("[debug] "), orText(c.text(0), "generic")...)
	line = append(line, ": type="...)
	line = append(line, typeName(v.Type)...)
	line = append(line, " <"...)
	line = appendEscaped(line, AppendValue(nil, v), false, logField)
	line = append(line, '>')
	c.env.Process.Debug(orText(c.text(1), "buf0"), line)
	return v, true
}

func typeName(t txn.ValueType) string {
	return [...]string{"any", "bool", "sint", "addr", "str", "bin", "meth"}[t]
}
