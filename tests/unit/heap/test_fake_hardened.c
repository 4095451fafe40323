// unit/heap/test_fake_hardened.c - blocks of a hardened process: content, sizes, every check and
// its line, each knob by itself, and system calls that fail.
#include "tests/unit/heap/hardened.h"

#include "heap/fence.h"
#include "heap/quarantine.h"
#include "heap/user_heap.h"

enum { BLOCKS = 300, STEPS = 3000, LOOKS = 250 };

static struct {
    char  *memory;
    size_t bytes;
} blocks[BLOCKS];

static uint64_t seed = 7;

static size_t any_size(void) {
    uint64_t kind = test_random(&seed) % 100, value = test_random(&seed);
    return kind < 80 ? value % 1000 : kind < 97 ? value % 70000 : value % MIB(2);
}

static void check_all(void) {
    arena_check();
    quarantine_check();
    for (unsigned i = 0; i < BLOCKS; i++)
        CHECK(!blocks[i].memory || test_is_filled(blocks[i].memory, blocks[i].bytes, i));
}

static void take(unsigned i) {
    size_t alignment = (size_t)1 << test_random(&seed) % 14;
    bool   is_zero;
    blocks[i].bytes = any_size();
    blocks[i].memory = hardened_take(NULL, blocks[i].bytes, alignment, &is_zero);
    if (!blocks[i].memory)
        return;
    struct block block = block_find(blocks[i].memory);
    CHECK(block_is_live(&block) && is_aligned(block.base, alignment));
    CHECK_EQ(block.usable, blocks[i].bytes);
    if (is_zero)
        CHECK(test_is_byte(blocks[i].memory, blocks[i].bytes, 0));
    test_fill(blocks[i].memory, blocks[i].bytes, i);
}

static void resize(unsigned i) {
    struct block block = block_find(blocks[i].memory);
    size_t       bytes = 1 + any_size(), kept = min_size(bytes, blocks[i].bytes);
    if (!hardened_resize("realloc", &block, bytes))
        return;
    CHECK_EQ(block_find(blocks[i].memory).usable, bytes);
    CHECK(test_is_filled(blocks[i].memory, kept, i));
    if (bytes > kept)
        CHECK(test_is_byte(blocks[i].memory + kept, bytes - kept, 0));
    blocks[i].bytes = bytes;
    test_fill(blocks[i].memory, bytes, i);
}

static void give(unsigned i) {
    CHECK(test_is_filled(blocks[i].memory, blocks[i].bytes, i));
    hardened_free(blocks[i].memory);
    blocks[i].memory = NULL;
}

static void run(void) {
    for (unsigned step = 0; step < STEPS; step++) {
        unsigned i = (unsigned)(test_random(&seed) % BLOCKS);
        if (!blocks[i].memory)
            take(i);
        else if (test_random(&seed) % 4 == 0)
            resize(i);
        else
            give(i);
        if (step % LOOKS == 0)
            check_all();
    }
    for (unsigned i = 0; i < BLOCKS; i++)
        if (blocks[i].memory)
            give(i);
    hardened_last_look();
    hardened_flush();
    CHECK_EQ(quarantine_bytes(), 0);
    check_all();
    struct counters totals = {0};
    arena_count(&totals);
    CHECK_EQ(totals.value[COUNTER_small_bytes], 0);
    CHECK_EQ(counters_process.value[COUNTER_huge_bytes], 0);
    CHECK_EQ(counters_process.value[COUNTER_large_bytes], 0);
}

static char *knob;

static void random_operations(void) {
    hardened_begin(knob);
    run();
}

// Fences that cannot be made, or taken away, or blocks that find no room for theirs.
static void refused(enum fake_call call) {
    hardened_begin(NULL);
    for (unsigned i = 0; i < 40; i++) {
        fake_fail(call, 1 + i % 7, 1 + i % 3);
        for (unsigned step = 0; step < STEPS / 40; step++) {
            unsigned at = (unsigned)(test_random(&seed) % BLOCKS);
            if (!blocks[at].memory)
                take(at);
            else
                give(at);
        }
        check_all();
    }
    fake_fail(call, 1, 0);
    run();
}
static void conceal_refused(void) {
    refused(FAKE_CONCEAL);
}
static void commit_refused(void) {
    refused(FAKE_COMMIT);
}
static void unmap_refused(void) {
    refused(FAKE_UNMAP);
}
static void map_refused(void) {
    refused(FAKE_MAP);
}

