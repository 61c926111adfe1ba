package jobs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFolder(t *testing.T) {
	for _, tt := range []struct{ path, chroot, queues, problem string }{
		{"/srv/state", "", "/srv/state/queues", ""},
		{"/srv/jail/state", "/srv/jail", "/state/queues", ""},
		{"/srv/jail", "/srv/jail", "/queues", ""},
		{"/srv/state", "/srv/jail", "", "cannot be reached behind chroot /srv/jail"},
		{"/srv/jailbreak", "/srv/jail", "", "cannot be reached"},
	} {
		f := NewFolder(tt.path, tt.chroot)
		if tt.problem != "" {
			if f.err == nil || !strings.Contains(f.err.Error(), tt.problem) {
				t.Errorf("%s behind %s: %v", tt.path, tt.chroot, f.err)
			}
			continue
		}
		if f.err != nil || f.Queues() != tt.queues {
			t.Errorf("%s behind %s: %s, %v", tt.path, tt.chroot, f.Queues(), f.err)
		}
	}
}

// Two names never share a folder, and none leaves the one for queues.
func TestQueueFolders(t *testing.T) {
	f := NewFolder("/s", "")
	seen := map[string]string{}
	for _, name := range []string{"mail", "Mail", "fifo/a.lua:1", "fifo-a.lua-1", "fifo%2Fa.lua:1", "..", ".", "../x", "a/../b", "\x00", "ä"} {
		dir := f.Queue(name)
		if filepath.Dir(dir) != "/s/queues" || filepath.Base(dir) == ".." {
			t.Errorf("%q lies in %s", name, dir)
		}
		if other, twice := seen[dir]; twice {
			t.Errorf("%q and %q share %s", name, other, dir)
		}
		seen[dir] = name
	}
}

func TestPrepare(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "state")
	f := NewFolder(dir, "")
	if err := f.Prepare(-1, -1); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{dir, f.Queues()} {
		if st, err := os.Stat(d); err != nil || st.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", d, st.Mode(), err)
		}
	}
	if err := os.Chmod(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := f.Prepare(-1, -1); err == nil || !strings.Contains(err.Error(), "chmod 700 "+dir) {
		t.Errorf("a folder open to others: %v", err)
	}
}
