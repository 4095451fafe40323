// tests/fuzz/operations.c - any sequence of calls, read from bytes, beside a model of the heap.
//
// Five bytes are one call: what, which of the places, a size of three bytes (form_size). The model
// knows each place's block: address, size, pattern. After every call what the call touched is
// proved: alignment, usable size, content, no overlap with a live block, zeroes of calloc; every
// 64 calls and at the end all contents and the library's own figures. A finding aborts, which
// libFuzzer takes as a crash and keeps the input.
//
// The settings are the environment's. Where blocks are hardened, or some stand between guard pages,
// usable sizes are not what blocks hold, and freed ones wait: there the figures have to lie within
// bounds. A hardened block's usable size is the size asked for.
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "tests/fuzz/fuzz.h"
#include "tests/support/test.h"
#include "tidemalloc.h"
// last: renames the malloc family in sanitizer builds
#include "tests/support/names.h"

enum {
    PLACES = 64,
    CALL_BYTES = 5,
    CALLS_MAX = 4096,
    CALLS_BETWEEN_LOOKS = 64,
    THREADS_MAX = 16,     // of one input: a thread is slow
    EDGE = 512,           // of a large block so much is written and read at each end
    LIVE_MAX = 96 << 20,  // bytes; a request beyond frees its place only
    WAIT_MAX = 1 << 20,   // bytes of freed blocks that count as live yet, and what a block may hold
    MORE_MAX = 64 << 10,  // besides twice its size, where figures have bounds
};

struct block {
    unsigned char *bytes;  // NULL: the place is empty
    size_t         size, usable, alignment;
    uint64_t       seed;
};

static struct block blocks[PLACES];
static size_t       live;       // sum of usable sizes
static uint64_t     base_live;  // the library's figure before the first call
static uint64_t     first_live; // and before the first input
static bool         is_hardened, has_bounds;
static uint64_t     next_seed;
static unsigned     threads;

// --- the model -----------------------------------------------------------------------------------

#define PROVE(cond) ((cond) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #cond))

static size_t edge(size_t size) {
    return size <= 2 * EDGE ? size : EDGE;
}

static void paint(struct block *block) {
    block->seed = ++next_seed;
    size_t part = edge(block->usable);
    test_fill(block->bytes, part, block->seed);
    test_fill(block->bytes + block->usable - part, part, block->seed);
}

static bool is_whole(const struct block *block) {
    size_t part = edge(block->usable);
    return test_is_filled(block->bytes, part, block->seed) &&
           test_is_filled(block->bytes + block->usable - part, part, block->seed);
}

static bool overlaps(const struct block *a, const struct block *b) {
    return a != b && b->bytes && a->bytes < b->bytes + b->usable &&
           b->bytes < a->bytes + a->usable;
}

// A block came: the library's answer is proved and becomes the place's.
static void arrive(struct block *block, void *answer, size_t size, size_t alignment) {
    PROVE(answer != NULL);
    PROVE(test_aligned(answer, alignment < 16 ? 16 : alignment));
    *block = (struct block){answer, size, malloc_usable_size(answer), alignment, 0};
    PROVE(is_hardened ? block->usable == size : block->usable >= size);
    for (unsigned i = 0; i < PLACES; i++)
        PROVE(!overlaps(block, &blocks[i]));
    live += block->usable;
    paint(block);
}

static void leave(struct block *block) {
    PROVE(is_whole(block));
    PROVE(malloc_usable_size(block->bytes) == block->usable);
    live -= block->usable;
    block->bytes = NULL;
}

// --- the calls -----------------------------------------------------------------------------------

struct call {
    struct block *block;
    size_t        size;
    unsigned      detail;  // of the call: an alignment, a number of elements
};

// One byte for the order of magnitude, up to 4 MiB, two for what stands behind it.
static size_t form_size(const uint8_t *bytes) {
    unsigned shift = bytes[0] % 20;
    return ((size_t)bytes[1] << 8 | bytes[2]) >> 13 << shift | (bytes[2] & ((1u << shift) - 1));
}

static size_t form_alignment(unsigned detail) {
    return (size_t)1 << detail % 22;
}

static void empty(struct block *block) {
    if (!block->bytes)
        return;
    void *bytes = block->bytes;
    leave(block);
    free(bytes);
}

static void do_malloc(const struct call *call) {
    empty(call->block);
    arrive(call->block, malloc(call->size), call->size, 16);
}

static void do_calloc(const struct call *call) {
    size_t count = call->detail % 7 + 1, each = call->size / count;
    empty(call->block);
    unsigned char *answer = calloc(count, each);
    PROVE(answer != NULL && (each == 0 || test_is_byte(answer, count * each, 0)));
    arrive(call->block, answer, count * each, 16);
}

static void do_realloc(const struct call *call) {
    struct block *block = call->block, old = *block;
    if (old.bytes)
        leave(block);
    unsigned char *answer = realloc(old.bytes, call->size);
    if (old.bytes && call->size == 0) {
        PROVE(answer == NULL);
        return;
    }
    size_t kept = edge(old.usable);
    if (kept > call->size)
        kept = call->size;
    PROVE(answer != NULL && (!old.bytes || test_is_filled(answer, kept, old.seed)));
    arrive(block, answer, call->size, 16);
}

static void do_inplace(const struct call *call) {
    struct block *block = call->block, old = *block;
    if (!old.bytes || call->size == 0)
        return;
    bool done = tide_realloc_inplace(old.bytes, call->size);
    size_t usable = malloc_usable_size(old.bytes);
    PROVE(done ? usable >= call->size : usable == old.usable);
    if (!done)
        return;
    size_t kept = edge(old.usable) < call->size ? edge(old.usable) : call->size;
    PROVE(test_is_filled(old.bytes, kept, old.seed));
    live -= old.usable;
    block->bytes = NULL;
    arrive(block, old.bytes, call->size, 16);
}

