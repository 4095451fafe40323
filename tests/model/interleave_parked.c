// tests/model/interleave_parked.c - every interleaving of taking a thread's cache (local/parked.h).
//
// One thread that makes fast and slow paths, sleeps in any of them and outside, and ends; one taker
// that tries several times. A cache is shared when the thread is in the middle of an operation on
// it after it was taken. What the search proves of ours:
//   shared  a taken cache is never used by the thread it was taken from
//   twice   no cache is given up by both
//   lost    in the end every cache was given up by somebody, and a thread that lives has one that
//           it finds, or may make another
// All sleeps have the same stack pointer: the taker cannot tell them apart by it. What the kernel
// saved of an interrupted fast path lies on the stack until that is over, also when its handler has
// returned: fast paths write nothing there. Without that the search finds a cache shared, with two
// handlers one after the other and the reading between them. Then the same for
// protocols with one piece broken each: the search has to find what is wrong with them.
#include "tests/model/interleave.h"

enum { ROUNDS = 6, ATTEMPTS = 3, CACHE_NO = 0 };

enum piece {
    SECOND_PROOF = 1,     // asleep, asked again after the pointers were put away
    LOOK_INSIDE = 2,      // root.inside has to be 0
    READ_STACK = 4,       // no fast path may be under way below a handler
    LOOK_POPS = 8,        // pops have to find none still
    PUT_AWAY_FIRST = 16,  // before the proof, not after it
    LOCK_EXIT = 32,       // an ending thread takes the lock of the roots
    PUT_BACK = 64,
    FRAME_STAYS = 128,  // see above
    ALL = 255,
};
static unsigned pieces;

enum wrong { NOTHING, SHARED, TWICE, LOST };
static const char *const wrong_names[] = {"nothing", "shared", "twice", "lost"};

static const struct variant {
    const char *name;
    unsigned    missing, expected;
} variants[] = {
    {"ours", 0, 0},
    {"asleep is not asked again", SECOND_PROOF, 1 << SHARED},
    {"slow paths are not looked for", LOOK_INSIDE, 1 << SHARED},
    {"the stack is not read", READ_STACK, 1 << SHARED},
    {"a cache woken meanwhile is not looked for", LOOK_POPS, 1 << SHARED},
    {"a handler's frame goes with it", FRAME_STAYS, 1 << SHARED},
    {"the pointers are put away after the proof", PUT_AWAY_FIRST, 1 << SHARED},
    {"a thread ends without the lock", LOCK_EXIT, 1 << LOST},
    {"the pointers are not put back", PUT_BACK, 1 << LOST},
};

// The thread: where it is.
enum at {
    OUTSIDE,
    FAST_LOADED,   // it has the pointer
    FAST_HANDLER,  // a signal handler interrupted it there
    SLOW_ENTERED,  // inside counts
    SLOW_LOADED,   // it has the cache, or none
    SLOW_WOKEN,    // pops find it
    SLOW_DONE,     // the work is done; inside counts still
    EXIT_BEGUN,    // BARE
    EXIT_LOCKED,
    EXIT_READ,  // it knows its cache
    EXIT_CLEARED,
    ENDED,
};
// The taker: the next step.
enum taking {
    REST,
    ASK,
    PUT_CACHE,
    PUT_POPS,
    ASK_AGAIN,
    READ,
    ASK_LAST,
    SEE_INSIDE,
    SEE_POPS,
    TAKE,
    RESTORE,
    UNLOCK,
};
enum holder { NOBODY, THREAD, TAKER };

struct parked {
    uint8_t used;                        // 1
    uint8_t at, asleep, rounds, held;    // held: the cache in the thread's register
    uint8_t frame;                       // of a handler, above a fast path
    uint8_t cache, pops, inside, taken;  // the root; caches are numbered from 1
    uint8_t seat_cache, owned;           // whose pointer the seat has
    uint8_t lock;                        // enum holder
    uint8_t taking, attempts;
    uint8_t given_up[ROUNDS + 3];  // how often, by number
    uint8_t caches;                // made so far
    uint8_t wrong;
};
_Static_assert(sizeof(struct parked) <= INTERLEAVE_BYTES, "the state does not fit");

