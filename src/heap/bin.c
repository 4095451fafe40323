// heap/bin.c - refill, flush, merge. The theory is in bin.h, the protocol of returning in slab.h.
#include "heap/bin.h"

#include "heap/fence.h"
#include "os/fail.h"
#include "os/os.h"
#include "page/limit.h"

// Slabs that wait for their place in the tree, and bytes of those that stay though they are idle.
enum { WAITING_MAX = 16, SPARE_BYTES = 256 << 10, SPARE_MOST = 4 << 20 };

// Of all bins, each of which may have SPARE_BYTES; relaxed: a bound that two may pass at once.
static uint64_t spare_bytes;

void bin_init(struct bin *bin, class_id id, struct page_heap *pages, struct user_heap *owner) {
    *bin = (struct bin){.id = id, .pages = pages, .owner = owner};
    lock_init(&bin->lock, owner ? RANK_USER_BIN : RANK_BIN);
    list_init(&bin->slabs);
    list_init(&bin->waiting);
    handback_init(&bin->news);
}

// --- the tree of slabs with room -----------------------------------------------------------------

// Eight to fifteen steps from full to free: few, so that most takes and gives leave the key alone.
static uint64_t fullness(const struct slab *slab) {
    return (uint64_t)(slab->free_count >> slab->free_shift);
}

// A slab may stand one step beside its own, so that one that swings around a border stays.
static bool stands_near(const struct slab *slab) {
    return fullness(slab) - slab->node.major + 1 <= 2;
}

static void stop_waiting(struct bin *bin, struct slab *slab) {
    list_remove(&slab->span->lru);
    bin->waiting_count--;
    slab->waits = false;
}

static void unlist(struct bin *bin, struct slab *slab) {
    if (slab->waits)
        stop_waiting(bin, slab);
    if (slab->listed)
        tree_remove(&bin->partial, &slab->node);
    slab->listed = false;
}

static void enlist(struct bin *bin, struct slab *slab) {
    if (!stands_near(slab))
        slab->node.major = fullness(slab);
    slab->node.minor = slab->base;
    tree_insert(&bin->partial, &slab->node);
    slab->listed = true;
}

NOINLINE static void move(struct bin *bin, struct slab *slab) {
    if (slab->busy)
        return;
    unlist(bin, slab);
    if (slab->free_count > 0)
        enlist(bin, slab);
}

static bool stands_well(const struct slab *slab) {
    return slab->listed && slab->free_count > 0 && stands_near(slab);
}

// After free_count changed: the slab stands where it belongs.
ALWAYS_INLINE void relist(struct bin *bin, struct slab *slab) {
    if (UNLIKELY(!stands_well(slab)))
        move(bin, slab);
}

// Each step down the tree is a miss, and which of the slabs that get slots will stay is not known
// yet. So those that were full wait for their place until somebody takes: few, because he pays.
ALWAYS_INLINE void relist_given(struct bin *bin, struct slab *slab) {
    if (LIKELY(slab->waits || stands_well(slab)))
        return;
    if (slab->listed || slab->busy || bin->waiting_count >= WAITING_MAX) {
        move(bin, slab);
        return;
    }
    slab->waits = true;
    bin->waiting_count++;
    list_append(&bin->waiting, &slab->span->lru);
}

NOINLINE static void enlist_waiting(struct bin *bin) {
    while (!list_is_empty(&bin->waiting)) {
        struct slab *slab = CONTAINER_OF(list_first(&bin->waiting), struct span, lru)->slab;
        stop_waiting(bin, slab);
        slab->node.major = fullness(slab);
        enlist(bin, slab);
    }
}

// --- slabs come and go ---------------------------------------------------------------------------

// The span's own figure is an estimate, too low where fences were that held nothing: where a limit
// stops the program it is asked for.
static void measure(struct slab *slab) {
    struct span *span = slab->span;
    uintptr_t    end = slab->base + slab_slots_bytes(slab);
    uintptr_t    tail = align_up(end, os_page_bytes());
    slab->tail_bytes = 0;
    if (!limit_is_set() || span->state == SPAN_CLEAN)
        return;
    size_t before = os_resident_in((void *)span->base, tail - span->base);
    if (tail < span_end(span))
        slab->tail_bytes = (uint32_t)os_resident_in((void *)tail, span_end(span) - tail);
    span->resident = before + slab->tail_bytes;
}

