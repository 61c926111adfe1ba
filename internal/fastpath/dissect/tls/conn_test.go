package tls

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"eddy/internal/fastpath/flow"
	"eddy/internal/fastpath/learned"
)

// piece is what one side of a conversation sent at once.
type piece struct {
	dir  flow.Dir
	data []byte
}

// tap records what goes over a connection.
type tap struct {
	net.Conn
	dir  flow.Dir
	lock *sync.Mutex
	log  *[]piece
}

func (c tap) Write(b []byte) (int, error) {
	c.lock.Lock()
	*c.log = append(*c.log, piece{c.dir, slices.Clone(b)})
	c.lock.Unlock()
	return c.Conn.Write(b)
}

// handshake has crypto/tls shake hands, send a few bytes and go, and gives what went over the wire.
func handshake(t testing.TB, client, server *tls.Config) (log []piece) {
	t.Helper()
	var lock sync.Mutex
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		there, err := listener.Accept()
		if err != nil {
			return
		}
		s := tls.Server(tap{there, flow.ToClient, &lock, &log}, server)
		defer s.Close()
		_, _ = io.Copy(s, s)
	}()
	here, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c := tls.Client(tap{here, flow.ToServer, &lock, &log}, client)
	if _, err := c.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	<-done
	lock.Lock()
	defer lock.Unlock()
	return log
}

// configs gives the two ends' configurations for one version.
func configs(t testing.TB, version uint16) (client, server *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Root", Organization: []string{"R"}},
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "example.org", Organization: []string{"Example"}},
		NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"example.org"}}
	var chain [][]byte
	for _, c := range []*x509.Certificate{leaf, root} {
		der, err := x509.CreateCertificate(rand.Reader, c, root, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		chain = append(chain, der)
	}
	server = &tls.Config{MinVersion: version, MaxVersion: version, NextProtos: []string{"h2"},
		Certificates: []tls.Certificate{{Certificate: chain, PrivateKey: key}}}
	client = &tls.Config{MinVersion: version, MaxVersion: version, ServerName: "example.org", InsecureSkipVerify: true,
		NextProtos: []string{"h2", "http/1.1"}, ClientSessionCache: tls.NewLRUClientSessionCache(1)}
	return client, server
}

// witness keeps what a Conn told.
type witness struct {
	found   []*learned.TLS
	records [2]int
}

func (w *witness) Record(dir flow.Dir, record []byte) {
	if len(record) < 5 || len(record) != 5+int(record[3])<<8+int(record[4]) || record[0] == recordData {
		panic(fmt.Sprintf("not a whole record: %x", record))
	}
	w.records[dir]++
}

func (w *witness) Handshake(t *learned.TLS) { w.found = append(w.found, t) }

// watch gives a conversation to a Conn in pieces of at most size bytes.
func watch(log []piece, size int) (*Conn, *witness) {
	w := &witness{}
	c := New(w)
	for _, p := range log {
		for rest := p.data; len(rest) > 0; {
			n := min(size, len(rest))
			c.Data(p.dir, rest[:n])
			rest = rest[n:]
		}
	}
	return c, w
}

