// tests/misuse/hardened/cases.c - see main.c. Every function makes one mistake and exits with 1
// when it sees harm; the caller ends the program, which is when the last looks are taken.
#include "tests/misuse/hardened/cases.h"

#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tidemalloc.h"

enum { NEIGHBOURS = 8, SECRET = 0x5a, BEHIND = 600, TRIES = 64 };

static volatile char *take(size_t bytes) {
    char *block = test_hide(malloc(bytes));
    CHECK(block != NULL);
    memset(block, SECRET, bytes);
    return block;
}

static void give(volatile char *block) {
    free(test_hide((void *)(uintptr_t)block));
}

static void harmed(void) {
    _exit(1);
}

// --- beyond the block ----------------------------------------------------------------------------

static volatile char *neighbours[NEIGHBOURS];

static volatile char *take_among_neighbours(size_t bytes) {
    volatile char *block = NULL;
    for (unsigned i = 0; i < NEIGHBOURS; i++) {
        neighbours[i] = take(bytes);
        if (i == NEIGHBOURS / 2)
            block = take(bytes);
    }
    return block;
}

// Who frees the block, and then all others, is told, or they are as they were.
static void free_among_neighbours(volatile char *block, size_t bytes) {
    give(block);
    for (unsigned i = 0; i < NEIGHBOURS; i++) {
        for (size_t at = 0; at < bytes; at++)
            if (neighbours[i][at] != SECRET)
                harmed();
        give(neighbours[i]);
    }
}

static void overflow_loop(size_t bytes, ptrdiff_t distance) {
    volatile char *block = take_among_neighbours(bytes);
    for (ptrdiff_t i = 0; i < distance; i++)
        block[bytes + (size_t)i] = 'x';
    free_among_neighbours(block, bytes);
}

static void overflow_copy(size_t bytes, ptrdiff_t distance) {
    static char    source[MIB(8)];
    volatile char *block = take_among_neighbours(bytes);
    memcpy((char *)(uintptr_t)block, source, bytes + (size_t)distance);
    memset(source, SECRET, bytes);
    memcpy((char *)(uintptr_t)block, source, bytes + (size_t)distance);
    free_among_neighbours(block, bytes);
}

static void overflow_realloc(size_t bytes, ptrdiff_t distance) {
    volatile char *block = take_among_neighbours(bytes);
    for (ptrdiff_t i = 0; i < distance; i++)
        block[bytes + (size_t)i] = 'x';
    block = test_hide(realloc(test_hide((void *)(uintptr_t)block), bytes * 3));
    free_among_neighbours(block, bytes);
}

static void underflow_loop(size_t bytes, ptrdiff_t distance) {
    volatile char *block = take_among_neighbours(bytes);
    for (ptrdiff_t i = 1; i <= distance; i++)
        block[-i] = 'x';
    free_among_neighbours(block, bytes);
}

static void underflow_copy(size_t bytes, ptrdiff_t distance) {
    static char    source[MIB(8)];
    volatile char *block = take_among_neighbours(bytes);
    memset(source, 'x', sizeof source);
    memcpy((char *)(uintptr_t)block - distance, source, (size_t)distance);
    free_among_neighbours(block, bytes);
}

// Nobody frees any of them: the caller ends the program.
static void overflow_unfreed(size_t bytes, ptrdiff_t distance) {
    volatile char *block = take_among_neighbours(bytes);
    for (ptrdiff_t i = 0; i < distance; i++)
        block[bytes + (size_t)i] = 'x';
}

static void underflow_unfreed(size_t bytes, ptrdiff_t distance) {
    volatile char *block = take_among_neighbours(bytes);
    for (ptrdiff_t i = 1; i <= distance; i++)
        block[-i] = 'x';
}

// The byte of a string's end, one too far.
static void overflow_string(size_t bytes, ptrdiff_t distance) {
    volatile char *block = take_among_neighbours(bytes);
    block[bytes + (size_t)distance - 1] = 0;
    free_among_neighbours(block, bytes);
}

// What stood there before cannot be read, nor what stands in other blocks: no eight bytes of it in
// a row, or fewer where no more are read.
static void read_behind(size_t bytes, ptrdiff_t distance) {
    give(take(bytes + (size_t)distance));
    volatile char *block = take_among_neighbours(bytes);
    ptrdiff_t      row = 0;
    for (ptrdiff_t i = 0; i < distance; i++) {
        row = block[bytes + (size_t)i] == SECRET ? row + 1 : 0;
        if (row == 8 || row == distance)
            harmed();
    }
    free_among_neighbours(block, bytes);
}

