// heap/huge.c - mappings and their reuse. See huge.h.
#include "heap/huge.h"

#include "conf/counters.h"
#include "conf/options.h"
#include "heap/aside.h"
#include "heap/fence.h"
#include "os/lock.h"
#include "os/os.h"
#include "page/limit.h"
#include "page/thp.h"

enum { CACHE_ENTRIES_MAX = 64, MAPPINGS_MANY = 16000, LEARNED = 64 << 20 };
static const uint64_t keep_ns = 1000000000;

static struct {
    struct lock lock;
    struct list freed;         // of span.lru, oldest first; NULL links until the first use
    size_t      freed_bytes;   // resident in them; read by anybody
    unsigned    freed_count;
    uint64_t    oldest_ns;     // when the oldest was freed; UINT64_MAX = none. Read by anybody
} cache = {.lock = LOCK_INIT(RANK_HUGE),
           .freed = {&cache.freed, &cache.freed},
           .oldest_ns = UINT64_MAX};

static struct purge  own;             // for tests of this floor alone: nothing is learned from it
static struct purge *shared = &own;   // constant after start
static bool          missed;          // relaxed: a hint; set once

void huge_start(struct purge *purge) {
    shared = purge;
}

// What the kernel joined a free in between parts: this is how many there may be. See huge.h.
static bool are_mappings_many(void) {
    return PEEK(&counters_process.value[COUNTER_mappings]) >= MAPPINGS_MANY;
}

// Whoever says a threshold gets that one, while there are mappings to spare.
static size_t learned_threshold(void) {
    bool learned = PEEK(&missed) && options_origin(OPT_HUGE_THRESHOLD) == ORIGIN_DEFAULT;
    return learned || are_mappings_many() ? LEARNED : 0;
}

// Between fences every block is that does not fit a slab.
size_t huge_threshold(void) {
    if (fence_is_on() && !are_mappings_many())
        return SMALL_MAX;
    return max_size(option(OPT_HUGE_THRESHOLD), learned_threshold());
}

// True: a freed mapping of this size may be asked for again as it is. What was learned is served
// by the arenas from now on.
static bool is_worth_keeping(const struct span *span) {
    return span->bytes <= option(OPT_HUGE_CACHE) && span->bytes > learned_threshold();
}

// --- the cache -----------------------------------------------------------------------------------

static void note_oldest_locked(void) {
    struct list *first = list_first(&cache.freed);
    POKE(&cache.oldest_ns, first ? CONTAINER_OF(first, struct span, lru)->freed_ns : UINT64_MAX);
}

// Its resident bytes are held against the limit until the caller releases them.
static void uncache_locked(struct span *span) {
    limit_hold(span->resident);
    list_remove(&span->lru);
    POKE(&cache.freed_bytes, cache.freed_bytes - span->resident);
    POKE(&cache.freed_count, cache.freed_count - 1);
    counters_sub(&counters_process, COUNTER_huge_cached_bytes, span->resident);
    note_oldest_locked();
}

static bool fits(const struct span *span, size_t bytes, size_t alignment) {
    return span_bytes(span) >= bytes && span_bytes(span) - bytes <= bytes / 4 &&
           is_aligned(span->base, alignment);
}

// What a block of so many bytes needs beyond what is resident.
static size_t missing_in(const struct span *span, size_t bytes) {
    return bytes - min_size(span->resident, bytes);
}

// The tightest freed mapping for a request, taken out; NULL: none, or the hard limit refuses what
// it has too little. What the block will count is reserved.
static struct span *take_cached(size_t bytes, size_t alignment) {
    struct span *best = NULL;
    lock_acquire(&cache.lock);
    for (struct list *node = cache.freed.next; node != &cache.freed; node = node->next) {
        struct span *span = CONTAINER_OF(node, struct span, lru);
        if (fits(span, bytes, alignment) && (!best || span->granules <= best->granules))
            best = span;
    }
    if (best && !limit_reserve(missing_in(best, bytes)))
        best = NULL;
    if (best)
        uncache_locked(best);
    lock_release(&cache.lock);
    return best;
}

