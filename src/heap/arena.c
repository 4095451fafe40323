// heap/arena.c - the table of arenas and what goes over all of them. See arena.h.
#include "heap/arena.h"

#include "conf/options.h"
#include "heap/huge.h"
#include "os/os.h"
#include "page/limit.h"
#include "page/page_heap_walk.h"

enum {
    MOVES_MAX = 4,        // arenas tried before a thread waits for a lock
    PREFETCH_LEAST = 4,   // slots that are given at once: their records are asked for beforehand
    PREFETCH_SLOTS = 64,  // of a slab, at most: of more, many lie in one
    PRESSURE_MAX = 4096,  // locks found taken, within about a tick, before one more arena is used
};

// The most an arena is asked for when a mapping was refused: half a region.
#define LARGE_MOST MIB(32)

// The main arena's record is static: what the first block needs of the system is the data segment,
// and mappings for metadata and for a leaf of the page map.
static struct arena      main_arena;
static struct source_brk main_brk;

static struct {
    struct lock   lock;             // making an arena
    unsigned      limit;            // constant after start
    unsigned      active;           // arenas chosen from; grows with contention; relaxed
    unsigned      pressure;         // locks found taken lately; relaxed: a hint
    struct arena *list[ARENAS_MAX];  // NULL until first use; stored with release, never removed
    struct purge  purge;
} table = {.lock = LOCK_INIT(RANK_ARENAS), .limit = 1, .active = 1};

const struct arena_sight arena_sight = {table.list, &table.limit, &table.active};

static void init_bins(struct arena *arena) {
    for (unsigned id = SMALL_CLASS_FIRST; id <= SMALL_CLASS_LAST; id++)
        bin_init(&arena->bins[id], (class_id)id, &arena->pages, NULL);
}

void arena_start(unsigned count, uint64_t decay_ns, uint64_t now_ns) {
    table.limit = count;
    purge_init(&table.purge, decay_ns, now_ns);
    huge_start(&table.purge);
    source_brk_init(&main_brk);
    source_map_init(&main_arena.map);
    page_heap_init(&main_arena.pages, &main_brk.source, &main_arena.map.source,
                   &table.purge.gauge);
    init_bins(&main_arena);
    table.list[0] = &main_arena;
}

void arena_set_limits(uint64_t soft, uint64_t hard) {
    limit_start(&table.purge.gauge, soft, hard);
}

unsigned arena_limit(void) {
    return table.limit;
}

struct arena *arena_at(unsigned index) {
    // Acquire: pairs with the release in make_arena; the arena behind the pointer is whole.
    return __atomic_load_n(&table.list[index], __ATOMIC_ACQUIRE);
}

static struct arena *make_arena(unsigned index) {
    lock_acquire(&table.lock);
    struct arena *arena = table.list[index];
    if (!arena && (arena = meta_forever(sizeof *arena)) != NULL) {
        arena->index = index;
        source_map_init(&arena->map);
        page_heap_init(&arena->pages, &arena->map.source, NULL, &table.purge.gauge);
        init_bins(arena);
        __atomic_store_n(&table.list[index], arena, __ATOMIC_RELEASE);
    }
    lock_release(&table.lock);
    return arena ? arena : &main_arena;
}

static struct arena *arena_number(unsigned number) {
    unsigned      index = number % table.limit;
    struct arena *arena = arena_at(index);
    return LIKELY(arena) ? arena : make_arena(index);
}

unsigned arena_here(void) {
    unsigned active = PEEK(&table.active);
    return active == 1 ? 0 : os_cpu() % active;
}

// A lock was found taken; none is held. Often enough, and one more arena takes its share: few
// arenas hold the same blocks in fewer slabs, so more of them have to be earned.
COLD static void note_contention(void) {
    counters_add(&counters_process, COUNTER_contended, 1);
    unsigned active = PEEK(&table.active);
    if (__atomic_add_fetch(&table.pressure, 1, __ATOMIC_RELAXED) < PRESSURE_MAX)
        return;
    POKE(&table.pressure, 0);
    if (active < table.limit)
        POKE(&table.active, active + 1);
}

// --- small ---------------------------------------------------------------------------------------

