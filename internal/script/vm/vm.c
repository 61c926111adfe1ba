// Runs: steps of coroutines, what stops them, and the Go functions that they call.
#define _GNU_SOURCE

#include "internal.h"

#include <lauxlib.h>
#include <lualib.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "_cgo_export.h"

// What the chunk names of preludes begin with: they are skipped where a message names the script's line.
#define PRELUDE "=[eddy] "

int64_t eddy_now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

// coarse_now is the time of the kernel's last tick.
static int64_t coarse_now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

// Every thread inherits the extra space of the main one.
eddy_state *eddy_of(lua_State *L) { return *(eddy_state **)lua_getextraspace(L); }

// --- yields ---

int eddy_can_yield(eddy_state *S, lua_State *L) { return S->blocked == 0 && lua_isyieldable(L); }

int eddy_over(eddy_state *S) {
	return S->killing || S->cancel || __atomic_load_n(S->stop, __ATOMIC_RELAXED) ||
	       (S->deadline != 0 && eddy_now() > S->deadline);
}

int eddy_yield_job(lua_State *L, eddy_job *job, lua_KContext ctx, lua_KFunction k) {
	eddy_state *S = eddy_of(L);
	S->job = job;
	S->reason = EDDY_JOB;
	return lua_yieldk(L, 0, ctx, k);
}

void eddy_job_run(eddy_job *job) { job->run(job); }

#define DEEP 200 // frames of a stack whose bottom is not looked for
#define TOP 20   // frames that are shown of such a stack

// vm_traceback is luaL_traceback, but of a deep stack it shows the top alone: finding the bottom of a million frames takes
// seconds.
void vm_traceback(lua_State *L, lua_State *co, const char *msg, int level) {
	lua_Debug ar;
	if (!lua_getstack(co, level + DEEP, &ar)) {
		luaL_traceback(L, co, msg, level);
		return;
	}
	luaL_Buffer b;
	luaL_buffinit(L, &b);
	luaL_addstring(&b, msg);
	luaL_addstring(&b, "\nstack traceback:");
	for (int i = level; i < level + TOP && lua_getstack(co, i, &ar); i++) {
		lua_getinfo(co, "Sln", &ar);
		lua_pushfstring(L, "\n\t%s:", ar.short_src);
		luaL_addvalue(&b);
		if (ar.currentline > 0) {
			lua_pushfstring(L, "%d:", ar.currentline);
			luaL_addvalue(&b);
		}
		if (*ar.namewhat) lua_pushfstring(L, " in %s '%s'", ar.namewhat, ar.name);
		else if (*ar.what == 'm') lua_pushliteral(L, " in main chunk");
		else if (*ar.what != 'C') lua_pushfstring(L, " in function <%s:%d>", ar.short_src, ar.linedefined);
		else lua_pushliteral(L, " in ?");
		luaL_addvalue(&b);
	}
	luaL_addstring(&b, "\n\t...\t(many more levels)");
	luaL_pushresult(&b);
}

// eddy_stop is not caught by pcall: it yields, and the run is never resumed. Where it cannot yield it raises, and the
// hook raises again after each further instruction until the error has left the part that cannot yield.
static void hook(lua_State *L, lua_Debug *ar);

int eddy_stop(lua_State *L, const char *why) {
	eddy_state *S = eddy_of(L);
	if (!S->killing) {
		S->killing = EDDY_KILLED;
		vm_traceback(L, L, why, 0);
		size_t n;
		const char *p = lua_tolstring(L, -1, &n);
		S->out.len = 0;
		vm_buf_str(&S->out, p, n);
		lua_pop(L, 1);
	}
	if (eddy_can_yield(S, L)) {
		S->reason = S->killing;
		return lua_yield(L, 0);
	}
	lua_sethook(L, hook, LUA_MASKCOUNT, 1);
	return luaL_error(L, "%s", why);
}

const char *eddy_why(eddy_state *S) {
	return S->cancel                                     ? "the caller has gone"
	       : __atomic_load_n(S->stop, __ATOMIC_RELAXED) ? "eddy is stopping"
	                                                    : "execution time is over";
}

// hook is called every hook_count instructions, or some time after a tick.
static void hook(lua_State *L, lua_Debug *ar) {
	(void)ar;
	eddy_state *S = eddy_of(L);
	if (S->hook_count == 0) lua_sethook(L, NULL, 0, 0); // until the next tick
	if (eddy_over(S)) {
		eddy_stop(L, eddy_why(S));
		return;
	}
	if ((__atomic_load_n(S->waiters, __ATOMIC_RELAXED) != 0 || eddy_now() > S->slice) && eddy_can_yield(S, L)) {
		S->reason = EDDY_YIELD;
		lua_yield(L, 0);
	}
}

