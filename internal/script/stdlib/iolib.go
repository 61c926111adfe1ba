package stdlib

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"syscall"

	"eddy/internal/script/vm"
)

// fileOf is the file that argument 1 is.
func fileOf(c *vm.Call, function string) (*file, error) {
	f, ok := c.Object(1).(*file)
	switch {
	case ok && !f.closed.Load():
		return f, nil
	case ok, c.Kind(1) == vm.KindOwned:
		return nil, errClosed
	}
	got := c.Kind(1).String()
	if c.N() == 0 {
		got = "no value"
	}
	return nil, fmt.Errorf("bad argument #1 to '%s' (FILE* expected, got %s)", function, got)
}

// with runs op off the lock with the file taken.
func (f *file) with(c *vm.Call, op func(ctx context.Context) vm.Resume) error {
	return c.Wait(func(ctx context.Context) vm.Resume {
		if err := f.take(ctx); err != nil {
			return vm.Resume{Err: err}
		}
		defer f.free()
		return op(ctx)
	})
}

// result is true, or nil with the reason.
func result(err error) vm.Resume {
	if err != nil {
		return failure(err, "")
	}
	return vm.Resume{Values: []vm.Value{vm.Bool(true)}}
}

// serve returns what the formats ask for if it was read ahead already.
func (f *file) serve(c *vm.Call, want []format) bool {
	if !f.try() {
		return false
	}
	defer f.free()
	var room [4][]byte
	got, ok := f.buffered(want, room[:0])
	for _, p := range got {
		c.PushBytes(p)
	}
	return ok
}

// ioRead: f:read(format...). What is read ahead is served without waiting.
func ioRead(c *vm.Call) error {
	f, err := fileOf(c, "read")
	if err != nil {
		return err
	}
	var room [4]format
	want, err := formats(c, 2, room[:0])
	if err != nil {
		return err
	}
	if f.serve(c, want) {
		return nil
	}
	all := slices.Clone(want) // want stays on the stack
	return f.with(c, func(ctx context.Context) vm.Resume {
		values, err := f.get(ctx, all)
		if err != nil {
			return failure(err, "")
		}
		return vm.Resume{Values: values}
	})
}

// ioNext(f, close, format...): a step of lines; close says that the file ends with it.
func ioNext(c *vm.Call) error {
	f, err := fileOf(c, "lines")
	if err == errClosed {
		return fmt.Errorf("file is already closed")
	}
	if err != nil {
		return err
	}
	ends := c.Bool(2)
	var room [4]format
	want, err := formats(c, 3, room[:0])
	if err != nil {
		return err
	}
	if f.serve(c, want) {
		return nil
	}
	all := slices.Clone(want) // want stays on the stack
	return f.with(c, func(ctx context.Context) vm.Resume {
		values, err := f.get(ctx, all)
		if err != nil {
			if raised(err) {
				return vm.Resume{Err: err}
			}
			return vm.Resume{Err: fmt.Errorf("%s", reason(err))}
		}
		if ends && values[0].IsNil() {
			if _, err := f.end(ctx); raised(err) {
				return vm.Resume{Err: err}
			}
		}
		return vm.Resume{Values: values}
	})
}

// ioWrite(f, value...): true; nil and the reason; or false and what is wrong with the call, for the caller to raise.
func ioWrite(c *vm.Call) error {
	f, err := fileOf(c, "write")
	if err != nil {
		return mistake(c, err)
	}
	size := 0
	for i := 2; i <= c.N(); i++ {
		switch c.Kind(i) {
		case vm.KindStr, vm.KindInt, vm.KindNum:
			size += len(c.Bytes(i))
		default:
			return mistake(c, fmt.Errorf("bad argument #%d to 'write' (string expected, got %s)", i-1, c.Kind(i)))
		}
	}
	if !f.canWrite {
		return push(c, result(errBadFile))
	}
	if f.try() {
		done := f.from == f.to && f.quick(c, size)
		f.free()
		if done {
			c.PushBool(true)
			return nil
		}
	}
	p := make([]byte, 0, size)
	for i := 2; i <= c.N(); i++ {
		p = appendArg(p, c, i)
	}
	return f.with(c, func(ctx context.Context) vm.Resume { return result(f.put(ctx, p)) })
}