// One freed mapping may be as large as TIDE_HUGE_CACHE says, so that a buffer that comes and goes
// costs no fault; several together may be as large as other free memory may, too.
static bool is_within_bounds_locked(uint64_t allowance) {
    size_t most = option(OPT_HUGE_CACHE);
    if (limit_is_set())
        most = min_size(most, cache.freed_bytes - min_size(limit_excess(), cache.freed_bytes));
    if (cache.freed_count > 1 || purge_is_pressed(shared))
        most = min_size(most, allowance);
    return cache.freed_bytes <= most && cache.freed_count <= CACHE_ENTRIES_MAX;
}

static struct span *oldest_due(uint64_t until_ns, uint64_t allowance) {
    struct span *span = NULL;
    lock_acquire(&cache.lock);
    struct list *first = list_first(&cache.freed);
    if (first) {
        span = CONTAINER_OF(first, struct span, lru);
        if (is_within_bounds_locked(allowance) && span->freed_ns > until_ns)
            span = NULL;
    }
    if (span)
        uncache_locked(span);
    lock_release(&cache.lock);
    return span;
}

static void put_cached(struct span *span, uint64_t now_ns) {
    lock_acquire(&cache.lock);
    span->freed_ns = now_ns;
    list_append(&cache.freed, &span->lru);
    POKE(&cache.freed_bytes, cache.freed_bytes + span->resident);
    POKE(&cache.freed_count, cache.freed_count + 1);
    counters_add(&counters_process, COUNTER_huge_cached_bytes, span->resident);
    note_oldest_locked();
    lock_release(&cache.lock);
}

// What somebody will miss: not what nobody touched. Of the largest nothing is learned in any case.
static size_t touched_in(const struct span *span) {
    if (span->resident > LEARNED)
        return span->resident;
    return min_size(span->resident, os_resident_in((void *)span->base, span_bytes(span)));
}

// Unmaps; where the kernel cannot (the limit of mappings), the pages go and the empty mapping waits
// for reuse. The bytes that were given back. What is resident is held.
static size_t drop_held(struct span *span, enum purge_reason reason) {
    size_t bytes = span->resident;
    size_t touched = reason == PURGE_ON_REQUEST ? 0 : touched_in(span);
    size_t committed = span->guard_before > 0 ? span->bytes : span_bytes(span);  // between fences
    page_map_set_class(span->base, span->granules, CLASS_NONE);
    if (fence_unmap(span) == 0) {
        page_gauge_purged(&shared->gauge, touched);
        counters_sub(&counters_process, COUNTER_mappings, 1);
        counters_sub(&counters_process, COUNTER_mapped_bytes, span_bytes(span));
        span_delete(span);
        return bytes;
    }
    page_map_set_class(span->base, span->granules, CLASS_FREE);
    if (os_purge((void *)span->base, committed) != 0)
        bytes = 0;
    else
        span->state = SPAN_CLEAN;
    span->resident -= bytes;
    put_cached(span, os_now_ns());
    return bytes;
}

static size_t drop(struct span *span, enum purge_reason reason) {
    size_t held = span->resident, bytes = drop_held(span, reason);
    limit_release(held);
    return bytes;
}

static size_t evict(uint64_t until_ns, enum purge_reason reason) {
    size_t       bytes = 0;
    struct span *span;
    lock_assert_none_held();
    // Bounded: what cannot be unmapped comes back to the list.
    unsigned left = PEEK(&cache.freed_count);
    if (left == 0)
        return 0;
    uint64_t allowance = purge_allowance(shared, os_now_ns());
    while (left-- > 0 && (span = oldest_due(until_ns, allowance)) != NULL)
        bytes += drop(span, reason);
    return bytes;
}

size_t huge_evict(uint64_t until_ns) {
    size_t retired = until_ns == UINT64_MAX ? fence_release_all() : 0;
    return retired + evict(until_ns, PURGE_BUDGET);
}

size_t huge_trim(void) {
    return evict(UINT64_MAX, PURGE_ON_REQUEST);
}

