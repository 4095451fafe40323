// tests/stress/stress.c - threads x sizes x lifetimes, the content of every block verified.
//
// stress [SECONDS [THREADS [SEED [whole]]]], by default 3 seconds and 4 threads; with "whole" large
// blocks are written and verified from end to end, not at their ends only. Each worker keeps blocks
// of its own and exchanges others through shared slots, so that many are freed by another thread
// than made them; workers die and are replaced; one thread trims and one reads statistics
// meanwhile. A block's content is a pattern made of its address, its size and its maker's tag.
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "tests/support/test.h"
// last: renames the malloc family in sanitizer builds
#include "tests/support/names.h"

enum {
    OWN_BLOCKS = 400,  // of each worker
    SHARED_SLOTS = 512,
    THREADS_MAX = 64,
    STEPS_OF_A_LIFE = 30000,
    STEPS_BETWEEN_NAPS = 200,
    LIVE_MAX = 64 << 20,  // bytes in all workers' big blocks together, about
};

// Lies at the start of every block; tiny blocks are checked by their size alone.
struct head {
    size_t   size;
    uint64_t tag;
};

struct block {
    char  *bytes;
    size_t size;
};

struct worker {
    pthread_t    thread;
    uint64_t     random;  // state of the generator, kept over rebirths
    uint64_t     steps;
    uint64_t     births;
    struct block own[OWN_BLOCKS];
};

static struct worker   workers[THREADS_MAX];
static _Atomic(char *) slots[SHARED_SLOTS];  // blocks with a head
static atomic_bool     stop;
static atomic_size_t   big_bytes;  // in blocks above 100 KB, all workers
static unsigned        thread_count = 4;
static bool            whole;

// --- one block ----------------------------------------------------------------------------------

static uint64_t seed_of(const char *bytes, size_t size, uint64_t tag) {
    return (uintptr_t)bytes * 31 + size * 7 + tag;
}

// How much of a block is written and verified: all of it, or of big ones both ends.
static size_t checked_bytes(size_t size) {
    return size < 2048 || whole ? size : 1024;
}

static void paint(char *bytes, size_t size, uint64_t tag) {
    size_t part = checked_bytes(size), at = 0;
    if (size >= sizeof(struct head)) {
        struct head head = {size, tag};
        memcpy(bytes, &head, sizeof head);
        at = sizeof head;
    }
    test_fill(bytes + at, part - at, seed_of(bytes, size, tag));
    if (part < size)
        test_fill(bytes + size - part, part, seed_of(bytes, size, tag) + 1);
}

// `painted_at` is where the block lay when it was painted: realloc moves the content unchanged.
static bool is_intact(const char *bytes, size_t size, const char *painted_at, uint64_t tag) {
    size_t part = checked_bytes(size), at = 0;
    if (size >= sizeof(struct head)) {
        struct head head;
        memcpy(&head, bytes, sizeof head);
        if (head.size != size || head.tag != tag)
            return false;
        at = sizeof head;
    }
    uint64_t seed = seed_of(painted_at, size, tag);
    return test_is_filled(bytes + at, part - at, seed) &&
           (part == size || test_is_filled(bytes + size - part, part, seed + 1));
}

static void count_big(size_t freed, size_t made) {
    enum { BIG = 100 * 1000 };
    if (freed > BIG)
        atomic_fetch_sub(&big_bytes, freed);
    if (made > BIG)
        atomic_fetch_add(&big_bytes, made);
}

// Mostly small, some of a few pages, few large, very few huge.
static size_t random_size(uint64_t *random) {
    uint64_t kind = test_random(random) % 10000;
    size_t   limit = kind < 6000 ? 256 : kind < 9000 ? 4096 : kind < 9900 ? 40 * 1000 : 300 * 1000;
    if (kind >= 9990)
        limit = 6 << 20;
    if (limit > 100 * 1000 && atomic_load(&big_bytes) > LIVE_MAX)
        limit = 1000;
    return (size_t)(test_random(random) % limit) + 1;
}

// Blocks of these sizes are freed with their size, so they may not come from an aligned maker.
static bool may_free_sized(size_t size) {
    return size % 3 == 0;
}

