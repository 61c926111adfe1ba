package crash

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"eddy/test/program"
)

// TestDiskFull takes all the room on the disk, and gives it back.
func TestDiskFull(t *testing.T) {
	s := newSite(t, "disk.cfg")
	s.onSmallDisk(t, "400m")
	e := s.start(t)
	tr := startTraffic(t, s)
	c := newClient(t, s)
	for range 50 {
		accept(t, c, "safe")
	}
	program.Say(t, s.socket(), "pause queue safe")
	for range 50 {
		accept(t, c, "safe") // these are on the disk when it gets full
	}

	free := fill(t, filepath.Dir(s.state))
	s.refuses(t, c, "safe", "there is no room", "are free on the disk")
	s.refuses(t, c, "other", "there is no room")
	tr.goesOn(t)
	accept(t, c, "quick") // a queue in memory needs no disk
	program.Say(t, s.socket(), "resume queue safe")
	for range 20 {
		if why := c.push("safe", 100); why == "" {
			t.Error("a job was accepted where there is no room")
		}
	}
	tr.goesOn(t)

	free()
	s.worksAgain(t, c, "safe")
	s.worksAgain(t, c, "other")
	c.done("safe", 1)
	c.done("other", 1)
	c.done("quick", 1)
	tr.stop()
	t.Logf("%d answers meanwhile", tr.answers.Load())
	e.Stop(t)
}

// TestDiskFullStart kills the process while its disk is full and it has jobs to do, and starts it again on the full disk.
func TestDiskFullStart(t *testing.T) {
	s := newSite(t, "disk.cfg")
	s.onSmallDisk(t, "400m")
	e := s.start(t, "HOLD=1")
	c := newClient(t, s)
	for range 200 {
		accept(t, c, "safe")
		accept(t, c, "other")
	}
	c.done("safe", 1)
	for range 10 { // of which some have a worker when the process dies
		if why := c.pushFor("safe", "hold", 100); why != "" {
			t.Fatal(why)
		}
	}
	program.Until(t, "all workers are busy", func() bool { return program.Queue(t, s.socket(), "safe").Busy == 4 })
	free := fill(t, filepath.Dir(s.state))
	s.refuses(t, c, "safe", "there is no room")
	e.Kill(t)

	e = s.start(t)
	tr := startTraffic(t, s)
	s.refuses(t, c, "safe", "there is no room")
	accept(t, c, "quick")
	tr.goesOn(t)
	free()
	s.worksAgain(t, c, "safe")
	s.worksAgain(t, c, "other")
	c.done("safe", 2)
	c.done("other", 2)
	tr.stop()
	e.Stop(t)
}

// TestDiskReadOnly has the disk fail under the process, so that it can only be read, and be repaired.
func TestDiskReadOnly(t *testing.T) {
	s := newSite(t, "disk.cfg")
	disk := newImage(t, s)
	e := s.start(t)
	tr := startTraffic(t, s)
	c := newClient(t, s)
	program.Say(t, s.socket(), "pause queue safe")
	for range 50 {
		accept(t, c, "safe")
	}
	disk.breaks(t)
	s.refuses(t, c, "safe", "read-only file system", s.state)
	accept(t, c, "quick")
	tr.goesOn(t)

	disk.replace(t)
	s.worksAgain(t, c, "safe")
	program.Say(t, s.socket(), "resume queue safe")
	c.done("safe", 1)
	c.done("quick", 1)
	tr.goesOn(t)
	tr.stop()
	e.Stop(t)

	// And nothing of it is only in memory.
	e = s.start(t)
	accept(t, c, "safe")
	c.done("safe", 1)
	e.Stop(t)
}

// TestDamaged damages the store of one queue.
func TestDamaged(t *testing.T) {
	for _, pattern := range []string{"MANIFEST-*", "*.log"} {
		t.Run(pattern, func(t *testing.T) {
			s := newSite(t, "disk.cfg")
			e := s.start(t)
			c := newClient(t, s)
			program.Say(t, s.socket(), "pause queue safe")
			for range 50 {
				accept(t, c, "safe")
			}
			e.Kill(t)
			folder := filepath.Join(s.state, "queues", "safe")
			damage(t, filepath.Join(folder, pattern))

			e = s.start(t)
			tr := startTraffic(t, s)
			s.refuses(t, c, "safe", "damaged", folder)
			e.WaitFor(t, folder+" are damaged")
			accept(t, c, "other")
			accept(t, c, "quick")
			c.done("other", 1)
			c.done("quick", 1)
			// What the text says helps, and at once.
			if err := os.Rename(folder, folder+".damaged"); err != nil {
				t.Fatal(err)
			}
			c.accepted["safe"] = nil
			s.worksAgain(t, c, "safe")
			c.done("safe", 1)
			tr.goesOn(t)
			tr.stop()
			e.Stop(t)
		})
	}
}