// Before (sign -1) and after (1) that changes. Kept only where somebody asks.
static void count_resident(const struct bin *bin, const struct slab *slab, int sign) {
    if (limit_is_set())
        __atomic_fetch_add(&bin->pages->gauge->slab_bytes, (uint64_t)sign * slab_resident(slab),
                           __ATOMIC_RELAXED);
}

// What the page map says of this bin's slabs.
static class_id class_byte(const struct bin *bin) {
    return bin->owner ? (class_id)CLASS_HEAP_SLAB : bin_arena_byte(bin->id);
}

// The fence stands first. A user's heap has none: its end gives all back, whatever is refused.
static size_t fence_granules(const struct bin *bin) {
    return !bin->owner && fence_is_on_slabs() ? 1 : 0;
}

static void publish(struct bin *bin, struct slab *slab, size_t before) {
    struct span *span = slab->span;
    span->slab = slab;
    span_set_kind(span, SPAN_SLAB);
    span_publish_all(span, class_byte(bin));
    if (before > 0) {
        slab->base += before * GRANULE;
        slab->fence = SLAB_FENCE_DUE;
        page_map_set_class(span->base, before, CLASS_FREE);
    }
}

static struct slab *add_slab(struct bin *bin) {
    size_t       before = fence_granules(bin);
    struct span *span =
        page_heap_take(bin->pages, before + size_class_table[bin->id].granules, 1);
    if (!span)
        return NULL;
    struct slab *slab = slab_new(span, bin, bin->id);
    if (!slab) {
        page_heap_give(bin->pages, span, 0, 0);
        return NULL;
    }
    publish(bin, slab, before);
    enlist(bin, slab);
    if (bin->owner)
        list_append(&bin->slabs, &span->owned);
    POKE(&bin->slab_count, bin->slab_count + 1);
    POKE(&bin->touched, bin->touched + slab->high_water);
    measure(slab);
    count_resident(bin, slab, 1);
    return slab;
}

static void set_spare(struct bin *bin, struct slab *slab, bool spare) {
    if (LIKELY(slab->spare == spare))
        return;
    bin->spare_count += spare ? 1 : UINT32_MAX;
    slab->spare = spare;
    __atomic_fetch_add(&spare_bytes, spare ? slab_slots_bytes(slab) : -slab_slots_bytes(slab),
                       __ATOMIC_RELAXED);
}

static bool may_be_spare(const struct bin *bin, const struct slab *slab) {
    return PEEK(&slab->fence) == SLAB_FENCED &&
           (bin->spare_count + 1) * slab_slots_bytes(slab) <= SPARE_BYTES &&
           PEEK(&spare_bytes) + slab_slots_bytes(slab) <= SPARE_MOST;
}

static void drop(struct bin *bin, struct slab *slab) {
    struct span *span = slab->span;
    set_spare(bin, slab, false);
    count_resident(bin, slab, -1);
    unlist(bin, slab);
    list_remove(&span->owned);
    POKE(&bin->slab_count, bin->slab_count - 1);
    POKE(&bin->touched, bin->touched - slab->high_water);
    POKE(&bin->hole_bytes, bin->hole_bytes - slab->hole_bytes);
    size_t before = slab->base - span->base;  // not resident, as if it were a hole
    size_t touched = before + (size_t)slab->high_water * slab_bytes(slab);
    size_t holes = before + slab->hole_bytes;
    slab_delete(slab);
    page_heap_give(bin->pages, span, touched, holes);
}

static void drop_if_idle(struct bin *bin, struct slab *slab) {
    if (UNLIKELY(slab_is_idle(slab)) && LIKELY(slab_open_fence(slab)))
        drop(bin, slab);
}

static void drop_or_spare(struct bin *bin, struct slab *slab) {
    if (LIKELY(!slab_is_idle(slab)) || slab->spare)
        return;
    if (may_be_spare(bin, slab))
        set_spare(bin, slab, true);
    else
        drop_if_idle(bin, slab);
}

void bin_destroy(struct bin *bin) {
    lock_acquire(&bin->lock);
    while (!list_is_empty(&bin->slabs))
        drop(bin, CONTAINER_OF(list_first(&bin->slabs), struct span, owned)->slab);
    lock_release(&bin->lock);
}

// --- under the lock ------------------------------------------------------------------------------

static void merge_slab(struct bin *bin, struct slab *slab) {
    uint32_t count = slab_merge(slab);
    POKE(&bin->looked, 0);
    POKE(&bin->taken, bin->taken - count);
    POKE(&bin->merged, bin->merged + count);
    relist(bin, slab);
}

