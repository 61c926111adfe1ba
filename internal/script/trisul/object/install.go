package object

import (
	"embed"

	"eddy/internal/script/trisul/lib"
	"eddy/internal/script/vm"
)

//go:embed prelude/*.lua
var preludes embed.FS

// Install puts the objects into a state that has package lib's T. A worker has no engine: it gets only what is plain
// data.
func Install(s *vm.State, engine, backend bool) error {
	if !engine {
		return lib.Preludes(s, "trisul", preludes, "flowid")
	}
	for _, part := range []lib.Funcs{engineFuncs(backend), packetFuncs(), bufferFuncs(), headerFuncs(), recordFuncs()} {
		for name, f := range part {
			s.Register(name, f)
		}
	}
	return lib.Preludes(s, "trisul", preludes, "flowid", "buffer", "packet", "header", "record", "engine")
}
