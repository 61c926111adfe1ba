package queue

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"eddy/internal/handoff"
	"eddy/internal/offpath/job"
	"eddy/internal/reentry"
)

// plan is what a test wants of a job, and what it saw of it.
type plan struct {
	n        int
	key      string
	delay    time.Duration
	due      time.Time // not before
	fails    int       // attempts
	takes    time.Duration
	accepted bool
	id       job.ID

	attempts  int
	lastEnd   time.Time
	endedWell bool
	fates     int // times that its ticket was taken
	result    reentry.Result
	ticket    *reentry.Ticket
}

// jury watches all attempts of a queue.
type jury struct {
	t     *testing.T
	retry Retry
	drops bool // jobs may be dropped while they wait for their next attempt

	mu    sync.Mutex
	plans map[uint64]*plan
	busy  map[string]int   // by key: how many run
	last  map[string]*plan // by key: the last that began
	began []time.Time
}

func (y *jury) Run(ctx context.Context, j *job.Job) Outcome {
	y.mu.Lock()
	p := y.plans[binary.LittleEndian.Uint64(j.Data)]
	now := time.Now()
	y.began = append(y.began, now)
	p.attempts++
	if int(j.Attempts) != p.attempts {
		y.t.Errorf("job %d: attempt %d is called %d", p.n, p.attempts, j.Attempts)
	}
	if now.Before(p.due) {
		y.t.Errorf("job %d began %v too early", p.n, p.due.Sub(now))
	}
	if p.attempts > 1 {
		pause, least := now.Sub(p.lastEnd), min(y.retry.Min<<(p.attempts-2), y.retry.Max)
		if pause < least*2/3 {
			y.t.Errorf("job %d: attempt %d after %v, at least %v", p.n, p.attempts, pause, least)
		}
	}
	if p.key != "" {
		if y.busy[p.key]++; y.busy[p.key] != 1 {
			y.t.Errorf("key %s: %d run at a time", p.key, y.busy[p.key])
		}
		if b := y.last[p.key]; b != nil && b.delay == 0 && p.delay == 0 && b.n > p.n {
			y.t.Errorf("key %s: job %d began after %d", p.key, p.n, b.n)
		}
		if b := y.last[p.key]; b != nil && b != p && !b.endedWell && b.attempts <= y.retry.Retries && p.n > b.n && !y.drops {
			y.t.Errorf("key %s: job %d began while %d waits for its next attempt", p.key, p.n, b.n)
		}
		y.last[p.key] = p
	}
	fails := p.attempts <= p.fails
	y.mu.Unlock()
	time.Sleep(p.takes)
	y.mu.Lock()
	defer y.mu.Unlock()
	p.lastEnd = time.Now()
	p.endedWell = !fails
	if p.key != "" {
		y.busy[p.key]--
	}
	if fails {
		return Outcome{Err: fmt.Errorf("attempt %d", p.attempts)}
	}
	return Outcome{Result: j.Data}
}

// Random jobs with keys, delays, failures, priorities and policies: each that was accepted ends once, as it should, and its ticket
// too; no two of a key run at a time or out of order; the rate is kept; the figures add up.
func TestEveryJobEndsOnce(t *testing.T) {
	for seed := range uint64(10) {
		for _, disk := range []bool{false, true} {
			t.Run(fmt.Sprintf("seed=%d/disk=%v", seed, disk), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { everyJob(t, rand.New(rand.NewPCG(seed, 11)), disk) })
			})
		}
	}
}

