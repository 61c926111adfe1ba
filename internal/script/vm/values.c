// Values on their way between Lua and Go, in the flat encoding of vm.h.
#include "internal.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "_cgo_export.h"

// --- buffers: plain malloc, because Lua's allocator may raise ---

int vm_buf_room(eddy_buf *b, size_t n) {
	if (b->cap - b->len >= n) return 0;
	size_t cap = b->cap ? b->cap * 2 : 512;
	while (cap - b->len < n) cap *= 2;
	char *p = realloc(b->p, cap);
	if (p == NULL) return -1;
	b->p = p;
	b->cap = cap;
	return 0;
}

int vm_buf_put(eddy_buf *b, const void *p, size_t n) {
	if (vm_buf_room(b, n)) return -1;
	memcpy(b->p + b->len, p, n);
	b->len += n;
	return 0;
}

static int buf_tag(eddy_buf *b, char tag) { return vm_buf_put(b, &tag, 1); }

static int buf_u32(eddy_buf *b, uint32_t n) { return vm_buf_put(b, &n, 4); }

int vm_buf_str(eddy_buf *b, const char *p, size_t n) {
	return buf_tag(b, EDDY_T_STR) || buf_u32(b, (uint32_t)n) || vm_buf_put(b, p, n);
}

int vm_buf_nil(eddy_buf *b) { return buf_tag(b, EDDY_T_NIL); }

int vm_buf_num(eddy_buf *b, double n) { return buf_tag(b, EDDY_T_NUM) || vm_buf_put(b, &n, 8); }

int eddy_ret_grow(eddy_state *S, size_t need) { return vm_buf_room(&S->ret, need); }

#define MAX_ENCODED (64u << 20)

// vm_encode writes the value at idx (absolute). It never raises: only functions of Lua that neither allocate nor call
// metamethods are used, except lua_checkstack, which reports. Non-zero: too deep, too big, out of memory.
int vm_encode(lua_State *L, int idx, eddy_buf *b, int depth) {
	if (b->len > MAX_ENCODED) return -1;
	switch (lua_type(L, idx)) {
	case LUA_TNIL:
		return buf_tag(b, EDDY_T_NIL);
	case LUA_TBOOLEAN:
		return buf_tag(b, lua_toboolean(L, idx) ? EDDY_T_TRUE : EDDY_T_FALSE);
	case LUA_TNUMBER: {
		if (lua_isinteger(L, idx)) {
			int64_t i = lua_tointeger(L, idx);
			return buf_tag(b, EDDY_T_INT) || vm_buf_put(b, &i, 8);
		}
		double n = lua_tonumber(L, idx);
		return buf_tag(b, EDDY_T_NUM) || vm_buf_put(b, &n, 8);
	}
	case LUA_TSTRING: {
		size_t len;
		const char *p = lua_tolstring(L, idx, &len);
		if (len > MAX_ENCODED) return -1;
		return vm_buf_str(b, p, len);
	}
	case LUA_TTABLE:
		break;
	default:
		b->strange = 1;
		return buf_tag(b, EDDY_T_OTHER);
	}
	if (depth >= EDDY_MAX_DEPTH || !lua_checkstack(L, 4)) return -1;
	lua_Unsigned n = lua_rawlen(L, idx);
	if (n > MAX_ENCODED) return -1;
	if (buf_tag(b, EDDY_T_TABLE) || buf_u32(b, (uint32_t)n)) return -1;
	size_t at = b->len;
	if (buf_u32(b, 0)) return -1;
	for (lua_Unsigned i = 1; i <= n; i++) {
		lua_rawgeti(L, idx, (lua_Integer)i);
		int rc = vm_encode(L, lua_gettop(L), b, depth + 1);
		lua_pop(L, 1);
		if (rc) return rc;
	}
	uint32_t pairs = 0;
	lua_pushnil(L);
	while (lua_next(L, idx)) {
		int top = lua_gettop(L);
		int seq = lua_isinteger(L, top - 1);
		if (seq) {
			lua_Integer k = lua_tointeger(L, top - 1);
			seq = k >= 1 && (lua_Unsigned)k <= n;
		}
		if (!seq) {
			int rc = vm_encode(L, top - 1, b, depth + 1);
			if (!rc) rc = vm_encode(L, top, b, depth + 1);
			if (rc) {
				lua_pop(L, 2);
				return rc;
			}
			pairs++;
		}
		lua_pop(L, 1);
	}
	memcpy(b->p + at, &pairs, 4);
	return 0;
}

vm_owned *vm_to_owned(lua_State *L, int i) {
	vm_owned *o = lua_touserdata(L, i);
	if (o == NULL || lua_rawlen(L, i) != sizeof *o || o->mark != &vm_key_private) return NULL;
	return o;
}

int vm_owned_gc(lua_State *L) {
	vm_owned *o = vm_to_owned(L, 1);
	if (o != NULL && o->handle != 0) {
		int64_t v = o->handle;
		o->handle = 0;
		eddyGoRelease(eddy_of(L), v);
	}
	return 0;
}

// vm_decode pushes one value and moves *p; it may raise (memory) and must run protected. The bytes are Go's own.
void vm_decode(lua_State *L, const char **p) {
	luaL_checkstack(L, 4, "value is nested too deep");
	char tag = *(*p)++;
	int64_t i;
	double n;
	uint32_t len, pairs;
	switch (tag) {
	case EDDY_T_NIL:
		lua_pushnil(L);
		return;
	case EDDY_T_FALSE:
	case EDDY_T_TRUE:
		lua_pushboolean(L, tag == EDDY_T_TRUE);
		return;
	case EDDY_T_INT:
		memcpy(&i, *p, 8);
		*p += 8;
		lua_pushinteger(L, i);
		return;
	case EDDY_T_NUM:
		memcpy(&n, *p, 8);
		*p += 8;
		lua_pushnumber(L, n);
		return;
	case EDDY_T_STR:
		memcpy(&len, *p, 4);
		lua_pushlstring(L, *p + 4, len);
		*p += 4 + len;
		return;
	case EDDY_T_OWNED: {
		memcpy(&i, *p, 8);
		*p += 8;
		vm_owned *o = lua_newuserdatauv(L, sizeof *o, 0);
		o->mark = &vm_key_private;
		o->handle = i;
		luaL_setmetatable(L, "eddy.owned");
		return;
	}
	case EDDY_T_REF:
		memcpy(&i, *p, 8);
		*p += 8;
		lua_rawgeti(L, LUA_REGISTRYINDEX, i);
		return;
	case EDDY_T_TABLE:
		memcpy(&len, *p, 4);
		memcpy(&pairs, *p + 4, 4);
		*p += 8;
		lua_createtable(L, (int)len, (int)pairs);
		for (uint32_t k = 1; k <= len; k++) {
			vm_decode(L, p);
			lua_rawseti(L, -2, k);
		}
		for (uint32_t k = 0; k < pairs; k++) {
			vm_decode(L, p);
			vm_decode(L, p);
			if (lua_isnil(L, -2)) lua_pop(L, 2); // nil cannot be a key
			else lua_rawset(L, -3);
		}
		return;
	}
	luaL_error(L, "malformed value from Go");
}

int vm_decode_all(lua_State *L, const char *p, size_t len) {
	const char *end = p + len;
	int n = 0;
	for (; p < end; n++) vm_decode(L, &p);
	return n;
}
