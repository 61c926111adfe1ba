package disk

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore"
)

const (
	childEnv     = "EDDY_TEST_STORE"
	childSyncEnv = "EDDY_TEST_STORE_SYNC"
	groupSize    = 7 // jobs of a commit of the child
)

// child commits groups of jobs, and tells each on its output when it has been accepted. Of every third group it ends the first
// job. It is killed.
func child(path string, synced bool) {
	s, err := Open(path, Options{Sync: synced, commit: 256 << 10})
	if err != nil {
		fmt.Println("error", err)
		return
	}
	for n := int(s.Last()) + 1; ; n += groupSize {
		var group []jobstore.Change
		for i := range groupSize {
			group = append(group, addition(n+i, 1024))
		}
		if err := s.Commit(group); err != nil {
			fmt.Println("error", err)
			return
		}
		fmt.Println("added", n)
		if n/groupSize%3 == 0 {
			run := group[0].To
			run.State = job.Running
			done := group[0].To
			done.State = job.Done
			if err := s.Commit([]jobstore.Change{{From: group[0].To, To: run}, {From: run, To: done}}); err != nil {
				fmt.Println("error", err)
				return
			}
			fmt.Println("done", n)
		}
	}
}

// addition is a job with data that depend on its number.
func addition(n, size int) jobstore.Change {
	j := &job.Job{Body: job.Body{Queue: "q", Handler: "h", Data: pattern(n, size)}}
	j.Head = job.Head{ID: job.ID(n), State: job.Ready}
	j.Size = j.Weigh()
	return jobstore.Change{Job: j, To: j.Head}
}

const mostPattern = 1 << 18

var noise = sync.OnceValue(func() []byte {
	p := make([]byte, 2*mostPattern)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(p)
	return p
})

// pattern gives bytes that do not compress, and differ by number.
func pattern(n, size int) []byte {
	p := bytes.Clone(noise()[n*997%mostPattern:][:size])
	if size >= 8 {
		binary.LittleEndian.PutUint64(p, uint64(n))
	}
	return p
}

// A process that is killed at any moment loses nothing that was accepted, and has no part of a commit.
func TestKill(t *testing.T) {
	for name, synced := range map[string]string{"fsync": "1", "os": ""} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "queue")
			added, done := map[int]bool{}, map[int]bool{}
			rounds := 2
			if testing.Short() {
				rounds = 2
			}
			for range rounds {
				killed(t, path, synced, added, done)
				s := mustOpen(t, path, tiny(t))
				checkKilled(t, s, added, done)
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if len(added) < rounds {
				t.Fatalf("only %d groups in %d rounds", len(added), rounds)
			}
		})
	}
}

// killed runs a child, and kills it after a random number of groups.
func killed(t *testing.T, path, synced string, added, done map[int]bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+path, childSyncEnv+"="+synced)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	guard := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer guard.Stop()
	left := 1 + rand.IntN(200)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var word string
		var n int
		if _, err := fmt.Sscan(lines.Text(), &word, &n); err != nil || word == "error" {
			t.Errorf("the child says %q", lines.Text())
		}
		if word == "done" {
			done[n] = true
		} else {
			added[n] = true
		}
		if left--; left == 0 {
			_ = cmd.Process.Kill()
		}
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the child ended by itself: %v", err)
	}
}

func checkKilled(t *testing.T, s *Store, added, done map[int]bool) {
	t.Helper()
	there := map[int]bool{}
	if err := s.Heads(job.Ready, job.Head{}, func(h job.Head) bool {
		there[int(h.ID)] = true
		j, err := s.Get(h.ID)
		if err != nil || string(j.Data) != string(pattern(int(h.ID), 1024)) {
			t.Errorf("job %d: %v", h.ID, err)
		}
		return !t.Failed()
	}); err != nil {
		t.Fatal(err)
	}
	for n := range added {
		for i := range groupSize {
			if !there[n+i] && (i > 0 || !done[n] && n/groupSize%3 != 0) {
				t.Fatalf("job %d was accepted and is lost", n+i)
			}
			if there[n+i] && i == 0 && done[n] {
				t.Fatalf("job %d is back, and was done", n)
			}
		}
	}
	for n := 1; n <= int(s.Last()); n += groupSize {
		if !there[n+1] { // none of any other
			t.Fatalf("a part of group %d is not there", n)
		}
	}
	if got := s.Totals(); got.Jobs[job.Ready] != int64(len(there)) {
		t.Fatalf("%d jobs by the totals, and %d are there", got.Jobs[job.Ready], len(there))
	}
}