// TestStateFolder is about folders that cannot be used.
func TestStateFolder(t *testing.T) {
	fails := func(t *testing.T, s *site, parts ...string) {
		t.Helper()
		r := program.Run(t, eddy, "testdata", s.env, "-db", "-V", "-f", s.config)
		for _, p := range parts {
			if r.Code != 1 || !strings.Contains(r.Stderr, p) {
				t.Errorf("code %d, no %q in\n%s", r.Code, p, r.Stderr)
			}
		}
		if n := strings.Count(r.Stderr, "\n"); n > 3 {
			t.Errorf("that is too much to read:\n%s", r.Stderr)
		}
	}
	t.Run("open to others", func(t *testing.T) {
		s := newSite(t, "disk.cfg")
		if err := os.Mkdir(s.state, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(s.state, 0o755); err != nil {
			t.Fatal(err)
		}
		fails(t, s, "the state folder "+s.state+" is open to others (mode 0755)", "chmod 700 "+s.state)
		if err := os.Chmod(s.state, 0o700); err != nil {
			t.Fatal(err)
		}
		s.start(t).Stop(t)
	})
	t.Run("a file is in its place", func(t *testing.T) {
		s := newSite(t, "disk.cfg")
		if err := os.WriteFile(s.state, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		fails(t, s, "cannot make the state folder", s.state, "not a directory")
	})
	t.Run("not writable", func(t *testing.T) {
		if os.Geteuid() == 0 {
			t.Skip("root may write everywhere")
		}
		s := newSite(t, "disk.cfg")
		if err := os.Chmod(s.dir, 0o500); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(s.dir, 0o700) })
		fails(t, s, "cannot make the state folder", s.state, "permission denied")
	})
	t.Run("read-only", func(t *testing.T) {
		s := newSite(t, "disk.cfg")
		s.onSmallDisk(t, "200m")
		s.start(t).Stop(t)
		disk := filepath.Dir(s.state)
		if err := syscall.Mount("", disk, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
		fails(t, s, s.state, "read-only file system")
		if err := syscall.Mount("", disk, "", syscall.MS_REMOUNT, ""); err != nil {
			t.Fatal(err)
		}
		s.start(t).Stop(t)
	})
	t.Run("used by another", func(t *testing.T) {
		s := newSite(t, "disk.cfg")
		e := s.start(t)
		other := *s
		other.env = append(s.env[:len(s.env):len(s.env)], "HTTP_PORT="+program.FreePort(t), "SOCKET="+s.socket()+"2")
		fails(t, &other, fmt.Sprintf("state-dir %s is used by process %d", s.state, e.PID()), "-sf")
		tr := startTraffic(t, s)
		tr.goesOn(t)
		tr.stop()
		e.Stop(t)
	})
}

func accept(t *testing.T, c *client, queue string) {
	t.Helper()
	if why := c.push(queue, 100); why != "" {
		t.Fatalf("queue %s has refused a job: %s", queue, why)
	}
}

// refuses waits until pushes to a queue are refused with a reason that has some parts, and looks at how operators are told.
func (s *site) refuses(t *testing.T, c *client, queue string, parts ...string) {
	t.Helper()
	var why string
	program.Until(t, "queue "+queue+" refuses jobs", func() bool {
		why = c.push(queue, 100)
		return why != ""
	})
	for _, p := range parts {
		if !strings.Contains(why, p) {
			t.Errorf("no %q in the reason %q", p, why)
		}
	}
	q := program.Queue(t, s.socket(), queue)
	if !strings.HasPrefix(q.State, "failing") || q.StoreError == "" || q.StoreSince == nil || q.Counts.Reasons["queue unavailable"] == 0 {
		t.Errorf("queue %s: state %s, error %q since %v, refused %v", queue, q.State, q.StoreError, q.StoreSince, q.Counts.Reasons)
	}
	s.shows(t, []string{"queues"}, queue+": the store refuses since ")
	s.shows(t, []string{"queues", queue}, parts...)
}

// worksAgain waits until a queue takes jobs by itself.
func (s *site) worksAgain(t *testing.T, c *client, queue string) {
	t.Helper()
	program.Until(t, "queue "+queue+" takes jobs again", func() bool { return c.push(queue, 100) == "" })
	if q := program.Queue(t, s.socket(), queue); q.StoreError != "" {
		t.Errorf("queue %s: error %q", queue, q.StoreError)
	}
}

// damage overwrites the middle of the only file, or of the last, that fits a pattern.
func damage(t *testing.T, pattern string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no file %s: %v", pattern, err)
	}
	path := files[len(files)-1]
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	used := len(strings.TrimRight(string(b), "\x00"))
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("this is no part of a store"), int64(used/2)); err != nil {
		t.Fatal(err)
	}
}
