// A state's life: making it, its libraries, loading and keeping functions, ending it.
#include "internal.h"

#include <lauxlib.h>
#include <lualib.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char vm_key_private, vm_key_threads;

static pthread_once_t ticks = PTHREAD_ONCE_INIT;

typedef struct {
	const char *p;
	size_t len;
} span;

static int panic(lua_State *L) {
	const char *m = lua_tostring(L, -1);
	fprintf(stderr, "eddy: Lua error outside of any protected call: %s\n", m ? m : "(not a string)");
	return 0; // Lua aborts
}

static int open_base(lua_State *L) {
	*(eddy_state **)lua_getextraspace(L) = lua_touserdata(L, 1);
	lua_settop(L, 0);
	lua_newtable(L);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &vm_key_threads);
	lua_newtable(L);
	lua_pushcfunction(L, vm_view);
	lua_setfield(L, -2, "view");
	lua_pushcfunction(L, vm_fields);
	lua_setfield(L, -2, "fields");
	lua_pushcfunction(L, vm_class_setter);
	lua_setfield(L, -2, "class_setter");
	eddy_open_window(L);
	eddy_open_emit(L);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &vm_key_private);
	luaL_newmetatable(L, "eddy.owned");
	lua_pushcfunction(L, vm_owned_gc);
	lua_setfield(L, -2, "__gc");
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	return 0;
}

eddy_state *eddy_new(uintptr_t owner, int32_t *waiters, int32_t *stop, size_t mem_max, int hook_count) {
	eddy_state *S = calloc(1, sizeof *S);
	if (S == NULL) return NULL;
	S->owner = owner;
	S->waiters = waiters;
	S->stop = stop;
	S->mem_max = mem_max;
	S->hook_count = hook_count;
	S->capidle = 256;
	S->idle = calloc((size_t)S->capidle, sizeof *S->idle);
	S->L = S->idle ? lua_newstate(eddy_alloc, S) : NULL;
	if (S->L == NULL) {
		free(S->idle);
		free(S);
		return NULL;
	}
	pthread_once(&ticks, vm_install_ticks);
	lua_atpanic(S->L, panic);
	lua_pushcfunction(S->L, open_base);
	lua_pushlightuserdata(S->L, S);
	if (lua_pcall(S->L, 1, 0, 0) != LUA_OK) {
		eddy_free(S);
		return NULL;
	}
	return S;
}

void eddy_free(eddy_state *S) {
	if (S->L != NULL) lua_close(S->L);
	eddy_free_slabs(S);
	free(S->idle);
	free(S->ret.p);
	free(S->out.p);
	free(S->table.p);
	free(S->emitted.p);
	free(S->packed.p);
	free(S);
}

static const struct {
	const char *name;
	lua_CFunction open;
	int base;
} libs[] = {
	{LUA_GNAME, luaopen_base, 1},          {LUA_LOADLIBNAME, luaopen_package, 1}, {LUA_COLIBNAME, luaopen_coroutine, 0},
	{LUA_TABLIBNAME, luaopen_table, 0},    {LUA_IOLIBNAME, luaopen_io, 0},        {LUA_OSLIBNAME, luaopen_os, 0},
	{LUA_STRLIBNAME, luaopen_string, 0},   {LUA_MATHLIBNAME, luaopen_math, 0},    {LUA_UTF8LIBNAME, luaopen_utf8, 0},
	{LUA_DBLIBNAME, luaopen_debug, 0},
};

