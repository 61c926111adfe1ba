package ramfs

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// store opens a store in a folder of the test's own.
func store(t testing.TB, o Options) *Store {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// save writes a file in pieces of a size.
func save(t testing.TB, s *Store, data []byte, size int) *File {
	t.Helper()
	w := s.Create(Name{"example.com", "/a/file.bin?x=y"})
	for piece := range slices.Chunk(data, size) {
		if err := w.Write(piece, nil); err != nil {
			t.Fatal(err)
		}
	}
	path := w.Path()
	f, partial := w.Finish()
	if f == nil || partial || f.Path != path || f.Size != int64(len(data)) || f.Offset != 0 {
		t.Fatalf("%+v, partial: %v", f, partial)
	}
	return f
}

func content(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// bytesOf gives n bytes that differ.
func bytesOf(n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(i * 7 / 3)
	}
	return data
}

func TestFileLivesUntilItsLastUserIsDone(t *testing.T) {
	s := store(t, Options{})
	f := save(t, s, []byte("hello"), 3)
	if got := content(t, f.Path); string(got) != "hello" {
		t.Errorf("the file has %q", got)
	}
	if s.Lookup(s.Dir()+"/other") != nil {
		t.Error("a file that is not there was found")
	}
	f.Hold()
	if g := s.Lookup(f.Path); g != f {
		t.Fatalf("found %v", g)
	}
	for range 2 {
		f.Release()
		if !exists(f.Path) {
			t.Fatal("the file is gone while it has a user")
		}
	}
	f.Release()
	if exists(f.Path) || s.Lookup(f.Path) != nil {
		t.Error("the file outlives its last user")
	}
	if st := s.Stats(); st.Held != 0 || st.Peak != 5 || st.Files != 1 || st.Bytes != 5 || st.Refused != 0 {
		t.Errorf("%+v", st)
	}
}

func TestSizesAndPieces(t *testing.T) {
	s := store(t, Options{})
	for _, n := range []int{0, 1, bufferSize - 1, bufferSize, bufferSize + 1, 5*bufferSize + 7} {
		data := bytesOf(n)
		for _, size := range []int{1448, bufferSize, 3 * bufferSize, 1 << 20} {
			f := save(t, s, data, size)
			if !bytes.Equal(content(t, f.Path), data) {
				t.Errorf("%d bytes in pieces of %d: the file has others", n, size)
			}
			f.Release()
		}
	}
	if held := s.Stats().Held; held != 0 {
		t.Errorf("%d bytes are held by nobody", held)
	}
}

func TestParts(t *testing.T) {
	const part = 100_000
	tests := []struct {
		size    int
		offsets []int64
	}{
		{part, []int64{0}}, // whole
		{part + 1, []int64{0, part}},
		{2*part + 50_000, []int64{0, part, 2 * part}},
	}
	for _, test := range tests {
		for _, piece := range []int{1448, 70_000, 1 << 20} {
			s := store(t, Options{PartSize: part})
			w := s.Create(Name{"h", "/big"})
			data := bytesOf(test.size)
			var got []byte
			var offsets []int64
			take := func(f *File) {
				if len(test.offsets) > 1 && f.Path != partName(w.Path(), f.Offset) {
					t.Errorf("the part at %d is %s", f.Offset, f.Path)
				}
				got = append(got, content(t, f.Path)...)
				offsets = append(offsets, f.Offset)
			}
			for p := range slices.Chunk(data, piece) {
				if err := w.Write(p, take); err != nil {
					t.Fatal(err)
				}
			}
			f, partial := w.Finish()
			if partial != (len(test.offsets) > 1) {
				t.Errorf("%d bytes are partial: %v", test.size, partial)
			}
			take(f)
			f.Release()
			if !slices.Equal(offsets, test.offsets) || !bytes.Equal(got, data) {
				t.Errorf("%d bytes came as parts at %d", test.size, offsets)
			}
			if names, _ := os.ReadDir(s.Dir()); len(names) != 0 {
				t.Errorf("left behind: %v", names)
			}
		}
	}
}

func TestPartIsHeld(t *testing.T) {
	s := store(t, Options{PartSize: 10})
	w := s.Create(Name{})
	var first *File
	err := w.Write(bytesOf(15), func(f *File) {
		f.Hold()
		first = f
	})
	w.Abort()
	w.Abort()
	if err != nil || first == nil || !exists(first.Path) {
		t.Fatalf("the part is %v: %v", first, err)
	}
	if held := s.Stats().Held; held != 10 {
		t.Errorf("%d bytes are held", held)
	}
	first.Release()
	if exists(first.Path) {
		t.Error("the part outlives its user")
	}
}

func TestCap(t *testing.T) {
	s := store(t, Options{MaxBytes: 3 * bufferSize})
	f := save(t, s, bytesOf(2*bufferSize), 1000)
	w := s.Create(Name{})
	var err error
	for range 10 * bufferSize / 1000 {
		if err = w.Write(bytesOf(1000), nil); err != nil {
			break
		}
	}
	if !errors.Is(err, ErrFull) {
		t.Fatalf("a full store says %v", err)
	}
	if err := w.Write([]byte("x"), nil); !errors.Is(err, ErrFull) {
		t.Errorf("later it says %v", err)
	}
	if f, _ := w.Finish(); f != nil || exists(w.Path()) {
		t.Error("a file that was given up is there")
	}
	if st := s.Stats(); st.Held != 2*bufferSize || st.Refused != 1 || st.Peak > 3*bufferSize {
		t.Errorf("%+v", st)
	}
	f.Release()
	save(t, s, bytesOf(3*bufferSize), 1000).Release()
}

// TestManyBodies: traffic may begin as many bodies as it likes. That takes a bounded number of descriptors, and of buffers.
func TestManyBodies(t *testing.T) {
	s := store(t, Options{MaxBytes: 100 << 20})
	data := bytesOf(2*bufferSize + 1000)
	var ws []*Writer
	for range keepOpen + 500 {
		ws = append(ws, s.Create(Name{}))
	}
	for from := 0; from < len(data); from += bufferSize / 2 {
		for _, w := range ws {
			if err := w.Write(data[from:min(len(data), from+bufferSize/2)], nil); err != nil {
				t.Fatal(err)
			}
		}
		if n := s.open.Load(); n > keepOpen {
			t.Fatalf("%d files are open", n)
		}
	}
	for i, w := range ws {
		if i%2 == 0 {
			w.Abort()
			continue
		}
		f, _ := w.Finish()
		if f == nil || !bytes.Equal(content(t, f.Path), data) {
			t.Fatalf("file %d is not what was written", i)
		}
		f.Release()
	}
	if s.open.Load() != 0 || s.buffered.Load() != 0 || s.used.Load() != 0 {
		t.Errorf("at the end %d are open, %d bytes of buffers and %d of files in use", s.open.Load(), s.buffered.Load(), s.used.Load())
	}
}

func TestBuffersCount(t *testing.T) {
	s := store(t, Options{MaxBytes: 2 * freeBuffers})
	var ws []*Writer
	full := 0
	for range 1000 {
		w := s.Create(Name{})
		if err := w.Write([]byte("x"), nil); errors.Is(err, ErrFull) {
			full++
		} else if err != nil {
			t.Fatal(err)
		}
		ws = append(ws, w)
	}
	if begun := len(ws) - full; begun != 2*freeBuffers/bufferSize {
		t.Errorf("%d buffers of a store for %d", begun, 2*freeBuffers/bufferSize)
	}
	for _, w := range ws {
		w.Abort()
	}
	save(t, s, bytesOf(freeBuffers), bufferSize).Release()
}

func TestAbort(t *testing.T) {
	s := store(t, Options{})
	w := s.Create(Name{})
	if err := w.Write(bytesOf(3*bufferSize), nil); err != nil || !exists(w.Path()) {
		t.Fatal("nothing was written", err)
	}
	w.Abort()
	if f, _ := w.Finish(); f != nil || exists(w.Path()) || s.Stats().Held != 0 {
		t.Error("something is left")
	}
	if err := w.Write([]byte("x"), nil); err == nil {
		t.Error("a writer that is over writes")
	}
}

func TestFileSystemFails(t *testing.T) {
	s := store(t, Options{})
	if err := os.RemoveAll(s.Dir()); err != nil {
		t.Fatal(err)
	}
	w := s.Create(Name{})
	if err := w.Write(bytesOf(bufferSize), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a folder it says %v", err)
	}
	small := s.Create(Name{})
	if err := small.Write([]byte("x"), nil); err != nil {
		t.Error(err)
	}
	if f, _ := small.Finish(); f != nil {
		t.Error("a file in no folder")
	}
	if st := s.Stats(); st.Held != 0 || st.Refused != 2 {
		t.Errorf("%+v", st)
	}
}

func TestNames(t *testing.T) {
	tests := []struct {
		name Name
		want string
	}{
		{Name{}, "1"},
		{Name{"example.com", "/img/logo.gif?v=3"}, "1-example.com_img_logo.gif"},
		{Name{"example.com:8080", "/"}, "1-example.com_8080"},
		{Name{"", "http://proxy.example/a.js#x"}, "1_a.js"},
		{Name{"h", "http://proxy.example"}, "1-h"},
		{Name{"..", "/../../etc/passwd"}, "1-.._.._.._etc_passwd"},
		{Name{"a/b\x00", "/x'`$(y)\n\xff|"}, "1-a_b__x____y____"},
		{Name{"h", "/" + strings.Repeat("long/", 100) + "end.html"}, "1-h_" + strings.Repeat("long_", 100)[500-188:] + "end.html"},
	}
	for _, test := range tests {
		if got := test.name.base(1); got != test.want || len(got) > maxName {
			t.Errorf("%q is called %q, want %q", test.name, got, test.want)
		}
	}
}

func TestStoresShareNothing(t *testing.T) {
	parent := filepath.Join(t.TempDir(), "new")
	a, b := store(t, Options{Dir: parent}), store(t, Options{Dir: parent})
	if a.Dir() == b.Dir() {
		t.Fatal("two stores in one folder")
	}
	f, g := save(t, a, []byte("a"), 1), save(t, b, []byte("b"), 1)
	if string(content(t, f.Path)) != "a" || string(content(t, g.Path)) != "b" {
		t.Error("the files of two stores are mixed up")
	}
	if st, err := os.Stat(a.Dir()); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("the folder is open to others: %v %v", st, err)
	}
}