unsigned huge_cached_count(void) {
    return PEEK(&cache.freed_count);
}

void huge_tick(uint64_t now_ns) {
    uint64_t oldest = PEEK(&cache.oldest_ns);
    if (oldest != UINT64_MAX && oldest + keep_ns < now_ns)
        huge_evict(now_ns - keep_ns);
}

// --- figures -------------------------------------------------------------------------------------

void huge_count(const struct span *span, int sign) {
    counters_add(&counters_process, COUNTER_huge_bytes, (uint64_t)sign * span->bytes);
    counters_add(&counters_process, COUNTER_slack_bytes, (uint64_t)sign * span_slack(span));
    counters_add(&counters_process, COUNTER_huge_blocks, (uint64_t)sign);
    if (sign > 0)
        page_gauge_note_demand(&shared->gauge);
}

void huge_set_bytes(struct span *span, size_t bytes) {
    span->bytes = align_up(bytes, os_page_bytes());
    span->resident = max_size(span->resident, span->bytes);
    huge_count(span, 1);
}

// --- take and give -------------------------------------------------------------------------------

// A freed mapping was there and did not fit, or was unmapped too early. What waits goes: most of it
// is of sizes that the arenas serve from now on.
static void learn_miss(size_t bytes) {
    if (bytes > LEARNED || fence_is_on() || options_origin(OPT_HUGE_THRESHOLD) != ORIGIN_DEFAULT)
        return;
    POKE(&missed, true);
    huge_evict(UINT64_MAX);
}

// Where there may be no more fences a block does without.
static void map_memory(struct span *span, size_t bytes, size_t alignment, bool roomy) {
    if ((fence_is_on() && fence_map(span, bytes, alignment, HUGE_NAME, roomy)) || roomy)
        return;
    span->base = (uintptr_t)os_map(span_bytes(span), alignment, OS_READ_WRITE, HUGE_NAME);
}

static struct span *map_new(size_t request, size_t alignment, bool roomy) {
    struct span *span = span_new(0, bytes_to_granules(request), SPAN_CLEAN);
    if (!span)
        return NULL;
    size_t bytes = span_bytes(span);
    alignment = max_size(alignment, thp_alignment(bytes));
    map_memory(span, request, alignment, roomy);
    if (span->base)
        thp_committed((void *)span->base, bytes);
    if (!span->base || !page_map_prepare(span->base, span->granules)) {
        if (span->base)
            fence_unmap(span);
        span_delete(span);
        return NULL;
    }
    if (page_gauge_taken(&shared->gauge, bytes) > 0)
        learn_miss(bytes);
    counters_add(&counters_process, COUNTER_huge_maps, 1);
    counters_add(&counters_process, COUNTER_mappings, 1);
    counters_add(&counters_process, COUNTER_mapped_bytes, bytes);
    return span;
}

// `reserved` bytes are.
static struct span *make_block(struct span *span, size_t bytes, size_t reserved) {
    if (span)
        huge_set_bytes(span, bytes);
    limit_release(reserved);
    if (!span)
        return NULL;
    span_set_kind(span, SPAN_HUGE);
    span_publish_block(span, CLASS_HUGE);
    return span;
}

// --- between fences ------------------------------------------------------------------------------
//
// What was set aside (aside.h) waits in the cache as clean.

// So far apart may be what waits and what is asked for: what is too much stays as slack, out of
// reach, what is too little is taken anew.
static bool is_near(size_t waits, size_t asked) {
    return waits <= asked + asked / 2 && waits >= asked / 2;
}

static size_t distance(size_t one, size_t other) {
    return one > other ? one - other : other - one;
}

// The one nearest to that size, taken out; NULL: none.
static struct span *take_aside(size_t bytes, size_t alignment) {
    struct span *best = NULL;
    lock_acquire(&cache.lock);
    for (struct list *node = cache.freed.next; node != &cache.freed; node = node->next) {
        struct span *span = CONTAINER_OF(node, struct span, lru);
        if (span->guard_before > 0 && span->state == SPAN_CLEAN &&
            is_near(span->resident, bytes) && is_aligned(span->base, alignment) &&
            (!best || distance(span->resident, bytes) < distance(best->resident, bytes)))
            best = span;
    }
    if (best)
        uncache_locked(best);
    lock_release(&cache.lock);
    return best;
}

