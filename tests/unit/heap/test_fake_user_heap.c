// unit/heap/test_fake_user_heap.c - blocks of a heap of the user's: taken, given, gone all at once.
#include "heap/user_heap.h"

#include "conf/options.h"
#include "heap/arena.h"
#include "heap/huge.h"
#include "tests/unit/heap/bins.h"

enum { BLOCKS = 3000 };

static const uint64_t second = 1000000000;

static struct {
    char  *memory;
    size_t bytes;
} blocks[BLOCKS];

static void start(void) {
    fake_reset();
    arena_start(2, 2 * second, os_now_ns());
}

static size_t any_size(uint64_t *seed) {
    uint64_t kind = test_random(seed) % 100, value = test_random(seed);
    return kind < 80   ? value % 1000
           : kind < 95 ? value % 40000
           : kind < 99 ? 32769 + value % 500000
                       : MIB(1) + value % MIB(2);
}

static struct block find(const void *memory) {
    struct block block = block_find(memory);
    CHECK(block_is_live(&block));
    return block;
}

static void take(struct user_heap *heap, unsigned i, size_t bytes) {
    blocks[i].bytes = bytes;
    blocks[i].memory = user_heap_take(heap, bytes);
    CHECK(blocks[i].memory != NULL);
    struct block block = find(blocks[i].memory);
    CHECK(block.usable >= bytes && block.base == (uintptr_t)blocks[i].memory);
    CHECK(user_heap_of(&block) == heap);
    test_fill(blocks[i].memory, bytes, i);
}

static void give(unsigned i) {
    struct block block = find(blocks[i].memory);
    CHECK(test_is_filled(blocks[i].memory, blocks[i].bytes, i));
    user_heap_give("tide_heap_free", &block);
}

static size_t active_bytes(void) {
    return arena_at(0)->pages.active_bytes;
}

static void kinds_of_blocks(void) {
    start();
    struct user_heap *heap = user_heap_new();
    take(heap, 0, 100);
    take(heap, 1, 100000);
    take(heap, 2, MIB(2));
    take(heap, 3, 0);
    take(heap, 4, 32768);
    const enum block_kind kinds[] = {BLOCK_SMALL, BLOCK_LARGE, BLOCK_HUGE, BLOCK_SMALL,
                                     BLOCK_SMALL};
    for (unsigned i = 0; i < 5; i++)
        CHECK_EQ(find(blocks[i].memory).kind, kinds[i]);
    // No cache ever holds a slot of a heap: its class byte says so.
    CHECK_EQ(page_map_class((uintptr_t)blocks[0].memory), CLASS_HEAP_SLAB);
    CHECK_EQ(heap->bytes, align_up(100000, 4096) + MIB(2));
    struct block foreign = {.kind = BLOCK_LARGE, .span = arena_take_large(50000, 1)};
    CHECK(user_heap_of(&foreign) == NULL);
    for (unsigned i = 0; i < 5; i++)
        give(i);
    CHECK_EQ(heap->bytes, 0);
    CHECK_EQ(active_bytes(), GRANULE);
}

static void many_blocks_come_and_go(void) {
    uint64_t seed = 3;
    start();
    struct user_heap *heap = user_heap_new();
    for (unsigned i = 0; i < BLOCKS; i++)
        take(heap, i, any_size(&seed));
    for (unsigned step = 0; step < 3 * BLOCKS; step++) {
        unsigned i = (unsigned)(test_random(&seed) % BLOCKS);
        give(i);
        take(heap, i, any_size(&seed));
    }
    for (unsigned i = 0; i < BLOCKS; i++)
        give(i);
    CHECK_EQ(active_bytes(), 0);
    CHECK_EQ(heap->bytes, 0);
    user_heap_destroy(heap);
    arena_check();
}

