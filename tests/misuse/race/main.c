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

#define FREE_ALREADY "(0x*): memory that is free already"
#define MOVED        "(0x*): pointer not from this allocator"

static const struct kind {
    const char *name;
    bool        in_heap;
    void *(*one)(void *), *(*other)(void *);
    bool        may_be_quiet;  // resized in place, and freed after that: no mistake is seen
    const char *lines[4];  // any of them
} kinds[] = {
    {"free", false, free_it, free_it, false, {"tidemalloc: free" FREE_ALREADY}},
    {"heap", true, free_of_heap, free_of_heap, false, {"tidemalloc: tide_heap_free" FREE_ALREADY}},
    {"mixed", true, free_it, free_of_heap, false,
     {"tidemalloc: tide_heap_free" FREE_ALREADY, "tidemalloc: free" FREE_ALREADY}},
    {"resize", false, free_it, resize_it, true,
     {"tidemalloc: realloc" FREE_ALREADY, "tidemalloc: free" FREE_ALREADY,
      "tidemalloc: free" MOVED}},
    {"resizes", false, resize_it, resize_it, true,
     {"tidemalloc: realloc" FREE_ALREADY, "tidemalloc: realloc" MOVED}},
};

static void race(void *argument) {
    const struct kind *kind = argument;
    pthread_t          threads[2];
    heap = kind->in_heap ? tide_heap_new() : NULL;
    take_block();
    CHECK_EQ(pthread_create(&threads[0], NULL, kind->one, NULL), 0);
    CHECK_EQ(pthread_create(&threads[1], NULL, kind->other, NULL), 0);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
}

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
            death_run(race, (void *)(uintptr_t)&kinds[i], &death);
            wrong += !is_right(&kinds[i], &death);
        }
    printf("%u of %u trials went wrong\n", wrong, TRIALS);
    return wrong > 0;
}
