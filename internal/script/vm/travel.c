// Functions and tables on their way from one state to another of the same process: code and captured variables by
// value. What was there before any script (the libraries) travels by name, see known().
#include "internal.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#define DEEP 100            // nesting of tables and functions
#define LARGE (16u << 20)   // bytes of a packed value
#define PATH 200            // bytes of a variable's name in messages

static const char key_names, key_values; // registry: value -> name, name -> value

// The packed form: a tag, then
enum {
	P_NIL = 0, P_FALSE, P_TRUE,
	P_INT,   // int64
	P_NUM,   // double
	P_STR,   // u32 length, bytes
	P_KNOWN, // string: a name
	P_SEEN,  // u32: the n-th table or function packed
	P_TABLE, // u32 pairs, keys and values in turn, then the metatable or nil
	P_FUNC,  // string: dumped code; u8 captured variables, each: u32 cell, and its value where the cell is a new one
};

// --- known values ---

// note remembers the value on top under a name. It can have several; it travels by the first.
static void note(lua_State *L, int names, int values, const char *name) {
	lua_pushvalue(L, -1);
	if (lua_rawget(L, names) == LUA_TNIL) {
		lua_pushvalue(L, -2);
		lua_pushstring(L, name);
		lua_rawset(L, names);
	}
	lua_pop(L, 1);
	lua_pushvalue(L, -1);
	lua_setfield(L, values, name);
}

#define FIELDS 3 // how many fields deep the libraries are looked at

// note_all notes the functions and tables in the table on top. Every state walks the same ways, so that what one of them
// names another finds.
static void note_all(lua_State *L, int names, int values, const char *prefix, int depth) {
	int t = lua_gettop(L);
	luaL_checkstack(L, 10, NULL);
	lua_pushnil(L);
	while (lua_next(L, t)) {
		int type = lua_type(L, -1);
		const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
		lua_pushglobaltable(L);
		int again = lua_rawequal(L, -1, -2);
		lua_pop(L, 1);
		if (key != NULL && !again && (type == LUA_TFUNCTION || type == LUA_TTABLE) && strcmp(prefix, "package.") != 0) {
			const char *name = lua_pushfstring(L, "%s%s", prefix, key);
			lua_insert(L, -2);
			note(L, names, values, name);
			if (type == LUA_TTABLE && depth < FIELDS) {
				const char *inner = lua_pushfstring(L, "%s.", name);
				lua_insert(L, -2);
				note_all(L, names, values, inner, depth + 1);
				lua_remove(L, -2);
			}
			lua_remove(L, -2);
		}
		lua_pop(L, 1);
	}
}

static int known(lua_State *L) {
	lua_settop(L, 0);
	lua_newtable(L);
	lua_newtable(L);
	lua_pushglobaltable(L);
	note(L, 1, 2, "_G");
	note_all(L, 1, 2, "", 0);
	lua_pop(L, 1);
	lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
	if (lua_istable(L, -1)) note_all(L, 1, 2, "", 0);
	lua_settop(L, 2);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &key_values);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &key_names);
	return 0;
}

int eddy_known(eddy_state *S) {
	lua_pushcfunction(S->L, known);
	if (lua_pcall(S->L, 0, 0, 0) != LUA_OK) return vm_report(S, S->L);
	return 0;
}

// --- packing ---

typedef struct {
	lua_State *L;
	eddy_buf *b;
	eddy_buf *names; // strings: the known values that were used, and by which variable
	int seen, cells; // stack indices of the tables value -> number, cell -> number
	uint32_t nseen, ncells;
	char path[PATH];
} packer;

static void put(packer *k, const void *p, size_t n) {
	if (k->b->len + n > LARGE) luaL_error(k->L, "'%s' is too big to travel: more than %d MB", k->path, (int)(LARGE >> 20));
	if (vm_buf_put(k->b, p, n)) luaL_error(k->L, "not enough memory");
}

static void put_tag(packer *k, char tag) { put(k, &tag, 1); }
static void put_u32(packer *k, uint32_t n) { put(k, &n, 4); }

static void put_str(packer *k, const char *p, size_t n) {
	put_u32(k, (uint32_t)n);
	put(k, p, n);
}

static int write_code(lua_State *L, const void *p, size_t n, void *ud) {
	(void)L;
	packer *k = ud;
	return k->b->len + n > LARGE || vm_buf_put(k->b, p, n);
}

