// entry/keeper.c - see keeper.h.
#include "entry/keeper.h"

#include "conf/options.h"
#include "heap/arena.h"
#include "local/thread.h"
#include "os/fail.h"
#include "os/os.h"

enum {
    HELD_MIN = 4 << 20,     // bytes of heap that are worth a thread
    SURPLUS_MIN = 1 << 20,  // or of free memory
    SPARE_MIN = 16 << 20,   // or of what only pressure takes: worth being woken for now and then
    GROWTH_MIN = 64 << 10,  // of the surplus: a change
    STEPS = 16,             // of the decay time
    STEP_LEAST_MS = 10,
    STEP_MOST_MS = 500,
    STILL_MAX = 2 * STEPS,  // rounds without a change before it sleeps
    POLLS_LEAST = 64,       // to the second try, where a start was refused; then twice as many
    POLLS_MOST = 1 << 20,
};
#define PRESSED_NS    UINT64_C(5000000000)
#define REST_LEAST_NS UINT64_C(1000000000)
#define REST_MOST_NS  UINT64_C(10000000000)
#define REST_DEAF_NS  UINT64_C(2000000000)

uint32_t        keeper_state;  // by compare and exchange where two could want the same
static uint32_t forks;         // threads in fork
static uint64_t held_start, surplus_start;  // what was there at start, or at the fork

// Where a start was refused: polls until the next try, and how many after that one; 0: none was.
// Relaxed, written by whoever polls: a lost count is one poll more.
static struct {
    uint32_t left, next;
} refused;

// Of the thread itself, but for the reset in a forked child.
static struct {
    struct os_pressure pressure;
    bool               is_open;      // pressure is
    bool               is_pressed;
    unsigned           still;        // rounds since something changed
    uint64_t           left;         // surplus after the last change, or less since
    uint64_t           holes;        // given back by then
    uint64_t           pressed_until_ns;
    uint64_t           rest_ns;      // from now on, when nothing changed for STILL_MAX rounds
    uint64_t           look_ns;      // for idle caches, the next time
    bool               caches_live;  // threads that have caches ran before the last look, or after
    struct parked_code fast_paths;   // constant once the thread runs
} own;

// --- start ---------------------------------------------------------------------------------------

static void be_awake(void) {
    own.still = 0;
    own.rest_ns = REST_LEAST_NS;
    own.caches_live = true;
}

static void run(void) {
    for (;;)
        keeper_step();
}

static const struct os_thread keeper_thread = {run, "tidemalloc"};

static void tell_refused(int error) {
    struct text_line line;
    fail_begin(&line);
    text_add(&line, "no maintenance thread yet (error ");
    text_add_number(&line, (uint64_t)error);
    text_add(&line, "): memory goes back at calls only");
    fail_write(&line);
}

// There may be memory, or room for a thread, some time later.
static void try_again_later(void) {
    uint32_t wait = (uint32_t)max_size(PEEK(&refused.next), POLLS_LEAST);
    POKE(&refused.left, wait);
    POKE(&refused.next, (uint32_t)min_size(2 * wait, POLLS_MOST));
    // Release: pairs with the acquire in start; the next to try writes into `own`, too.
    __atomic_store_n(&keeper_state, KEEPER_ARMED, __ATOMIC_RELEASE);
}