// The bin of a class in the arena at hand or, when that is locked, the next whose lock is free;
// locked. Arenas that are not active yet are for when a holder does not run: what is taken there
// lies in slabs of its own.
static struct bin *lock_some_bin(class_id id) {
    unsigned start = arena_here(), active = PEEK(&table.active);
    for (unsigned i = 0; i < table.limit && i < MOVES_MAX; i++) {
        if (i == active && lock_try_spinning(&arena_number(start)->bins[id].lock))
            return &arena_number(start)->bins[id];
        struct bin *bin = &arena_number(i < active ? (start + i) % active : i)->bins[id];
        if (lock_try(&bin->lock))
            return bin;
        note_contention();
    }
    struct bin *bin = &arena_number(start)->bins[id];
    lock_acquire(&bin->lock);
    return bin;
}

static uint32_t take_and_release(struct bin *bin, void **out, uint32_t count) {
    uint32_t taken = bin_take_locked(bin, out, count);
    POKE(&bin->refills, bin->refills + (taken > 0));
    lock_release(&bin->lock);
    return taken;
}

uint32_t arena_take(class_id id, void **out, uint32_t count) {
    uint32_t taken = take_and_release(lock_some_bin(id), out, count);
    // One source may be exhausted (RLIMIT_DATA) where another is not.
    for (unsigned i = 0; taken == 0 && i < table.limit; i++) {
        if (!arena_at(i))
            continue;
        struct bin *bin = &arena_at(i)->bins[id];
        lock_acquire(&bin->lock);
        taken = take_and_release(bin, out, count);
    }
    if (UNLIKELY(taken == 0) && huge_evict(UINT64_MAX) > 0)
        return arena_take(id, out, count);
    return taken;
}

void arena_give(const char *function, class_id id, void **slots, uint32_t count) {
    if (count >= PREFETCH_LEAST && size_class_table[id].slots <= PREFETCH_SLOTS)
        bin_prefetch(slots, count);
    // The lock of a bin is cheaper than the bits, as long as nobody waits for it.
    for (unsigned i = 0; count > 0 && i < MOVES_MAX; i++) {
        struct bin *bin = bin_of(function, id, slots[0]);
        if (!lock_try(&bin->lock)) {
            if (i == 0)
                counters_add(&counters_process, COUNTER_flushes, 1);
            break;
        }
        count = bin_give_locked(bin, function, slots, count);
        POKE(&bin->flushes, bin->flushes + (i == 0));
        lock_release(&bin->lock);
    }
    if (count > 0)
        bin_return(function, id, slots, count);
}

// --- large ---------------------------------------------------------------------------------------

static struct span *take_large_anywhere(unsigned start, size_t bytes, size_t alignment) {
    struct span *span = large_take(&arena_number(start)->pages, bytes, alignment);
    for (unsigned i = 0; !span && i < table.limit; i++)
        if (arena_at(i))
            span = large_take(&arena_at(i)->pages, bytes, alignment);
    return span;
}

// The page heap to try after `tried` others, as for bins: one of the arenas in use; one of those
// that are not only when the first one's holder does not seem to run.
static struct page_heap *large_pages(unsigned start, unsigned tried) {
    unsigned          active = PEEK(&table.active);
    struct page_heap *first = &arena_number(start)->pages;
    if (tried < active)
        return &arena_number((start + tried) % active)->pages;
    if (tried == active && lock_try_spinning(&first->lock)) {
        lock_release(&first->lock);
        return first;
    }
    return &arena_number(tried)->pages;
}

struct span *arena_take_large(size_t bytes, size_t alignment) {
    unsigned     start = arena_here();
    struct span *span = NULL;
    for (unsigned i = 0; !span && alignment <= GRANULE && i < table.limit && i < MOVES_MAX; i++) {
        bool busy;
        span = large_try_take(large_pages(start, i), bytes, &busy);
        if (busy)
            note_contention();
        else
            break;
    }
    if (!span)
        span = take_large_anywhere(start, bytes, alignment);
    if (!span && huge_evict(UINT64_MAX) > 0)
        span = take_large_anywhere(start, bytes, alignment);
    return span;
}

// When one kind has no memory the other may: a mapping can be refused where an arena has room, and
// an arena cannot grow where an exact mapping fits.
struct span *arena_take_whole(size_t bytes, size_t alignment) {
    struct span *span = NULL;
    if (bytes > option(OPT_HUGE_THRESHOLD) && (span = huge_reuse(bytes, alignment)) != NULL)
        return span;
    size_t threshold = huge_threshold();
    if (bytes > threshold || alignment > threshold) {
        span = huge_take(bytes, alignment);
        if (!span && max_size(bytes, alignment) <= LARGE_MOST)
            span = arena_take_large(bytes, alignment);
    } else {
        span = arena_take_large(bytes, alignment);
        if (!span)
            span = huge_take(bytes, alignment);
    }
    return span;
}

