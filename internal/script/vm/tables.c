// table.move, insert, remove and concat for scripts. The library's are loops in C that nothing can interrupt; what a
// metamethod says about a table's length, or a range, can make them run for years.
#include <lauxlib.h>
#include <lualib.h>

#include "vm.h"

// MAX_LOOP is how many elements one call may go through.
#define MAX_LOOP (1 << 24)

static int too_long(lua_State *L) { return luaL_error(L, "more than %d elements at once", MAX_LOOP); }

// claims tells whether a table's length is its metamethod's word, and too much.
static int claims(lua_State *L, int i) {
	return luaL_getmetafield(L, i, "__len") != LUA_TNIL && (lua_pop(L, 1), luaL_len(L, i) > MAX_LOOP);
}

// library calls the library's function, which is upvalue 1, in the place of this one.
static int library(lua_State *L) { return lua_tocfunction(L, lua_upvalueindex(1))(L); }

static int by_length(lua_State *L) { return claims(L, 1) ? too_long(L) : library(L); }

static int concat(lua_State *L) {
	if (luaL_getmetafield(L, 1, "__index") == LUA_TNIL) return library(L); // it ends where there is nothing
	lua_pop(L, 1);
	lua_Integer from = luaL_optinteger(L, 3, 1);
	lua_Integer to = luaL_opt(L, luaL_checkinteger, 4, luaL_len(L, 1));
	return to >= from && (lua_Unsigned)to - (lua_Unsigned)from >= MAX_LOOP ? too_long(L) : library(L);
}

static int move(lua_State *L) {
	lua_Integer from = luaL_checkinteger(L, 2), to = luaL_checkinteger(L, 3);
	return to >= from && (lua_Unsigned)to - (lua_Unsigned)from >= MAX_LOOP ? too_long(L) : library(L);
}

void eddy_open_tables(lua_State *L) {
	static const luaL_Reg fns[] = {{"move", move}, {"insert", by_length}, {"remove", by_length}, {"concat", concat}};
	lua_getglobal(L, LUA_TABLIBNAME);
	for (size_t i = 0; i < sizeof fns / sizeof *fns; i++) {
		lua_getfield(L, -1, fns[i].name);
		lua_pushcclosure(L, fns[i].func, 1);
		lua_setfield(L, -2, fns[i].name);
	}
	lua_pop(L, 1);
}
