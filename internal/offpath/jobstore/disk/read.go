package disk

import (
	"errors"
	"io"

	"github.com/cockroachdb/pebble/v2"

	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
)

// reader is a database, a snapshot of one, or a batch that can be read.
type reader interface {
	Get(key []byte) ([]byte, io.Closer, error)
}

// reading gives the database for a time; release it.
func (s *Store) reading() (*database, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.current == nil || !s.current.acquire() {
		return nil, jobstore.ErrClosed
	}
	return s.current, nil
}

// Get gives a job.
func (s *Store) Get(id job.ID) (*job.Job, error) {
	d, err := s.reading()
	if err != nil {
		return nil, err
	}
	defer d.done()
	snapshot := d.NewSnapshot() // while we look it may go from one state to the next
	defer snapshot.Close()
	j := &job.Job{}
	if j.Head, err = getHead(snapshot, id); err != nil {
		return nil, s.missing(err)
	}
	key := idKey(nil, keyBody, id)
	if j.Body, err = getBody(snapshot, key); err != nil {
		if errors.Is(err, pebble.ErrNotFound) {
			err = damaged("job %v has no body", id)
		}
		return nil, s.explain(err)
	}
	key[0] = keyFailure
	if j.Failures, err = getFailures(snapshot, key); err != nil {
		return nil, s.explain(err)
	}
	return j, nil
}

func (s *Store) missing(err error) error {
	if errors.Is(err, pebble.ErrNotFound) {
		return jobstore.ErrNotFound
	}
	return s.explain(err)
}

// getHead looks where a job may be: those that are taken from first.
func getHead(r reader, id job.ID) (job.Head, error) {
	var buf [2 + 8 + 8]byte
	key := buf[:0]
	for _, st := range [...]job.State{job.Running, job.Ready, job.Dead} {
		key = headKey(key, st, 0, id)
		h, err := getHeadAt(r, key)
		if !errors.Is(err, pebble.ErrNotFound) {
			return h, err
		}
	}
	key = idKey(key, keyTimed, id)
	place, closer, err := r.Get(key)
	if err != nil {
		return job.Head{}, err
	}
	key = append(append(key[:0], keyHead), place...)
	_ = closer.Close()
	key = append(key, idKey(nil, 0, id)[1:]...)
	h, err := getHeadAt(r, key)
	if errors.Is(err, pebble.ErrNotFound) {
		err = damaged("job %v is not where it should be", id)
	}
	return h, err
}

func getHeadAt(r reader, key []byte) (job.Head, error) {
	v, closer, err := r.Get(key)
	if err != nil {
		return job.Head{}, err
	}
	defer closer.Close()
	return decodeHead(key, v)
}

func getBody(r reader, key []byte) (job.Body, error) {
	v, closer, err := r.Get(key)
	if err != nil {
		return job.Body{}, err
	}
	defer closer.Close()
	return job.DecodeBody(v)
}

// getFailures gives none where there are none.
func getFailures(r reader, key []byte) ([]job.Failure, error) {
	v, closer, err := r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer closer.Close()
	return job.DecodeFailures(v)
}

func getHold(r reader, key []byte) (job.ID, int64, error) {
	v, closer, err := r.Get(key)
	if err != nil {
		return 0, 0, err
	}
	defer closer.Close()
	return decodeHold(v)
}

// Heads calls f with the jobs of a state as they were when Heads was called.
func (s *Store) Heads(st job.State, after job.Head, f func(job.Head) bool) error {
	if !st.Kept() {
		return nil
	}
	d, err := s.reading()
	if err != nil {
		return err
	}
	defer d.done()
	lower, upper := []byte{keyHead, byte(st)}, []byte{keyHead, byte(st) + 1}
	if after != (job.Head{}) {
		lower = append(headKey(nil, st, after.Due, after.ID), 0)
	}
	it, err := d.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return s.explain(err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		h, err := decodeHead(it.Key(), it.Value())
		if err != nil {
			_ = it.Close()
			return s.explain(err)
		}
		if !f(h) {
			break
		}
	}
	return s.explain(it.Close())
}

// Unique gives the holder of a unique key.
func (s *Store) Unique(key string, now int64) (job.ID, bool) {
	d, err := s.reading()
	if err != nil {
		return 0, false
	}
	defer d.done()
	id, until, err := getHold(d, uniqueKey(nil, key))
	if err != nil {
		if !errors.Is(err, pebble.ErrNotFound) {
			s.trouble(err)
		}
		return 0, false
	}
	return id, until == 0 || until > now
}
