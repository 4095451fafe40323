// tests/process/fork_handlers.c - somebody else's fork handlers, older than ours, allocate.
//
// Handlers of prepare run newest first: those registered before the library's run while it holds
// all its locks, and those of parent and child before it has let them go.
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"

enum { FORKS = 20, CHILD_SECONDS = 20 };

static char *kept[3];
static int   runs;

static void use_heap(void) {
    static const size_t sizes[] = {100, 3000, 100 * 1000, 5 * 1000 * 1000};
    for (int i = 0; i < 50; i++)
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
            char *block = malloc(sizes[k] + (size_t)i * 16);
            CHECK(block != NULL);
            block[0] = 1;
            free(block);
        }
    free(kept[runs % 3]);
    kept[runs % 3] = malloc(500);
    CHECK(kept[runs % 3] != NULL);
    runs++;
}

static void register_early(int argc, char **argv, char **env) {
    (void)argc;
    (void)argv;
    (void)env;
    CHECK_EQ(pthread_atfork(use_heap, use_heap, use_heap), 0);
}

__attribute__((section(".preinit_array"),
               used)) static void (*const entry)(int, char **, char **) = register_early;

int main(void) {
    test_watchdog(60);
    test_need_tide();
    for (int i = 0; i < FORKS; i++) {
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            use_heap();
            _exit(0);
        }
        int status = -1;
        CHECK(proc_wait(pid, CHILD_SECONDS, &status));
        CHECK_EQ(status, 0);
    }
    CHECK_EQ(runs, 2 * FORKS);
    return 0;
}
