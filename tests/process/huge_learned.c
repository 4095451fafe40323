// tests/process/huge_learned.c - the huge threshold has learned, and blocks of many MiB come from
// the arenas: under RLIMIT_AS, and resized when they came before.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/test.h"

enum { MIB = 1 << 20 };

// So much more address space than now.
static void limit_to(size_t more) {
    size_t pages = 0;
    FILE  *file = fopen("/proc/self/statm", "r");
    CHECK(file != NULL && fscanf(file, "%zu", &pages) == 1);
    fclose(file);
    rlim_t bytes = pages * (size_t)sysconf(_SC_PAGESIZE) + more;
    CHECK_EQ(setrlimit(RLIMIT_AS, &(struct rlimit){bytes, bytes}), 0);
}

// Neither what is free nor the rest of the address space is enough for the last one.
static void free_memory_and_the_rest_together(void) {
    limit_to(60 * (size_t)MIB);
    for (int round = 0; round < 3; round++) {
        void *block = test_hide(malloc(30 * MIB));
        CHECK(block != NULL);
        free(block);
    }
    void *larger = test_hide(malloc(45 * MIB));
    CHECK(larger != NULL);
    free(larger);
}

// A huge block is resized where it is, though a new one of its size would come from the arenas.
static void a_mapping_stays_one(void) {
    char *block = test_hide(malloc(20 * MIB)), *other = test_hide(malloc(30 * MIB));
    CHECK(block != NULL && other != NULL);
    memset(block, 1, 20 * MIB);
    free(other);
    char *smaller = realloc(block, 19 * MIB);
    CHECK(smaller == block && smaller[0] == 1 && smaller[19 * MIB - 1] == 1);
    free(smaller);
}

static void in_a_child(void (*part)(void)) {
    int   status;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        part();
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void) {
    test_watchdog(60);
    test_need_tide();
    in_a_child(free_memory_and_the_rest_together);
    in_a_child(a_mapping_stays_one);
    return 0;
}
