package haproxy

import (
	"eddy/internal/config/model"
	"eddy/internal/fastpath/sample"
	"eddy/internal/fastpath/txn"
	"eddy/internal/script/vm"
)

// Fetch finds a registered sample fetch by its name without "lua.". With it and Converter a Binding is a
// sample.Scripted.
func (b *Binding) Fetch(name string) (func(tx *txn.Txn, args []string) (txn.Value, bool), bool) {
	r := b.reg.fetches[name]
	if r == nil {
		return nil, false
	}
	return func(tx *txn.Txn, args []string) (txn.Value, bool) {
		k := b.enter(tx, r, "sample-fetch")
		if k == nil {
			return txn.Value{}, false
		}
		k.show()
		k.r.Args = append(k.r.Args[:0], vm.Int(k.handle))
		return k.sample(r, vm.KindFetch, args)
	}, true
}

// Converter finds a registered converter by its name without "lua.". Its function gets the input as a string.
func (b *Binding) Converter(name string) (func(tx *txn.Txn, in txn.Value, args []string) (txn.Value, bool), bool) {
	r := b.reg.converters[name]
	if r == nil {
		return nil, false
	}
	return func(tx *txn.Txn, in txn.Value, args []string) (txn.Value, bool) {
		if tx == nil {
			tx = &txn.Txn{Stage: txn.StageTask, Conn: new(txn.Conn)}
			defer func() {
				if tx.Script != nil {
					tx.Script.Close()
				}
			}()
		}
		k := b.enter(tx, r, "converter")
		if k == nil {
			return txn.Value{}, false
		}
		k.r.Args = append(k.r.Args[:0], vm.Bytes(sample.AppendValue(nil, in)))
		return k.sample(r, vm.KindConverter, args)
	}, true
}

// CheckFetch and CheckConverter give the error for a name that no script registered, or nil. name comes without
// "lua.".
func (b *Binding) CheckFetch(name string) error {
	if b.reg.fetches[name] == nil {
		return unknown("sample fetch", name, b.reg.fetches)
	}
	return nil
}

// CheckConverter is CheckFetch for converters.
func (b *Binding) CheckConverter(name string) error {
	if b.reg.converters[name] == nil {
		return unknown("converter", name, b.reg.converters)
	}
	return nil
}

// sample runs a fetch or converter whose first argument stands in k.r.Args and turns its result into a sample.
func (k *call) sample(r *registration, kind vm.RunKind, args []string) (txn.Value, bool) {
	for _, a := range args {
		k.r.Args = append(k.r.Args, vm.Str(a))
	}
	if err := k.drive(k.b.stream, r.in(k.u), kind, k.u.limits.session); err != nil {
		k.report(err)
		return txn.Value{}, false
	}
	v, ok := k.first()
	if !ok {
		return txn.Value{}, false
	}
	return toSample(v), true
}

// toSample converts as lua.txt says ("About the converters entry point"): numbers to integers, strings to strings,
// booleans to booleans, all else to false.
func toSample(v vm.Value) txn.Value {
	switch v.Kind {
	case vm.KindStr:
		s, _ := v.AsStr()
		return txn.Value{Type: txn.TypeStr, B: []byte(s)}
	case vm.KindInt, vm.KindNum:
		if n, ok := v.AsInt(); ok {
			return txn.Value{Type: txn.TypeInt, Int: n}
		}
		f, _ := v.AsNum()
		return txn.Value{Type: txn.TypeInt, Int: truncate(f)}
	case vm.KindBool:
		if v.Truth() {
			return txn.Value{Type: txn.TypeBool, Int: 1}
		}
	}
	return txn.Value{Type: txn.TypeBool}
}

// truncate cuts the fraction off; what does not fit becomes the nearest integer that does, and NaN 0.
func truncate(f float64) int64 {
	switch {
	case f != f:
		return 0
	case f >= 1<<63:
		return 1<<63 - 1
	case f <= -(1 << 63):
		return -1 << 63
	}
	return int64(f)
}

// pushSample returns a sample to Lua. safe turns "none" into "" and everything into text.
func (u *unit) pushSample(c *vm.Call, v txn.Value, ok, safe bool) {
	if !ok || v.Type == txn.TypeNone {
		if safe {
			c.PushStr("")
		} else {
			c.PushNil()
		}
		return
	}
	if safe {
		c.PushBytes(sample.AppendValue(nil, v))
		return
	}
	switch v.Type {
	case txn.TypeBool:
		if u.b.opts.BoolSamples {
			c.PushBool(v.Int != 0)
		} else {
			c.PushInt(v.Int)
		}
	case txn.TypeInt:
		c.PushInt(v.Int)
	case txn.TypeAddr:
		c.PushBytes(sample.AppendValue(nil, v))
	default:
		c.PushBytes(v.B)
	}
}

// argSample takes argument i as a sample.
func argSample(c *vm.Call, i int) txn.Value {
	switch c.Kind(i) {
	case vm.KindStr:
		return txn.Value{Type: txn.TypeStr, B: c.Bytes(i)}
	case vm.KindInt:
		n, _ := c.Int(i)
		return txn.Value{Type: txn.TypeInt, Int: n}
	case vm.KindNum:
		f, _ := c.Num(i)
		return txn.Value{Type: txn.TypeInt, Int: truncate(f)}
	case vm.KindBool:
		if c.Bool(i) {
			return txn.Value{Type: txn.TypeBool, Int: 1}
		}
	}
	return txn.Value{Type: txn.TypeBool}
}

// noTraffic is a transaction for samples that are asked for where there is none.
func (b *Binding) noTraffic() *txn.Txn {
	return &txn.Txn{Conn: new(txn.Conn), Stage: txn.StageTask, Mode: model.ModeTCP, Proc: b.opts.Env.Proc, LogLevel: -1}
}
