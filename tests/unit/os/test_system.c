// unit/os/test_system.c - start, clock, processor, waiting, files, output and thread ends.
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "os/os.h"
#include "tests/support/death.h"
#include "tests/support/test.h"

extern char **environ;

static void test_start(void) {
    os_start();
    os_start();
    CHECK_EQ(os_page_bytes(), sysconf(_SC_PAGESIZE));
    CHECK_EQ(os_is_secure(), getauxval(AT_SECURE) != 0);
    CHECK(os_environ() == environ);
}

// Of the system, and of this process alone. A number that comes again would be one in 2^52.
static void test_random_numbers(void) {
    enum { DRAWS = 64 };
    uint64_t drawn[DRAWS], either = 0, both = UINT64_MAX;
    for (unsigned i = 0; i < DRAWS; i++) {
        drawn[i] = os_random();
        either |= drawn[i];
        both &= drawn[i];
        for (unsigned k = 0; k < i; k++)
            CHECK(drawn[k] != drawn[i]);
    }
    CHECK(either == UINT64_MAX && both == 0);
}

static uint64_t kernel_ns(clockid_t clock) {
    struct timespec now;
    CHECK_EQ(clock_gettime(clock, &now), 0);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void test_clock(void) {
    uint64_t last = 0;
    for (unsigned i = 0; i < 100000; i++) {
        uint64_t before = kernel_ns(CLOCK_MONOTONIC_COARSE), now = os_now_ns();
        CHECK(now >= last && now >= before && now <= kernel_ns(CLOCK_MONOTONIC));
        last = now;
    }
}

static void test_cpu(void) {
    cpu_set_t old, one;
    CHECK_EQ(sched_getaffinity(0, sizeof old, &old), 0);
    unsigned tried = 0;
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &old))
            continue;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        CHECK_EQ(sched_setaffinity(0, sizeof one, &one), 0);
        CHECK_EQ(os_cpu(), cpu);
        tried++;
    }
    CHECK(tried > 0);
    CHECK_EQ(sched_setaffinity(0, sizeof old, &old), 0);
}

// --- waiting
// --------------------------------------------------------------------------------------

static uint32_t word;

static void *wake_later(void *argument) {
    (void)argument;
    __atomic_store_n(&word, 1, __ATOMIC_RELEASE);
    os_wake(&word);
    return NULL;
}

static void test_waiting(void) {
    os_wait(&word, 7);  // another value: returns at once
    for (unsigned i = 0; i < 200; i++) {
        pthread_t thread;
        __atomic_store_n(&word, 0, __ATOMIC_RELAXED);
        CHECK_EQ(pthread_create(&thread, NULL, wake_later, NULL), 0);
        while (__atomic_load_n(&word, __ATOMIC_ACQUIRE) == 0)
            os_wait(&word, 0);
        pthread_join(thread, NULL);
        os_pause();
    }
}

// --- files and output
// -------------------------------------------------------------------------------

static void test_files(void) {
    char path[40], content[3000], copy[4000];
    int  fd = memfd_create("tide test", 0);
    CHECK(fd >= 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    test_fill(content, sizeof content, 1);
    os_write(fd, content, sizeof content);
    memset(copy, 0x5a, sizeof copy);
    CHECK_EQ(os_read_file(path, copy, sizeof copy), sizeof content);
    CHECK(memcmp(content, copy, sizeof content) == 0 && copy[sizeof content] == 0x5a);
    memset(copy, 0x5a, sizeof copy);
    CHECK_EQ(os_read_file(path, copy, 100), 100);
    CHECK(memcmp(content, copy, 100) == 0 && copy[100] == 0x5a);
    close(fd);
    CHECK_EQ(os_read_file(path, copy, sizeof copy), -1);
    CHECK_EQ(os_read_file("/", copy, sizeof copy), -1);
    os_write(-1, "lost", 4);  // gives up in silence
    CHECK(os_read_file("/proc/self/cmdline", copy, sizeof copy) > 0);
}

// More than a pipe holds, to a slow reader that is interrupted: all of it arrives.
static void on_signal(int number) {
    (void)number;
}

static void *read_slowly(void *argument) {
    int    fd = *(int *)argument;
    char   part[1000];
    size_t total = 0;
    for (;;) {
        ssize_t count = read(fd, part, sizeof part);
        if (count <= 0)
            return (void *)total;
        CHECK(test_is_byte(part, (size_t)count, 'p'));
        total += (size_t)count;
        kill(getpid(), SIGUSR1);
    }
}

static void test_output(void) {
    static char      content[300000];
    struct sigaction action = {.sa_handler = on_signal};  // no SA_RESTART
    int              ends[2];
    pthread_t        thread;
    void            *total;
    memset(content, 'p', sizeof content);
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    CHECK_EQ(pipe(ends), 0);
    CHECK_EQ(pthread_create(&thread, NULL, read_slowly, &ends[0]), 0);
    os_write(ends[1], content, sizeof content);
    close(ends[1]);
    pthread_join(thread, &total);
    close(ends[0]);
    CHECK_EQ((size_t)total, sizeof content);
    CHECK(os_resident_bytes() > sizeof content);
}

static void abort_now(void *argument) {
    (void)argument;
    os_abort();
}

static void test_abort(void) {
    struct death death;
    death_run(abort_now, NULL, &death);
    CHECK_EQ(death.signal, SIGABRT);
    CHECK_EQ(death.text[0], 0);
}

// --- threads and fork
// -------------------------------------------------------------------------------

static unsigned  ended[2];
static uintptr_t thread_ids[2];

static void note_end(void *argument) {
    unsigned *mine = argument;
    __atomic_fetch_add(mine, 1, __ATOMIC_RELAXED);
}

static void *armed_thread(void *argument) {
    CHECK_EQ(os_thread_exit_arm(argument), 0);
    CHECK_EQ(os_thread_exit_arm(argument), 0);  // twice is once
    thread_ids[(unsigned *)argument - ended] = os_thread_id();
    return NULL;
}

static void *plain_thread(void *argument) {
    return argument;
}

static void test_thread_ends(void) {
    pthread_t a, b, c;
    CHECK_EQ(os_thread_exit_arm(&ended[0]), EAGAIN);  // no hook yet
    CHECK_EQ(os_thread_exit_hook(note_end), 0);
    CHECK_EQ(pthread_create(&a, NULL, armed_thread, &ended[0]), 0);
    CHECK_EQ(pthread_create(&b, NULL, armed_thread, &ended[1]), 0);
    CHECK_EQ(pthread_create(&c, NULL, plain_thread, NULL), 0);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    pthread_join(c, NULL);
    CHECK_EQ(ended[0], 1);
    CHECK_EQ(ended[1], 1);
    CHECK(os_thread_id() == os_thread_id() && os_thread_id() != thread_ids[0]);
}

static char fork_order[8];
static void note_prepare(void) {
    strcat(fork_order, "p");
}
static void note_parent(void) {
    strcat(fork_order, "P");
}
static void note_child(void) {
    strcat(fork_order, "C");
}

static void test_fork(void) {
    int status;
    CHECK_EQ(os_fork_hooks(note_prepare, note_parent, note_child), 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        _exit(strcmp(fork_order, "pC") == 0 ? 0 : 1);
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(strcmp(fork_order, "pP") == 0);
}

int main(void) {
    test_watchdog(100);
    test_start();
    test_random_numbers();
    test_clock();
    test_cpu();
    test_waiting();
    test_files();
    test_output();
    test_abort();
    test_thread_ends();
    test_fork();
    return 0;
}
