// unit/heap/test_fake_guarded.c - blocks between guard pages: where they stand, when places come
// back, what is told of misuse.
#include "heap/guarded.h"

#include "conf/counters.h"
#include "heap/block.h"
#include "tests/support/death.h"
#include "tests/unit/check_text.h"
#include "tests/unit/pages.h"

enum { BLOCKS = 8, PAGE = 4096 };

static const uintptr_t calls[] = {0x1100, 0x1200, 0x3001, 0x3101};  // two of ours, two of others'

static uint64_t figure(enum counter_id id) {
    return counters_process.value[id];
}

static void start(void) {
    fake_reset();
    fake_set_calls(calls, ARRAY_COUNT(calls));
    fake_set_thread(7);
}

static uintptr_t take(size_t bytes, size_t alignment) {
    void *block = guarded_take(bytes, alignment);
    CHECK(block != NULL);
    size_t found = 0;
    CHECK(guarded_find((uintptr_t)block, &found) && found == bytes);
    return (uintptr_t)block;
}

static void give(uintptr_t block) {
    guarded_give("free", (void *)block);
    guarded_check();
}

static void give_all(uintptr_t *blocks, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        give(blocks[i]);
}

static void there_is_none_before_the_start(void) {
    start();
    CHECK(guarded_take(64, 1) == NULL && !guarded_owns(0x10000));
    CHECK_EQ(block_find((void *)0x10000).kind, BLOCK_FOREIGN);
    fake_fail(FAKE_MAP, 1, UINT32_MAX);
    CHECK(!guarded_start(BLOCKS));
    fake_fail(FAKE_MAP, 1, 0);
    CHECK(guarded_start(BLOCKS));
    CHECK_EQ(guarded_pool.count, BLOCKS);
    CHECK_EQ(fake_count(FAKE_FAULT_HOOK), 0);
}

// Three stand at the end of their pages, the fourth at the start; all else is out of reach.
static void they_stand_at_the_edges(void) {
    static const size_t sizes[] = {64, 60, 1, 100, 0, 4096, 4097, 65536};
    uintptr_t           blocks[BLOCKS];
    for (unsigned i = 0; i < BLOCKS; i++) {
        size_t rounded = max_size(align_up(sizes[i], 16), 16), pages = align_up(rounded, PAGE);
        blocks[i] = take(sizes[i], 1);
        bool      at_start = i % 4 == 3;
        uintptr_t first = at_start ? blocks[i] : blocks[i] + rounded - pages;
        CHECK(at_start ? is_aligned(blocks[i], PAGE) : is_aligned(blocks[i] + rounded, PAGE));
        CHECK(fake_is_committed((void *)first, pages));
        CHECK(!fake_is_committed((void *)(first - PAGE), PAGE));
        CHECK(!fake_is_committed((void *)(first + pages), PAGE));
    }
    CHECK_EQ(fake_count(FAKE_FAULT_HOOK), 1);
    CHECK(guarded_take(64, 1) == NULL);  // no place left
    CHECK_EQ(figure(COUNTER_guarded_blocks), BLOCKS);
    CHECK_EQ(figure(COUNTER_guarded_bytes), 5 * PAGE + PAGE + 2 * PAGE + 16 * PAGE);
    guarded_check();
    give_all(blocks, BLOCKS);
    CHECK_EQ(figure(COUNTER_guarded_blocks), 0);
    CHECK_EQ(figure(COUNTER_guarded_bytes), 0);
}

static void alignment_is_kept(void) {
    for (size_t alignment = 1; alignment <= PAGE; alignment *= 2)
        for (unsigned i = 0; i < 4; i++) {
            uintptr_t block = take(24, alignment);
            CHECK(is_aligned(block, alignment) && is_aligned(block, 16));
            give(block);
        }
    CHECK(guarded_take(24, 2 * PAGE) == NULL);
    CHECK(guarded_take(65537, 1) == NULL);
}

// The place freed last is the last to be used again, and meanwhile out of reach and given back.
static void freed_ones_wait(void) {
    uintptr_t first = take(64, 1), pages = align_down(first, PAGE);
    fake_forget();
    give(first);
    CHECK(!fake_is_committed((void *)pages, PAGE));
    CHECK(fake_was_purged((void *)pages, PAGE));
    for (unsigned i = 1; i < BLOCKS; i++) {
        uintptr_t other = take(64, 1);
        CHECK(align_down(other, PAGE) != pages);
        give(other);
    }
    uintptr_t again = take(64, 1);
    CHECK_EQ(align_down(again, PAGE), pages);
    give(again);
}

// Who takes a place writes its record by and by; meanwhile a neighbour's block is found all the
// same, and may be freed.
static void neighbours_do_not_matter(void) {
    uintptr_t first = take(64, 1), second = take(60000, 1);
    give(first);
    struct guarded_place *place = guarded_nearest(first), whole = *place;
    CHECK_EQ(guarded_end(place) + guarded_stride(), align_up(second + 60000, PAGE));
    place->bytes = 60000;  // of an earlier block, and the base of the next one
    CHECK(place->base + place->bytes > second);
    size_t bytes;
    CHECK(guarded_find(second, &bytes) && bytes == 60000);
    guarded_give("free", (void *)second);
    *place = whole;
    guarded_check();
}