// All its memory at once, and nothing of its neighbour's.
static void destroy(void) {
    uint64_t seed = 4;
    start();
    struct user_heap *one = user_heap_new(), *other = user_heap_new();
    CHECK(one && other && one != other);
    for (unsigned i = 0; i < BLOCKS; i++)
        take(i % 2 ? one : other, i, any_size(&seed));
    user_heap_destroy(one);
    for (unsigned i = 0; i < BLOCKS; i++)
        if (i % 2 == 0)
            CHECK(test_is_filled(blocks[i].memory, blocks[i].bytes, i));
    arena_check();
    user_heap_destroy(other);
    CHECK_EQ(active_bytes(), 0);
    huge_evict(UINT64_MAX);
    arena_trim(0);
    CHECK_EQ(counters_process.value[COUNTER_mapped_bytes], 0);
    CHECK_EQ(counters_process.value[COUNTER_large_bytes], 0);
    CHECK_EQ(counters_process.value[COUNTER_huge_bytes], 0);
    CHECK_LE(os_resident_bytes(), MIB(1));
    // Records are used again.
    CHECK(user_heap_new() != NULL);
}

static void destroying_an_empty_heap(void) {
    start();
    for (unsigned i = 0; i < 200; i++) {
        struct user_heap *heap = user_heap_new();
        CHECK(heap != NULL);
        user_heap_destroy(heap);
    }
    CHECK_LE(meta_bytes(), KIB(64));
}

static void figures(void) {
    struct counters totals = {{0}};
    start();
    struct user_heap *one = user_heap_new(), *other = user_heap_new();
    take(one, 0, 1000);
    take(one, 1, 1000);
    take(other, 2, 64);
    user_heap_count(&totals);
    CHECK_EQ(totals.value[COUNTER_heaps], 2);
    CHECK_EQ(totals.value[COUNTER_small_bytes], 2 * 1024 + 64);
    CHECK_EQ(totals.value[COUNTER_slabs], 2);
    user_heap_destroy(one);
    memset(&totals, 0, sizeof totals);
    user_heap_count(&totals);
    CHECK_EQ(totals.value[COUNTER_heaps], 1);
    CHECK_EQ(totals.value[COUNTER_small_bytes], 64);
}

static void resizes_are_noted(void) {
    start();
    struct user_heap *heap = user_heap_new();
    take(heap, 0, 100000);
    struct span *span = find(blocks[0].memory).span;
    size_t       before = span->bytes;
    CHECK(large_resize(span, 200000));
    user_heap_note_resize(span, before);
    CHECK_EQ(heap->bytes, span->bytes);
    give(0);
    CHECK_EQ(heap->bytes, 0);
}

static void without_memory(void) {
    start();
    struct user_heap *heap = user_heap_new();
    take(heap, 0, 500);
    fake_fail(FAKE_ANY, 1, UINT32_MAX);
    CHECK(user_heap_take(heap, MIB(20)) == NULL);
    CHECK(user_heap_take(heap, PTRDIFF_MAX) == NULL);
    unsigned count = 1;
    while (count < BLOCKS && (blocks[count].memory = user_heap_take(heap, 30000)) != NULL)
        blocks[count++].bytes = 0;
    CHECK(count < BLOCKS);
    while (user_heap_new() != NULL) {
    }
    fake_fail(FAKE_ANY, 1, 0);
    take(heap, count, 30000);
    take(heap, count + 1, MIB(20));
    for (unsigned i = 0; i <= count + 1; i++)
        give(i);
    CHECK_EQ(active_bytes(), 0);
    arena_check();
}

static void give_twice(void *memory) {
    struct block block = find(memory);
    user_heap_give("tide_heap_free", &block);
    user_heap_give("tide_heap_free", &block);
}

static void a_double_free_is_told(void) {
    start();
    struct user_heap *heap = user_heap_new();
    take(heap, 0, 300);
    take(heap, 1, 300);
    CHECK(death_expect(give_twice, blocks[0].memory,
                       "tidemalloc: tide_heap_free(0x*): double free of a 320-byte block"));
    give(0);
}

static void prove_it(void *handle) {
    user_heap_prove("tide_heap_malloc", handle);
}

static bool is_refused(uintptr_t handle) {
    char line[128];
    snprintf(line, sizeof line,
             "tidemalloc: tide_heap_malloc(0x%llx): not a heap, or destroyed already",
             (unsigned long long)handle);
    return death_expect(prove_it, (void *)handle, line);
}

