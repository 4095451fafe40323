// unit/heap/test_fake_fence.c - unreadable ranges: around blocks, before slabs, where blocks were.
#include "tests/unit/heap/hardened.h"

#include <stdio.h>

#include "heap/fence.h"

static struct span *span_of(void *block) {
    return page_map_span((uintptr_t)block);
}

// Nothing of it waits for the next block when it is freed.
static char *untouched(size_t bytes) {
    bool is_zero;
    return hardened_take(NULL, bytes, 1, &is_zero);
}

static void between_fences(void) {
    hardened_begin(NULL);
    size_t lengths[2] = {SIZE_MAX, 0};
    for (unsigned i = 0; i < 100; i++) {
        char        *block = hardened_block(100000 + i);
        struct span *span = span_of(block);
        size_t       end = align_up(100000 + i, 4096);
        CHECK(span->guard_before >= 1 && span->guard_before <= 4 && span->guard_after >= 1);
        CHECK(!fake_is_committed(block - 4096, 4096) && !fake_is_committed(block - GRANULE, 4096));
        CHECK(fake_is_committed(block, end));
        CHECK(!fake_is_committed(block + end, 4096));
        CHECK(!fake_is_committed(block + 2 * GRANULE, GRANULE));
        lengths[0] = min_size(lengths[0], span->guard_before);
        lengths[1] = max_size(lengths[1], span->guard_before);
    }
    CHECK(lengths[0] == 1 && lengths[1] == 4);
}

static void aligned_between_fences(void) {
    bool is_zero;
    hardened_begin(NULL);
    for (size_t alignment = 1; alignment <= MIB(16); alignment *= 2) {
        char *block = hardened_take(NULL, 300000, alignment, &is_zero);
        CHECK(block && is_aligned((uintptr_t)block, alignment));
        CHECK(!fake_is_committed(block - 4096, 4096));
        hardened_free(block);
    }
}

static char *resized(char *block, size_t bytes) {
    struct block found = block_find(block);
    return hardened_resize("realloc", &found, bytes) ? block : NULL;
}

static char *moved(char *block, size_t bytes) {
    struct block found = block_find(block);
    void *moved = hardened_move(&found, bytes);
    if (moved)
        hardened_give_all("realloc", &found);
    return moved;
}

// Into the pages of the last granule, and into what lies behind it, of which some always stays.
static void grows_into_its_fence(void) {
    hardened_begin(NULL);
    unsigned most = 0;
    for (unsigned i = 0; i < 50; i++) {
        size_t       bytes = 100000;
        char        *block = hardened_block(bytes);
        struct span *span = span_of(block);
        unsigned     behind = span->guard_after;
        memset(block, 7, bytes);
        while (bytes < MIB(1) && resized(block, bytes + 20000)) {
            CHECK(test_is_byte(block, 100000, 7) && test_is_byte(block + 100000, bytes - 80000, 0));
            bytes += 20000;
            CHECK(span_of(block + span_bytes(span) - 1) == span);
            CHECK(!fake_is_committed(block + align_up(bytes, 4096), 4096));
        }
        most = (unsigned)max_size(most, behind - span->guard_after);
        CHECK(span->guard_after >= 1 && behind + 2 == span->guard_after + span->granules);
        CHECK(!block_is_live(&(struct block){.kind = block_find(block + bytes - 1).kind}));
        CHECK_EQ(block_find(block + span_bytes(span)).kind, BLOCK_FOREIGN);
        block[bytes] ^= 0x55;
        char line[120];
        snprintf(line, sizeof line,
                 "tidemalloc: free(0x*): written behind the end of the %zu-byte block (huge): "
                 "byte %zu",
                 bytes, bytes);
        hardened_dies(block, line);
    }
    CHECK(most >= 1);
}

static void grown_blocks_get_room(void) {
    hardened_begin(NULL);
    char *block = hardened_block(50000);
    memset(block, 5, 50000);
    CHECK((block = moved(block, 300000)) != NULL);
    struct span *span = span_of(block);
    CHECK(span->guard_after >= span->granules + 1);
    CHECK(!fake_is_committed(block + align_up(300000, 4096), 4096));
    CHECK(test_is_byte(block, 50000, 5) && test_is_byte(block + 50000, 250000, 0));
    memset(block, 6, 300000);
    // Two granules, of six at least, however many stay by chance.
    CHECK(resized(block, 450000) == block && span->guard_after >= 1);
    CHECK(test_is_byte(block, 300000, 6) && test_is_byte(block + 300000, 150000, 0));
    char *before = block;
    CHECK(!resized(block, 1500000) && (block = moved(block, 1500000)) != NULL);
    CHECK(test_is_byte(block, 300000, 6) && !fake_is_committed(before, 4096));
    CHECK_EQ(block_find(before).kind, BLOCK_FREE);
    hardened_dies(before, "tidemalloc: free(0x*): memory that is free already");
    CHECK(!moved(block, 1400000));  // not larger
    hardened_free(block);
    CHECK(huge_evict(UINT64_MAX) > 0);
    CHECK_EQ(fake_mapped_as(HUGE_NAME), 0);
}