func everyJob(t *testing.T, r *rand.Rand, disk bool) {
	retry := Retry{Retries: 1 + r.IntN(4), Min: 20 * time.Millisecond, Max: 200 * time.Millisecond}
	y := &jury{t: t, retry: retry, plans: map[uint64]*plan{}, busy: map[string]int{}, last: map[string]*plan{}}
	o := Options{
		Workers: 1 + r.IntN(6), Retry: retry, Runner: y, KeepDead: time.Duration(r.IntN(2)) * time.Hour,
		Bounds: handoff.Bounds{Entries: 20 + r.IntN(300)}, Full: handoff.Full(r.IntN(3)),
	}
	y.drops = o.Full == handoff.DropOldest
	if r.IntN(2) == 0 {
		o.Rate = Rate{Events: 1 + r.IntN(300), Per: time.Second, Burst: 1 + r.IntN(20)}
	}
	rig := (&rig{t: t, disk: disk}).open(o)
	rig.Start()
	keys := r.IntN(5)
	const jobs = 300
	refused := 0
	var plans []*plan
	for n := range jobs {
		p := &plan{n: n, takes: time.Duration(r.IntN(5)) * time.Millisecond}
		if k := r.IntN(keys + 1); k > 0 {
			p.key = fmt.Sprint(k)
		}
		if r.IntN(5) == 0 {
			p.fails = r.IntN(retry.Retries + 3)
		}
		if r.IntN(5) == 0 {
			p.delay = time.Duration(r.IntN(300)) * time.Millisecond
		}
		p.due = time.Now().Add(p.delay)
		ticket, _ := rig.inbox.Issue(func(res reentry.Result) { p.fates++; p.result = res })
		p.ticket = ticket
		y.mu.Lock()
		y.plans[uint64(n)] = p
		y.mu.Unlock()
		j := &job.Job{Body: job.Body{Handler: "h", Key: p.key, Data: binary.LittleEndian.AppendUint64(nil, uint64(n))}}
		j.Priority = int8(r.IntN(3))
		receipt, why := rig.Offer(Push{Job: j, Delay: p.delay, Ticket: ticket})
		p.accepted, p.id = why.OK(), receipt.ID
		if !why.OK() {
			refused++
			if why.Reason != handoff.EntriesFull || why.Text == "" {
				t.Errorf("refused: %+v", why)
			}
		}
		plans = append(plans, p)
		if r.IntN(10) == 0 {
			time.Sleep(time.Duration(r.IntN(30)) * time.Millisecond)
		}
		if r.IntN(20) == 0 {
			rig.inbox.Drain(0)
		}
	}
	for rig.inbox.Open() > 0 {
		time.Sleep(time.Second)
		rig.inbox.Drain(0)
	}
	synctest.Wait()
	rig.adds()
	s := rig.Stats()
	var done, dead, dropped uint64
	for _, p := range plans {
		want := 0
		if p.accepted {
			want = 1
		}
		if p.fates != want {
			t.Fatalf("job %d, accepted %v: its ticket was taken %d times", p.n, p.accepted, p.fates)
		}
		switch {
		case !p.accepted:
			if p.attempts > 0 {
				t.Errorf("job %d was refused and ran", p.n)
			}
		case p.result.Err == ErrDropped:
			dropped++
			if p.attempts > 0 && p.endedWell || p.ticket.Fate() != reentry.Expired {
				t.Errorf("job %d was dropped after it was done: %v", p.n, p.ticket.Fate())
			}
		case p.result.Err != nil:
			dead++
			if p.attempts != retry.Retries+1 || p.ticket.Fate() != reentry.Delivered {
				t.Errorf("job %d is dead after %d attempts: %v", p.n, p.attempts, p.result.Err)
			}
		default:
			done++
			if p.attempts != p.fails+1 || binary.LittleEndian.Uint64(p.result.Data) != uint64(p.n) {
				t.Errorf("job %d is done after %d attempts with %v", p.n, p.attempts, p.result.Data)
			}
		}
	}
	if s.Done != done || s.Died != dead || s.Dropped != dropped || s.Refused[handoff.EntriesFull] != uint64(refused) ||
		s.Pushed != done+dead+dropped || s.Started != s.Done+s.Failed || s.Pushed+uint64(refused) != jobs {
		t.Errorf("%d done, %d dead, %d dropped, %d refused; %+v", done, dead, dropped, refused, s)
	}
	if o.Rate.Events > 0 {
		keepsRate(t, y.began, o.Rate)
	}
	rig.stop()
}

// keepsRate checks that in no window more began than the rate and the burst allow.
func keepsRate(t *testing.T, began []time.Time, rate Rate) {
	t.Helper()
	every := rate.Per / time.Duration(rate.Events)
	for i := range began {
		for k := i; k < len(began); k++ {
			if most := rate.Burst + int(began[k].Sub(began[i])/every); k-i+1 > most {
				t.Errorf("%d began within %v, at most %d", k-i+1, began[k].Sub(began[i]), most)
				return
			}
		}
	}
}
