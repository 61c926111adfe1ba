package sample

import (
	"net/netip"
	"strconv"
	"sync"
	"time"

	"eddy/internal/fastpath/proxy"
	"eddy/internal/fastpath/sample/cast"
	"eddy/internal/fastpath/sample/fetch"
	"eddy/internal/fastpath/txn"
)

// aliases is the code behind expr.Aliases.
var aliases = sync.OnceValue(func() map[string]alias {
	m := map[string]alias{
		"ci": func(d []byte, tx *txn.Txn, f *fieldStyle) ([]byte, bool) { return f.client(d, tx, true) },
		"cp": func(d []byte, tx *txn.Txn, f *fieldStyle) ([]byte, bool) { return f.clientPort(d, tx, true) },
		"fi": func(d []byte, tx *txn.Txn, f *fieldStyle) ([]byte, bool) { return f.client(d, tx, false) },
		"fp": func(d []byte, tx *txn.Txn, f *fieldStyle) ([]byte, bool) { return f.clientPort(d, tx, false) },
		"bi": func(d []byte, tx *txn.Txn, f *fieldStyle) ([]byte, bool) { return f.ip(d, tx.BackSrc) },
		"bp": func(d []byte, tx *txn.Txn, f *fieldStyle) ([]byte, bool) { return f.port(d, tx.BackSrc) },
		"si": func(d []byte, tx *txn.Txn, f *fieldStyle) ([]byte, bool) { return f.ip(d, fetch.ServerAddr(tx)) },
		"sp": func(d []byte, tx *txn.Txn, f *fieldStyle) ([]byte, bool) { return f.port(d, fetch.ServerAddr(tx)) },
		"H": func(d []byte, _ *txn.Txn, f *fieldStyle) ([]byte, bool) {
			return append(d, f.env.Process.Hostname...), true
		},
		"ID": func(d []byte, tx *txn.Txn, f *fieldStyle) ([]byte, bool) { return f.text(d, tx.UniqueID) },
		"OG": func(d []byte, _ *txn.Txn, _ *fieldStyle) ([]byte, bool) { return append(d, "txn_close"...), true },
		"ts": func(d []byte, tx *txn.Txn, _ *fieldStyle) ([]byte, bool) { return fetch.AppendState(d, tx), true },
		"tsc": func(d []byte, tx *txn.Txn, _ *fieldStyle) ([]byte, bool) {
			return append(fetch.AppendState(d, tx), "--"...), true
		},
		"CC": func(d []byte, tx *txn.Txn, f *fieldStyle) ([]byte, bool) {
			return f.text(d, fetch.CapturedCookie(tx, &tx.Req, "cookie"))
		},
		"CS": func(d []byte, tx *txn.Txn, f *fieldStyle) ([]byte, bool) {
			return f.text(d, fetch.CapturedCookie(tx, fetch.Response(tx), "set-cookie"))
		},
		"sslc": none,
		"sslv": none,
	}
	addNames(m)
	addNumbers(m)
	addDates(m)
	addHTTP(m)
	addCaptures(m)
	return m
})

func none(d []byte, _ *txn.Txn, _ *fieldStyle) ([]byte, bool) { return d, false }

// text appends untrusted text as the format wants it.
func (f *fieldStyle) text(d, b []byte) ([]byte, bool) {
	if len(b) == 0 {
		return d, false
	}
	if f.log {
		return cast.AppendEscaped(d, b, f.esc, cast.ForLog), true
	}
	return cast.AppendEscaped(d, b, f.esc, cast.ForHeader), true
}

func (f *fieldStyle) ip(d []byte, a netip.AddrPort) ([]byte, bool) {
	if !a.IsValid() {
		return d, false
	}
	if f.hex {
		return cast.AppendAddrHex(d, a.Addr()), true
	}
	return a.Addr().AppendTo(d), true
}

func (f *fieldStyle) port(d []byte, a netip.AddrPort) ([]byte, bool) {
	if !a.IsValid() {
		return d, false
	}
	if f.hex {
		return cast.AppendHex(d, uint64(a.Port()), 4), true
	}
	return strconv.AppendUint(d, uint64(a.Port()), 10), true
}

// client is an end of the client's connection; unix sockets are written "unix" with the listener's number as port
// (configuration.txt §8.2.1).
func (f *fieldStyle) client(d []byte, tx *txn.Txn, src bool) ([]byte, bool) {
	if tx.Conn == nil {
		return d, false
	}
	a := tx.Conn.Dst
	if src {
		a = tx.Conn.Src
	}
	if !a.IsValid() && tx.Conn.Unix {
		return append(d, "unix"...), true
	}
	return f.ip(d, a)
}

