// page/purge.c - the two rules of purge.h.
#include "page/purge.h"

#include "conf/counters.h"
#include "conf/options.h"
#include "os/os.h"

void purge_init(struct purge *purge, uint64_t decay_ns, uint64_t now_ns) {
    *purge = (struct purge){.next_ns = now_ns + decay_ns / DECAY_STEPS};
    lock_init(&purge->lock, RANK_HUGE);
    decay_init(&purge->decay, decay_ns, now_ns);
}

static uint64_t budget(const struct purge *purge) {
    uint64_t share = PEEK(&purge->gauge.active_bytes) / 100 * option(OPT_PURGE_PERCENT);
    uint64_t floor = option(OPT_PURGE_BUDGET);
    return share > floor ? share : floor;
}

size_t purge_surplus(const struct purge *purge) {
    uint64_t dirty = PEEK(&purge->gauge.dirty_bytes), limit = budget(purge);
    return dirty > limit ? dirty - limit + limit / 8 : 0;
}

static size_t tick_locked(struct purge *purge, uint64_t now_ns) {
    uint64_t dirty = PEEK(&purge->gauge.dirty_bytes);
    decay_add(&purge->decay, dirty > purge->seen_bytes ? dirty - purge->seen_bytes : 0, now_ns);
    uint64_t limit = decay_limit(&purge->decay, now_ns);
    purge->seen_bytes = dirty < limit ? dirty : limit;
    POKE(&purge->next_ns, now_ns + purge->decay.period_ns / DECAY_STEPS);
    return dirty > limit ? dirty - limit : 0;
}

bool purge_tick(struct purge *purge, uint64_t now_ns, size_t *surplus) {
    if (purge->decay.period_ns == 0 || now_ns < PEEK(&purge->next_ns) || !lock_try(&purge->lock))
        return false;
    *surplus = tick_locked(purge, now_ns);
    lock_release(&purge->lock);
    return true;
}

size_t purge_heap(struct page_heap *heap, size_t bytes) {
    struct list list;
    size_t      done = 0;
    list_init(&list);
    lock_assert_none_held();
    page_heap_detach_dirty(heap, bytes, &list);
    while (!list_is_empty(&list)) {
        struct span *span = CONTAINER_OF(list_first(&list), struct span, lru);
        size_t       length = span->resident;
        bool         clean = os_purge((void *)span->base, span_bytes(span)) == 0;
        counters_add(&counters_process, COUNTER_purges, 1);
        counters_add(&counters_process, COUNTER_purged_bytes, clean ? length : 0);
        done += clean ? length : 0;
        page_heap_attach(heap, span, clean);
    }
    return done;
}
