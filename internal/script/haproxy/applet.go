package haproxy

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"eddy/internal/fastpath/http1"
	"eddy/internal/fastpath/txn"
	"eddy/internal/script/haproxy/lib"
	"eddy/internal/script/vm"
)

// AppletIO is what AppletTCP talks through: a stream of mode tcp, or a connection of the admin socket.
type AppletIO interface {
	// Read gives at least one byte or an error; io.EOF is the end.
	Read(p []byte) (int, error)
	// ReadLine reads up to and including the next line feed, or to the end. The bytes live until the next read.
	ReadLine() ([]byte, error)
	Write(p []byte) (int, error)
	Flush() error
}

// httpIO is what AppletHTTP talks through besides; txn.ServiceIO is one.
type httpIO interface {
	AppletIO
	Start() error
	Started() bool
}

// applet is the talk of a service or command with its client.
type applet struct {
	io      AppletIO
	http    httpIO // nil: tcp or command
	status  int
	reason  string
	headers []lib.Header
	started bool
	eof     bool
	out     []byte // written by the script and not yet handed over
	left    int64  // bytes that content-length still allows; -1: any number
	cut     bool   // the script wrote more than that
	dirty   bool   // bytes were handed over and not flushed
	failed  error  // of writing; what comes later is dropped
}

func newApplet(io AppletIO) *applet { return &applet{io: io, left: -1, status: 200} }

// gather is how many bytes of a script's output are put together before they are handed over.
const gather = 16 << 10

// maxBody bounds what receive() without a size collects.
const maxBody = 64 << 20

// hand gives what the script has written to the stream, which may gather it further unless flush is set. It may block,
// and runs off the state's lock.
func (a *applet) hand(flush bool) {
	if len(a.out) > 0 && a.failed == nil {
		_, a.failed = a.io.Write(a.out)
		a.dirty = true
	}
	a.out = a.out[:0]
	if flush && a.dirty && a.failed == nil {
		a.dirty = false
		a.failed = a.io.Flush()
	}
}

// appletSelf is self for applets; httpOnly refuses AppletTCP.
func (u *unit) appletSelf(c *vm.Call, httpOnly bool) (*call, *applet, error) {
	k, err := u.self(c)
	if err != nil {
		return nil, nil, err
	}
	if k.applet == nil || httpOnly && k.applet.http == nil {
		return nil, nil, errStale
	}
	return k, k.applet, nil
}

func (u *unit) appletFuncs() lib.Funcs {
	return lib.Funcs{
		"applet_status":      u.appletStatus,
		"applet_header":      u.appletHeader,
		"applet_start":       u.appletStart,
		"applet_send":        u.appletSend,
		"applet_getline":     u.appletGetLine,
		"applet_receive":     u.appletReceive,
		"applet_try_receive": u.appletTryReceive,
		"applet_attr":        u.appletAttr,
	}
}

// appletStatus(handle, code, reason) returns whether the code is one.
func (u *unit) appletStatus(c *vm.Call) error {
	_, a, err := u.appletSelf(c, true)
	if err != nil {
		return err
	}
	code, err := lib.Int(c, 2, "applet:set_status", 1)
	if err != nil {
		return err
	}
	ok := code >= 100 && code <= 599
	if ok {
		a.status, a.reason = int(code), ""
		if !c.IsNil(3) {
			if a.reason, err = lib.Str(c, 3, "applet:set_status", 2); err != nil {
				return err
			}
		}
	}
	c.PushBool(ok)
	return nil
}

// maxAppletHeaders bounds what a service may add.
const maxAppletHeaders = 1000

func (u *unit) appletHeader(c *vm.Call) error {
	_, a, err := u.appletSelf(c, true)
	if err != nil {
		return err
	}
	name, err := lib.Str(c, 2, "applet:add_header", 1)
	if err != nil {
		return err
	}
	value, err := lib.Str(c, 3, "applet:add_header", 2)
	if err != nil {
		return err
	}
	if len(a.headers) >= maxAppletHeaders {
		return fmt.Errorf("applet:add_header: more than %d headers", maxAppletHeaders)
	}
	a.headers = append(a.headers, lib.Header{Name: name, Value: value})
	c.PushBool(true)
	return nil
}

// appletStart builds the head and lets it go (lua-api, AppletHTTP.add_header: a content-length is kept, without one
// the body goes in chunks).
func (u *unit) appletStart(c *vm.Call) error {
	k, a, err := u.appletSelf(c, true)
	if err != nil {
		return err
	}
	if a.started {
		return nil
	}
	m := &k.tx.Res
	m.BuildResponse(a.status, a.reason)
	body, length := http1.BodyChunked, int64(0)
	for _, h := range a.headers {
		if strings.EqualFold(h.Name, "content-length") {
			n, err := strconv.ParseInt(strings.TrimSpace(h.Value), 10, 64)
			if err != nil || n < 0 {
				return fmt.Errorf("applet:start_response: content-length %q is no length", h.Value)
			}
			body, length = http1.BodyLength, n
			continue
		}
		if frames(h.Name) {
			continue
		}
		if !m.AddString(h.Name, h.Value) {
			return fmt.Errorf("applet:start_response: the header %q cannot be sent with this value", h.Name)
		}
	}
	if a.status < 200 || a.status == 204 || a.status == 304 {
		body, length = http1.BodyNone, 0
	}
	m.SetBody(body, length)
	k.tx.HasRes = true
	a.started, a.left = true, -1
	if body == http1.BodyLength {
		a.left = length
	}
	return k.off(c, false, func(context.Context) vm.Resume {
		if err := a.http.Start(); err != nil {
			a.failed = err
		}
		return vm.Resume{}
	})
}

