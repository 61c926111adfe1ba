package digest

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
	"testing"
)

func TestHasher(t *testing.T) {
	data := []byte("the bytes of a file")
	all := Sums{fmt.Sprintf("%x", md5.Sum(data)), fmt.Sprintf("%x", sha1.Sum(data)), fmt.Sprintf("%x", sha256.Sum256(data))}
	for set := range MD5 | SHA1 | SHA256 + 1 {
		want := all
		if set&MD5 == 0 {
			want.MD5 = ""
		}
		if set&SHA1 == 0 {
			want.SHA1 = ""
		}
		if set&SHA256 == 0 {
			want.SHA256 = ""
		}
		h := New(set)
		for range 2 { // the second time on used memory
			h.Add(data[:7])
			h.Add(data[7:])
			if got := h.Sums(); got != want {
				t.Errorf("set %b: %+v, want %+v", set, got, want)
			}
			h.Reset()
		}
	}
}

func TestParse(t *testing.T) {
	for name, want := range map[string]Set{"md5": MD5, "sha1": SHA1, "sha256": SHA256, "sha512": 0, "": 0} {
		if got, ok := Parse(name); got != want || ok != (want != 0) {
			t.Errorf("%q is %v, %v", name, got, ok)
		}
	}
}

// TestNoAllocation: only the texts of Sums take memory.
func TestNoAllocation(t *testing.T) {
	h := New(SHA1)
	data := make([]byte, 1448)
	if n := testing.AllocsPerRun(100, func() { h.Add(data) }); n != 0 {
		t.Errorf("adding allocates %v times", n)
	}
	if n := testing.AllocsPerRun(100, func() { h.Sums(); h.Reset() }); n > 1 {
		t.Errorf("sums allocate %v times", n)
	}
}
