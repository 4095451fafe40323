// local/caches.c - see caches.h.
#include "local/caches.h"

#include "page/meta.h"

static struct cache *all_caches;     // newest first; stored with release, never unlinked
static struct cache *unused_caches;  // last given up first: its lines are warm; under the lock
static struct lock   caches_lock = LOCK_INIT(RANK_CACHES);
static uint32_t      orphans;        // caches in state CACHE_ORPHAN; relaxed: a hint

const struct caches_sight caches_sight = {&all_caches};

// --- birth and death -----------------------------------------------------------------------------

static struct cache *make_locked(void) {
    struct cache *cache = meta_area(CACHE_AREA_BYTES);
    if (!cache)
        return NULL;
    cache_clear(cache);
    cache->next = all_caches;
    // Release: pairs with the acquires of those who walk the list.
    __atomic_store_n(&all_caches, cache, __ATOMIC_RELEASE);
    return cache;
}

static void give_up_locked(struct cache *cache) {
    POKE(&cache->state, CACHE_UNUSED);
    cache->next_unused = unused_caches;
    unused_caches = cache;
}

struct cache *caches_new(void) {
    lock_acquire(&caches_lock);
    struct cache *cache = unused_caches;
    if (cache)
        unused_caches = cache->next_unused;
    else
        cache = make_locked();
    if (cache)
        POKE(&cache->state, CACHE_LIVE);
    lock_release(&caches_lock);
    return cache;
}

void caches_delete(struct cache *cache) {
    cache_drain(cache);
    cache_forget(cache);
    lock_acquire(&caches_lock);
    give_up_locked(cache);
    lock_release(&caches_lock);
}

// --- all caches ----------------------------------------------------------------------------------

// Acquire: pairs with the release in make_locked; each cache was linked whole.
static struct cache *first_cache(void) {
    return __atomic_load_n(&all_caches, __ATOMIC_ACQUIRE);
}

void caches_adopt_orphan(void) {
    if (LIKELY(PEEK(&orphans) == 0))
        return;
    for (struct cache *cache = first_cache(); cache; cache = cache->next) {
        uint32_t expected = CACHE_ORPHAN;
        // Acquire and release: from here on the cache is this thread's alone.
        if (__atomic_compare_exchange_n(&cache->state, &expected, CACHE_LIVE, false,
                                        __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
            __atomic_fetch_sub(&orphans, 1, __ATOMIC_RELAXED);
            caches_delete(cache);
            return;
        }
    }
}

uint64_t caches_slots(class_id id) {
    uint64_t slots = 0;
    for (struct cache *cache = first_cache(); cache; cache = cache->next)
        if (PEEK(&cache->state) == CACHE_LIVE)
            slots += cache_held(cache, id);
    return slots;
}

void caches_count(struct counters *totals) {
    for (unsigned id = SMALL_CLASS_FIRST; id <= SMALL_CLASS_LAST; id++)
        totals->value[COUNTER_cached_bytes] +=
            caches_slots((class_id)id) * class_bytes((class_id)id);
    for (struct cache *cache = first_cache(); cache; cache = cache->next) {
        totals->value[COUNTER_threads] += PEEK(&cache->state) == CACHE_LIVE;
        totals->value[COUNTER_metadata_bytes] += PEEK(&cache->bump) * sizeof(void *);
    }
}

void caches_fork_prepare(void) {
    lock_acquire(&caches_lock);
}
void caches_fork_parent(void) {
    lock_release(&caches_lock);
}

// Between the two steps of a pop or a push, or a batch, a cache is whole but for slots that stay
// taken for ever; inside flush it is not, and then all it holds does.
void caches_fork_child(struct cache *mine) {
    orphans = 0;
    for (struct cache *cache = all_caches; cache; cache = cache->next) {
        if (cache == mine || cache->state == CACHE_UNUSED)
            continue;
        if (cache->busy) {
            cache_clear(cache);
            cache->busy = false;
            give_up_locked(cache);
        } else {
            cache->state = CACHE_ORPHAN;
            orphans++;
        }
    }
    lock_reset_in_child(&caches_lock);
}