static bool has(enum piece piece) {
    return (pieces & piece) != 0;
}

static void give_up(struct parked *p, unsigned cache) {
    if (++p->given_up[cache] > 1)
        p->wrong = TWICE;
}

// In the middle of an operation it must not be another's.
static void use(struct parked *p) {
    if (p->held != CACHE_NO && p->given_up[p->held])
        p->wrong = SHARED;
}

// --- the thread ---------------------------------------------------------------------------------

static void give_birth(struct parked *p) {
    p->cache = p->pops = p->seat_cache = p->held = ++p->caches;
    p->taken = 0;
    p->owned = 1;
}

static void load_cache(struct parked *p) {
    p->held = p->cache;
    if (p->held == CACHE_NO && p->taken)
        give_birth(p);
    p->at = SLOW_LOADED;
}

static void leave(struct parked *p) {
    p->inside--;
    p->held = CACHE_NO;
    p->at = OUTSIDE;
}

static bool lock_for_exit(struct parked *p) {
    if (!(pieces & LOCK_EXIT)) {
        p->at = EXIT_LOCKED;
        return true;
    }
    if (p->lock != NOBODY)
        return false;
    p->lock = THREAD;
    p->at = EXIT_LOCKED;
    return true;
}

static void end_exit(struct parked *p) {
    if (pieces & LOCK_EXIT)
        p->lock = NOBODY;
    if (p->held != CACHE_NO)
        give_up(p, p->held);
    p->held = CACHE_NO;
    p->at = ENDED;
}

static bool go_on(struct parked *p) {
    switch (p->at) {
    case FAST_LOADED:
        use(p);
        p->held = CACHE_NO;
        p->frame = 0;
        p->at = OUTSIDE;
        return true;
    case FAST_HANDLER:
        p->frame = has(FRAME_STAYS);
        p->at = FAST_LOADED;
        return true;
    case SLOW_ENTERED:
        load_cache(p);
        return true;
    case SLOW_LOADED:
        if (p->held != CACHE_NO)
            p->pops = p->held;
        p->at = SLOW_WOKEN;
        return true;
    case SLOW_WOKEN:
        use(p);
        p->at = SLOW_DONE;
        return true;
    case SLOW_DONE:
        leave(p);
        return true;
    case EXIT_BEGUN:
        return lock_for_exit(p);
    case EXIT_LOCKED:
        p->held = p->cache;
        p->at = EXIT_READ;
        return true;
    case EXIT_READ:
        if (p->held != CACHE_NO)
            p->owned = 0;
        p->cache = p->pops = CACHE_NO;
        p->at = EXIT_CLEARED;
        return true;
    case EXIT_CLEARED:
        end_exit(p);
        return true;
    default:
        return false;
    }
}

enum action { GO_ON, BEGIN_FAST, BEGIN_SLOW, INTERRUPT, SLEEP, WAKE, END, STEP_TAKER, ACTIONS };

static bool begin(struct parked *p, enum at at) {
    if (p->at != OUTSIDE || p->rounds == 0)
        return false;
    p->rounds--;
    p->at = (uint8_t)at;
    if (at == SLOW_ENTERED)
        p->inside++;
    else
        p->held = p->pops;
    if (at == FAST_LOADED && p->held == CACHE_NO) {  // the slow path is next
        p->at = SLOW_ENTERED;
        p->inside++;
    }
    return true;
}

// It sleeps outside, in a handler, or in a slow path: for a lock.
static bool may_sleep(const struct parked *p) {
    return p->at == OUTSIDE || p->at == FAST_HANDLER ||
           (p->at >= SLOW_ENTERED && p->at <= SLOW_DONE);
}

