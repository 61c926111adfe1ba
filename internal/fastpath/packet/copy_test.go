package packet

import (
	"reflect"
	"testing"
)

// TestCopyTo: no field is left out, and of the layers those in use are copied.
func TestCopyTo(t *testing.T) {
	var p, to Packet
	fill(reflect.ValueOf(&p).Elem(), new(uint8))
	for _, n := range []uint8{0, 3, MaxLayers} {
		p.NLayers = n
		to = Packet{}
		p.CopyTo(&to)
		want := p
		clear(want.Layers[n:])
		if !reflect.DeepEqual(to, want) {
			t.Errorf("%d layers: %+v, want %+v", n, to, want)
		}
	}
}

// fill gives every number within v a value of its own, none 0.
func fill(v reflect.Value, next *uint8) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), next)
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), next)
		}
	case reflect.Slice:
		v.SetBytes([]byte{1, 2, 3})
	case reflect.Bool:
		v.SetBool(true)
	default:
		*next = max(*next+1, 1)
		if v.CanInt() {
			v.SetInt(int64(*next))
		} else {
			v.SetUint(uint64(*next))
		}
	}
}