static void pack(packer *k, int at, int depth);

// enter_path adds a field to the variable's name; the old length is for leave_path.
static size_t enter_path(packer *k, const char *field) {
	size_t n = strlen(k->path);
	snprintf(k->path + n, PATH - n, ".%s", field);
	return n;
}

static void leave_path(packer *k, size_t n) { k->path[n] = 0; }

// seen handles tables and functions that were packed before, or notes a new one.
static int seen(packer *k, int at) {
	lua_State *L = k->L;
	lua_pushvalue(L, at);
	if (lua_rawget(L, k->seen) != LUA_TNIL) {
		put_tag(k, P_SEEN);
		put_u32(k, (uint32_t)lua_tointeger(L, -1));
		lua_pop(L, 1);
		return 1;
	}
	lua_pop(L, 1);
	lua_pushvalue(L, at);
	lua_pushinteger(L, k->nseen++);
	lua_rawset(L, k->seen);
	return 0;
}

static void pack_table(packer *k, int at, int depth) {
	lua_State *L = k->L;
	int meta = lua_getmetatable(L, at);
	if (meta) {
		lua_pushliteral(L, "__travel");
		if (lua_rawget(L, -2) == LUA_TBOOLEAN && !lua_toboolean(L, -1)) {
			lua_pop(L, 1);
			lua_pushliteral(L, "__name");
			lua_rawget(L, -2);
			const char *name = lua_tostring(L, -1);
			luaL_error(L, "'%s' can't travel: it is %s, which exists only where it was given out", k->path,
			           name ? name : "an object");
		}
		lua_pop(L, 2);
	}
	if (seen(k, at)) return;
	put_tag(k, P_TABLE);
	size_t count = k->b->len;
	put_u32(k, 0);
	uint32_t pairs = 0;
	lua_pushnil(L);
	while (lua_next(L, at)) {
		int v = lua_gettop(L);
		lua_pushvalue(L, v - 1);
		size_t was = enter_path(k, luaL_tolstring(L, -1, NULL));
		lua_pop(L, 2);
		pack(k, v - 1, depth + 1);
		pack(k, v, depth + 1);
		leave_path(k, was);
		lua_pop(L, 1);
		pairs++;
	}
	memcpy(k->b->p + count, &pairs, 4);
	if (lua_getmetatable(L, at)) {
		pack(k, lua_gettop(L), depth + 1);
		lua_pop(L, 1);
	} else {
		put_tag(k, P_NIL);
	}
}

static void pack_function(packer *k, int at, int depth) {
	lua_State *L = k->L;
	if (lua_iscfunction(L, at)) luaL_error(L, "'%s' can't travel: it is a C function that workers do not have", k->path);
	if (seen(k, at)) return;
	put_tag(k, P_FUNC);
	size_t code = k->b->len;
	put_u32(k, 0);
	lua_pushvalue(L, at);
	if (lua_dump(L, write_code, k, 0) != 0) luaL_error(L, "'%s' is too big to travel", k->path);
	lua_pop(L, 1);
	uint32_t n = (uint32_t)(k->b->len - code - 4);
	memcpy(k->b->p + code, &n, 4);
	size_t count = k->b->len;
	put_tag(k, 0);
	int i = 1;
	const char *name;
	for (; (name = lua_getupvalue(L, at, i)) != NULL; i++) {
		int v = lua_gettop(L);
		lua_pushlightuserdata(L, lua_upvalueid(L, at, i));
		if (lua_rawget(L, k->cells) != LUA_TNIL) {
			put_u32(k, (uint32_t)lua_tointeger(L, -1));
			lua_settop(L, v - 1);
			continue;
		}
		lua_settop(L, v);
		lua_pushlightuserdata(L, lua_upvalueid(L, at, i));
		lua_pushinteger(L, k->ncells);
		lua_rawset(L, k->cells);
		put_u32(k, k->ncells++);
		char outer[PATH];
		memcpy(outer, k->path, PATH);
		snprintf(k->path, PATH, "%s", name);
		pack(k, v, depth + 1);
		memcpy(k->path, outer, PATH);
		lua_settop(L, v - 1);
	}
	k->b->p[count] = (char)(i - 1);
}