static bool step_thread(struct parked *p, enum action action) {
    if (p->asleep) {
        p->asleep = action != WAKE;
        return action == WAKE;
    }
    switch (action) {
    case GO_ON:
        return go_on(p);
    case BEGIN_FAST:
        return begin(p, FAST_LOADED);
    case BEGIN_SLOW:
        return begin(p, SLOW_ENTERED);
    case INTERRUPT:
        if (p->at != FAST_LOADED)
            return false;
        p->at = FAST_HANDLER;
        p->frame = 1;
        return true;
    case SLEEP:
        p->asleep = may_sleep(p);
        return p->asleep;
    case END:
        if (p->at != OUTSIDE || p->rounds > 0)
            return false;
        p->at = EXIT_BEGUN;
        return true;
    default:
        return false;
    }
}

// --- the taker ----------------------------------------------------------------------------------

static void next_unless(struct parked *p, bool refused) {
    if (refused)
        p->taking = RESTORE;
    else
        p->taking++;
}

static void put_away(struct parked *p, bool in_turn) {
    if (in_turn && p->taking == PUT_CACHE)
        p->cache = CACHE_NO;
    else if (in_turn)
        p->pops = CACHE_NO;
    p->taking++;
}

static void take(struct parked *p) {
    if (!has(PUT_AWAY_FIRST))
        p->cache = p->pops = CACHE_NO;
    p->taken = 1;
    p->owned = 0;
    give_up(p, p->seat_cache);
    if (p->held == p->seat_cache)
        p->wrong = SHARED;
    p->taking = UNLOCK;
}

static bool step_taker(struct parked *p) {
    switch (p->taking) {
    case REST:
        if (p->attempts == 0 || p->lock != NOBODY)
            return false;
        p->attempts--;
        p->lock = TAKER;
        p->taking = p->owned ? ASK : UNLOCK;
        return true;
    case ASK:
        p->taking = p->asleep ? PUT_CACHE : UNLOCK;
        return true;
    case PUT_CACHE:
    case PUT_POPS:
        put_away(p, has(PUT_AWAY_FIRST));
        return true;
    case ASK_AGAIN:
    case ASK_LAST:
        next_unless(p, has(SECOND_PROOF) && !p->asleep);
        return true;
    case READ:
        next_unless(p, has(READ_STACK) && p->frame);
        return true;
    case SEE_INSIDE:
        next_unless(p, has(LOOK_INSIDE) && p->inside);
        return true;
    case SEE_POPS:
        next_unless(p, has(LOOK_POPS) && has(PUT_AWAY_FIRST) && p->pops != CACHE_NO);
        return true;
    case TAKE:
        take(p);
        return true;
    case RESTORE:
        if (has(PUT_BACK))
            p->cache = p->seat_cache;
        p->taking = UNLOCK;
        return true;
    default:
        p->lock = NOBODY;
        p->taking = REST;
        return true;
    }
}

// --- the search ---------------------------------------------------------------------------------

static bool act(struct interleave_state *state, unsigned action) {
    struct parked *p = (struct parked *)state;
    return action == STEP_TAKER ? step_taker(p) : step_thread(p, (enum action)action);
}

static unsigned judge(const struct interleave_state *state) {
    const struct parked *p = (const struct parked *)state;
    if (p->wrong || p->at != ENDED || p->taking != REST)
        return p->wrong;
    for (unsigned cache = 1; cache <= p->caches; cache++)
        if (!p->given_up[cache])
            return LOST;
    return NOTHING;
}

int main(void) {
    static const struct interleave machine = {act, ACTIONS, judge};
    test_watchdog(100);
    for (unsigned i = 0; i < sizeof variants / sizeof variants[0]; i++) {
        struct interleave_state start = {{0}};
        struct parked          *p = (struct parked *)&start;
        *p = (struct parked){.used = 1,
                             .rounds = ROUNDS,
                             .cache = 1,
                             .pops = 1,
                             .seat_cache = 1,
                             .owned = 1,
                             .caches = 1,
                             .attempts = ATTEMPTS};
        pieces = ALL & ~variants[i].missing;
        unsigned found = interleave_search(&machine, start);
        interleave_report(variants[i].name, found, variants[i].expected, wrong_names);
    }
    return 0;
}
