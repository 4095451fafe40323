// local/caches.c - see caches.h.
#include "local/caches.h"

#include "os/lock.h"
#include "os/os.h"
#include "page/meta.h"
#include "page/page_gauge.h"

static struct meta_pool   seat_pool = META_POOL(struct cache_seat);
static struct cache_seat *all_seats;    // newest first; stored with release, never unlinked
static struct cache_seat *warm_seats;   // unused; last given up first. Both under the lock
static struct cache_seat *clean_seats;  // unused, areas given back
static struct lock        caches_lock = LOCK_INIT(RANK_CACHES);
static uint32_t           seats;    // in the list; relaxed: a hint
static uint32_t           orphans;  // caches in state CACHE_ORPHAN; relaxed: a hint
static uint32_t           owned;    // seats with a root; relaxed: a hint

const struct caches_sight caches_sight = {&all_seats};

// --- birth and death -----------------------------------------------------------------------------

static struct cache_seat *make_locked(void) {
    struct cache_seat *seat = meta_take(&seat_pool);
    if (!seat)
        return NULL;
    seat->cache = meta_area(CACHE_AREA_BYTES);
    if (!seat->cache) {
        meta_give(&seat_pool, seat);
        return NULL;
    }
    seat->is_clean = true;
    seat->next = all_seats;
    POKE(&seats, seats + 1);
    // Release: pairs with the acquire of those who walk the list.
    __atomic_store_n(&all_seats, seat, __ATOMIC_RELEASE);
    return seat;
}

static struct cache_seat *pop_locked(struct cache_seat **list) {
    struct cache_seat *seat = *list;
    if (seat)
        *list = seat->next_unused;
    return seat;
}

static void push_locked(struct cache_seat *seat) {
    struct cache_seat **list = seat->is_clean ? &clean_seats : &warm_seats;
    POKE(&seat->state, CACHE_UNUSED);
    seat->next_unused = *list;
    *list = seat;
}

static void push(struct cache_seat *seat) {
    lock_acquire(&caches_lock);
    push_locked(seat);
    lock_release(&caches_lock);
}

static void count_area(int64_t sign) {
    __atomic_fetch_add(&page_gauge_caches.areas, (uint64_t)sign, __ATOMIC_RELAXED);
}

struct cache *caches_new(void) {
    lock_acquire(&caches_lock);
    struct cache_seat *seat = pop_locked(&warm_seats);
    if (!seat)
        seat = pop_locked(&clean_seats);
    if (!seat)
        seat = make_locked();
    if (seat) {
        if (seat->is_clean) {
            cache_clear(seat->cache);
            count_area(1);
        }
        seat->cache->seat = seat;
        POKE(&seat->is_clean, false);
        POKE(&seat->state, CACHE_LIVE);
    }
    lock_release(&caches_lock);
    return seat ? seat->cache : NULL;
}

void caches_own(struct cache *cache, struct thread_root *root, int number) {
    POKE(&cache->seat->number, number);
    POKE(&cache->seat->ran_ns, UINT64_MAX);
    __atomic_fetch_add(&owned, 1, __ATOMIC_RELAXED);
    // Release: pairs with the acquire of a taker, who then finds the root as its thread left it.
    __atomic_store_n(&cache->seat->root, root, __ATOMIC_RELEASE);
}

void caches_disown(struct cache_seat *seat) {
    POKE(&seat->root, NULL);
    __atomic_fetch_sub(&owned, 1, __ATOMIC_RELAXED);
}

uint32_t caches_owned(void) {
    return PEEK(&owned);
}

void caches_delete(struct cache *cache) {
    cache_drain(cache);
    cache_forget(cache);
    push(cache->seat);
}

// --- all caches ----------------------------------------------------------------------------------

// Acquire: pairs with the release in make_locked; each seat was linked whole.
struct cache_seat *caches_first(void) {
    return __atomic_load_n(&all_seats, __ATOMIC_ACQUIRE);
}

