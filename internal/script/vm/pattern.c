#define _GNU_SOURCE // memmem
#include "pattern.h"

#include <ctype.h>
#include <string.h>

// Single bytes come with a repetition: op = kind + repetition.
enum { ONCE, MAYBE, MANY, SOME, FEW };
enum {
	CHAR = 0,
	ANY = 5,
	SET = 10,
	OPEN = 15, // a: capture
	POSITION,
	CLOSE,
	BACK,     // the text of capture a again
	BALANCED, // a ... b
	FRONTIER,
	TEXT_END,
	NEVER,
	FAULT, // a: error, b: its argument
	MATCHED
};

static int has(const pat_set *s, uint8_t c) { return s->w[c >> 6] >> (c & 63) & 1; }

static void put(pat_set *s, uint8_t c) { s->w[c >> 6] |= (uint64_t)1 << (c & 63); }

// --- compiling ---

static const char class_letters[] = "acdglpsuwxz";

static int is_zero(int c) { return c == 0; } // %z: from Lua 5.1, still understood by 5.4

void pat_init_classes(pat_classes *cl) {
	static int (*const is[PAT_CLASSES])(int) = {isalpha, iscntrl, isdigit, isgraph, islower,
	                                            ispunct, isspace, isupper, isalnum, isxdigit, is_zero};
	memset(cl, 0, sizeof *cl);
	for (int k = 0; k < PAT_CLASSES; k++)
		for (int c = 0; c < 256; c++)
			if (is[k](c)) put(&cl->set[k], (uint8_t)c);
}

// add_escape adds what %c stands for.
static void add_escape(pat_set *set, const pat_classes *cl, uint8_t c) {
	const char *k = c ? strchr(class_letters, tolower(c)) : NULL;
	if (k == NULL) {
		put(set, c);
		return;
	}
	const pat_set *s = &cl->set[k - class_letters];
	for (int i = 0; i < 4; i++) set->w[i] |= isupper(c) ? ~s->w[i] : s->w[i];
}

// add_bracket adds what [...] from p to its ']' at q stands for.
static void add_bracket(pat_set *set, const pat_classes *cl, const uint8_t *p, const uint8_t *q) {
	int negated = *++p == '^';
	for (p += negated; p < q; p++) {
		if (*p == '%') {
			add_escape(set, cl, *++p);
		} else if (p + 2 < q && p[1] == '-') {
			for (int c = *p; c <= p[2]; c++) put(set, (uint8_t)c);
			p += 2;
		} else {
			put(set, *p);
		}
	}
	if (negated)
		for (int i = 0; i < 4; i++) set->w[i] = ~set->w[i];
}

// bracket_end finds the ']' of the set that begins at p; NULL: there is none. The first byte of a set is never its end.
static const uint8_t *bracket_end(const uint8_t *p, const uint8_t *end) {
	p++;
	if (p < end && *p == '^') p++;
	do {
		if (p == end) return NULL;
		if (*p++ == '%' && p < end) p++;
	} while (p == end || *p != ']');
	return p;
}

int pat_special(const char *p, size_t n) {
	for (; n > 0; n--, p++)
		if (*p && strchr("^$*+?.([%-", *p)) return 1;
	return 0;
}

size_t pat_room(const char *p, size_t n) {
	size_t sets = 0;
	for (size_t i = 0; i < n; i++) sets += p[i] == '%' || p[i] == '[';
	return sizeof(pat_program) + (n + 2) * sizeof(pat_item) + sets * sizeof(pat_set);
}

// The compiler. Items grow from the front of the room, sets from its back.
typedef struct {
	pat_program *prog;
	const pat_classes *cl;
	pat_set *sets; // the last one made
	uint32_t nsets;
	int full;
} compiler;

static pat_item *emit(compiler *k, int op, int a, int b) {
	pat_item *it = &k->prog->item[k->prog->nitems];
	if ((char *)(it + 1) > (char *)k->sets) {
		k->full = 1;
		return it - 1; // overwritten, and the result is not used
	}
	*it = (pat_item){.op = (uint8_t)op, .a = (uint8_t)a, .b = (uint8_t)b};
	k->prog->nitems++;
	return it;
}

// new_set makes an empty set for it.
static pat_set *new_set(compiler *k, pat_item *it) {
	if ((char *)(k->sets - 1) < (char *)(it + 1)) {
		k->full = 1;
		return NULL;
	}
	it->set = k->nsets++;
	memset(--k->sets, 0, sizeof *k->sets);
	return k->sets;
}

