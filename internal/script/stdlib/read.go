package stdlib

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"eddy/internal/script/vm"
)

// format is one thing to read: 'n' number, 'l' line, 'L' line with its end, 'a' all, or '#' count bytes.
type format struct {
	kind  byte
	count int
}

const maxFormats = 60

// formats reads the formats from argument first on; none is a line. what is the function's name for messages.
func formats(c *vm.Call, first int, dst []format) ([]format, error) {
	if c.N() < first {
		return append(dst, format{kind: 'l'}), nil
	}
	if c.N()-first >= maxFormats {
		return dst, fmt.Errorf("too many arguments")
	}
	for i := first; i <= c.N(); i++ {
		if k := c.Kind(i); k == vm.KindInt || k == vm.KindNum {
			n, ok := c.Int(i)
			if !ok || n < 0 || n > maxCount {
				return dst, fmt.Errorf("bad argument #%d to 'read' (invalid count)", i-first+1)
			}
			dst = append(dst, format{'#', int(n)})
			continue
		}
		p := bytes.TrimPrefix(c.Bytes(i), []byte("*")) // Lua 5.1 wrote "*l"
		if c.Kind(i) != vm.KindStr {
			return dst, fmt.Errorf("bad argument #%d to 'read' (string expected, got %s)", i-first+1, c.Kind(i))
		}
		if len(p) == 0 || bytes.IndexByte([]byte("nlLa"), p[0]) < 0 {
			return dst, fmt.Errorf("bad argument #%d to 'read' (invalid format)", i-first+1)
		}
		dst = append(dst, format{kind: p[0]})
	}
	return dst, nil
}

const maxCount = 1 << 40

// buffered serves every format from what was read ahead, or none.
func (f *file) buffered(want []format, dst [][]byte) ([][]byte, bool) {
	at := f.from
	for _, w := range want {
		rest := f.in[at:f.to]
		switch {
		case w.kind == '#' && w.count <= len(rest) && len(rest) > 0:
			dst = append(dst, rest[:w.count])
			at += w.count
			continue
		case w.kind == 'l' || w.kind == 'L':
			if i := bytes.IndexByte(rest, '\n'); i >= 0 {
				line := rest[:i+1]
				at += i + 1
				if w.kind == 'l' {
					line = line[:i]
				}
				dst = append(dst, line)
				continue
			}
		}
		return nil, false
	}
	f.from = at
	return dst, true
}

// get reads the formats one after the other, up to the first that fails, whose value is nil.
func (f *file) get(ctx context.Context, want []format) ([]vm.Value, error) {
	if !f.canRead {
		return nil, errBadFile
	}
	var out []vm.Value
	for _, w := range want {
		var (
			v   vm.Value
			err error
		)
		switch w.kind {
		case 'n':
			v, err = f.number(ctx)
		case 'l', 'L':
			v, err = f.line(ctx, w.kind == 'L')
		case 'a':
			v, err = f.all(ctx, f.lib.opts.MaxRead)
		default:
			v, err = f.bytes(ctx, w.count)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, v)
		if v.IsNil() {
			break
		}
	}
	return out, nil
}

func (f *file) line(ctx context.Context, keepEnd bool) (vm.Value, error) {
	var got []byte
	for {
		if err := f.fill(ctx); err == io.EOF {
			if len(got) == 0 {
				return vm.Nil(), nil
			}
			return vm.Bytes(got), nil
		} else if err != nil {
			return vm.Nil(), err
		}
		rest := f.in[f.from:f.to]
		i := bytes.IndexByte(rest, '\n')
		if i >= 0 {
			rest = rest[:i+1]
		}
		f.from += len(rest)
		got = append(got, rest...)
		if len(got) > f.lib.opts.MaxRead {
			return vm.Nil(), errTooBig
		}
		if i >= 0 {
			if !keepEnd {
				got = got[:len(got)-1]
			}
			return vm.Bytes(got), nil
		}
	}
}

// all reads to the end; nothing is an empty string.
func (f *file) all(ctx context.Context, limit int) (vm.Value, error) {
	var got []byte
	for {
		err := f.fill(ctx)
		if err == io.EOF {
			return vm.Bytes(got), nil
		}
		if err != nil {
			return vm.Nil(), err
		}
		got = append(got, f.in[f.from:f.to]...)
		f.from = f.to
		if len(got) > limit {
			return vm.Nil(), errTooBig
		}
	}
}

// bytes reads n bytes, or what there is; nil at the end. Zero bytes ask whether this is the end.
func (f *file) bytes(ctx context.Context, n int) (vm.Value, error) {
	if n > f.lib.opts.MaxRead {
		return vm.Nil(), errTooBig
	}
	var got []byte
	for {
		err := f.fill(ctx)
		if err == io.EOF {
			if len(got) == 0 {
				return vm.Nil(), nil
			}
			return vm.Bytes(got), nil
		}
		if err != nil {
			return vm.Nil(), err
		}
		take := min(n-len(got), f.to-f.from)
		got = append(got, f.in[f.from:f.from+take]...)
		f.from += take
		if len(got) == n {
			return vm.Bytes(got), nil
		}
	}
}
