package lib

import "testing"

// The vectors are those of Apache Kafka's tests for its murmur2, which is this one with a seed of its own.
func TestMurmur2(t *testing.T) {
	for text, want := range map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536,
		"a-little-bit-longer-string": -1486304829, "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971, "abc": 479470107,
	} {
		if got := int32(murmur2([]byte(text), 0x9747b28c)); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
}