func (f *fieldStyle) clientPort(d []byte, tx *txn.Txn, src bool) ([]byte, bool) {
	if tx.Conn == nil {
		return d, false
	}
	a := tx.Conn.Dst
	if src {
		a = tx.Conn.Src
	}
	if !a.IsValid() && tx.Conn.Unix && tx.Conn.Listener != nil {
		return strconv.AppendInt(d, int64(tx.Conn.Listener.ID), 10), true
	}
	return f.port(d, a)
}

func addNames(m map[string]alias) {
	m["f"] = func(d []byte, tx *txn.Txn, _ *fieldStyle) ([]byte, bool) { return appendName(d, tx.Front) }
	m["ft"] = m["f"]
	m["b"] = func(d []byte, tx *txn.Txn, _ *fieldStyle) ([]byte, bool) {
		if tx.Back == nil {
			return appendName(d, tx.Front)
		}
		return appendName(d, tx.Back)
	}
	m["s"] = func(d []byte, tx *txn.Txn, _ *fieldStyle) ([]byte, bool) {
		switch {
		case tx.Server != nil:
			return append(d, tx.Server.Name...), true
		case tx.Service != nil:
			return append(d, "<lua>"...), true
		}
		return append(d, "<NOSRV>"...), true
	}
}

func appendName(d []byte, p *proxy.Proxy) ([]byte, bool) {
	if p == nil {
		return d, false
	}
	return append(d, p.Name...), true
}

