package observed

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/capture"
	"eddy/internal/fastpath/packet"
)

// smallDisk takes so many bytes and is full then, until there is room again.
type smallDisk struct {
	bytes.Buffer
	room int
}

var errFull = errors.New("the disk is full")

func (d *smallDisk) Write(p []byte) (int, error) {
	n := min(len(p), d.room)
	d.room -= n
	d.Buffer.Write(p[:n])
	if n < len(p) {
		return n, errFull
	}
	return n, nil
}

// However the disk fills up and gets room, the log has whole lines, and those that it has not are counted.
func TestEventFile(t *testing.T) {
	for room := range 40 {
		d := &smallDisk{room: room}
		said := 0
		f := &eventFile{w: d, warn: func(string) { said++ }}
		io.WriteString(f, "one 1\ntwo 2\nthree\n")
		io.WriteString(f, "four 4\nfive 5\n")
		d.room = 1000
		io.WriteString(f, "six 6\n")
		if strings.HasSuffix(d.String(), "six 6\n") != (len(d.String()) > 0) {
			t.Errorf("room %d: %q", room, d.String())
		}
		lines := uint64(strings.Count(d.String(), "\n"))
		for _, line := range strings.Split(strings.TrimSuffix(d.String(), "\n"), "\n") {
			if !strings.Contains(" one 1 two 2 three four 4 five 5 six 6 ", " "+line+" ") {
				t.Errorf("room %d: half a line %q", room, line)
			}
		}
		if lines+f.lost.Load() != 6 {
			t.Errorf("room %d: %d lines and %d lost", room, lines, f.lost.Load())
		}
		if err := f.end(); (f.lost.Load() > 0) != errors.Is(err, errFull) || (said > 0) != (f.err != nil) {
			t.Errorf("room %d: %d lost, %d warnings, %v", room, f.lost.Load(), said, err)
		}
	}
}

// A file stands under its hash only when all of it is there.
func TestKeepOnFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=40k"); err != nil {
		t.Skipf("no small disk to be had: %v", err)
	}
	defer unix.Unmount(dir, 0)
	l, problems := Build(&model.Observe{Read: []string{shop}, KeepDir: filepath.Join(dir, "kept")}, Options{Stdout: io.Discard, Stderr: io.Discard})
	if l == nil {
		t.Fatal(problems.All())
	}
	if err := l.Start(); err != nil {
		t.Fatal(err)
	}
	if err := l.Wait(); err == nil || !strings.Contains(err.Error(), "could not be kept") {
		t.Errorf("the lane ended with: %v", err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "kept/*/*"))
	for _, f := range files {
		if sum, err := digestOf(f); err != nil || sum != filepath.Base(f) {
			t.Errorf("%s: %s, %v", f, sum, err)
		}
	}
	if r := l.Report(); uint64(len(files)) != r.Files.Kept || !strings.Contains(drops(r.Drops), "files that could not be kept") {
		t.Errorf("%d files, %d kept; %v", len(files), r.Files.Kept, r.Drops)
	}
}

func TestBuildRefuses(t *testing.T) {
	input := plugin(t, `TrisulPlugin = { id = { name = "in" }, inputfilter = { step = function() return false end } }`)
	for _, tt := range []struct {
		name, want string
		cfg        model.Observe
		fatal      bool
	}{
		{"bad filter", "the filter", model.Observe{Read: []string{shop}, BPF: "tcp prot 80"}, true},
		{"nothing", "nothing to observe", model.Observe{}, true},
		{"both", "not both", model.Observe{Read: []string{shop}, Interface: "lo"}, true},
		{"an input filter beside a file", "not used", model.Observe{Read: []string{shop}, Scripts: []string{input}}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, problems := Build(&tt.cfg, Options{Stdout: io.Discard, Stderr: io.Discard})
			if (l == nil) != tt.fatal {
				t.Errorf("built: %v", l != nil)
			}
			var text strings.Builder
			for _, p := range problems.All() {
				text.WriteString(p.Text)
			}
			if !strings.Contains(text.String(), tt.want) {
				t.Errorf("%q does not have %q", text.String(), tt.want)
			}
			if l != nil {
				l.Stop(t.Context())
			}
		})
	}
}

func TestRoomForRings(t *testing.T) {
	if err := roomForRings(0, 1); err != nil {
		t.Errorf("a default ring: %v", err)
	}
	if err := roomForRings(1<<30, 1<<20); err == nil {
		t.Error("a petabyte of rings")
	}
}

// A tag that the network card took off stands in the file again.
func TestStoreTag(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.pcap")
	r, err := openRecorder(path, false)
	if err != nil {
		t.Fatal(err)
	}
	data := append(bytes.Repeat([]byte{2}, 12), "\x08\x00rest"...)
	r.Store(&packet.Frame{Data: data, Wire: 18, Link: packet.LinkEthernet, VLAN: 1<<16 | 0x2064}, len(data))
	r.Store(&packet.Frame{Data: data, Wire: 18, Link: packet.LinkEthernet}, 14)
	if err := r.close(); err != nil {
		t.Fatal(err)
	}
	f, err := capture.Open(path, capture.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var fr packet.Frame
	for _, want := range []string{string(data[:12]) + "\x81\x00\x20\x64\x08\x00rest", string(data[:14])} {
		if err := f.Next(&fr); err != nil || string(fr.Data) != want {
			t.Errorf("%q, %v; want %q", fr.Data, err, want)
		}
	}
}