// single compiles one byte, class or set with its repetition; it returns what follows, NULL after a fault.
static const uint8_t *single(compiler *k, const uint8_t *p, const uint8_t *end) {
	pat_item *it;
	pat_set *set;
	if (*p == '%') {
		if (++p == end) {
			emit(k, FAULT, PAT_E_ESCAPE, 0);
			return NULL;
		}
		if (*p != 0 && strchr(class_letters, tolower(*p))) {
			it = emit(k, SET, 0, 0);
			if ((set = new_set(k, it)) == NULL) return NULL;
			add_escape(set, k->cl, *p++);
		} else {
			it = emit(k, CHAR, *p++, 0);
		}
	} else if (*p == '[') {
		const uint8_t *q = bracket_end(p, end);
		if (q == NULL) {
			emit(k, FAULT, PAT_E_SET, 0);
			return NULL;
		}
		it = emit(k, SET, 0, 0);
		if ((set = new_set(k, it)) == NULL) return NULL;
		add_bracket(set, k->cl, p, q);
		p = q + 1;
	} else if (*p == '.') {
		it = emit(k, ANY, 0, 0);
		p++;
	} else {
		it = emit(k, CHAR, *p++, 0);
	}
	if (p < end && !k->full) {
		static const char marks[] = "?*+-";
		const char *r = *p ? strchr(marks, *p) : NULL;
		if (r != NULL) {
			it->op = (uint8_t)(it->op + MAYBE + (r - marks));
			p++;
		}
	}
	return p;
}

// frontier compiles %f[...]; p is behind the f.
static const uint8_t *frontier(compiler *k, const uint8_t *p, const uint8_t *end) {
	const uint8_t *q;
	if (p == end || *p != '[') {
		emit(k, FAULT, PAT_E_FRONTIER, 0);
		return NULL;
	}
	if ((q = bracket_end(p, end)) == NULL) {
		emit(k, FAULT, PAT_E_SET, 0);
		return NULL;
	}
	pat_set *set = new_set(k, emit(k, FRONTIER, 0, 0));
	if (set == NULL) return NULL;
	add_bracket(set, k->cl, p, q);
	return q + 1;
}

// element compiles what begins at p; it returns what follows, NULL after a fault.
static const uint8_t *element(compiler *k, const uint8_t *p, const uint8_t *end) {
	pat_program *g = k->prog;
	if (*p == '(') {
		int position = p + 1 < end && p[1] == ')';
		if (g->ncap == PAT_CAPTURES) {
			emit(k, FAULT, PAT_E_CAPTURES, 0);
			return NULL;
		}
		if (position) g->pos |= (uint32_t)1 << g->ncap;
		else g->open |= (uint32_t)1 << g->ncap;
		emit(k, position ? POSITION : OPEN, g->ncap++, 0);
		return p + 1 + position;
	}
	if (*p == ')') {
		int c = g->ncap - 1;
		while (c >= 0 && !(g->open >> c & 1)) c--;
		if (c < 0) {
			emit(k, FAULT, PAT_E_CLOSE, 0);
			return NULL;
		}
		g->open &= ~((uint32_t)1 << c);
		emit(k, CLOSE, c, 0);
		return p + 1;
	}
	if (*p == '$' && p + 1 == end) {
		emit(k, TEXT_END, 0, 0);
		return p + 1;
	}
	if (*p != '%' || p + 1 == end) return single(k, p, end);
	switch (p[1]) {
	case 'b':
		if (end - p < 4) {
			emit(k, FAULT, PAT_E_BALANCE, 0);
			return NULL;
		}
		emit(k, BALANCED, p[2], p[3]);
		return p + 4;
	case 'f':
		return frontier(k, p + 2, end);
	case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9': {
		int c = p[1] - '1';
		if (c < 0 || c >= g->ncap || g->open >> c & 1) {
			emit(k, FAULT, PAT_E_INDEX, c + 1);
			return NULL;
		}
		emit(k, g->pos >> c & 1 ? NEVER : BACK, c, 0);
		return p + 2;
	}
	}
	return single(k, p, end);
}

// first_item finds the item that a match's first byte must be in.
static int first_item(const pat_program *g) {
	uint32_t i = 0;
	while (g->item[i].op == OPEN || g->item[i].op == POSITION) i++;
	switch (g->item[i].op) {
	case CHAR + ONCE: case CHAR + SOME: case SET + ONCE: case SET + SOME:
		return i < INT16_MAX ? (int)i : -1;
	}
	return -1;
}

