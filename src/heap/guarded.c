// heap/guarded.c - the pool: places, their ring, taking and giving. See guarded.h.
#include "heap/guarded.h"

#include <string.h>

#include "conf/counters.h"
#include "heap/guarded_report.h"
#include "os/fail.h"
#include "os/lock.h"
#include "os/os.h"
#include "page/meta.h"

enum {
    PATTERN = 0xa7,
    AT_START_EVERY = 4,  // of so many blocks one stands at the start of its pages
    PLACES_MIN = 16,     // fewer are not worth a pool
};

// Places that hold no live block, the one to be used next first.
static struct {
    struct lock lock;
    uint32_t   *numbers;
    uint32_t    first, count;
    uint32_t    taken;  // so far
} ring = {.lock = LOCK_INIT(RANK_GUARDED)};

static size_t pages_of(const struct guarded_place *place) {
    return guarded_end(place) - place->pages;
}

// --- start ---------------------------------------------------------------------------------------

static bool is_listening;

static void on_fault(const struct os_fault *fault) {
    if (guarded_owns(fault->address))
        guarded_report_fault(fault);
}

// At the first block and not at the start: a handler that the program installs first then stays in
// charge of what is not ours. One that comes later has all of it.
static void listen(void) {
    if (LIKELY(PEEK(&is_listening)) ||
        __atomic_exchange_n(&is_listening, true, __ATOMIC_RELAXED))
        return;
    os_fault_hook(on_fault);
}

// The last guard page is behind the last place.
static size_t pool_bytes(unsigned blocks) {
    return align_up(blocks * guarded_stride() + os_page_bytes(), GRANULE);
}

static void *reserve(unsigned *blocks) {
    for (; *blocks > 0; *blocks = *blocks > PLACES_MIN ? *blocks / 2 : 0) {
        void *base = os_map(pool_bytes(*blocks), GRANULE, OS_RESERVED, "tidemalloc guarded");
        if (base)
            return base;
    }
    return NULL;
}

bool guarded_start(unsigned blocks) {
    void *base = reserve(&blocks);
    if (!base)
        return false;
    ring.numbers = meta_forever(blocks * sizeof *ring.numbers);
    guarded_pool.places = meta_forever(blocks * sizeof *guarded_pool.places);
    if (!ring.numbers || !guarded_pool.places) {
        os_unmap(base, pool_bytes(blocks));
        return false;
    }
    for (uint32_t i = 0; i < blocks; i++)
        ring.numbers[i] = i;
    ring.count = guarded_pool.count = blocks;
    guarded_pool.base = (uintptr_t)base;
    os_calls_start();
    // Release: pairs with the acquire in guarded_take; the rest is seen by who has an address.
    __atomic_store_n(&guarded_pool.bytes, pool_bytes(blocks), __ATOMIC_RELEASE);
    os_seal(&guarded_pool, sizeof guarded_pool, true);
    return true;
}

// --- places --------------------------------------------------------------------------------------

static struct guarded_place *pop_place(bool *at_start) {
    struct guarded_place *place = NULL;
    lock_acquire(&ring.lock);
    if (ring.count > 0) {
        place = &guarded_pool.places[ring.numbers[ring.first]];
        ring.first = (ring.first + 1) % guarded_pool.count;
        ring.count--;
        *at_start = ++ring.taken % AT_START_EVERY == 0;
    }
    lock_release(&ring.lock);
    return place;
}

static void push_place(const struct guarded_place *place) {
    lock_acquire(&ring.lock);
    ring.numbers[(ring.first + ring.count) % guarded_pool.count] =
        (uint32_t)(place - guarded_pool.places);
    ring.count++;
    lock_release(&ring.lock);
}

// --- taking and giving ---------------------------------------------------------------------------

static void note(struct guarded_event *event) {
    event->thread = (uint32_t)os_thread_number();
    event->count = os_calls(event->calls, GUARDED_CALLS);
}

static void count_live(const struct guarded_place *place, int sign) {
    uint64_t bytes = (uint64_t)sign * pages_of(place);
    counters_add(&counters_process, COUNTER_guarded_blocks, (uint64_t)sign);
    counters_add(&counters_process, COUNTER_guarded_bytes, bytes);
    counters_add(&counters_process, COUNTER_mapped_bytes, bytes);
}

static void put_pattern(const struct guarded_place *place) {
    uintptr_t behind = place->base + place->bytes;
    memset((void *)place->pages, PATTERN, place->base - place->pages);
    memset((void *)behind, PATTERN, guarded_end(place) - behind);
}

// The first address of the range without the pattern; `end` when there is none.
static uintptr_t find_change(uintptr_t at, uintptr_t end) {
    while (at < end && *(const unsigned char *)at == PATTERN)
        at++;
    return at;
}

