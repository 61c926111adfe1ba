// string.find, match, gmatch and gsub over pattern.h. Lua's own cannot be stopped: no hook runs inside of a C
// function, and ("a"):rep(40):find((".-"):rep(12).."b") goes on for years with the state's lock held. Here a match
// has a small number of steps. When they are used up it goes on off the lock as a job, until the run's time is over;
// where the coroutine cannot yield it goes on with the lock and looks at the clock.
#include "patterns.h"

#include <lauxlib.h>
#include <lualib.h>
#include <string.h>

// --- compiled patterns ---

#define CACHED_TEXT 64
#define CACHED 64

typedef struct {
	uint8_t used, caret, len;
	char text[CACHED_TEXT];
	union {
		pat_program prog;
		uint64_t room[CACHED_ROOM / 8];
	};
} cached;

// The patterns in use, by content. Any allocation can run a finalizer, whose patterns may take an entry's place, so a
// program is not looked at after one, or is copied first.
typedef struct {
	int64_t left; // steps
	pat_classes classes;
	cached entry[CACHED];
} cache;

// Every function here has the cache as its first upvalue.
static cache *cache_of(lua_State *L) { return lua_touserdata(L, lua_upvalueindex(1)); }

int64_t *pl_steps(lua_State *L) { return &cache_of(L)->left; }

const pat_program *pl_compile(lua_State *L, const char *p, size_t n, int caret, int *pushed) {
	cache *C = cache_of(L);
	*pushed = 0;
	if (n <= CACHED_TEXT) {
		uintptr_t h = (uintptr_t)p; // short strings are unique in a state, so that one text has one address
		cached *e = &C->entry[(h >> 4 ^ h >> 10) % CACHED];
		if (e->used && e->caret == caret && e->len == n && memcmp(e->text, p, n) == 0) return &e->prog;
		e->used = 0;
		if (pat_compile(&e->prog, sizeof e->room, &C->classes, p, n, caret)) {
			e->used = 1;
			e->caret = (uint8_t)caret;
			e->len = (uint8_t)n;
			memcpy(e->text, p, n);
			return &e->prog;
		}
	}
	size_t room = pat_room(p, n);
	pat_program *g = lua_newuserdatauv(L, room, 0);
	*pushed = 1;
	pat_compile(g, room, &C->classes, p, n, caret);
	return g;
}

// --- captures and errors ---

int pl_raise_fault(lua_State *L, const pat_match *m) {
	switch (m->error) {
	case PAT_E_ESCAPE: return luaL_error(L, "malformed pattern (ends with '%%')");
	case PAT_E_SET: return luaL_error(L, "malformed pattern (missing ']')");
	case PAT_E_BALANCE: return luaL_error(L, "malformed pattern (missing arguments to '%%b')");
	case PAT_E_FRONTIER: return luaL_error(L, "missing '[' after '%%f' in pattern");
	case PAT_E_CAPTURES: return luaL_error(L, "too many captures");
	case PAT_E_CLOSE: return luaL_error(L, "invalid pattern capture");
	case PAT_E_INDEX: return luaL_error(L, "invalid capture index %%%d", (int)m->error_arg);
	}
	return luaL_error(L, "pattern too complex");
}

captures pl_captures_of(const pat_program *g) { return (captures){g->ncap, g->open, g->pos}; }

static lua_Integer place(const pat_match *m, const uint8_t *p) { return p - m->text + 1; }

void pl_push_capture(lua_State *L, const pat_match *m, captures c, int i) {
	if (i >= c.ncap) {
		if (i > 0) luaL_error(L, "invalid capture index %%%d", i + 1);
		lua_pushlstring(L, (const char *)m->from, (size_t)(m->to - m->from));
	} else if (c.pos >> i & 1) {
		lua_pushinteger(L, place(m, m->cap[i]));
	} else if (c.open >> i & 1) {
		luaL_error(L, "unfinished capture");
	} else {
		lua_pushlstring(L, (const char *)m->cap[i], (size_t)(m->cap_end[i] - m->cap[i]));
	}
}

int pl_push_captures(lua_State *L, const pat_match *m, captures c, int whole) {
	int n = c.ncap == 0 && whole ? 1 : c.ncap;
	if (n > 8) luaL_checkstack(L, n, "too many captures"); // Lua gives a C function room for some
	for (int i = 0; i < n; i++) pl_push_capture(L, m, c, i);
	return n;
}

// --- matches that take long ---

// A search that goes on off the lock. The texts it reads stay where they are: they are on the coroutine's stack, and
// Lua's collector moves nothing.
typedef struct {
	eddy_job job;
	int32_t *stop;
	pat_match m;
	captures caps;
	const uint8_t *at, *skip;
	const char *needle; // look for this text; NULL: for the pattern
	size_t needle_len;
	int result;
	uint64_t prog[];
} search_job;

