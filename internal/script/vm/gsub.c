// string.gsub. Its callbacks can wait: what is needed to go on is then in a userdata.
#include "patterns.h"

#include <lauxlib.h>
#include <string.h>

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
			pl_push_capture(L, &G->m, G->caps, *p - '1');
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
		pl_push_capture(L, &G->m, G->caps, 0);
		lua_rawget(L, REPLACEMENT);
		return;
	case BY_TABLE: // a Lua function indexes it, because that can wait
		lua_pushvalue(L, lua_upvalueindex(2));
		lua_pushvalue(L, REPLACEMENT);
		pl_push_capture(L, &G->m, G->caps, 0);
		lua_callk(L, 2, 1, AFTER_CALL, gsub_k);
		return;
	}
	lua_pushvalue(L, REPLACEMENT);
	lua_callk(L, pl_push_captures(L, &G->m, G->caps, 1), 1, AFTER_CALL, gsub_k);
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
	*pl_steps(L) = G->m.left;
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
			if (pl_may_leave(L)) {
				G = keep(L, G);
				memset(&G->job, 0, sizeof G->job);
				G->job.run = run_sub;
				G->stop = eddy_of(L)->stop;
				return eddy_yield_job(L, &G->job, AFTER_JOB, gsub_k);
			}
			r = pl_go_on(L, &G->m, G->last);
			G->m.more = NULL;
		}
		if (r == PAT_STOPPED) return pl_too_costly(L);
		if (r == PAT_ERROR) return pl_raise_fault(L, &G->m);
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
		if (G->result == PAT_STOPPED) return pl_too_costly(L);
		G->m.left = STEPS;
		G->m.more = NULL;
		return gsub_loop(L, G, G->result);
	}
	take_value(L, G);
	G->src = G->last = G->m.to;
	if (++G->n >= G->max || G->m.prog->anchored) return gsub_end(L, G);
	return gsub_loop(L, G, pat_search(&G->m, G->src, G->last));
}

int pl_gsub(lua_State *L) {
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
	const pat_program *prog = pl_compile(L, p, lp, 1, &pushed);
	if (pushed) lua_replace(L, PATTERN); // anchored there; the text has served
	else prog = memcpy(G->prog, prog, prog->size);
	pat_begin(&G->m, prog, s, ls);
	G->m.left = *pl_steps(L);
	G->caps = pl_captures_of(prog);
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
