package haproxy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/txn"
	"eddy/internal/script/haproxy/lib"
	"eddy/internal/script/vm"
)

// In mode tcp a channel's incoming data is what the stream has buffered. In mode http it is the message as it was
// received, head and buffered body: it can be read, and get and getline go through it once; it cannot be changed.
var errHTTPChannel = errors.New("a channel cannot be changed in mode http; change the message with txn.http " +
	"(req_set_header and so on) or answer with txn:done(reply)")

var errNoStream = errors.New("there is no stream here whose data could be read")

// channel is one direction of a call's transaction.
type channel struct {
	k   *call
	tx  *txn.Txn
	dir txn.Dir
}

// channel reads arguments 1 and 2, handle and direction.
func (u *unit) channel(c *vm.Call) (channel, error) {
	k, tx, err := u.selfTxn(c)
	if err != nil {
		return channel{}, err
	}
	if tx.Control == nil {
		return channel{}, errNoStream
	}
	d, _ := c.Int(2)
	return channel{k, tx, txn.Dir(d & 1)}, nil
}

func (ch channel) http() bool { return ch.tx.Mode == model.ModeHTTP }

// input is the incoming data and whether no more can come. In mode http it is built in the call's buffer.
func (ch channel) input() (data []byte, done bool) {
	if !ch.http() {
		data, done = ch.tx.Control.Payload(ch.dir)
		return data[ch.ahead(len(data)):], done
	}
	buf := ch.k.buf[:0]
	if m := &ch.tx.Req; ch.dir == txn.Req {
		buf = append(buf, m.Raw()...)
	} else if !ch.tx.HasRes {
		return nil, true
	} else if m = &ch.tx.Res; m.Raw() != nil {
		buf = append(buf, m.Raw()...)
	} else {
		buf = m.AppendHead(buf)
	}
	body, done := ch.tx.Control.Body(ch.dir)
	ch.k.buf = append(buf, body...)
	return ch.k.buf, done
}

// head is how many bytes of input stand before the body.
func (ch channel) head() int {
	if !ch.http() {
		return 0
	}
	if ch.dir == txn.Req {
		return len(ch.tx.Req.Raw())
	}
	return len(ch.tx.Res.Raw())
}

// ahead is how many bytes at the start of the buffered data count as sent: what send and forward let go. n is how
// many bytes are buffered.
func (ch channel) ahead(n int) int {
	a := &ch.k.root().ahead[ch.dir]
	if *a > n {
		*a = 0 // the stream has sent them
	}
	return *a
}

// change replaces the incoming data.
func (ch channel) change(data []byte) error {
	if ch.http() {
		return errHTTPChannel
	}
	all, _ := ch.tx.Control.Payload(ch.dir)
	sent := all[:ch.ahead(len(all))]
	ch.tx.Control.SetPayload(ch.dir, append(append(make([]byte, 0, len(sent)+len(data)), sent...), data...))
	return nil
}

// room reports whether n more bytes may be put into the buffer.
func (ch channel) room(n int) bool {
	all, _ := ch.tx.Control.Payload(ch.dir)
	return len(all)+n <= ch.k.b.bufSize()
}

// more waits until the incoming data is at least n bytes long (0: longer than it is), complete, or the buffer is
// full. Only actions wait.
func (ch channel) more(c *vm.Call, n int) (waits bool, err error) {
	if c.Run().Kind != vm.KindAction {
		return false, nil
	}
	data, done := ch.input()
	if n == 0 {
		n = len(data) + 1
	}
	if done || len(data) >= n || len(data) >= ch.k.b.bufSize() {
		return false, nil
	}
	atLeast := n - ch.head()
	if atLeast <= 0 {
		return false, nil
	}
	timeout := ch.timeout()
	return true, ch.k.wait(c, func(context.Context) vm.Resume {
		complete, err := ch.tx.Control.WaitBody(ch.dir, atLeast, timeout)
		ch.k.show() // the stream may have moved its buffer
		return vm.Resume{Values: []vm.Value{vm.Bool(true), vm.Bool(complete || err != nil)}}
	})
}

func (ch channel) timeout() time.Duration {
	if f := ch.tx.Front; f != nil && f.Model != nil && f.Model.Timeouts.Client > 0 {
		return f.Model.Timeouts.Client
	}
	return time.Minute
}