// By any maker of the family; checks what that maker promises.
static char *make(size_t size, uint64_t *random) {
    uint64_t kind = test_random(random) % 16;
    size_t   align = (size_t)16 << test_random(random) % 9;
    void    *block = NULL;
    if (kind < 9) {
        block = malloc(size);
    } else if (kind < 12) {
        block = calloc(1, size);
        CHECK(block != NULL && test_is_byte(block, size, 0));
    } else if (kind == 12 && !may_free_sized(size)) {
        block = aligned_alloc(align, size);
        CHECK(test_aligned(block, align));
    } else if (kind == 13 && !may_free_sized(size)) {
        CHECK_EQ(posix_memalign(&block, align, size), 0);
        CHECK(test_aligned(block, align));
    } else {
        block = realloc(NULL, size);
    }
    CHECK(block != NULL && test_aligned(block, 16));
    CHECK(malloc_usable_size(block) >= size);
    count_big(0, size);
    return block;
}

static void drop(char *bytes, size_t size) {
    count_big(size, 0);
    if (may_free_sized(size))
        free_sized(bytes, size);
    else
        free(bytes);
}

// --- a worker's steps ---------------------------------------------------------------------------

static uint64_t tag_of(const struct worker *worker) {
    return (uint64_t)(worker - workers) + 1;
}

static void replace(struct worker *worker, struct block *block) {
    uint64_t tag = tag_of(worker);
    if (block->bytes != NULL) {
        CHECK(is_intact(block->bytes, block->size, block->bytes, tag));
        drop(block->bytes, block->size);
    }
    block->size = random_size(&worker->random);
    block->bytes = make(block->size, &worker->random);
    paint(block->bytes, block->size, tag);
}

static void resize(struct worker *worker, struct block *block) {
    uint64_t tag = tag_of(worker);
    if (block->bytes == NULL || block->size < sizeof(struct head))
        return;
    size_t size = random_size(&worker->random);
    if (size < block->size)
        size = block->size;  // growing keeps all that was painted
    char     *old = block->bytes;
    uintptr_t old_address = (uintptr_t)old;
    block->bytes = realloc(old, size);
    CHECK(block->bytes != NULL);
    CHECK(is_intact(block->bytes, block->size, test_hide((void *)old_address), tag));
    count_big(block->size, size);
    block->size = size;
    paint(block->bytes, size, tag);
}

// Puts a block into a slot and verifies and frees what another thread left there.
static void hand_over(struct worker *worker) {
    size_t size = random_size(&worker->random) + sizeof(struct head);
    char  *mine = make(size, &worker->random);
    paint(mine, size, tag_of(worker));
    size_t slot = (size_t)(test_random(&worker->random) % SHARED_SLOTS);
    char  *found = atomic_exchange(&slots[slot], mine);
    if (found == NULL)
        return;
    struct head head;
    memcpy(&head, found, sizeof head);
    CHECK(head.tag > 0 && head.tag <= thread_count);
    CHECK(is_intact(found, head.size, found, head.tag));
    drop(found, head.size);
}

static void burst(struct worker *worker) {
    struct block blocks[64];
    size_t       size = random_size(&worker->random) % 2000 + 1;
    for (int i = 0; i < 64; i++) {
        blocks[i] = (struct block){make(size, &worker->random), size};
        paint(blocks[i].bytes, size, tag_of(worker));
    }
    for (int i = 0; i < 64; i++) {
        CHECK(is_intact(blocks[i].bytes, size, blocks[i].bytes, tag_of(worker)));
        drop(blocks[i].bytes, size);
    }
}

static void nap_ms(long ms) {
    const struct timespec time = {0, ms * 1000 * 1000};
    nanosleep(&time, NULL);
}

static void step(struct worker *worker) {
    uint64_t      kind = test_random(&worker->random) % 100;
    struct block *block = &worker->own[test_random(&worker->random) % OWN_BLOCKS];
    if (kind < 55)
        replace(worker, block);
    else if (kind < 70)
        resize(worker, block);
    else if (kind < 98)
        hand_over(worker);
    else
        burst(worker);
    worker->steps++;
}

