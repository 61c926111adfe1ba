package shard

import (
	"strings"

	"eddy/internal/fastpath/digest"
	"eddy/internal/fastpath/extract"
	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/learned"
	"eddy/internal/fastpath/ramfs"
)

// exchanges is a conn as the handler of what extract finds in it.
type exchanges conn

// body is a message's body on its way: to its hashes, its file, and scripts.
type body struct {
	hasher *digest.Hasher
	file   *ramfs.Writer
	told   bool // scripts get HTTPPayload
	gaps   bool
	pos    int64 // bytes so far, gaps included
}

// path is where the body's file stands or would stand; "" when it was given up.
func (b *body) path() string {
	if b.file == nil {
		return ""
	}
	return b.file.Path()
}

// Head implements extract.Handler.
func (e *exchanges) Head(x *extract.Exchange, dir flow.Dir) bool {
	c, s := (*conn)(e), e.s
	head := x.Request
	if dir == flow.ToClient {
		head = x.Response
		s.stats.Responses++
	} else {
		s.stats.Requests++
	}
	if s.wants&WantAttributes != 0 {
		c.headAttributes(head, dir)
	}
	if s.opts.Detail.Documents && head.Raw != "" {
		s.opts.Feed.Record(&learned.Document{Where: s.where(c.f), Group: learned.HTTPHeaderDocuments, Text: head.Raw})
	}
	if dir == flow.ToServer {
		c.request(x)
	}
	return c.beginBody(x, dir)
}

// request is told of a request's line.
func (c *conn) request(x *extract.Exchange) {
	s := c.s
	host, _ := x.Request.Get("Host")
	if s.opts.Detail.Resources {
		s.stats.Resources++
		s.opts.Feed.Record(&learned.Resource{
			Where: s.where(c.f), Group: learned.URLResources, HasFlow: true,
			URI: url(host, x.Request.Target), Contents: x.Request.Method + " " + x.Request.Target,
		})
	}
}

// url joins a host and a request target, which may be a whole URL by itself.
func url(host, target string) string {
	if strings.Contains(target, "://") || !strings.HasPrefix(target, "/") {
		return target
	}
	return host + target
}

func (c *conn) headAttributes(head *extract.Head, dir flow.Dir) {
	s := c.s
	tell := func(name, value string) {
		s.hooks.Attribute(c.f, name, value)
	}
	tell("HTTP-Header", head.Raw)
	if dir == flow.ToServer {
		tell("URI", head.Target)
		for _, name := range []string{"Host", "User-Agent"} {
			if v, ok := head.Get(name); ok {
				tell(name, v)
			}
		}
	} else if v, ok := head.Get("Content-Type"); ok {
		tell("Content-Type", v)
	}
}

// beginBody decides what becomes of a message's body; false: nobody wants it.
func (c *conn) beginBody(x *extract.Exchange, dir flow.Dir) bool {
	s := c.s
	scripts := c.files && s.wants&(WantFiles|WantHTTPPayload) != 0
	if scripts && s.wants&WantHTTPHeads != 0 {
		scripts = s.hooks.FileHead(c.f, x, dir)
	}
	if !scripts && s.opts.Hashes == 0 && s.opts.Keep == nil {
		return s.opts.Decode
	}
	b := &body{}
	x.Any[dir] = b
	if s.opts.Hashes != 0 {
		b.hasher = s.hasher()
	}
	if scripts || s.opts.Keep != nil {
		b.file = s.opts.Files.Create(fileName(x))
	}
	b.told = scripts && s.wants&WantHTTPPayload != 0
	return true
}

func fileName(x *extract.Exchange) ramfs.Name {
	var n ramfs.Name
	if x.Request != nil {
		n.URI = x.Request.Target
		n.Host, _ = x.Request.Get("Host")
	}
	return n
}

func (s *Shard) hasher() *digest.Hasher {
	if n := len(s.hashers); n > 0 {
		h := s.hashers[n-1]
		s.hashers = s.hashers[:n-1]
		return h
	}
	return digest.New(s.opts.Hashes)
}

// Body implements extract.Handler.
func (e *exchanges) Body(x *extract.Exchange, dir flow.Dir, pos int64, data []byte) {
	c, s := (*conn)(e), e.s
	b, ok := x.Any[dir].(*body)
	if !ok {
		return
	}
	b.pos = pos + int64(len(data))
	if b.hasher != nil {
		b.hasher.Add(data)
	}
	if b.file != nil && s.writes() {
		err := b.file.Write(data, func(part *ramfs.File) {
			if c.files && s.wants&WantFiles != 0 {
				s.hooks.File(c.f, x, dir, part, true)
			}
		})
		if err != nil {
			s.stats.FilesLost++
			b.file = nil
		}
	}
	if b.told {
		s.hooks.HTTPPayload(c.f, x, dir, b.path(), pos, data)
	}
}

