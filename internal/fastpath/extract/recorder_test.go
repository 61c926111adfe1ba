package extract

import (
	"crypto/sha1"
	"fmt"
	"hash"
	"slices"
	"strings"
	"testing"

	"eddy/internal/fastpath/flow"
)

// recorder is a Handler that writes down what it is told, one line a message, and holds the order of calls against the
// contract.
type recorder struct {
	t     testing.TB
	lines []string
	heads [2]int // by direction
	files []file
	seen  map[*Exchange]bool // had a head
	done  map[*Exchange]bool
	deny  bool  // want no bodies
	quiet bool  // no lines
	limit int64 // of a body; 0: none

	open [2]*openBody
}

// openBody is a message that is open.
type openBody struct {
	x    *Exchange
	pos  int64
	gaps int64
	text []byte
	sum  hash.Hash
}

// file is a body that is over.
type file struct {
	dir    flow.Dir
	host   string
	target string
	status int
	size   int64
	state  BodyState
	sha1   string
}

func newRecorder(t testing.TB) *recorder {
	return &recorder{t: t, seen: map[*Exchange]bool{}, done: map[*Exchange]bool{}}
}

func (r *recorder) Head(x *Exchange, dir flow.Dir) bool {
	if r.done[x] {
		r.t.Error("a head behind Done")
	}
	if r.open[dir] != nil {
		r.t.Error("a head within a message")
	}
	if dir == flow.ToServer && x.Request == nil || dir == flow.ToClient && x.Response == nil {
		r.t.Error("a head that is not there")
	}
	r.heads[dir]++
	r.seen[x] = true
	r.open[dir] = &openBody{x: x, sum: sha1.New()}
	return !r.deny
}

func (r *recorder) Body(x *Exchange, dir flow.Dir, pos int64, data []byte) {
	b := r.at(x, dir, pos)
	if len(data) == 0 {
		r.t.Error("an empty piece of a body")
	}
	b.pos += int64(len(data))
	if r.limit > 0 && b.pos-b.gaps > r.limit {
		r.t.Errorf("%d bytes of a body", b.pos)
	}
	b.sum.Write(data)
	if !r.quiet {
		b.text = append(b.text, data...)
	}
}

func (r *recorder) Gap(x *Exchange, dir flow.Dir, pos, n int64) {
	b := r.at(x, dir, pos)
	if n <= 0 {
		r.t.Error("a gap of nothing")
	}
	b.pos += n
	b.gaps += n
	b.text = fmt.Appendf(b.text, "<%d>", n)
}

func (r *recorder) at(x *Exchange, dir flow.Dir, pos int64) *openBody {
	b := r.open[dir]
	if b == nil || b.x != x || b.pos != pos {
		r.t.Fatalf("a piece that belongs nowhere: at %d of %+v", pos, x)
	}
	return b
}

func (r *recorder) End(x *Exchange, dir flow.Dir, size int64, state BodyState) {
	b := r.open[dir]
	if b == nil || b.x != x {
		r.t.Fatal("an end without a head")
	}
	if size != b.pos && !r.deny {
		r.t.Errorf("a size of %d at the end of %d bytes", size, b.pos)
	}
	r.open[dir] = nil
	f := file{dir: dir, size: size, state: state, sha1: fmt.Sprintf("%x", b.sum.Sum(nil))}
	if x.Request != nil {
		f.target = x.Request.Target
		f.host, _ = x.Request.Get("Host")
	}
	if x.Response != nil {
		f.status = x.Response.Status
	}
	r.files = append(r.files, f)
	if !r.quiet {
		r.lines = append(r.lines, describe(x, dir, b.text, size, state))
	}
}

func (r *recorder) Done(x *Exchange) {
	if r.done[x] || !r.seen[x] {
		r.t.Error("Done twice, or of what was never told")
	}
	for _, b := range r.open {
		if b != nil && b.x == x {
			r.t.Error("Done within a message")
		}
	}
	r.done[x] = true
	if !r.quiet {
		r.lines = append(r.lines, fmt.Sprintf("%d done", x.N))
	}
}

// describe writes a message as a line such as "0 > GET /x HTTP/1.1: Host=a" or "0 < 200 HTTP/1.1: 'hello'".
func describe(x *Exchange, dir flow.Dir, text []byte, size int64, state BodyState) string {
	var b strings.Builder
	h := x.Request
	if dir == flow.ToServer {
		fmt.Fprintf(&b, "%d > %s %s %s", x.N, h.Method, h.Target, h.Version)
	} else {
		h = x.Response
		fmt.Fprintf(&b, "%d < %d %s", x.N, h.Status, h.Version)
		if x.Request == nil {
			b.WriteString(" (no request)")
		}
	}
	if len(text) > 60 {
		text = fmt.Appendf(nil, "%s... %d", text[:20], size)
	}
	if len(text) > 0 {
		fmt.Fprintf(&b, " %q", text)
	}
	if state != Closed {
		b.WriteString([]string{"", " undecoded", " truncated", " too long"}[state])
	}
	return b.String()
}

// step is what happens in one direction.
type step struct {
	dir  flow.Dir
	text string
	gap  int64
	end  bool
	why  flow.End
}

func c(text string) step { return step{dir: flow.ToServer, text: text} }
func s(text string) step { return step{dir: flow.ToClient, text: text} }

func cGap(n int64) step { return step{dir: flow.ToServer, gap: n} }
func sGap(n int64) step { return step{dir: flow.ToClient, gap: n} }

func sEnd(why flow.End) step { return step{dir: flow.ToClient, end: true, why: why} }

// play feeds the steps, in pieces of at most size bytes, and ends the connection.
func play(p *Pool, r *recorder, steps []step, size int) {
	conn := p.Conn(r)
	for i, st := range steps {
		switch {
		case st.gap > 0:
			conn.Gap(st.dir, st.gap)
		case st.end:
			conn.End(st.dir, st.why)
		}
		for piece := range slices.Chunk([]byte(st.text), size) {
			conn.Data(st.dir, int64(i), piece)
		}
	}
	p.Put(conn)
}