// quick writes the arguments from the second on if that takes no waiting. The file is taken.
func (f *file) quick(c *vm.Call, size int) bool {
	flush := f.mode == bufferNone
	if f.mode == bufferLine {
		for i := 2; i <= c.N(); i++ {
			flush = flush || hasNewline(c.Bytes(i))
		}
	}
	if f.closed.Load() || !flush && len(f.out)+size > f.outSize || flush && !f.dev.instant(len(f.out)+size) {
		return false
	}
	for i := 2; i <= c.N(); i++ {
		f.out = appendArg(f.out, c, i)
	}
	if flush {
		_ = f.flush(context.Background()) // it has room; what fails all the same is lost, as it would be later
	}
	return true
}

// appendArg appends argument i as write shows it: floats with 14 digits.
func appendArg(dst []byte, c *vm.Call, i int) []byte {
	if c.Kind(i) == vm.KindNum {
		if n, _ := c.Num(i); n == float64(int64(n)) && n < 1e14 && n > -1e14 {
			return strconv.AppendFloat(dst, n, 'f', 0, 64)
		}
	}
	return append(dst, c.Bytes(i)...)
}

func mistake(c *vm.Call, err error) error {
	c.PushBool(false)
	c.PushStr(err.Error())
	return nil
}

// ioOpen(name, mode): a file; nil and the reason; or false and what is wrong with the call.
func (l *Library) ioOpen(c *vm.Call) error {
	name, mode := c.Str(1), "r"
	if c.Kind(1) != vm.KindStr && c.Kind(1) != vm.KindInt && c.Kind(1) != vm.KindNum {
		return mistake(c, fmt.Errorf("bad argument #1 to 'open' (string expected, got %s)", kindName(c, 1)))
	}
	if !c.IsNil(2) {
		mode = c.Str(2)
	}
	flag, read, write, ok := parseMode(mode)
	if !ok {
		return mistake(c, fmt.Errorf("bad argument #2 to 'open' (invalid mode)"))
	}
	return c.Wait(func(ctx context.Context) vm.Resume {
		if !l.mayOpen() {
			return failure(syscall.EMFILE, name)
		}
		f, err := openFile(ctx, name, flag)
		if err != nil {
			l.opened.Add(-1)
			return failure(err, name)
		}
		return l.handOver(newOSFile(f), read, write)
	})
}

func kindName(c *vm.Call, i int) string {
	if i > c.N() {
		return "no value"
	}
	return c.Kind(i).String()
}

// mayOpen counts one more open file, if the bound allows it.
func (l *Library) mayOpen() bool {
	if l.opened.Add(1) > int64(l.opts.MaxFiles) {
		l.opened.Add(-1)
		return false
	}
	return true
}

// ioCrowded(): whether so many files and children are open that scripts may have forgotten some, whose handles a
// collection finds. It is true once for every eighth of the bound from its half on.
func (l *Library) ioCrowded(c *vm.Call) error {
	n, most := l.opened.Load(), int64(l.opts.MaxFiles)
	if n < most/2 {
		l.crowd = most / 2
	}
	crowded := n >= max(l.crowd, 1)
	if crowded {
		l.crowd = n + max(most/8, 1)
	}
	c.PushBool(crowded)
	return nil
}

func (l *Library) handOver(dev device, read, write bool) vm.Resume {
	return vm.Resume{Values: []vm.Value{vm.OwnedValue(l.state.Pin(l.newFile(dev, read, write)))}}
}

// ioTmpfile(): a file without a name.
func (l *Library) ioTmpfile(c *vm.Call) error {
	return c.Wait(func(context.Context) vm.Resume {
		if !l.mayOpen() {
			return failure(syscall.EMFILE, "")
		}
		f, err := os.CreateTemp("", "lua_*")
		if err != nil {
			l.opened.Add(-1)
			return failure(err, "")
		}
		_ = os.Remove(f.Name())
		return l.handOver(newOSFile(f), true, true)
	})
}

// ioPopen(command, mode): as ioOpen.
func (l *Library) ioPopen(c *vm.Call) error {
	if c.Kind(1) != vm.KindStr {
		return mistake(c, fmt.Errorf("bad argument #1 to 'popen' (string expected, got %s)", kindName(c, 1)))
	}
	line, mode := c.Str(1), "r"
	if !c.IsNil(2) {
		mode = c.Str(2)
	}
	if mode != "r" && mode != "w" {
		return mistake(c, fmt.Errorf("bad argument #2 to 'popen' (invalid mode)"))
	}
	init := atLoad(c)
	return c.Wait(func(ctx context.Context) vm.Resume {
		if !l.mayOpen() {
			return failure(syscall.EAGAIN, line)
		}
		if init { // a helper that a script starts while it is loaded lives as long as its handle
			ctx = context.WithoutCancel(ctx)
		}
		p, err := l.popen(ctx, line, mode == "r")
		if err != nil {
			l.opened.Add(-1)
			return failure(err, line)
		}
		return l.handOver(p, mode == "r", mode == "w")
	})
}