int pat_compile(pat_program *g, size_t room, const pat_classes *cl, const char *text, size_t n, int caret) {
	const uint8_t *p = (const uint8_t *)text, *end = p + n;
	if (room < sizeof *g + 2 * sizeof *g->item) return 0;
	memset(g, 0, sizeof *g);
	g->plain = !pat_special(text, n);
	room -= room % sizeof(uint64_t);
	pat_set *top = (pat_set *)((char *)g + room);
	compiler k = {.prog = g, .cl = cl, .sets = top};
	g->anchored = caret && p < end && *p == '^';
	p += g->anchored;
	while (p != NULL && p < end && !k.full) p = element(&k, p, end);
	emit(&k, MATCHED, 0, 0);
	if (k.full) return 0;
	// the sets, first made last, move down behind the items
	pat_set *to = (pat_set *)&g->item[g->nitems];
	memmove(to, k.sets, k.nsets * sizeof *to);
	for (uint32_t i = 0; i < g->nitems; i++) g->item[i].set = k.nsets - 1 - g->item[i].set;
	g->size = (uint32_t)((char *)(to + k.nsets) - (char *)g);
	g->first = (int16_t)(g->anchored ? -1 : first_item(g));
	return 1;
}

// --- matching ---

void pat_moved(pat_match *m, const pat_program *prog) {
	m->prog = prog;
	m->sets = (const pat_set *)&prog->item[prog->nitems];
}

void pat_begin_text(pat_match *m, const char *text, size_t n) {
	m->text = (const uint8_t *)text;
	m->end = m->text + n;
	m->error = 0;
	m->more = NULL;
}

void pat_begin(pat_match *m, const pat_program *prog, const char *text, size_t n) {
	pat_moved(m, prog);
	pat_begin_text(m, text, n);
}

static const uint8_t *fault(pat_match *m, int error, int arg) {
	m->error = error;
	m->error_arg = arg;
	return NULL;
}

// more is called when the steps are used up: 0 ends the match, and m->error is set.
static int more(pat_match *m) {
	if (m->more != NULL && m->more(m, m->arg)) return 1;
	m->error = -1;
	return 0;
}

#define STEP(m) (--(m)->left >= 0 || more(m))

static int charge(pat_match *m, size_t n) {
	m->left -= (int64_t)n;
	return m->left >= 0 || more(m);
}

// is_one tells whether the byte at s is one of it, a single byte with any repetition.
static inline int is_one(const pat_match *m, const uint8_t *s, const pat_item *it) {
	if (s >= m->end) return 0;
	if (it->op < ANY) return *s == it->a;
	return it->op < SET || has(&m->sets[it->set], *s);
}

// run_end finds the end of the longest run of it that begins at s; NULL: stopped.
static const uint8_t *run_end(pat_match *m, const uint8_t *s, const pat_item *it) {
	if (it->op >= ANY && it->op < SET) return m->end;
	for (;;) {
		const uint8_t *p = s, *lim = m->end - s > m->left ? s + m->left : m->end;
		if (it->op < ANY) {
			while (p < lim && *p == it->a) p++;
		} else {
			const pat_set *set = &m->sets[it->set];
			while (p < lim && has(set, *p)) p++;
		}
		m->left -= p - s;
		if (p < lim || lim == m->end) return p;
		if (!more(m)) return NULL;
		s = p;
	}
}

// balanced finds the end of a ... b at s; NULL: none, or stopped.
static const uint8_t *balanced(pat_match *m, const uint8_t *s, uint8_t a, uint8_t b) {
	if (s >= m->end || *s != a) return NULL;
	for (size_t depth = 1; ++s < m->end;) {
		if (!STEP(m)) return NULL;
		if (*s == b) {
			if (--depth == 0) return s + 1;
		} else if (*s == a) {
			depth++;
		}
	}
	return NULL;
}

