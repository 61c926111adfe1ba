package eve

import (
	"bytes"
	"strings"
	"testing"

	"eddy/internal/fastpath/learned"
)

func TestTypes(t *testing.T) {
	var out bytes.Buffer
	w := New(&out, Options{Types: []string{"alert", "dns"}})
	for _, r := range []learned.Record{&learned.FlowRecord{}, &learned.Alert{Key: "A"}, &learned.HTTP{}, &learned.DNS{}, &learned.Document{}} {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"event_type":"alert"`, `"event_type":"dns"`} {
		if strings.Count(out.String(), want) != 1 {
			t.Errorf("%s is not there once:\n%s", want, out.String())
		}
	}
	if n := strings.Count(out.String(), `"event_type"`); n != 2 {
		t.Errorf("%d events:\n%s", n, out.String())
	}
}
