// One Lua state as eddy uses it: the part that must be C because Lua's API unwinds with longjmp. Go calls the
// functions declared here and never Lua itself; Lua calls back through eddyGoCall (cgo.go).
#ifndef EDDY_VM_H
#define EDDY_VM_H

#include <stddef.h>
#include <stdint.h>
#include <lua.h>

// How a step of a coroutine ended.
enum {
	EDDY_DONE = 0,   // the function returned; its results are in out
	EDDY_ERROR,      // it raised an error; message and traceback are in out
	EDDY_WAIT,       // a Go function wants to wait off the lock
	EDDY_YIELD,      // the script asked to let others run, or was preempted
	EDDY_EXIT,       // a Go function ended the whole run
	EDDY_KILLED,     // it was over its time; message and traceback are in out
	EDDY_JOB,        // C work wants to run off the lock: eddy_job_run
	EDDY_ENDED = 16  // added to the above: the coroutine is already put away
};

// What a Go function tells the trampoline.
enum { EDDY_RC_OK = 0, EDDY_RC_ERROR, EDDY_RC_WAIT, EDDY_RC_YIELD, EDDY_RC_EXIT };

// One argument of a Lua-to-Go call. p points into the Lua stack's string and lives as long as the call.
typedef struct {
	int32_t kind; // enum below
	int32_t isfloat;
	int64_t i;
	double n;
	const char *p;
	size_t len;
} eddy_arg;

enum { EDDY_NIL = 0, EDDY_BOOL, EDDY_INT, EDDY_NUM, EDDY_STR, EDDY_TABLE, EDDY_FUNC, EDDY_OWNED, EDDY_OTHER };

// Tags of the flat encoding that carries values across the boundary (codec.go is the other side).
enum {
	EDDY_T_NIL = 0, EDDY_T_FALSE, EDDY_T_TRUE, EDDY_T_INT, EDDY_T_NUM, EDDY_T_STR,
	EDDY_T_TABLE,  // u32 array length, u32 pairs, values, then key and value in turn
	EDDY_T_OWNED,  // int64 handle: a userdata that lets go of it when collected
	EDDY_T_REF,    // int64 registry reference
	EDDY_T_OTHER   // a value that cannot cross (C to Go only)
};

#define EDDY_CLASSES 32 // sizes of small memory, 16 bytes apart
#define EDDY_MAX_ARGS 64
#define EDDY_MAX_DEPTH 32

typedef struct eddy_buf {
	char *p;
	size_t len, cap;
	int32_t strange; // something that can't cross was encoded, see EDDY_T_OTHER; for those who set it to 0 before
} eddy_buf;

// Work that C does without the lock.
typedef struct eddy_job {
	void (*run)(struct eddy_job *);
	int64_t deadline; // monotonic ns, 0: none
	int32_t cancel;   // set by Go from any thread
} eddy_job;

typedef struct eddy_state {
	uintptr_t owner; // the Go *State; C only hands it back
	lua_State *L;
	size_t mem, mem_max;
	struct eddy_piece *pieces[EDDY_CLASSES];
	struct eddy_slab *slabs;
	char *slab_at;
	size_t slab_left;

	eddy_arg args[EDDY_MAX_ARGS]; // of the Go function being called
	eddy_buf ret;                 // what it returns, encoded
	eddy_buf out;                 // results or error text of a step, encoded
	eddy_buf table;               // a table argument, encoded
	eddy_buf emitted;             // what emitters noted: a code byte and encoded arguments, again and again
	eddy_buf packed;              // a value that travels to another state, see travel.c
	lua_State *cur;               // the coroutine that called it

	int32_t reason;   // why the running step yields; 0: the script did it itself
	int32_t blocked;  // >0: an outer coroutine of this step cannot yield
	int32_t *waiters; // in Go's pinned memory: others who want the lock
	int32_t *stop;    // likewise: every run must end
	int32_t closing;  // the run has ended, what runs now (closing values and the like) has until deadline
	int32_t cancel;   // the step's context has ended
	int32_t killing;  // the step must not go on: EDDY_KILLED (why is in out), EDDY_EXIT, or 0
	int32_t nbusy;    // inner coroutines suspended by the engine, ever > 0 only while some are
	int32_t hook_count; // instructions between two calls of the hook; 0: it is called only when a step takes long
	uint32_t seq;       // odd while a step runs; read by Go atomically
	int32_t tid;        // the thread that runs it, likewise
	lua_State *volatile inner; // the coroutine that runs, innermost; read by the signal handler of that thread
	int64_t deadline; // monotonic ns when the running step is over its time; 0: never
	int64_t slice;    // monotonic ns when the step goes back to Go in any case
	int64_t ran;      // ns that the last step ran; not kept of one that ended the run
	int32_t coarse;   // the next step's start may be off by some ms: a cheaper clock
	uint32_t steps;   // so far
	int64_t spent;    // ns that the last step stands for in statistics, see step()
	volatile int32_t ticked; // the step that runs got a tick
	lua_State *begun; // the coroutine of the last eddy_start
	eddy_job *job;

	// bytes that a step may hand to Lua without asking Go
	int64_t view_handle;
	const char *view;
	size_t view_len;
	const uint32_t *spans; // offset, length pairs
	int32_t nspans;       // 0: the step has no view
	const int64_t *facts; // numbers about the view
	int32_t nfacts;

	lua_State **idle; // coroutines ready for use
	int32_t nidle, capidle;
	char where[256];
	int32_t where_found; // by who called the Go function
} eddy_state;