// Of the bytes before the block the last counts: the one next to it.
static void prove_pattern(const char *function, const struct guarded_place *place) {
    uintptr_t behind = place->base + place->bytes, end = guarded_end(place);
    uintptr_t changed = find_change(behind, end);
    if (changed < end)
        guarded_report_pattern(function, place, changed);
    for (uintptr_t at = place->base; at > place->pages; at--)
        if (*(const unsigned char *)(at - 1) != PATTERN)
            guarded_report_pattern(function, place, at - 1);
}

void *guarded_take(size_t bytes, size_t alignment) {
    size_t page = os_page_bytes();
    bool   at_start = false;
    // Acquire: pairs with the release in guarded_start. A report may come back here from looking up
    // stacks of calls, which would be looked up again.
    if (__atomic_load_n(&guarded_pool.bytes, __ATOMIC_ACQUIRE) == 0 || bytes > GUARDED_MAX ||
        alignment > page || guarded_is_reporting())
        return NULL;
    struct guarded_place *place = pop_place(&at_start);
    if (!place)
        return NULL;
    uintptr_t end = guarded_end(place);
    uintptr_t base = align_down(end - max_size(bytes, 1), max_size(alignment, SIZE_GRAIN));
    uintptr_t pages = align_down(base, page);
    if (os_commit((void *)pages, end - pages) != 0) {
        push_place(place);
        return NULL;
    }
    listen();
    place->pages = pages;
    place->base = at_start ? pages : base;
    place->bytes = bytes;
    place->family = FAMILY_MALLOC;
    put_pattern(place);
    note(&place->taken);
    place->given.thread = 0;
    // Relaxed: who frees or touches the block got it by the program's own synchronisation.
    POKE(&place->state, GUARDED_LIVE);
    count_live(place, 1);
    counters_add(&counters_process, COUNTER_guards, 1);
    return (void *)place->base;
}

// The place that an address lies in, by arithmetic: what its neighbours' records say may be half
// written, by who takes them. NULL: behind the last one.
static struct guarded_place *place_of(uintptr_t address) {
    size_t number = (address - guarded_pool.base) / guarded_stride();
    return number < guarded_pool.count ? &guarded_pool.places[number] : NULL;
}

bool guarded_find(uintptr_t address, size_t *bytes) {
    const struct guarded_place *place = place_of(address);
    if (!place || PEEK(&place->state) != GUARDED_LIVE || place->base != address)
        return false;
    *bytes = place->bytes;
    return true;
}

void guarded_note_family(void *pointer, enum family family) {
    place_of((uintptr_t)pointer)->family = family;
}

void guarded_prove_family(const char *function, const void *pointer) {
    if (family_differs((enum family)place_of((uintptr_t)pointer)->family, function))
        guarded_fail_family(function, pointer);
}

// Where the kernel keeps the pages (locked ones) they are out of reach all the same; where it
// cannot put them out of reach the memory is gone, and only what is written to it is not told.
void guarded_give(const char *function, void *pointer) {
    struct guarded_place *place = place_of((uintptr_t)pointer);
    guarded_prove_family(function, pointer);
    // Acquire and release: one of two who free it goes on, and sees what the other wrote.
    if (__atomic_exchange_n(&place->state, GUARDED_FREED, __ATOMIC_ACQ_REL) != GUARDED_LIVE)
        guarded_fail(function, pointer);
    prove_pattern(function, place);
    note(&place->given);
    count_live(place, -1);
    os_purge((void *)place->pages, pages_of(place));
    os_conceal((void *)place->pages, pages_of(place));
    push_place(place);
}

// --- checker and fork ----------------------------------------------------------------------------

static void check_place(const struct guarded_place *place) {
    if (PEEK(&place->state) == GUARDED_NEVER)
        return;
    if (place->base < place->pages || place->base + place->bytes > guarded_end(place))
        fail_internal("guarded: a block is not on its pages");
    if (PEEK(&place->state) == GUARDED_LIVE)
        prove_pattern("check", place);
}

void guarded_check(void) {
    uint32_t live = 0, waiting = 0;
    lock_acquire(&ring.lock);
    for (uint32_t i = 0; i < guarded_pool.count; i++) {
        check_place(&guarded_pool.places[i]);
        live += PEEK(&guarded_pool.places[i].state) == GUARDED_LIVE;
    }
    for (uint32_t i = 0; i < ring.count; i++) {
        uint32_t number = ring.numbers[(ring.first + i) % guarded_pool.count];
        waiting += PEEK(&guarded_pool.places[number].state) != GUARDED_LIVE;
    }
    uint32_t in_ring = ring.count;
    lock_release(&ring.lock);
    if (waiting != in_ring || live + waiting != guarded_pool.count)
        fail_internal("guarded: a place is not either live or in the ring");
}

void guarded_fork_prepare(void) {
    lock_acquire(&ring.lock);
}
void guarded_fork_parent(void) {
    lock_release(&ring.lock);
}
void guarded_fork_child(void) {
    lock_reset_in_child(&ring.lock);
}