// match tries the items from it on at s and returns the end of the match; NULL: none, or m->error is set. Captures
// need no undoing: each place of a pattern is reached with the same ones set, and sets its own anew.
static const uint8_t *match(pat_match *m, const uint8_t *s, const pat_item *it, int depth) {
	const uint8_t *p, *r;
	const pat_item *next;
	if (depth == 0) return fault(m, PAT_E_DEPTH, 0);
	for (;; it++) {
		if (!STEP(m)) return NULL;
		switch (it->op) {
		case MATCHED:
			return s;
		case CHAR + ONCE:
			if (s >= m->end || *s != it->a) return NULL;
			s++;
			continue;
		case ANY + ONCE:
			if (s >= m->end) return NULL;
			s++;
			continue;
		case SET + ONCE:
			if (s >= m->end || !has(&m->sets[it->set], *s)) return NULL;
			s++;
			continue;
		case CHAR + MAYBE: case ANY + MAYBE: case SET + MAYBE:
			if (!is_one(m, s, it)) continue;
			r = match(m, s + 1, it + 1, depth - 1);
			if (r != NULL || m->error) return r;
			continue;
		case CHAR + SOME: case ANY + SOME: case SET + SOME:
			if (!is_one(m, s, it)) return NULL;
			s++;
			// fall through
		case CHAR + MANY: case ANY + MANY: case SET + MANY:
			if ((p = run_end(m, s, it)) == NULL) return NULL;
			if (p == s && (it->op - MANY) % 5 == 0) continue; // nothing to choose from: no depth
			next = it + 1;
			for (;; p--) {
				// most tries end at the next byte; no need to call for these
				if (next->op != CHAR + ONCE || (p < m->end && *p == next->a)) {
					r = match(m, p, next, depth - 1);
					if (r != NULL || m->error) return r;
				} else if (!STEP(m)) {
					return NULL;
				}
				if (p == s) return NULL;
			}
		case CHAR + FEW: case ANY + FEW: case SET + FEW:
			if (!is_one(m, s, it)) continue;
			next = it + 1;
			for (;; s++) {
				if (next->op != CHAR + ONCE || (s < m->end && *s == next->a)) {
					r = match(m, s, next, depth - 1);
					if (r != NULL || m->error) return r;
				} else if (!STEP(m)) {
					return NULL;
				}
				if (!is_one(m, s, it)) return NULL;
			}
		case OPEN: case POSITION:
			m->cap[it->a] = s;
			if (--depth == 0) return fault(m, PAT_E_DEPTH, 0);
			continue;
		case CLOSE:
			m->cap_end[it->a] = s;
			if (--depth == 0) return fault(m, PAT_E_DEPTH, 0);
			continue;
		case BACK: {
			size_t n = (size_t)(m->cap_end[it->a] - m->cap[it->a]);
			if ((size_t)(m->end - s) < n || memcmp(m->cap[it->a], s, n) != 0) return NULL;
			if (!charge(m, n / 16)) return NULL;
			s += n;
			continue;
		}
		case BALANCED:
			if ((s = balanced(m, s, it->a, it->b)) == NULL) return NULL;
			continue;
		case FRONTIER:
			if (has(&m->sets[it->set], s == m->text ? 0 : s[-1]) ||
			    !has(&m->sets[it->set], s == m->end ? 0 : *s))
				return NULL;
			continue;
		case TEXT_END:
			if (s != m->end) return NULL;
			continue;
		case FAULT:
			return fault(m, it->a, it->b);
		default: // NEVER
			return NULL;
		}
	}
}

#define WINDOW ((size_t)1 << 20)

// next_start finds the first place from s on where a match can begin; end when there is none; NULL: stopped.
static const uint8_t *next_start(pat_match *m, const uint8_t *s) {
	const pat_item *it = &m->prog->item[m->prog->first];
	if (it->op >= SET) {
		const pat_set *set = &m->sets[it->set];
		for (;; s++) {
			if (s == m->end || has(set, *s)) return s;
			if (!STEP(m)) {
				m->from = s;
				return NULL;
			}
		}
	}
	while (s < m->end) {
		size_t n = (size_t)(m->end - s) < WINDOW ? (size_t)(m->end - s) : WINDOW;
		const uint8_t *p = memchr(s, it->a, n);
		if (!charge(m, (p ? (size_t)(p - s) : n) / 16)) {
			m->from = p ? p : s;
			return NULL;
		}
		if (p != NULL) return p;
		s += n;
	}
	return s;
}

int pat_search(pat_match *m, const uint8_t *s, const uint8_t *skip) {
	const pat_program *g = m->prog;
	m->error = 0;
	for (;; s++) {
		if (g->first >= 0) {
			if ((s = next_start(m, s)) == NULL) return PAT_STOPPED;
			if (s == m->end) return PAT_NONE;
		}
		m->from = s;
		const uint8_t *e = match(m, s, g->item, PAT_DEPTH);
		if (m->error) return m->error < 0 ? PAT_STOPPED : PAT_ERROR;
		if (e != NULL && e != skip) {
			m->to = e;
			return PAT_FOUND;
		}
		if (s == m->end || g->anchored) return PAT_NONE;
	}
}

int pat_find(pat_match *m, const uint8_t *s, const char *p, size_t n) {
	size_t step = n > WINDOW ? n : WINDOW;
	m->error = 0;
	while (n <= (size_t)(m->end - s)) {
		size_t len = (size_t)(m->end - s) - n < step ? (size_t)(m->end - s) : step + n;
		m->from = memmem(s, len, p, n);
		if (m->from != NULL) {
			m->to = m->from + n;
			return PAT_FOUND;
		}
		if (len < step + n) break;
		m->from = s;
		if (!charge(m, len / 16)) return PAT_STOPPED;
		s += step;
	}
	return PAT_NONE;
}