// appletSend(handle, msg) returns how many bytes were taken.
func (u *unit) appletSend(c *vm.Call) error {
	k, a, err := u.appletSelf(c, false)
	if err != nil {
		return err
	}
	msg, err := lib.Bytes(c, 2, "applet:send", 1)
	if err != nil {
		return err
	}
	if a.http != nil && !a.started {
		return errors.New("applet:send: call applet:start_response() before sending data")
	}
	n := int64(len(msg))
	if a.failed != nil { // the client has gone: HAProxy's scripts see -1
		c.PushInt(-1)
		return nil
	}
	if a.left >= 0 && n > a.left {
		if !a.cut {
			a.cut = true
			k.log(levelWarning, fmt.Sprintf("Lua service '%s' sends more than its content-length says; the rest is cut off", k.name))
		}
		msg = msg[:a.left]
	}
	if a.left > 0 {
		a.left -= int64(len(msg))
	}
	a.out = append(a.out, msg...)
	if len(a.out) < gather {
		c.PushInt(n)
		return nil
	}
	return k.off(c, false, func(context.Context) vm.Resume {
		if a.failed != nil {
			n = -1
		}
		return vm.Resume{Values: []vm.Value{vm.Int(n)}}
	})
}

func (u *unit) appletGetLine(c *vm.Call) error {
	k, a, err := u.appletSelf(c, false)
	if err != nil {
		return err
	}
	return k.wait(c, func(context.Context) vm.Resume {
		line, err := a.io.ReadLine()
		a.eof = a.eof || err != nil
		return vm.Resume{Values: []vm.Value{vm.Bytes(line)}}
	})
}

// appletReceive(handle, size, timeout) reads size bytes, or all without a size. With a timeout in milliseconds it
// returns what came until then, nil when nothing did.
func (u *unit) appletReceive(c *vm.Call) error {
	k, a, err := u.appletSelf(c, false)
	if err != nil {
		return err
	}
	size := int64(maxBody)
	if !c.IsNil(2) {
		if size, err = lib.Int(c, 2, "applet:receive", 1); err != nil {
			return err
		}
		if size < 0 { // HAProxy: as much as there is
			size = maxBody
		}
		size = min(size, maxBody)
	}
	var timeout time.Duration
	if a.http == nil && !c.IsNil(3) {
		if timeout, err = lib.Pause(c, 3, "applet:receive", time.Millisecond); err != nil {
			return err
		}
		timeout = max(timeout, time.Millisecond)
	}
	return k.wait(c, func(context.Context) vm.Resume { return a.read(int(size), timeout) })
}

func (u *unit) appletTryReceive(c *vm.Call) error {
	k, a, err := u.appletSelf(c, false)
	if err != nil {
		return err
	}
	return k.wait(c, func(context.Context) vm.Resume { return a.read(gather, time.Millisecond) })
}

// deadliner is an AppletIO that can stop waiting; a read that is over its time gives os.ErrDeadlineExceeded and loses
// no data.
type deadliner interface{ SetReadDeadline(t time.Time) error }

// read collects up to size bytes. A timeout of 0 waits for all of them.
func (a *applet) read(size int, timeout time.Duration) vm.Resume {
	buf := make([]byte, 0, min(size, 4096))
	deadline, limited := a.io.(deadliner)
	if limited = limited && timeout > 0; limited {
		deadline.SetReadDeadline(time.Now().Add(timeout))
		defer deadline.SetReadDeadline(time.Time{})
	}
	timedOut := false
	for len(buf) < size && !a.eof {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := a.io.Read(buf[len(buf):min(cap(buf), size)])
		buf = buf[:len(buf)+n]
		var t interface{ Timeout() bool }
		switch {
		case err == nil:
		case limited && errors.As(err, &t) && t.Timeout():
			timedOut = true
		default:
			a.eof = true // io.EOF, or a connection that is no more
		}
		if timedOut || timeout > 0 && !limited && n > 0 {
			break
		}
	}
	if timedOut && len(buf) == 0 {
		return vm.Resume{Values: []vm.Value{vm.Nil()}}
	}
	return vm.Resume{Values: []vm.Value{vm.Bytes(buf)}}
}

// lengthWait bounds the wait for the beginning of a body whose length nobody told.
const lengthWait = time.Second

// chunkedLength is applet.length where the request tells none: what is there of the body, as in HAProxy. Scripts ask
// in order to know whether there is one.
func (k *call) chunkedLength(c *vm.Call) error {
	return k.wait(c, func(context.Context) vm.Resume {
		_, _ = k.tx.Control.WaitBody(txn.Req, 1, lengthWait) // reading the body tells what is wrong with it
		data, _ := k.tx.Control.Body(txn.Req)
		return vm.Resume{Values: []vm.Value{vm.Int(int64(len(data)))}}
	})
}

// appletAttr(handle, what) is an attribute of AppletHTTP.
func (u *unit) appletAttr(c *vm.Call) error {
	k, _, err := u.appletSelf(c, true)
	if err != nil {
		return err
	}
	m := &k.tx.Req
	switch string(c.Bytes(2)) {
	case "method":
		c.PushBytes(m.Method())
	case "version":
		c.PushBytes(m.VersionText())
	case "path":
		c.PushBytes(m.Path())
	case "qs":
		q, _ := m.Query()
		c.PushBytes(q)
	case "length":
		if m.Body() == http1.BodyChunked && k.tx.Control != nil {
			return k.chunkedLength(c)
		}
		c.PushInt(m.Length())
	default:
		c.PushNil()
	}
	return nil
}