NOINLINE static void merge_news(struct bin *bin) {
    POKE(&bin->pending, 0);
    struct handback_node *node;
    while ((node = handback_next(&bin->news)) != NULL) {
        struct slab *slab = CONTAINER_OF(node, struct slab, hand);
        merge_slab(bin, slab);
        drop_or_spare(bin, slab);
    }
}

void bin_merge_locked(struct bin *bin) {
    if (handback_has_news(&bin->news))
        merge_news(bin);
    if (bin->waiting_count > 0)
        enlist_waiting(bin);
}

// Slots were taken where pages had been given back: each is a page fault.
NOINLINE static void note_missed(struct bin *bin, struct slab *slab, uint32_t bytes) {
    POKE(&bin->hole_bytes, bin->hole_bytes - bytes);
    if (slab->by_trim)
        return;
    POKE(&bin->hole_missed, bin->hole_missed + bytes);
    if (slab->patience < SLAB_PATIENCE_MAX)
        slab->patience++;
}

// From the first slab of the tree: it stays the first as it gets fuller, so its key may change
// where it stands.
static uint32_t take_from_first(struct bin *bin, struct slab *slab, void **out, uint32_t count) {
    uint32_t high = slab->high_water, holes = slab->hole_bytes;
    count_resident(bin, slab, -1);
    if (UNLIKELY(slab->spare))
        set_spare(bin, slab, false);
    uint32_t taken = slab_take_next(slab, out, count);
    count_resident(bin, slab, 1);
    POKE(&bin->touched, bin->touched + slab->high_water - high);
    slab->taken_step = PEEK(&bin->pages->gauge->step);
    if (UNLIKELY(holes > slab->hole_bytes))
        note_missed(bin, slab, holes - slab->hole_bytes);
    if (slab->free_count == 0)
        unlist(bin, slab);
    else if (fullness(slab) < slab->node.major)
        slab->node.major = fullness(slab);
    return taken;
}

static uint32_t take_slots(struct bin *bin, void **out, uint32_t count) {
    uint32_t taken = 0;
    while (taken < count) {
        struct tree_node *node = tree_first(&bin->partial);
        // A batch does not cut a fresh slab for its last slots only.
        if (!node && taken > 0)
            break;
        struct slab *slab = node ? CONTAINER_OF(node, struct slab, node) : add_slab(bin);
        if (!slab)
            break;
        taken += take_from_first(bin, slab, out + taken, count - taken);
    }
    return taken;
}

// At the hard limit: slots that were used before and lie in no hole, of whatever slab has some.
static uint32_t take_used_slots(struct bin *bin, void **out, uint32_t count) {
    uint64_t          major = 0, minor = 0;
    struct tree_node *node;
    while ((node = tree_after(&bin->partial, major, minor)) != NULL) {
        struct slab *slab = CONTAINER_OF(node, struct slab, node);
        uint32_t     used = (uint32_t)(slab->free_count + slab->high_water - slab->slot_count);
        major = node->major;
        minor = node->minor;
        if (used == 0 || slab->hole_bytes > 0)
            continue;
        uint32_t high = slab->high_water, taken;
        count_resident(bin, slab, -1);
        set_spare(bin, slab, false);
        taken = slab_take(slab, out, (uint32_t)min_size(count, used));
        count_resident(bin, slab, 1);
        POKE(&bin->touched, bin->touched + slab->high_water - high);
        slab->taken_step = PEEK(&bin->pages->gauge->step);
        move(bin, slab);
        return taken;
    }
    return 0;
}

// False: the hard limit refuses so many.
static bool take_within_limit(struct bin *bin, void **out, uint32_t count, uint32_t *taken) {
    size_t bytes = (size_t)count * class_bytes(bin->id);
    if (!limit_reserve(bytes))
        return false;
    *taken = take_slots(bin, out, count);
    limit_release(bytes);
    return true;
}

uint32_t bin_take_locked(struct bin *bin, void **out, uint32_t count) {
    uint32_t taken;
    bin_merge_locked(bin);
    if (UNLIKELY(!take_within_limit(bin, out, count, &taken))) {
        taken = take_used_slots(bin, out, count);
        // There may be room for one where there is none for a batch.
        if (taken == 0 && count > 1)
            take_within_limit(bin, out, 1, &taken);
    }
    POKE(&bin->taken, bin->taken + taken);
    return taken;
}

