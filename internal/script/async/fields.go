package async

import (
	"fmt"
	"math"
	"time"

	"eddy/internal/config/diag"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/queue"
	"eddy/internal/script/vm"
)

// Fields are a job as a script describes it. The zero value of each means that it was not given, but for Queue and Handler or
// Code, which are needed.
type Fields struct {
	Queue    *queue.Queue
	Handler  string
	Code     *vm.Packed // a function in the place of Handler
	Data     []byte     // see Desk.Encode
	Key      string
	Delay    time.Duration
	Priority int8
	Unique   string
	Attempts uint16 // retries and the first attempt
	Timeout  time.Duration
	OnResult Taker
	OnError  Taker
}

// Taker is who gets what became of a job: a function of the state that pushes, or a name; the zero value is nobody. A
// function's reference belongs to Offer.
type Taker struct {
	Fn   vm.Ref
	Name string
}

const maxName = job.MaxName

// The places of async_push's arguments. The prelude has the same order.
const (
	argQueue = iota + 1
	argHandler
	argData
	argKey
	argDelay
	argPriority
	argUnique
	argRetries
	argTimeout
	argOnResult
	argOnError
)

// names of a push's fields, as scripts write them.
var fieldNames = []string{"handler", "data", "key", "delay", "priority", "unique", "retries", "timeout", "onresult", "onerror"}

// field: async_field(name) raises the error for a field that push does not know.
func (d *Desk) field(c *vm.Call) error {
	names := fieldNames
	if extra := c.Str(2); extra != "" {
		names = append([]string{extra}, names...)
	}
	if c.Kind(1) != vm.KindStr {
		return fmt.Errorf("push: the job has a field [%s]; a job is a table such as {handler = \"name\", data = ...}", tostring(c, 1))
	}
	name := c.Str(1)
	return fmt.Errorf("push: a job has no field '%s'; %s", name, choose(name, names, ""))
}

func tostring(c *vm.Call, i int) string {
	if b := c.Bytes(i); b != nil {
		return string(b)
	}
	return c.Kind(i).String()
}

// read fills the fields from the arguments. What it keeps is to be released by drop, also after an error.
func (d *Desk) read(c *vm.Call, f *Fields) (err error) {
	switch c.Kind(argHandler) {
	case vm.KindStr:
		f.Handler = d.word(c.Bytes(argHandler))
	case vm.KindFunc:
		if f.Code, err = d.Code(c, argHandler, "handler"); err != nil {
			return err
		}
	case vm.KindNil:
		return fmt.Errorf("push: the job has no handler: give a name that async.handler registered, or a function")
	default:
		return fmt.Errorf("push: handler must be a name or a function, not a %s", c.Kind(argHandler))
	}
	if f.Data, err = d.Encode(c, argData, "push: data"); err != nil {
		return err
	}
	if f.Key, err = text(c, argKey, "key"); err != nil {
		return err
	}
	if f.Unique, err = text(c, argUnique, "unique"); err != nil {
		return err
	}
	if f.Delay, err = seconds(c, argDelay, "delay"); err != nil {
		return err
	}
	if f.Timeout, err = seconds(c, argTimeout, "timeout"); err != nil {
		return err
	}
	if !c.IsNil(argTimeout) && f.Timeout == 0 {
		return fmt.Errorf("push: timeout must be more than 0")
	}
	n, _, err := whole(c, argPriority, "priority", -100, 100)
	if err != nil {
		return err
	}
	f.Priority = int8(n)
	n, given, err := whole(c, argRetries, "retries", 0, math.MaxUint16-1)
	if err != nil {
		return err
	}
	if given {
		f.Attempts = uint16(n + 1)
	}
	if f.OnResult, err = d.taker(c, argOnResult, "onresult", false); err != nil {
		return err
	}
	f.OnError, err = d.taker(c, argOnError, "onerror", true)
	return err
}

// drop lets go of what read has kept.
func (f *Fields) drop(s *vm.State) {
	s.Release(f.OnResult.Fn)
	s.Release(f.OnError.Fn)
}

// Code packs a function for a worker. name is what messages call it.
func (d *Desk) Code(c *vm.Call, i int, name string) (*vm.Packed, error) {
	p, err := c.Pack(i, name)
	if err != nil {
		return nil, fmt.Errorf("push: the function runs in a worker's state: %w", err)
	}
	return p, nil
}

// text reads an optional string of job.MaxKey bytes at most.
func text(c *vm.Call, i int, name string) (string, error) {
	switch c.Kind(i) {
	case vm.KindNil:
		return "", nil
	case vm.KindStr, vm.KindInt, vm.KindNum:
		if s := c.Str(i); len(s) <= job.MaxKey {
			return s, nil
		}
		return "", fmt.Errorf("push: %s has %d bytes, at most %d are possible", name, len(c.Bytes(i)), job.MaxKey)
	}
	return "", fmt.Errorf("push: %s must be a string, not a %s", name, c.Kind(i))
}

// maxSeconds is the longest time that a script can give; what is more becomes that.
const maxSeconds = 10 * 365 * 24 * 3600

// seconds reads an optional time.
func seconds(c *vm.Call, i int, name string) (time.Duration, error) {
	if c.IsNil(i) {
		return 0, nil
	}
	n, ok := c.Num(i)
	if !ok {
		return 0, fmt.Errorf("push: %s must be a number of seconds, not %s", name, shown(c, i))
	}
	if !(n >= 0) {
		return 0, fmt.Errorf("push: %s must not be negative", name)
	}
	return time.Duration(min(n, maxSeconds) * float64(time.Second)), nil
}

// whole reads an optional whole number within bounds.
func whole(c *vm.Call, i int, name string, least, most int64) (n int64, given bool, err error) {
	if c.IsNil(i) {
		return 0, false, nil
	}
	n, ok := c.Int(i)
	if !ok || n < least || n > most {
		return 0, false, fmt.Errorf("push: %s must be a whole number from %d to %d, not %s", name, least, most, shown(c, i))
	}
	return n, true, nil
}

// shown is an argument in a message.
func shown(c *vm.Call, i int) string {
	switch c.Kind(i) {
	case vm.KindStr:
		return fmt.Sprintf("%q", c.Str(i))
	case vm.KindInt, vm.KindNum:
		return c.Str(i)
	}
	return "a " + c.Kind(i).String()
}

// taker reads an optional onresult or onerror.
func (d *Desk) taker(c *vm.Call, i int, what string, failed bool) (t Taker, err error) {
	switch c.Kind(i) {
	case vm.KindNil:
	case vm.KindFunc:
		t.Fn, err = c.Func(i)
	case vm.KindStr:
		t.Name = d.word(c.Bytes(i))
		if there, ok := d.opts.Owner.takes(t.Name, failed); !ok {
			return t, fmt.Errorf("push: nothing is registered as async.%s('%s', ...); %s", what, t.Name,
				choose(t.Name, there, "do that while the script is loaded"))
		}
	default:
		return t, fmt.Errorf("push: %s must be a function or a name, not a %s", what, c.Kind(i))
	}
	return t, err
}

// unknownHandler is the error for a name that nobody has registered.
func (d *Desk) unknownHandler(name string) error {
	names := d.shared().Handlers.Names()
	if hint := diag.DidYouMean(name, names); hint != "" {
		return fmt.Errorf("push: there is no handler '%s'; %s", name, hint)
	}
	return fmt.Errorf("push: there is no handler '%s'; %s", name, choose(name, names, "register it with async.handler while the script is loaded"))
}
