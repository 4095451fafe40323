// tests/model/interleave_seats.c - every interleaving of births and ends of threads with a trim and
// with fork (local/caches.h, local/thread.c).
//
// A child of a fork that finds the cache of a thread it does not have; two threads that each adopt
// it if they can, are born, put a slot into their cache, and end, one of them twice; a trim that
// takes caches of sleeping threads and gives areas of unused ones back. In every state in which a
// fork could take its locks it is made, and its child judged: by a thread without a cache, and by
// each that has one.
// What the search proves of ours:
//   twice     no seat gets onto the list of unused ones when it is there already
//   double    no slot goes back to its bin when it is there already
//   lost      in the end every slot is in its bin
//   unlisted  each seat of the child is somebody's, an orphan, or on the list
// Then the same with one piece broken each: the search has to find what is wrong.
#include "tests/model/interleave.h"

enum { THREADS = 2, TRIM = THREADS, ACTORS = 3, SEATS = 3, TRIMS = 2 };
static const uint8_t lives[THREADS] = {2, 1};
enum { SLOT_FIRST = 1, SLOT_OTHER = 4, ORPHANED = 8, ALL_SLOTS = 15 };  // the first has two

enum piece {
    LOCK_ROOTS = 1,    // by a thread that ends
    LOCK_LISTS = 2,
    DISOWN = 4,        // a taken seat has no root any more
    DRAIN_FIRST = 8,   // before the seat is listed
    MARK_CLEANING = 16,
    PURGE_FIRST = 32,  // before the seat is listed as clean
    LOOK_BUSY = 64,    // fork's child leaves what a flush cut in half may have given already
    EXCHANGE = 128,    // one adopts an orphan
    ALL = 255,
};
static unsigned pieces;

enum wrong { NOTHING, TWICE, DOUBLE, LOST, UNLISTED };
static const char *const wrong_names[] = {"nothing", "twice", "double", "lost", "unlisted"};

static const struct variant {
    const char *name;
    unsigned    missing, expected;
} variants[] = {
    {"ours", 0, 0},
    {"a thread ends without the lock", LOCK_ROOTS, 1 << TWICE},
    {"the lists have no lock", LOCK_LISTS, 1 << TWICE},
    {"a taken seat keeps its root", DISOWN, 1 << TWICE},
    {"a seat is listed before its cache is drained", DRAIN_FIRST, 1 << DOUBLE},
    {"an area that is being given back is not marked", MARK_CLEANING, 1 << UNLISTED},
    {"an area is listed before it was given back", PURGE_FIRST, 1 << LOST},
    {"a flush that was cut in half is not looked for", LOOK_BUSY, 1 << DOUBLE},
    {"an orphan is everybody's", EXCHANGE, 1 << TWICE},
};

// The next step of an actor. What gives a seat up is the same for all three.
// clang-format off
enum at {
    NEW, ADOPT, BIRTH_LOCK, BIRTH_READ, BIRTH_WRITE, BIRTH_UNLOCK, OWN, FILL, LIVING,
    EXIT_READ, EXIT_CLEAR, EXIT_UNLOCK,                          // threads, up to here
    TRIM_LOCK, TRIM_PROVE, TRIM_TAKE, TRIM_UNLOCK,
    CLEAN_LOCK, CLEAN_POP, CLEAN_UNLOCK, PURGE, SET_CLEAN,       // the trim
    BUSY, TO_BIN, FORGET, IDLE, PUSH_LOCK, PUSH, PUSH_UNLOCK,    // giving up
    ENDED,
};
// clang-format on
enum state { UNUSED, LIVE, ORPHAN, CLEANING };
enum mark { IS_BUSY = 1, IS_CLEAN = 2, IS_LISTED = 4 };

struct seats {
    uint8_t used;                                    // 1
    uint8_t state[SEATS], marks[SEATS];
    uint8_t held[SEATS];                             // slots, a bit each
    uint8_t root[SEATS];                             // which thread, from 1
    uint8_t made;                                    // seats in the list of all
    uint8_t at[ACTORS], seat[ACTORS], then[ACTORS];  // `then`: after the seat was given up
    uint8_t mine[THREADS];                           // the thread's root: its seat, from 1
    uint8_t turn[ACTORS];
    uint8_t roots_lock, lists_lock;                  // whose, from 1
    uint8_t bin;                                     // slots
    uint8_t wrong;
};
_Static_assert(sizeof(struct seats) <= INTERLEAVE_BYTES, "the state does not fit");

