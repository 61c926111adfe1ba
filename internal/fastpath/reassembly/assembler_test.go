package reassembly

import (
	"strings"
	"testing"
	"time"

	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/packet"
)

const (
	syn    = packet.SYN
	synACK = packet.SYN | packet.ACK
	ack    = packet.ACK
	fin    = packet.FIN | packet.ACK
	rst    = packet.RST
)

// sent is a segment on its way; at counts milliseconds.
type sent struct {
	dir  flow.Dir
	at   int64
	p    *packet.Packet
	cut  uint32
	dups bool // it is said to bring what came before
}

// c and s make segments from the client, whose first byte has the number 101, and from the server, whose first has 501.
func c(flags uint8, seq, ackNo uint32, data string) sent {
	return sent{dir: flow.ToServer, p: seg(flags, seq, ackNo, data)}
}

func s(flags uint8, seq, ackNo uint32, data string) sent {
	return sent{dir: flow.ToClient, p: seg(flags, seq, ackNo, data)}
}

func (x sent) after(ms int64) sent     { x.at = ms; return x }
func (x sent) truncated(n uint32) sent { x.cut = n; return x }
func (x sent) again() sent             { x.dups = true; return x }

func TestStreams(t *testing.T) {
	open := []sent{c(syn, 100, 0, ""), s(synACK, 500, 101, ""), c(ack, 101, 501, "")}
	from := func(more ...sent) []sent { return append(open[:3:3], more...) }
	closing := func(text string) string { return strings.TrimSpace(text + " >finish <finish") }
	for _, test := range []struct {
		name     string
		segments []sent
		want     string
	}{
		{"nothing", nil, ">finish <finish"},
		{"in order", from(c(ack, 101, 501, "ab"), c(ack, 103, 501, "cd"), s(ack, 501, 105, "xyz")),
			closing(">0:ab >2:cd <0:xyz")},
		{"out of order", from(c(ack, 103, 501, "cd"), c(ack, 101, 501, "ab"), c(ack, 105, 501, "ef")),
			closing(">0:ab >2:cd >4:ef")},
		{"three early ones", from(c(ack, 107, 501, "g"), c(ack, 103, 501, "cd"), c(ack, 105, 501, "ef"), c(ack, 101, 501, "ab")),
			closing(">0:ab >2:cdef >6:g")},
		{"again", from(c(ack, 101, 501, "ab"), c(ack, 101, 501, "ab").again(), c(ack, 103, 501, "cd")),
			closing(">0:ab >2:cd")},
		{"an early one again", from(c(ack, 103, 501, "cd"), c(ack, 103, 501, "cd").again(), c(ack, 101, 501, "ab")),
			closing(">0:ab >2:cd")},
		{"overlap at the front", from(c(ack, 101, 501, "ab"), c(ack, 102, 501, "XcdE").again()),
			closing(">0:ab >2:cdE")},
		{"overlap with what is held: the first counts", from(c(ack, 103, 501, "cd"), c(ack, 101, 501, "abXXef").again()),
			closing(">0:ab >2:cd >4:ef")},
		{"overlap of held ones", from(c(ack, 105, 501, "ef"), c(ack, 103, 501, "cdXXgh").again(), c(ack, 101, 501, "ab")),
			closing(">0:ab >2:cd >4:efgh")},
		{"the SYN has data", []sent{c(syn, 100, 0, "ab"), c(syn, 100, 0, "ab").again(), s(synACK, 500, 103, ""), c(ack, 103, 501, "cd")},
			closing(">0:ab >2:cd")},
		{"another SYN is not a segment", from(c(ack, 101, 501, "ab"), c(syn, 9000, 0, "zz"), c(ack, 103, 501, "cd")),
			closing(">0:ab >2:cd")},
		{"midstream", []sent{c(ack, 7101, 501, "ab"), s(ack, 501, 7103, "x"), c(ack, 7103, 502, "cd")},
			closing(">0:ab <0:x >2:cd")},
		{"the client's SYN is missing", []sent{s(synACK, 500, 101, ""), c(ack, 103, 501, "cd"), c(ack, 101, 501, "ab")},
			closing(">0:ab >2:cd")},
		{"the server's SYN is missing", []sent{c(syn, 100, 0, ""), c(ack, 101, 501, ""), s(ack, 503, 101, "yz"), s(ack, 501, 101, "wx")},
			closing("<0:wx <2:yz")},
		{"keep-alives", from(c(ack, 101, 501, "ab"), c(ack, 102, 501, ""), c(ack, 102, 501, "b"), c(ack, 103, 501, "cd")),
			closing(">0:ab >2:cd")},
		{"a probe of a closed window", from(c(ack, 101, 501, "ab"), c(ack, 103, 501, "c"), c(ack, 103, 501, "cd").again()),
			closing(">0:ab >2:c >3:d")},
		{"FIN", from(c(fin, 101, 501, "ab"), s(fin, 501, 104, ""), c(ack, 104, 502, "")),
			">0:ab >closed <closed"},
		{"FIN before its data", from(c(fin, 103, 501, "cd"), c(ack, 101, 501, "ab")),
			">0:ab >2:cd >closed <finish"},
		{"an empty FIN before its data", from(c(fin, 105, 501, ""), c(ack, 101, 501, "abcd")),
			">0:abcd >closed <finish"},
		{"data after FIN", from(c(fin, 101, 501, "ab"), c(ack, 103, 501, "zz"), c(ack, 104, 501, "zz"), s(ack, 501, 104, "xy")),
			">0:ab >closed <0:xy <finish"},
		{"a FIN that can't be one", from(c(ack, 105, 501, "ef"), c(fin, 102, 501, ""), c(ack, 101, 501, "abcd")),
			closing(">0:abcd >4:ef")},
		{"the other side goes on after FIN", from(c(fin, 101, 501, ""), s(ack, 501, 102, "ab"), s(fin, 503, 102, "")),
			">closed <0:ab <closed"},
		{"RST", from(c(ack, 101, 501, "ab"), s(rst, 501, 0, ""), c(ack, 103, 501, "cd")),
			">0:ab >closed <closed"},
		{"RST while a hole is open", from(c(ack, 103, 501, "cd"), s(rst, 501, 0, "")),
			">0~2 >2:cd >closed <closed"},
		{"refused", []sent{c(syn, 100, 0, ""), s(rst|ack, 0, 101, "")},
			">closed <closed"},
		{"an RST from far away", from(c(ack, 101, 501, "ab"), c(rst, 0x70000000, 0, ""), c(ack, 103, 501, "cd")),
			closing(">0:ab >2:cd")},
		{"a hole at the end", from(c(ack, 101, 501, "ab"), c(ack, 105, 501, "ef")),
			closing(">0:ab >2~2 >4:ef")},
		{"a hole before FIN", from(c(ack, 101, 501, "ab"), c(fin, 105, 501, "")),
			">0:ab >2~2 >closed <finish"},
		{"acknowledged and never seen", from(c(ack, 101, 501, "ab"), s(ack, 501, 107, "")),
			">0:ab >2~4 >finish <finish"},
		{"a FIN that was not captured", from(c(ack, 101, 501, "ab"), s(ack, 501, 104, "")),
			closing(">0:ab")},
		{"a hole that is acknowledged, and data right after the acknowledgement",
			from(c(ack, 101, 501, "ab"), s(ack, 501, 105, "").after(1), c(ack, 105, 501, "ef").after(2), c(ack, 103, 501, "cd").after(3)),
			closing(">0:ab >2:cd >4:ef")},
		{"a hole that is acknowledged, after a while",
			from(c(ack, 101, 501, "ab"), c(ack, 105, 501, "ef").after(1), s(ack, 501, 107, "").after(2),
				s(ack, 501, 107, "x").after(60), s(ack, 502, 107, "y").after(120)),
			closing(">0:ab <0:x >2~2 >4:ef <1:y")},
		{"the bytes of a gap come late",
			from(c(ack, 105, 501, "ef").after(1), s(ack, 501, 107, "").after(2), s(ack, 501, 107, "").after(60),
				s(ack, 501, 107, "").after(120), c(ack, 101, 501, "abcdefgh").after(130).again()),
			closing(">0~4 >4:ef >6:gh")},
		{"a hole that times out", from(c(ack, 103, 501, "cd"), s(ack, 501, 101, "xy").after(31_000)),
			closing(">0~2 >2:cd <0:xy")},
		{"a hole before FIN that is acknowledged", from(c(ack, 101, 501, "ab"), c(fin, 105, 501, ""), s(ack, 501, 106, "").after(1),
			s(ack, 501, 106, "").after(60), s(ack, 501, 106, "xy").after(120)),
			">0:ab >2~2 >closed <0:xy <finish"},
		{"a hole that is filled in part starts to wait anew", from(c(ack, 105, 501, "ef"), c(ack, 101, 501, "ab").after(29_000),
			s(ack, 501, 101, "").after(31_000), c(ack, 103, 501, "cd").after(32_000)),
			closing(">0:ab >2:cd >4:ef")},
		{"cut by the capture", from(c(ack, 101, 501, "ab").truncated(3), c(ack, 106, 501, "fg")),
			closing(">0:ab >2~3 >5:fg")},
		{"nothing captured but headers", from(c(ack, 101, 501, "").truncated(5), c(fin, 106, 501, "").truncated(5)),
			">0~5 >5~5 >closed <finish"},
		{"early and cut", from(c(ack, 103, 501, "c").truncated(1), c(ack, 105, 501, "ef"), c(ack, 101, 501, "ab")),
			closing(">0:ab >2:c >3~1 >4:ef")},
		{"early, cut whole, and filled", from(c(ack, 103, 501, "").truncated(2), c(ack, 103, 501, "cd"), c(ack, 101, 501, "ab")),
			closing(">0:ab >2:cd")},
		{"a cut that overlaps what is held", from(c(ack, 105, 501, "ef"), c(ack, 101, 501, "a").truncated(9)),
			closing(">0:a >1~3 >4:ef")},
		{"numbers wrap", []sent{c(syn, 0xfffffffd, 0, ""), s(synACK, 500, 0xfffffffe, ""), c(ack, 0, 501, "cd"),
			c(ack, 0xfffffffe, 501, "ab"), c(fin, 2, 501, "ef"), s(ack, 501, 5, "")},
			">0:ab >2:cd >4:ef >closed <finish"},
		{"far ahead is not of this stream", from(c(ack, 101, 501, "ab"), c(ack, 103+maxAhead+1, 501, "zz")),
			closing(">0:ab")},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := New(Options{})
			var stream Stream
			r := &recorder{t: t}
			for i, x := range test.segments {
				x.p.Time = x.at * 1e6
				x.p.PayloadCut = x.cut
				if dups := a.Segment(&stream, x.dir, x.p, r); dups != x.dups {
					t.Errorf("segment %d brings what came before: %v", i, dups)
				}
			}
			a.Close(&stream, r, flow.Finish)
			if got := r.String(); got != test.want {
				t.Errorf("\ngot  %s\nwant %s", got, test.want)
			}
			a.Close(&stream, r, flow.Finish)
			if a.Held() != 0 || a.wait != (waitList{}) {
				t.Errorf("%d bytes are still held", a.Held())
			}
		})
	}
}