struct page_heap *arena_pages(void) {
    return &arena_number(arena_here())->pages;
}

struct purge *arena_purge(void) {
    return &table.purge;
}

void arena_relax(void) {
    POKE(&table.pressure, PEEK(&table.pressure) / 2);
}

// --- figures -------------------------------------------------------------------------------------

static void count_bins(const struct arena *arena, struct counters *totals) {
    for (unsigned id = SMALL_CLASS_FIRST; id <= SMALL_CLASS_LAST; id++) {
        const struct bin *bin = &arena->bins[id];
        bin_count(bin, totals);
    }
}

static size_t regions_bytes(const struct source *source) {
    return PEEK(&source->committed_bytes);
}

void arena_count(struct counters *totals) {
    for (unsigned i = 0; i < table.limit; i++) {
        const struct arena *arena = arena_at(i);
        if (!arena)
            continue;
        totals->value[COUNTER_arenas]++;
        totals->value[COUNTER_free_bytes] += PEEK(&arena->pages.dirty_bytes);
        totals->value[COUNTER_returned_bytes] += PEEK(&arena->pages.clean_bytes);
        totals->value[COUNTER_mapped_bytes] += regions_bytes(&arena->map.source);
        totals->value[COUNTER_mappings] += PEEK(&arena->map.source.region_count);
        count_bins(arena, totals);
    }
    totals->value[COUNTER_break_bytes] += regions_bytes(&main_brk.source);
    totals->value[COUNTER_mapped_bytes] += regions_bytes(&main_brk.source);
}

void arena_check(void) {
    for (unsigned i = 0; i < table.limit; i++) {
        struct arena *arena = arena_at(i);
        for (unsigned id = SMALL_CLASS_FIRST; arena && id <= SMALL_CLASS_LAST; id++)
            bin_check(&arena->bins[id]);
        if (arena)
            page_heap_check(&arena->pages);
    }
}

// --- fork ----------------------------------------------------------------------------------------
// All bins of all arenas, then all page heaps: the order of ranks, and of the index in a rank.

static void each_bin(void (*visit)(struct bin *)) {
    for (unsigned i = 0; i < table.limit; i++)
        for (unsigned id = SMALL_CLASS_FIRST; arena_at(i) && id <= SMALL_CLASS_LAST; id++)
            visit(&arena_at(i)->bins[id]);
}

static void each_pages(void (*visit)(struct page_heap *)) {
    for (unsigned i = 0; i < table.limit; i++)
        if (arena_at(i))
            visit(&arena_at(i)->pages);
}

static void prepare_bin(struct bin *bin) {
    lock_acquire_peer(&bin->lock);
}
static void prepare_pages(struct page_heap *pages) {
    lock_acquire_peer(&pages->lock);
}
static void parent_bin(struct bin *bin) {
    lock_release(&bin->lock);
}
static void parent_pages(struct page_heap *pages) {
    lock_release(&pages->lock);
}
static void child_bin(struct bin *bin) {
    lock_reset_in_child(&bin->lock);
}
static void child_pages(struct page_heap *pages) {
    lock_reset_in_child(&pages->lock);
}
static void repair_pages(struct page_heap *pages) {
    page_heap_repair_in_child(pages);
    page_heap_visit(pages, SPAN_SLAB, bin_repair_slab_in_child);
    page_heap_visit(pages, SPAN_LARGE, large_repair_in_child);
}

void arena_fork_prepare(void) {
    lock_acquire(&table.lock);
    each_bin(prepare_bin);
    each_pages(prepare_pages);
}
void arena_fork_parent(void) {
    each_bin(parent_bin);
    each_pages(parent_pages);
    lock_release(&table.lock);
}
void arena_fork_child(void) {
    each_bin(child_bin);
    each_pages(child_pages);
    lock_reset_in_child(&table.lock);
    lock_reset_in_child(&table.purge.lock);
    limit_fork_child();
    each_pages(repair_pages);
    each_bin(bin_repair_in_child);
}
