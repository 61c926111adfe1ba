package patfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// maxLine bounds a line of a pattern file, in bytes.
const maxLine = 64 << 10

// Store is all pattern and map files of one generation, by name. Its zero value is empty and ready. Any goroutine may
// use it; only Open touches the disk, and it is called while a generation is built.
type Store struct {
	// Dir is where relative names are looked for; "" is the working folder.
	Dir string

	mu     sync.RWMutex
	files  []*File
	byName map[string]*File
}

// Open gives the file of that name, and loads it the first time. Names may carry the prefixes of configuration.txt
// §2.7: file@, opt@ (it need not exist) and virt@ (it is no file). A name is used as ACL patterns or as a map, not as
// both.
func (s *Store) Open(name string, isMap bool) (*File, error) {
	name, path, optional, virtual := splitName(name)
	if name == "" || path == "" {
		return nil, errors.New("the name of a pattern file is empty")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.byName[name]; f != nil {
		if f.IsMap != isMap {
			return nil, fmt.Errorf("%s is used as a map and as a list of ACL patterns; use two files", name)
		}
		return f, nil
	}
	f := &File{Name: name, ID: len(s.files), IsMap: isMap}
	if !virtual {
		if err := f.load(s.resolve(path)); err != nil && !(optional && errors.Is(err, fs.ErrNotExist)) {
			return nil, err
		}
	}
	s.keep(f)
	return f, nil
}

// Inline makes a file that has no disk behind it, for an ACL with -u: its name is "#" and the id.
func (s *Store) Inline(id string) *File {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := "#" + id
	if f := s.byName[name]; f != nil {
		return f
	}
	f := &File{Name: name, ID: len(s.files)}
	s.keep(f)
	return f
}

func (s *Store) keep(f *File) {
	if s.byName == nil {
		s.byName = map[string]*File{}
	}
	s.byName[f.Name] = f
	s.files = append(s.files, f)
}

// Find gives a file that was opened, by its name or by "#" and its number, or nil.
func (s *Store) Find(name string) *File {
	name, _, _, _ = splitName(name)
	s.mu.RLock()
	defer s.mu.RUnlock()
	if f := s.byName[name]; f != nil {
		return f
	}
	if id, ok := strings.CutPrefix(name, "#"); ok {
		if n, err := strconv.Atoi(id); err == nil && n >= 0 && n < len(s.files) {
			return s.files[n]
		}
	}
	return nil
}

// All lists the files in the order they were opened.
func (s *Store) All() []*File {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return append([]*File(nil), s.files...)
}

// splitName takes the prefix off. virt@ is part of the name.
func splitName(full string) (name, path string, optional, virtual bool) {
	if strings.HasPrefix(full, "virt@") {
		return full, full, false, true
	}
	if p, ok := strings.CutPrefix(full, "opt@"); ok {
		return p, p, true, false
	}
	p := strings.TrimPrefix(full, "file@")
	return p, p, false, false
}

func (s *Store) resolve(path string) string {
	if s.Dir == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(s.Dir, path)
}

func (f *File) load(path string) error {
	r, err := os.Open(path)
	if err != nil {
		return err
	}
	defer r.Close()
	return f.read(r)
}

// read takes lines: empty ones and those that begin with '#' are passed over, blanks at the ends are cut off. In maps
// the first word is the pattern and the rest the value.
func (f *File) read(r io.Reader) error {
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 0, 4096), maxLine)
	for n := 1; sc.Scan(); n++ {
		raw := sc.Text()
		if strings.HasPrefix(raw, "#") {
			continue
		}
		line := strings.Trim(raw, " \t\r")
		if line == "" {
			continue
		}
		pattern, value := line, ""
		if f.IsMap {
			if i := strings.IndexAny(line, " \t"); i >= 0 {
				pattern, value = line[:i], strings.TrimLeft(line[i:], " \t")
			}
		}
		if err := f.add(pattern, value, n); err != nil {
			return err
		}
	}
	return sc.Err()
}