func TestLastWins(t *testing.T) {
	a := New(Options{LastWins: true})
	var stream Stream
	r := &recorder{t: t}
	for _, x := range []sent{
		c(syn, 100, 0, ""), c(ack, 103, 0, "cd"), c(ack, 107, 0, "gh"), c(ack, 104, 0, "DEFG"), c(ack, 101, 0, "abC"), c(ack, 108, 0, "Hi"),
	} {
		a.Segment(&stream, x.dir, x.p, r)
	}
	a.Close(&stream, r, flow.Idle)
	if got := string(r.bytes[0]); got != "abCDEFGhi" {
		t.Errorf("got %s from %s", got, r)
	}
}

func TestDrop(t *testing.T) {
	a := New(Options{})
	var stream Stream
	r := &recorder{t: t}
	for _, x := range []sent{c(syn, 100, 0, ""), c(ack, 103, 0, "cd"), s(synACK, 500, 101, ""), s(ack, 503, 101, "yz")} {
		a.Segment(&stream, x.dir, x.p, r)
	}
	if a.Held() == 0 {
		t.Error("nothing is held")
	}
	a.Drop(&stream)
	x := c(ack, 101, 0, "ab")
	a.Segment(&stream, x.dir, x.p, r)
	a.Close(&stream, r, flow.Finish)
	if a.Held() != 0 || r.String() != "" {
		t.Errorf("held %d, passed on %s", a.Held(), r)
	}
}

