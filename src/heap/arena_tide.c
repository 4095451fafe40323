// heap/arena_tide.c - giving back over all arenas: budget, decay, trim. See arena.h.
#include "conf/options.h"
#include "heap/arena.h"
#include "heap/hollow.h"
#include "heap/huge.h"
#include "os/os.h"
#include "page/limit.h"

enum {
    CHECK_VISITS = 1024,     // settles between two checks, in the debug build
    DRAIN_VISITS = 2048,     // slabs looked at for holes at one tick, and so many
    PIECE_VISITS = 256,      // by one call
    SURPLUS_MIN = 64 << 10,  // bytes for which the keeper is woken
    FLUX_LOOKS = 20,         // until others are done taking
    DIRTY_LEAST = 1 << 20,   // less than that is not waited for
    URGENT_NS = 2000000,
    LOOK_NS = 8000000,       // between looks at how many free slots there are,
    LOOK_ARENAS = 8,         // and as long again for so many arenas
};
#define PIECE_BYTES MIB(2)  // of holes, by one call of the program: about half a millisecond
static const uint64_t last_look_ns = 1000000000, flux_ns = 50000;

// 1 while the keeper sleeps for want of work; who sees a surplus makes it 0 and wakes it. A hint to
// all others.
static uint32_t keeper_sleeps;
// Somebody called. It stays until the keeper is about to sleep, so that no call is lost that finds
// it awake, after its last look at what the call is about. Relaxed, like the word: see the sleep.
static bool keeper_called;
// The surplus that it could not drain before it slept, or less since; relaxed: a hint.
static uint64_t surplus_left;

// Hints, relaxed:
static bool slots_came;  // since a look found free slots within their budget
// Before the tick free slots are looked at from then on, for several times the budget: a program
// may free that much between two ticks.
static uint64_t urgent_ns;
static uint64_t urgent_wait;  // between such looks: doubled while they find nothing that could go

// Purges about `bytes` over the arenas, the one at hand first.
static void purge_some(size_t bytes, enum purge_reason reason) {
    unsigned start = arena_here();
    for (unsigned i = 0; bytes > 0 && i < arena_limit(); i++) {
        struct arena *arena = arena_at((start + i) % arena_limit());
        if (!arena || PEEK(&arena->pages.dirty_bytes) == 0)
            continue;
        size_t before = PEEK(&arena->pages.dirty_bytes);
        purge_heap(arena_purge(), &arena->pages, bytes, reason);
        page_heap_return(&arena->pages, option(OPT_TRIM_THRESHOLD), option(OPT_TOP_PAD), false);
        bytes -= min_size(bytes, before);
    }
}

// Debug build: all arenas are checked now and then, by whoever comes by without a lock.
static void check_sometimes(void) {
    static uint32_t visits;
    if (__atomic_add_fetch(&visits, 1, __ATOMIC_RELAXED) % CHECK_VISITS == 0)
        arena_check();
}

// --- the keeper's sleep --------------------------------------------------------------------------

uint64_t arena_surplus(void) {
    return PEEK(&arena_purge()->gauge.dirty_bytes) +
           PEEK(&counters_process.value[COUNTER_huge_cached_bytes]);
}

uint64_t arena_spare(void) {
    return arena_surplus() + PEEK(&arena_purge()->gauge.slack_bytes) +
           PEEK(&page_gauge_caches.room_bytes);
}

uint64_t arena_holes(void) {
    return PEEK(&counters_process.value[COUNTER_hole_purged_bytes]);
}

uint64_t arena_held(void) {
    return PEEK(&arena_purge()->gauge.active_bytes) +
           PEEK(&counters_process.value[COUNTER_huge_bytes]) + arena_surplus();
}

static bool keeper_has_work(void) {
    uint64_t surplus = arena_surplus();
    if (surplus < PEEK(&surplus_left))
        POKE(&surplus_left, surplus);
    return surplus >= PEEK(&surplus_left) + SURPLUS_MIN || PEEK(&slots_came) ||
           PEEK(&keeper_called);
}

void arena_wake_keeper(void) {
    if (UNLIKELY(PEEK(&keeper_sleeps) != 0) && keeper_has_work() &&
        __atomic_exchange_n(&keeper_sleeps, 0, __ATOMIC_RELAXED) != 0)
        os_wake(&keeper_sleeps);
}

void arena_call_keeper(void) {
    if (!PEEK(&keeper_called))
        POKE(&keeper_called, true);
    arena_wake_keeper();
}

// The surplus and the word are not ordered against each other on every processor: who left the last
// surplus may have seen the word too early. So there is one more look a second later. Free slots
// that did not go so far cannot, nor can what is left of the surplus: it waits for more to come.
bool arena_await_surplus(uint64_t ns) {
    POKE(&slots_came, false);
    POKE(&surplus_left, arena_surplus());
    POKE(&keeper_sleeps, 1);
    os_wait_for(&keeper_sleeps, 1, min_size(ns, last_look_ns));
    while (ns == UINT64_MAX && PEEK(&keeper_sleeps) != 0 && !keeper_has_work())
        os_wait(&keeper_sleeps, 1);
    if (ns > last_look_ns && PEEK(&keeper_sleeps) != 0 && !keeper_has_work())
        os_wait_for(&keeper_sleeps, 1, ns - last_look_ns);
    bool called = PEEK(&keeper_sleeps) == 0 || keeper_has_work();
    if (__atomic_exchange_n(&keeper_called, false, __ATOMIC_RELAXED))
        called = true;
    POKE(&keeper_sleeps, 0);
    return called;
}