// writes says whether files are written at all, or only named.
func (s *Shard) writes() bool { return s.wants&WantFiles != 0 || s.opts.Keep != nil }

// Gap implements extract.Handler.
func (e *exchanges) Gap(x *extract.Exchange, dir flow.Dir, pos, n int64) {
	if b, ok := x.Any[dir].(*body); ok {
		b.gaps = true
		b.pos = pos + n
	}
}

// End implements extract.Handler.
func (e *exchanges) End(x *extract.Exchange, dir flow.Dir, size int64, state extract.BodyState) {
	c, s := (*conn)(e), e.s
	b, _ := x.Any[dir].(*body)
	x.Any[dir] = size // for Done
	if size == 0 {
		c.dropBody(b)
		return
	}
	whole := state == extract.Closed && (b == nil || !b.gaps)
	if whole {
		s.stats.FilesWhole++
	} else {
		s.stats.FilesCut++
	}
	s.stats.FileBytes += uint64(size)
	var sums digest.Sums
	if b != nil && b.hasher != nil {
		sums = b.hasher.Sums()
	}
	if s.opts.Detail.Records {
		s.opts.Feed.Record(c.fileRecord(x, dir, size, state, b, &sums))
	}
	if b == nil {
		return
	}
	if b.told {
		s.hooks.HTTPPayload(c.f, x, dir, b.path(), b.pos, nil)
	}
	if b.file != nil && whole && s.writes() {
		c.finishFile(x, dir, b, &sums)
	}
	c.dropBody(b)
}

// finishFile gives a whole file to those who want it.
func (c *conn) finishFile(x *extract.Exchange, dir flow.Dir, b *body, sums *digest.Sums) {
	s := c.s
	file, partial := b.file.Finish()
	b.file = nil
	if file == nil {
		s.stats.FilesLost++
		return
	}
	if s.opts.Keep != nil && !partial {
		file.Hold()
		s.opts.Keep.Keep(file, sums.SHA256)
	}
	if c.files && s.wants&WantFiles != 0 {
		s.hooks.File(c.f, x, dir, file, partial)
	}
	file.Release()
}

// dropBody gives back what a body had.
func (c *conn) dropBody(b *body) {
	if b == nil {
		return
	}
	if b.hasher != nil {
		b.hasher.Reset()
		c.s.hashers = append(c.s.hashers, b.hasher)
	}
	if b.file != nil {
		b.file.Abort()
	}
}

func (c *conn) fileRecord(x *extract.Exchange, dir flow.Dir, size int64, state extract.BodyState, b *body, sums *digest.Sums) *learned.File {
	r := &learned.File{
		Where: c.s.where(c.f), Dir: dir, Size: size, Closed: state == extract.Closed, Exchange: x.N,
		MD5: sums.MD5, SHA1: sums.SHA1, SHA256: sums.SHA256,
	}
	if b != nil && b.gaps {
		r.Gaps, r.Closed = true, false
	}
	r.Stored = r.Closed && c.s.opts.Keep != nil
	if x.Request != nil {
		r.Name, r.Method = x.Request.Target, x.Request.Method
		r.Host, _ = x.Request.Get("Host")
	}
	head := x.Request
	if dir == flow.ToClient {
		head = x.Response
	}
	if x.Response != nil {
		r.Status = x.Response.Status
	}
	if head != nil {
		r.Type, _ = head.Get("Content-Type")
	}
	return r
}

// Done implements extract.Handler.
func (e *exchanges) Done(x *extract.Exchange) {
	c, s := (*conn)(e), e.s
	if !s.opts.Detail.Records {
		return
	}
	r := &learned.HTTP{Where: s.where(c.f), Exchange: x.N}
	if q := x.Request; q != nil {
		r.Method, r.Target, r.Version = q.Method, q.Target, q.Version
		r.Host, _ = q.Get("Host")
		r.UserAgent, _ = q.Get("User-Agent")
		r.Referer, _ = q.Get("Referer")
	}
	if a := x.Response; a != nil {
		r.Status = a.Status
		r.ContentType, _ = a.Get("Content-Type")
		r.Length, _ = x.Any[flow.ToClient].(int64)
	}
	s.opts.Feed.Record(r)
}