static void pack(packer *k, int at, int depth) {
	lua_State *L = k->L;
	if (depth > DEEP) luaL_error(L, "'%s' is nested too deep to travel", k->path);
	luaL_checkstack(L, 10, NULL);
	switch (lua_type(L, at)) {
	case LUA_TNIL:
		put_tag(k, P_NIL);
		return;
	case LUA_TBOOLEAN:
		put_tag(k, lua_toboolean(L, at) ? P_TRUE : P_FALSE);
		return;
	case LUA_TNUMBER:
		if (lua_isinteger(L, at)) {
			lua_Integer i = lua_tointeger(L, at);
			put_tag(k, P_INT);
			put(k, &i, 8);
		} else {
			lua_Number n = lua_tonumber(L, at);
			put_tag(k, P_NUM);
			put(k, &n, 8);
		}
		return;
	case LUA_TSTRING: {
		size_t n;
		const char *p = lua_tolstring(L, at, &n);
		put_tag(k, P_STR);
		put_str(k, p, n);
		return;
	}
	case LUA_TTABLE:
	case LUA_TFUNCTION:
		if (lua_rawgetp(L, LUA_REGISTRYINDEX, &key_names) == LUA_TTABLE) {
			lua_pushvalue(L, at);
			if (lua_rawget(L, -2) == LUA_TSTRING) {
				size_t n;
				const char *p = lua_tolstring(L, -1, &n);
				put_tag(k, P_KNOWN);
				put_str(k, p, n);
				if (vm_buf_str(k->names, p, n) || vm_buf_str(k->names, k->path, strlen(k->path)))
					luaL_error(L, "not enough memory");
				lua_pop(L, 2);
				return;
			}
			lua_pop(L, 1);
		}
		lua_pop(L, 1);
		if (lua_istable(L, at)) pack_table(k, at, depth);
		else pack_function(k, at, depth);
		return;
	case LUA_TUSERDATA:
	case LUA_TLIGHTUSERDATA:
		luaL_error(L, "'%s' can't travel: it is a userdata (an open file, a compiled pattern or the like)", k->path);
		return;
	default:
		luaL_error(L, "'%s' can't travel: it is a %s", k->path, lua_type(L, at) == LUA_TTHREAD ? "coroutine" : luaL_typename(L, at));
	}
}

// do_pack(value, state, name)
static int do_pack(lua_State *L) {
	eddy_state *S = lua_touserdata(L, 2);
	packer k = {.L = L, .b = &S->packed, .names = &S->table};
	snprintf(k.path, PATH, "%s", (const char *)lua_touserdata(L, 3));
	lua_settop(L, 1);
	lua_newtable(L);
	lua_newtable(L);
	k.seen = 2;
	k.cells = 3;
	pack(&k, 1, 0);
	return 0;
}

int eddy_arg_pack(eddy_state *S, int i, const char *name) {
	lua_State *L = S->cur;
	S->packed.len = S->table.len = S->out.len = 0;
	if (!lua_checkstack(L, 5)) return -1;
	lua_pushcfunction(L, do_pack);
	lua_pushvalue(L, i);
	lua_pushlightuserdata(L, S);
	lua_pushlightuserdata(L, (void *)name);
	if (lua_pcall(L, 3, 0, 0) != LUA_OK) return vm_report(S, L);
	return 0;
}

// --- unpacking ---

typedef struct {
	lua_State *L;
	const char *p, *end;
	int seen, cells, known; // stack indices: number -> value, number -> {function, index}, name -> value
	uint32_t nseen;
} unpacker;

static const char *get(unpacker *u, size_t n) {
	if ((size_t)(u->end - u->p) < n) luaL_error(u->L, "the packed value is cut short");
	const char *p = u->p;
	u->p += n;
	return p;
}

static uint32_t get_u32(unpacker *u) {
	uint32_t n;
	memcpy(&n, get(u, 4), 4);
	return n;
}

static void unpack(unpacker *u);

static void unpack_table(unpacker *u) {
	lua_State *L = u->L;
	uint32_t pairs = get_u32(u);
	lua_newtable(L);
	lua_pushvalue(L, -1);
	lua_rawseti(L, u->seen, u->nseen++);
	for (; pairs > 0; pairs--) {
		unpack(u);
		unpack(u);
		lua_rawset(L, -3);
	}
	unpack(u);
	if (lua_istable(L, -1)) lua_setmetatable(L, -2);
	else lua_pop(L, 1);
}