// window cuts out of data what offset and length (arguments i and i+1) say. all is set for length -1: as much as can
// be had. need is how long data would have to be.
func window(c *vm.Call, i int, data []byte, who string) (part []byte, need int, all bool, err error) {
	off := int64(0)
	if !c.IsNil(i) {
		if off, err = lib.Int(c, i, who, i-2); err != nil {
			return nil, 0, false, err
		}
	}
	if off < 0 {
		off = max(off+int64(len(data)), 0)
	}
	if off > 1<<31 {
		return nil, 0, false, fmt.Errorf("%s: offset %d is out of range", who, off)
	}
	n := int64(-2)
	if !c.IsNil(i + 1) {
		if n, err = lib.Int(c, i+1, who, i-1); err != nil {
			return nil, 0, false, err
		}
		if n < -1 || n > 1<<31 {
			return nil, 0, false, fmt.Errorf("%s: length %d is out of range", who, n)
		}
	}
	start := min(int(off), len(data))
	part = data[start:]
	switch {
	case n == -1:
		return part, 0, true, nil
	case n >= 0:
		need = int(off + n)
		part = part[:min(int(n), len(part))]
	}
	return part, need, false, nil
}

// pushData returns part, or nil when there is nothing and nothing can come.
func pushData(c *vm.Call, part []byte, done bool) {
	if len(part) == 0 && done {
		c.PushNil()
		return
	}
	c.PushBytes(part)
}

// A Func that may have to wait is called again by its prelude when it answers with two values: true, and whether
// waiting has come to its end.
func (u *unit) channelFuncs() lib.Funcs {
	return lib.Funcs{
		"chan_dup":      u.chanDup,
		"chan_get":      u.chanGet,
		"chan_getline":  u.chanGetLine,
		"chan_data":     func(c *vm.Call) error { return u.chanRead(c, "channel:data", false) },
		"chan_line":     func(c *vm.Call) error { return u.chanRead(c, "channel:line", true) },
		"chan_more":     u.chanMore,
		"chan_insert":   u.chanInsert,
		"chan_set":      u.chanSet,
		"chan_remove":   u.chanRemove,
		"chan_send":     u.chanSend,
		"chan_forward":  u.chanForward,
		"chan_input":    u.chanInput,
		"chan_output":   u.chanOutput,
		"chan_is_full":  u.chanIsFull,
		"chan_may_recv": u.chanMayRecv,
	}
}

func (u *unit) chanDup(c *vm.Call) error {
	ch, err := u.channel(c)
	if err != nil {
		return err
	}
	data, done := ch.input()
	pushData(c, data, done)
	return nil
}

// chanGet(handle, dir) gives the incoming data and takes it out of the channel.
func (u *unit) chanGet(c *vm.Call) error {
	ch, err := u.channel(c)
	if err != nil {
		return err
	}
	data, done := ch.unread()
	pushData(c, data, done)
	return ch.take(len(data))
}

// unread is the incoming data that get and getline have not given yet.
func (ch channel) unread() ([]byte, bool) {
	data, done := ch.input()
	if ch.http() {
		data = data[min(ch.k.root().taken[ch.dir], len(data)):]
	}
	return data, done
}

// take removes n bytes from the start of the unread data.
func (ch channel) take(n int) error {
	if ch.http() {
		ch.k.root().taken[ch.dir] += n
		return nil
	}
	data, _ := ch.input()
	return ch.change(data[n:])
}

func (u *unit) chanGetLine(c *vm.Call) error {
	ch, err := u.channel(c)
	if err != nil {
		return err
	}
	data, done := ch.unread()
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		data = data[:i+1]
	}
	pushData(c, data, done)
	return ch.take(len(data))
}

// chanMore(handle, dir, what, offset, length) waits for what data, line and getline need. It returns nothing when
// there is no use in waiting.
func (u *unit) chanMore(c *vm.Call) error {
	ch, err := u.channel(c)
	if err != nil {
		return err
	}
	data, _ := ch.input()
	line := string(c.Bytes(3)) != "data"
	if string(c.Bytes(3)) == "getline" {
		data, _ = ch.unread()
		if bytes.IndexByte(data, '\n') >= 0 {
			return nil
		}
		_, err = ch.more(c, 0)
		return err
	}
	part, need, all, err := window(c, 4, data, "channel")
	if err != nil || !all && need <= len(data) || line && bytes.IndexByte(part, '\n') >= 0 {
		return err
	}
	_, err = ch.more(c, need)
	return err
}

// chanRead(handle, dir, offset, length)
func (u *unit) chanRead(c *vm.Call, who string, line bool) error {
	ch, err := u.channel(c)
	if err != nil {
		return err
	}
	data, done := ch.input()
	part, _, _, err := window(c, 3, data, who)
	if err != nil {
		return err
	}
	if line {
		if i := bytes.IndexByte(part, '\n'); i >= 0 {
			part = part[:i+1]
		}
	}
	pushData(c, part, done && len(data) == 0)
	return nil
}

