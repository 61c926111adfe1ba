// Looking into the bytes of a step's view without making strings of them, for preludes: every function takes the view's
// handle, the number of a span, and an offset within it, all from 0.
#include "internal.h"

#include <lauxlib.h>

// view_of checks that a handle is that of the running step's view. Whoever kept it after the step is told so.
static eddy_state *view_of(lua_State *L) {
	eddy_state *S = eddy_of(L);
	if (S->nspans == 0 || lua_tointeger(L, 1) != S->view_handle)
		luaL_error(L, "these bytes are gone: they can be used only inside of the hook that was given them");
	return S;
}

// span_of finds a span of the view.
static const unsigned char *span_of(lua_State *L, size_t *len) {
	eddy_state *S = view_of(L);
	lua_Integer i = lua_tointeger(L, 2);
	if (i < 0 || i >= S->nspans) luaL_error(L, "there is no span %I", (LUAI_UACINT)i);
	uint32_t off = S->spans[2 * i], n = S->spans[2 * i + 1];
	if (off > S->view_len || n > S->view_len - off) luaL_error(L, "span %I lies outside of the bytes", (LUAI_UACINT)i);
	*len = n;
	return (const unsigned char *)S->view + off;
}

static lua_Integer offset(lua_State *L, size_t len, size_t want) {
	lua_Integer off = lua_tointeger(L, 3);
	if (off < 0 || (size_t)off > len || want > len - (size_t)off)
		luaL_error(L, "offset %I is outside of the %I bytes (the first byte has offset 0)", (LUAI_UACINT)off, (LUAI_UACINT)len);
	return off;
}

static int view_len(lua_State *L) {
	size_t len;
	span_of(L, &len);
	lua_pushinteger(L, (lua_Integer)len);
	return 1;
}

// number pushes n bytes in network order.
static int number(lua_State *L, size_t n) {
	size_t len;
	const unsigned char *p = span_of(L, &len);
	p += offset(L, len, n);
	lua_Integer v = 0;
	for (size_t i = 0; i < n; i++) v = v << 8 | p[i];
	lua_pushinteger(L, v);
	return 1;
}

static int view_u8(lua_State *L) { return number(L, 1); }
static int view_u16(lua_State *L) { return number(L, 2); }
static int view_u24(lua_State *L) { return number(L, 3); }
static int view_u32(lua_State *L) { return number(L, 4); }

// view_bit(handle, span, n) is bit n, counted from the most significant one of the first byte.
static int view_bit(lua_State *L) {
	size_t len;
	const unsigned char *p = span_of(L, &len);
	lua_Integer n = lua_tointeger(L, 3);
	if (n < 0 || (size_t)n / 8 >= len) luaL_error(L, "bit %I is outside of the %I bytes", (LUAI_UACINT)n, (LUAI_UACINT)len);
	lua_pushboolean(L, p[n / 8] >> (7 - n % 8) & 1);
	return 1;
}

// view_sub(handle, span, off, len) is a string; without len it goes to the end.
static int view_sub(lua_State *L) {
	size_t len;
	const unsigned char *p = span_of(L, &len);
	lua_Integer off = offset(L, len, 0), n = luaL_optinteger(L, 4, (lua_Integer)len - off);
	if (n < 0 || n > (lua_Integer)len - off) n = (lua_Integer)len - off;
	lua_pushlstring(L, (const char *)p + off, (size_t)n);
	return 1;
}

// view_fact(handle, i) is one of the numbers about the view.
static int view_fact(lua_State *L) {
	eddy_state *S = view_of(L);
	lua_Integer i = lua_tointeger(L, 2);
	if (i < 0 || i >= S->nfacts) return luaL_error(L, "there is no fact %I", (LUAI_UACINT)i);
	lua_pushinteger(L, S->facts[i]);
	return 1;
}

void eddy_open_window(lua_State *L) {
	static const luaL_Reg funcs[] = {
		{"view_len", view_len}, {"view_u8", view_u8},   {"view_u16", view_u16}, {"view_u24", view_u24},
		{"view_u32", view_u32}, {"view_bit", view_bit}, {"view_sub", view_sub}, {"view_fact", view_fact},
		{NULL, NULL},
	};
	luaL_setfuncs(L, funcs, 0);
}
