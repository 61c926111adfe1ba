package stdlib

import (
	"context"
	"testing"
	"time"

	"eddy/internal/script/vm"
)

// A comparison may wait; what it orders is what the library's own sort orders.
func TestSort(t *testing.T) {
	s, err := vm.New(vm.Options{Warn: func(text string) { t.Error(text) }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	l, err := Install(s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s.Register("nap", func(c *vm.Call) error {
		return c.Wait(func(context.Context) vm.Resume { return vm.Resume{} })
	})
	if err := s.LoadPrelude("nap", "nap = (...).nap"); err != nil {
		t.Fatal(err)
	}
	fn, err := s.Load("=test", `
	math.randomseed(1)
	for n = 0, 70 do
		local t, naps = {}, n % 3 == 0
		for i = 1, n do t[i] = math.random(-20, 20) end
		table.sort(t, function(a, b) if naps then nap() end return a > b end)
		for i = 2, n do if t[i-1] < t[i] then error("out of order, n = " .. n) end end
		if #t ~= n then error("lost") end
	end
	local ok, err = pcall(table.sort, {2, 1}, 5)
	if ok or not err:find("bad argument #2 to 'sort' (function expected, got number)", 1, true) then error(err) end
	ok, err = pcall(table.sort, 5, function() end)
	if ok or not err:find("table expected, got number", 1, true) then error(err) end
	local t = {"b", "a"}
	table.sort(t)
	if t[1] ~= "a" then error("plain") end`)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(context.Background(), &vm.Run{Fn: fn, Burst: 10 * time.Second}); err != nil {
		t.Fatal(err)
	}
}
