// tests/misuse/race/main.c - two threads that free or resize one large or huge block at once: many
// trials in processes of their own, each of which has to end in the line, whoever comes first.
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tidemalloc.h>

#include "tests/support/death.h"
#include "tests/support/test.h"

enum { TRIALS = 60 };

static char      *block;
static size_t     bytes;
static tide_heap *heap;
static unsigned   ready;  // threads

static void meet(void) {
    free(test_hide(malloc(10)));  // a thread that is born already
    __atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&ready, __ATOMIC_SEQ_CST) < 2)
        sched_yield();
}

static void *free_it(void *unused) {
    meet();
    free(block);
    return unused;
}

static void *free_of_heap(void *unused) {
    meet();
    tide_heap_free(heap, block);
    return unused;
}

static void *resize_it(void *unused) {
    meet();
    void *resized = realloc(block, 5 * bytes);
    return resized == NULL ? unused : NULL;
}

static void take_block(void) {
    block = heap ? tide_heap_malloc(heap, bytes) : malloc(bytes);
    CHECK(block != NULL);
    memset(block, 7, bytes);
    // What is behind the block stays, and so does its memory.
    CHECK(test_hide(malloc(bytes)) != NULL);
}

static void race(void *(*one)(void *), void *(*other)(void *)) {
    pthread_t threads[2];
    take_block();
    CHECK_EQ(pthread_create(&threads[0], NULL, one, NULL), 0);
    CHECK_EQ(pthread_create(&threads[1], NULL, other, NULL), 0);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
}

static void both_free(void *unused) {
    (void)unused;
    race(free_it, free_it);
}

static void both_free_of_heap(void *unused) {
    (void)unused;
    heap = tide_heap_new();
    race(free_of_heap, free_of_heap);
}

static void one_resizes(void *unused) {
    (void)unused;
    race(free_it, resize_it);
}

static void both_resize(void *unused) {
    (void)unused;
    race(resize_it, resize_it);
}

static void free_and_free_of_heap(void *unused) {
    (void)unused;
    heap = tide_heap_new();
    race(free_it, free_of_heap);
}

#define FREE_ALREADY "(0x*): memory that is free already"
#define MOVED        "(0x*): pointer not from this allocator"

static const struct kind {
    const char *name;
    void (*run)(void *);
    bool        may_be_quiet;  // resized in place, and freed after that: no mistake is seen
    const char *lines[4];  // any of them
} kinds[] = {
    {"free", both_free, false, {"tidemalloc: free" FREE_ALREADY}},
    {"heap", both_free_of_heap, false, {"tidemalloc: tide_heap_free" FREE_ALREADY}},
    {"mixed", free_and_free_of_heap, false,
     {"tidemalloc: tide_heap_free" FREE_ALREADY, "tidemalloc: free" FREE_ALREADY}},
    {"resize", one_resizes, true,
     {"tidemalloc: realloc" FREE_ALREADY, "tidemalloc: free" FREE_ALREADY,
      "tidemalloc: free" MOVED}},
    {"resizes", both_resize, true, {"tidemalloc: realloc" FREE_ALREADY,
                                    "tidemalloc: realloc" MOVED}},
};

static bool is_right(const struct kind *kind, const struct death *death) {
    if (death->signal == 0 && !death->hung)
        return kind->may_be_quiet && death->status == 0;
    unsigned line = 0;
    while (kind->lines[line + 1] != NULL && !death_matches(death->text, kind->lines[line]))
        line++;
    return death_is_abort(death, kind->lines[line]);
}

int main(int argc, char **argv) {
    static struct death death;
    unsigned            wrong = 0;
    CHECK_EQ(argc, 3);
    bytes = (size_t)atol(argv[2]);
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        for (unsigned trial = 0; strcmp(kinds[i].name, argv[1]) == 0 && trial < TRIALS; trial++) {
            death_run(kinds[i].run, NULL, &death);
            wrong += !is_right(&kinds[i], &death);
        }
    printf("%u of %u trials went wrong\n", wrong, TRIALS);
    return wrong > 0;
}