void arena_press(bool pressed) {
    purge_press(arena_purge(), pressed);
    if (!pressed)
        return;
    huge_evict(UINT64_MAX);
    arena_trim(0);
}

void arena_keeper_gone(void) {
    POKE(&keeper_sleeps, 0);
    purge_press(arena_purge(), false);
}

// --- the budget ----------------------------------------------------------------------------------

static void purge_surplus_now(uint64_t now_ns) {
    size_t surplus = purge_surplus(arena_purge(), now_ns);
    if (UNLIKELY(surplus > 0))
        purge_some(surplus, PURGE_BUDGET);
}

void arena_keep_budget(void) {
    if (config_debug)
        check_sometimes();
    if (!PEEK(&slots_came))
        POKE(&slots_came, true);
    if (UNLIKELY(!purge_is_within(arena_purge())))
        purge_surplus_now(os_now_ns());
    arena_wake_keeper();
}

static void keep_limit(uint64_t now_ns) {
    if (limit_excess() == 0)
        return;
    huge_evict(0);
    if (limit_trim_is_due(now_ns)) {
        arena_trim(0);
        limit_trimmed();
    }
}

// Free slots of all slabs, and what was missed of them.
static uint64_t count_slack(uint64_t *missed) {
    uint64_t slack = 0, holes = 0;
    *missed = 0;
    for (unsigned i = 0; i < arena_limit(); i++) {
        const struct arena *arena = arena_at(i);
        for (unsigned id = SMALL_CLASS_FIRST; arena && id <= SMALL_CLASS_LAST; id++) {
            slack += bin_slack(&arena->bins[id]);
            *missed += PEEK(&arena->bins[id].hole_missed);
            holes += PEEK(&arena->bins[id].hole_bytes);
        }
    }
    POKE(&arena_purge()->gauge.hole_bytes, holes);
    POKE(&arena_purge()->gauge.slack_bytes, slack);
    return slack;
}

// One after another, each tick from the bin on where the last one stopped.
static void drain_bins(struct hollow_work *work) {
    static unsigned next;  // relaxed: a hint
    const unsigned  classes = SMALL_CLASS_LAST + 1 - SMALL_CLASS_FIRST;
    unsigned        start = PEEK(&next), count = arena_limit() * classes, i = 0;
    for (; i < count && work->bytes > 0 && work->visits > 0; i++) {
        unsigned      at = (start + i) % count;
        struct arena *arena = arena_at(at / classes);
        if (arena)
            hollow_drain(&arena->bins[SMALL_CLASS_FIRST + at % classes], work);
    }
    // The last one is not done.
    POKE(&next, (start + i + count - 1) % count);
}

// What the last look found too much is given back in pieces, so that no call of the program waits
// for all of it. Relaxed, all of them: hints, but `bytes`, which is claimed by making it 0; in the
// child of a fork that comes in between it stays so until the next look.
static struct {
    uint64_t bytes;  // that shall go yet
    uint32_t visits;
    bool     urgent;
} drain;

static void look_again_at(uint64_t now_ns, bool gave) {
    uint64_t wait = min_size(gave ? URGENT_NS : PEEK(&urgent_wait) * 2, URGENT_NS * 16);
    POKE(&urgent_wait, max_size(wait, URGENT_NS));
    POKE(&urgent_ns, now_ns + PEEK(&urgent_wait));
}

static void end_piece(const struct hollow_work *work, uint64_t bytes, uint64_t given) {
    bool is_through = work->bytes > 0 && work->visits > 0;
    if (!is_through && given < bytes && PEEK(&drain.visits) > 0)
        POKE(&drain.bytes, bytes - given);
    else if (PEEK(&drain.urgent))
        look_again_at(os_now_ns(), given > 0);
}

static void drain_piece(void) {
    if (LIKELY(PEEK(&drain.bytes) == 0))
        return;
    uint64_t bytes = __atomic_exchange_n(&drain.bytes, 0, __ATOMIC_RELAXED);
    if (bytes == 0)
        return;
    uint32_t           visits = (uint32_t)min_size(PEEK(&drain.visits), PIECE_VISITS);
    size_t             piece = min_size(bytes, PIECE_BYTES);
    struct hollow_work work = {
        .bytes = piece,
        .visits = visits,
        .quiet = PEEK(&drain.urgent) ? HOLLOW_QUIET_URGENT : HOLLOW_QUIET,
        .step = arena_step(),
    };
    drain_bins(&work);
    // Another look may have begun, and pieces of it be done: then there are fewer than there were.
    uint32_t left = PEEK(&drain.visits);
    POKE(&drain.visits, left - (uint32_t)min_size(left, visits - work.visits));
    end_piece(&work, bytes, piece - work.bytes);
}

