package native

import (
	"context"
	"strings"

	"eddy/internal/base/value"
	"eddy/internal/offpath/fileio"
	"eddy/internal/offpath/job"
)

// The forms of payloads for files. Who pushes jobs for one file gives them one key: two at once would mix.
const (
	formCopy = `{from = "/path", to = "/path"}`
	formFile = `{file = "/path"}`
)

func copyFile(ctx context.Context, j *job.Job) (value.Value, error) {
	from, to, err := readTwo(j.Data)
	if err == nil {
		err = fileio.Copy(ctx, from, to)
	}
	return value.Bool(true), err
}

func appendFile(ctx context.Context, j *job.Job) (value.Value, error) {
	from, to, err := readTwo(j.Data)
	if err == nil {
		err = fileio.Cat(ctx, from, to)
	}
	return value.Bool(true), err
}

func removeFile(_ context.Context, j *job.Job) (value.Value, error) {
	p := open(j.Data, formFile)
	file := p.path("file")
	err := p.end()
	if err == nil {
		err = fileio.Remove(file)
	}
	return value.Bool(true), err
}

func readTwo(data []byte) (from, to string, err error) {
	p := open(data, formCopy)
	from, to = p.path("from"), p.path("to")
	return from, to, p.end()
}

// path is the name of a file. A ".." in it is refused: a script that puts a name from the network behind a folder's means a
// file in that folder. (Links are followed, as everywhere.)
func (p *payload) path(name string) string {
	s := p.text(name)
	switch {
	case s == "":
		p.bad(name, "is missing")
	case strings.IndexByte(s, 0) >= 0:
		p.bad(name, "has a NUL byte in it")
	case climbs(s):
		p.bad(name, `has ".." in it (%q), which could lead out of a folder`, short(s, 200))
	}
	return s
}

// climbs says that a part of a path is "..".
func climbs(path string) bool {
	for part := range strings.SplitSeq(path, "/") {
		if part == ".." {
			return true
		}
	}
	return false
}

// short keeps the first bytes of a text.
func short(s string, most int) string {
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