// --- after free ----------------------------------------------------------------------------------

// No two of them may be one.
static void take_many(size_t bytes, volatile char *blocks[TRIES]) {
    for (unsigned i = 0; i < TRIES; i++) {
        blocks[i] = take(bytes);
        for (unsigned j = 0; j < i; j++)
            if (blocks[i] == blocks[j])
                harmed();
    }
}

static void double_free(size_t bytes, ptrdiff_t distance) {
    volatile char *block = take(bytes), *other = take(bytes), *blocks[TRIES];
    give(block);
    if (distance > 0)
        give(other);
    for (ptrdiff_t i = 1; i < distance; i++)
        give(take(bytes));
    give(block);
    take_many(bytes, blocks);
}

static void double_free_reused(size_t bytes, ptrdiff_t distance) {
    volatile char *block = take(bytes), *blocks[TRIES];
    (void)distance;
    give(block);
    take_many(bytes, blocks);
    give(block);
    for (unsigned i = 0; i < TRIES; i++)
        for (size_t at = 0; at < bytes; at++)
            if (blocks[i][at] != SECRET)
                harmed();
}

static void *give_in_thread(void *block) {
    free(test_hide(block));
    return NULL;
}

static void double_free_thread(size_t bytes, ptrdiff_t distance) {
    volatile char *block = take(bytes), *blocks[TRIES];
    pthread_t      thread;
    (void)distance;
    give(block);
    CHECK(pthread_create(&thread, NULL, give_in_thread, (void *)(uintptr_t)block) == 0);
    pthread_join(thread, NULL);
    take_many(bytes, blocks);
}

static void write_after_free(size_t bytes, ptrdiff_t distance) {
    volatile char *block = take(bytes), *blocks[TRIES];
    give(block);
    for (ptrdiff_t i = 0; i < distance; i++)
        block[(size_t)i % bytes] = 'x';
    take_many(bytes, blocks);
}

// The new holder's content is what the old pointer would write to.
static void write_after_reuse(size_t bytes, ptrdiff_t distance) {
    volatile char *block = take(bytes), *blocks[TRIES];
    give(block);
    take_many(bytes, blocks);
    block[(size_t)distance % bytes] = 'x';
    for (unsigned i = 0; i < TRIES; i++)
        for (size_t at = 0; at < bytes; at++)
            if (blocks[i][at] != SECRET)
                harmed();
}

static void read_after_free(size_t bytes, ptrdiff_t distance) {
    volatile char *block = take(bytes);
    (void)distance;
    give(block);
    for (size_t i = 0; i < bytes; i++)
        if (block[i] == SECRET)
            harmed();
}

static void read_fresh(size_t bytes, ptrdiff_t distance) {
    (void)distance;
    for (unsigned i = 0; i < BEHIND; i++)
        give(take(bytes));
    volatile char *block = test_hide(malloc(bytes));
    for (size_t i = 0; i < bytes; i++)
        if (block[i] == SECRET)
            harmed();
}

static void reuse(size_t bytes, ptrdiff_t distance) {
    volatile char *block = take(bytes);
    give(block);
    for (ptrdiff_t i = 0; i < distance; i++)
        if (take(bytes) == block)
            harmed();
}

static void realloc_freed(size_t bytes, ptrdiff_t distance) {
    volatile char *block = take(bytes);
    (void)distance;
    give(block);
    if (test_hide(realloc(test_hide((void *)(uintptr_t)block), bytes * 2)))
        harmed();
}

static void usable_freed(size_t bytes, ptrdiff_t distance) {
    volatile char *block = take(bytes);
    (void)distance;
    give(block);
    if (malloc_usable_size(test_hide((void *)(uintptr_t)block)) > 0)
        harmed();
}

// --- zero-size blocks ----------------------------------------------------------------------------

static void zero_read(size_t bytes, ptrdiff_t distance) {
    give(take(bytes));
    volatile char *block = test_hide(malloc(0));
    if (block[distance] == SECRET)
        harmed();
    give(block);
}

static void zero_write(size_t bytes, ptrdiff_t distance) {
    volatile char *before = take(bytes), *block = test_hide(malloc(0));
    block[distance] = 'x';
    give(block);
    give(before);
    harmed();
}

