package flow

import (
	"net/netip"
	"testing"
)

func key(proto uint8, src, dst string) Key {
	s, d := netip.MustParseAddrPort(src), netip.MustParseAddrPort(dst)
	k := Key{Proto: proto, Version: 4, SrcPort: s.Port(), DstPort: d.Port()}
	if s.Addr().Is6() {
		k.Version = 6
	}
	copy(k.Src[:], s.Addr().AsSlice())
	copy(k.Dst[:], d.Addr().AsSlice())
	return k
}

func TestID(t *testing.T) {
	for _, c := range []struct {
		k    Key
		want string
	}{
		{key(6, "192.168.1.2:2964", "209.216.249.58:22"), "06A:C0.A8.01.02:p-0B94_D1.D8.F9.3A:p-0016"}, // from obj_flowid
		{key(6, "209.216.249.58:22", "192.168.1.2:2964"), "06A:C0.A8.01.02:p-0B94_D1.D8.F9.3A:p-0016"},
		{key(17, "10.0.0.2:53", "10.0.0.1:53"), "11A:0A.00.00.01:p-0035_0A.00.00.02:p-0035"},
		{key(1, "10.0.0.1:0", "10.0.0.2:0"), "01A:0A.00.00.01:p-0000_0A.00.00.02:p-0000"},
		{key(6, "[fe80::1]:443", "[ff02::2]:40000"),
			"06B:FF020000000000000000000000000002:p-9C40_FE800000000000000000000000000001:p-01BB"},
	} {
		got := ID(c.k)
		if got != c.want {
			t.Errorf("ID of %v is %s, want %s", c.k, got, c.want)
		}
		back, err := ParseID(got)
		if err != nil {
			t.Error(err)
		}
		if back != c.k && back != Reverse(c.k) {
			t.Errorf("%s is read as %v, was %v", got, back, c.k)
		}
	}
}

func TestParseIDRefuses(t *testing.T) {
	for _, id := range []string{
		"", "06A", "06A:", "06A:_", "06A:C0.A8.01.02:p-0B94", "06C:C0.A8.01.02:p-0B94_D1.D8.F9.3A:p-0016",
		"06A:C0.A8.01:p-0B94_D1.D8.F9.3A:p-0016", "06A:C0.A8.01.02:0B94_D1.D8.F9.3A:p-0016",
		"06A:C0.A8.01.02:p-0B94_D1.D8.F9.3A:p-00160", "0xA:C0.A8.01.02:p-0B94_D1.D8.F9.3A:p-0016",
		"06B:C0.A8.01.02:p-0B94_D1.D8.F9.3A:p-0016", "06A:C0.A8.01.02.:p-0B94_D1.D8.F9.3A:p-0016",
		"06A:192.168.1.2:p-0B94_D1.D8.F9.3A:p-0016",
	} {
		if k, err := ParseID(id); err == nil {
			t.Errorf("%q is read as %v", id, k)
		}
	}
}

func TestKeyFormats(t *testing.T) {
	if got := KeyIP([16]byte{192, 168, 1, 2}, 4); got != "C0.A8.01.02" {
		t.Error(got)
	}
	if got := KeyIP(netip.MustParseAddr("ff02::2").As16(), 6); got != "FF020000000000000000000000000002" {
		t.Error(got)
	}
	if got := KeyPort(2964); got != "p-0B94" {
		t.Error(got)
	}
	if a := Addr([16]byte{1, 2, 3, 4}, 0); a.IsValid() {
		t.Errorf("what is not IP has the address %v", a)
	}
}

func FuzzParseID(f *testing.F) {
	f.Add("06A:C0.A8.01.02:p-0B94_D1.D8.F9.3A:p-0016")
	f.Add("06B:FF020000000000000000000000000002:p-9C40_FE800000000000000000000000000001:p-01BB")
	f.Fuzz(func(t *testing.T, id string) {
		k, err := ParseID(id)
		if err != nil {
			return
		}
		again, err := ParseID(ID(k))
		if err != nil || again != k && again != Reverse(k) {
			t.Fatalf("%q is %v, and that is %q: %v, %v", id, k, ID(k), again, err)
		}
	})
}
