// bench/fork/fork.c - what fork costs a process of many threads: the median time of fork in the
// parent, and from there to the child's first block and its end.
//
// bench_fork [THREADS [MIB [FORKS]]]: 1000 threads that have worked and are parked, 200 MiB of live
// blocks, 101 forks. One line: both medians in microseconds.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK_BYTES = 1000, WORK = 200, STACK_BYTES = 64 << 10, FORKS_MOST = 10000 };

static pthread_barrier_t parked;

static void *work_and_park(void *unused) {
    char *blocks[WORK];
    for (int i = 0; i < WORK; i++) {
        blocks[i] = malloc(16 + (size_t)i * 7);
        blocks[i][0] = 1;
    }
    for (int i = 0; i < WORK; i++)
        free(blocks[i]);
    pthread_barrier_wait(&parked);
    for (;;)
        pause();
    return unused;
}

static int start_threads(long count) {
    pthread_attr_t attributes;
    pthread_t      thread;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_barrier_init(&parked, NULL, (unsigned)count + 1);
    for (long i = 0; i < count; i++)
        if (pthread_create(&thread, &attributes, work_and_park, NULL) != 0)
            return 1;
    pthread_barrier_wait(&parked);
    return 0;
}

static int keep(long mib) {
    for (long i = 0; i < (mib << 20) / BLOCK_BYTES; i++) {
        char *block = malloc(BLOCK_BYTES);
        if (!block)
            return 1;
        memset(block, 1, BLOCK_BYTES);
    }
    return 0;
}

static double now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int compare(const void *one, const void *other) {
    double difference = *(const double *)one - *(const double *)other;
    return (difference > 0) - (difference < 0);
}

static double median(double *values, long count) {
    qsort(values, (size_t)count, sizeof *values, compare);
    return values[count / 2];
}

int main(int argc, char **argv) {
    static double in_fork[FORKS_MOST], in_all[FORKS_MOST];
    long          threads = argc > 1 ? atol(argv[1]) : 1000, mib = argc > 2 ? atol(argv[2]) : 200;
    long          forks = argc > 3 ? atol(argv[3]) : 101;
    if (threads < 0 || forks < 1 || forks > FORKS_MOST || keep(mib) || start_threads(threads)) {
        fprintf(stderr, "bench_fork: no memory, no threads, or arguments out of range\n");
        return 1;
    }
    for (long i = 0; i < forks; i++) {
        double start = now_us();
        pid_t  child = fork();
        if (child == 0) {
            char *block = malloc(BLOCK_BYTES);
            _exit(block ? 0 : 1);
        }
        in_fork[i] = now_us() - start;
        if (child < 0 || waitpid(child, NULL, 0) != child)
            return 1;
        in_all[i] = now_us() - start;
    }
    printf("fork %.0f us, to the child's end %.0f us\n", median(in_fork, forks),
           median(in_all, forks));
    return 0;
}
