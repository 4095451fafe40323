// tests/process/oom_start.c - programs start and work under address-space limits of 64 MiB and up.
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"

enum { MIB = 1 << 20 };

static int work(void) {
    test_need_tide();
    for (size_t size = 1; size <= 4 * MIB; size *= 2) {
        char *block = malloc(size);
        CHECK(block != NULL);
        block[size - 1] = 1;
        free(block);
    }
    return 0;
}

// Runs it in a child under the limit; the shell sets it as a user would.
static void check_start(const char *const argv[], char *const env[], size_t limit_bytes) {
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        const struct rlimit limit = {limit_bytes, limit_bytes};
        CHECK_EQ(setrlimit(RLIMIT_AS, &limit), 0);
        execve(argv[0], (char *const *)(uintptr_t)argv, env);
        _exit(127);
    }
    int status = 0;
    CHECK(proc_wait(pid, 20, &status));
    if (status != 0)
        fprintf(stderr, "%s under %zu MiB: wait status %d\n", argv[0], limit_bytes / MIB, status);
    CHECK_EQ(status, 0);
}

int main(int argc, char **argv) {
    static const size_t      limits[] = {64 * MIB, 128 * MIB, 1024 * MIB};
    static const char *const drop[] = {"LD_PRELOAD=", NULL};
    static const char *const extra[] = {"LD_PRELOAD=" TEST_LIBRARY, NULL};
    test_watchdog(60);
    if (argc > 1)
        return work();
    const char *const ls[] = {"/bin/ls", "-d", "/", NULL};
    const char *const self[] = {argv[0], "--limited", NULL};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        check_start(self, proc_environment(drop, extra + 1), limits[i]);
        check_start(ls, proc_environment(drop, extra), limits[i]);
    }
    return 0;
}