// --- ticks ---
//
// A count hook makes every instruction dearer, twice in the end. So there is none as long as a step is short: Go looks
// every few milliseconds, and sends a signal to the thread on which it sees the same step as the last time. The handler
// sets the hook, which lua_sethook allows inside of a signal.

// GRACE instructions pass between a tick and the hook. What is shorter is never interrupted half-way, however slow the
// machine is: scripts rely on that (a FIFO's push is two lines).
#define GRACE 10000

// CLOSING is the time, in ns, that is left for closing values and the like when a run ends early.
#define CLOSING 100000000

static __thread eddy_state *volatile running; // the state whose step this thread runs
static __thread int32_t thread_id;

static void on_tick(int sig) {
	(void)sig;
	eddy_state *S = running;
	lua_State *L = S ? S->inner : NULL;
	if (L == NULL) return;
	S->ticked = 1;
	if (lua_gethook(L) == NULL) lua_sethook(L, hook, LUA_MASKCOUNT, GRACE);
}

// SIGRTMIN and the few behind it are spoken for by C libraries and Go.
int eddy_tick_signal(void) { return SIGRTMIN + 8; }

void vm_install_ticks(void) {
	struct sigaction a;
	memset(&a, 0, sizeof a);
	a.sa_handler = on_tick;
	a.sa_flags = SA_ONSTACK | SA_RESTART; // Go's threads have small stacks
	sigemptyset(&a.sa_mask);
	sigaction(eddy_tick_signal(), &a, NULL);
}

// enter and leave stand around everything that runs Lua code of scripts. A step can run inside another's Go function.
static eddy_state *enter(eddy_state *S, lua_State *L) {
	eddy_state *outer = running;
	if (thread_id == 0) thread_id = (int32_t)syscall(SYS_gettid);
	__atomic_store_n(&S->tid, thread_id, __ATOMIC_RELAXED);
	S->inner = L;
	running = S;
	__atomic_add_fetch(&S->seq, 1, __ATOMIC_RELEASE);
	return outer;
}

static void leave(eddy_state *S, eddy_state *outer) {
	__atomic_add_fetch(&S->seq, 1, __ATOMIC_RELEASE);
	running = outer;
	S->inner = NULL;
}

// set_hook prepares a coroutine that is about to run: over, when it is to come to the hook at once.
static void set_hook(eddy_state *S, lua_State *co, int over) {
	int count = over ? 1 : S->hook_count;
	if (count != 0) lua_sethook(co, hook, LUA_MASKCOUNT, count);
	else if (lua_gethook(co) != NULL) lua_sethook(co, NULL, 0, 0);
}

// reset ends a coroutine. Closing values run here; they must not yield, and have a bounded time.
static void reset(eddy_state *S, lua_State *co) {
	S->blocked = S->closing = 1;
	set_hook(S, co, S->killing);
	eddy_state *outer = enter(S, co);
	lua_resetthread(co);
	leave(S, outer);
	lua_settop(co, 0);
	S->blocked = S->closing = 0;
	set_hook(S, co, 0);
}

// --- Go functions ---

static int push_ret(lua_State *L, eddy_state *S) {
	int n = vm_decode_all(L, S->ret.p, S->ret.len);
	if (S->ret.cap > (1u << 20)) { // one big answer must not keep its room for ever
		free(S->ret.p);
		memset(&S->ret, 0, sizeof S->ret);
	}
	return n;
}

// script_line finds the caller of the running C function, past eddy's own; 0: it is no Lua function.
static int script_line(lua_State *L, int level, lua_Debug *ar) {
	for (; lua_getstack(L, level, ar); level++) {
		lua_getinfo(L, "Sl", ar);
		if (ar->currentline < 0 && vm_is_fields(L, ar)) continue;
		if (strncmp(ar->source, PRELUDE, sizeof PRELUDE - 1) != 0) return ar->currentline > 0;
	}
	return 0;
}

static void push_where(lua_State *L) {
	lua_Debug ar;
	if (script_line(L, 1, &ar)) lua_pushfstring(L, "%s:%d: ", ar.short_src, ar.currentline);
	else lua_pushliteral(L, "");
}