static int more_off(pat_match *m, void *arg) {
	search_job *J = arg;
	if (__atomic_load_n(&J->job.cancel, __ATOMIC_RELAXED) || __atomic_load_n(J->stop, __ATOMIC_RELAXED)) return 0;
	if (J->job.deadline != 0 && eddy_now() > J->job.deadline) return 0;
	m->left = STEPS;
	return 1;
}

static int more_here(pat_match *m, void *arg) {
	if (eddy_over(arg)) return 0;
	m->left = STEPS;
	return 1;
}

static void run_search(eddy_job *job) {
	search_job *J = (search_job *)job;
	J->m.left = STEPS;
	J->m.more = more_off;
	J->m.arg = J;
	J->result = J->needle ? pat_find(&J->m, J->at, J->needle, J->needle_len) : pat_search(&J->m, J->at, J->skip);
}

// push_job leaves a job on the stack that goes on where m was stopped; prog is NULL for a plain search.
static search_job *push_job(lua_State *L, const pat_match *m, const pat_program *prog) {
	pat_match copy = *m; // a finalizer may run below
	size_t size = prog ? prog->size : 0;
	captures caps = prog ? pl_captures_of(prog) : (captures){0, 0, 0};
	uint64_t room[CACHED_ROOM / 8];
	int small = prog != NULL && size <= sizeof room; // in the cache, perhaps; what is bigger is a userdata
	if (small) memcpy(room, prog, size);
	search_job *J = lua_newuserdatauv(L, sizeof *J + size, 0);
	memset(&J->job, 0, sizeof J->job);
	J->job.run = run_search;
	J->stop = eddy_of(L)->stop;
	J->m = copy;
	J->caps = caps;
	J->at = copy.from;
	J->skip = NULL;
	J->needle = NULL;
	J->result = PAT_STOPPED;
	if (prog != NULL) {
		memcpy(J->prog, small ? (const void *)room : prog, size);
		pat_moved(&J->m, (const pat_program *)J->prog);
	}
	return J;
}

int pl_too_costly(lua_State *L) {
	return eddy_stop(L, lua_pushfstring(L, "pattern is too costly: %s", eddy_why(eddy_of(L))));
}

int pl_may_leave(lua_State *L) {
	eddy_state *S = eddy_of(L);
	*pl_steps(L) = STEPS;
	if (eddy_over(S)) pl_too_costly(L); // does not return
	return eddy_can_yield(S, L);
}

int pl_go_on(lua_State *L, pat_match *m, const uint8_t *skip) {
	m->left = STEPS;
	m->more = more_here;
	m->arg = eddy_of(L);
	return pat_search(m, m->from, skip);
}

// --- find and match ---

// start gives the offset of a position argument, which counts from the end when it is negative.
static size_t start(lua_Integer i, size_t len) {
	if (i > 0) return (size_t)i - 1;
	if (i == 0 || i < -(lua_Integer)len) return 0;
	return len - (size_t)-i;
}

static int found(lua_State *L, const pat_match *m, captures caps, int result, int find) {
	switch (result) {
	case PAT_NONE:
		lua_pushnil(L);
		return 1;
	case PAT_STOPPED:
		return pl_too_costly(L);
	case PAT_ERROR:
		return pl_raise_fault(L, m);
	}
	if (!find) return pl_push_captures(L, m, caps, 1);
	lua_pushinteger(L, place(m, m->from));
	lua_pushinteger(L, place(m, m->to) - 1);
	return pl_push_captures(L, m, caps, 0) + 2;
}

static int find_k(lua_State *L, int status, lua_KContext find) {
	(void)status;
	search_job *J = lua_touserdata(L, 3);
	return found(L, &J->m, J->caps, J->result, (int)find);
}

static int find_plain(lua_State *L, const char *s, size_t ls, size_t init, const char *p, size_t lp) {
	if (lp > 0 && ls - init < 4096 && lp <= 16) { // little to do
		const char *q = s + init, *end = s + ls;
		while (lp <= (size_t)(end - q) && (q = memchr(q, *p, (size_t)(end - q) - lp + 1)) != NULL) {
			if (memcmp(q, p, lp) == 0) {
				lua_pushinteger(L, q - s + 1);
				lua_pushinteger(L, q - s + (lua_Integer)lp);
				return 2;
			}
			q++;
		}
		lua_pushnil(L);
		return 1;
	}
	pat_match m;
	captures none = {0, 0, 0};
	pat_begin_text(&m, s, ls);
	m.left = *pl_steps(L);
	int r = pat_find(&m, m.text + init, p, lp);
	*pl_steps(L) = m.left;
	if (r != PAT_STOPPED) return found(L, &m, none, r, 1);
	if (pl_may_leave(L)) {
		lua_settop(L, 2);
		search_job *J = push_job(L, &m, NULL);
		J->needle = p;
		J->needle_len = lp;
		return eddy_yield_job(L, &J->job, 1, find_k);
	}
	m.left = STEPS;
	m.more = more_here;
	m.arg = eddy_of(L);
	return found(L, &m, none, pat_find(&m, m.from, p, lp), 1);
}