void caches_adopt_orphan(void) {
    if (LIKELY(PEEK(&orphans) == 0))
        return;
    for (struct cache_seat *seat = caches_first(); seat; seat = seat->next) {
        uint32_t expected = CACHE_ORPHAN;
        // Acquire and release: from here on the cache is this thread's alone.
        if (__atomic_compare_exchange_n(&seat->state, &expected, CACHE_LIVE, false,
                                        __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
            __atomic_fetch_sub(&orphans, 1, __ATOMIC_RELAXED);
            caches_delete(seat->cache);
            return;
        }
    }
}

// Where pages are larger than an area's alignment, those it shares with others stay.
static size_t clean(struct cache_seat *seat) {
    size_t    page = os_page_bytes();
    uintptr_t start = align_up((uintptr_t)seat->cache, page);
    uintptr_t end = (uintptr_t)seat->cache + seat->cache->bump * sizeof(void *);
    uintptr_t limit = align_down((uintptr_t)seat->cache + CACHE_AREA_BYTES, page);
    end = min_size(align_up(end, page), limit);
    return end > start && os_purge((void *)start, end - start) == 0 ? end - start : 0;
}

size_t caches_clean(void) {
    size_t bytes = 0;
    for (uint32_t left = PEEK(&seats); left > 0; left--) {
        lock_acquire(&caches_lock);
        struct cache_seat *seat = pop_locked(&warm_seats);
        if (seat)
            POKE(&seat->state, CACHE_CLEANING);
        lock_release(&caches_lock);
        if (!seat)
            break;
        bytes += clean(seat);
        count_area(-1);
        POKE(&seat->is_clean, true);
        push(seat);
    }
    return bytes;
}

static uint64_t held_in_front(const struct cache *cache, class_id id) {
    // Acquire: pairs with the release in cache_clear; the front behind it is whole.
    const struct front *front = __atomic_load_n(&cache->front, __ATOMIC_ACQUIRE);
    return front ? front_count(front, id) : 0;
}

uint64_t caches_slots(class_id id) {
    uint64_t slots = 0;
    for (struct cache_seat *seat = caches_first(); seat; seat = seat->next)
        if (PEEK(&seat->state) == CACHE_LIVE)
            slots += cache_held(seat->cache, id) + held_in_front(seat->cache, id);
    return slots;
}

void caches_count(struct counters *totals) {
    for (unsigned id = SMALL_CLASS_FIRST; id <= SMALL_CLASS_LAST; id++)
        totals->value[COUNTER_cached_bytes] +=
            caches_slots((class_id)id) * class_bytes((class_id)id);
    for (struct cache_seat *seat = caches_first(); seat; seat = seat->next) {
        totals->value[COUNTER_threads] += PEEK(&seat->state) == CACHE_LIVE;
        if (!PEEK(&seat->is_clean))
            totals->value[COUNTER_metadata_bytes] += PEEK(&seat->cache->bump) * sizeof(void *);
    }
}

void caches_fork_prepare(void) {
    lock_acquire(&caches_lock);
}
void caches_fork_parent(void) {
    lock_release(&caches_lock);
}

// Between the two steps of a pop or a push, or a batch, a cache is whole but for slots that stay
// taken for ever; inside flush it is not, and then all it holds does. An area that was being given
// back is taken for clean: it is made new before use.
static void leave_behind_locked(struct cache_seat *seat) {
    seat->root = NULL;
    if (seat->state == CACHE_CLEANING || seat->cache->busy) {
        if (seat->state != CACHE_CLEANING)
            cache_clear(seat->cache);
        seat->is_clean = true;
        push_locked(seat);
    } else {
        seat->state = CACHE_ORPHAN;
        orphans++;
    }
}

void caches_fork_child(struct cache *mine) {
    orphans = 0;
    owned = mine ? 1 : 0;
    POKE(&page_gauge_caches.areas, 0);
    for (struct cache_seat *seat = all_seats; seat; seat = seat->next) {
        if (seat->cache != mine && seat->state != CACHE_UNUSED)
            leave_behind_locked(seat);
        if (!seat->is_clean)
            count_area(1);
    }
    lock_reset_in_child(&caches_lock);
}
