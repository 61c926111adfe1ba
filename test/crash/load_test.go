package crash

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// load pushes numbered jobs over HTTP, as fast as the answers come, whoever dies meanwhile.
type load struct {
	site  *site
	acked atomic.Int64 // by now

	mu      sync.Mutex
	numbers map[int64]string // accepted: the ids they got
	refused int
	odd     []string // answers that must not be
}

const producers = 16

var kinds = []string{"plain", "keyed", "delayed", "retried"}

func newLoad(s *site) *load { return &load{site: s, numbers: make(map[int64]string)} }

// run begins to push; what it gives ends that, and waits for it.
func (l *load) run(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	var next atomic.Int64
	for p := range producers {
		all.Go(func() { l.produce(ctx, p, &next) })
	}
	return func() {
		cancel()
		all.Wait()
	}
}

// produce pushes one job after another. The keys are the producer's own, so that their numbers are pushed in order.
func (l *load) produce(ctx context.Context, producer int, next *atomic.Int64) {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport, Timeout: 30 * time.Second}
	for i := 0; ctx.Err() == nil; i++ {
		n := next.Add(1)
		kind := kinds[i%len(kinds)]
		queue := []string{"synced", "system"}[i/len(kinds)%2]
		key := ""
		if kind == "keyed" || kind == "retried" { // one that is tried again holds up those of its key
			key = fmt.Sprintf("k%d", producer)
		}
		if !l.push(&client, n, fmt.Sprintf("http://%s/%s/%s/%d/%s", l.site.addr, queue, kind, n, key)) {
			time.Sleep(2 * time.Millisecond) // nobody is there, or the queue is full
		}
	}
}

// push says whether the job was accepted.
func (l *load) push(client *http.Client, n int64, url string) bool {
	res, err := client.Post(url, "text/plain", nil) // a GET would be sent again when a kept connection is dead
	if err != nil {
		return false
	}
	body, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil {
		return false // it died over the answer
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case res.StatusCode == http.StatusOK && len(body) == 13:
		l.numbers[n] = string(body)
		l.acked.Add(1)
		return true
	case res.StatusCode == http.StatusServiceUnavailable:
		l.refused++
	case len(l.odd) < 10:
		l.odd = append(l.odd, fmt.Sprintf("%s: %d %q", url, res.StatusCode, body))
	}
	return false
}
