// tests/tools/tide_subject.c - a program with known blocks, for tide to look at.
//
//   tide_subject blocks   small, large, huge blocks, some freed; a heap of tide_heap_new; threads
//   tide_subject arenas   threads that want the same bins until there is a second arena
//
// Then it writes one line of JSON: addresses by what they are, and the library's own statistics
// (by write(2), from static memory: nothing is allocated after they were taken); then it waits for
// the end of its stdin.
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tidemalloc.h"

#ifdef SUBJECT_PRELOADED
#define API(name) ((__typeof__(&(name)))dlsym(RTLD_DEFAULT, #name))
#else
#define API(name) (&(name))
#endif

enum { SMALL = 20000, LARGE = 30, HUGE = 5, THREADS = 3, TEXT = 1 << 14, HAMMERS = 8 };

static char             text[TEXT];
static size_t           length;
static char            *small[SMALL], *large[LARGE], *huge[HUGE];
static pthread_t        threads[HAMMERS];
static pthread_barrier_t ready;
static _Atomic int      enough;

static void add(const char *what, uint64_t value) {
    length += (size_t)snprintf(text + length, TEXT - length, "%s\"%s\": %llu", length ? ", " : "{",
                               what, (unsigned long long)value);
}

static void add_figure(const char *name, uint64_t value, const char *unit, void *data) {
    (void)unit;
    (void)data;
    add(name, value);
}

static void count_arenas(const char *name, uint64_t value, const char *unit, void *data) {
    (void)unit;
    if (strcmp(name, "arenas") == 0)
        *(uint64_t *)data = value;
}

static char *block(size_t bytes) {
    char *memory = malloc(bytes);
    if (!memory)
        exit(1);
    return memset(memory, 1, bytes);
}

static void *park(void *data) {
    char *mine[500], **out = data;
    for (int i = 0; i < 500; i++)
        mine[i] = block(300);
    for (int i = 0; i < 250; i++)
        free(mine[i]);
    *out = (char *)&mine;
    pthread_barrier_wait(&ready);
    pause();
    return mine[0];
}

static void make_blocks(void) {
    static char *stacks[THREADS];
    tide_heap   *heap = API(tide_heap_new)();
    for (int i = 0; i < SMALL; i++)
        small[i] = block(100);
    for (int i = 0; i < SMALL; i += 3)
        free(small[i]);
    for (int i = 0; i < LARGE; i++)
        large[i] = block(200 << 10);
    for (int i = 0; i < LARGE; i += 2)
        free(large[i]);
    for (int i = 0; i < HUGE; i++)
        huge[i] = block(5 << 20);
    for (int i = 0; i < 1000; i++)
        if (!API(tide_heap_malloc)(heap, 1000))
            exit(1);
    free(huge[1]);
    pthread_barrier_init(&ready, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, park, &stacks[i]);
    pthread_barrier_wait(&ready);
    add("at_small", (uintptr_t)small[1]);
    add("at_large", (uintptr_t)large[1]);
    add("at_huge", (uintptr_t)huge[0]);
    add("at_freed", (uintptr_t)huge[1]);
    add("at_stack", (uintptr_t)stacks[0]);
    add("at_program", (uintptr_t)text);
}

static void *hammer(void *data) {
    while (!enough) {
        char *some[64];
        for (int i = 0; i < 64; i++)
            some[i] = block(64);
        for (int i = 0; i < 64; i++)
            free(some[i]);
    }
    return data;
}

// At most 20 s: on some machines nobody ever meets anybody.
static void make_arenas(void) {
    struct timespec pause = {0, 10000000};
    uint64_t        arenas = 0;
    for (int i = 0; i < HAMMERS; i++)
        pthread_create(&threads[i], NULL, hammer, NULL);
    for (int i = 0; i < 2000 && arenas < 2; i++) {
        nanosleep(&pause, NULL);
        API(tide_stats)(count_arenas, &arenas);
    }
    enough = 1;
    for (int i = 0; i < HAMMERS; i++)
        pthread_join(threads[i], NULL);
}

int main(int argc, char **argv) {
    char byte;
    if (argc > 1 && strcmp(argv[1], "arenas") == 0)
        make_arenas();
    else
        make_blocks();
    API(tide_stats)(add_figure, NULL);
    length += (size_t)snprintf(text + length, TEXT - length, "}\n");
    if (write(1, text, length) != (ssize_t)length)
        return 1;
    while (read(0, &byte, 1) > 0) {
    }
    return 0;
}