static bool has(enum piece piece) {
    return (pieces & piece) != 0;
}

static bool take_lock(uint8_t *lock, unsigned actor, enum piece piece) {
    if (has(piece) && *lock)
        return false;
    *lock = (uint8_t)(actor + 1);
    return true;
}

static void list(struct seats *s, unsigned seat) {
    if (s->marks[seat] & IS_LISTED)
        s->wrong = TWICE;
    s->marks[seat] |= IS_LISTED;
    s->state[seat] = UNUSED;
}

static void give_slots(struct seats *s, unsigned seat) {
    if (s->bin & s->held[seat])
        s->wrong = DOUBLE;
    s->bin |= s->held[seat];
}

// A listed seat whose area is warm or clean, as asked; SEATS: none.
static unsigned listed(const struct seats *s, bool clean) {
    unsigned seat = 0;
    while (seat < s->made && !((s->marks[seat] & IS_LISTED) &&
                               !(s->marks[seat] & IS_CLEAN) == !clean))
        seat++;
    return seat < s->made ? seat : SEATS;
}

// --- giving up ----------------------------------------------------------------------------------

static void give_up(struct seats *s, unsigned actor, enum at then) {
    s->then[actor] = (uint8_t)then;
    s->at[actor] = has(DRAIN_FIRST) ? BUSY : PUSH_LOCK;
}

static void drained(struct seats *s, unsigned actor) {
    s->marks[s->seat[actor]] &= (uint8_t)~IS_BUSY;
    s->at[actor] = has(DRAIN_FIRST) ? PUSH_LOCK : s->then[actor];
}

static void pushed(struct seats *s, unsigned actor) {
    bool drains = !has(DRAIN_FIRST) && s->at[actor] == PUSH_UNLOCK && s->then[actor] != PURGE &&
                  s->then[actor] != TRIM_LOCK;
    s->lists_lock = 0;
    s->at[actor] = drains ? BUSY : s->then[actor];
}

static bool step_giving_up(struct seats *s, unsigned actor) {
    unsigned seat = s->seat[actor];
    switch (s->at[actor]) {
    case BUSY:
        s->marks[seat] |= IS_BUSY;
        break;
    case TO_BIN:
        give_slots(s, seat);
        break;
    case FORGET:
        s->held[seat] = 0;
        break;
    case IDLE:
        drained(s, actor);
        return true;
    case PUSH_LOCK:
        if (!take_lock(&s->lists_lock, actor, LOCK_LISTS))
            return false;
        break;
    case PUSH:
        list(s, seat);
        break;
    case PUSH_UNLOCK:
        pushed(s, actor);
        return true;
    default:
        return false;
    }
    s->at[actor]++;
    return true;
}

// --- threads ------------------------------------------------------------------------------------

static void adopt(struct seats *s, unsigned thread) {
    if (has(EXCHANGE) && s->state[0] != ORPHAN) {
        s->at[thread] = BIRTH_LOCK;
        return;
    }
    s->state[0] = LIVE;
    s->seat[thread] = 0;
    give_up(s, thread, BIRTH_LOCK);
}

static void find_seat(struct seats *s, unsigned thread) {
    unsigned seat = listed(s, false);
    if (seat == SEATS)
        seat = listed(s, true);
    if (seat == SEATS && s->made == SEATS) {  // one for each actor is enough
        s->wrong = UNLISTED;
        return;
    }
    if (seat == SEATS) {
        seat = s->made++;
        s->marks[seat] = IS_CLEAN;
    }
    s->seat[thread] = (uint8_t)seat;
    s->at[thread] = BIRTH_WRITE;
}

static void take_seat(struct seats *s, unsigned thread) {
    unsigned seat = s->seat[thread];
    s->held[seat] = s->marks[seat] & IS_CLEAN ? 0 : s->held[seat];
    s->marks[seat] &= (uint8_t) ~(IS_LISTED | IS_CLEAN);
    s->state[seat] = LIVE;
    s->at[thread] = BIRTH_UNLOCK;
}
static void fill(struct seats *s, unsigned thread) {
    s->held[s->seat[thread]] |=
        (uint8_t)((thread == 0 ? SLOT_FIRST : SLOT_OTHER) << s->turn[thread]);
    s->at[thread] = LIVING;
}

