// load, loadfile, dofile and require's search, kept to text: a precompiled chunk can crash the interpreter, so none
// from outside is loaded, whatever mode the script asks for.
#include <lauxlib.h>
#include <lualib.h>
#include <string.h>

#include "vm.h"

// with_mode calls the original function (upvalue 1) with its mode argument, number (upvalue 2), set to "t".
static int with_mode(lua_State *L) {
	int at = (int)lua_tointeger(L, lua_upvalueindex(2));
	int n = lua_gettop(L);
	if (n < at) lua_settop(L, n = at);
	lua_pushliteral(L, "t");
	lua_replace(L, at);
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, n, LUA_MULTRET);
	return lua_gettop(L);
}

// keep_text wraps the global name. load tells a nil environment from none by the number of arguments, which stays
// what the script gave unless the mode has to be filled in.
static void keep_text(lua_State *L, const char *name, int mode_arg) {
	lua_getglobal(L, name);
	lua_pushinteger(L, mode_arg);
	lua_pushcclosure(L, with_mode, 2);
	lua_setglobal(L, name);
}

static int dofile_k(lua_State *L, int status, lua_KContext ctx) {
	(void)status;
	(void)ctx;
	return lua_gettop(L) - 1;
}

static int do_file(lua_State *L) {
	const char *name = luaL_checkstring(L, 1); // standard input is not a script's to read
	lua_settop(L, 1);
	if (luaL_loadfilex(L, name, "t") != LUA_OK) return lua_error(L);
	lua_callk(L, 0, LUA_MULTRET, 0, dofile_k);
	return dofile_k(L, 0, 0);
}

// search is require's searcher for Lua files.
static int search(lua_State *L) {
	const char *name = luaL_checkstring(L, 1);
	lua_getglobal(L, LUA_LOADLIBNAME);
	lua_getfield(L, -1, "searchpath");
	lua_pushvalue(L, 1);
	if (lua_getfield(L, -3, "path") != LUA_TSTRING) return luaL_error(L, "'package.path' must be a string");
	lua_call(L, 2, 2);
	if (lua_isnil(L, -2)) return 1; // what was tried
	lua_pop(L, 1);
	const char *file = lua_tostring(L, -1);
	if (luaL_loadfilex(L, file, "t") != LUA_OK)
		return luaL_error(L, "error loading module '%s' from file '%s':\n\t%s", name, file, lua_tostring(L, -1));
	lua_pushstring(L, file);
	return 2;
}

void eddy_open_loaders(lua_State *L) {
	keep_text(L, "load", 3);
	keep_text(L, "loadfile", 2);
	lua_register(L, "dofile", do_file);
	lua_getglobal(L, LUA_LOADLIBNAME);
	if (lua_getfield(L, -1, "searchers") == LUA_TTABLE) {
		lua_pushcfunction(L, search);
		lua_rawseti(L, -2, 2);
	}
	lua_pop(L, 2);
}