static int find_or_match(lua_State *L, int find) {
	size_t ls, lp;
	const char *s = luaL_checklstring(L, 1, &ls);
	const char *p = luaL_checklstring(L, 2, &lp);
	size_t init = start(luaL_optinteger(L, 3, 1), ls);
	if (init > ls) {
		lua_pushnil(L);
		return 1;
	}
	if (find && (lua_toboolean(L, 4) || (lp > CACHED_TEXT && !pat_special(p, lp))))
		return find_plain(L, s, ls, init, p, lp);
	int pushed;
	int64_t *left = pl_steps(L);
	const pat_program *prog = pl_compile(L, p, lp, 1, &pushed);
	if (find && prog->plain) return find_plain(L, s, ls, init, p, lp);
	captures caps = pl_captures_of(prog);
	pat_match m;
	pat_begin(&m, prog, s, ls);
	m.left = *left;
	int r = pat_search(&m, m.text + init, NULL);
	*left = m.left;
	if (r == PAT_STOPPED) {
		if (pl_may_leave(L)) {
			search_job *J = push_job(L, &m, prog);
			lua_insert(L, 3);
			lua_settop(L, 3);
			return eddy_yield_job(L, &J->job, find, find_k);
		}
		r = pl_go_on(L, &m, NULL);
	}
	return found(L, &m, caps, r, find);
}

static int str_find(lua_State *L) { return find_or_match(L, 1); }

static int str_match(lua_State *L) { return find_or_match(L, 0); }

// --- gmatch ---

// The iterator's upvalues: the cache, the text, and this.
typedef struct {
	const char *text;
	size_t len;
	const uint8_t *at, *last; // where to go on; where the last match ended
	uint64_t prog[];
} iteration;

static int gmatch_found(lua_State *L, const pat_match *m, captures caps, int result) {
	iteration *I = lua_touserdata(L, lua_upvalueindex(3));
	switch (result) {
	case PAT_NONE:
		I->at = NULL;
		return 0;
	case PAT_STOPPED:
		return pl_too_costly(L);
	case PAT_ERROR:
		return pl_raise_fault(L, m);
	}
	I->at = I->last = m->to;
	return pl_push_captures(L, m, caps, 1);
}

static int gmatch_k(lua_State *L, int status, lua_KContext ctx) {
	(void)status;
	(void)ctx;
	search_job *J = lua_touserdata(L, 1);
	return gmatch_found(L, &J->m, J->caps, J->result);
}

static int gmatch_next(lua_State *L) {
	iteration *I = lua_touserdata(L, lua_upvalueindex(3));
	const pat_program *prog = (const pat_program *)I->prog;
	if (I->at == NULL) return 0;
	pat_match m;
	pat_begin(&m, prog, I->text, I->len);
	m.left = *pl_steps(L);
	int r = pat_search(&m, I->at, I->last);
	*pl_steps(L) = m.left;
	if (r == PAT_STOPPED) {
		if (pl_may_leave(L)) {
			lua_settop(L, 0);
			search_job *J = push_job(L, &m, prog);
			J->skip = I->last;
			return eddy_yield_job(L, &J->job, 0, gmatch_k);
		}
		r = pl_go_on(L, &m, I->last);
	}
	return gmatch_found(L, &m, pl_captures_of(prog), r);
}

static int str_gmatch(lua_State *L) {
	size_t ls, lp;
	const char *s = luaL_checklstring(L, 1, &ls);
	const char *p = luaL_checklstring(L, 2, &lp);
	size_t init = start(luaL_optinteger(L, 3, 1), ls);
	int pushed;
	uint64_t room[CACHED_ROOM / 8];
	lua_settop(L, 2);
	const pat_program *prog = pl_compile(L, p, lp, 0, &pushed);
	size_t size = prog->size;
	if (!pushed) prog = memcpy(room, prog, size);
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_pushvalue(L, 1);
	iteration *I = lua_newuserdatauv(L, sizeof *I + size, 0);
	I->text = s;
	I->len = ls;
	I->at = init > ls ? NULL : (const uint8_t *)s + init;
	I->last = NULL;
	memcpy(I->prog, prog, size);
	lua_pushcclosure(L, gmatch_next, 3);
	return 1;
}

void eddy_open_patterns(lua_State *L) {
	lua_getglobal(L, LUA_STRLIBNAME);
	cache *C = lua_newuserdatauv(L, sizeof *C, 1); // with a spare substitution
	C->left = STEPS;
	memset(C->entry, 0, sizeof C->entry);
	pat_init_classes(&C->classes);
	static const char index[] = "local t, k = ... return t[k]";
	if (luaL_loadbufferx(L, index, sizeof index - 1, "=string.gsub", "t") != LUA_OK) lua_error(L);
	static const luaL_Reg fns[] = {
		{"find", str_find}, {"match", str_match}, {"gmatch", str_gmatch}, {"gsub", pl_gsub}, {NULL, NULL}};
	luaL_setfuncs(L, fns, 2);
	lua_pop(L, 1);
}