func TestVersions(t *testing.T) {
	for _, tt := range []struct {
		version uint16
		name    string
		chain   bool
	}{
		{tls.VersionTLS10, "TLSv1", true}, {tls.VersionTLS11, "TLS 1.1", true}, {tls.VersionTLS12, "TLS 1.2", true}, {tls.VersionTLS13, "TLS 1.3", false},
	} {
		client, server := configs(t, tt.version)
		log := handshake(t, client, server)
		for _, size := range []int{1, 2, 5, 6, 100, 1 << 20} {
			c, w := watch(log, size)
			if len(w.found) != 1 {
				t.Fatalf("%s in pieces of %d: told %d times", tt.name, size, len(w.found))
			}
			got := w.found[0]
			if got.Version != tt.name || got.SNI != "example.org" || !slices.Equal(got.ALPN, []string{"h2", "http/1.1"}) ||
				got.Cipher == 0 || got.Resumed || !got.HasClient || !got.HasServer ||
				len(got.JA3.Hash) != 32 || len(got.JA3S.Hash) != 32 || len(got.JA4) != 36 {
				t.Errorf("%s: %+v", tt.name, got)
			}
			if tt.chain != (len(got.Chain) == 2) || tt.chain != (got.Protocol == "h2") {
				t.Errorf("%s: %d certificates, protocol %q", tt.name, len(got.Chain), got.Protocol)
			}
			if tt.chain && (got.Chain[0].SubjectCN != "example.org" || got.Chain[0].IssuerCN != "Root" || !got.Chain[1].SelfSigned) {
				t.Errorf("%s: %+v", tt.name, got.Chain)
			}
			if !c.Done() {
				t.Errorf("%s in pieces of %d: not done behind application data", tt.name, size)
			}
			if w.records[0] == 0 || w.records[1] == 0 {
				t.Errorf("%s: records %v", tt.name, w.records)
			}
		}
	}
}

func TestResumed(t *testing.T) {
	client, server := configs(t, tls.VersionTLS12)
	handshake(t, client, server)
	_, w := watch(handshake(t, client, server), 1<<20)
	if len(w.found) != 1 || !w.found[0].Resumed || len(w.found[0].Chain) != 0 || w.found[0].Version != "TLS 1.2" {
		t.Errorf("%+v", w.found)
	}
}

// A HelloRetryRequest is no ServerHello, and the first ClientHello is the one that counts.
func TestHelloRetry(t *testing.T) {
	client, server := configs(t, tls.VersionTLS13)
	client.CurvePreferences = []tls.CurveID{tls.X25519, tls.CurveP384}
	server.CurvePreferences = []tls.CurveID{tls.CurveP384}
	_, w := watch(handshake(t, client, server), 1<<20)
	if len(w.found) != 1 || w.found[0].Version != "TLS 1.3" || w.found[0].Cipher == 0 || !w.found[0].HasServer {
		t.Fatalf("%+v", w.found)
	}
	if strings.Contains(w.found[0].JA3.Text, "-44-") {
		t.Errorf("the second hello's cookie: %s", w.found[0].JA3.Text)
	}
}

// What is missing is given up, and what was found is told at the end.
func TestGap(t *testing.T) {
	client, server := configs(t, tls.VersionTLS12)
	log := handshake(t, client, server)
	w := &witness{}
	c := New(w)
	c.Data(flow.ToServer, log[0].data)
	c.Gap(flow.ToClient)
	for _, p := range log[2:] {
		c.Data(p.dir, p.data)
	}
	c.End()
	c.End()
	if len(w.found) != 1 || w.found[0].SNI != "example.org" || w.found[0].HasServer || w.found[0].Version != "TLS 1.2" || !c.Done() {
		t.Errorf("%+v", w.found)
	}
	w = &witness{}
	c = New(w)
	c.End()
	if len(w.found) != 0 {
		t.Error("told of nothing")
	}
}

// A message that claims to be larger than any is given up before it is held.
func TestMessageBound(t *testing.T) {
	w := &witness{}
	c := New(w)
	record := append([]byte{22, 3, 3, 0x40, 0}, make([]byte, 1<<14)...)
	copy(record[5:], []byte{msgCertificate, 0xff, 0xff, 0xff})
	c.Data(flow.ToServer, record)
	if held := cap(c.sides[0].message) + cap(c.sides[0].record); held != 0 || !c.sides[0].over {
		t.Errorf("%d bytes are held", held)
	}
}