// --- what is told --------------------------------------------------------------------------------

// Any byte from the end of the request to the end of the slot, each in a block of its own.
static void overflow_of(size_t bytes, size_t beyond) {
    char   line[128], *block = hardened_block(bytes);
    size_t room = slab_bytes(block_find(block).slab), at = min_size(bytes + beyond, room - 1);
    CHECK(block[at] != 0);
    block[at] = 0;
    snprintf(line, sizeof line,
             "tidemalloc: free(0x*): written behind the end of the %zu-byte block (%zu-byte "
             "class): byte %zu",
             bytes, room, at);
    hardened_dies(block, line);
}

static void overflow_is_told(void) {
    static const size_t sizes[] = {0, 1, 8, 9, 24, 100, 5000, 60000, 65528};
    hardened_begin(NULL);
    for (unsigned i = 0; i < ARRAY_COUNT(sizes); i++)
        for (size_t beyond = 0; beyond < 40; beyond++)
            overflow_of(sizes[i], beyond);
}

static void overflow_of_whole_blocks_is_told(void) {
    hardened_begin(NULL);
    char *block = hardened_block(100000);
    block[100001] ^= 1;
    hardened_dies(block, "tidemalloc: free(0x*): written behind the end of the 100000-byte block "
                         "(huge): byte 100001");
}

static void overflow_without_fences_is_told(void) {
    hardened_begin((char *)(uintptr_t) "TIDE_GUARD_PAGES=off");
    char *block = hardened_block(100000);
    block[100000] ^= 1;
    hardened_dies(block, "tidemalloc: free(0x*): written behind the end of the 100000-byte block "
                         "(large): byte 100000");
}

static void underflow_is_told(void) {
    hardened_begin(NULL);
    char *block = hardened_block(100);
    while (block_find(block).slab->base == (uintptr_t)block)
        block = hardened_block(100);
    block[-1] ^= 1;
    hardened_dies(block, "tidemalloc: free(0x*): written before the start of the 100-byte block "
                         "(112-byte class)");
}

static void freed_block_is_no_block(void) {
    hardened_begin(NULL);
    char *block = hardened_block(100);
    hardened_free(block);
    CHECK_EQ(block_find(block).kind, BLOCK_FREED);
    CHECK_EQ(block_find(block + 5).kind, BLOCK_FREED);
    CHECK(test_is_byte(block, 100, 0));
    hardened_dies(block, "tidemalloc: free(0x*): double free of a 112-byte block");
}

static void look_at_the_end(void *unused) {
    (void)unused;
    hardened_last_look();
}
static void flush(void *unused) {
    (void)unused;
    hardened_flush();
}

static void write_after_free_is_told(void) {
    static const char line[] =
        "tidemalloc: exit(0x*): written after free into a block of the 112-byte class: byte 42";
    hardened_begin(NULL);
    char *block = hardened_block(100);
    hardened_free(block);
    block[42] = 1;
    fake_clear_output();
    CHECK(fake_aborts(look_at_the_end, NULL));
    CHECK(death_matches(fake_output(), line));
}

static void write_after_free_is_told_by_the_flush(void) {
    static const char line[] =
        "tidemalloc: free(0x*): written after free into a block of the 112-byte class: byte 7";
    hardened_begin(NULL);
    char *block = hardened_block(100);
    hardened_free(block);
    block[7] = 1;
    fake_clear_output();
    CHECK(fake_aborts(flush, NULL));
    CHECK(death_matches(fake_output(), line));
}

static void take_all(void *unused) {
    (void)unused;
    for (unsigned i = 0; i < BLOCKS; i++)
        hardened_block(100);
}

static void write_after_free_is_told_at_reuse(void) {
    hardened_begin((char *)(uintptr_t) "TIDE_QUARANTINE=off");
    char *other = hardened_block(100), *block = hardened_block(100);
    hardened_free(block);
    block[99] = 1;
    fake_clear_output();
    CHECK(fake_aborts(take_all, NULL));
    CHECK(death_matches(fake_output(), "tidemalloc: malloc(0x*): written after free into a block "
                                       "of the 112-byte class: byte 99"));
    (void)other;
}

