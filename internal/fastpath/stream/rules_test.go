package stream

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/txn"
)

// build answers locally in the place of a "return" action.
func build(tx *txn.Txn, status int, body string) txn.Verdict {
	tx.Res.BuildResponse(status, "")
	tx.ResBody = []byte(body)
	tx.HasRes, tx.Local = true, true
	return txn.Answer
}

// TestVerdicts tries what request and response rules can decide.
func TestVerdicts(t *testing.T) {
	decide := func(v txn.Verdict) rules { return func(*txn.Txn) txn.Verdict { return v } }
	type change = func(*setup)
	req := func(r rules) change { return func(s *setup) { s.cfg.HTTPReq = r } }
	res := func(r rules) change { return func(s *setup) { s.cfg.HTTPRes = r } }
	tests := []struct {
		name   string
		change change
		want   string // how the answer begins
		closed bool
		log    string
	}{
		{"accept", req(decide(txn.Accept)), okOut, false, "--"},
		{"deny", req(decide(txn.Deny)), "HTTP/1.1 403 Forbidden\r\n", false, "PR"},
		{"deny with a status", req(func(tx *txn.Txn) txn.Verdict { tx.ErrorStatus = 429; return txn.Deny }), "HTTP/1.1 429 ", false, "PR"},
		{"return", req(func(tx *txn.Txn) txn.Verdict { return build(tx, 200, "yes") }), "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nyes", false, "LR"},
		{"return and close", req(func(tx *txn.Txn) txn.Verdict { tx.CloseAfter = true; return build(tx, 200, "yes") }),
			"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\nyes", true, "LR"},
		{"return 204", req(func(tx *txn.Txn) txn.Verdict { return build(tx, 204, "") }), "HTTP/1.1 204 No Content\r\n\r\n", false, "LR"},
		{"reject", req(decide(txn.Reject)), "", true, "PR"},
		{"abort", req(decide(txn.Abort)), "HTTP/1.1 500 ", false, "IR"},
		{"closed by a script", req(func(tx *txn.Txn) txn.Verdict { tx.Control.Close(false); return txn.Next }), "", true, "--"},
		{"response deny", res(decide(txn.Deny)), "HTTP/1.1 502 ", false, "PH"},
		{"response return", res(func(tx *txn.Txn) txn.Verdict { return build(tx, 200, "no") }), "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nno", false, "LH"},
		{"response header", res(func(tx *txn.Txn) txn.Verdict { tx.Res.AddString("x-a", "b"); return txn.Next }),
			"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-y: z\r\nx-a: b\r\n\r\nhi", false, "--"},
		{"response body", res(func(tx *txn.Txn) txn.Verdict {
			if _, err := tx.Control.WaitBody(txn.Res, 0, time.Second); err != nil {
				return txn.Abort
			}
			b, all := tx.Control.Body(txn.Res)
			tx.Res.AddString("x-body", fmt.Sprintf("%s %v", b, all))
			return txn.Next
		}), "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-y: z\r\nx-body: hi true\r\n\r\nhi", false, "--"},
		{"connection refused", func(s *setup) { s.cfg.TCPConn = decide(txn.Reject) }, "", true, ""},
		{"session refused", func(s *setup) { s.cfg.TCPSess = decide(txn.Reject) }, "", true, ""},
		{"content refused", func(s *setup) { s.cfg.TCPContent = decide(txn.Reject) }, "", true, "PR"},
		{"tarpit", func(s *setup) {
			s.front.Timeouts.Tarpit = 50 * time.Millisecond
			s.cfg.HTTPReq = rules(func(tx *txn.Txn) txn.Verdict { tx.Tarpit, tx.ErrorStatus = true, 500; return txn.Deny })
		}, "HTTP/1.1 500 ", false, "PT"},
		{"monitor", func(s *setup) { s.front.MonitorURI = "/" }, "HTTP/1.1 200 OK\r\n", false, ""},
		{"monitor fail", func(s *setup) {
			s.front.MonitorURI = "/"
			s.cfg.MonitorFail = []Cond{cond(func(*txn.Txn) bool { return true })}
		}, "HTTP/1.1 503 ", false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rec := record(t, ok, false)
			r := newRig(t, []string{rec.addr}, tt.change)
			got, closed := r.ask(get)
			if !strings.HasPrefix(got, tt.want) || closed != tt.closed || tt.want == "" && got != "" {
				t.Errorf("got %q (closed %v), want %q (closed %v)", got, closed, tt.want, tt.closed)
			}
			if tt.log != "" {
				if l := r.log.wait(t, 1); l[0] != tt.log {
					t.Errorf("logged %q, want %q", l[0], tt.log)
				}
			} else if len(r.log.lines) > 0 {
				t.Errorf("logged %q", r.log.lines)
			}
		})
	}
}