static void zero_twice(size_t bytes, ptrdiff_t distance) {
    volatile char *block = test_hide(malloc(0)), *other = test_hide(malloc(0));
    (void)distance;
    give(take(bytes));
    if (block == other)
        harmed();
    give(block);
    give(block);
    harmed();
}

// --- what is no block ----------------------------------------------------------------------------

static void free_inside(size_t bytes, ptrdiff_t distance) {
    volatile char *block = take(bytes + 64);
    give(block + distance);
    harmed();
}

static void free_before(size_t bytes, ptrdiff_t distance) {
    give(take(bytes) - distance);
    harmed();
}

static void free_end(size_t bytes, ptrdiff_t distance) {
    volatile char *block = take(bytes), *blocks[TRIES];
    (void)distance;
    give(block + malloc_usable_size((void *)(uintptr_t)block) + 1);
    take_many(bytes, blocks);
    harmed();
}

static void free_stack(size_t bytes, ptrdiff_t distance) {
    char here[256];
    give(take(bytes));
    give(test_hide(here + distance));
    harmed();
}

static void free_global(size_t bytes, ptrdiff_t distance) {
    static char here[256];
    give(take(bytes));
    give(test_hide(here + distance));
    harmed();
}

static void free_far(size_t bytes, ptrdiff_t distance) {
    give(take(bytes) + ((uintptr_t)distance << 40));
    harmed();
}

static void free_sized_wrong(size_t bytes, ptrdiff_t distance) {
    tide_free_sized(test_hide((void *)(uintptr_t)take(bytes)), bytes + (size_t)distance);
    harmed();
}

// --- the list ------------------------------------------------------------------------------------

#define BY_DISTANCE(function)                                                                      \
    {#function, function, 1, 0}, {#function, function, 32, 0}, {                                   \
        #function, function, 1 << 20, 0                                                            \
    }
#define ONCE(function, distance) {#function, function, distance, 0}
#define END {NULL, NULL, 0, 0}

static const struct mistake overflows[] = {BY_DISTANCE(overflow_loop),
                                           BY_DISTANCE(overflow_copy),
                                           BY_DISTANCE(overflow_realloc),
                                           BY_DISTANCE(overflow_unfreed),
                                           ONCE(overflow_string, 1),
                                           ONCE(overflow_string, 8),
                                           END};
static const struct mistake underflows[] = {BY_DISTANCE(underflow_loop),
                                            BY_DISTANCE(underflow_copy),
                                            BY_DISTANCE(underflow_unfreed), END};
static const struct mistake double_frees[] = {
    ONCE(double_free, 0),        ONCE(double_free, 1),        ONCE(double_free, BEHIND),
    ONCE(double_free_reused, 0), ONCE(double_free_thread, 0), END};
static const struct mistake writes_after_free[] = {
    ONCE(write_after_free, 1), ONCE(write_after_free, 32), ONCE(write_after_free, 1 << 20),
    ONCE(write_after_reuse, 0), END};
static const struct mistake reads[] = {ONCE(read_after_free, 0), ONCE(read_fresh, 0),
                                       ONCE(read_behind, 1),     ONCE(read_behind, 32),
                                       ONCE(zero_read, 0),       ONCE(zero_read, 15),
                                       END};
static const struct mistake reuses[] = {ONCE(reuse, 1), ONCE(reuse, TRIES),
                                        ONCE(realloc_freed, 0), ONCE(usable_freed, 0), END};
static const struct mistake zero_sizes[] = {ONCE(zero_write, 0), ONCE(zero_write, 15),
                                            ONCE(zero_twice, 0), END};
static const struct mistake bad_frees[] = {
    ONCE(free_inside, 1),  ONCE(free_inside, 16), ONCE(free_inside, 48),     ONCE(free_before, 1),
    ONCE(free_before, 16), ONCE(free_end, 0),     ONCE(free_stack, 0),       ONCE(free_stack, 64),
    ONCE(free_global, 0),  ONCE(free_far, 1),     ONCE(free_sized_wrong, 1), END};

// What is read, or reused, harms nobody who finds zeroes there.
const struct category categories[] = {{"overflow", overflows, 95},
                                      {"underflow", underflows, 95},
                                      {"double_free", double_frees, 95},
                                      {"write_after_free", writes_after_free, 95},
                                      {"read", reads, 0},
                                      {"reuse", reuses, 45},
                                      {"zero_size", zero_sizes, 95},
                                      {"bad_free", bad_frees, 95},
                                      {NULL, NULL, 0}};