// What the handler was told belongs to it: whatever comes then, the connection does not write to it, and holds none of it.
func TestToldOnce(t *testing.T) {
	client, server := configs(t, tls.VersionTLS12)
	log := handshake(t, client, server)
	w := &witness{}
	c := New(w)
	c.Data(log[1].dir, log[1].data) // the capture has the server's hello and certificate first
	if len(w.found) != 1 || w.found[0].HasClient || len(w.found[0].Chain) != 2 {
		t.Fatalf("%+v", w.found)
	}
	told := fmt.Sprintf("%+v", w.found[0])
	for _, p := range log {
		c.Data(p.dir, p.data)
		if c.Held() != 0 {
			t.Errorf("%d bytes are held", c.Held())
		}
	}
	c.Gap(flow.ToClient)
	c.End()
	if now := fmt.Sprintf("%+v", w.found[0]); len(w.found) != 1 || now != told {
		t.Errorf("told %d times: %s, and then %s", len(w.found), told, now)
	}
}

func TestHeld(t *testing.T) {
	client, server := configs(t, tls.VersionTLS12)
	log := handshake(t, client, server)
	c := New(&witness{})
	last := len(log[0].data) - 1
	c.Data(flow.ToServer, log[0].data[:last])
	if c.Held() < int64(last) {
		t.Errorf("%d bytes are held of a record of %d", c.Held(), last)
	}
	c.Data(flow.ToServer, log[0].data[last:])
	if c.Held() < int64(last) {
		t.Errorf("%d bytes are held of a hello of %d", c.Held(), last)
	}
	c.Data(flow.ToClient, log[1].data)
	c.End()
	if c.Held() != 0 {
		t.Errorf("%d bytes are held at the end", c.Held())
	}
}

func TestNotTLS(t *testing.T) {
	for _, text := range []string{"GET / HTTP/1.1\r\n\r\n", "\x16\x02\x00\x00\x05hello", "\x16\x03\x01\xff\xffhello", "\x80\x2e\x01\x03\x01"} {
		w := &witness{}
		c := New(w)
		c.Data(flow.ToServer, []byte(text))
		c.Data(flow.ToClient, []byte(text))
		c.End()
		if !c.Done() || len(w.found) != 0 || w.records != [2]int{} {
			t.Errorf("%q: %+v", text, w)
		}
		if Looks([]byte(text)) {
			t.Errorf("%q looks like TLS", text)
		}
	}
	if !Looks([]byte{22, 3, 1, 0, 200, 1}) || !Looks([]byte{22, 3, 3, 0, 200, 2}) || Looks([]byte{22, 3, 1, 0, 200}) {
		t.Error("a hello does not look like TLS")
	}
}

func TestAttributes(t *testing.T) {
	root := learned.Certificate{SubjectCN: "Root", IssuerCN: "Root", SelfSigned: true}
	inter := learned.Certificate{SubjectCN: "Inter", IssuerCN: "Root"}
	leaf := learned.Certificate{SubjectCN: "example.org", Organization: "Example", IssuerCN: "Inter"}
	odd := learned.Certificate{SubjectCN: "x", IssuerOrg: "Org"}
	for _, tt := range []struct {
		chain []learned.Certificate
		want  string
	}{
		{nil, "TLS:CIPHER=C02F"},
		{[]learned.Certificate{leaf, inter}, "TLS:CIPHER=C02F TLS:O=Example TLS:CA:INTER=Inter TLS:CA:ROOT=Root"},
		{[]learned.Certificate{leaf, inter, root}, "TLS:CIPHER=C02F TLS:O=Example TLS:CA:INTER=Inter TLS:CA:ROOT=Root"},
		{[]learned.Certificate{root}, "TLS:CIPHER=C02F TLS:CA:ROOT=Root"},
		{[]learned.Certificate{odd}, "TLS:CIPHER=C02F TLS:CA:ROOT=Org"},
	} {
		var got []string
		Attributes(&learned.TLS{HasServer: true, Cipher: 0xc02f, Chain: tt.chain}, func(name, value string) { got = append(got, name+"="+value) })
		if strings.Join(got, " ") != tt.want {
			t.Errorf("got %q, not %q", got, tt.want)
		}
	}
	Attributes(&learned.TLS{HasClient: true}, func(name, value string) { t.Errorf("%s=%s of a client alone", name, value) })
}
