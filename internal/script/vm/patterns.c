// string.find, match, gmatch and gsub over pattern.h. Lua's own cannot be stopped: no hook runs inside of a C
// function, and ("a"):rep(40):find((".-"):rep(12).."b") goes on for years with the state's lock held. Here a match
// has a small number of steps. When they are used up it goes on off the lock as a job, until the run's time is over;
// where the coroutine cannot yield it goes on with the lock and looks at the clock.
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <string.h>

#include "pattern.h"
#include "vm.h"

// Steps before a match leaves the lock, and between two looks at the clock: some 0.3 ms. They are counted over all
// calls, because the hook, which counts instructions, lets thousands of calls by before it looks.
#define STEPS 100000

// --- compiled patterns ---

#define CACHED_TEXT 64
#define CACHED_ROOM 600
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

// compile gives the program of a pattern. One that the cache cannot hold is left on the stack as a userdata; *pushed
// tells.
static const pat_program *compile(lua_State *L, const char *p, size_t n, int caret, int *pushed) {
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

static int raise_fault(lua_State *L, const pat_match *m) {
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

// What is needed of a program when the captures are taken.
typedef struct {
	int ncap;
	uint32_t open, pos;
} captures;

static captures captures_of(const pat_program *g) { return (captures){g->ncap, g->open, g->pos}; }

static lua_Integer place(const pat_match *m, const uint8_t *p) { return p - m->text + 1; }

// push_capture pushes capture i; the first of none is the whole match.
static void push_capture(lua_State *L, const pat_match *m, captures c, int i) {
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

// push_captures pushes all; whole: the whole match when there are none.
static int push_captures(lua_State *L, const pat_match *m, captures c, int whole) {
	int n = c.ncap == 0 && whole ? 1 : c.ncap;
	luaL_checkstack(L, n, "too many captures");
	for (int i = 0; i < n; i++) push_capture(L, m, c, i);
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
	captures caps = prog ? captures_of(prog) : (captures){0, 0, 0};
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

static int too_costly(lua_State *L) {
	return eddy_stop(L, lua_pushfstring(L, "pattern is too costly: %s", eddy_why(eddy_of(L))));
}

// may_leave tells whether a search that was stopped can go on off the lock. It begins a new count.
static int may_leave(lua_State *L) {
	eddy_state *S = eddy_of(L);
	cache_of(L)->left = STEPS;
	if (eddy_over(S)) too_costly(L); // does not return
	return eddy_can_yield(S, L);
}

// go_on continues m with the lock held, where a yield is impossible.
static int go_on(lua_State *L, pat_match *m, const uint8_t *skip) {
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
		return too_costly(L);
	case PAT_ERROR:
		return raise_fault(L, m);
	}
	if (!find) return push_captures(L, m, caps, 1);
	lua_pushinteger(L, place(m, m->from));
	lua_pushinteger(L, place(m, m->to) - 1);
	return push_captures(L, m, caps, 0) + 2;
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
	m.left = cache_of(L)->left;
	int r = pat_find(&m, m.text + init, p, lp);
	cache_of(L)->left = m.left;
	if (r != PAT_STOPPED) return found(L, &m, none, r, 1);
	if (may_leave(L)) {
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
	const pat_program *prog = compile(L, p, lp, 1, &pushed);
	if (find && prog->plain) return find_plain(L, s, ls, init, p, lp);
	captures caps = captures_of(prog);
	pat_match m;
	pat_begin(&m, prog, s, ls);
	m.left = cache_of(L)->left;
	int r = pat_search(&m, m.text + init, NULL);
	cache_of(L)->left = m.left;
	if (r == PAT_STOPPED) {
		if (may_leave(L)) {
			search_job *J = push_job(L, &m, prog);
			lua_insert(L, 3);
			lua_settop(L, 3);
			return eddy_yield_job(L, &J->job, find, find_k);
		}
		r = go_on(L, &m, NULL);
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
		return too_costly(L);
	case PAT_ERROR:
		return raise_fault(L, m);
	}
	I->at = I->last = m->to;
	return push_captures(L, m, caps, 1);
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
	m.left = cache_of(L)->left;
	int r = pat_search(&m, I->at, I->last);
	cache_of(L)->left = m.left;
	if (r == PAT_STOPPED) {
		if (may_leave(L)) {
			lua_settop(L, 0);
			search_job *J = push_job(L, &m, prog);
			J->skip = I->last;
			return eddy_yield_job(L, &J->job, 0, gmatch_k);
		}
		r = go_on(L, &m, I->last);
	}
	return gmatch_found(L, &m, captures_of(prog), r);
}

static int str_gmatch(lua_State *L) {
	size_t ls, lp;
	const char *s = luaL_checklstring(L, 1, &ls);
	const char *p = luaL_checklstring(L, 2, &lp);
	size_t init = start(luaL_optinteger(L, 3, 1), ls);
	int pushed;
	uint64_t room[CACHED_ROOM / 8];
	lua_settop(L, 2);
	const pat_program *prog = compile(L, p, lp, 0, &pushed);
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

// --- gsub ---

enum { BY_TEXT, BY_RAW_TABLE, BY_TABLE, BY_FUNCTION };
enum { AFTER_JOB, AFTER_CALL };

// Stack slots of gsub.
enum { SUBJECT = 1, PATTERN, REPLACEMENT, OUTPUT, SELF };

// A substitution in progress. It is on C's stack while nothing can yield, else a userdata in SELF.
typedef struct {
	eddy_job job;
	int32_t *stop;
	pat_match m;
	captures caps;
	const uint8_t *src;  // what is before it is done
	const uint8_t *last; // where the last match ended
	lua_Integer n, max;
	int how, changed, kept, result; // kept: it is a userdata
	const char *repl;
	size_t repl_len;
	int repl_plain; // without '%'
	char *out;      // small, or a userdata in OUTPUT
	size_t len, cap;
	char small[512];
	uint64_t prog[CACHED_ROOM / 8]; // the program, when it came from the cache
} substitution;

static void append(lua_State *L, substitution *G, const void *p, size_t n) {
	if (n > G->cap - G->len) {
		size_t cap = G->cap * 2 - G->len < n ? G->len + n : G->cap * 2;
		char *out = lua_newuserdatauv(L, cap, 0);
		memcpy(out, G->out, G->len);
		lua_replace(L, OUTPUT);
		G->out = out;
		G->cap = cap;
	}
	memcpy(G->out + G->len, p, n);
	G->len += n;
	G->m.left -= (int64_t)(n / 16);
}

// append_text appends the replacement text with its %0 ... %9 filled in.
static void append_text(lua_State *L, substitution *G) {
	const char *p = G->repl, *end = p + G->repl_len, *q;
	while ((q = memchr(p, '%', (size_t)(end - p))) != NULL) {
		append(L, G, p, (size_t)(q - p));
		p = q + 1;
		if (p < end && *p == '%') {
			append(L, G, p, 1);
		} else if (p < end && *p == '0') {
			append(L, G, G->m.from, (size_t)(G->m.to - G->m.from));
		} else if (p < end && *p >= '1' && *p <= '9') {
			size_t n;
			push_capture(L, &G->m, G->caps, *p - '1');
			const char *s = lua_tolstring(L, -1, &n);
			append(L, G, s, n);
			lua_pop(L, 1);
		} else {
			luaL_error(L, "invalid use of '%%' in replacement string");
		}
		p++;
	}
	append(L, G, p, (size_t)(end - p));
}

static int gsub_k(lua_State *L, int status, lua_KContext ctx);

// replace_it begins with the replacement of the match that was found; it leaves a value for take_value unless the
// replacement is a text.
static void replace_it(lua_State *L, substitution *G) {
	append(L, G, G->src, (size_t)(G->m.from - G->src));
	switch (G->how) {
	case BY_TEXT:
		if (G->repl_plain) append(L, G, G->repl, G->repl_len);
		else append_text(L, G);
		G->changed = 1;
		return;
	case BY_RAW_TABLE:
		push_capture(L, &G->m, G->caps, 0);
		lua_rawget(L, REPLACEMENT);
		return;
	case BY_TABLE: // a Lua function indexes it, because that can wait
		lua_pushvalue(L, lua_upvalueindex(2));
		lua_pushvalue(L, REPLACEMENT);
		push_capture(L, &G->m, G->caps, 0);
		lua_callk(L, 2, 1, AFTER_CALL, gsub_k);
		return;
	}
	lua_pushvalue(L, REPLACEMENT);
	lua_callk(L, push_captures(L, &G->m, G->caps, 1), 1, AFTER_CALL, gsub_k);
}

// take_value puts the value on the stack's top in the match's place; nil and false leave the match as it is.
static void take_value(lua_State *L, substitution *G) {
	if (!lua_toboolean(L, -1)) {
		append(L, G, G->m.from, (size_t)(G->m.to - G->m.from));
	} else if (!lua_isstring(L, -1)) {
		luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
	} else {
		size_t n;
		const char *s = lua_tolstring(L, -1, &n);
		append(L, G, s, n);
		G->changed = 1;
	}
	lua_pop(L, 1);
}

static int gsub_end(lua_State *L, substitution *G) {
	if (G->changed) {
		append(L, G, G->src, (size_t)(G->m.end - G->src));
		lua_pushlstring(L, G->out, G->len);
	} else {
		lua_pushvalue(L, SUBJECT);
	}
	lua_pushinteger(L, G->n);
	cache_of(L)->left = G->m.left;
	if (G->kept) {
		lua_pushvalue(L, SELF);
		lua_setiuservalue(L, lua_upvalueindex(1), 1);
	}
	return 2;
}

// new_self leaves a substitution in SELF: the spare one, or a new one.
static substitution *new_self(lua_State *L) {
	if (lua_getiuservalue(L, lua_upvalueindex(1), 1) == LUA_TUSERDATA) {
		lua_pushnil(L);
		lua_setiuservalue(L, lua_upvalueindex(1), 1);
	} else {
		lua_pop(L, 1);
		lua_newuserdatauv(L, sizeof(substitution), 0);
	}
	lua_replace(L, SELF);
	return lua_touserdata(L, SELF);
}

// keep moves G to a userdata, so that it outlives a yield.
static substitution *keep(lua_State *L, substitution *G) {
	if (G->kept) return G;
	substitution *K = new_self(L);
	*K = *G;
	K->kept = 1;
	if (G->out == G->small) K->out = K->small;
	if (G->m.prog == (const pat_program *)G->prog) pat_moved(&K->m, (const pat_program *)K->prog);
	return K;
}

static int more_sub(pat_match *m, void *arg) {
	substitution *G = arg;
	if (__atomic_load_n(&G->job.cancel, __ATOMIC_RELAXED) || __atomic_load_n(G->stop, __ATOMIC_RELAXED)) return 0;
	if (G->job.deadline != 0 && eddy_now() > G->job.deadline) return 0;
	m->left = STEPS;
	return 1;
}

static void run_sub(eddy_job *job) {
	substitution *G = (substitution *)job;
	G->m.left = STEPS;
	G->m.more = more_sub;
	G->m.arg = G;
	G->result = pat_search(&G->m, G->m.from, G->last);
}

// gsub_loop goes on with the outcome r of the last search. Steps are counted over all matches, so that many cheap ones
// let others run too.
static int gsub_loop(lua_State *L, substitution *G, int r) {
	for (;;) {
		if (r == PAT_STOPPED) {
			if (may_leave(L)) {
				G = keep(L, G);
				memset(&G->job, 0, sizeof G->job);
				G->job.run = run_sub;
				G->stop = eddy_of(L)->stop;
				return eddy_yield_job(L, &G->job, AFTER_JOB, gsub_k);
			}
			r = go_on(L, &G->m, G->last);
			G->m.more = NULL;
		}
		if (r == PAT_STOPPED) return too_costly(L);
		if (r == PAT_ERROR) return raise_fault(L, &G->m);
		if (r == PAT_NONE) return gsub_end(L, G);
		replace_it(L, G);
		if (G->how != BY_TEXT) take_value(L, G);
		G->src = G->last = G->m.to;
		if (++G->n >= G->max || G->m.prog->anchored) return gsub_end(L, G);
		r = pat_search(&G->m, G->src, G->last);
	}
}

static int gsub_k(lua_State *L, int status, lua_KContext ctx) {
	(void)status;
	substitution *G = lua_touserdata(L, SELF);
	if (ctx == AFTER_JOB) {
		if (G->result == PAT_STOPPED) return too_costly(L);
		G->m.left = STEPS;
		G->m.more = NULL;
		return gsub_loop(L, G, G->result);
	}
	take_value(L, G);
	G->src = G->last = G->m.to;
	if (++G->n >= G->max || G->m.prog->anchored) return gsub_end(L, G);
	return gsub_loop(L, G, pat_search(&G->m, G->src, G->last));
}

static int str_gsub(lua_State *L) {
	size_t ls, lp;
	const char *s = luaL_checklstring(L, SUBJECT, &ls);
	const char *p = luaL_checklstring(L, PATTERN, &lp);
	int type = lua_type(L, REPLACEMENT);
	luaL_argexpected(L, type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION || type == LUA_TTABLE,
	                 REPLACEMENT, "string/function/table");
	lua_Integer max = luaL_optinteger(L, 4, (lua_Integer)ls + 1);
	lua_settop(L, 3);
	lua_pushnil(L);
	lua_pushnil(L);
	int how = BY_TEXT;
	if (type == LUA_TFUNCTION) {
		how = BY_FUNCTION;
	} else if (type == LUA_TTABLE) {
		how = BY_RAW_TABLE;
		if (lua_getmetatable(L, REPLACEMENT)) {
			how = BY_TABLE;
			lua_pop(L, 1);
		}
	}
	substitution here, *G = how < BY_TABLE ? &here : new_self(L);
	int pushed;
	const pat_program *prog = compile(L, p, lp, 1, &pushed);
	if (pushed) lua_replace(L, PATTERN); // anchored there; the text has served
	else prog = memcpy(G->prog, prog, prog->size);
	pat_begin(&G->m, prog, s, ls);
	G->m.left = cache_of(L)->left;
	G->caps = captures_of(prog);
	G->how = how;
	G->kept = G != &here;
	G->src = G->m.text;
	G->last = NULL;
	G->n = 0;
	G->max = max;
	G->changed = 0;
	G->out = G->small;
	G->len = 0;
	G->cap = sizeof G->small;
	if (how == BY_TEXT) {
		G->repl = lua_tolstring(L, REPLACEMENT, &G->repl_len);
		G->repl_plain = memchr(G->repl, '%', G->repl_len) == NULL;
	}
	if (max <= 0) return gsub_end(L, G);
	return gsub_loop(L, G, pat_search(&G->m, G->src, NULL));
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
		{"find", str_find}, {"match", str_match}, {"gmatch", str_gmatch}, {"gsub", str_gsub}, {NULL, NULL}};
	luaL_setfuncs(L, fns, 2);
	lua_pop(L, 1);
}
