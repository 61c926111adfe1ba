package exporter

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"testing"

	"eddy/internal/fastpath/txn"
)

// client is a txn.ServiceIO that remembers.
type client struct {
	txn.ServiceIO
	started bool
	body    bytes.Buffer
	gone    error
}

func (c *client) Start() error                { c.started = true; return c.gone }
func (c *client) Write(p []byte) (int, error) { return c.body.Write(p) }

func TestService(t *testing.T) {
	e := New(full)
	for _, tt := range []struct {
		method, accept string
		status         int
		contentType    string
	}{
		{"GET", "", 200, "text/plain; version=0.0.4"},
		{"HEAD", "", 200, "text/plain; version=0.0.4"},
		{"GET", "application/openmetrics-text;version=1.0.0", 200, "application/openmetrics-text; version=1.0.0"},
		{"POST", "", 405, ""},
	} {
		tx, c := &txn.Txn{}, &client{}
		tx.Req.BuildRequest([]byte(tt.method), []byte("/metrics"), 1)
		if tt.accept != "" {
			tx.Req.AddString("accept", tt.accept)
		}
		if err := e.Serve(tx, c); err != nil || !c.started {
			t.Fatalf("%s: %v, started %v", tt.method, err, c.started)
		}
		contentType, _ := tx.Res.Get("content-type")
		length, _ := tx.Res.Get("content-length")
		if tx.Res.Status() != tt.status || !strings.HasPrefix(string(contentType), tt.contentType) || string(length) != strconv.Itoa(c.body.Len()) {
			t.Errorf("%s: %d %q %s, %d bytes", tt.method, tx.Res.Status(), contentType, length, c.body.Len())
		}
		if full := strings.Contains(c.body.String(), `eddy_queue_pushed_total{queue="email"} 11`); full != (tt.status == 200) {
			t.Errorf("%s: the page is there: %v", tt.method, full)
		}
	}
	tx, gone := &txn.Txn{}, errors.New("the client is gone")
	tx.Req.BuildRequest([]byte("GET"), []byte("/"), 1)
	if err := e.Serve(tx, &client{gone: gone}); err != gone {
		t.Errorf("got %v", err)
	}
}
