// coroutine.resume, wrap and close for scripts, made aware of the engine: when something inside an inner coroutine
// waits, or is preempted, the whole chain of coroutines is suspended and later goes on where it stopped. The script
// sees none of it.
#include <lauxlib.h>
#include <lualib.h>

#include "vm.h"

static const char key_busy; // registry: inner coroutines that the engine holds suspended

static void set_busy(lua_State *L, lua_State *co, int on) {
	eddy_state *S = eddy_of(L);
	lua_rawgetp(L, LUA_REGISTRYINDEX, &key_busy);
	lua_pushthread(co);
	lua_xmove(co, L, 1);
	if (on) lua_pushboolean(L, 1);
	else lua_pushnil(L);
	lua_rawset(L, -3);
	lua_pop(L, 1);
	S->nbusy += on ? 1 : -1;
}

static int is_busy(lua_State *L, lua_State *co) {
	if (eddy_of(L)->nbusy == 0) return 0;
	lua_rawgetp(L, LUA_REGISTRYINDEX, &key_busy);
	lua_pushthread(co);
	lua_xmove(co, L, 1);
	int busy = lua_rawget(L, -2) != LUA_TNIL;
	lua_pop(L, 2);
	return busy;
}

static int resume_k(lua_State *L, int status, lua_KContext ctx);

// go_on resumes co with the top n values of L. It returns the number of results on L's stack, or -1 with an error
// value there. It does not return when the engine suspends the chain: L yields and goes on in resume_k.
static int go_on(lua_State *L, lua_State *co, int n, lua_KContext wrap) {
	eddy_state *S = eddy_of(L);
	if (!lua_checkstack(co, n + 2)) {
		lua_pushliteral(L, "too many arguments to resume");
		return -1;
	}
	lua_xmove(L, co, n);
	int can = eddy_can_yield(S, L);
	if (!can) S->blocked++;
	int res = 0;
	if (S->hook_count == 0 && !S->killing && lua_gethook(co) != NULL) lua_sethook(co, NULL, 0, 0); // of an earlier tick
	S->inner = co;
	int st = lua_resume(co, L, n, &res);
	S->inner = L;
	if (!can) S->blocked--;
	if (st == LUA_YIELD && S->reason != 0) {
		lua_pop(co, res);
		lua_settop(L, 1); // the coroutine, which resume_k needs
		set_busy(L, co, 1);
		return lua_yieldk(L, 0, wrap, resume_k);
	}
	if (st == LUA_OK || st == LUA_YIELD) {
		if (!lua_checkstack(L, res + 1)) {
			lua_pop(co, res);
			lua_pushliteral(L, "too many results to resume");
			return -1;
		}
		lua_xmove(co, L, res);
		return res;
	}
	lua_xmove(co, L, 1);
	return -1;
}

// reset ends co. Its closing values run in it, where nothing can be suspended, and within the time of the step.
static int reset(lua_State *L, lua_State *co) {
	eddy_state *S = eddy_of(L);
	S->blocked++;
	S->inner = co;
	int st = lua_resetthread(co);
	S->inner = L;
	S->blocked--;
	return st;
}

// finish turns what go_on left into what resume or wrap returns.
static int finish(lua_State *L, lua_State *co, int n, lua_KContext wrap) {
	if (n >= 0) {
		if (wrap) return n;
		lua_pushboolean(L, 1);
		lua_insert(L, -(n + 1));
		return n + 1;
	}
	if (!wrap) {
		lua_pushboolean(L, 0);
		lua_insert(L, -2);
		return 2;
	}
	int st = lua_status(co);
	if (st != LUA_OK && st != LUA_YIELD) {
		reset(L, co);
		lua_settop(co, 0);
	}
	if (lua_type(L, -1) == LUA_TSTRING) {
		luaL_where(L, 1);
		lua_insert(L, -2);
		lua_concat(L, 2);
	}
	return lua_error(L);
}

