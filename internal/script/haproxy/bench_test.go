package haproxy

import (
	"testing"

	"eddy/internal/config/model"
)

// TestActionAllocations keeps the call of an action free of garbage.
func TestActionAllocations(t *testing.T) {
	b := open(t, `core.register_action("t", {"http-req"}, function(txn) local x = txn.f:method() .. " " .. txn.f:path() end)`)
	tx := b.request(t, plainRequest)
	act, err := b.Action(&model.Action{Sub: "t"}, "http-req")
	if err != nil {
		t.Fatal(err)
	}
	act.Exec(tx)
	if n := testing.AllocsPerRun(1000, func() { act.Exec(tx) }); n > 0 {
		t.Errorf("%v allocations for a call", n)
	}
}

func BenchmarkAction(b *testing.B) {
	for name, body := range map[string]string{
		"empty": "", "path": `local x = txn.f:method() .. " " .. txn.f:path()`, "dup": `local x = txn.req:dup()`,
		"var": `txn:set_var("txn.a", 1)`, "headers": `local h = txn.http:req_get_headers()`,
	} {
		b.Run(name, func(b *testing.B) {
			bb := open(b, `core.register_action("t", {"http-req"}, function(txn) `+body+` end)`)
			tx := bb.request(b, plainRequest)
			act, err := bb.Action(&model.Action{Sub: "t"}, "http-req")
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				act.Exec(tx)
			}
		})
	}
}