eddy_state *eddy_new(uintptr_t owner, int32_t *waiters, int32_t *stop, size_t mem_max, int hook_count);
void eddy_free(eddy_state *S);
int eddy_tick_signal(void); // sent to tid: the step that runs there, if one does, is to come to the hook
int eddy_openlibs(eddy_state *S, const char *names); // "base,table,..." ; 0 ok, else error in out

// A step's result: status is one of EDDY_DONE...; co identifies the coroutine while it is suspended.
typedef struct {
	int32_t status;
	lua_State *co;
} eddy_step;

// eddy_start leaves the coroutine that it has begun in S->begun. S is a number here so that cgo need not look into it.
int eddy_start(uintptr_t S, int64_t fn, const char *args, size_t nargs, int64_t budget, int64_t view_handle,
               const char *view, size_t view_len, const uint32_t *spans, int nspans, const int64_t *facts, int nfacts);
int eddy_resume(eddy_state *S, lua_State *co, const char *vals, size_t nvals, int64_t budget, int64_t view_handle,
                const char *view, size_t view_len, const uint32_t *spans, int nspans, const int64_t *facts, int nfacts);
void eddy_drop(eddy_state *S, lua_State *co); // ends a suspended coroutine
void eddy_job_run(eddy_job *job);

// Loaders leave a registry reference in *ref; non-zero: error text in out.
int eddy_load(eddy_state *S, const char *name, const char *src, size_t len, int64_t *ref);
// Runs a chunk at once, without yields or limits, with the private table as first argument.
int eddy_prelude(eddy_state *S, const char *name, const char *src, size_t len);
int eddy_register(eddy_state *S, const char *name, int fn);
void eddy_unref(eddy_state *S, int64_t ref);
int eddy_global_ref(eddy_state *S, const char *name, int64_t *ref);

// For use inside a Go function only.
int eddy_arg_table(eddy_state *S, int i);               // encodes argument i into table; non-zero: too deep or too big
int eddy_arg_ref(eddy_state *S, int i, int64_t *ref);
const char *eddy_where(eddy_state *S);                   // "script:line" of the caller
int eddy_ret_grow(eddy_state *S, size_t need);
int eddy_arg_pack(eddy_state *S, int i, const char *name); // argument i into packed, the known values it uses into table

// Travel: see travel.c.
int eddy_known(eddy_state *S); // from now on what is there travels by name
int eddy_knows(eddy_state *S, const char *name);
int eddy_unpack(eddy_state *S, const char *p, size_t len, int64_t *ref);

const char *eddy_ident(void); // what the Lua library says of itself: "$LuaVersion: Lua 5.4.6  Copyright ..."
size_t eddy_gc_count(eddy_state *S);
int eddy_gc_full(eddy_state *S);

// For other C files of the package.
void *eddy_alloc(void *ud, void *p, size_t osize, size_t nsize);
void eddy_free_slabs(eddy_state *S);
eddy_state *eddy_of(lua_State *L);
int eddy_can_yield(eddy_state *S, lua_State *L);
int eddy_yield_job(lua_State *L, eddy_job *job, lua_KContext ctx, lua_KFunction k);
int64_t eddy_now(void);
int eddy_over(eddy_state *S); // true when the running step must stop; cheap enough for every few thousand steps
int eddy_stop(lua_State *L, const char *why); // ends the run as over its time: "return eddy_stop(...)"
const char *eddy_why(eddy_state *S);          // in words, why eddy_over is true
void eddy_open_coroutine(lua_State *L);
void eddy_open_loaders(lua_State *L);
void eddy_open_patterns(lua_State *L);
void eddy_open_tables(lua_State *L);
void eddy_open_window(lua_State *L); // into the table on top
void eddy_open_emit(lua_State *L);   // likewise

#endif
