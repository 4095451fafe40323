// tests/process/fork_busy.c - fork while threads do nothing but take and free one small block: what
// they hold for some instructions only is met, too, and no child waits for it.
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"

enum { THREADS = 4, CHILDREN = 300, CHILD_SECONDS = 60, ROUNDS = 2000 };

static void *run(void *unused) {
    for (;;)
        free(test_hide(malloc(16)));
    return unused;
}

// On several processors, if there are.
static void child(void) {
    for (unsigned i = 0; i < ROUNDS; i++) {
        free(test_hide(malloc(16)));
        if (i % 100 == 0)
            sched_yield();
    }
    _exit(0);
}

int main(void) {
    pthread_t thread;
    test_watchdog(380);
    test_need_tide();
    for (unsigned i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&thread, NULL, run, NULL), 0);
    for (unsigned i = 0; i < CHILDREN; i++) {
        int   status;
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0)
            child();
        CHECK(proc_wait(pid, CHILD_SECONDS, &status) && status == 0);
    }
    printf("%u children forked, none hung\n", CHILDREN);
    return 0;
}