// --- knobs ---------------------------------------------------------------------------------------

static void without_canary(void) {
    hardened_begin((char *)(uintptr_t) "TIDE_CANARY=off");
    char *block = hardened_block(16);
    CHECK_EQ(slab_bytes(block_find(block).slab), 16);
    char *other = hardened_block(100);
    other[100] = 1;
    hardened_free(other);
    hardened_free(block);
}

static void without_zeroes(void) {
    hardened_begin((char *)(uintptr_t) "TIDE_ZERO_ON_FREE=off");
    char *block = hardened_block(100);
    test_fill(block, 100, 3);
    hardened_free(block);
    CHECK(test_is_filled(block, 100, 3));
    hardened_last_look();
}

static void without_quarantine(void) {
    hardened_begin((char *)(uintptr_t) "TIDE_QUARANTINE=off");
    char        *kept = hardened_block(5000), *block = hardened_block(5000);
    struct slab *slab = block_find(block).slab;
    uint32_t     slot = slab_slot_of(slab, (uintptr_t)block);
    hardened_free(block);
    CHECK(slab_slot_is_free(slab, slot));
    CHECK_EQ(quarantine_bytes(), 0);
    hardened_free(kept);
}

static void with_quarantine(void) {
    hardened_begin(NULL);
    char        *block = hardened_block(200);
    struct slab *slab = block_find(block).slab;
    hardened_free(block);
    CHECK_EQ(quarantine_bytes(), slab_bytes(slab));
    CHECK(!slab_slot_is_free(slab, slab_slot_of(slab, (uintptr_t)block)));
}

// With random slots the order of addresses is nobody's; without, it is the lowest first.
static unsigned ascending(void) {
    unsigned count = 0;
    char    *last = NULL;
    for (unsigned i = 0; i < 64; i++) {
        char *block = hardened_block(100);
        count += block > last;
        last = block;
    }
    return count;
}
static void random_slots(void) {
    hardened_begin(NULL);
    CHECK_LE(ascending(), 50);
}
static void lowest_slots(void) {
    hardened_begin((char *)(uintptr_t) "TIDE_RANDOM_SLOTS=off");
    CHECK_EQ(ascending(), 64);
}

// The words of a slab that was used up to its last slot are all that one may be drawn of.
static void drawn_of_all(void) {
    class_id id = size_class_of(16);
    void    *drawn[64];
    hardened_begin(NULL);
    for (unsigned i = 0; i < SLAB_SLOTS_MAX / 64; i++)
        CHECK_EQ(arena_take(id, drawn, 64), 64);
    for (unsigned i = 0; i < 50; i++) {
        arena_give("free", id, drawn, 64);
        CHECK_EQ(arena_take(id, drawn, 64), 64);
    }
    slab_check(slab_find((uintptr_t)drawn[0]));
}

static void heaps_of_users(void) {
    hardened_begin(NULL);
    struct user_heap *heap = user_heap_new();
    bool              is_zero;
    CHECK(heap != NULL);
    for (unsigned i = 0; i < 100; i++) {
        char        *memory = hardened_take(heap, i * 1000, 1, &is_zero);
        struct block block = block_find(memory);
        CHECK(block_is_live(&block) && user_heap_of(&block) == heap);
        CHECK_EQ(block.usable, i * 1000);
        test_fill(memory, i * 1000, i);
        if (i % 2)
            hardened_give_all("tide_heap_free", &block);
    }
    CHECK_EQ(quarantine_bytes(), 0);
    user_heap_destroy(heap);
    check_all();
}

static struct user_heap *ending;

static char *heap_block(size_t bytes) {
    bool is_zero;
    return hardened_take(ending, bytes, 1, &is_zero);
}

static void end_heap(void *unused) {
    (void)unused;
    hardened_destroy(ending);
}

static void heap_end_dies(const char *line) {
    fake_clear_output();
    CHECK(fake_aborts(end_heap, NULL));
    if (!death_matches(fake_output(), line))
        test_fail(__FILE__, __LINE__, fake_output());
}