// Neither the system's no nor too many fences change the block.
static void does_not_grow(void) {
    hardened_begin(NULL);
    char        *block = hardened_block(100000);
    struct span *span = span_of(block);
    size_t       bytes = span->bytes;
    fake_fail(FAKE_COMMIT, 1, 1);
    CHECK(!resized(block, 110000) && span->bytes == bytes && span->granules == 2);
    fake_fail(FAKE_MAP, 1, 1);
    CHECK(!moved(block, 500000) && span_of(block) == span);
    fake_fail(FAKE_MAP, 1, 0);
    hardened_free(block);
    huge_evict(UINT64_MAX);
    char *range = os_map(GRANULE, GRANULE, OS_READ_WRITE, "tide test");
    while (fence_make(range, 4096))
        ;
    CHECK((block = hardened_block(100000)) != NULL);
    CHECK(!resized(block, 140000));
    hardened_free(block);
}

static void freed_places_stay_unreadable(void) {
    hardened_begin((char *)(uintptr_t) "TIDE_RETIRED=1M");
    char *blocks[20];
    for (unsigned i = 0; i < 20; i++)
        blocks[i] = untouched(GRANULE * 2);
    size_t mapped = fake_mapped_bytes();
    for (unsigned i = 0; i < 8; i++)
        hardened_free(blocks[i]);
    CHECK_EQ(fake_mapped_bytes(), mapped);  // eight of 128 KiB are one mebibyte
    for (unsigned i = 0; i < 8; i++) {
        CHECK(!fake_is_committed(blocks[i], 4096));
        CHECK_EQ(block_find(blocks[i]).kind, BLOCK_FREE);
    }
    hardened_dies(blocks[0], "tidemalloc: free(0x*): memory that is free already");
    hardened_free(blocks[8]);
    CHECK(fake_mapped_bytes() < mapped);
    CHECK_EQ(block_find(blocks[0]).kind, BLOCK_FOREIGN);  // the oldest went
    CHECK_EQ(block_find(blocks[1]).kind, BLOCK_FREE);
    fence_release_all();
    CHECK_EQ(block_find(blocks[8]).kind, BLOCK_FOREIGN);
    CHECK(fake_is_committed(blocks[9], 2 * GRANULE));
}

// Places that wait are what is short: they go, and the request is tried again.
static void places_go_for_others(void) {
    hardened_begin((char *)(uintptr_t) "TIDE_RETIRED=1G");
    char *first = untouched(MIB(40));
    hardened_free(first);
    CHECK_EQ(block_find(first).kind, BLOCK_FREE);
    fake_fail(FAKE_MAP, 1, 2);  // with fences, and without
    char *second = untouched(MIB(40));
    CHECK(second != NULL);
    CHECK(block_find(first).kind != BLOCK_FREE);
    hardened_free(second);
    CHECK_EQ(huge_evict(UINT64_MAX), MIB(40));
    CHECK_EQ(huge_evict(UINT64_MAX), 0);
}

// What the kernel will not unmap waits on, and goes the next time.
static void unmapped_later(void) {
    hardened_begin((char *)(uintptr_t) "TIDE_RETIRED=256K");
    char *first = untouched(200000), *second = untouched(200000);
    hardened_free(first);
    fake_fail(FAKE_UNMAP, 1, 1);
    hardened_free(second);
    CHECK_EQ(block_find(first).kind, BLOCK_FREE);
    hardened_free(untouched(200000));
    CHECK_EQ(block_find(second).kind, BLOCK_FOREIGN);
}

static void slabs_behind_fences(void) {
    hardened_begin(NULL);
    char        *blocks[2000];
    struct slab *slab = NULL;
    for (unsigned i = 0; i < 2000; i++) {
        blocks[i] = hardened_block(500);
        slab = block_find(blocks[i]).slab;
        CHECK_EQ(slab->fence, SLAB_FENCED);
        CHECK_EQ(slab->base - slab->span->base, GRANULE);
        CHECK_EQ(block_find((char *)slab->base - 1).kind, BLOCK_FREE);
    }
    unsigned made = fake_count(FAKE_CONCEAL);
    // One a slab, and one before the first granule of the break.
    CHECK_EQ(made, (2000 * 512 + GRANULE - 1) / GRANULE + 1);
    for (unsigned i = 0; i < 2000; i++)
        hardened_free(blocks[i]);
    hardened_flush();
    // All of it is one free span again, and readable.
    arena_trim(0);
    arena_check();
    CHECK_EQ(arena_held(), 0);
}