// wanted finds name in a comma-separated list; a leading '!' list means all but those.
static int wanted(const char *list, const char *name) {
	size_t n = strlen(name);
	for (const char *p = list; p != NULL && *p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
		if (!strncmp(p, name, n) && (p[n] == 0 || p[n] == ',')) return 1;
	return 0;
}

static int no_sethook(lua_State *L) {
	return luaL_error(L, "debug.sethook is not available: eddy's own hook keeps scripts within their time");
}

static int open_libs(lua_State *L) {
	const char *names = lua_touserdata(L, 1);
	for (size_t i = 0; i < sizeof libs / sizeof *libs; i++) {
		if (!libs[i].base && names != NULL && !wanted(names, libs[i].name)) continue;
		luaL_requiref(L, libs[i].name, libs[i].open, 1);
		lua_pop(L, 1);
	}
	eddy_open_loaders(L);
	lua_rawgetp(L, LUA_REGISTRYINDEX, &vm_key_private); // preludes have the debug library whatever scripts have
	lua_pushcfunction(L, luaopen_debug);
	lua_call(L, 0, 1);
	lua_setfield(L, -2, "debug");
	lua_getglobal(L, LUA_COLIBNAME);
	int co = lua_istable(L, -1);
	lua_getglobal(L, LUA_STRLIBNAME);
	int str = lua_istable(L, -1);
	lua_getglobal(L, LUA_TABLIBNAME);
	int tab = lua_istable(L, -1);
	lua_getglobal(L, LUA_DBLIBNAME);
	if (lua_istable(L, -1)) {
		lua_pushcfunction(L, no_sethook);
		lua_setfield(L, -2, "sethook");
	}
	lua_settop(L, 0);
	if (co) eddy_open_coroutine(L);
	if (str) eddy_open_patterns(L);
	if (tab) eddy_open_tables(L);
	return 0;
}

int vm_report(eddy_state *S, lua_State *L) {
	size_t n;
	const char *p = lua_tolstring(L, -1, &n);
	S->out.len = 0;
	if (p != NULL) vm_buf_str(&S->out, p, n);
	else vm_buf_str(&S->out, "error", 5);
	lua_pop(L, 1);
	return -1;
}

int eddy_openlibs(eddy_state *S, const char *names) {
	lua_pushcfunction(S->L, open_libs);
	lua_pushlightuserdata(S->L, (void *)names);
	if (lua_pcall(S->L, 1, 0, 0) != LUA_OK) return vm_report(S, S->L);
	return 0;
}

static int load_ref(lua_State *L) {
	span *s = lua_touserdata(L, 1);
	if (luaL_loadbufferx(L, s[0].p, s[0].len, s[1].p, "t") != LUA_OK) return lua_error(L);
	lua_pushinteger(L, luaL_ref(L, LUA_REGISTRYINDEX));
	return 1;
}

int eddy_load(eddy_state *S, const char *name, const char *src, size_t len, int64_t *ref) {
	span s[2] = {{src, len}, {name, 0}};
	lua_pushcfunction(S->L, load_ref);
	lua_pushlightuserdata(S->L, s);
	if (lua_pcall(S->L, 1, 1, 0) != LUA_OK) return vm_report(S, S->L);
	*ref = lua_tointeger(S->L, -1);
	lua_pop(S->L, 1);
	return 0;
}

static int message(lua_State *L) {
	vm_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
	return 1;
}

static int run_prelude(lua_State *L) {
	span *s = lua_touserdata(L, 1);
	if (luaL_loadbufferx(L, s[0].p, s[0].len, s[1].p, "t") != LUA_OK) return lua_error(L);
	lua_rawgetp(L, LUA_REGISTRYINDEX, &vm_key_private);
	lua_call(L, 1, 0);
	return 0;
}

int eddy_prelude(eddy_state *S, const char *name, const char *src, size_t len) {
	span s[2] = {{src, len}, {name, 0}};
	lua_pushcfunction(S->L, message);
	lua_pushcfunction(S->L, run_prelude);
	lua_pushlightuserdata(S->L, s);
	int rc = lua_pcall(S->L, 1, 0, -3);
	if (rc != LUA_OK) rc = vm_report(S, S->L);
	lua_pop(S->L, 1);
	return rc;
}

static int do_register(lua_State *L) {
	lua_rawgetp(L, LUA_REGISTRYINDEX, &vm_key_private);
	lua_pushvalue(L, 2);
	lua_pushcclosure(L, vm_trampoline, 1);
	lua_setfield(L, -2, lua_touserdata(L, 1));
	return 0;
}

int eddy_register(eddy_state *S, const char *name, int fn) {
	lua_pushcfunction(S->L, do_register);
	lua_pushlightuserdata(S->L, (void *)name);
	lua_pushinteger(S->L, fn);
	if (lua_pcall(S->L, 2, 0, 0) != LUA_OK) return vm_report(S, S->L);
	return 0;
}

static int global_ref(lua_State *L) {
	lua_getglobal(L, lua_touserdata(L, 1));
	lua_pushinteger(L, luaL_ref(L, LUA_REGISTRYINDEX));
	return 1;
}

int eddy_global_ref(eddy_state *S, const char *name, int64_t *ref) {
	lua_pushcfunction(S->L, global_ref);
	lua_pushlightuserdata(S->L, (void *)name);
	if (lua_pcall(S->L, 1, 1, 0) != LUA_OK) return vm_report(S, S->L);
	*ref = lua_tointeger(S->L, -1);
	lua_pop(S->L, 1);
	return 0;
}

const char *eddy_ident(void) { return lua_ident; }

size_t eddy_gc_count(eddy_state *S) { return S->mem; }

static int gc_full(lua_State *L) {
	lua_gc(L, LUA_GCCOLLECT);
	return 0;
}

int eddy_gc_full(eddy_state *S) {
	lua_pushcfunction(S->L, gc_full);
	if (lua_pcall(S->L, 0, 0, 0) != LUA_OK) lua_pop(S->L, 1);
	return 0;
}
