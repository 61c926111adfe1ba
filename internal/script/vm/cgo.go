package vm

/*
#cgo pkg-config: lua5.4
#cgo CFLAGS: -O2 -Wall -Wextra
#cgo LDFLAGS: -Wl,-E
#cgo noescape eddy_start
#cgo noescape eddy_resume
#cgo noescape eddy_drop
#cgo noescape eddy_arg_table
#include <stdlib.h>
#include "vm.h"
*/
import "C"

import "unsafe"

// eddyGoCall is where every Go function called from Lua comes in. It runs on the goroutine that resumed the
// coroutine, with the state's lock held; can tells whether the coroutine may yield.
//
//export eddyGoCall
func eddyGoCall(cs *C.eddy_state, fn, n, can C.int) C.int {
	return C.int(stateOf(cs).dispatch(int(fn), int(n), can != 0))
}

// eddyGoRelease is called when Lua collects an owned userdata.
//
//export eddyGoRelease
func eddyGoRelease(cs *C.eddy_state, h C.int64_t) {
	stateOf(cs).release(Handle(h))
}

// eddyGoEmitted is called when much was noted by emitters before the step is over.
//
//export eddyGoEmitted
func eddyGoEmitted(cs *C.eddy_state) { stateOf(cs).drain() }

// stateOf reads the Go pointer that C carries for us. The State is pinned for as long as its C half lives.
func stateOf(cs *C.eddy_state) *State {
	return *(**State)(unsafe.Pointer(&cs.owner))
}