static int raise_ret(lua_State *L, eddy_state *S) {
	push_where(L);
	const char *p = S->ret.p;
	if (S->ret.len > 0) vm_decode(L, &p);
	else lua_pushliteral(L, "error");
	lua_concat(L, 2);
	return lua_error(L);
}

// after_wait: the stack holds what eddy_resume was given: true and results, or false and a message.
static int after_wait(lua_State *L, int status, lua_KContext ctx) {
	(void)status;
	(void)ctx;
	int n = lua_gettop(L);
	if (n == 0) return 0;
	if (lua_toboolean(L, 1)) return n - 1;
	push_where(L);
	lua_pushvalue(L, 2);
	lua_concat(L, 2);
	return lua_error(L);
}

static int after_yield(lua_State *L, int status, lua_KContext ctx) {
	(void)status;
	(void)ctx;
	lua_settop(L, 0);
	return 0;
}

int vm_trampoline(lua_State *L) {
	int n = lua_gettop(L);
	if (n > EDDY_MAX_ARGS) return luaL_error(L, "too many arguments (%d, at most %d)", n, EDDY_MAX_ARGS);
	return vm_call_go(L, (int)lua_tointeger(L, lua_upvalueindex(1)), n, 0);
}

// find_where leaves "script:line" in where, or "".
static void find_where(eddy_state *S, lua_State *L) {
	lua_Debug ar;
	char digits[12], *d = digits + sizeof digits;
	S->where[0] = 0;
	int level = 1;
	while (!script_line(L, level, &ar)) {
		if (++level == 16) return;
	}
	*--d = 0;
	for (unsigned n = (unsigned)ar.currentline; n > 0; n /= 10) *--d = (char)('0' + n % 10);
	size_t len = strlen(ar.short_src);
	memcpy(S->where, ar.short_src, len); // LUA_IDSIZE bytes at most
	S->where[len] = ':';
	memcpy(S->where + len + 1, d, (size_t)(digits + sizeof digits - d));
}

int vm_call_go(lua_State *L, int fn, int n, int where) {
	eddy_state *S = eddy_of(L);
	S->where_found = where;
	if (where) find_where(S, L);
	for (int i = 0; i < n; i++) {
		eddy_arg *a = &S->args[i];
		switch (lua_type(L, i + 1)) {
		case LUA_TNIL: a->kind = EDDY_NIL; break;
		case LUA_TBOOLEAN: a->kind = EDDY_BOOL; a->i = lua_toboolean(L, i + 1); break;
		case LUA_TNUMBER:
			if (lua_isinteger(L, i + 1)) {
				a->kind = EDDY_INT;
				a->i = lua_tointeger(L, i + 1);
			} else {
				a->kind = EDDY_NUM;
				a->n = lua_tonumber(L, i + 1);
			}
			break;
		case LUA_TSTRING: a->kind = EDDY_STR; a->p = lua_tolstring(L, i + 1, &a->len); break;
		case LUA_TTABLE: a->kind = EDDY_TABLE; break;
		case LUA_TFUNCTION: a->kind = EDDY_FUNC; break;
		case LUA_TUSERDATA: {
			vm_owned *o = vm_to_owned(L, i + 1);
			a->kind = o ? EDDY_OWNED : EDDY_OTHER;
			a->i = o ? o->handle : 0;
			break;
		}
		default: a->kind = EDDY_OTHER;
		}
	}
	S->cur = L;
	S->ret.len = 0;
	int can = eddy_can_yield(S, L);
	switch (eddyGoCall(S, fn, n, can)) {
	case EDDY_RC_OK:
		return push_ret(L, S);
	case EDDY_RC_ERROR:
		return raise_ret(L, S);
	case EDDY_RC_WAIT:
		S->reason = EDDY_WAIT;
		lua_settop(L, 0);
		return lua_yieldk(L, 0, 0, after_wait);
	case EDDY_RC_YIELD:
		if (!can) return 0;
		S->reason = EDDY_YIELD;
		lua_settop(L, 0);
		return lua_yieldk(L, 0, 0, after_yield);
	case EDDY_RC_EXIT:
		if (!can) {
			S->killing = EDDY_EXIT; // pcall must not hold it; hook() sees to the rest
			lua_sethook(L, hook, LUA_MASKCOUNT, 1);
			return luaL_error(L, "the call ends here");
		}
		S->reason = EDDY_EXIT;
		return lua_yieldk(L, 0, 0, after_yield);
	}
	return luaL_error(L, "unknown answer from Go");
}