// TestExpire: a stream that hears nothing more gives up its holes too.
func TestExpire(t *testing.T) {
	a := New(Options{GapTimeout: 10 * time.Second})
	var streams [2]Stream
	recorders := [2]*recorder{{t: t}, {t: t}}
	for i := range streams {
		for _, x := range []sent{c(syn, 100, 0, ""), c(ack, 103, 0, "cd"), c(fin, 107, 0, "gh")} {
			x.p.Time = int64(i) * 5e9
			a.Segment(&streams[i], x.dir, x.p, recorders[i])
		}
	}
	a.Expire(11e9)
	if got := recorders[0].String() + "|" + recorders[1].String(); got != ">0~2 >2:cd|" {
		t.Errorf("after 11 s: %s", got)
	}
	a.Expire(16e9)
	a.Expire(22e9)
	if got := recorders[0].String() + "|" + recorders[1].String(); got != ">0~2 >2:cd >4~2 >6:gh >closed|>0~2 >2:cd" {
		t.Errorf("after 22 s: %s", got)
	}
}

func TestCaps(t *testing.T) {
	early := func(i int) sent { // the i-th block of a stream whose first byte is missing
		return c(ack, 102+uint32(i)*blockRoom, 0, strings.Repeat(string(rune('a'+i)), blockRoom))
	}
	t.Run("of a stream", func(t *testing.T) {
		a := New(Options{MaxStream: 3 * blockSize})
		var stream Stream
		r := &recorder{t: t}
		opening := c(syn, 100, 0, "")
		a.Segment(&stream, opening.dir, opening.p, r)
		for i := range 4 {
			x := early(i)
			a.Segment(&stream, x.dir, x.p, r)
			if a.Held() > 3*blockSize {
				t.Fatalf("%d bytes are held", a.Held())
			}
		}
		if want := []span{{0, 1}}; len(r.gaps[0]) != 1 || r.gaps[0][0] != want[0] || r.pos[0] != 1+4*blockRoom {
			t.Errorf("gaps %v, then up to %d", r.gaps[0], r.pos[0])
		}
		if n := a.Stats().Gaps[ByStreamCap]; n != 1 {
			t.Errorf("%d gaps counted", n)
		}
	})
	t.Run("of all streams", func(t *testing.T) {
		a := New(Options{MaxTotal: 3 * blockSize})
		streams := make([]Stream, 4)
		recorders := make([]*recorder, len(streams))
		for i := range streams {
			recorders[i] = &recorder{t: t}
			opening, x := c(syn, 100, 0, ""), early(0)
			a.Segment(&streams[i], opening.dir, opening.p, recorders[i])
			a.Segment(&streams[i], x.dir, x.p, recorders[i])
			if a.Held() > 3*blockSize {
				t.Fatalf("%d bytes are held", a.Held())
			}
		}
		for i, r := range recorders { // the one that has waited longest makes room
			if gaps := len(r.gaps[0]); gaps > 0 != (i == 0) {
				t.Errorf("stream %d has %d gaps", i, gaps)
			}
		}
	})
	t.Run("too small for anything", func(t *testing.T) {
		a := New(Options{MaxStream: 1})
		var stream Stream
		r := &recorder{t: t}
		for _, x := range []sent{c(syn, 100, 0, ""), c(ack, 103, 0, "cd"), c(ack, 101, 0, "ab").again()} {
			a.Segment(&stream, x.dir, x.p, r)
		}
		if r.String() != ">0~2 >2:cd" {
			t.Error(r)
		}
	})
}