// False: the kernel refuses, and it is gone.
static bool fit_aside(struct span *span, size_t pages) {
    char *end = (char *)span->base + pages;
    if (pages < span->resident ? os_hide(end, span->resident - pages) == 0
                               : fence_grow(span, pages))
        return true;
    drop(span, PURGE_ON_REQUEST);
    return false;
}

static struct span *reuse_aside(size_t bytes, size_t alignment) {
    size_t       pages = align_up(bytes, os_page_bytes());
    struct span *span = PEEK(&cache.freed_count) > 0 ? take_aside(pages, alignment) : NULL;
    if (!span || !fit_aside(span, pages))
        return NULL;
    __atomic_fetch_add(&shared->gauge.reused_bytes, span->resident, __ATOMIC_RELAXED);
    counters_add(&counters_process, COUNTER_huge_reuses, 1);
    return make_block(span, bytes, 0);
}

struct span *huge_reuse(size_t bytes, size_t alignment) {
    if (PEEK(&cache.freed_count) == 0 || fence_is_on())
        return NULL;
    struct span *span = take_cached(bytes, max_size(alignment, GRANULE));
    if (!span) {
        learn_miss(bytes);
        return NULL;
    }
    __atomic_fetch_add(&shared->gauge.reused_bytes, span->resident, __ATOMIC_RELAXED);
    counters_add(&counters_process, COUNTER_huge_reuses, 1);
    return make_block(span, bytes, max_size(span->resident, bytes));
}

static struct span *take_new(size_t bytes, size_t alignment, bool roomy) {
    if (!limit_reserve(bytes))
        return NULL;
    return make_block(map_new(bytes, alignment, roomy), bytes, bytes);
}

struct span *huge_take(size_t bytes, size_t alignment) {
    alignment = max_size(alignment, GRANULE);
    struct span *span = fence_is_on() ? reuse_aside(bytes, alignment) : NULL;
    if (!span)
        span = take_new(bytes, alignment, false);
    // What waits for reuse may be what is missing.
    if (!span && huge_evict(UINT64_MAX) > 0)
        span = take_new(bytes, alignment, false);
    return span;
}

struct span *huge_take_roomy(size_t bytes) {
    if (!fence_is_on() || bytes <= huge_threshold())
        return NULL;
    struct span *span = reuse_aside(bytes, GRANULE);
    return span ? span : take_new(bytes, GRANULE, true);
}

// `held` bytes are held against the limit until then.
static void keep_freed(struct span *span, size_t held) {
    uint64_t now_ns = os_now_ns();
    put_cached(span, now_ns);
    limit_release(held);
    huge_evict(now_ns > keep_ns ? now_ns - keep_ns : 0);
}

// False: the span is as it was.
static bool retire(struct span *span) {
    struct span *kept = is_worth_keeping(span) ? aside_put(span, HUGE_NAME) : NULL;
    bool         done = fence_retire(span);
    if (kept)
        keep_freed(kept, 0);
    return done;
}

void huge_give(struct span *span) {
    size_t held = span->resident;
    limit_hold(held);
    huge_count(span, -1);
    page_map_set_class(span->base, span->granules, CLASS_FREE);
    span_set_kind(span, SPAN_FREE);
    span->owner = NULL;
    span->state = SPAN_DIRTY;
    if (fence_is_on() && retire(span)) {
        limit_release(held);
        return;
    }
    if (!is_worth_keeping(span)) {
        drop(span, PURGE_BUDGET);
        return;
    }
    keep_freed(span, held);
}

void huge_fork_prepare(void) {
    lock_acquire(&cache.lock);
    fence_fork_prepare();
}
void huge_fork_parent(void) {
    fence_fork_parent();
    lock_release(&cache.lock);
}
void huge_fork_child(void) {
    fence_fork_child();
    lock_reset_in_child(&cache.lock);
}
