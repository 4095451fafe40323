// tests/process/refused.c - a whole program under a filter that answers EPERM to an optional system
// call, one after the other, from its first instruction on: it runs to its end, with all contents.
// So do hardened ones, and ones with blocks between guard pages.
//
// What libc itself cannot do without (mmap, mprotect, openat, futex, clone) is refused by
// tests/process/faults.c.
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/refuse.h"
#include "tests/support/test.h"

enum { THREADS = 3, LIVE = 200, STEPS = 4000, GROWTHS = 40, RUN_SECONDS = 60 };

static const struct call {
    const char *name;
    unsigned    number;
} calls[] = {
    {"none", 0xffffff},
    {"madvise", SYS_madvise},
    {"process_madvise", 440},
    {"mremap", SYS_mremap},
    {"mincore", SYS_mincore},
    {"prctl", SYS_prctl},
    {"brk", SYS_brk},
    {"process_vm_readv", SYS_process_vm_readv},
    {"sched_getaffinity", SYS_sched_getaffinity},
    {"getcpu", SYS_getcpu},
    {"close_range", 436},
    {"membarrier", SYS_membarrier},
    {"getrandom", SYS_getrandom},
    {"sysinfo", SYS_sysinfo},
    {"faccessat", SYS_faccessat},
    {"readlinkat", SYS_readlinkat},
    {"ppoll", SYS_ppoll},
    {"gettid", SYS_gettid},
};

// One after the other, too.
static char *const worlds[] = {"TIDE_BACKGROUND=1", "TIDE_HARDENED=1", "TIDE_GUARD=1/50"};
enum { WORLDS = sizeof worlds / sizeof worlds[0] };

// --- the program --------------------------------------------------------------------------------

// From 16 bytes to 4 MiB, large ones seldom.
static size_t some_size(uint64_t *random) {
    unsigned doublings = test_random(random) % 64 == 0 ? 18 : 11;
    return ((size_t)16 << test_random(random) % doublings) + test_random(random) % 16;
}

static void *churn(void *argument) {
    void    *blocks[LIVE] = {NULL};
    size_t   sizes[LIVE];
    uint64_t random = (uintptr_t)argument;
    for (unsigned step = 0; step < STEPS; step++) {
        size_t i = test_random(&random) % LIVE;
        CHECK(blocks[i] == NULL || test_is_filled(blocks[i], sizes[i], i));
        free(blocks[i]);
        sizes[i] = some_size(&random);
        CHECK((blocks[i] = malloc(sizes[i])) != NULL);
        test_fill(blocks[i], sizes[i], i);
    }
    for (size_t i = 0; i < LIVE; i++) {
        CHECK(blocks[i] == NULL || test_is_filled(blocks[i], sizes[i], i));
        free(blocks[i]);
    }
    return NULL;
}

static void work(void) {
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, churn, (void *)(i + 1)), 0);
    for (unsigned i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
}

static void grow(void) {
    size_t bytes = 1000;
    char  *block = malloc(bytes);
    CHECK(block != NULL);
    test_fill(block, bytes, 1);
    for (unsigned i = 0; i < GROWTHS; i++) {
        bytes += bytes / 4;
        CHECK((block = realloc(block, bytes)) != NULL && test_is_filled(block, 1000, 1));
    }
    free(block);
    char *zero = calloc(3, 1 << 20);
    CHECK(zero != NULL && test_is_byte(zero, 3 << 20, 0));
    free(zero);
}

static void program(void) {
    errno = 0;
    work();
    grow();
    malloc_trim(0);
    pid_t child = fork();
    int   status;
    CHECK(child >= 0);
    if (child == 0) {
        work();
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    work();
    malloc_trim(0);
}

// --- the runs -----------------------------------------------------------------------------------

static void run(char *self, const struct call *call, char *world) {
    int   status;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        putenv(world);
        refuse_call(call->number, EPERM);
        execl("/proc/self/exe", self, "program", NULL);
        _exit(TEST_FAILED);
    }
    CHECK(waitpid(child, &status, 0) == child);
    if (status != 0) {
        test_say(call->name);
        test_say(world);
    }
    CHECK_EQ(status, 0);
}

int main(int argc, char **argv) {
    test_watchdog(argc > 1 ? RUN_SECONDS : RUN_SECONDS * 8);
    test_need_tide();
    if (argc > 1) {
        program();
        return 0;
    }
    for (unsigned world = 0; world < WORLDS; world++)
        for (unsigned i = 0; i < sizeof calls / sizeof calls[0]; i++)
            run(argv[0], &calls[i], worlds[world]);
    return 0;
}
