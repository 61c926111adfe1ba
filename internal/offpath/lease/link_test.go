package lease

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"eddy/internal/handoff"
	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
	"eddy/internal/offpath/queue"
)

// frame is a message as it is sent.
func frame(t testing.TB, messages ...*message) []byte {
	t.Helper()
	var out bytes.Buffer
	enc := gob.NewEncoder(&out)
	var all []byte
	for _, m := range messages {
		out.Reset()
		if err := enc.Encode(m); err != nil {
			t.Fatal(err)
		}
		n := out.Len()
		all = append(all, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
		all = append(all, out.Bytes()...)
	}
	return all
}

// examples have every field that a message may have.
func examples() []*message {
	return []*message{
		{Kind: kindTakeover, Version: version, Relieves: []int{1, 2}, Names: []string{"q", "fifo/a:1"}},
		{Kind: kindGiven, Version: version, Running: map[string][]job.ID{"q": {1, 2}}, Text: "x"},
		{Kind: kindPush, Seq: 7, Queue: "q", Delay: time.Second, Job: &job.Job{
			Head: job.Head{ID: 9, Priority: -3}, Body: job.Body{Handler: "h", Data: []byte{1}, Origin: job.Origin{Where: "a.lua:1"}},
		}},
		{Kind: kindEnded, Seq: 8, Queue: "q", ID: 9, Outcome: packOutcome(queue.Outcome{Result: []byte("r"), Err: errors.New("x"), Final: true})},
		{Kind: kindLost, Queue: "q", IDs: []job.ID{1}},
		{Kind: kindAnswer, Seq: 7, Failure: packFailure(errors.New("no"))},
	}
}

func TestMessages(t *testing.T) {
	var in bytes.Buffer
	dec := gob.NewDecoder(&in)
	r := bytes.NewReader(frame(t, examples()...))
	for i, want := range examples() {
		var got message
		if err := receive(r, &in, dec, &got); err != nil || !reflect.DeepEqual(&got, want) {
			t.Errorf("%d: got %+v, %v; want %+v", i, got, err, want)
		}
	}
	for name, b := range map[string][]byte{
		"nothing":       {0, 0, 0, 0},
		"too much":      {0xff, 0, 0, 0, 1},
		"cut short":     frame(t, examples()[0])[:9],
		"with a tail":   append([]byte{0, 0, 0, 255}, append(frame(t, examples()[4])[4:], make([]byte, 255)...)...),
		"not a message": {0, 0, 0, 2, 1, 1},
	} {
		var in bytes.Buffer
		if err := receive(bytes.NewReader(b), &in, gob.NewDecoder(&in), new(message)); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// FuzzReceive: what another process sends ends in a message or an error.
func FuzzReceive(f *testing.F) {
	for _, m := range examples() {
		f.Add(frame(f, m))
	}
	f.Add(frame(f, examples()...))
	f.Add([]byte{0, 0, 0, 1, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		var in bytes.Buffer
		dec, r := gob.NewDecoder(&in), bytes.NewReader(b)
		for range 10 {
			var m message
			if receive(r, &in, dec, &m) != nil {
				return
			}
			_ = m.Failure.unpack()
			if m.Outcome != nil {
				_ = m.Outcome.unpack()
			}
		}
	})
}

// TestErrorsTravel: what programs tell errors by is the same on the other side.
func TestErrorsTravel(t *testing.T) {
	twice := &queue.DuplicateError{ID: 5}
	for _, err := range []error{
		nil, errors.New("plain"), twice, fmt.Errorf("x: %w", &jobstore.FullError{Text: "full"}),
		&RefusedError{queue.Refused{Reason: handoff.EntriesFull, Text: "queue 'q' is full"}}, fmt.Errorf("y: %w", jobstore.ErrNotFound),
	} {
		got := packFailure(err).unpack()
		if (got == nil) != (err == nil) {
			t.Errorf("%v became %v", err, got)
			continue
		}
		if err == nil {
			continue
		}
		if got.Error() != err.Error() || errors.Is(got, jobstore.ErrNotFound) != errors.Is(err, jobstore.ErrNotFound) {
			t.Errorf("%v became %v", err, got)
		}
		was, _ := errors.AsType[*queue.DuplicateError](err)
		is, _ := errors.AsType[*queue.DuplicateError](got)
		if !reflect.DeepEqual(was, is) {
			t.Errorf("%v became %v", was, is)
		}
		_, was2 := errors.AsType[*jobstore.FullError](err)
		_, is2 := errors.AsType[*jobstore.FullError](got)
		if was2 != is2 {
			t.Errorf("%v: a full disk is %v", err, is2)
		}
		was3, _ := errors.AsType[*RefusedError](err)
		is3, _ := errors.AsType[*RefusedError](got)
		if !reflect.DeepEqual(was3, is3) {
			t.Errorf("%v became %v", was3, is3)
		}
	}
	late := queue.Outcome{Err: fmt.Errorf("slow: %w", context.DeadlineExceeded), Traceback: "t", Result: []byte("r"), Final: true}
	got := packOutcome(late).unpack()
	if !errors.Is(got.Err, context.DeadlineExceeded) || got.Err.Error() != late.Err.Error() || got.Traceback != "t" || string(got.Result) != "r" || !got.Final {
		t.Errorf("got %+v", got)
	}
	if got := packOutcome(queue.Outcome{}).unpack(); got.Err != nil {
		t.Errorf("got %+v", got)
	}
}
