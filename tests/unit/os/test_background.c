// unit/os/test_background.c - a thread of our own, waiting with an end, and being told of pressure.
//
// The kernel's stall of the processors stands in for that of memory: in a namespace of its own the
// file of one is mounted over that of the other, because short of memory is no state for a test.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "os/os.h"
#include "tests/support/death.h"
#include "tests/support/test.h"

enum { NO_NAMESPACE = 9, HOGS = 64 };

static const uint64_t ms = 1000000;

// --- the thread ----------------------------------------------------------------------------------

static uint32_t ran;
static char     name_seen[17];
static sigset_t blocked;

static void body(void) {
    prctl(PR_GET_NAME, name_seen);
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    __atomic_store_n(&ran, 1, __ATOMIC_RELEASE);
    os_wake(&ran);
    for (;;)
        pause();
}

static void test_thread(void) {
    static const struct os_thread thread = {body, "fifteen letters"};
    sigset_t                      before, after;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    CHECK_EQ(os_thread_start(&thread), 0);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    while (__atomic_load_n(&ran, __ATOMIC_ACQUIRE) == 0)
        os_wait(&ran, 0);
    CHECK(strcmp(name_seen, "fifteen letters") == 0);
    for (int i = 1; i < 32; i++) {
        CHECK(i == SIGKILL || i == SIGSTOP || sigismember(&blocked, i) == 1);
        CHECK_EQ(sigismember(&before, i), sigismember(&after, i));
    }
}

static void test_wait(void) {
    uint32_t word = 7;
    os_wait_for(&word, 8, UINT64_C(3600) * 1000 * ms);  // not what is expected: at once
    uint64_t begin = os_now_ns();
    while (os_now_ns() < begin + 20 * ms)
        os_wait_for(&word, 7, 20 * ms);
}

// --- pressure ------------------------------------------------------------------------------------

static uint64_t exact_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 * ms + (uint64_t)now.tv_nsec;
}

static bool bind_file(const char *from, const char *to) {
    return mount(from, to, NULL, MS_BIND, NULL) == 0;
}

// Nothing of the host's groups is to be seen, and the processors' stall for memory's.
static void enter_namespace(const char *stall) {
    if ((unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", "/sys/fs/cgroup", "tmpfs", 0, NULL) != 0 ||
        !bind_file(stall, "/proc/pressure/memory"))
        _exit(NO_NAMESPACE);
}

UNUSED static void *hog(void *argument) {
    for (;;)
        __asm__ volatile("");
    return argument;
}

UNUSED static void told_of_a_stall(void *argument) {
    struct os_pressure pressure;
    pthread_t          thread;
    (void)argument;
    enter_namespace("/proc/pressure/cpu");
    os_pressure_open(&pressure);
    if (pressure.stall < 0)
        _exit(NO_NAMESPACE);
    for (unsigned i = 0; i < HOGS; i++)
        CHECK_EQ(pthread_create(&thread, NULL, hog, NULL), 0);
    bool told = false;
    for (unsigned i = 0; i < 100 && !told; i++)
        told = os_pressure_wait(&pressure, 200 * ms);
    CHECK(told);
    _exit(0);
}

// Files that are not there, or take no order.
static void nothing_to_be_told(void *argument) {
    struct os_pressure pressure;
    enter_namespace(argument);
    os_pressure_open(&pressure);
    CHECK_EQ(pressure.stall, -1);
    CHECK_EQ(pressure.events, -1);
    uint64_t begin = os_now_ns();
    while (os_now_ns() < begin + 20 * ms)
        CHECK(!os_pressure_wait(&pressure, 20 * ms));
    _exit(0);
}

// The thread's table of files is its own: nothing that was open is, and what it opens nobody sees.
static void files_of_its_own(void *argument) {
    struct os_pressure pressure;
    (void)argument;
    int mine = dup(1);
    CHECK(mine > 0);
    os_pressure_open(&pressure);
    _exit(fcntl(mine, F_GETFD) < 0 ? 0 : NO_NAMESPACE);
}

// A file that broke is given up, and waiting is only sleep from then on.
static void a_broken_file(void *argument) {
    struct os_pressure pressure = {1000, 1001};
    (void)argument;
    CHECK(!os_pressure_wait(&pressure, ms));
    CHECK(pressure.stall == -1 && pressure.events == -1);
    CHECK(!os_pressure_wait(&pressure, ms));
    _exit(0);
}

// A program that allows itself no files (as sandboxes do) refuses polling, not the sleep. The
// library's clock is coarse: it may be a tick behind when it is first read, and then 20 ms pass in
// less than 20 of its own.
static void no_files_allowed(void *argument) {
    struct os_pressure  pressure = {-1, -1};
    const struct rlimit none = {0, 0};
    (void)argument;
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
    uint64_t begin = exact_ns();
    CHECK(!os_pressure_wait(&pressure, 20 * ms));
    CHECK(exact_ns() >= begin + 20 * ms);
    _exit(0);
}

static void try(const char *name, void (*function)(void *), const void *argument) {
    struct death death;
    death_run(function, (void *)(uintptr_t)argument, &death);
    if (death.status == NO_NAMESPACE)
        printf("%s: not to be had here\n", name);
    else if (death.signal || death.status)
        test_fail(__FILE__, __LINE__, death.text[0] ? death.text : name);
    else
        printf("%s: tried\n", name);
}

int main(void) {
    test_watchdog(90);
    os_start();
    test_thread();
    test_wait();
#ifndef __SANITIZE_THREAD__  // which lets a forked child of threads make none
    try("a stall", told_of_a_stall, NULL);
#endif
    try("no kind of file", nothing_to_be_told, "/dev/full");
    try("files of its own", files_of_its_own, NULL);
    try("a broken file", a_broken_file, NULL);
    try("no files allowed", no_files_allowed, NULL);
    return 0;
}
