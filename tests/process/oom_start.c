// tests/process/oom_start.c - programs start and work under address-space limits of 64 MiB to
// 8 GiB.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"

#define MIB ((size_t)1 << 20)

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

// Runs it in a child under the limit, as a shell would after `ulimit -v`; its wait status.
static int run_limited(const char *const argv[], char *const env[], size_t limit_bytes) {
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        const struct rlimit limit = {limit_bytes, limit_bytes};
        CHECK_EQ(setrlimit(RLIMIT_AS, &limit), 0);
        int quiet = open("/dev/null", O_WRONLY);
        CHECK(dup2(quiet, STDOUT_FILENO) >= 0);
        execve(argv[0], (char *const *)(uintptr_t)argv, env);
        _exit(127);
    }
    int status = 0;
    CHECK(proc_wait(pid, 60, &status));
    return status;
}

// What works under the limit on libc's malloc works on ours. Returns false for a program that is
// not there, or too large for the limit by itself.
static bool check_start(const char *const argv[], size_t limit_bytes) {
    static const char *const drop[] = {"LD_PRELOAD=", NULL};
    static const char *const extra[] = {"LD_PRELOAD=" TEST_LIBRARY, NULL};
    bool                     is_self = strcmp(argv[0], proc_self()) == 0;
    if (!is_self && (access(argv[0], X_OK) != 0 ||
                     run_limited(argv, proc_environment(drop, extra + 1), limit_bytes) != 0))
        return false;
    int status = run_limited(argv, proc_environment(drop, is_self ? extra + 1 : extra),
                             limit_bytes);
    if (status != 0)
        fprintf(stderr, "%s under %zu MiB: wait status %d\n", argv[0], limit_bytes / MIB, status);
    CHECK_EQ(status, 0);
    return true;
}

int main(int argc, char **argv) {
    static const size_t limits[] = {64, 128, 200, 1024, 8192};
    (void)argv;
    test_watchdog(120);
    if (argc > 1)
        return work();
    const char *const programs[][6] = {
        {proc_self(), "--limited"},
        {"/bin/ls", "-d", "/"},
        {"/bin/ls", "-lR", "/etc"},
        {"/bin/bash", "-c", "for i in {1..2000}; do a+=(\"$i$i$i\"); done; echo ${#a[@]} | cat"},
        {"/usr/bin/python3", "-I", "-c", "print(sum(len(str(i) * 9) for i in range(30000)))"},
        {"/usr/bin/perl", "-e", "my %h; $h{$_} = \"x$_\" for 1 .. 20000; print scalar keys %h"},
    };
    enum { PROGRAMS = sizeof programs / sizeof *programs, LIMITS = sizeof limits / sizeof *limits };
    for (size_t i = 0; i < PROGRAMS; i++) {
        size_t started = 0;
        for (size_t k = 0; k < LIMITS; k++)
            started += check_start(programs[i], limits[k] * MIB);
        printf("%s: under %zu of %d limits\n", programs[i][0], started, LIMITS);
        CHECK(i >= 3 || started == LIMITS);
    }
    return 0;
}
