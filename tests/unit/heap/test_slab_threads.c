// unit/heap/test_slab_threads.c - real threads return slots while one merges: each comes back once.
#include <pthread.h>
#include <sched.h>

#include "heap/slab.h"
#include "os/os.h"
#include "tests/unit/cases.h"

enum { RETURNERS = 3, ROUNDS = 1000 };

static struct span       span = {.granules = 1};
static struct slab      *slab;
static struct handback   news;
static pthread_barrier_t barrier;
static void             *slots[SLAB_SLOTS_MAX];

// What each returner gives back in this round: slots r, r + RETURNERS, ... in groups of a word.
static void return_word(uint32_t word, uint64_t bits) {
    slab_return_begin(slab);
    CHECK_EQ(slab_return_bits(slab, word, bits), 0);
    if (slab_return_end(slab))
        handback_push(&news, &slab->hand);
}

static uint64_t word_share(uint32_t word, unsigned returner) {
    uint64_t bits = 0;
    for (uint32_t i = 0; i < BITMAP_WORD_BITS; i++) {
        uint32_t slot = word * BITMAP_WORD_BITS + i;
        if (slot < slab->slot_count && (slot * 2654435761u >> 8) % RETURNERS == returner)
            bits |= (uint64_t)1 << i;
    }
    return bits;
}

static void return_share(unsigned returner, uint64_t *seed) {
    for (uint32_t word = 0; word < slab->word_count; word++) {
        uint64_t bits = word_share(word, returner);
        while (bits) {
            uint64_t part = test_random(seed) % 3 ? bits & test_random(seed) : bits;
            if (!part)
                continue;
            return_word(word, part);
            bits &= ~part;
        }
    }
}

static void *run_returner(void *argument) {
    unsigned returner = (unsigned)(uintptr_t)argument;
    uint64_t seed = returner + 1;
    for (unsigned round = 0; round < ROUNDS; round++) {
        pthread_barrier_wait(&barrier);
        return_share(returner, &seed);
        pthread_barrier_wait(&barrier);
    }
    return NULL;
}

// Merges what is announced until nothing is missing; how many slots came back.
static uint32_t merge_until_idle(void) {
    uint32_t count = 0;
    while (!slab_is_idle(slab)) {
        struct handback_node *node = handback_next(&news);
        if (!node) {
            sched_yield();
            continue;
        }
        CHECK(node == &slab->hand);
        count += slab_merge(slab);
        CHECK_EQ(slab->free_count, count);
    }
    return count;
}

static void every_slot_comes_back_once(void) {
    pthread_t threads[RETURNERS];
    os_start();
    slab = slab_new(&span, NULL, size_class_of(16));
    CHECK(slab != NULL);
    handback_init(&news);
    pthread_barrier_init(&barrier, NULL, RETURNERS + 1);
    for (uintptr_t i = 0; i < RETURNERS; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, run_returner, (void *)i), 0);
    for (unsigned round = 0; round < ROUNDS; round++) {
        CHECK_EQ(slab_take(slab, slots, SLAB_SLOTS_MAX), SLAB_SLOTS_MAX);
        pthread_barrier_wait(&barrier);
        CHECK_EQ(merge_until_idle(), SLAB_SLOTS_MAX);
        // Idle means that everybody is done with the slab: nothing may come after it.
        CHECK(!handback_has_news(&news));
        pthread_barrier_wait(&barrier);
        CHECK(!handback_has_news(&news) && slab_is_idle(slab));
        slab_check(slab);
    }
    for (unsigned i = 0; i < RETURNERS; i++)
        pthread_join(threads[i], NULL);
}

int main(void) {
    CASE(every_slot_comes_back_once);
    return 0;
}
