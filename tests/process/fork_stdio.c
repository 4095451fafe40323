// tests/process/fork_stdio.c - fork while other threads flush streams that allocate as they write.
//
// fork takes stdio's locks after it ran the allocator's prepare handler; a flush holds them while
// it calls malloc. An allocator that lets malloc wait for the fork deadlocks here.
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"

enum { FORKS = 150, CHILD_SECONDS = 20 };

static atomic_bool stop;

// A stream's write function runs under the lock of the list of all streams when fflush(NULL)
// calls it, and under the stream's own lock always.
static ssize_t allocating_write(void *cookie, const char *bytes, size_t count) {
    uint64_t *random = cookie;
    (void)bytes;
    char *blocks[40];
    for (int i = 0; i < 40; i++) {
        size_t size = (size_t)(test_random(random) % (i % 8 ? 3000 : 90000)) + 1;
        blocks[i] = malloc(size);
        CHECK(blocks[i] != NULL);
        blocks[i][size - 1] = 1;
    }
    for (int i = 0; i < 40; i++)
        free(blocks[i]);
    return (ssize_t)count;
}

static FILE *open_allocating(uint64_t *random) {
    const cookie_io_functions_t functions = {.write = allocating_write};
    FILE                       *stream = fopencookie(random, "w", functions);
    CHECK(stream != NULL);
    return stream;
}

static void *flush_all(void *arg) {
    (void)arg;
    static uint64_t random = 1;
    FILE           *stream = open_allocating(&random);
    while (!atomic_load(&stop)) {
        fputs("some text\n", stream);
        fflush(NULL);
    }
    fclose(stream);
    return NULL;
}

// Opening and closing changes the list of streams; memory streams reallocate under their lock.
static void *open_and_close(void *arg) {
    (void)arg;
    while (!atomic_load(&stop)) {
        char  *text = NULL;
        size_t text_bytes = 0;
        FILE  *memory = open_memstream(&text, &text_bytes);
        CHECK(memory != NULL);
        for (int i = 0; i < 300; i++)
            fprintf(memory, "line %d of the stream in memory\n", i);
        fclose(memory);
        free(text);
        FILE *file = fopen("/dev/null", "w");
        CHECK(file != NULL);
        fputs("x", file);
        fclose(file);
    }
    return NULL;
}

static void child(void) {
    char *block = malloc(100);
    CHECK(block != NULL);
    FILE *file = fopen("/dev/null", "w");
    CHECK(file != NULL);
    fprintf(file, "%p\n", (void *)block);
    fclose(file);
    free(block);
    _exit(0);
}

int main(void) {
    test_watchdog(60);
    test_need_tide();
    pthread_t threads[2];
    CHECK_EQ(pthread_create(&threads[0], NULL, flush_all, NULL), 0);
    CHECK_EQ(pthread_create(&threads[1], NULL, open_and_close, NULL), 0);
    for (int i = 0; i < FORKS; i++) {
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0)
            child();
        int status = 0;
        CHECK(proc_wait(pid, CHILD_SECONDS, &status));
        CHECK_EQ(status, 0);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < 2; i++)
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
    return 0;
}