// Few idle slabs of a class stay behind their fences, for the next who asks; a trim takes them.
static void spare_slabs(void) {
    hardened_begin((char *)(uintptr_t) "TIDE_QUARANTINE=off");
    char *blocks[16];
    for (unsigned i = 0; i < 16; i++)
        blocks[i] = hardened_block(GRANULE - 8);
    unsigned made = fake_count(FAKE_CONCEAL), idle = 0;
    CHECK_EQ(made, 4 + 1);  // a slab has four; and one before the break
    for (unsigned i = 0; i < 16; i++)
        hardened_free(blocks[i]);
    for (unsigned i = 0; i < 16; i++) {
        struct block block = block_find(blocks[i]);
        idle += block.kind == BLOCK_FREED;
        CHECK(block.kind == BLOCK_FREED || block.kind == BLOCK_FREE);
    }
    CHECK_EQ(idle, 4);  // one slab of 256 KiB
    arena_check();
    for (unsigned i = 0; i < 4; i++)
        blocks[i] = hardened_block(GRANULE - 8);
    CHECK_EQ(fake_count(FAKE_CONCEAL), made);
    arena_check();
    for (unsigned i = 0; i < 4; i++)
        hardened_free(blocks[i]);
    arena_trim(0);
    arena_check();
    CHECK_EQ(arena_held(), 0);
}

// After a burst of every class, some of each, all together keep few.
static void spare_slabs_of_all_classes(void) {
    enum { BURST = 512 << 10 };
    static char *blocks[BURST / 16];
    hardened_begin((char *)(uintptr_t) "TIDE_QUARANTINE=off");
    for (unsigned id = SMALL_CLASS_FIRST; id <= SMALL_CLASS_LAST; id++) {
        size_t bytes = class_bytes((class_id)id), count = BURST / bytes;
        for (size_t i = 0; i < count; i++)
            CHECK((blocks[i] = hardened_block(bytes - 8)) != NULL);
        for (size_t i = 0; i < count; i++)
            hardened_free(blocks[i]);
    }
    hardened_flush();
    arena_check();
    uint64_t kept = arena_held() - arena_surplus();
    CHECK_LE(MIB(3), kept);
    CHECK_LE(kept, 2 * MIB(4));  // half of a slab of one granule is its fence
}

// A fence that cannot be taken away keeps its slab, which serves on.
static void fence_stays(void) {
    hardened_begin((char *)(uintptr_t) "TIDE_QUARANTINE=off");
    char        *block = hardened_block(5000);
    struct slab *slab = block_find(block).slab;
    fake_fail(FAKE_COMMIT, 1, UINT32_MAX);
    hardened_free(block);
    CHECK(slab_is_idle(slab));
    arena_trim(0);
    CHECK_EQ(slab->fence, SLAB_FENCED);
    arena_check();
    fake_fail(FAKE_COMMIT, 1, 0);
    block = hardened_block(5000);
    CHECK(block_find(block).slab == slab);
    hardened_free(block);
    arena_trim(0);
    CHECK_LE(block_find(block).kind, BLOCK_FREE);  // or nobody
}

// Where the limit on data may refuse to take a fence away there is none, and nothing stays behind.
static void none_where_data_is_limited(void) {
    hardened_begin((char *)(uintptr_t) "TIDE_QUARANTINE=off");
    fake_set_data_limited(true);
    char        *block = hardened_block(500), *large = hardened_block(100000);
    struct slab *slab = block_find(block).slab;
    CHECK(slab->fence == SLAB_OPEN && slab->base == slab->span->base);
    CHECK(span_of(large)->guard_before > 0);
    fake_fail(FAKE_COMMIT, 1, UINT32_MAX);
    hardened_free(block);
    hardened_free(large);
    hardened_flush();
    CHECK_EQ(arena_held(), arena_surplus());
    fake_set_data_limited(false);
    fake_fail(FAKE_COMMIT, 1, 0);
    CHECK_EQ(block_find(hardened_block(500)).slab->fence, SLAB_FENCED);
}

// From so many on there are none, and blocks do without.
static void not_too_many(void) {
    hardened_begin(NULL);
    char       *range = os_map(GRANULE, GRANULE, OS_READ_WRITE, "tide test");
    for (unsigned i = 0; i < FENCES_MAX; i++)
        CHECK(fence_make(range, 4096));
    CHECK(!fence_make(range, 4096));
    char *block = hardened_block(100000);
    CHECK(block && span_of(block)->guard_before == 0);
    hardened_free(block);
    CHECK(fence_remove(range, 4096));
    block = hardened_block(100000);
    CHECK(block && span_of(block)->guard_before > 0);
    hardened_free(block);
}

int main(void) {
    CASE(between_fences);
    CASE(aligned_between_fences);
    CASE(grows_into_its_fence);
    CASE(grown_blocks_get_room);
    CASE(does_not_grow);
    CASE(freed_places_stay_unreadable);
    CASE(places_go_for_others);
    CASE(unmapped_later);
    CASE(slabs_behind_fences);
    CASE(spare_slabs);
    CASE(spare_slabs_of_all_classes);
    CASE(fence_stays);
    CASE(none_where_data_is_limited);
    CASE(not_too_many);
    return 0;
}
