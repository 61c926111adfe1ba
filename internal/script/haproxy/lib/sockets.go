package lib

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"eddy/internal/script/haproxy/lib/socket"
	"eddy/internal/script/vm"
)

type sockets struct {
	wait  Wait
	open  atomic.Int64
	crowd int64 // how many are worth a collection, see crowded; under the state's lock
}

// many is how many connections a script can have open before it is suspected to forget them.
const many = 500

func argSocket(c *vm.Call) (*socket.Socket, error) {
	if s, ok := c.Object(1).(*socket.Socket); ok {
		return s, nil
	}
	return nil, fmt.Errorf("this is no Socket; make one with core.tcp()")
}

// Sockets is the Socket class.
func Sockets(wait Wait) Funcs {
	w := &sockets{wait: wait}
	return Funcs{
		"socket_new": func(c *vm.Call) error {
			c.PushOwned(&socket.Socket{Open: &w.open})
			return nil
		},
		"socket_crowded":    w.crowded,
		"socket_connect":    w.connect,
		"socket_receive":    w.receive,
		"socket_send":       w.send,
		"socket_settimeout": socketSetTimeout,
		"socket_name":       socketName,
		"socket_close": func(c *vm.Call) error {
			s, err := argSocket(c)
			if err != nil {
				return err
			}
			return s.Close()
		},
	}
}

// crowded(): whether so many connections are open that a collection may find forgotten ones. It is true once for every
// so many of them.
func (w *sockets) crowded(c *vm.Call) error {
	n := w.open.Load()
	if n < many {
		w.crowd = many
	}
	crowded := n >= max(w.crowd, many)
	if crowded {
		w.crowd = n + many
	}
	c.PushBool(crowded)
	return nil
}

// connect(socket, address, port): 1, or nil and the reason.
func (w *sockets) connect(c *vm.Call) error {
	s, err := argSocket(c)
	if err != nil {
		return err
	}
	address, err := Str(c, 2, "socket:connect", 1)
	if err != nil {
		return err
	}
	port := int64(0)
	if !c.IsNil(3) {
		if port, err = Int(c, 3, "socket:connect", 2); err != nil {
			return err
		}
		if port < 1 || port > 65535 {
			return fmt.Errorf("socket:connect: port %d is not between 1 and 65535", port)
		}
	}
	return w.wait(c, func(ctx context.Context) vm.Resume {
		if err := s.Connect(ctx, address, int(port)); err != nil {
			return failure(err)
		}
		return vm.Resume{Values: []vm.Value{vm.Int(1)}}
	})
}

// failure is what LuaSocket's functions return: nil, the reason, and what there was before.
func failure(err error, partial ...vm.Value) vm.Resume {
	return vm.Resume{Values: append([]vm.Value{vm.Nil(), vm.Str(err.Error())}, partial...)}
}

// receive(socket, pattern, prefix): the data, or nil, the reason and what was received. A prefix counts among the
// bytes that a number asks for, as in LuaSocket.
func (w *sockets) receive(c *vm.Call) error {
	s, err := argSocket(c)
	if err != nil {
		return err
	}
	prefix := c.Str(3)
	receive := s.Line
	if n, ok := c.Int(2); ok {
		if n < 0 {
			return fmt.Errorf("socket:receive: %d bytes cannot be received", n)
		}
		want := max(int(min(n, 1<<40))-len(prefix), 0)
		receive = func(ctx context.Context) ([]byte, error) { return s.Bytes(ctx, want) }
	} else if !c.IsNil(2) {
		switch c.Str(2) {
		case "*l", "l":
		case "*a", "a":
			receive = s.All
		default:
			return fmt.Errorf("socket:receive: unsupported pattern %q; use '*l', '*a' or a number", c.Str(2))
		}
	}
	return w.wait(c, func(ctx context.Context) vm.Resume {
		data, err := receive(ctx)
		text := vm.Str(prefix + string(data))
		if err != nil {
			return failure(err, text)
		}
		return vm.Resume{Values: []vm.Value{text}}
	})
}

// send(socket, data, first, last): the index of the last byte sent, or nil, the reason and that index. first and
// last are as in string.sub.
func (w *sockets) send(c *vm.Call) error {
	s, err := argSocket(c)
	if err != nil {
		return err
	}
	data, err := Bytes(c, 2, "socket:send", 1)
	if err != nil {
		return err
	}
	first, last := int64(1), int64(len(data))
	if !c.IsNil(3) {
		if first, err = Int(c, 3, "socket:send", 2); err != nil {
			return err
		}
	}
	if !c.IsNil(4) {
		if last, err = Int(c, 4, "socket:send", 3); err != nil {
			return err
		}
	}
	first, last = subRange(first, last, int64(len(data)))
	out := append([]byte(nil), data[first-1:max(last, first-1)]...)
	return w.wait(c, func(ctx context.Context) vm.Resume {
		n, err := s.Send(ctx, out)
		at := vm.Int(first - 1 + int64(n))
		if err != nil {
			return failure(err, at)
		}
		return vm.Resume{Values: []vm.Value{at}}
	})
}

// subRange makes string.sub's bounds positive: 1 <= first <= n+1 and last <= n.
func subRange(first, last, n int64) (int64, int64) {
	if first < 0 {
		first = max(n+first+1, 1)
	}
	if last < 0 {
		last = n + last + 1
	}
	first = min(max(first, 1), n+1)
	return first, min(last, n)
}

// socketSetTimeout(socket, seconds)
func socketSetTimeout(c *vm.Call) error {
	s, err := argSocket(c)
	if err != nil {
		return err
	}
	if c.IsNil(2) {
		s.SetTimeout(0)
		return nil
	}
	d, err := Pause(c, 2, "socket:settimeout", time.Second)
	if err != nil {
		return err
	}
	s.SetTimeout(d)
	c.PushInt(1)
	return nil
}

// socketName(socket, peer)
func socketName(c *vm.Call) error {
	s, err := argSocket(c)
	if err != nil {
		return err
	}
	peer, own, ok := s.Names()
	switch {
	case !ok:
		c.PushNil()
	case c.Bool(2):
		c.PushStr(peer)
	default:
		c.PushStr(own)
	}
	return nil
}
