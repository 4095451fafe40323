// heap/arena_tide.c - giving back over all arenas: budget, decay, trim. See arena.h.
#include "conf/options.h"
#include "heap/arena.h"
#include "heap/hollow.h"
#include "heap/huge.h"
#include "os/os.h"

enum { CHECK_VISITS = 1024 };  // settles between two checks, in the debug build

// Purges about `bytes` over the arenas, the one at hand first.
static void purge_some(size_t bytes) {
    unsigned start = arena_here();
    for (unsigned i = 0; bytes > 0 && i < arena_limit(); i++) {
        struct arena *arena = arena_at((start + i) % arena_limit());
        if (!arena || PEEK(&arena->pages.dirty_bytes) == 0)
            continue;
        size_t before = PEEK(&arena->pages.dirty_bytes);
        purge_heap(arena_purge(), &arena->pages, bytes);
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

static void purge_surplus_now(uint64_t now_ns) {
    size_t surplus = purge_surplus(arena_purge(), now_ns);
    if (UNLIKELY(surplus > 0))
        purge_some(surplus);
}

void arena_keep_budget(void) {
    if (config_debug)
        check_sometimes();
    if (UNLIKELY(!purge_is_within(arena_purge())))
        purge_surplus_now(os_now_ns());
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
        purge_some(surplus);
    }
    huge_tick(now_ns);
}

// `returned` counts address space, the result pages.
static size_t trim_one(struct arena *arena, size_t pad, size_t *returned) {
    size_t bytes = 0;
    for (unsigned id = SMALL_CLASS_FIRST; id <= SMALL_CLASS_LAST; id++)
        if (PEEK(&arena->bins[id].slab_count) > 0)
            bytes += hollow_trim(&arena->bins[id]);
    bytes += purge_heap(arena_purge(), &arena->pages, SIZE_MAX);
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
    if (huge_evict(UINT64_MAX) == 0 && !could_make_room(bytes, free_bytes))
        return false;
    return trim_arenas(0, &returned) > 0 || returned > 0;
}

void arena_give_large(struct span *span) {
    large_give(span);
    arena_settle();
}
