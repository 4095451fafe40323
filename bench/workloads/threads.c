// bench/workloads/threads.c - births and deaths: of threads that allocate a little, of processes.
#include "harness/process.h"
#include "harness/random.h"

#include <errno.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    BLOCKS = 24,         // of one thread
    BLOCK_LEAST = 16,
    BLOCK_MOST = 1024,
    BLOCK_MEAN = 240,    // about
    BIRTH_BYTES = 2048,  // what a thread's birth allocates beside its stack, about
    STORM = 4,           // threads alive at a time
    CHURN_STEPS = 1000,
    STORM_STEPS = 2000,
    STARTUP_STEPS = 300,
    TEXT_MAX = 32,
};

// --- threads -------------------------------------------------------------------------------------

static void *life(void *argument) {
    struct bench_thread random = {.random = {(uint64_t)(uintptr_t)argument, 1}};
    void               *blocks[BLOCKS];
    for (unsigned i = 0; i < BLOCKS; i++) {
        size_t bytes = random_size(&random, BLOCK_LEAST, BLOCK_MOST);
        blocks[i] = touch(malloc(bytes), bytes);
    }
    for (unsigned i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    return NULL;
}

static uint64_t lives(struct bench_thread *thread, unsigned count) {
    pthread_t born[STORM];
    for (unsigned i = 0; i < count; i++) {
        errno = pthread_create(&born[i], NULL, life, (void *)(uintptr_t)random_next(thread));
        if (errno != 0)
            process_fail("pthread_create");
    }
    for (unsigned i = 0; i < count; i++)
        pthread_join(born[i], NULL);
    return count;
}

static uint64_t thread_churn(void *state, struct bench_thread *thread) {
    (void)state;
    return lives(thread, 1);
}

static uint64_t thread_storm(void *state, struct bench_thread *thread) {
    (void)state;
    return lives(thread, STORM);
}

const struct workload workload_thread_churn = {
    .name = "thread_churn",
    .family = "threads",
    .pattern = "A thread for every connection: born, allocates a handful, dies; 1000 of them.",
    .threads = ON_1,
    .quick = ON_1,
    .steps = CHURN_STEPS,
    .churn = (uint64_t)CHURN_STEPS * (BLOCKS * BLOCK_MEAN + BIRTH_BYTES),
    .step = thread_churn,
};

const struct workload workload_thread_storm = {
    .name = "thread_storm",
    .family = "threads",
    .pattern = "A parallel section that starts four threads, and ends them, every time it is met.",
    .threads = ON_1,
    .quick = ON_1,
    .steps = STORM_STEPS,
    .churn = (uint64_t)STORM_STEPS * STORM * (BLOCKS * BLOCK_MEAN + BIRTH_BYTES),
    .step = thread_storm,
};

// --- processes -----------------------------------------------------------------------------------

extern char **environ;

static struct {
    char     program[4096];  // bench_hello, beside this program
    uint64_t cpu_us;         // of all children, before the first
} startup;

static uint64_t children_cpu_us(void) {
    struct rusage usage;
    if (getrusage(RUSAGE_CHILDREN, &usage) != 0)
        process_fail("getrusage");
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000u +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void *startup_setup(unsigned threads) {
    static const char name[] = "bench_hello";
    size_t            room = sizeof(startup.program) - sizeof(name);
    ssize_t           bytes = readlink("/proc/self/exe", startup.program, room);
    (void)threads;
    if (bytes < 0)
        process_fail("/proc/self/exe");
    startup.program[bytes] = '\0';
    strcpy(strrchr(startup.program, '/') + 1, name);
    startup.cpu_us = children_cpu_us();
    return &startup;
}

// The environment is inherited, with it the preloaded allocator.
static pid_t startup_spawn(char *argument, const posix_spawn_file_actions_t *actions) {
    char *words[] = {startup.program, argument, NULL};
    pid_t child;
    errno = posix_spawn(&child, startup.program, actions, NULL, words, environ);
    if (errno != 0)
        process_fail(startup.program);
    return child;
}

static void startup_wait(pid_t child) {
    int status = 0;
    if (waitpid(child, &status, 0) != child || status != 0) {
        errno = ECHILD;
        process_fail(startup.program);
    }
}

static uint64_t startup_step(void *state, struct bench_thread *thread) {
    (void)state, (void)thread;
    startup_wait(startup_spawn(NULL, NULL));
    return 1;
}

// What one more child says of its peak.
static double child_peak_kib(void) {
    char                       text[TEXT_MAX] = "";
    int                        ends[2];
    posix_spawn_file_actions_t actions;
    if (pipe(ends) != 0)
        process_fail("pipe");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    startup_wait(startup_spawn((char[]){"peak"}, &actions));
    posix_spawn_file_actions_destroy(&actions);
    if (read(ends[0], text, sizeof(text) - 1) <= 0)
        process_fail(startup.program);
    close(ends[0]);
    close(ends[1]);
    return strtod(text, NULL);
}

static void startup_counters(void *state, struct counter_sink *sink) {
    (void)state;
    double cpu_us = (double)(children_cpu_us() - startup.cpu_us);
    sink->put(sink, "children_cpu_us", cpu_us);
    sink->put(sink, "child_peak_rss_kib", child_peak_kib());
}

const struct workload workload_startup = {
    .name = "startup",
    .family = "threads",
    .pattern = "A shell script or a build: one small process after the other, 300 of them.",
    .threads = ON_1,
    .quick = ON_1,
    .steps = STARTUP_STEPS,
    .churn = (uint64_t)STARTUP_STEPS * 128,  // each child's own; nothing lasts
    .step = startup_step,
    .setup = startup_setup,
    .counters = startup_counters,
};
