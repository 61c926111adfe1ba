package sample

import (
	"crypto/tls"
	"net"
	"testing"

	"eddy/internal/config/model"
	"eddy/internal/fastpath/txn"
)

// recordedHello is what a TLS client sends first.
func recordedHello(t *testing.T, conf *tls.Config) string {
	t.Helper()
	client, server := net.Pipe()
	defer server.Close()
	go func() {
		tls.Client(client, conf).Handshake() // fails when server is closed
		client.Close()
	}()
	buf := make([]byte, 4096)
	n, err := server.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	return string(buf[:n])
}

func TestClientHello(t *testing.T) {
	env := testEnv()
	conf := &tls.Config{ServerName: "www.example.com", NextProtos: []string{"h2", "http/1.1"}, CipherSuites: []uint16{0xc02f, 0xc030},
		MinVersion: tls.VersionTLS12, CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256}, InsecureSkipVerify: true}
	hello := recordedHello(t, conf)
	// The same message cut into two records.
	body := hello[5:]
	half := len(body) / 2
	record := func(b string) string { return "\x16\x03\x01" + string([]byte{byte(len(b) >> 8), byte(len(b))}) + b }
	for name, bytes := range map[string]string{"one record": hello, "two records": record(body[:half]) + record(body[half:])} {
		tx := testTx(t, env, testRequest)
		tx.Req.Reset()
		tx.Mode, tx.Stage = model.ModeTCP, txn.StageReqContent
		tx.Control = &buffers{req: bytes}
		for text, want := range map[string]string{
			"req.ssl_hello_type":                "[1]",
			"req.ssl_sni":                       "[www.example.com]",
			"req.ssl_alpn":                      "[h2,http/1.1]",
			"req.ssl_ver":                       "[196611]", // 3.3
			"req.ssl_ec_ext":                    "[1]",
			"req.ssl_st_ext":                    "[1]",
			"req.ssl_supported_groups,hex":      "[001D0017]",
			"req.ssl_keyshare_groups,hex":       "[001D]",
			"req.ssl_cipherlist,bytes(0,4),hex": "[C02FC030]",
			"req.ssl_sigalgs,length,not":        "[0]",
			"res.ssl_hello_type":                "none",
		} {
			got := evaluate(t, env, tx, text)
			if text == "req.ssl_st_ext" && (got == "[0]" || got == "[1]") {
				continue // clients differ
			}
			if got != want {
				t.Errorf("%s: %s: got %s, want %s", name, text, got, want)
			}
		}
		if !condition(t, env, "{ req.ssl_ver 3.3 } { req.ssl_ver 3:3.4 } !{ req.ssl_ver gt 3.3 }").Holds(tx) {
			t.Errorf("%s: versions don't compare", name)
		}
	}
	// Cut anywhere, it waits; with no more to come, there is no value.
	for n := range len(hello) {
		tx := testTx(t, env, testRequest)
		tx.Mode, tx.Stage = model.ModeTCP, txn.StageReqContent
		tx.Control = &buffers{req: hello[:n]}
		if v, ok := compile(t, env, "req.ssl_sni").Eval(tx); ok || !tx.Undecided {
			t.Fatalf("%d bytes: %q %v, undecided %v", n, v.B, ok, tx.Undecided)
		}
		tx.Undecided, tx.InspectOver = false, true
		if _, ok := compile(t, env, "req.ssl_sni").Eval(tx); ok || tx.Undecided {
			t.Fatalf("%d bytes and no more: %v, undecided %v", n, ok, tx.Undecided)
		}
	}
}

func FuzzHello(f *testing.F) {
	f.Add([]byte("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03"), true)
	f.Add([]byte("\x16\x03\x01\x00\x02\x01\x00\x16\x03\x01\x00\x04\x00\x02\x03\x03"), false)
	f.Add([]byte("\x80\x2e\x01\x00\x02"), false)
	f.Add([]byte("\x03\x00\x00\x2a\x25\xe0\x00\x00\x00\x00\x00Cookie: a=b\r\n"), false)
	env := testEnv()
	f.Fuzz(func(t *testing.T, data []byte, over bool) {
		tx := &txn.Txn{Mode: model.ModeTCP, Stage: txn.StageReqContent, InspectOver: over, Control: &buffers{req: string(data)}}
		for _, name := range []string{"req.ssl_sni", "req.ssl_alpn", "req.ssl_ver", "req.ssl_keyshare_groups", "req.ssl_sigalgs",
			"req.rdp_cookie", "req.proto_http", "path"} {
			if _, _, err := env.CallFetch(tx, name, nil); err != nil {
				t.Fatal(err)
			}
		}
	})
}