static void what_fails_is_nothing(void) {
    fake_fail(FAKE_COMMIT, 1, 1);
    CHECK(guarded_take(64, 1) == NULL);
    guarded_check();
    uintptr_t block = take(64, 1);
    fake_fail(FAKE_PURGE, 1, 1);
    fake_fail(FAKE_CONCEAL, 1, 1);
    give(block);
    size_t bytes;
    CHECK(!guarded_find(block, &bytes));
}

// --- what is told --------------------------------------------------------------------------------

static uintptr_t told;  // the block it is about

static void touch(void *offset) {
    fake_fault(told + (uintptr_t)offset, OS_FAULT_WRITE);
}
static void free_it(void *offset) {
    void        *pointer = (void *)(told + (uintptr_t)offset);
    struct block block = block_find(pointer);
    if (block_is_live(&block))
        guarded_give("free", pointer);
    else
        block_fail("free", pointer, &block);
}
static void free_sized(void *bytes) {
    struct block block = block_find((void *)told);
    CHECK(!block_fits_request(&block, (size_t)bytes, 1));
    block_fail_size("free_sized", (void *)told, (size_t)bytes, &block);
}

// `line` is the first one, with 0x* for addresses; the events follow.
static void expect(void (*body)(void *), size_t argument, const char *line, const char *events) {
    char first[256];
    fake_clear_output();
    CHECK(fake_aborts(body, (void *)argument));
    const char *end = strchr(fake_output(), '\n');
    CHECK(end != NULL && end - fake_output() < (ptrdiff_t)sizeof first);
    snprintf(first, sizeof first, "%.*s", (int)(end - fake_output()), fake_output());
    if (!death_matches(first, line) || strcmp(end + 1, events) != 0)
        fprintf(stderr, "expected:\n%s\n%sgot:\n%s", line, events, fake_output());
    CHECK(death_matches(first, line));
    CHECK_TEXT(end + 1, events);
}

#define CALLS "tidemalloc:   #0 prog+0x2000\ntidemalloc:   #1 prog+0x2100\n"
#define TAKEN "tidemalloc: allocated by thread 7:\n" CALLS
#define GIVEN "tidemalloc: freed by thread 8:\n" CALLS
#define TOUCHED                                                                                    \
    "tidemalloc: accessed by thread 9:\ntidemalloc:   #0 prog+0x3000\n"                            \
    "tidemalloc:   #1 prog+0xff\ntidemalloc:   #2 prog+0x1ff\n"                                    \
    "tidemalloc:   #3 prog+0x2000\ntidemalloc:   #4 prog+0x2100\n"
#define FREEING "tidemalloc: free by thread 9:\n" CALLS

// At the end of its page; the byte after `told` + 60 is pattern up to the page's end.
static uintptr_t take_told(size_t bytes) {
    fake_set_thread(7);
    do {
        told = take(bytes, 1);
        if (is_aligned(told, PAGE))
            guarded_give("free", (void *)told);
    } while (is_aligned(told, PAGE));
    fake_set_thread(9);
    return told;
}

static void accesses_are_told(void) {
    take_told(60);
    expect(touch, 64, "tidemalloc: buffer overflow: write to 0x*, "
                      "4 bytes after the end of the 60-byte block at 0x*", TAKEN TOUCHED);
    expect(touch, (size_t)-5000, "tidemalloc: buffer underflow: write to 0x*, "
                                 "5000 bytes before the start of the 60-byte block at 0x*",
           TAKEN TOUCHED);
    fake_set_thread(8);
    give(told);
    fake_set_thread(9);
    expect(touch, 8, "tidemalloc: use after free: write to 0x*, "
                     "at offset 8 of the 60-byte block at 0x*", TAKEN GIVEN TOUCHED);
    expect(touch, 61, "tidemalloc: use after free: write to 0x*, "
                      "1 byte after the end of the 60-byte block at 0x*", TAKEN GIVEN TOUCHED);
    CHECK(fake_fault(0x10000, OS_FAULT_READ));  // not ours: it comes back
}

static void calls_are_told(void) {
    take_told(64);
    expect(free_it, 8, "tidemalloc: free(0x*): pointer at offset 8 of the 64-byte block at 0x*",
           TAKEN FREEING);
    expect(free_sized, 63, "tidemalloc: free_sized(0x*, 63): size does not match the 64-byte block",
           TAKEN "tidemalloc: free_sized by thread 9:\n" CALLS);
    fake_set_thread(8);
    give(told);
    fake_set_thread(9);
    expect(free_it, 0, "tidemalloc: free(0x*): double free of a 64-byte block",
           TAKEN GIVEN FREEING);
}

// Each is freed in the end, or rather would have been: the place is lost.
static void written_bytes_are_told(void) {
    *(char *)(take_told(60) + 61) = 0;
    expect(free_it, 0,
           "tidemalloc: free(0x*): memory was written 1 byte after the end of the 60-byte block",
           TAKEN FREEING);
    *(char *)(take_told(60) - 2) = 0;
    expect(free_it, 0,
           "tidemalloc: free(0x*): memory was written 2 bytes before the start of the 60-byte "
           "block", TAKEN FREEING);
}

int main(void) {
    there_is_none_before_the_start();
    they_stand_at_the_edges();
    alignment_is_kept();
    freed_ones_wait();
    neighbours_do_not_matter();
    what_fails_is_nothing();
    accesses_are_told();
    calls_are_told();
    written_bytes_are_told();
    return 0;
}
