// Package lib is the part of HAProxy's Lua interface that knows no traffic: sockets, HTTP requests, mail, maps,
// regular expressions, addresses, dates, and the proxies as facts. Each function gives Go functions for the private
// table of a Lua state, by name; the preludes of package haproxy make classes of them.
package lib

import (
	"context"
	"fmt"
	"time"

	"eddy/internal/script/vm"
)

// Funcs are Go functions for a state's private table, by name.
type Funcs map[string]vm.Func

// Wait runs f off the state's lock and gives its outcome to Lua: "return wait(c, f)". The context ends when the caller
// of the script is gone or eddy stops.
type Wait func(c *vm.Call, f func(ctx context.Context) vm.Resume) error

// Str gives argument i, which must be a string or a number. In messages who is the function and n the argument's place
// as the script counts.
func Str(c *vm.Call, i int, who string, n int) (string, error) {
	switch c.Kind(i) {
	case vm.KindStr, vm.KindInt, vm.KindNum:
		return c.Str(i), nil
	}
	return "", Wrong(c, i, who, n, "a string")
}

// Bytes is Str without a copy; the bytes live until the Func returns or waits.
func Bytes(c *vm.Call, i int, who string, n int) ([]byte, error) {
	switch c.Kind(i) {
	case vm.KindStr, vm.KindInt, vm.KindNum:
		return c.Bytes(i), nil
	}
	return nil, Wrong(c, i, who, n, "a string")
}

// Int gives argument i, which must be a whole number.
func Int(c *vm.Call, i int, who string, n int) (int64, error) {
	if v, ok := c.Int(i); ok {
		return v, nil
	}
	return 0, Wrong(c, i, who, n, "a whole number")
}

// Num gives argument i, which must be a number.
func Num(c *vm.Call, i int, who string, n int) (float64, error) {
	if v, ok := c.Num(i); ok {
		return v, nil
	}
	return 0, Wrong(c, i, who, n, "a number")
}

// Wrong is the error for argument i, which is not what was wanted.
func Wrong(c *vm.Call, i int, who string, n int, want string) error {
	return fmt.Errorf("%s: argument %d must be %s, not %s", who, n, want, c.Kind(i))
}

// maxSleep is the longest pause that a script can ask for; it is there so that the product does not overflow.
const maxSleep = 10 * 365 * 24 * time.Hour

// Pause reads a time to wait, in units.
func Pause(c *vm.Call, i int, who string, unit time.Duration) (time.Duration, error) {
	n, err := Num(c, i, who, i)
	if err != nil {
		return 0, err
	}
	if n != n || n < 0 {
		return 0, fmt.Errorf("%s: the time cannot be negative", who)
	}
	if n > float64(maxSleep/unit) {
		return maxSleep, nil
	}
	return time.Duration(n * float64(unit)), nil
}
