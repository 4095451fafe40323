// bench/workloads/generation.c - work done by a thread that is born for it and dies after it.
#include "workloads/generation.h"

#include "workloads/checked.h"

enum { STACK_BYTES = 256 << 10 };

void generation_run(void *(*work)(void *), void *argument) {
    pthread_attr_t attributes;
    pthread_t      thread;
    pthread_attr_init(&attributes);
    if (pthread_attr_setstacksize(&attributes, STACK_BYTES))
        workload_fail("no thread with a stack of 256 KiB", NULL);
    if (pthread_create(&thread, &attributes, work, argument))
        workload_fail("no thread", NULL);
    pthread_attr_destroy(&attributes);
    pthread_join(thread, NULL);
}