NORETURN COLD static void fail_gone(const char *function, class_id id, const void *pointer) {
    fail_block(function, pointer, "double free of a ", class_bytes(id), "-byte block");
}

// What is there now is proved: the slot may have been freed twice, and its slab be gone since.
struct slab *bin_slab_of(const char *function, class_id id, class_id byte, void *pointer) {
    uintptr_t    address = (uintptr_t)pointer;
    struct slab *slab = slab_find(address);
    if (UNLIKELY(page_map_class(address) != byte || !slab))
        fail_gone(function, id, pointer);
    uint32_t slot = slab_slot_of(slab, address);
    if (UNLIKELY(slot >= slab->slot_count || slab_slot_address(slab, slot) != address))
        slab_fail(function, pointer, slab);
    return slab;
}

struct bin *bin_of(const char *function, class_id id, void *slot) {
    return PEEK(&bin_slab_of(function, id, bin_arena_byte(id), slot)->bin);
}

// The map's stale entry may name a slab elsewhere: the line is for the slab that is there now.
NORETURN COLD static void fail_give(const struct bin *bin, const char *function, void *slot) {
    slab_fail(function, slot, bin_slab_of(function, bin->id, class_byte(bin), slot));
}

uint32_t bin_give_locked(struct bin *bin, const char *function, void **slots, uint32_t count) {
    uint32_t others = 0;
    if (handback_has_news(&bin->news))
        merge_news(bin);
    POKE(&bin->looked, 0);
    for (uint32_t i = 0; i < count;) {
        struct slab *slab = slab_find((uintptr_t)slots[i]);
        if (UNLIKELY(!slab))
            fail_gone(function, bin->id, slots[i]);
        if (PEEK(&slab->bin) != bin) {
            slots[others++] = slots[i++];
            continue;
        }
        uint32_t run = slab_give(slab, slots + i, count - i);
        if (UNLIKELY(run == 0))
            fail_give(bin, function, slots[i]);
        i += run;
        relist_given(bin, slab);
        drop_or_spare(bin, slab);
    }
    POKE(&bin->taken, bin->taken - (count - others));
    return others;
}

// --- slabs set aside -----------------------------------------------------------------------------

void bin_set_aside_locked(struct bin *bin, struct slab *slab) {
    unlist(bin, slab);
    slab->busy = true;
}

void bin_put_back_locked(struct bin *bin, struct slab *slab, size_t hole_bytes) {
    slab->busy = false;
    count_resident(bin, slab, -1);
    POKE(&bin->hole_bytes, bin->hole_bytes + hole_bytes - slab->hole_bytes);
    slab->hole_bytes = (uint32_t)hole_bytes;
    count_resident(bin, slab, 1);
    relist(bin, slab);
    drop_if_idle(bin, slab);
}

// --- in a forked child --------------------------------------------------------------------------

void bin_repair_slab_in_child(struct span *span) {
    struct slab *slab = span->slab;
    struct bin  *bin = slab->bin;
    if (slab->handoff == 0 && !slab->busy)
        return;
    slab->handoff = 0;
    slab->busy = false;
    merge_slab(bin, slab);
}

void bin_repair_in_child(struct bin *bin) {
    enlist_waiting(bin);
    struct tree_node *node = tree_first(&bin->partial);
    handback_init(&bin->news);
    bin->pending = 0;
    while (node) {
        struct slab *slab = CONTAINER_OF(node, struct slab, node);
        node = tree_after(&bin->partial, node->major, node->minor);
        drop_or_spare(bin, slab);
    }
}

// --- the checker ---------------------------------------------------------------------------------

void bin_check(struct bin *bin) {
    lock_acquire(&bin->lock);
    size_t            count = 0, spare = 0;
    struct tree_node *node = tree_first(&bin->partial);
    for (; node; node = tree_after(&bin->partial, node->major, node->minor), count++) {
        struct slab *slab = CONTAINER_OF(node, struct slab, node);
        slab_check(slab);
        spare += slab->spare;
        if (slab->bin != bin || !stands_well(slab) ||
            (slab->spare && slab->free_count < slab->slot_count))
            fail_internal("bin: a slab stands in the wrong place");
    }
    size_t waiting = list_check(&bin->waiting);
    if (tree_check(&bin->partial) != count || waiting != bin->waiting_count ||
        count + waiting > bin->slab_count || spare > bin->spare_count)
        fail_internal("bin: the tree does not match the figures");
    lock_release(&bin->lock);
}
