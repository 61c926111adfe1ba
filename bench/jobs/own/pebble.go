// Package own has the subjects of the comparison that are in eddy's own module: its queues, and what they are built on.
package own

import (
	"context"
	"encoding/binary"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"eddy/bench/jobs/load"
)

// bare is Pebble with nothing around it: the least that a durable push can cost with this store.
type bare struct {
	db  *pebble.DB
	ids atomic.Uint64

	// Of group commits; nil: every push is a commit of its own, and Pebble shares syncs among them.
	work chan *add
	wg   sync.WaitGroup
}

// add is a push that waits for its group.
type add struct {
	key, value []byte
	done       chan error
}

// maxGroup bounds the bytes of a group.
const maxGroup = 4 << 20

func openBare(dir string) (*bare, error) {
	db, err := pebble.Open(dir, &pebble.Options{MemTableSize: 32 << 20, L0StopWritesThreshold: 1 << 16, Logger: quiet{}})
	if err != nil {
		return nil, err
	}
	return &bare{db: db}, nil
}

// OpenPebbleSingle opens Pebble with a synced commit for each push.
func OpenPebbleSingle(_ context.Context, dir, _ string, _ load.Plan) (load.Subject, error) {
	return openBare(dir)
}

// OpenPebbleGroup opens Pebble with one goroutine that makes one synced batch of all pushes that wait.
func OpenPebbleGroup(_ context.Context, dir, _ string, p load.Plan) (load.Subject, error) {
	b, err := openBare(dir)
	if err != nil {
		return nil, err
	}
	b.work = make(chan *add, p.Producers)
	b.wg.Go(b.commit)
	return b, nil
}

func (b *bare) Push(_ context.Context, _ int, payload []byte) error {
	key := binary.BigEndian.AppendUint64([]byte{'b'}, b.ids.Add(1))
	if b.work == nil {
		return b.db.Set(key, payload, pebble.Sync)
	}
	a := &add{key, payload, make(chan error, 1)}
	b.work <- a
	return <-a.done
}

// commit is the goroutine that makes the groups.
func (b *bare) commit() {
	for first := range b.work {
		group, batch := []*add{first}, b.db.NewBatch()
		err := batch.Set(first.key, first.value, nil)
		for more := true; more && err == nil && batch.Len() < maxGroup; {
			select {
			case a, open := <-b.work:
				if more = open; open {
					group = append(group, a)
					err = batch.Set(a.key, a.value, nil)
				}
			default:
				more = false
			}
		}
		if err == nil {
			err = batch.Commit(pebble.Sync)
		}
		_ = batch.Close() // it says what Commit said
		for _, a := range group {
			a.done <- err
		}
	}
}

func (*bare) Work(context.Context, int, func()) error { return load.ErrNoWork }

func (b *bare) Close() error {
	if b.work != nil {
		close(b.work)
		b.wg.Wait()
	}
	return b.db.Close()
}

// quiet drops what Pebble says of itself.
type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(string, ...any) {}
