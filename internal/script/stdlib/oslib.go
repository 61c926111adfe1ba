package stdlib

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

	"eddy/internal/script/vm"
)

// osExecute: os.execute(command). Without a command it tells that there is a shell.
func (l *Library) osExecute(c *vm.Call) error {
	if c.IsNil(1) {
		c.PushBool(true)
		return nil
	}
	line, err := text(c, 1, "execute")
	if err != nil {
		return err
	}
	return c.Wait(func(ctx context.Context) vm.Resume {
		if !l.mayOpen() {
			return failure(syscall.EAGAIN, "")
		}
		defer l.opened.Add(-1)
		p, err := l.spawn(ctx, line, nil, nil)
		if err != nil {
			return failure(err, "")
		}
		how, err := p.finish(ctx)
		if err != nil {
			return failure(err, "")
		}
		return how.values()
	})
}

// text is a string argument.
func text(c *vm.Call, i int, function string) (string, error) {
	switch c.Kind(i) {
	case vm.KindStr, vm.KindInt, vm.KindNum:
		return c.Str(i), nil
	}
	return "", fmt.Errorf("bad argument #%d to '%s' (string expected, got %s)", i, function, kindName(c, i))
}

func osRemove(c *vm.Call) error {
	name, err := text(c, 1, "remove")
	if err != nil {
		return err
	}
	return c.Wait(func(context.Context) vm.Resume {
		if err := os.Remove(name); err != nil {
			return failure(err, name)
		}
		return result(nil)
	})
}

func osRename(c *vm.Call) error {
	from, err := text(c, 1, "rename")
	if err != nil {
		return err
	}
	to, err := text(c, 2, "rename")
	if err != nil {
		return err
	}
	// rename(2) itself: os.Rename refuses what the system would do, and loses the number.
	return c.Wait(func(context.Context) vm.Resume { return result(syscall.Rename(from, to)) })
}

func osTmpname(c *vm.Call) error {
	return c.Wait(func(context.Context) vm.Resume {
		f, err := os.CreateTemp("", "lua_*")
		if err != nil {
			return vm.Resume{Err: errors.New("unable to generate a unique filename")}
		}
		f.Close()
		return vm.Resume{Values: []vm.Value{vm.Str(f.Name())}}
	})
}

func osExit(*vm.Call) error {
	return errors.New("os.exit: a script cannot end eddy; return from the function instead, or use core.done() in a task")
}
