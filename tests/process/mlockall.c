// tests/process/mlockall.c - a small program that locks its memory stays at or below 16 MiB, and
// calloc stays clean where locked pages cannot be given back.
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"

enum { MIB = 1 << 20, COUNT = 1000 };

static void *thread_main(void *arg) {
    free(malloc(100));
    return arg;
}

// What is given back counts as zero: of large blocks calloc need not clear it.
static void work(size_t bytes, size_t count) {
    static char *blocks[COUNT];
    void        *end = NULL;  // behind them, so that the data segment does not shrink
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < count; i++) {
            blocks[i] = calloc(1, bytes);
            CHECK(blocks[i] != NULL && test_is_byte(blocks[i], bytes, 0));
            memset(blocks[i], 0xee, bytes);
        }
        end = end ? end : malloc(bytes);
        for (size_t i = 0; i < count; i++)
            free(blocks[i]);
        malloc_trim(0);
    }
    free(end);
}

int main(void) {
    test_watchdog(30);
    test_need_tide();
    if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0) {
        if (errno == EPERM || errno == ENOMEM)
            test_skip("this user may not lock memory (RLIMIT_MEMLOCK)");
        test_fail(__FILE__, __LINE__, "mlockall");
    }
    pthread_attr_t attributes;
    pthread_t      thread;
    CHECK_EQ(pthread_attr_init(&attributes), 0);
    CHECK_EQ(pthread_attr_setstacksize(&attributes, 64 << 10), 0);
    CHECK_EQ(pthread_create(&thread, &attributes, thread_main, NULL), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    printf("hello world\n");
    CHECK_LE(proc_status_bytes("VmHWM"), 16 * MIB);
    work(4000, COUNT);
    work(200 * 1000, 20);
    work(3 * MIB, 2);
    return 0;
}