const char *eddy_where(eddy_state *S) {
	if (!S->where_found) find_where(S, S->cur);
	return S->where;
}

int eddy_arg_table(eddy_state *S, int i) {
	S->table.len = 0;
	S->table.strange = 0;
	return vm_encode(S->cur, i, &S->table, 0);
}

static int do_ref(lua_State *L) {
	int64_t *ref = lua_touserdata(L, 2);
	lua_settop(L, 1);
	*ref = luaL_ref(L, LUA_REGISTRYINDEX);
	return 0;
}

int eddy_arg_ref(eddy_state *S, int i, int64_t *ref) {
	lua_State *L = S->cur;
	if (!lua_checkstack(L, 3)) return -1;
	lua_pushcfunction(L, do_ref);
	lua_pushvalue(L, i);
	lua_pushlightuserdata(L, ref);
	if (lua_pcall(L, 2, 0, 0) != LUA_OK) {
		lua_pop(L, 1);
		return -1;
	}
	return 0;
}

void eddy_unref(eddy_state *S, int64_t ref) { luaL_unref(S->L, LUA_REGISTRYINDEX, (int)ref); }

// vm_view(handle, i) gives the i-th span (from 0) of the step's view when handle is the one it is of, else nil.
int vm_view(lua_State *L) {
	eddy_state *S = eddy_of(L);
	lua_Integer i = lua_tointeger(L, 2);
	if (lua_tointeger(L, 1) != S->view_handle || i < 0 || i >= S->nspans) return 0;
	uint32_t off = S->spans[2 * i], len = S->spans[2 * i + 1];
	if (off > S->view_len || len > S->view_len - off) return 0;
	lua_pushlstring(L, S->view + off, len);
	return 1;
}

// set_class is setmetatable, except that Lua does not see the class's __gc: the object is not marked for finalization,
// and upvalue 1 is called with it instead. Lua runs finalizers with hooks off, in the middle of whatever allocates,
// where nothing could stop a runaway one and no Go function may be called.
static int set_class(lua_State *L) {
	int t = lua_type(L, 2);
	luaL_checktype(L, 1, LUA_TTABLE);
	luaL_argexpected(L, t == LUA_TNIL || t == LUA_TTABLE, 2, "nil or table");
	if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL) return luaL_error(L, "cannot change a protected metatable");
	lua_settop(L, 2);
	if (t == LUA_TTABLE) {
		lua_pushliteral(L, "__gc");
		lua_pushvalue(L, 3);
		if (lua_rawget(L, 2) != LUA_TNIL) {
			lua_pushvalue(L, 3);
			lua_pushnil(L);
			lua_rawset(L, 2);
			lua_pushvalue(L, 2);
			lua_setmetatable(L, 1);
			lua_pushvalue(L, 3);
			lua_pushvalue(L, 4);
			lua_rawset(L, 2); // its place is still there: nothing is allocated
			lua_pushvalue(L, lua_upvalueindex(1));
			lua_pushvalue(L, 1);
			lua_call(L, 1, 0);
			lua_settop(L, 1);
			return 1;
		}
		lua_settop(L, 2);
	}
	lua_setmetatable(L, 1);
	return 1;
}

// vm_class_setter(f) gives a setmetatable that calls f with each object whose class has a __gc.
int vm_class_setter(lua_State *L) {
	lua_settop(L, 1);
	lua_pushcclosure(L, set_class, 1);
	return 1;
}

// --- steps ---

// bounded_call is lua_pcall with one result on the main thread, for what a script may have a hand in after a step has
// ended. It has the time of closing values.
static int bounded_call(lua_State *L, int nargs) {
	eddy_state *S = eddy_of(L);
	S->blocked = S->closing = 1;
	S->deadline = eddy_now() + CLOSING;
	set_hook(S, L, 0);
	eddy_state *outer = enter(S, L);
	int st = lua_pcall(L, nargs, 1, 0);
	leave(S, outer);
	lua_sethook(L, NULL, 0, 0);
	S->killing = 0;
	S->blocked = S->closing = 0;
	return st;
}

// text_of gives an error value as text, as lua(1) does; it may run a script's __tostring.
static int text_of(lua_State *L) {
	if (lua_isnil(L, 1)) lua_pushliteral(L, "error() was called without a message");
	else if (lua_isnumber(L, 1) || luaL_getmetafield(L, 1, "__tostring") != LUA_TNIL) luaL_tolstring(L, 1, NULL);
	else lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
	return 1;
}

