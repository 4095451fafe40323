// tests/process/oom_commit.c - what counts as commit (vm.overcommit_memory = 2) stays near what is
// used: address space in reserve is not accounted for. Where the data segment can grow, and where
// something is in its way.
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"

enum { MIB = 1 << 20, THREADS = 8, LIVE = 20 * MIB, BLOCK = 1000, SURPLUS_MAX = 16 * MIB };

static pthread_barrier_t parked;

// Bytes of all mappings that the kernel marks as accounted ("ac"). The file is read whole before
// anything is looked at; nothing here allocates.
static size_t accounted_bytes(void) {
    static char text[1 << 20];
    size_t      length = 0, bytes = 0, kib = 0;
    int         fd = open("/proc/self/smaps", O_RDONLY | O_CLOEXEC);
    ssize_t     got;
    CHECK(fd >= 0);
    while ((got = read(fd, text + length, sizeof text - 1 - length)) > 0)
        length += (size_t)got;
    close(fd);
    CHECK(length < sizeof text - 1);
    for (char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
        (void)sscanf(line, "Size: %zu kB", &kib);
        if (strncmp(line, "VmFlags:", 8) == 0) {
            const char *mark = strstr(line, " ac");
            if (mark != NULL && mark < line + strcspn(line, "\n"))
                bytes += kib << 10;
        }
    }
    return bytes;
}

static void *park(void *arg) {
    free(malloc(100));
    pthread_barrier_wait(&parked);
    pthread_barrier_wait(&parked);
    return arg;
}

static void stop_break(void) {
    uintptr_t place = ((uintptr_t)sbrk(0) + 0xffff) & ~(uintptr_t)0xffff;
    void     *wall = (void *)place;
    CHECK(mmap(wall, 1 << 16, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
               0) == wall);
}

static void work(void) {
    static char   *blocks[LIVE / BLOCK];
    pthread_attr_t attributes;
    pthread_t      threads[THREADS];
    size_t before = accounted_bytes();
    CHECK(before > 0);
    CHECK_LE(before, SURPLUS_MAX);
    CHECK_EQ(pthread_barrier_init(&parked, NULL, THREADS + 1), 0);
    CHECK_EQ(pthread_attr_init(&attributes), 0);
    CHECK_EQ(pthread_attr_setstacksize(&attributes, 64 << 10), 0);
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&threads[i], &attributes, park, NULL), 0);
    pthread_barrier_wait(&parked);
    for (size_t i = 0; i < LIVE / BLOCK; i++)
        CHECK((blocks[i] = malloc(BLOCK)) != NULL);
    size_t after = accounted_bytes();
    printf("accounted: %zu KiB before, %zu KiB with %d MiB live and %d threads\n", before >> 10,
           after >> 10, LIVE / MIB, THREADS);
    CHECK_LE(after, before + LIVE + SURPLUS_MAX);
    for (size_t i = 0; i < LIVE / BLOCK; i++)
        free(blocks[i]);
    pthread_barrier_wait(&parked);
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
}

int main(void) {
    test_watchdog(60);
    test_need_tide();
    for (int walled = 0; walled < 2; walled++) {
        int   status;
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            if (walled)
                stop_break();
            work();
            exit(0);
        }
        CHECK(waitpid(child, &status, 0) == child && status == 0);
    }
    return 0;
}