// One life: the blocks stay when the thread ends, the next thread takes them over.
static void *live(void *arg) {
    struct worker *worker = arg;
    for (int i = 0; i < STEPS_OF_A_LIFE && !atomic_load(&stop); i++) {
        step(worker);
        if (i % STEPS_BETWEEN_NAPS == 0)
            nap_ms(1);  // a trim may take its cache
    }
    return NULL;
}

// --- the threads beside the workers -------------------------------------------------------------

static void *keep_alive(void *arg) {
    struct worker *worker = arg;
    while (!atomic_load(&stop)) {
        CHECK_EQ(pthread_create(&worker->thread, NULL, live, worker), 0);
        CHECK_EQ(pthread_join(worker->thread, NULL), 0);
        worker->births++;
    }
    return NULL;
}

static void *trim(void *arg) {
    while (!atomic_load(&stop)) {
        malloc_trim(0);
        nap_ms(5);
    }
    return arg;
}

static void *read_statistics(void *arg) {
    while (!atomic_load(&stop)) {
        struct mallinfo2 info = mallinfo2();
        // Sums of moments: only that none of them wrapped below zero can be said.
        const size_t most = (size_t)1 << 40;
        CHECK(info.arena < most && info.hblkhd < most && info.fsmblks < most);
        CHECK(info.uordblks < most && info.fordblks < most && info.keepcost < most);
        nap_ms(5);
    }
    return arg;
}

// --- start and end ------------------------------------------------------------------------------

static void free_all(void) {
    for (unsigned i = 0; i < thread_count; i++) {
        for (int j = 0; j < OWN_BLOCKS; j++) {
            struct block *block = &workers[i].own[j];
            if (block->bytes == NULL)
                continue;
            CHECK(is_intact(block->bytes, block->size, block->bytes, i + 1));
            drop(block->bytes, block->size);
        }
    }
    for (int i = 0; i < SHARED_SLOTS; i++)
        free(atomic_exchange(&slots[i], NULL));
}

static unsigned long argument(int argc, char **argv, int index, unsigned long fallback) {
    return argc > index ? strtoul(argv[index], NULL, 0) : fallback;
}

static void run(unsigned seconds) {
    pthread_t keepers[THREADS_MAX], trimmer, reader;
    for (unsigned i = 0; i < thread_count; i++)
        CHECK_EQ(pthread_create(&keepers[i], NULL, keep_alive, &workers[i]), 0);
    CHECK_EQ(pthread_create(&trimmer, NULL, trim, NULL), 0);
    CHECK_EQ(pthread_create(&reader, NULL, read_statistics, NULL), 0);
    for (unsigned i = 0; i < seconds * 10; i++)
        nap_ms(100);
    atomic_store(&stop, true);
    for (unsigned i = 0; i < thread_count; i++)
        CHECK_EQ(pthread_join(keepers[i], NULL), 0);
    CHECK_EQ(pthread_join(trimmer, NULL), 0);
    CHECK_EQ(pthread_join(reader, NULL), 0);
}

int main(int argc, char **argv) {
    unsigned seconds = (unsigned)argument(argc, argv, 1, 3);
    thread_count = (unsigned)argument(argc, argv, 2, 4);
    uint64_t seed = argument(argc, argv, 3, 1);
    whole = argc > 4 && strcmp(argv[4], "whole") == 0;
    CHECK(argc <= 4 || whole);
    CHECK(thread_count > 0 && thread_count <= THREADS_MAX && seconds < 24 * 3600);
    test_need_tide();
    test_watchdog(seconds * 2 + 100);
    for (unsigned i = 0; i < thread_count; i++)
        workers[i].random = seed * 1000 + i;
    run(seconds);
    free_all();
    uint64_t steps = 0, births = 0;
    for (unsigned i = 0; i < thread_count; i++) {
        steps += workers[i].steps;
        births += workers[i].births;
    }
    printf("%llu steps, %llu threads born\n", (unsigned long long)steps,
           (unsigned long long)births);
    CHECK(steps > 0);
    return 0;
}
