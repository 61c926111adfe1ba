// A Lua pattern (reference manual §6.4.1), compiled, and the matcher that runs it. Nothing here knows of a Lua state,
// so that a costly match can go on without the state's lock.
#ifndef EDDY_PATTERN_H
#define EDDY_PATTERN_H

#include <stddef.h>
#include <stdint.h>

#define PAT_CAPTURES 32
#define PAT_DEPTH 200 // nested choices, as in stock Lua

// How a search ended.
enum { PAT_NONE = 0, PAT_FOUND, PAT_STOPPED, PAT_ERROR };

// What is wrong with a pattern. As in stock Lua it is told only when the match gets to that place.
enum {
	PAT_E_ESCAPE = 1, // ends with '%'
	PAT_E_SET,        // missing ']'
	PAT_E_BALANCE,    // missing arguments to '%b'
	PAT_E_FRONTIER,   // missing '[' after '%f'
	PAT_E_CAPTURES,   // more than PAT_CAPTURES
	PAT_E_CLOSE,      // ')' without '('
	PAT_E_INDEX,      // %n of no finished capture; n is in error_arg
	PAT_E_DEPTH       // too complex
};

// A set of bytes.
typedef struct {
	uint64_t w[4];
} pat_set;

// The sets of %a, %c, ...
#define PAT_CLASSES 11
typedef struct {
	pat_set set[PAT_CLASSES];
} pat_classes;

// One step of a pattern.
typedef struct {
	uint8_t op;
	uint8_t a, b; // byte, pair of bytes, capture or error
	uint32_t set; // index of its set
} pat_item;

// A compiled pattern: this head, the items, the sets. It holds no pointers, so that it may be copied.
typedef struct {
	uint32_t size;   // bytes in all
	uint32_t nitems; // the sets come behind the items
	uint32_t open;   // captures that are never closed, a bit each
	uint32_t pos;    // position captures
	int16_t ncap;
	int16_t first;   // item that the first byte of any match must be in; -1: no such item
	uint8_t anchored;
	uint8_t plain;   // no special characters: find may look for the text itself
	pat_item item[];
} pat_program;

// A match in progress and its outcome.
typedef struct pat_match {
	const pat_program *prog;
	const pat_set *sets;
	const uint8_t *text, *end;
	int64_t left;                         // steps until more is asked
	int (*more)(struct pat_match *, void *); // gives more steps, or says no with 0; NULL: no
	void *arg;
	const uint8_t *from, *to; // the match; when stopped, from is where to start again
	int32_t error, error_arg;
	const uint8_t *cap[PAT_CAPTURES], *cap_end[PAT_CAPTURES];
} pat_match;

void pat_init_classes(pat_classes *c);
int pat_special(const char *p, size_t n); // has characters with a meaning
size_t pat_room(const char *p, size_t n); // bytes that are enough for the program
// Compiles into room bytes at prog; 0: they were not enough. caret: a leading '^' anchors.
int pat_compile(pat_program *prog, size_t room, const pat_classes *cl, const char *p, size_t n, int caret);
void pat_begin(pat_match *m, const pat_program *prog, const char *text, size_t n);
void pat_begin_text(pat_match *m, const char *text, size_t n); // for pat_find
void pat_moved(pat_match *m, const pat_program *prog); // the program was copied to prog
// The first match at s or later (only at s when anchored) that does not end at skip.
int pat_search(pat_match *m, const uint8_t *s, const uint8_t *skip);
// The first place at s or later where the n bytes at p are.
int pat_find(pat_match *m, const uint8_t *s, const char *p, size_t n);

#endif
