package haproxy

import (
	"fmt"

	"eddy/internal/script/haproxy/lib"
	"eddy/internal/script/vm"
)

func (u *unit) txnFuncs() lib.Funcs {
	return lib.Funcs{
		"txn_log":          u.txnLog,
		"txn_done":         u.txnDone,
		"txn_set_loglevel": u.txnSetLogLevel,
		"txn_packet_mark":  u.txnNumber("txn:set_fc_tos/set_fc_mark"),
		"txn_priority":     u.txnNumber("txn:set_priority_class/set_priority_offset"),
		"priv_set":         u.privSet,
		"priv_get":         u.privGet,
	}
}

// txnLog(handle, level or nil, msg); nil is the level of the frontend's logs, info.
func (u *unit) txnLog(c *vm.Call) error {
	k, err := u.self(c)
	if err != nil {
		return err
	}
	level := levelInfo
	if !c.IsNil(2) {
		if level, err = argLevel(c, 2, "txn:log"); err != nil {
			return err
		}
	}
	msg, err := lib.Str(c, 3, "txn:log", 2)
	if err != nil {
		return err
	}
	k.log(level, msg)
	return nil
}

// txnDone(handle, reply) ends the transaction from an action; elsewhere only the script (lua-api, TXN.done).
func (u *unit) txnDone(c *vm.Call) error {
	k, err := u.self(c)
	if err != nil {
		return err
	}
	if c.Run().Kind == vm.KindAction {
		if !c.IsNil(2) {
			t, err := c.Table(2)
			if err != nil {
				return lib.Wrong(c, 2, "txn:done", 1, "a Reply or a table of that shape")
			}
			if k.reply, err = readReply(t); err != nil {
				return fmt.Errorf("txn:done: %w", err)
			}
		}
		k.done = true
	}
	return c.Exit()
}

func (u *unit) txnSetLogLevel(c *vm.Call) error {
	_, tx, err := u.selfTxn(c)
	if err != nil {
		return err
	}
	n, err := lib.Int(c, 2, "txn:set_loglevel", 1)
	if err != nil {
		return err
	}
	if n < -1 || n > 7 {
		return fmt.Errorf("txn:set_loglevel: bad log level %d; it must be between 0 and 7, or -1 for silence", n)
	}
	if n == -1 {
		n = -2 // txn.Txn.LogLevel's "silent"
	}
	tx.LogLevel = int8(n)
	return nil
}

// txnNumber makes a function that checks its number and does nothing else: what it would set in HAProxy (TOS and mark
// of packets, the place in the queue) is not there.
func (u *unit) txnNumber(who string) vm.Func {
	return func(c *vm.Call) error {
		if _, err := u.self(c); err != nil {
			return err
		}
		_, err := lib.Int(c, 2, who, 1)
		return err
	}
}

// privSet(handle, data) keeps any Lua value with the transaction, in this state.
func (u *unit) privSet(c *vm.Call) error {
	k, err := u.self(c)
	if err != nil {
		return err
	}
	k = k.root()
	k.release()
	if c.IsNil(2) {
		return nil
	}
	k.priv, err = c.Func(2)
	return err
}

func (u *unit) privGet(c *vm.Call) error {
	k, err := u.self(c)
	if err != nil {
		return err
	}
	k = k.root()
	if k.priv == 0 {
		c.PushNil()
	} else {
		c.PushRef(k.priv)
	}
	return nil
}