static void handles_are_proved(void) {
    enum { HEAPS = 600 };  // more than a row of the table
    static struct user_heap *heaps[HEAPS];
    start();
    CHECK(is_refused(0) && is_refused(16) && is_refused((uintptr_t)heaps));
    for (unsigned i = 0; i < HEAPS; i++)
        CHECK((heaps[i] = user_heap_new()) != NULL);
    for (unsigned i = 0; i < HEAPS; i++)
        CHECK(user_heap_prove("", (void *)heaps[i]->handle) == heaps[i]);
    uintptr_t handle = heaps[300]->handle;
    for (unsigned bit = 0; bit < 64; bit++) {
        uintptr_t other = handle ^ (uintptr_t)1 << bit;
        if (bit < 4 || bit > 13 || (other >> 4 & 1023) > HEAPS)
            CHECK(is_refused(other));
        else
            CHECK(user_heap_prove("", (void *)other) != heaps[300]);
    }
    CHECK(is_refused((uintptr_t)heaps[300]));
}

// The record's next heap has another handle.
static void handles_of_the_gone_are_refused(void) {
    uintptr_t handles[20];
    start();
    struct user_heap *first = user_heap_new();
    handles[0] = first->handle;
    for (unsigned i = 1; i < ARRAY_COUNT(handles); i++) {
        user_heap_destroy(first);
        CHECK(is_refused(handles[i - 1]));
        CHECK(user_heap_new() == first);
        handles[i] = first->handle;
        for (unsigned j = 0; j < i; j++)
            CHECK(handles[j] != handles[i]);
        CHECK(is_refused(handles[0]));
        CHECK(user_heap_prove("", (void *)handles[i]) == first);
    }
}

// Two that proved it at the same time.
static void close_again(void *heap) {
    user_heap_close(heap);
}

static void two_that_destroy_are_told(void) {
    start();
    struct user_heap *heap = user_heap_new();
    CHECK(user_heap_close(heap));
    CHECK(death_expect(close_again, heap,
                       "tidemalloc: tide_heap_destroy(0x*): not a heap, or destroyed already"));
    user_heap_end(heap);
}

static void destroy_it(void *heap) {
    user_heap_destroy(heap);
}

static void a_block_freed_meanwhile_is_told(void) {
    start();
    struct user_heap *heap = user_heap_new();
    take(heap, 0, MIB(2));
    struct block block = find(blocks[0].memory);
    block_claim("free", &block);
    CHECK(death_expect(destroy_it, heap,
                       "tidemalloc: tide_heap_destroy(0x*): memory that is free already"));
    user_heap_give("free", &block);
    user_heap_destroy(heap);
}

static void fork_keeps_it_usable(void) {
    start();
    struct user_heap *one = user_heap_new(), *other = user_heap_new();
    take(one, 0, 64);
    user_heap_fork_prepare();
    user_heap_fork_parent();
    take(other, 1, 64);
    user_heap_fork_prepare();
    user_heap_fork_child();
    lock_fork_over();
    take(one, 2, 100000);
    // Claimed by a thread that is gone.
    take(one, 3, MIB(2));
    struct block block = find(blocks[3].memory);
    block_claim("free", &block);
    user_heap_fork_prepare();
    user_heap_fork_child();
    lock_fork_over();
    CHECK_EQ(find(blocks[3].memory).kind, BLOCK_HUGE);
    user_heap_destroy(one);
    user_heap_destroy(other);
    CHECK_EQ(active_bytes(), 0);
}

int main(void) {
    CASE(kinds_of_blocks);
    CASE(many_blocks_come_and_go);
    CASE(destroy);
    CASE(destroying_an_empty_heap);
    CASE(figures);
    CASE(resizes_are_noted);
    CASE(without_memory);
    CASE(a_double_free_is_told);
    CASE(handles_are_proved);
    CASE(handles_of_the_gone_are_refused);
    CASE(two_that_destroy_are_told);
    CASE(a_block_freed_meanwhile_is_told);
    CASE(fork_keeps_it_usable);
    return 0;
}
