package instance

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"eddy/internal/script/trisul/lib"
	"eddy/internal/script/vm"
)

// Faults counts what goes wrong in a plugin, in all its states, and logs some of it: the first few errors of each hook,
// then ever fewer. A hook that fails goes on to be called.
type Faults struct {
	log func(level int, text string)

	mu    sync.Mutex
	hooks map[string]uint64
	count uint64
	first string
}

// NewFaults makes an empty count.
func NewFaults(log func(level int, text string)) *Faults {
	return &Faults{log: log, hooks: map[string]uint64{}}
}

// always is how many errors of one hook are all logged; of those behind, each that comes at a power of ten.
const always = 3

// Add counts an error and logs it, unless it is one of many; what says where it happened: a hook's name, "loading" and the
// like.
func (f *Faults) Add(what, text string) {
	line := lib.Printable(what + ": " + text)
	f.mu.Lock()
	f.count++
	f.hooks[what]++
	n := f.hooks[what]
	if f.first == "" {
		f.first = line
	}
	f.mu.Unlock()
	switch {
	case n < always:
		f.log(lib.LogError, line)
	case n == always:
		f.log(lib.LogError, line+" (more of these are counted, and logged now and then)")
	case powerOfTen(n):
		f.log(lib.LogError, fmt.Sprintf("%s (%d times so far)", line, n))
	}
}

// Count gives the number of errors, and the first of them in words.
func (f *Faults) Count() (n uint64, first string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count, f.first
}

func powerOfTen(n uint64) bool {
	for n >= 10 && n%10 == 0 {
		n /= 10
	}
	return n == 1
}

// Text is an error of a run in words, which begin with the script's file and line where they are known.
func Text(err error) string {
	var e *vm.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	text := strings.Replace(e.Text, " (tune.lua.maxmem)", " for this script's state", 1)
	if e.Line > 0 && !strings.HasPrefix(text, fmt.Sprintf("%s:%d:", e.Script, e.Line)) {
		text = fmt.Sprintf("%s:%d: %s", e.Script, e.Line, text)
	}
	return text
}

// failure is Text for a hook's error, with what helps.
func failure(err error) string {
	text := Text(err)
	var e *vm.Error
	if errors.As(err, &e) && e.Timeout {
		text += " (hook-timeout says for how long a hook may compute; T.async:schedule is for what takes time)"
	}
	return text
}