// addNumbers are aliases that are one integer.
func addNumbers(m map[string]alias) {
	plain := func(name string, get func(tx *txn.Txn, e *Env) int64) {
		m[name] = func(d []byte, tx *txn.Txn, f *fieldStyle) ([]byte, bool) {
			return strconv.AppendInt(d, get(tx, f.env), 10), true
		}
	}
	hexable := func(name string, width int, get func(tx *txn.Txn, e *Env) int64) {
		m[name] = func(d []byte, tx *txn.Txn, f *fieldStyle) ([]byte, bool) {
			if f.hex {
				return cast.AppendHex(d, uint64(get(tx, f.env)), width), true
			}
			return strconv.AppendInt(d, get(tx, f.env), 10), true
		}
	}
	for name, timer := range map[string]func(*txn.Txn) int64{
		"Ta": fetch.TimerActive, "Tc": fetch.TimerConnect, "Td": fetch.TimerData, "Ti": fetch.TimerIdle, "Tq": fetch.TimerTq, "TR": fetch.TimerHeader,
		"Tr": fetch.TimerReply, "Tt": fetch.TimerTotal, "Tu": fetch.TimerUser, "Tw": fetch.TimerQueue,
	} {
		plain(name, func(tx *txn.Txn, _ *Env) int64 { return timer(tx) })
	}
	plain("Th", func(*txn.Txn, *Env) int64 { return 0 })
	plain("B", func(tx *txn.Txn, _ *Env) int64 { return tx.BytesOut })
	plain("U", func(tx *txn.Txn, _ *Env) int64 { return tx.BytesIn })
	plain("ST", func(tx *txn.Txn, _ *Env) int64 { return fetch.Status(tx) })
	plain("ac", func(_ *txn.Txn, e *Env) int64 { return e.Process.ConnCount() })
	plain("fc", func(tx *txn.Txn, _ *Env) int64 { return fetch.Conns(tx.Front, true) })
	plain("bc", func(tx *txn.Txn, _ *Env) int64 { return fetch.Conns(tx.Back, false) })
	plain("sc", func(tx *txn.Txn, _ *Env) int64 {
		if tx.Server == nil {
			return 0
		}
		return tx.Server.Conns.Load()
	})
	plain("bq", func(tx *txn.Txn, _ *Env) int64 { return int64(tx.BackQueue) })
	plain("sq", func(tx *txn.Txn, _ *Env) int64 { return int64(tx.ServerQueue) })
	plain("lc", func(tx *txn.Txn, _ *Env) int64 {
		if tx.Front == nil {
			return 0
		}
		return tx.Front.Logged.Add(1) - 1
	})
	hexable("pid", 1, func(_ *txn.Txn, e *Env) int64 { return int64(e.Process.PID) })
	hexable("rt", 4, func(tx *txn.Txn, _ *Env) int64 { return int64(tx.ID) })
	hexable("Ts", 1, func(tx *txn.Txn, _ *Env) int64 { return fetch.Ready(tx).Unix() })
	m["ms"] = func(d []byte, tx *txn.Txn, f *fieldStyle) ([]byte, bool) {
		ms := uint64(fetch.Ready(tx).Nanosecond() / int(time.Millisecond))
		if f.hex {
			return cast.AppendHex(d, ms, 2), true
		}
		d = append(d, byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
		return d, true
	}
	m["rc"] = func(d []byte, tx *txn.Txn, _ *fieldStyle) ([]byte, bool) {
		if tx.Redisp {
			d = append(d, '+')
		}
		return strconv.AppendInt(d, int64(tx.Retries), 10), true
	}
}

// addDates are aliases that are a date.
func addDates(m map[string]alias) {
	const (
		clf   = "02/Jan/2006:15:04:05 -0700"
		milli = "02/Jan/2006:15:04:05.000"
	)
	date := func(name, layout string, of func(*txn.Txn) time.Time, local bool) {
		m[name] = func(d []byte, tx *txn.Txn, _ *fieldStyle) ([]byte, bool) {
			t := of(tx)
			if local {
				t = t.Local()
			} else {
				t = t.UTC()
			}
			return t.AppendFormat(d, layout), true
		}
	}
	date("T", clf, fetch.Ready, false)
	date("Tl", clf, fetch.Ready, true)
	date("t", milli, fetch.Ready, true)
	date("tr", milli, fetch.Start, true)
	date("trg", clf, fetch.Start, false)
	date("trl", clf, fetch.Start, true)
}

// addHTTP are aliases of the request as it was received: rules that rewrite it do not show.
func addHTTP(m map[string]alias) {
	m["HV"] = func(d []byte, tx *txn.Txn, f *fieldStyle) ([]byte, bool) { return f.text(d, tx.Req.VersionText()) }
	m["HM"] = func(d []byte, tx *txn.Txn, f *fieldStyle) ([]byte, bool) { return f.text(d, tx.Req.Received().Method) }
	m["HU"] = func(d []byte, tx *txn.Txn, f *fieldStyle) ([]byte, bool) { return f.text(d, tx.Req.Received().Target) }
	m["HPO"] = func(d []byte, tx *txn.Txn, f *fieldStyle) ([]byte, bool) { return f.text(d, tx.Req.Received().Path) }
	m["HP"] = func(d []byte, tx *txn.Txn, f *fieldStyle) ([]byte, bool) {
		r := tx.Req.Received()
		if r.HasQuery {
			return f.text(d, r.Target[:len(r.Target)-len(r.Query)-1])
		}
		return f.text(d, r.Target)
	}
	m["HQ"] = func(d []byte, tx *txn.Txn, f *fieldStyle) ([]byte, bool) {
		r := tx.Req.Received()
		if !r.HasQuery {
			return d, false
		}
		d = append(d, '?')
		d, _ = f.text(d, r.Query)
		return d, true
	}
	m["r"] = func(d []byte, tx *txn.Txn, f *fieldStyle) ([]byte, bool) {
		if len(tx.Req.VersionText()) == 0 {
			return append(d, "<BADREQ>"...), true // not even its first line was understood
		}
		r := tx.Req.Received()
		d, _ = f.text(d, r.Method)
		d = append(d, ' ')
		d, _ = f.text(d, r.Target)
		d = append(d, ' ')
		return f.text(d, tx.Req.VersionText())
	}
}

// addCaptures are captured headers (configuration.txt §8.8).
func addCaptures(m map[string]alias) {
	m["hr"] = func(d []byte, tx *txn.Txn, f *fieldStyle) ([]byte, bool) { return f.captures(d, tx.Captures.Req, '|') }
	m["hs"] = func(d []byte, tx *txn.Txn, f *fieldStyle) ([]byte, bool) { return f.captures(d, tx.Captures.Res, '|') }
	m["hrl"] = func(d []byte, tx *txn.Txn, f *fieldStyle) ([]byte, bool) { return f.captures(d, tx.Captures.Req, ' ') }
	m["hsl"] = func(d []byte, tx *txn.Txn, f *fieldStyle) ([]byte, bool) { return f.captures(d, tx.Captures.Res, ' ') }
}

// captures writes {a|b}, or in CLF style the values with blanks between, each in quotes when asked for, and "-" for
// those that are missing.
func (f *fieldStyle) captures(d []byte, list [][]byte, sep byte) ([]byte, bool) {
	if len(list) == 0 {
		return d, true // no capture is configured: the field is not there
	}
	set := cast.ForHeader
	if f.log {
		set = cast.ForLogHeader
	}
	if sep == '|' {
		d = append(d, '{')
	}
	for i, v := range list {
		if i > 0 {
			d = append(d, sep)
		}
		start := len(d)
		if d = cast.AppendEscaped(d, v, f.esc, set); f.quote {
			d = quoteFrom(d, start)
		} else if len(v) == 0 && sep == ' ' {
			d = append(d, '-')
		}
	}
	if sep == '|' {
		d = append(d, '}')
	}
	return d, true
}