static void unpack_function(unpacker *u) {
	lua_State *L = u->L;
	uint32_t n = get_u32(u);
	const char *code = get(u, n);
	if (luaL_loadbufferx(L, code, n, "=packed", "b") != LUA_OK) lua_error(L);
	int f = lua_gettop(L);
	lua_pushvalue(L, f);
	lua_rawseti(L, u->seen, u->nseen++);
	int count = (unsigned char)*get(u, 1);
	for (int i = 1; i <= count; i++) {
		uint32_t cell = get_u32(u);
		if (lua_rawgeti(L, u->cells, cell) == LUA_TTABLE) {
			lua_rawgeti(L, -1, 1);
			lua_rawgeti(L, -2, 2);
			lua_upvaluejoin(L, f, i, lua_gettop(L) - 1, (int)lua_tointeger(L, -1));
			lua_settop(L, f);
			continue;
		}
		lua_settop(L, f);
		lua_createtable(L, 2, 0);
		lua_pushvalue(L, f);
		lua_rawseti(L, -2, 1);
		lua_pushinteger(L, i);
		lua_rawseti(L, -2, 2);
		lua_rawseti(L, u->cells, cell);
		unpack(u);
		if (lua_setupvalue(L, f, i) == NULL) lua_pop(L, 1);
	}
}

static void unpack(unpacker *u) {
	lua_State *L = u->L;
	luaL_checkstack(L, 10, NULL);
	switch (*get(u, 1)) {
	case P_NIL: lua_pushnil(L); return;
	case P_FALSE: lua_pushboolean(L, 0); return;
	case P_TRUE: lua_pushboolean(L, 1); return;
	case P_INT: {
		lua_Integer i;
		memcpy(&i, get(u, 8), 8);
		lua_pushinteger(L, i);
		return;
	}
	case P_NUM: {
		lua_Number n;
		memcpy(&n, get(u, 8), 8);
		lua_pushnumber(L, n);
		return;
	}
	case P_STR: {
		uint32_t n = get_u32(u);
		lua_pushlstring(L, get(u, n), n);
		return;
	}
	case P_KNOWN: {
		uint32_t n = get_u32(u);
		lua_pushlstring(L, get(u, n), n);
		lua_pushvalue(L, -1);
		if (lua_rawget(L, u->known) == LUA_TNIL) luaL_error(L, "'%s' does not exist here", lua_tostring(L, -2));
		lua_remove(L, -2);
		return;
	}
	case P_SEEN: lua_rawgeti(L, u->seen, get_u32(u)); return;
	case P_TABLE: unpack_table(u); return;
	case P_FUNC: unpack_function(u); return;
	}
	luaL_error(L, "the packed value is damaged");
}

static int do_unpack(lua_State *L) {
	unpacker *u = lua_touserdata(L, 1);
	lua_settop(L, 0);
	u->L = L;
	lua_newtable(L);
	lua_newtable(L);
	if (lua_rawgetp(L, LUA_REGISTRYINDEX, &key_values) != LUA_TTABLE) {
		lua_newtable(L);
		lua_replace(L, 3);
	}
	u->seen = 1;
	u->cells = 2;
	u->known = 3;
	unpack(u);
	lua_pushinteger(L, luaL_ref(L, LUA_REGISTRYINDEX));
	return 1;
}

int eddy_unpack(eddy_state *S, const char *p, size_t len, int64_t *ref) {
	unpacker u = {.p = p, .end = p + len};
	lua_pushcfunction(S->L, do_unpack);
	lua_pushlightuserdata(S->L, &u);
	if (lua_pcall(S->L, 1, 1, 0) != LUA_OK) return vm_report(S, S->L);
	*ref = lua_tointeger(S->L, -1);
	lua_pop(S->L, 1);
	return 0;
}

static int knows(lua_State *L) {
	if (lua_rawgetp(L, LUA_REGISTRYINDEX, &key_values) == LUA_TTABLE) {
		lua_getfield(L, -1, lua_touserdata(L, 1));
		lua_pushboolean(L, !lua_isnil(L, -1));
	} else {
		lua_pushboolean(L, 0);
	}
	return 1;
}

int eddy_knows(eddy_state *S, const char *name) {
	lua_pushcfunction(S->L, knows);
	lua_pushlightuserdata(S->L, (void *)name);
	int ok = lua_pcall(S->L, 1, 1, 0) == LUA_OK && lua_toboolean(S->L, -1);
	lua_pop(S->L, 1);
	return ok;
}
