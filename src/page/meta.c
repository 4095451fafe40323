// page/meta.c - chunks between guard pages, cut by a bump; pools in front.
//
//   | guard | head, records, records .......... | guard |      a chunk: one reservation
//                            ^bump              ^bump_end
//
// Chunks double from 256 KiB to 4 MiB; what is left of the old chunk when a new one is made stays
// unused. When half of a chunk is used the next one is made ready: at the end of the address space
// (RLIMIT_AS) the page heap has taken the last granule, at the limit of mappings no piece of one
// can get another protection, and without records nothing could be cut from what is free. Where no
// next one is to be had, areas leave some room for records: a thread can do without a cache.
// Chunks opt out of transparent huge pages: records are few in most of them, and areas of caches
// are touched in part, so that a huge page would make resident what nobody uses.
#include "page/meta.h"

#include "os/lock.h"
#include "os/os.h"

enum { CHUNK_FIRST = 256 << 10, CHUNK_LAST = 4 << 20 };
// What a pool takes at a time: a few records first, so that those of a small process share a page.
enum { POOL_FIRST = 256, POOL_LAST = 8 << 10 };
enum { AREA_ALIGNMENT = 4096, SPARE = 128 << 10 };  // what an area leaves for records

static struct {
    struct lock         lock;
    char               *bump;
    char               *bump_half;    // from here on the next chunk is made ready; NULL = was tried
    char               *bump_end;
    struct meta_reserve next;         // not in use yet
    size_t              chunk_bytes;  // of the next chunk to reserve; 0 = CHUNK_FIRST
    size_t              used_bytes;   // handed out; written under the lock, read by anybody
    struct meta_chunk  *chunks;       // all of them, newest first; written under the lock
} store = {.lock = LOCK_INIT(RANK_META)};

const struct meta_sight meta_sight = {&store.chunks, &store.next, &store.used_bytes};

static size_t usual_bytes(size_t bytes_min) {
    return max_size(store.chunk_bytes ? store.chunk_bytes : CHUNK_FIRST, bytes_min);
}

static bool reserve_locked(struct meta_reserve *chunk, size_t bytes) {
    size_t page = os_page_bytes();
    chunk->bytes = align_up(bytes, page);
    chunk->is_committed = false;
    chunk->base = os_map(chunk->bytes + 2 * page, page, OS_RESERVED, "tidemalloc meta");
    return chunk->base != NULL;
}

// False: it stays reserved.
static bool commit_locked(struct meta_reserve *chunk) {
    if (!chunk->is_committed)
        chunk->is_committed = os_commit(chunk->base + os_page_bytes(), chunk->bytes) == 0;
    return chunk->is_committed;
}

// False: it cannot be committed, and is unmapped.
static bool use_locked(struct meta_reserve *chunk) {
    size_t page = os_page_bytes(), bytes = chunk->bytes;
    char  *base = chunk->base;
    bool   given = commit_locked(chunk);
    *chunk = (struct meta_reserve){0};
    if (!given) {
        os_unmap(base, bytes + 2 * page);
        return false;
    }
    os_avoid_huge_pages(base + page, bytes);
    struct meta_chunk *head = (struct meta_chunk *)(base + page);
    *head = (struct meta_chunk){store.chunks, bytes};
    store.chunks = head;
    store.bump = (char *)(head + 1);
    store.bump_half = base + page + bytes / 2;
    store.bump_end = base + page + bytes;
    store.chunk_bytes = min_size(max_size(bytes * 2, store.chunk_bytes), CHUNK_LAST);
    return true;
}

// A tight address space refuses the whole chunk first; then only what is needed.
static bool new_chunk_locked(size_t bytes_min) {
    struct meta_reserve chunk;
    if (store.next.base && store.next.bytes >= bytes_min && use_locked(&store.next))
        return true;
    if (reserve_locked(&chunk, usual_bytes(bytes_min)) && use_locked(&chunk))
        return true;
    return reserve_locked(&chunk, bytes_min) && use_locked(&chunk);
}

