// What the C files of the package share beside vm.h.
#ifndef EDDY_INTERNAL_H
#define EDDY_INTERNAL_H

#include "vm.h"

// Registry keys: the address is the key.
extern const char vm_key_private, vm_key_threads;

// A userdata that owns a handle. It is known by its mark, not by its metatable: preludes may give it a class of their
// own (with the private debug library), which must keep vm_owned_gc as its __gc.
typedef struct {
	const void *mark;
	int64_t handle;
} vm_owned;

// values.c
int vm_buf_room(eddy_buf *b, size_t n);
int vm_buf_put(eddy_buf *b, const void *p, size_t n);
int vm_buf_nil(eddy_buf *b);
int vm_buf_num(eddy_buf *b, double n);
int vm_buf_str(eddy_buf *b, const char *p, size_t n);
int vm_encode(lua_State *L, int idx, eddy_buf *b, int depth);
void vm_decode(lua_State *L, const char **p);
int vm_decode_all(lua_State *L, const char *p, size_t len);
vm_owned *vm_to_owned(lua_State *L, int i);
int vm_owned_gc(lua_State *L);

// state.c
int vm_report(eddy_state *S, lua_State *L); // leaves the error on top of the stack in out; -1

// vm.c
int vm_trampoline(lua_State *L);
// vm_call_go calls a Go function with the n values on the stack; where: it is going to ask for the script's line.
int vm_call_go(lua_State *L, int fn, int n, int where);
int vm_view(lua_State *L);
int vm_class_setter(lua_State *L);
void vm_install_ticks(void);

// fields.c
int vm_fields(lua_State *L);
int vm_is_fields(lua_State *L, lua_Debug *ar); // a function that vm_fields made runs there

// Pushes msg with the frames of co, from a level on, onto L.
void vm_traceback(lua_State *L, lua_State *co, const char *msg, int level);
#endif
