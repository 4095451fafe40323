// tests/process/arenas_allowed.c - a process that may use one processor when it starts has one
// arena, however its threads contend: by its affinity, or ("quota") by its cgroup's CPU quota.
//
// The program starts itself where one processor is allowed, and then allows itself all of them, so
// that its threads really meet. Without the limit a second arena is made soon.
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"
#include "tidemalloc.h"

enum { THREADS = 4, ROUNDS = 300, BLOCKS = 400 };

static uint64_t arenas, contended;

static void look(const char *name, uint64_t value, const char *unit, void *data) {
    (void)unit;
    (void)data;
    if (strcmp(name, "arenas") == 0)
        arenas = value;
    else if (strcmp(name, "contended") == 0)
        contended = value;
}

// Large blocks: each takes a lock of its arena.
static void *contend(void *argument) {
    static const size_t bytes = 70000;
    void               *blocks[BLOCKS];
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < BLOCKS; i++)
            CHECK((blocks[i] = malloc(bytes)) != NULL);
        for (unsigned i = 0; i < BLOCKS; i++)
            free(blocks[i]);
    }
    return argument;
}

static void program(const cpu_set_t *all) {
    pthread_t threads[THREADS];
    CHECK_EQ(sched_setaffinity(0, sizeof *all, all), 0);
    for (unsigned i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, contend, NULL), 0);
    for (unsigned i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
    tide_stats(look, NULL);
    printf("%lu arenas, %lu times a lock was found taken\n", arenas, contended);
    CHECK_EQ(arenas, 1);
}

// --- the surroundings ---------------------------------------------------------------------------

static void allow_one_processor(const cpu_set_t *all) {
    cpu_set_t one;
    unsigned  first = 0;
    while (!CPU_ISSET(first, all))
        first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    CHECK_EQ(sched_setaffinity(0, sizeof one, &one), 0);
}

static char group[100];

// Of files that the kernel made: the place may be no group at all.
static bool write_to(const char *file, const char *text) {
    char path[200];
    snprintf(path, sizeof path, "%s/%s", group, file);
    FILE *stream = fopen(path, "r+");
    bool  done = stream && fputs(text, stream) >= 0;
    return stream && fclose(stream) == 0 && done;
}

static void leave_group(void) {
    rmdir(group);
}

// A group of its own with as much time as one processor has; v2, else v1.
static void make_group(void) {
    static const char *const roots[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/cpu"};
    for (unsigned i = 0; i < 2; i++) {
        snprintf(group, sizeof group, "%s/tide-test-%d", roots[i], (int)getpid());
        if (mkdir(group, 0700) != 0)
            continue;
        atexit(leave_group);
        if (write_to("cpu.max", "100000 100000") ||
            (write_to("cpu.cfs_period_us", "100000") && write_to("cpu.cfs_quota_us", "100000")))
            return;
        leave_group();
    }
    test_skip("no cgroup with a CPU quota can be made here");
}

static void start(char *self, bool by_quota, const cpu_set_t *all) {
    char number[20];
    if (by_quota) {
        snprintf(number, sizeof number, "%d", (int)getpid());
        CHECK(write_to("cgroup.procs", number));
    } else {
        allow_one_processor(all);
    }
    execl("/proc/self/exe", self, "program", NULL);
    _exit(TEST_FAILED);
}

int main(int argc, char **argv) {
    cpu_set_t all;
    int       status;
    bool      by_quota = argc > 1 && strcmp(argv[1], "quota") == 0;
    test_watchdog(120);
    test_need_tide();
    CHECK_EQ(sched_getaffinity(0, sizeof all, &all), 0);
    if (argc > 1 && !by_quota) {
        memset(&all, 0xff, sizeof all);
        program(&all);
        return 0;
    }
    if (CPU_COUNT(&all) < 2)
        test_skip("one processor only");
    if (by_quota)
        make_group();
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0)
        start(argv[0], by_quota, &all);
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK_EQ(status, 0);
    return 0;
}
