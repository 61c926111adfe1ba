// Emitters: functions that note what a script asks for, and leave it to Go to read when the step is over. A call
// costs no crossing of the boundary.
#include "internal.h"

#include <lauxlib.h>
#include <string.h>

#include "_cgo_export.h"

#define FULL (64u << 10)  // bytes noted before Go is called in between
#define LONG (16u << 20) // bytes of one string

static int arg_error(lua_State *L, int arg, const char *want) {
	return luaL_error(L, "bad argument #%d to '%s' (%s expected, got %s)", arg - 1, lua_tostring(L, lua_upvalueindex(2)), want,
	                  lua_isnone(L, arg) ? "no value" : luaL_typename(L, arg));
}

// emit is what emitter() gives: a method. Upvalues: the code, its name, its signature.
static int emit(lua_State *L) {
	eddy_state *S = eddy_of(L);
	const char *sig = lua_tostring(L, lua_upvalueindex(3));
	if (lua_type(L, 1) == LUA_TSTRING)
		return luaL_error(L, "'%s' is a method: call it with ':'", lua_tostring(L, lua_upvalueindex(2)));
	size_t start = S->emitted.len;
	char code = (char)lua_tointeger(L, lua_upvalueindex(1));
	int rc = vm_buf_put(&S->emitted, &code, 1), optional = 0, is_whole;
	for (int arg = 2; *sig && !rc; sig++, arg++) {
		if (*sig == '?') {
			optional = 1;
			arg--;
			continue;
		}
		if (optional && lua_isnoneornil(L, arg)) {
			rc = vm_buf_nil(&S->emitted);
			continue;
		}
		if (*sig == 's') {
			size_t n;
			lua_Integer whole; // 10/2 is 5.0 here, and was 5 in the Lua that keys were made for
			if (lua_type(L, arg) == LUA_TNUMBER && (whole = lua_tointegerx(L, arg, &is_whole), is_whole)) {
				lua_pushinteger(L, whole);
				lua_replace(L, arg);
			}
			const char *p = lua_tolstring(L, arg, &n);
			if (p == NULL || n > LONG) {
				S->emitted.len = start;
				if (p != NULL)
					return luaL_error(L, "bad argument #%d to '%s' (longer than %d bytes)", arg - 1,
					                  lua_tostring(L, lua_upvalueindex(2)), (int)LONG);
				return arg_error(L, arg, "string");
			}
			rc = vm_buf_str(&S->emitted, p, n);
		} else {
			int ok;
			lua_Number n = lua_tonumberx(L, arg, &ok);
			if (!ok) {
				S->emitted.len = start;
				return arg_error(L, arg, "number");
			}
			rc = vm_buf_num(&S->emitted, n);
		}
	}
	if (rc) {
		S->emitted.len = start;
		return luaL_error(L, "not enough memory");
	}
	if (S->emitted.len > FULL) eddyGoEmitted(S);
	return 0;
}

// emitter(code, name, signature) makes a method: a letter for each argument behind self, 's' for strings and 'n' for
// numbers; those behind a '?' may be missing.
static int emitter(lua_State *L) {
	luaL_checkinteger(L, 1);
	luaL_checkstring(L, 2);
	luaL_checkstring(L, 3);
	lua_settop(L, 3);
	lua_pushcclosure(L, emit, 3);
	return 1;
}

void eddy_open_emit(lua_State *L) {
	lua_pushcfunction(L, emitter);
	lua_setfield(L, -2, "emitter");
}
