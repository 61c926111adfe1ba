package async

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"eddy/internal/offpath/job"
	"eddy/internal/offpath/queue"
	"eddy/internal/script/vm"
)

func TestSealFile(t *testing.T) {
	dir := t.TempDir()
	a, err := openSeal(dir)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "seal.key")
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 || info.Size() != 32 {
		t.Fatalf("%v %v", info, err)
	}
	b, err := openSeal(dir)
	if err != nil || *a.key.Load() != *b.key.Load() {
		t.Errorf("another key, %v", err)
	}
	if names, _ := filepath.Glob(dir + "/*"); len(names) != 1 {
		t.Errorf("left behind: %v", names)
	}
	for _, tt := range []struct {
		what string
		do   func()
		want string
	}{
		{"readable", func() { os.Chmod(path, 0o640) }, "can be read by others"},
		{"short", func() { os.Chmod(path, 0o600); os.Truncate(path, 31) }, "is damaged"},
		{"long", func() { os.WriteFile(path, make([]byte, 33), 0o600) }, "is damaged"},
		{"folder", func() { os.Remove(path); os.Mkdir(path, 0o700) }, "can be read by others"},
	} {
		tt.do()
		if _, err := openSeal(dir); err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", tt.what, err)
		}
	}
	if _, err := openSeal(filepath.Join(dir, "none")); err == nil {
		t.Error("a key in no folder")
	}
}

func TestSeal(t *testing.T) {
	s := NewSeal()
	packed := vm.PackedOf([]byte("the code"))
	b, err := s.Close("a", packed)
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Open("a", b)
	if err != nil || !bytes.Equal(p.Bytes(), packed.Bytes()) {
		t.Fatalf("%v %v", p, err)
	}
	if _, err := s.Open("b", b); !errors.Is(err, ErrSealDamaged) {
		t.Errorf("another owner: %v", err)
	}
	if _, err := NewSeal().Open("a", b); !errors.Is(err, ErrSealForeign) {
		t.Errorf("another key: %v", err)
	}
	later := LaterSeal(t.TempDir())
	if _, err := later.Open("a", b); !errors.Is(err, ErrNoKey) {
		t.Errorf("no key: %v", err)
	}
	if _, err := later.Close("a", packed); !errors.Is(err, ErrNoKey) {
		t.Errorf("no key: %v", err)
	}
	old := s.key.Load().close("a", "5.4.1", packed.Bytes())
	var version *SealVersionError
	if _, err := s.Open("a", old); !errors.As(err, &version) || version.Made != "5.4.1" || version.Here != vm.Version() {
		t.Errorf("another Lua: %v", err)
	}
	for i := range b { // any byte changed, or missing from here
		broken := bytes.Clone(b)
		broken[i] ^= 1
		if _, err := s.Open("a", broken); err == nil {
			t.Errorf("byte %d changed", i)
		}
		if _, err := s.Open("a", b[:i]); err == nil {
			t.Errorf("%d bytes", i)
		}
	}
}

func FuzzSealOpen(f *testing.F) {
	s := sealWithKey([32]byte{1, 2, 3})
	b, _ := s.Close("a", vm.PackedOf([]byte("the code")))
	f.Add(b)
	f.Add([]byte(sealMark))
	f.Fuzz(func(t *testing.T, in []byte) {
		if p, err := s.Open("a", in); err == nil && !bytes.Equal(in, b) {
			t.Errorf("took %q for %q", in, p.Bytes())
		}
	})
}

func sealWithKey(secret [32]byte) *Seal {
	k := keyOf(secret)
	s := &Seal{}
	s.key.Store(&k)
	return s
}

// A function whose seal is not this installation's is a dead job with a clear reason; it is never run.
func TestSealedJobs(t *testing.T) {
	r := load(t, handlers, setup{queues: []queue.Options{{Name: "foreign", Workers: 1}}})
	for _, tt := range []struct {
		name string
		code func(good []byte) []byte
		want string
	}{
		{"foreign", func(good []byte) []byte {
			b, _ := NewSeal().Close("test", vm.PackedOf(good))
			return b
		}, "sealed by another installation"},
		{"damaged", func(good []byte) []byte { good[len(good)/2] ^= 1; return good }, "damaged"},
		{"old", func(good []byte) []byte { return r.shared.Seal.key.Load().close("test", "5.4.1", good) }, "made by Lua 5.4.1, this is " + vm.Version()},
		{"empty", func([]byte) []byte { return nil }, "damaged"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r.queue("foreign").Pause()
			r.eval(`async.queue("foreign"):push{ handler = function() say("it ran") end }`)
			jobs, _, err := r.queue("foreign").List(queue.Filter{States: []job.State{job.Ready}})
			if err != nil || len(jobs) != 1 {
				t.Fatal(jobs, err)
			}
			j := &job.Job{Body: jobs[0].Body}
			j.Code = tt.code(bytes.Clone(j.Code))
			r.queue("foreign").Delete(jobs[0].ID)
			r.queue("foreign").Resume()
			if _, refused := r.queue("foreign").Offer(queue.Push{Job: j}); !refused.OK() {
				t.Fatal(refused.Text)
			}
			dead := r.dead("foreign")
			if len(dead.Failures) != 1 || !strings.Contains(dead.Failures[0].Text, tt.want) {
				t.Errorf("%+v", dead.Failures)
			}
			r.queue("foreign").Purge(job.Dead)
		})
	}
	if lines := r.lines(); len(lines) > 0 {
		t.Errorf("said %q", lines)
	}
}

// openSeal gives the Seal of a state folder, with its key.
func openSeal(dir string) (*Seal, error) {
	s := LaterSeal(dir)
	return s, s.Load()
}
