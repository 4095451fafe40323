// heap/fence.c - see fence.h.
#include "heap/fence.h"

#include "conf/counters.h"
#include "conf/options.h"
#include "heap/secret.h"
#include "os/lock.h"
#include "os/os.h"
#include "page/thp.h"

enum { GRANULES_MAX = 4, GRANULES_AROUND_MAX = UINT16_MAX };

static struct {
    struct lock lock;
    struct list spans;  // of span.lru, oldest first
    size_t      bytes;
    unsigned    count;
} retired = {.lock = LOCK_INIT(RANK_HUGE), .spans = {&retired.spans, &retired.spans}};

static unsigned fences;  // ranges that are unreadable; relaxed: a bound

bool fence_is_on(void) {
    return UNLIKELY(option(OPT_HARDENED) != 0) && option(OPT_GUARD_PAGES) != 0;
}

bool fence_is_on_slabs(void) {
    return fence_is_on() && !os_data_is_limited();
}

static bool count_one(void) {
    if (__atomic_add_fetch(&fences, 1, __ATOMIC_RELAXED) <= FENCES_MAX)
        return true;
    __atomic_fetch_sub(&fences, 1, __ATOMIC_RELAXED);
    return false;
}

static void uncount_one(void) {
    __atomic_fetch_sub(&fences, 1, __ATOMIC_RELAXED);
}

bool fence_make(void *address, size_t bytes) {
    if (!count_one())
        return false;
    if (os_conceal(address, bytes) == 0)
        return true;
    uncount_one();
    return false;
}

bool fence_remove(void *address, size_t bytes) {
    if (os_commit(address, bytes) != 0)
        return false;
    uncount_one();
    return true;
}

// --- blocks --------------------------------------------------------------------------------------

int fence_unmap(const struct span *span) {
    size_t around = (size_t)(span->guard_before + span->guard_after) * GRANULE;
    int    error = os_unmap((void *)(span->base - span->guard_before * GRANULE),
                            span_bytes(span) + around);
    if (!error && span->guard_before > 0)
        uncount_one();
    return error;
}

// Room to grow into, as much as the block, is readable when it does.
static size_t room_of(size_t granules, bool roomy) {
    return roomy ? min_size(granules, GRANULES_AROUND_MAX - GRANULES_MAX) * GRANULE : 0;
}

// All of it unreadable; the span's base and guards tell where the block will be. False: no memory,
// or too many fences.
static bool reserve(struct span *span, size_t alignment, const char *name, bool roomy) {
    size_t front = align_up((1 + secret_below(GRANULES_MAX)) * GRANULE, alignment);
    size_t back = (1 + secret_below(GRANULES_MAX)) * GRANULE, all;
    back += room_of(span->granules, roomy);
    if (front / GRANULE > GRANULES_AROUND_MAX ||
        !checked_add(span_bytes(span), front + back, &all) || !count_one())
        return false;
    char *start = os_map(all, alignment, OS_RESERVED, name);
    if (!start) {
        uncount_one();
        return false;
    }
    span->base = (uintptr_t)start + front;
    span->guard_before = (uint16_t)(front / GRANULE);
    span->guard_after = (uint16_t)(back / GRANULE);
    return true;
}

bool fence_map(struct span *span, size_t bytes, size_t alignment, const char *name, bool roomy) {
    if (!reserve(span, alignment, name, roomy))
        return false;
    if (os_commit((void *)span->base, align_up(bytes, os_page_bytes())) == 0)
        return true;
    fence_unmap(span);
    span->base = span->guard_before = span->guard_after = 0;
    return false;
}

// So many granules behind the span may become its own; at least one stays, by chance more.
static bool has_behind(const struct span *span, size_t more) {
    return more + 1 + secret_below(GRANULES_MAX) <= span->guard_after &&
           page_map_prepare(span->base, span->granules + more);
}

static void take_behind(struct span *span, size_t more) {
    thp_committed((void *)span_end(span), more * GRANULE);
    span->granules += more;
    span->guard_after = (uint16_t)(span->guard_after - more);
    counters_add(&counters_process, COUNTER_mapped_bytes, more * GRANULE);
    span_publish_block(span, page_map_class(span->base));  // claimed or not
}