// Nothing that lived is readable afterwards, and nothing that is whole is told.
static void heap_ends_clear(void) {
    static const size_t sizes[] = {1, 100, 5000, 60000, 70000, 300000};
    enum { EACH = 50 };
    char *heap_blocks[ARRAY_COUNT(sizes)][EACH];
    hardened_begin((char *)(uintptr_t) "TIDE_GUARD_PAGES=off");
    CHECK((ending = user_heap_new()) != NULL);
    for (unsigned i = 0; i < ARRAY_COUNT(sizes) * EACH; i++) {
        size_t bytes = sizes[i / EACH];
        heap_blocks[i / EACH][i % EACH] = heap_block(bytes);
        test_fill(heap_blocks[i / EACH][i % EACH], bytes, i);
    }
    for (unsigned i = 0; i < ARRAY_COUNT(sizes) * EACH; i += 3)
        hardened_free(heap_blocks[i / EACH][i % EACH]);
    hardened_destroy(ending);
    for (unsigned i = 0; i < ARRAY_COUNT(sizes) * EACH; i++)
        CHECK(test_is_byte(heap_blocks[i / EACH][i % EACH], sizes[i / EACH], 0));
    check_all();
}

static void heap_end_tells(size_t bytes, const char *line) {
    hardened_begin(NULL);
    CHECK((ending = user_heap_new()) != NULL);
    heap_block(bytes)[bytes] = 0;
    heap_end_dies(line);
}
static void heap_end_tells_overflow(void) {
    heap_end_tells(100, "tidemalloc: tide_heap_destroy(0x*): written behind the end of the "
                        "100-byte block (112-byte class): byte 100");
}
static void heap_end_tells_overflow_of_whole_blocks(void) {
    heap_end_tells(100001, "tidemalloc: tide_heap_destroy(0x*): written behind the end of the "
                           "100001-byte block (huge): byte 100001");
}

// The neighbour before it is free: what is written there is the block's own.
static void heap_end_tells_underflow(void) {
    hardened_begin(NULL);
    CHECK((ending = user_heap_new()) != NULL);
    char *some[100], *last = NULL;
    for (unsigned i = 0; i < ARRAY_COUNT(some); i++) {
        some[i] = heap_block(100);
        last = some[i] > last ? some[i] : last;
    }
    for (unsigned i = 0; i < ARRAY_COUNT(some); i++)
        if (some[i] != last)
            hardened_free(some[i]);
    memset(last - 8, 1, 8);
    heap_end_dies("tidemalloc: tide_heap_destroy(0x*): written before the start of the 100-byte "
                  "block (112-byte class)");
}

static void heap_end_tells_writes_after_free(void) {
    hardened_begin(NULL);
    CHECK((ending = user_heap_new()) != NULL);
    heap_block(100);
    char *block = heap_block(100);
    hardened_free(block);
    block[99] = 1;
    heap_end_dies("tidemalloc: tide_heap_destroy(0x*): written after free into a block of the "
                  "112-byte class: byte 99");
}

int main(void) {
    static const char *const knobs[] = {"TIDE_CANARY=off",      "TIDE_ZERO_ON_FREE=off",
                                        "TIDE_QUARANTINE=off",  "TIDE_GUARD_PAGES=off",
                                        "TIDE_RANDOM_SLOTS=off", "TIDE_RETIRED=off"};
    CASE(random_operations);
    for (unsigned i = 0; i < ARRAY_COUNT(knobs); i++) {
        knob = (char *)(uintptr_t)knobs[i];
        CASE(random_operations);
    }
    CASE(conceal_refused);
    CASE(commit_refused);
    CASE(unmap_refused);
    CASE(map_refused);
    CASE(overflow_is_told);
    CASE(overflow_of_whole_blocks_is_told);
    CASE(overflow_without_fences_is_told);
    CASE(underflow_is_told);
    CASE(freed_block_is_no_block);
    CASE(write_after_free_is_told);
    CASE(write_after_free_is_told_by_the_flush);
    CASE(write_after_free_is_told_at_reuse);
    CASE(without_canary);
    CASE(without_zeroes);
    CASE(without_quarantine);
    CASE(with_quarantine);
    CASE(random_slots);
    CASE(drawn_of_all);
    CASE(lowest_slots);
    CASE(heaps_of_users);
    CASE(heap_ends_clear);
    CASE(heap_end_tells_overflow);
    CASE(heap_end_tells_overflow_of_whole_blocks);
    CASE(heap_end_tells_underflow);
    CASE(heap_end_tells_writes_after_free);
    return 0;
}