func atLoad(c *vm.Call) bool { return c.Run() == nil || c.Run().Kind == vm.KindInit }

// ioClose: f:close().
func ioClose(c *vm.Call) error {
	f, err := fileOf(c, "close")
	if err != nil {
		return err
	}
	if f.standard {
		c.PushNil()
		c.PushStr("cannot close standard file")
		return nil
	}
	return f.with(c, func(ctx context.Context) vm.Resume {
		how, err := f.end(ctx)
		if err != nil {
			return failure(err, "")
		}
		return how.values()
	})
}

// values is what close and os.execute return.
func (o outcome) values() vm.Resume {
	switch {
	case o.what == "":
		return vm.Resume{Values: []vm.Value{vm.Bool(true)}}
	case o.what == "exit" && o.code == 0:
		return vm.Resume{Values: []vm.Value{vm.Bool(true), vm.Str(o.what), vm.Int(0)}}
	}
	return vm.Resume{Values: []vm.Value{vm.Nil(), vm.Str(o.what), vm.Int(int64(o.code))}}
}

// ioSeek: f:seek(whence, offset).
func ioSeek(c *vm.Call) error {
	f, err := fileOf(c, "seek")
	if err != nil {
		return err
	}
	whence := io.SeekCurrent
	if !c.IsNil(2) {
		switch c.Str(2) {
		case "set":
			whence = io.SeekStart
		case "cur":
		case "end":
			whence = io.SeekEnd
		default:
			return fmt.Errorf("bad argument #1 to 'seek' (invalid option '%s')", c.Str(2))
		}
	}
	var off int64
	if !c.IsNil(3) {
		n, ok := c.Int(3)
		if !ok {
			return fmt.Errorf("bad argument #2 to 'seek' (number expected, got %s)", c.Kind(3))
		}
		off = n
	}
	move := func(ctx context.Context) vm.Resume {
		n, err := f.seek(ctx, off, whence)
		if err != nil {
			return failure(err, "")
		}
		return vm.Resume{Values: []vm.Value{vm.Int(n)}}
	}
	if f.try() {
		if !f.closed.Load() && len(f.out) == 0 {
			r := move(context.Background())
			f.free()
			return push(c, r)
		}
		f.free()
	}
	return f.with(c, move)
}

// ioSetvbuf: f:setvbuf(mode, size).
func ioSetvbuf(c *vm.Call) error {
	f, err := fileOf(c, "setvbuf")
	if err != nil {
		return err
	}
	modes := map[string]buffering{"no": bufferNone, "full": bufferFull, "line": bufferLine}
	mode, ok := modes[c.Str(2)]
	if !ok {
		return fmt.Errorf("bad argument #1 to 'setvbuf' (invalid option '%s')", c.Str(2))
	}
	size, ok := c.Int(3)
	if !ok || size <= 0 {
		size = writeSize
	}
	return f.with(c, func(ctx context.Context) vm.Resume {
		err := f.flush(ctx)
		f.mode, f.outSize = mode, int(min(size, maxBuffer))
		return result(err)
	})
}

// ioFlush: f:flush().
func ioFlush(c *vm.Call) error {
	f, err := fileOf(c, "flush")
	if err != nil {
		return err
	}
	if f.try() {
		empty := len(f.out) == 0
		f.free()
		if empty {
			c.PushBool(true)
			return nil
		}
	}
	return f.with(c, func(ctx context.Context) vm.Resume { return result(f.flush(ctx)) })
}

// ioType(f): "file" or "closed file"; nil for anything else.
func ioType(c *vm.Call) error {
	f, ok := c.Object(1).(*file)
	switch {
	case ok && !f.closed.Load():
		c.PushStr("file")
	case c.Kind(1) == vm.KindOwned:
		c.PushStr("closed file")
	default:
		c.PushNil()
	}
	return nil
}

func ioString(c *vm.Call) error {
	if f, ok := c.Object(1).(*file); ok {
		c.PushStr(f.String())
	} else {
		c.PushStr("file (closed)")
	}
	return nil
}
