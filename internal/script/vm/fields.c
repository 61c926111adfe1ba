// Functions whose argument is a table with known fields: P.fields(f, names, slow) for preludes.
#include "internal.h"

#include <lauxlib.h>

// Upvalues of such a function.
enum {
	UP_FUNCTION = 1, // its number
	UP_PLACES,       // name -> argument
	UP_COUNT,        // of names
	UP_SLOW          // what is called instead when a call is none of the simple ones
};

static int after_slow(lua_State *L, int status, lua_KContext ctx) {
	(void)status;
	return lua_gettop(L) - (int)ctx;
}

static int slow(lua_State *L, int self, int table) {
	int top = lua_gettop(L);
	lua_pushvalue(L, lua_upvalueindex(UP_SLOW));
	lua_pushvalue(L, self);
	lua_pushvalue(L, table);
	lua_callk(L, 2, LUA_MULTRET, top, after_slow);
	return after_slow(L, LUA_OK, top);
}

// with_fields(self, table) calls the Go function with self[0] and the fields in the order of names. Whatever else there is goes
// the slow way: no tables, metatables, unknown fields.
static int with_fields(lua_State *L) {
	lua_settop(L, 2);
	if (!lua_istable(L, 1) || !lua_istable(L, 2)) return slow(L, 1, 2);
	if (lua_getmetatable(L, 2)) return slow(L, 1, 2);
	int n = (int)lua_tointeger(L, lua_upvalueindex(UP_COUNT)) + 1;
	luaL_checkstack(L, n + 6, NULL);
	lua_settop(L, n);
	int table = n + 1, self = n + 2;
	lua_pushvalue(L, 2);
	lua_pushvalue(L, 1);
	lua_rawgeti(L, 1, 0);
	lua_replace(L, 1);
	lua_pushnil(L);
	lua_copy(L, -1, 2);
	while (lua_next(L, table)) {
		lua_pushvalue(L, -2);
		lua_rawget(L, lua_upvalueindex(UP_PLACES));
		int place = (int)lua_tointeger(L, -1);
		if (place == 0) return slow(L, self, table);
		lua_pop(L, 1);
		lua_replace(L, place);
	}
	lua_settop(L, n);
	return vm_call_go(L, (int)lua_tointeger(L, lua_upvalueindex(UP_FUNCTION)), n, 1);
}

int vm_is_fields(lua_State *L, lua_Debug *ar) {
	lua_getinfo(L, "f", ar);
	int is = lua_tocfunction(L, -1) == with_fields;
	lua_pop(L, 1);
	return is;
}

// vm_fields(f, names, slow) makes such a function of a Go function.
int vm_fields(lua_State *L) {
	luaL_checktype(L, 1, LUA_TFUNCTION);
	luaL_checktype(L, 2, LUA_TTABLE);
	luaL_checktype(L, 3, LUA_TFUNCTION);
	lua_settop(L, 3);
	lua_Integer n = (lua_Integer)lua_rawlen(L, 2);
	if (lua_tocfunction(L, 1) != vm_trampoline || n >= EDDY_MAX_ARGS) return luaL_error(L, "fields: no Go function, or too many names");
	lua_getupvalue(L, 1, 1);
	lua_createtable(L, 0, (int)n);
	for (lua_Integer i = 1; i <= n; i++) {
		lua_rawgeti(L, 2, i);
		lua_pushinteger(L, i + 1);
		lua_rawset(L, -3);
	}
	lua_pushinteger(L, n);
	lua_pushvalue(L, 3);
	lua_pushcclosure(L, with_fields, 4);
	return 1;
}
