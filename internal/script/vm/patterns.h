// What patterns.c and gsub.c share. Every Lua function of theirs has the cache of compiled patterns as its first
// upvalue; the functions declared here need that.
#ifndef EDDY_PATTERNS_H
#define EDDY_PATTERNS_H

#include "pattern.h"
#include "vm.h"

// Steps before a match leaves the lock, and between two looks at the clock: some 0.3 ms. They are counted over all
// calls, because the hook, which counts instructions, lets thousands of calls by before it looks.
#define STEPS 100000

#define CACHED_ROOM 600 // bytes of the biggest program that is cached

// What is needed of a program when the captures are taken.
typedef struct {
	int ncap;
	uint32_t open, pos;
} captures;

captures pl_captures_of(const pat_program *g);

// The program of a pattern. One that the cache cannot hold is left on the stack as a userdata; *pushed tells.
const pat_program *pl_compile(lua_State *L, const char *p, size_t n, int caret, int *pushed);

int64_t *pl_steps(lua_State *L); // what is left of the count

// Pushes capture i; the first of none is the whole match. It raises what is wrong.
void pl_push_capture(lua_State *L, const pat_match *m, captures c, int i);
// Pushes all and returns their number; whole: the whole match when there are none.
int pl_push_captures(lua_State *L, const pat_match *m, captures c, int whole);

int pl_raise_fault(lua_State *L, const pat_match *m); // raises m->error
int pl_too_costly(lua_State *L);                      // ends the run
// Whether a search that was stopped can go on off the lock. It begins a new count, and ends a run that is over its time.
int pl_may_leave(lua_State *L);
// Continues m with the lock held, where a yield is impossible.
int pl_go_on(lua_State *L, pat_match *m, const uint8_t *skip);

int pl_gsub(lua_State *L); // string.gsub

#endif