static void start(struct parked_code fast_paths) {
    uint32_t armed = KEEPER_ARMED;
    // Acquire: see try_again_later.
    if (!__atomic_compare_exchange_n(&keeper_state, &armed, KEEPER_STARTED, false,
                                     __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return;
    own.fast_paths = fast_paths;
    be_awake();
    int error = os_thread_start(&keeper_thread);
    if (error == 0)
        return;
    bool is_first = PEEK(&refused.next) == 0;
    try_again_later();
    if (is_first && option(OPT_VERBOSE))
        tell_refused(error);
}

// False: one poll less until then.
static bool may_try(void) {
    uint32_t left = PEEK(&refused.left);
    if (left > 0)
        POKE(&refused.left, left - 1);
    return left == 0;
}

void keeper_arm(void) {
    if (option(OPT_BACKGROUND))
        POKE(&keeper_state, KEEPER_ARMED);
}

// A thread in the middle of its own birth, or of fork, is no place to make another. One that has no
// cache is: it may use large blocks only.
void keeper_consider(struct parked_code fast_paths) {
    if (thread_root.phase == THREAD_STARTING || PEEK(&forks) > 0)
        return;
    if ((arena_held() >= held_start + HELD_MIN ||
         arena_surplus() >= surplus_start + SURPLUS_MIN) &&
        may_try())
        start(fast_paths);
}

// --- the thread ----------------------------------------------------------------------------------

// A sixteenth of the decay time, within bounds; without decay only freed mappings are waited for.
static uint64_t step_ns(void) {
    uint64_t decay_ms = option(OPT_DECAY);
    uint64_t step_ms = decay_ms ? decay_ms / STEPS : STEP_MOST_MS;
    return max_size(min_size(step_ms, STEP_MOST_MS), STEP_LEAST_MS) * 1000000;
}

static void press(void) {
    own.pressed_until_ns = os_now_ns() + PRESSED_NS;
    own.is_pressed = true;
    parked_take(own.fast_paths);
    caches_clean();
    arena_press(true);
}

static void listen(uint64_t ns) {
    if (os_pressure_wait(&own.pressure, ns)) {
        press();
    } else if (own.is_pressed && os_now_ns() >= own.pressed_until_ns) {
        own.is_pressed = false;
        arena_press(false);
    }
}

// What may stay for good while nobody is short of memory, and goes when somebody is.
static bool has_spare(void) {
    return os_pressure_is_told(&own.pressure) && arena_spare() >= SPARE_MIN;
}

// What is left could not go so far: it tries again, but not often. Without a surplus there may be
// free slots and caches that the kernel could want; who waits for it does not hear calls, so he
// looks. Without much of them only a call counts, and nothing else wakes an idle process.
static void rest(void) {
    bool called = false;
    if (arena_surplus() >= SURPLUS_MIN) {
        listen(own.rest_ns);
    } else if (has_spare()) {
        listen(min_size(own.rest_ns, REST_DEAF_NS));
    } else {
        called = arena_await_surplus(own.caches_live ? own.rest_ns : UINT64_MAX);
        os_pressure_wait(&own.pressure, 0);  // what was told while it slept is old
    }
    own.rest_ns = min_size(own.rest_ns * 2, REST_MOST_NS);
    if (called)
        be_awake();
}

// A thread that did not run for a whole decay time, or a second, has no use for its cache. True:
// there was one.
static bool take_idle_caches(void) {
    uint64_t now_ns = os_now_ns();
    if (now_ns < own.look_ns)
        return false;
    own.look_ns = now_ns + max_size(min_size(option(OPT_DECAY) * 1000000, REST_MOST_NS),
                                    REST_LEAST_NS);
    if (parked_take_idle(own.fast_paths, &own.caches_live) == 0)
        return false;
    caches_clean();
    return true;
}

void keeper_step(void) {
    if (!own.is_open) {
        os_pressure_open(&own.pressure);
        own.is_open = true;
    }
    if (own.still >= STILL_MAX && !own.is_pressed)
        rest();
    else
        listen(step_ns());
    bool taken = take_idle_caches();
    arena_settle();
    arena_drain();
    uint64_t left = arena_surplus(), holes = arena_holes();
    // What is new is too young to go yet: it has its time, however little it is.
    if (taken || left < own.left || left >= own.left + GROWTH_MIN || holes > own.holes) {
        be_awake();
        own.left = left;
    } else {
        own.still++;
    }
    own.holes = holes;
}

// --- fork ----------------------------------------------------------------------------------------

void keeper_fork_prepare(void) {
    __atomic_fetch_add(&forks, 1, __ATOMIC_RELAXED);
}

void keeper_fork_parent(void) {
    __atomic_fetch_sub(&forks, 1, __ATOMIC_RELAXED);
}

void keeper_fork_child(void) {
    forks = 0;
    if (keeper_state == KEEPER_OFF)
        return;
    own.is_open = own.is_pressed = false;
    own.look_ns = 0;
    held_start = arena_held();
    surplus_start = arena_surplus();
    refused.left = refused.next = 0;
    arena_keeper_gone();
    POKE(&keeper_state, KEEPER_ARMED);
}