// resume_k: the engine goes on with the chain; the stack is the coroutine and what its inner end was given.
static int resume_k(lua_State *L, int status, lua_KContext wrap) {
	(void)status;
	lua_State *co = lua_tothread(L, 1);
	set_busy(L, co, 0);
	int n = go_on(L, co, lua_gettop(L) - 1, wrap);
	return finish(L, co, n, wrap);
}

static lua_State *check_co(lua_State *L, int i) {
	lua_State *co = lua_tothread(L, i);
	luaL_argexpected(L, co, i, "coroutine");
	return co;
}

// ready tells whether co can be resumed; if not, it leaves the reason on the stack.
static int ready(lua_State *L, lua_State *co) {
	const char *what = NULL;
	if (is_busy(L, co)) what = "cannot resume non-suspended coroutine";
	else if (co == L) what = "cannot resume non-suspended coroutine";
	else if (lua_status(co) == LUA_OK) {
		lua_Debug ar;
		if (lua_getstack(co, 0, &ar)) what = "cannot resume non-suspended coroutine";
		else if (lua_gettop(co) == 0) what = "cannot resume dead coroutine";
	} else if (lua_status(co) != LUA_YIELD) {
		what = "cannot resume dead coroutine";
	}
	if (what) lua_pushstring(L, what);
	return what == NULL;
}

static int co_resume(lua_State *L) {
	lua_State *co = check_co(L, 1);
	int n = ready(L, co) ? go_on(L, co, lua_gettop(L) - 1, 0) : -1;
	return finish(L, co, n, 0);
}

static int co_wrap_call(lua_State *L) {
	lua_State *co = lua_tothread(L, lua_upvalueindex(1));
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	int n = ready(L, co) ? go_on(L, co, lua_gettop(L) - 1, 1) : -1;
	return finish(L, co, n, 1);
}

static int co_create(lua_State *L) {
	luaL_checktype(L, 1, LUA_TFUNCTION);
	lua_State *co = lua_newthread(L);
	lua_pushvalue(L, 1);
	lua_xmove(L, co, 1);
	return 1;
}

static int co_wrap(lua_State *L) {
	co_create(L);
	lua_pushcclosure(L, co_wrap_call, 1);
	return 1;
}

static int co_status(lua_State *L) {
	lua_State *co = check_co(L, 1);
	if (is_busy(L, co)) {
		lua_pushliteral(L, "normal"); // suspended by the engine, not by the script
		return 1;
	}
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_pushvalue(L, 1);
	lua_call(L, 1, 1);
	return 1;
}

static int co_close(lua_State *L) {
	lua_State *co = check_co(L, 1);
	lua_Debug ar;
	if (co == L) return luaL_error(L, "cannot close a running coroutine");
	if (is_busy(L, co) || (lua_status(co) == LUA_OK && lua_getstack(co, 0, &ar))) {
		return luaL_error(L, "cannot close a normal coroutine");
	}
	int ok = reset(L, co) == LUA_OK;
	lua_pushboolean(L, ok);
	if (!ok) lua_xmove(co, L, 1);
	lua_settop(co, 0);
	return ok ? 1 : 2;
}

void eddy_open_coroutine(lua_State *L) {
	static const luaL_Reg fns[] = {{"resume", co_resume}, {"create", co_create}, {"wrap", co_wrap}, {"close", co_close}, {NULL, NULL}};
	lua_newtable(L);
	lua_newtable(L);
	lua_pushliteral(L, "k");
	lua_setfield(L, -2, "__mode");
	lua_setmetatable(L, -2);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &key_busy);
	lua_getglobal(L, LUA_COLIBNAME);
	luaL_setfuncs(L, fns, 0);
	lua_getfield(L, -1, "status");
	lua_pushcclosure(L, co_status, 1);
	lua_setfield(L, -2, "status");
	lua_pop(L, 1);
}
