// support/park.h - threads that work when told to and sleep in the kernel otherwise.
//
// One takes its turn, works, and sleeps again before the caller of park_turn goes on: at each
// figure of RSS at most the caller runs.
#pragma once
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"
#include "tidemalloc.h"

enum { PARK_MIB = 1 << 20, PARK_DEPTH = 8 << 10 };

struct park_thread {
    pthread_t thread;
    sem_t     turn, done;
    int       number;  // of the kernel; written by the thread before its first post
    unsigned  index;
    int       step;                                   // handed to `work`; < 0: end
    void (*work)(struct park_thread *self, int step);  // by the thread
};

// What work will use of the stack counts as stack from the start.
static inline void park_touch_stack(void) {
    volatile char frame[PARK_DEPTH];
    for (size_t i = 0; i < sizeof frame; i += 512)
        frame[i] = 1;
}

static inline void *park_body(void *argument) {
    struct park_thread *self = argument;
    park_touch_stack();
    self->number = (int)syscall(SYS_gettid);
    sem_post(&self->done);
    for (;;) {
        while (sem_wait(&self->turn) != 0)
            ;
        if (self->step < 0)
            return NULL;
        self->work(self, self->step);
        sem_post(&self->done);
    }
}

static inline void park_wait(struct park_thread *one) {
    while (sem_wait(&one->done) != 0)
        ;
}

static inline void park_turn(struct park_thread *one, int step) {
    one->step = step;
    sem_post(&one->turn);
    if (step >= 0)
        park_wait(one);
}

// Does the kernel say that it sleeps? By calls that allocate nothing.
static inline bool park_is_asleep(const struct park_thread *one) {
    char path[64], text[256];
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", one->number);
    int file = open(path, O_RDONLY);
    CHECK(file >= 0);
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    CHECK(length > 0);
    text[length] = '\0';
    const char *state = strrchr(text, ')');
    return state != NULL && state[1] == ' ' && state[2] == 'S';
}

// Waits for all of them between their post and their sleep, however long they wait for a processor.
static inline void park_all_asleep(struct park_thread *threads, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        while (!park_is_asleep(&threads[i]))
            usleep(1000);
}

static inline void park_start(struct park_thread *threads, unsigned count,
                              void (*work)(struct park_thread *self, int step)) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    CHECK_EQ(pthread_attr_setstacksize(&attributes, 128 << 10), 0);
    for (unsigned i = 0; i < count; i++) {
        threads[i].index = i;
        threads[i].work = work;
        sem_init(&threads[i].turn, 0, 0);
        sem_init(&threads[i].done, 0, 0);
        CHECK_EQ(pthread_create(&threads[i].thread, &attributes, park_body, &threads[i]), 0);
        park_wait(&threads[i]);
    }
    park_all_asleep(threads, count);
}

static inline void park_end(struct park_thread *threads, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        park_turn(&threads[i], -1);
    for (unsigned i = 0; i < count; i++)
        pthread_join(threads[i].thread, NULL);
}

// From 16 bytes to 64 KiB, each doubling as likely as any other.
static inline size_t park_size(uint64_t *random) {
    size_t size = (size_t)16 << test_random(random) % 12;
    return size + test_random(random) % size;
}

// Work for a thread whose cache is to keep what it may: the same sizes again and again. One at a
// time.
enum { PARK_ROUNDS = 20, PARK_BLOCKS = 2000 };
static inline void park_warm(struct park_thread *self, int step) {
    static void *blocks[PARK_BLOCKS];
    (void)self, (void)step;
    for (unsigned round = 0; round < PARK_ROUNDS; round++) {
        for (size_t i = 0; i < PARK_BLOCKS; i++) {
            size_t bytes = 1000 + i % 30 * 100;
            CHECK((blocks[i] = malloc(bytes)) != NULL);
            memset(blocks[i], 1, bytes);
        }
        for (size_t i = 0; i < PARK_BLOCKS; i++)
            free(blocks[i]);
    }
}

struct park_wanted {
    const char *name;
    uint64_t    value;
};
static inline void park_look(const char *name, uint64_t value, const char *unit, void *data) {
    struct park_wanted *wanted = data;
    (void)unit;
    if (strcmp(name, wanted->name) == 0)
        wanted->value = value;
}
// One figure of tide_stats.
static inline uint64_t park_figure(const char *name) {
    struct park_wanted wanted = {name, UINT64_MAX};
    tide_stats(park_look, &wanted);
    CHECK(wanted.value != UINT64_MAX);
    return wanted.value;
}
