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

enum { MIB = 1 << 20, COUNT = 1000, BYTES = 4000 };

static void *thread_main(void *arg) {
    free(malloc(100));
    return arg;
}

static void work(void) {
    static char *blocks[COUNT];
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < COUNT; i++) {
            blocks[i] = calloc(1, BYTES);
            CHECK(blocks[i] != NULL && test_is_byte(blocks[i], BYTES, 0));
            memset(blocks[i], 0xee, BYTES);
        }
        for (size_t i = 0; i < COUNT; i++)
            free(blocks[i]);
        malloc_trim(0);
    }
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
    work();
    return 0;
}