static void do_aligned(const struct call *call) {
    size_t alignment = form_alignment(call->detail);
    empty(call->block);
    arrive(call->block, memalign(alignment, call->size), call->size, alignment);
}

static void do_posix(const struct call *call) {
    void  *answer = NULL;
    size_t alignment = form_alignment(call->detail);
    empty(call->block);
    int error = posix_memalign(&answer, alignment, call->size);
    if (alignment < sizeof(void *))
        PROVE(error == EINVAL && answer == NULL);
    else
        arrive(call->block, answer, call->size, alignment);
}

static void do_free(const struct call *call) {
    empty(call->block);
}

static void do_sized(const struct call *call) {
    struct block old = *call->block;
    if (!old.bytes)
        return;
    leave(call->block);
    if (old.alignment > 16)
        free_aligned_sized(old.bytes, old.alignment, old.size);
    else
        free_sized(old.bytes, old.size);
}

static void do_rezalloc(const struct call *call) {
    struct block *block = call->block, old = *block;
    if (old.bytes)
        leave(block);
    unsigned char *answer = tide_rezalloc(old.bytes, call->size);
    if (old.bytes && call->size == 0) {
        PROVE(answer == NULL);
        return;
    }
    PROVE(answer != NULL);
    if (call->size > old.usable || !old.bytes) {
        size_t from = old.bytes ? old.usable : 0;
        PROVE(test_is_byte(answer + from, call->size - from, 0));
    }
    arrive(block, answer, call->size, 16);
}

// More than there can be: NULL and ENOMEM, and a block given to realloc stays.
static void do_impossible(const struct call *call) {
    size_t much = (size_t)PTRDIFF_MAX + (call->detail & 1) + (call->size & 0xffff);
    errno = 0;
    PROVE(malloc(test_hide_size(much)) == NULL && errno == ENOMEM);
    errno = 0;
    PROVE(realloc(call->block->bytes, test_hide_size(much)) == NULL && errno == ENOMEM);
    PROVE(calloc(test_hide_size(much / 2), 4) == NULL);
    PROVE(!call->block->bytes || is_whole(call->block));
}

static void *free_elsewhere(void *bytes) {
    free(bytes);
    return malloc(100);
}

// Freed by another thread, which ends; what that one had is freed here.
static void do_thread(const struct call *call) {
    pthread_t thread;
    void     *answer = NULL, *bytes = call->block->bytes;
    if (!bytes || threads++ >= THREADS_MAX)
        return;
    leave(call->block);
    PROVE(pthread_create(&thread, NULL, free_elsewhere, bytes) == 0);
    pthread_join(thread, &answer);
    PROVE(answer != NULL);
    free(answer);
}

static void do_trim(const struct call *call) {
    malloc_trim(call->size);
}

static void (*const calls[])(const struct call *) = {
    do_malloc, do_malloc,  do_malloc, do_free,     do_free,       do_free,   do_calloc,
    do_realloc, do_inplace, do_aligned, do_posix, do_sized, do_rezalloc, do_impossible,
    do_thread, do_trim,
};

// --- the whole -----------------------------------------------------------------------------------

static void visit(const char *name, uint64_t value, const char *unit, void *data) {
    (void)unit;
    if (strcmp(name, "live_bytes") == 0)
        *(uint64_t *)data = value;
}

static uint64_t live_told(void) {
    uint64_t told = 0;
    tide_stats(visit, &told);
    return told;
}

static void prove_figures(void) {
    uint64_t told = live_told(), most = first_live + WAIT_MAX + 2 * live;
    if (!has_bounds) {
        PROVE(told == base_live + live);
        return;
    }
    for (unsigned i = 0; i < PLACES; i++)
        most += blocks[i].bytes ? MORE_MAX : 0;
    PROVE(told >= live && told <= most);
}

static void prove_all(void) {
    for (unsigned i = 0; i < PLACES; i++)
        PROVE(!blocks[i].bytes || is_whole(&blocks[i]));
    prove_figures();
}

static void run(const uint8_t *bytes) {
    struct call call = {&blocks[bytes[1] % PLACES], form_size(bytes + 2), bytes[0] >> 4};
    call.detail = bytes[0] / 16u + bytes[1] / PLACES * 16u;
    if (live + call.size > LIVE_MAX)
        empty(call.block);
    else
        calls[bytes[0] % 16](&call);
}

static bool is_set(const char *name) {
    char value[64];
    PROVE(tide_option_get(name, value, sizeof value) == 0);
    return strcmp(value, "off") != 0;
}

void fuzz_start(void) {
    is_hardened = is_set("hardened");
    has_bounds = is_hardened || is_set("guard");
    // Threads leave names, stacks and arenas behind that are not the input's.
    struct call call = {&blocks[0], 100, 0};
    do_malloc(&call);
    do_thread(&call);
    empty(&blocks[0]);
    first_live = live_told();
}

int fuzz_one(const uint8_t *bytes, size_t count) {
    threads = 0;
    base_live = live_told();
    unsigned calls_made = 0;
    for (; count >= CALL_BYTES && calls_made < CALLS_MAX; count -= CALL_BYTES) {
        run(bytes);
        bytes += CALL_BYTES;
        if (++calls_made % CALLS_BETWEEN_LOOKS == 0)
            prove_all();
    }
    prove_all();
    for (unsigned i = 0; i < PLACES; i++)
        empty(&blocks[i]);
    PROVE(live == 0);
    prove_figures();
    return 0;
}