func TestLeftoversAreRemoved(t *testing.T) {
	parent := t.TempDir()
	dead := filepath.Join(parent, prefix+"dead")
	other := filepath.Join(parent, "other")
	for _, dir := range []string{dead, other} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(parent, prefix+"link")
	if err := os.Symlink(other, link); err != nil {
		t.Fatal(err)
	}
	alive := store(t, Options{Dir: parent})
	f := save(t, alive, []byte("x"), 1)
	store(t, Options{Dir: parent})
	switch {
	case exists(dead):
		t.Error("the folder of a dead process is there")
	case !exists(f.Path):
		t.Error("a living store lost its file")
	case !exists(filepath.Join(other, "file")) || !exists(link):
		t.Error("what is no leftover was removed")
	}
}

func TestManyOpenAtOnce(t *testing.T) {
	parent := t.TempDir()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				s, err := Open(Options{Dir: parent})
				if err != nil {
					t.Error(err)
					return
				}
				if f, _ := s.Create(Name{}).Finish(); f == nil {
					t.Error("the folder of a living store was removed")
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if left, _ := os.ReadDir(parent); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestUsersOnManyGoroutines: however Lookup and the last Release meet, a file that was found is there.
func TestUsersOnManyGoroutines(t *testing.T) {
	s := store(t, Options{})
	for range 200 {
		f := save(t, s, []byte("x"), 1)
		path := f.Path
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if g := s.Lookup(path); g != nil {
					if !exists(path) {
						t.Error("a file that is held is gone")
					}
					g.Release()
				}
			})
		}
		f.Release()
		wg.Wait()
		if exists(path) {
			t.Fatal("the file outlives its users")
		}
	}
	if held := s.Stats().Held; held != 0 {
		t.Errorf("%d bytes are held by nobody", held)
	}
}

// BenchmarkWriter writes files as they come from traffic.
func BenchmarkWriter(b *testing.B) {
	s, err := Open(Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	data := bytesOf(1448)
	for _, size := range []int{10_000, 225_000, 1_000_000} {
		b.Run(Name{URI: "bytes"}.base(uint64(size)), func(b *testing.B) {
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				w := s.Create(Name{"example.com", "/file.bin"})
				for n := 0; n < size; n += len(data) {
					if err := w.Write(data, nil); err != nil {
						b.Fatal(err)
					}
				}
				f, _ := w.Finish()
				f.Release()
			}
		})
	}
}