bool fence_grow(struct span *span, size_t bytes) {
    size_t pages = align_up(bytes, os_page_bytes()), granules = bytes_to_granules(bytes);
    size_t more = granules - min_size(granules, span->granules);
    if (pages <= span->bytes)
        return true;
    if ((more > 0 && !has_behind(span, more)) ||
        os_commit((char *)span->base + span->bytes, pages - span->bytes) != 0)
        return false;
    if (more > 0)
        take_behind(span, more);
    return true;
}

// Of what was reserved for `to` the part is gone that the memory should have come to.
static void release_around(const struct span *to, size_t bytes) {
    size_t before = to->guard_before * GRANULE;
    os_unmap((void *)(to->base - before), before);
    os_unmap((void *)(to->base + bytes), span_bytes(to) + to->guard_after * GRANULE - bytes);
    uncount_one();
}

static bool carry(struct span *from, struct span *to, size_t bytes) {
    enum os_carrying carrying = OS_STAYED;
    if (page_map_prepare(to->base, to->granules))
        carrying = os_carry((void *)from->base, (void *)to->base, bytes);
    if (carrying == OS_TARGET_LOST)
        release_around(to, bytes);
    else if (carrying == OS_STAYED)
        fence_unmap(to);
    return carrying == OS_CARRIED;
}

struct span *fence_carry(struct span *span, size_t bytes, size_t alignment, const char *name) {
    struct span *to = span_new(0, bytes_to_granules(bytes), SPAN_CLEAN);
    if (!to)
        return NULL;
    if (!reserve(to, alignment, name, true) || !carry(span, to, bytes)) {
        span_delete(to);
        return NULL;
    }
    to->bytes = to->resident = bytes;
    to->joined = (uint32_t)(bytes / os_page_bytes());
    span->resident = 0;
    return to;
}

// --- what is retired -----------------------------------------------------------------------------

static void put_locked(struct span *span) {
    list_append(&retired.spans, &span->lru);
    retired.bytes += span_bytes(span);
    retired.count++;
}

// The oldest that is too many, taken out; NULL: none.
static struct span *take_due(size_t bytes_max, unsigned count_max) {
    struct span *span = NULL;
    lock_acquire(&retired.lock);
    if (retired.count > count_max || retired.bytes > bytes_max) {
        span = CONTAINER_OF(list_first(&retired.spans), struct span, lru);
        list_remove(&span->lru);
        retired.bytes -= span_bytes(span);
        retired.count--;
    }
    lock_release(&retired.lock);
    return span;
}

static bool unmap(struct span *span) {
    page_map_set_class(span->base, span->granules, CLASS_NONE);
    if (fence_unmap(span) != 0) {
        page_map_set_class(span->base, span->granules, CLASS_FREE);
        return false;
    }
    counters_sub(&counters_process, COUNTER_mappings, 1);
    counters_sub(&counters_process, COUNTER_mapped_bytes, span_bytes(span));
    span_delete(span);
    return true;
}

static void keep(struct span *span) {
    lock_acquire(&retired.lock);
    put_locked(span);
    lock_release(&retired.lock);
}

// What cannot be unmapped waits on: it is unreadable, and costs address space only.
static size_t release_due(size_t bytes_max, unsigned count_max) {
    struct span *span;
    size_t       released = 0;
    while ((span = take_due(bytes_max, count_max)) != NULL) {
        size_t bytes = span_bytes(span);
        if (!unmap(span)) {
            keep(span);
            break;
        }
        released += bytes;
    }
    return released;
}

bool fence_retire(struct span *span) {
    lock_assert_none_held();
    if (span_bytes(span) > option(OPT_RETIRED) ||
        os_conceal((void *)span->base, span_bytes(span)) != 0)
        return unmap(span);
    span->resident = 0;
    keep(span);
    release_due(option(OPT_RETIRED), RETIRED_MAX);
    return true;
}

size_t fence_release_all(void) {
    return release_due(0, 0);
}

void fence_fork_prepare(void) {
    lock_acquire_peer(&retired.lock);
}
void fence_fork_parent(void) {
    lock_release(&retired.lock);
}
void fence_fork_child(void) {
    lock_reset_in_child(&retired.lock);
}
