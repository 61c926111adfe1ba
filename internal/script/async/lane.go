package async

import (
	"context"
	"time"

	"eddy/internal/reentry"
	"eddy/internal/script/vm"
)

// Lane is what a lane does for one of its states. Its methods are called with the state's lock held, on the goroutine that
// runs the script, except where they say otherwise.
type Lane interface {
	// Site says what the call in progress is.
	Site(c *vm.Call) Site
	// Issue makes a ticket for a job that the call in progress pushes; it is withdrawn when the push is refused or a duplicate.
	// take is called when the result is there, without the lock, on a goroutine on which the lane may run Lua. nil: nobody is
	// to be told; then there need be no ticket, and Issue may give nil and no error. due is when the job's delay is over; zero:
	// it has none.
	Issue(c *vm.Call, due time.Time, take func(reentry.Result)) (*reentry.Ticket, error)
	// Post has f called where Issue's take is called. bytes is what f holds in memory. Any goroutine may call it; it never
	// waits. False: there is no room, or the lane is over.
	Post(bytes int64, f func()) bool
	// Take runs an onresult or onerror to its end, or has it run; what goes wrong in it is the lane's to log. It is called by
	// what Issue and Post were given, without the lock.
	Take(fn vm.Ref, args []vm.Value)
	// Wait is c.Wait, with what the lane puts around it.
	Wait(c *vm.Call, f func(ctx context.Context) vm.Resume) error
}

// Site is where a call stands.
type Site struct {
	Request string // of which request, flow or task it is, in words for people: job.Origin.Request
	Frame   *Frame // of the run in progress; nil: none is kept
	Loading bool   // a main chunk runs, or in a worker's state what is to make it ready: names may be registered, nothing may be pushed
	NoWait  string // why the call can't wait; "": it can
}
