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
    STEPS = 16,             // of the decay time
    STEP_LEAST_MS = 10,
    STEP_MOST_MS = 500,
    STILL_MAX = 2 * STEPS,  // rounds without a change before it sleeps
};
#define PRESSED_NS UINT64_C(5000000000)

uint32_t        keeper_state;  // relaxed, by compare and exchange where two could want the same
static uint32_t forks;         // threads in fork
static uint64_t held_start, surplus_start;  // what was there at start, or at the fork

// Of the thread itself, but for the reset in a forked child.
static struct {
    struct os_pressure pressure;
    bool               is_open;      // pressure is
    bool               is_pressed;
    unsigned           still;        // rounds since something changed
    uint64_t           left;         // surplus after the last round
    uint64_t           holes;        // given back by then
    uint64_t           pressed_until_ns;
} own;

// --- start ---------------------------------------------------------------------------------------

static void run(void) {
    for (;;)
        keeper_step();
}

static void start(void) {
    uint32_t armed = KEEPER_ARMED;
    if (!__atomic_compare_exchange_n(&keeper_state, &armed, KEEPER_STARTED, false,
                                     __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        return;
    own.still = STILL_MAX;
    int error = os_thread_start(run, "tidemalloc");
    if (error == 0)
        return;
    POKE(&keeper_state, KEEPER_OFF);
    if (!option(OPT_VERBOSE))
        return;
    struct text_line line;
    fail_begin(&line);
    text_add(&line, "no maintenance thread (error ");
    text_add_number(&line, (uint64_t)error);
    text_add(&line, "): memory goes back at calls only");
    fail_write(&line);
}

void keeper_arm(void) {
    if (option(OPT_BACKGROUND))
        POKE(&keeper_state, KEEPER_ARMED);
}

// A thread in the middle of its own birth, or of fork, is no place to make another.
void keeper_consider(void) {
    if (thread_root.phase != THREAD_LIVE || PEEK(&forks) > 0)
        return;
    if (arena_held() >= held_start + HELD_MIN || arena_surplus() >= surplus_start + SURPLUS_MIN)
        start();
}

// --- the thread ----------------------------------------------------------------------------------

// A sixteenth of the decay time, within bounds; without decay only freed mappings are waited for.
static uint64_t step_ns(void) {
    uint64_t decay_ms = option(OPT_DECAY);
    uint64_t step_ms = decay_ms ? decay_ms / STEPS : STEP_MOST_MS;
    return max_size(min_size(step_ms, STEP_MOST_MS), STEP_LEAST_MS) * 1000000;
}

static void listen(uint64_t ns) {
    if (os_pressure_wait(&own.pressure, ns)) {
        own.pressed_until_ns = os_now_ns() + PRESSED_NS;
        own.is_pressed = true;
        arena_press(true);
    } else if (own.is_pressed && os_now_ns() >= own.pressed_until_ns) {
        own.is_pressed = false;
        arena_press(false);
    }
}

void keeper_step(void) {
    if (!own.is_open) {
        os_pressure_open(&own.pressure);
        own.is_open = true;
    }
    if (own.still >= STILL_MAX && !own.is_pressed) {
        arena_await_surplus();
        os_pressure_wait(&own.pressure, 0);  // what was told while it slept is old
        own.still = 0;
    }
    listen(step_ns());
    arena_settle();
    uint64_t left = arena_surplus(), holes = arena_holes();
    own.still = left < own.left || holes > own.holes ? 0 : own.still + 1;
    own.left = left;
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
    held_start = arena_held();
    surplus_start = arena_surplus();
    arena_keeper_gone();
    POKE(&keeper_state, KEEPER_ARMED);
}
