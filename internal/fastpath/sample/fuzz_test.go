package sample

import (
	"testing"

	"eddy/internal/config/expr"
	"eddy/internal/config/model"
	"eddy/internal/fastpath/http1"
	"eddy/internal/fastpath/sample/cast"
	"eddy/internal/fastpath/txn"
)

// FuzzConverters gives any bytes to every converter; a variable holds them too.
func FuzzConverters(f *testing.F) {
	for _, s := range []string{"", "abc", "a=b&c", "12", "[::1]:80", "%41%", "{\"1\":[1,{}]}", "for=_a;proto=http", "en;q=0.5,de", "\x00\xff", "a.b..c", "YWJj"} {
		f.Add([]byte(s), int64(len(s)))
	}
	env := testEnv()
	f.Fuzz(func(t *testing.T, data []byte, n int64) {
		tx := &txn.Txn{Mode: model.ModeHTTP, Stage: txn.StageHTTPReq, Front: env.Proxies.All[0], Conn: &txn.Conn{}}
		tx.Vars.Set("x", cast.Str(data))
		for _, c := range expr.Converters() {
			args := exampleArgs(c.Args)
			switch c.Name {
			case "regsub":
				args = []string{"(.)b*", `[\1\x41]`, "gi"}
			case "json_query":
				args = []string{"$.1[1]"}
			case "ipmask":
				args = []string{"24", "64"}
			case "sha2", "uuid":
				args = nil
			case "has_ctl":
				args = []string{"any"}
			}
			if c.Args != nil && c.Args[0].Kind == expr.KindFile {
				args = []string{"virt@fuzz"}
			}
			for _, in := range []txn.Value{cast.Str(data), cast.Bin(data), cast.Num(n), cast.Bool(n > 0)} {
				v, ok, err := env.CallConverter(tx, c.Name, in, args)
				if err != nil {
					t.Fatalf("%s%q: %v", c.Name, args, err)
				}
				if ok && len(cast.Append(nil, v)) > 8<<20 {
					t.Fatalf("%s made %d bytes", c.Name, len(v.B))
				}
			}
		}
	})
}

// FuzzRequest evaluates every fetch on any head that parses.
func FuzzRequest(f *testing.F) {
	f.Add([]byte(testRequest))
	f.Add([]byte("GET http://[::1]:x/?=&a HTTP/1.0\r\nCookie: =;;a\r\nAuthorization: Basic !\r\n\r\n"))
	f.Add([]byte("OPTIONS * HTTP/1.1\r\nHost:\r\nX: \",\\\r\n\r\n"))
	env := testEnv()
	f.Fuzz(func(t *testing.T, head []byte) {
		tx := &txn.Txn{Mode: model.ModeHTTP, Stage: txn.StageHTTPReq, Conn: &txn.Conn{}, Control: &buffers{body: string(head)}}
		if n, err := tx.Req.ParseRequest(head, http1.Limits{MaxHeaders: 101, MaxHead: 16384}); n == 0 || err != nil {
			return
		}
		for _, fetch := range expr.Fetches() {
			env.CallFetch(tx, fetch.Name, exampleArgs(fetch.Args))
			env.CallFetch(tx, fetch.Name, nil)
		}
	})
}
