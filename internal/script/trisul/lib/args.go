package lib

import (
	"fmt"

	"eddy/internal/script/vm"
)

// Funcs are Go functions for a state's private table, by name.
type Funcs map[string]vm.Func

// Bytes gives argument i, which must be a string or a number; the bytes live until the Func returns or waits. In
// messages who is the function, and n the argument's place as the script counts.
func Bytes(c *vm.Call, i int, who string, n int) ([]byte, error) {
	switch c.Kind(i) {
	case vm.KindStr, vm.KindInt, vm.KindNum:
		return c.Bytes(i), nil
	}
	return nil, wrong(c, i, who, n, "a string")
}

// Text is Bytes as a string.
func Text(c *vm.Call, i int, who string, n int) (string, error) {
	b, err := Bytes(c, i, who, n)
	return string(b), err
}

// wrong is the error for argument i, which is not what was wanted.
func wrong(c *vm.Call, i int, who string, n int, want string) error {
	return Misuse(who, "argument %d must be %s, not %s", n, want, c.Kind(i))
}

// Misuse is the error of a function that was not called as it wants to be.
func Misuse(who, format string, args ...any) error {
	return fmt.Errorf("%s: %w", who, fmt.Errorf(format, args...))
}