// chanInsert(handle, dir, string, offset, at the end)
func (u *unit) chanInsert(c *vm.Call) error {
	ch, err := u.channel(c)
	if err != nil {
		return err
	}
	str, err := lib.Bytes(c, 3, "channel:insert", 1)
	if err != nil {
		return err
	}
	if ch.http() {
		return errHTTPChannel
	}
	data, _ := ch.input()
	at := len(data)
	if !c.Bool(5) {
		part, _, _, err := window(c, 4, data, "channel:insert")
		if err != nil {
			return err
		}
		at = len(data) - len(part)
	}
	return ch.splice(c, data, at, 0, str)
}

// splice replaces n bytes of data at an offset by str and returns how many bytes str has, or -1 for want of room.
func (ch channel) splice(c *vm.Call, data []byte, at, n int, str []byte) error {
	if !ch.room(len(str) - n) {
		c.PushInt(-1)
		return nil
	}
	out := make([]byte, 0, len(data)-n+len(str))
	out = append(append(append(out, data[:at]...), str...), data[at+n:]...)
	if err := ch.change(out); err != nil {
		return err
	}
	c.PushInt(int64(len(str)))
	return nil
}

// chanSet(handle, dir, string, offset, length)
func (u *unit) chanSet(c *vm.Call) error {
	ch, err := u.channel(c)
	if err != nil {
		return err
	}
	str, err := lib.Bytes(c, 3, "channel:set", 1)
	if err != nil {
		return err
	}
	if ch.http() {
		return errHTTPChannel
	}
	data, _ := ch.input()
	part, _, _, err := window(c, 4, data, "channel:set")
	if err != nil {
		return err
	}
	return ch.splice(c, data, offsetIn(data, part), len(part), str)
}

// offsetIn is where part, a slice of data, begins.
func offsetIn(data, part []byte) int { return cap(data) - cap(part) }

// chanRemove(handle, dir, offset, length)
func (u *unit) chanRemove(c *vm.Call) error {
	ch, err := u.channel(c)
	if err != nil {
		return err
	}
	if ch.http() {
		return errHTTPChannel
	}
	data, _ := ch.input()
	part, _, _, err := window(c, 3, data, "channel:remove")
	if err != nil {
		return err
	}
	at, n := offsetIn(data, part), len(part)
	if err := ch.change(append(append([]byte(nil), data[:at]...), data[at+n:]...)); err != nil {
		return err
	}
	c.PushInt(int64(n))
	return nil
}

// chanSend(handle, dir, string) puts the string in front of the incoming data, to be sent ahead of it.
func (u *unit) chanSend(c *vm.Call) error {
	ch, err := u.channel(c)
	if err != nil {
		return err
	}
	str, err := lib.Bytes(c, 3, "channel:send", 1)
	if err != nil {
		return err
	}
	if ch.http() {
		return errHTTPChannel
	}
	if !ch.room(len(str)) {
		c.PushInt(-1)
		return nil
	}
	data, _ := ch.input()
	if err := ch.change(append(append([]byte(nil), str...), data...)); err != nil {
		return err
	}
	ch.k.root().ahead[ch.dir] += len(str)
	c.PushInt(int64(len(str)))
	return nil
}

// chanForward(handle, dir, length) lets bytes of the incoming data go.
func (u *unit) chanForward(c *vm.Call) error {
	ch, err := u.channel(c)
	if err != nil {
		return err
	}
	n, err := lib.Int(c, 3, "channel:forward", 1)
	if err != nil {
		return err
	}
	if ch.http() {
		return errHTTPChannel
	}
	data, _ := ch.input()
	n = min(max(n, 0), int64(len(data)))
	ch.k.root().ahead[ch.dir] += int(n)
	c.PushInt(n)
	return nil
}

func (u *unit) chanInput(c *vm.Call) error {
	ch, err := u.channel(c)
	if err != nil {
		return err
	}
	data, _ := ch.input()
	c.PushInt(int64(len(data)))
	return nil
}

func (u *unit) chanOutput(c *vm.Call) error {
	ch, err := u.channel(c)
	if err != nil {
		return err
	}
	n := 0
	if !ch.http() {
		all, _ := ch.tx.Control.Payload(ch.dir)
		n = ch.ahead(len(all))
	}
	c.PushInt(int64(n))
	return nil
}

func (u *unit) chanIsFull(c *vm.Call) error {
	ch, err := u.channel(c)
	if err != nil {
		return err
	}
	data, _ := ch.input()
	c.PushBool(len(data) >= u.b.bufSize())
	return nil
}

func (u *unit) chanMayRecv(c *vm.Call) error {
	ch, err := u.channel(c)
	if err != nil {
		return err
	}
	_, done := ch.input()
	c.PushBool(!done)
	return nil
}