// TestRouting chooses backends, and runs both proxies' rules in their order.
func TestRouting(t *testing.T) {
	srv := web(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Date"] = nil
		w.Header()["Content-Type"] = nil
		fmt.Fprintf(w, "%s|%s|%s", r.Header.Get("X-Trace"), r.Header.Get("X-Id"), r.Header.Get("X-Orig"))
	})
	trace := func(name string) rules {
		return func(tx *txn.Txn) txn.Verdict {
			m := &tx.Req
			if tx.Stage != txn.StageHTTPReq && tx.Stage != txn.StageReqContent {
				m = &tx.Res
			}
			old, _ := m.Get("x-trace")
			m.SetString("x-trace", string(old)+name)
			return txn.Next
		}
	}
	var main atomic.Pointer[Backend]
	r := newRig(t, []string{srv}, func(s *setup) {
		s.cfg.TCPContent, s.cfg.HTTPReq, s.cfg.HTTPRes, s.cfg.HTTPAfter = trace("a"), trace("b"), trace("f"), trace("h")
		s.bcfg.TCPContent, s.bcfg.HTTPReq, s.bcfg.HTTPRes, s.bcfg.HTTPAfter = trace("c"), trace("d"), trace("e"), trace("g")
		s.cfg.Find = func(name string) *Backend {
			if name == "named" {
				return main.Load()
			}
			return nil
		}
		s.cfg.UseBackend = []UseBackend{{
			Fmt:  format(func(tx *txn.Txn) string { return string(tx.Req.Path()[1:]) }),
			Cond: cond(func(tx *txn.Txn) bool { return len(tx.Req.Path()) > 1 }),
		}}
		s.cfg.UniqueID = format(func(*txn.Txn) string { return " id7" })
		s.front.UniqueIDHdr = "X-Id"
		s.back.Options.OriginalTo = &model.ForwardFor{Header: "x-orig", Except: "10.0.0.0/8"}
	})
	main.Store(r.back)
	for _, path := range []string{"/named", "/"} {
		got, _ := r.ask("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n")
		want := "HTTP/1.1 200 OK\r\ncontent-length: 18\r\nx-trace: efgh\r\n\r\nabcd|id7|127.0.0.1"
		if got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

// TestStatusAndBody has rules give answers a status that allows no body, or one that promises a body that is not there,
// and has them close the connection.
func TestStatusAndBody(t *testing.T) {
	status := func(code int) rules {
		return func(tx *txn.Txn) txn.Verdict { tx.Res.SetStatus(code, nil); return txn.Next }
	}
	deny := rules(func(tx *txn.Txn) txn.Verdict { return txn.Deny })
	const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
	tests := []struct {
		name, server string
		change       func(*setup)
		want         string
		closed       bool
	}{
		{"204 with a body", ok, func(s *setup) { s.cfg.HTTPRes = status(204) }, "HTTP/1.1 204 No Content\r\nx-y: z\r\n\r\n", false},
		{"304 with chunks", chunked, func(s *setup) { s.cfg.HTTPRes = status(304) }, "HTTP/1.1 304 Not Modified\r\n\r\n", false},
		{"200 without the body", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", func(s *setup) { s.cfg.HTTPRes = status(200) },
			"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", false},
		{"refused, then 204", ok, func(s *setup) { s.cfg.HTTPReq, s.cfg.HTTPAfter = deny, status(204) },
			"HTTP/1.1 204 No Content\r\ncache-control: no-cache\r\ncontent-type: text/html\r\n\r\n", false},
		{"connection: close to the server only", ok, func(s *setup) {
			s.cfg.HTTPReq = rules(func(tx *txn.Txn) txn.Verdict { tx.Req.SetString("Connection", "close"); return txn.Next })
			s.cfg.HTTPRes = rules(func(tx *txn.Txn) txn.Verdict {
				v, _ := tx.Req.Get("connection")
				tx.Res.Set("x-y", v)
				return txn.Next
			})
		}, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-y: close\r\n\r\nhi", false},
		{"connection: close", chunked, func(s *setup) {
			s.cfg.HTTPAfter = rules(func(tx *txn.Txn) txn.Verdict { tx.Res.SetString("Connection", "close"); return txn.Next })
		}, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rec := record(t, tt.server, false)
			r := newRig(t, []string{rec.addr}, tt.change)
			if got, closed := r.ask(get); got != tt.want || closed != tt.closed {
				t.Errorf("got %q (closed %v), want %q", got, closed, tt.want)
			}
		})
	}
}

// TestTimes: a request that was answered has all its times, also over a connection that was there already.
func TestTimes(t *testing.T) {
	rec := record(t, ok, false)
	r := newRig(t, []string{rec.addr}, func(s *setup) {
		s.cfg.LogFormat = format(func(tx *txn.Txn) string {
			at := &tx.Times
			return fmt.Sprint(tx.Reused, at.ReqHeaders.After(tx.Start), at.Queue.IsZero(), at.Connect.Before(at.Queue), at.ResHeaders.Before(at.Connect))
		})
	})
	c := r.dial()
	for i, want := range []string{"false false false false false", "true false false false false"} {
		_, _ = io.WriteString(c, get)
		if got := r.log.wait(t, i+1)[i]; got != want {
			t.Errorf("request %d: %s, want %s", i+1, got, want)
		}
	}
	_, _ = io.WriteString(c, "GET / HT")
	time.Sleep(50 * time.Millisecond) // so that the head comes in two reads
	_, _ = io.WriteString(c, "TP/1.1\r\n\r\n")
	if got, want := r.log.wait(t, 3)[2], "true true false false false"; got != want {
		t.Errorf("a head in pieces: %s, want %s", got, want)
	}
}

// TestCapturesAndCounts keeps headers for the log and counts what happened.
func TestCapturesAndCounts(t *testing.T) {
	const req = "GET / HTTP/1.1\r\nHost: abcdef\r\nX-Two: first\r\nX-Two: last\r\n\r\n"
	rec := record(t, ok, false)
	r := newRig(t, []string{rec.addr}, func(s *setup) {
		s.front.CaptureReq = []model.CaptureHeader{{Name: "host", Len: 3}, {Name: "x-no", Len: 3}, {Name: "x-two", Len: 3}}
		s.front.CaptureResp = []model.CaptureHeader{{Name: "x-y", Len: 5}}
		s.cfg.LogFormat = format(func(tx *txn.Txn) string {
			return fmt.Sprintf("%s|%s|%s|%s %d %d %d %s", tx.Captures.Req[0], tx.Captures.Req[1], tx.Captures.Res[0], tx.Captures.Req[2],
				tx.Res.Status(), tx.BytesIn, tx.BytesOut, tx.Server.Name)
		})
	})
	if got, _ := r.ask(req); got != okOut {
		t.Errorf("got %q", got)
	}
	if l, want := r.log.wait(t, 1)[0], fmt.Sprintf("abc||z|las 200 %d %d s1", len(req), len(okOut)); l != want {
		t.Errorf("logged %q, want %q", l, want)
	}
	f, b, s := &r.front.Proxy.Front, &r.back.Proxy.Back, r.back.Proxy.Servers[0]
	if f.Reqs.Load() != 1 || f.Status[2].Load() != 1 || b.Status[2].Load() != 1 || s.Status[2].Load() != 1 || s.Reqs.Load() != 1 {
		t.Error("a request was not counted")
	}
	if f.BytesOut.Load() != int64(len(okOut)) || s.BytesOut.Load() != int64(len(okOut)) {
		t.Error("bytes were not counted")
	}
	eventually(t, func() bool { return b.Conns.Load() == 0 && s.Conns.Load() == 0 })
}

// service is a txn.Service made of a function.
type service func(tx *txn.Txn, io txn.ServiceIO) error

func (s service) Serve(tx *txn.Txn, io txn.ServiceIO) error { return s(tx, io) }

// TestServices lets services answer.
func TestServices(t *testing.T) {
	hello := func(tx *txn.Txn, w txn.ServiceIO) error {
		tx.Res.BuildResponse(200, "")
		tx.Res.Del("content-length")
		if err := w.Start(); err != nil {
			return err
		}
		_, err := w.Write([]byte("hello"))
		return err
	}
	echoBody := func(tx *txn.Txn, w txn.ServiceIO) error {
		b, err := io.ReadAll(struct{ io.Reader }{w})
		if err != nil {
			return err
		}
		tx.Res.BuildResponse(200, "")
		tx.Res.SetString("content-length", itoa(len(b)))
		if err := w.Start(); err != nil {
			return err
		}
		_, err = w.Write(b)
		return err
	}
	lines := func(tx *txn.Txn, w txn.ServiceIO) error {
		tx.Res.BuildResponse(200, "")
		var all []string
		for {
			l, err := w.ReadLine()
			if err == io.EOF {
				break
			}
			if err != nil {
				return err
			}
			all = append(all, string(l))
		}
		s := fmt.Sprintf("%q", all)
		tx.Res.SetString("content-length", itoa(len(s)))
		_ = w.Start()
		_, err := w.Write([]byte(s))
		return err
	}
	const head = "HTTP/1.1 200 OK\r\n"
	tests := []struct {
		name    string
		service service
		req     string
		want    string
		closed  bool
	}{
		{"chunks", hello, get, head + "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", false},
		{"1.0", hello, "GET / HTTP/1.0\r\n\r\n", head + "connection: close\r\n\r\nhello", true},
		{"HEAD", hello, "HEAD / HTTP/1.1\r\n\r\n", head + "transfer-encoding: chunked\r\n\r\n", false},
		{"body", echoBody, "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", head + "content-length: 3\r\n\r\nabc", false},
		{"chunked body", echoBody, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", head + "content-length: 3\r\n\r\nabc", false},
		{"lines", lines, "POST / HTTP/1.1\r\nContent-Length: 8\r\n\r\na\nbc\n\nde", head + "content-length: 24\r\n\r\n" + `["a\n" "bc\n" "\n" "de"]`, false},
		{"unread body", hello, "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", head + "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", false},
		{"nothing", func(*txn.Txn, txn.ServiceIO) error { return nil }, get, "HTTP/1.1 500 ", false},
		{"failure", func(*txn.Txn, txn.ServiceIO) error { return errors.New("no") }, get, "HTTP/1.1 500 ", false},
		{"failure in the body", func(tx *txn.Txn, w txn.ServiceIO) error { _ = hello(tx, w); return errors.New("no") }, get,
			head + "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n", true},
		{"too little", func(tx *txn.Txn, w txn.ServiceIO) error {
			tx.Res.BuildResponse(200, "")
			tx.Res.SetString("content-length", "10")
			_ = w.Start()
			_, err := w.Write([]byte("hello"))
			return err
		}, get, head + "content-length: 10\r\n\r\nhello", true},
		{"big", func(tx *txn.Txn, w txn.ServiceIO) error {
			tx.Res.BuildResponse(200, "")
			tx.Res.SetString("content-length", "100000")
			_ = w.Start()
			_, err := w.Write([]byte(strings.Repeat("x", 100000)))
			return err
		}, get, head + "content-length: 100000\r\n\r\n" + strings.Repeat("x", 100000), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil, func(s *setup) {
				s.cfg.HTTPReq = rules(func(tx *txn.Txn) txn.Verdict { tx.Service = tt.service; return txn.UseService })
			})
			got, closed := r.ask(tt.req)
			if !strings.HasPrefix(got, tt.want) || closed != tt.closed || len(tt.want) > 20 && got != tt.want {
				t.Errorf("got %.200q (closed %v), want %.200q (closed %v)", got, closed, tt.want, tt.closed)
			}
		})
	}
	t.Run("Expect", func(t *testing.T) {
		r := newRig(t, nil, func(s *setup) {
			s.cfg.HTTPReq = rules(func(tx *txn.Txn) txn.Verdict { tx.Service = service(echoBody); return txn.UseService })
		})
		c := r.dial()
		_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
		if got := readHead(c); got != "HTTP/1.1 100 Continue\r\n\r\n" {
			t.Fatalf("got %q", got)
		}
		_, _ = io.WriteString(c, "abc")
		if got, closed := readQuiet(c); !strings.HasSuffix(got, "abc") || closed {
			t.Errorf("got %q (closed %v)", got, closed)
		}
	})
	t.Run("tcp", func(t *testing.T) {
		r := newRig(t, nil, tcpMode, func(s *setup) {
			s.cfg.TCPContent = rules(func(tx *txn.Txn) txn.Verdict {
				tx.Service = service(func(_ *txn.Txn, w txn.ServiceIO) error {
					for {
						l, err := w.ReadLine()
						if err != nil {
							return err
						}
						_, _ = w.Write(append([]byte("> "), l...))
					}
				})
				return txn.UseService
			})
		})
		c := r.dial()
		in := bufio.NewReader(c)
		for _, l := range []string{"a\n", "bc\n"} {
			_, _ = io.WriteString(c, l)
			if got, _ := in.ReadString('\n'); got != "> "+l {
				t.Errorf("got %q", got)
			}
		}
		_, _ = io.WriteString(c, "rest")
		_ = c.CloseWrite()
		if b, _ := io.ReadAll(in); string(b) != "> rest" {
			t.Errorf("got %q", b)
		}
	})
}