// traceback takes the error value of the failed coroutine (a light userdata) and gives text: the message, "stack
// traceback:" and the frames.
static int traceback(lua_State *L) {
	lua_State *co = lua_touserdata(L, 1);
	if (lua_gettop(co) == 0) lua_pushliteral(L, "error");
	else lua_xmove(co, L, 1); // not a copy: after an overflow its stack has no room for one
	const char *msg;
	if (lua_type(L, 2) == LUA_TSTRING) {
		msg = lua_tostring(L, 2);
	} else {
		lua_pushcfunction(L, text_of);
		lua_pushvalue(L, 2);
		if (bounded_call(L, 1) == LUA_OK) msg = lua_tostring(L, -1);
		else msg = lua_pushfstring(L, "(error object is a %s value whose __tostring fails)", luaL_typename(L, 2));
	}
	vm_traceback(L, co, msg, 0);
	return 1;
}

static void set_error(eddy_state *S, lua_State *co, int status) {
	lua_State *L = S->L;
	if (status != LUA_ERRMEM) {
		lua_pushcfunction(L, traceback);
		lua_pushlightuserdata(L, co);
		if (lua_pcall(L, 1, 1, 0) == LUA_OK) {
			size_t n;
			const char *p = lua_tolstring(L, -1, &n);
			S->out.len = 0; // of a __tostring that was stopped
			vm_buf_str(&S->out, p, n);
			lua_pop(L, 1);
			return;
		}
		lua_pop(L, 1);
	}
	S->out.len = 0;
	const char *m = "not enough memory (tune.lua.maxmem)";
	vm_buf_str(&S->out, m, strlen(m));
}

static void recycle(eddy_state *S, lua_State *co) {
	if (S->nidle == S->capidle) return; // forgotten: its anchor goes below
	S->idle[S->nidle++] = co;
}

static int new_thread(lua_State *L) {
	lua_rawgetp(L, LUA_REGISTRYINDEX, &vm_key_threads);
	lua_State *co = lua_newthread(L);
	lua_rawsetp(L, -2, co);
	lua_State **out = lua_touserdata(L, 1);
	*out = co;
	return 0;
}

static int drop_thread(lua_State *L) {
	lua_rawgetp(L, LUA_REGISTRYINDEX, &vm_key_threads);
	lua_pushnil(L);
	lua_rawsetp(L, -2, lua_touserdata(L, 1));
	return 0;
}

static void finish(eddy_state *S, lua_State *co) {
	if (S->nidle < S->capidle) {
		recycle(S, co);
		return;
	}
	lua_pushcfunction(S->L, drop_thread);
	lua_pushlightuserdata(S->L, co);
	if (lua_pcall(S->L, 1, 0, 0) != LUA_OK) lua_pop(S->L, 1);
}

static lua_State *take_thread(eddy_state *S) {
	if (S->nidle > 0) return S->idle[--S->nidle];
	lua_State *co = NULL;
	lua_pushcfunction(S->L, new_thread);
	lua_pushlightuserdata(S->L, &co);
	if (lua_pcall(S->L, 1, 0, 0) != LUA_OK) {
		lua_pop(S->L, 1);
		return NULL;
	}
	return co;
}

typedef struct {
	const char *p;
	size_t len;
} span;

static int decode_span(lua_State *L) {
	span *s = lua_touserdata(L, 1);
	lua_settop(L, 0);
	return vm_decode_all(L, s->p, s->len);
}

// push_values puts encoded values on co's stack; -1 when there is no memory.
static int push_values(lua_State *co, const char *p, size_t len) {
	if (len == 0) return 0;
	int top = lua_gettop(co);
	span s = {p, len};
	if (!lua_checkstack(co, 3)) return -1;
	lua_pushcfunction(co, decode_span);
	lua_pushlightuserdata(co, &s);
	if (lua_pcall(co, 1, LUA_MULTRET, 0) != LUA_OK) {
		lua_settop(co, top);
		return -1;
	}
	return lua_gettop(co) - top;
}

#define MIN_BUDGET 1000 // ns; a run that has used up its time gets this
#define SLICE 20000000 // ns; Go looks at the caller's context that often

// SAMPLED: of so many steps one is timed for statistics, and counts as often; a look at the clock costs as much as a short
// step. Those that got a tick count as what they are.
#define SAMPLED 64