static void end_life(struct seats *s, unsigned thread) {
    enum at next = ++s->turn[thread] < lives[thread] ? NEW : ENDED;
    if (has(LOCK_ROOTS))
        s->roots_lock = 0;
    if (s->seat[thread] < SEATS)
        give_up(s, thread, next);
    else
        s->at[thread] = (uint8_t)next;
}

static void clear_root(struct seats *s, unsigned thread) {
    if (s->seat[thread] < SEATS)
        s->root[s->seat[thread]] = 0;
    s->mine[thread] = 0;
    s->at[thread] = EXIT_UNLOCK;
}

static bool step_end(struct seats *s, unsigned thread) {
    switch (s->at[thread]) {
    case LIVING:
        if (has(LOCK_ROOTS) && !take_lock(&s->roots_lock, thread, LOCK_ROOTS))
            return false;
        s->at[thread] = EXIT_READ;
        return true;
    case EXIT_READ:
        s->seat[thread] = (uint8_t)(s->mine[thread] ? s->mine[thread] - 1 : SEATS);
        s->at[thread] = EXIT_CLEAR;
        return true;
    case EXIT_CLEAR:
        clear_root(s, thread);
        return true;
    case EXIT_UNLOCK:
        end_life(s, thread);
        return true;
    default:
        return step_giving_up(s, thread);
    }
}

static bool step_thread(struct seats *s, unsigned thread) {
    switch (s->at[thread]) {
    case NEW:
        s->at[thread] = s->state[0] == ORPHAN ? ADOPT : BIRTH_LOCK;
        return true;
    case ADOPT:
        adopt(s, thread);
        return true;
    case BIRTH_LOCK:
        if (!take_lock(&s->lists_lock, thread, LOCK_LISTS))
            return false;
        s->at[thread] = BIRTH_READ;
        return true;
    case BIRTH_READ:
        find_seat(s, thread);
        return true;
    case BIRTH_WRITE:
        take_seat(s, thread);
        return true;
    case BIRTH_UNLOCK:
        s->lists_lock = 0;
        s->at[thread] = OWN;
        return true;
    case OWN:
        s->mine[thread] = (uint8_t)(s->seat[thread] + 1);
        s->root[s->seat[thread]] = (uint8_t)(thread + 1);
        s->at[thread] = FILL;
        return true;
    case FILL:
        fill(s, thread);
        return true;
    default:
        return step_end(s, thread);
    }
}

// --- the trim -----------------------------------------------------------------------------------

// Of the seat in question: does its thread sleep?
static void prove(struct seats *s, unsigned seat) {
    unsigned root = s->root[seat];
    bool     sleeps = root && s->at[root - 1] == LIVING;
    s->seat[TRIM] = (uint8_t)(sleeps ? seat : SEATS);
    s->at[TRIM] = sleeps ? TRIM_TAKE : TRIM_UNLOCK;
}

static void take(struct seats *s) {
    unsigned seat = s->seat[TRIM], root = s->root[seat];
    if (root)
        s->mine[root - 1] = 0;
    if (has(DISOWN))
        s->root[seat] = 0;
    s->at[TRIM] = TRIM_UNLOCK;
}

static void pop_warm(struct seats *s) {
    unsigned seat = listed(s, false);
    s->seat[TRIM] = (uint8_t)seat;
    if (seat < SEATS) {
        s->marks[seat] &= (uint8_t)~IS_LISTED;
        if (has(MARK_CLEANING))
            s->state[seat] = CLEANING;
    }
    s->at[TRIM] = CLEAN_UNLOCK;
}
static void next_trim(struct seats *s) {
    s->at[TRIM] = ++s->turn[TRIM] < TRIMS ? TRIM_LOCK : ENDED;
}

static void purge(struct seats *s) {
    s->held[s->seat[TRIM]] = 0;
    if (!has(PURGE_FIRST))
        next_trim(s);
    else
        s->at[TRIM] = SET_CLEAN;
}

static void set_clean(struct seats *s) {
    s->marks[s->seat[TRIM]] |= IS_CLEAN;
    s->then[TRIM] = has(PURGE_FIRST) ? TRIM_LOCK : PURGE;
    s->turn[TRIM] += has(PURGE_FIRST);
    s->at[TRIM] = PUSH_LOCK;
}