// True: there is a next chunk of at least so many bytes that asks the kernel for nothing more.
static bool make_ready_locked(size_t bytes_min) {
    if (!store.next.base && !reserve_locked(&store.next, usual_bytes(bytes_min)) &&
        !reserve_locked(&store.next, bytes_min))
        return false;
    return commit_locked(&store.next) && store.next.bytes >= bytes_min;
}

// Tried once a chunk: where it is refused, the next chunk is asked for when it is needed.
static void make_ready_ahead_locked(void) {
    if (LIKELY(!store.bump_half || store.bump < store.bump_half))
        return;
    store.bump_half = NULL;
    make_ready_locked(SPARE);
}

static void *cut_locked(size_t bytes, size_t alignment) {
    uintptr_t start = align_up((uintptr_t)store.bump, alignment);
    if (!store.bump || start + bytes > (uintptr_t)store.bump_end) {
        if (!new_chunk_locked(bytes + alignment))
            return NULL;
        start = align_up((uintptr_t)store.bump, alignment);
    }
    store.bump = (char *)start + bytes;
    make_ready_ahead_locked();
    POKE(&store.used_bytes, store.used_bytes + bytes);
    return (void *)start;
}

static bool extend_pool_locked(struct meta_pool *pool) {
    size_t step = max_size(pool->step, POOL_FIRST);
    size_t bytes = max_size(step / pool->record_bytes, 1) * pool->record_bytes;
    char  *fresh = cut_locked(bytes, CACHE_LINE);
    if (!fresh)
        return false;
    pool->step = (uint32_t)min_size(step * 2, POOL_LAST);
    pool->fresh = fresh;
    pool->fresh_end = fresh + bytes;
    return true;
}

static void *take_locked(struct meta_pool *pool) {
    if (pool->free) {
        struct meta_link *record = pool->free;
        pool->free = record->next;
        return record;
    }
    if (pool->fresh == pool->fresh_end && !extend_pool_locked(pool))
        return NULL;
    char *record = pool->fresh;
    pool->fresh += pool->record_bytes;
    return record;
}

void *meta_take(struct meta_pool *pool) {
    lock_acquire(&store.lock);
    void *record = take_locked(pool);
    lock_release(&store.lock);
    return record;
}

void meta_give(struct meta_pool *pool, void *record) {
    struct meta_link *link = record;
    lock_acquire(&store.lock);
    link->next = pool->free;
    pool->free = link;
    lock_release(&store.lock);
}

void *meta_forever(size_t bytes) {
    lock_acquire(&store.lock);
    void *memory = cut_locked(bytes, bytes >= AREA_ALIGNMENT ? AREA_ALIGNMENT : CACHE_LINE);
    lock_release(&store.lock);
    return memory;
}

// True: an area leaves room for records, behind it or in the next chunk.
static bool leaves_spare_locked(size_t bytes) {
    size_t need = bytes + AREA_ALIGNMENT + SPARE;
    if (store.bump && (size_t)(store.bump_end - store.bump) >= need)
        return true;
    return make_ready_locked(need) || new_chunk_locked(need);
}

void *meta_area(size_t bytes) {
    lock_acquire(&store.lock);
    void *memory = leaves_spare_locked(bytes) ? cut_locked(bytes, AREA_ALIGNMENT) : NULL;
    if (memory)
        POKE(&store.used_bytes, store.used_bytes - bytes);
    lock_release(&store.lock);
    return memory;
}

size_t meta_bytes(void) {
    return PEEK(&store.used_bytes);
}

void meta_fork_prepare(void) {
    lock_acquire(&store.lock);
}
void meta_fork_parent(void) {
    lock_release(&store.lock);
}
void meta_fork_child(void) {
    lock_reset_in_child(&store.lock);
}
