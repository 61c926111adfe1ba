package plugin

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Source is a file that may be a plugin.
type Source struct {
	File  string
	Root  string // the folder that was named and in which it was found; else the file's own
	Named bool   // the file itself was named, so it has to be a plugin
	Text  string
}

// The bounds of a search.
const (
	maxFiles = 1000
	maxDepth = 8
	maxText  = 16 << 20 // bytes of a file
)

// Find reads the files that are named, and those in folders that are named and the folders in them, in the order of
// their names, each once. In folders, files without the word TrisulPlugin are left out: they are modules for require.
func Find(paths []string) ([]Source, error) {
	var found []Source
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			text, err := read(path)
			if err != nil {
				return nil, err
			}
			found = append(found, Source{File: path, Root: filepath.Dir(path), Named: true, Text: string(text)})
			continue
		}
		in, err := findIn(path)
		if err == nil && len(in) == 0 {
			err = fmt.Errorf("%s: there is no plugin in this folder (a *.lua file that sets TrisulPlugin)", path)
		}
		if err != nil {
			return nil, err
		}
		found = append(found, in...)
	}
	return once(found), nil
}

// once leaves out files that were named or found before, by whatever name.
func once(found []Source) []Source {
	var seen []fs.FileInfo
	return slices.DeleteFunc(found, func(s Source) bool {
		info, err := os.Stat(s.File)
		if err != nil || !info.Mode().IsRegular() {
			return false
		}
		if slices.ContainsFunc(seen, func(o fs.FileInfo) bool { return os.SameFile(o, info) }) {
			return true
		}
		seen = append(seen, info)
		return false
	})
}

func findIn(root string) ([]Source, error) {
	root = strings.TrimRight(root, "/") + "/" // so that a link to a folder is followed
	var found []Source
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			rel, _ := filepath.Rel(root, file)
			if strings.HasPrefix(name, ".") && file != root || strings.Count(rel, string(filepath.Separator)) >= maxDepth {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".lua") || strings.HasPrefix(name, ".") {
			return nil
		}
		if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
			return nil
		}
		text, err := read(file)
		if err != nil {
			return err
		}
		if bytes.Contains(text, []byte("TrisulPlugin")) {
			found = append(found, Source{File: filepath.Clean(file), Root: filepath.Clean(root), Text: string(text)})
		}
		if len(found) > maxFiles {
			return fmt.Errorf("%s: more than %d plugins", root, maxFiles)
		}
		return nil
	})
	return found, err
}

// read reads a file, or what of a device is no file: at most maxText of it.
func read(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxText+1))
	if err == nil && len(text) > maxText {
		err = fmt.Errorf("%s: a plugin has at most %d MB", file, maxText>>20)
	}
	return text, err
}