// account says what a step stands for: t0 is when it began, exactly for sampled ones.
static int64_t account(eddy_state *S, int64_t t0, int sampled) {
	if (S->ticked) return eddy_now() - t0;
	return sampled ? (eddy_now() - t0) * SAMPLED : 0;
}

static int step(eddy_state *S, lua_State *co, int nargs, int64_t budget) {
	S->reason = 0;
	S->blocked = 0;
	S->killing = 0;
	S->out.len = 0;
	int sampled = ++S->steps % SAMPLED == 0;
	int64_t t0 = S->coarse && !sampled ? coarse_now() : eddy_now();
	S->ticked = 0;
	S->deadline = budget > 0 ? t0 + budget : 0;
	S->slice = t0 + SLICE;
	// Counting starts anew with every step, see GRACE. A step that is over before it begins gets no grace, or a script
	// that waits in a loop would never come to a hook.
	int over = S->cancel || __atomic_load_n(S->stop, __ATOMIC_RELAXED) || (budget > 0 && budget <= MIN_BUDGET);
	set_hook(S, co, over);
	int n = 0;
	eddy_state *outer = enter(S, co);
	int st = lua_resume(co, S->L, nargs, &n);
	leave(S, outer);
	S->nspans = 0;
	S->spent = account(S, t0, sampled);
	if (st == LUA_OK) {
		int top = lua_gettop(co), rc = 0;
		for (int i = top - n + 1; i <= top && !rc; i++) rc = vm_encode(co, i, &S->out, 0);
		lua_settop(co, 0);
		finish(S, co);
		if (rc) {
			const char *m = "the function's result cannot be handed over: nested more than 32 deep, or too big";
			S->out.len = 0;
			vm_buf_str(&S->out, m, strlen(m));
			return EDDY_ERROR;
		}
		return EDDY_DONE;
	}
	S->ran = eddy_now() - t0;
	if (st == LUA_YIELD) {
		int reason = S->reason;
		S->reason = 0;
		if (reason == 0) { // coroutine.yield outside of any coroutine of the script
			lua_pop(co, n);
			reason = EDDY_YIELD;
		}
		return reason;
	}
	int how = S->killing ? S->killing : EDDY_ERROR;
	if (how == EDDY_ERROR) set_error(S, co, st);
	S->deadline = eddy_now() + CLOSING;
	reset(S, co);
	finish(S, co);
	return how | EDDY_ENDED;
}

static void set_view(eddy_state *S, int64_t handle, const char *p, size_t len, const uint32_t *spans, int nspans,
                     const int64_t *facts, int nfacts) {
	S->view_handle = handle;
	S->view = p;
	S->view_len = len;
	S->spans = spans;
	S->nspans = nspans;
	S->facts = facts;
	S->nfacts = nfacts;
}

int eddy_start(uintptr_t state, int64_t fn, const char *args, size_t nargs, int64_t budget, int64_t view_handle,
               const char *vp, size_t vlen, const uint32_t *spans, int nspans, const int64_t *facts, int nfacts) {
	eddy_state *S = (eddy_state *)state;
	const char *m = "not enough memory (tune.lua.maxmem)";
	S->spent = 0;
	lua_State *co = S->begun = take_thread(S);
	if (co == NULL) {
		S->out.len = 0;
		vm_buf_str(&S->out, m, strlen(m));
		return EDDY_ERROR;
	}
	lua_rawgeti(co, LUA_REGISTRYINDEX, fn);
	int n = push_values(co, args, nargs);
	if (n < 0) {
		lua_settop(co, 0);
		finish(S, co);
		S->out.len = 0;
		vm_buf_str(&S->out, m, strlen(m));
		return EDDY_ERROR;
	}
	set_view(S, view_handle, vp, vlen, spans, nspans, facts, nfacts);
	return step(S, co, n, budget);
}

int eddy_resume(eddy_state *S, lua_State *co, const char *vals, size_t nvals, int64_t budget, int64_t view_handle,
                const char *vp, size_t vlen, const uint32_t *spans, int nspans, const int64_t *facts, int nfacts) {
	int n = push_values(co, vals, nvals);
	if (n < 0) n = 0; // the waiting function then returns nothing
	set_view(S, view_handle, vp, vlen, spans, nspans, facts, nfacts);
	return step(S, co, n, budget);
}

void eddy_drop(eddy_state *S, lua_State *co) {
	S->killing = 0;
	S->deadline = eddy_now() + CLOSING;
	reset(S, co);
	finish(S, co);
}