// Are there more free slots than may be, or, between two ticks, many more?
static void look_at_slots(uint64_t now_ns, bool ticked) {
    bool urgent;
    // What comes from here on is for the next look.
    if (ticked)
        POKE(&slots_came, false);
    POKE(&urgent_ns, now_ns + LOOK_NS * (1 + arena_limit() / LOOK_ARENAS));
    uint64_t missed, slack = count_slack(&missed);
    size_t   wanted = purge_hole_surplus(arena_purge(), slack, missed, now_ns, &urgent);
    if (!ticked && !urgent) {
        if (PEEK(&drain.urgent))
            POKE(&drain.bytes, 0);
        return;
    }
    if (wanted > 0)
        POKE(&slots_came, true);
    POKE(&drain.urgent, urgent);
    POKE(&drain.visits, DRAIN_VISITS);
    POKE(&drain.bytes, wanted);
}

static void drain_hollow(uint64_t now_ns, bool ticked) {
    if (ticked || (arena_purge()->decay.period_ns > 0 && now_ns >= PEEK(&urgent_ns)))
        look_at_slots(now_ns, ticked);
    drain_piece();
}

void arena_drain(void) {
    while (PEEK(&drain.bytes) > 0)
        drain_piece();
}

uint32_t arena_step(void) {
    return PEEK(&arena_purge()->gauge.step);
}

bool arena_waits_for_decay(void) {
    return arena_purge()->decay.period_ns > 0 &&
           (PEEK(&slots_came) || PEEK(&arena_purge()->gauge.dirty_bytes) > DIRTY_LEAST ||
            huge_cached_count() > 0);
}

void arena_settle(void) {
    if (config_debug)
        check_sometimes();
    uint64_t now_ns = os_now_ns();
    purge_surplus_now(now_ns);
    size_t surplus;
    bool   ticked = purge_tick(arena_purge(), now_ns, &surplus);
    if (UNLIKELY(ticked)) {
        arena_relax();
        purge_some(surplus, PURGE_DECAY);
    }
    drain_hollow(now_ns, ticked);
    huge_tick(now_ns);
    if (limit_is_set())
        keep_limit(now_ns);
    arena_wake_keeper();
}

// `returned` counts address space, the result pages.
static size_t trim_one(struct arena *arena, size_t pad, size_t *returned) {
    size_t bytes = 0;
    for (unsigned id = SMALL_CLASS_FIRST; id <= SMALL_CLASS_LAST; id++)
        bytes += hollow_trim(&arena->bins[id]);
    bytes += purge_heap(arena_purge(), &arena->pages, SIZE_MAX, PURGE_ON_REQUEST);
    *returned += page_heap_return(&arena->pages, 0, pad, true);
    return bytes;
}

static size_t trim_arenas(size_t pad, size_t *returned) {
    size_t bytes = 0;
    for (unsigned i = 0; i < arena_limit(); i++) {
        struct arena *arena = arena_at(i);
        if (arena)
            bytes += trim_one(arena, i == 0 ? pad : 0, returned);
    }
    return bytes;
}

size_t arena_trim(size_t pad) {
    size_t returned = 0;
    return trim_arenas(pad, &returned);
}

// The hard limit would not have it, as things are.
static bool limit_refuses(size_t bytes) {
    if (!limit_reserve(bytes))
        return true;
    limit_release(bytes);
    return false;
}

// Who is in the middle of a take may count twice, and may not run: he gets time to be done.
static bool limit_refuses_for_good(size_t bytes) {
    uint32_t nobody = 0;
    for (unsigned i = 0; limit_refuses(bytes); i++) {
        if (i == FLUX_LOOKS || !limit_is_in_flux())
            return true;
        os_wait_for(&nobody, 0, flux_ns);
    }
    return false;
}

// What is free and what the kernel still gives may be enough together: a try tells.
static bool could_make_room(size_t bytes, size_t free_bytes) {
    if (free_bytes >= bytes || free_bytes == 0)
        return free_bytes > 0;
    size_t rest = align_up(bytes - free_bytes, os_page_bytes());
    void  *memory = os_map(rest, os_page_bytes(), OS_RESERVED, "tidemalloc arena");
    if (memory)
        os_unmap(memory, rest);
    return memory != NULL;
}

bool arena_reclaim(size_t bytes) {
    size_t free_bytes = 0, returned = 0;
    for (unsigned i = 0; i < arena_limit(); i++) {
        struct arena *arena = arena_at(i);
        if (arena)
            free_bytes += PEEK(&arena->pages.dirty_bytes) + PEEK(&arena->pages.clean_bytes);
    }
    bool is_limit = limit_refuses(bytes);
    if (huge_evict(UINT64_MAX) == 0 && !is_limit && !could_make_room(bytes, free_bytes))
        return false;
    bool done = trim_arenas(0, &returned) > 0 || returned > 0;
    return is_limit ? !limit_refuses_for_good(bytes) : done;
}

void arena_give_large(struct span *span) {
    large_give(span);
    arena_settle();
}
