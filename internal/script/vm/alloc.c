// Memory for one state. Lua makes and drops small objects all the time, on whichever thread happens to run it; malloc's
// per-thread caches are of little use to that. Small sizes come from slabs of the state's own, whose free pieces are kept
// in a list for each size; slabs go back when the state is closed. The rest is malloc's.
//
// What Lua asked for is counted, and refused beyond mem_max: Lua then collects, and raises "not enough memory" if
// that does not help.
#include <stdlib.h>
#include <string.h>

#include "vm.h"

#define GRAIN 16
#define SLAB (64u << 10)

typedef struct eddy_piece {
	struct eddy_piece *next;
} piece;

// A slab begins with the link to the one before it; pieces follow at multiples of GRAIN.
typedef struct eddy_slab {
	struct eddy_slab *next;
	char pad[GRAIN - sizeof(void *)];
} slab;

static int small(size_t n) { return n <= GRAIN * EDDY_CLASSES; }

static size_t class_of(size_t n) { return (n - 1) / GRAIN; }

static void *take(eddy_state *S, size_t n) {
	size_t c = class_of(n);
	piece *p = S->pieces[c];
	if (p != NULL) {
		S->pieces[c] = p->next;
		return p;
	}
	size_t size = (c + 1) * GRAIN;
	if (S->slab_left < size) {
		slab *s = malloc(SLAB);
		if (s == NULL) return NULL;
		s->next = S->slabs;
		S->slabs = s;
		S->slab_at = (char *)(s + 1);
		S->slab_left = SLAB - sizeof *s;
	}
	void *q = S->slab_at;
	S->slab_at += size;
	S->slab_left -= size;
	return q;
}

static void give(eddy_state *S, void *p, size_t n) {
	piece *q = p;
	size_t c = class_of(n);
	q->next = S->pieces[c];
	S->pieces[c] = q;
}

void *eddy_alloc(void *ud, void *p, size_t osize, size_t nsize) {
	eddy_state *S = ud;
	if (p == NULL) osize = 0; // then osize is a type tag
	if (nsize == 0) {
		if (p == NULL) return NULL;
		S->mem -= osize;
		if (small(osize)) give(S, p, osize);
		else free(p);
		return NULL;
	}
	if (nsize > osize && S->mem_max != 0 && S->mem - osize + nsize > S->mem_max) return NULL;
	void *q;
	if (p == NULL) {
		q = small(nsize) ? take(S, nsize) : malloc(nsize);
		if (q == NULL) return NULL;
	} else if (small(osize) && small(nsize) && class_of(osize) == class_of(nsize)) {
		q = p;
	} else if (!small(osize) && !small(nsize)) {
		q = realloc(p, nsize);
		if (q == NULL) return NULL;
	} else {
		q = small(nsize) ? take(S, nsize) : malloc(nsize);
		if (q == NULL) return NULL; // also when shrinking, where no slab can be had: Lua 5.4 takes that as an error
		memcpy(q, p, osize < nsize ? osize : nsize);
		if (small(osize)) give(S, p, osize);
		else free(p);
	}
	S->mem += nsize - osize;
	return q;
}

void eddy_free_slabs(eddy_state *S) {
	for (slab *s = S->slabs; s != NULL;) {
		slab *next = s->next;
		free(s);
		s = next;
	}
}