static bool step_clean(struct seats *s) {
    switch (s->at[TRIM]) {
    case CLEAN_LOCK:
        if (!take_lock(&s->lists_lock, TRIM, LOCK_LISTS))
            return false;
        s->at[TRIM] = CLEAN_POP;
        return true;
    case CLEAN_POP:
        pop_warm(s);
        return true;
    case CLEAN_UNLOCK:
        s->lists_lock = 0;
        if (s->seat[TRIM] == SEATS)
            next_trim(s);
        else
            s->at[TRIM] = has(PURGE_FIRST) ? PURGE : SET_CLEAN;
        return true;
    case PURGE:
        purge(s);
        return true;
    case SET_CLEAN:
        set_clean(s);
        return true;
    default:
        return step_giving_up(s, TRIM);
    }
}

static bool begin_trim(struct seats *s) {
    if (s->turn[TRIM] < TRIMS && s->roots_lock)
        return false;
    s->roots_lock = s->turn[TRIM] < TRIMS ? TRIM + 1 : s->roots_lock;
    s->at[TRIM] = s->turn[TRIM] < TRIMS ? TRIM_PROVE : ENDED;
    return true;
}

// `seat` is what the trim looks at, where it has the choice.
static bool step_trim(struct seats *s, unsigned seat) {
    if (seat > 0 && s->at[TRIM] != TRIM_PROVE)
        return false;
    switch (s->at[TRIM]) {
    case TRIM_LOCK:
        return begin_trim(s);
    case TRIM_PROVE:
        prove(s, seat);
        return true;
    case TRIM_TAKE:
        take(s);
        return true;
    case TRIM_UNLOCK:
        s->roots_lock = 0;
        if (s->seat[TRIM] < SEATS)
            give_up(s, TRIM, CLEAN_LOCK);
        else
            s->at[TRIM] = CLEAN_LOCK;
        return true;
    default:
        return step_clean(s);
    }
}

static bool act(struct interleave_state *state, unsigned action) {
    struct seats *s = (struct seats *)state;
    return action < THREADS ? step_thread(s, action) : step_trim(s, action - THREADS);
}

// --- the judgement ------------------------------------------------------------------------------

// As caches_fork_child does, and then the child drains every orphan.
static unsigned judge_child(const struct seats *parent, unsigned mine) {
    struct seats child = *parent, *s = &child;
    for (unsigned seat = 0; seat < s->made; seat++) {
        bool busy = has(LOOK_BUSY) && (s->marks[seat] & IS_BUSY);
        if (seat + 1 == mine)
            continue;
        if (s->state[seat] == UNUSED) {
            if (!(s->marks[seat] & IS_LISTED))
                return UNLISTED;
            continue;
        }
        if (s->state[seat] != CLEANING && !busy)
            give_slots(s, seat);
        list(s, seat);
    }
    return s->wrong;
}

static unsigned judge_fork(const struct seats *s) {
    if (s->roots_lock || s->lists_lock)
        return 0;
    unsigned wrong = judge_child(s, 0);
    for (unsigned i = 0; i < THREADS && !wrong; i++)
        if (s->at[i] == LIVING && s->mine[i])
            wrong = judge_child(s, s->mine[i]);
    return wrong;
}

static unsigned judge(const struct interleave_state *state) {
    const struct seats *s = (const struct seats *)state;
    if (s->wrong)
        return s->wrong;
    bool over = s->at[0] == ENDED && s->at[1] == ENDED && s->at[TRIM] == ENDED;
    return over && s->bin != ALL_SLOTS ? LOST : judge_fork(s);
}

int main(void) {
    static const struct interleave machine = {act, THREADS + SEATS, judge};
    // The child of a fork: seat 0 was another thread's.
    test_watchdog(100);
    for (unsigned i = 0; i < sizeof variants / sizeof variants[0]; i++) {
        struct interleave_state start = {{0}};
        struct seats            first = {.used = 1, .made = 1, .at = {[TRIM] = TRIM_LOCK}};
        first.state[0] = ORPHAN;
        first.held[0] = ORPHANED;
        memcpy(&start, &first, sizeof first);
        pieces = ALL & ~variants[i].missing;
        interleave_enough = variants[i].expected;
        unsigned found = interleave_search(&machine, start);
        interleave_report(variants[i].name, found, variants[i].expected, wrong_names);
    }
    return 0;
}
