// os/os_linux_background.c - a thread of our own, and what it waits for.
#include "os/os.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/text.h"
#include "os/os_linux.h"

enum { STACK_BYTES = 64 << 10 };

// --- the thread ----------------------------------------------------------------------------------

static void *run(void *argument) {
    const struct os_thread *thread = argument;
    prctl(PR_SET_NAME, thread->name, 0, 0, 0);
    thread->body();
    return NULL;
}

// A program with much thread-local storage leaves no room on a small stack: then the usual one.
static int create(const struct os_thread *thread, size_t stack_bytes) {
    pthread_attr_t attributes;
    pthread_t      made;
    int            error = pthread_attr_init(&attributes);
    if (error != 0)
        return error;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    if (stack_bytes)
        pthread_attr_setstacksize(&attributes, stack_bytes);
    error = pthread_create(&made, &attributes, run, (void *)(uintptr_t)thread);
    pthread_attr_destroy(&attributes);
    return error;
}

int os_thread_start(const struct os_thread *thread) {
    sigset_t all, before;
    // A new thread inherits the mask; libc keeps its own signals out of it.
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = create(thread, STACK_BYTES);
    if (error == EINVAL)
        error = create(thread, 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

static struct timespec span_of(uint64_t ns) {
    return (struct timespec){.tv_sec = (time_t)(ns / 1000000000u),
                             .tv_nsec = (long)(ns % 1000000000u)};
}

void os_wait_for(uint32_t *word, uint32_t expected, uint64_t ns) {
    struct timespec span = span_of(ns);
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, &span, NULL, 0);
}

// --- memory pressure -----------------------------------------------------------------------------

// Somebody waited for memory for 200 ms within 2 s. Windows of whole 2 s need no privilege.
static const char stall_order[] = "some 200000 2000000";

// Opens a file for `order`, or for reading once: what changes from now on is told.
static int open_watched(const char *path, const char *order) {
    char text[64];
    int  mode = (order ? O_RDWR : O_RDONLY) | O_NONBLOCK | O_CLOEXEC;
    int  fd = (int)syscall(SYS_openat, AT_FDCWD, path, mode, 0);
    if (fd < 0)
        return -1;
    long done = order ? syscall(SYS_write, fd, order, text_length(order) + 1)
                      : syscall(SYS_read, fd, text, sizeof text);
    if (done > 0)
        return fd;
    syscall(SYS_close, fd);
    return -1;
}

static int open_in_group(const char *file, const char *order) {
    char path[OS_GROUP_PATH_MAX];
    return os_group_file(file, path) ? open_watched(path, order) : -1;
}

// The numbers of linux/close_range.h; glibc's call needs a newer glibc than ours.
enum { CLOSE_RANGE_UNSHARED = 2 };

static void take_own_files(void) {
#ifdef SYS_close_range
    syscall(SYS_close_range, 0u, ~0u, CLOSE_RANGE_UNSHARED);
#endif
}

void os_pressure_open(struct os_pressure *pressure) {
    take_own_files();
    pressure->stall = open_in_group("/memory.pressure", stall_order);
    if (pressure->stall < 0)
        pressure->stall = open_watched("/proc/pressure/memory", stall_order);
    pressure->events = open_in_group("/memory.events", NULL);
}

bool os_pressure_is_told(const struct os_pressure *pressure) {
    return pressure->stall >= 0 || pressure->events >= 0;
}

static bool look(int *fd, short seen) {
    if (seen & POLLPRI) {
        char text[64];
        // Only a look at the text makes memory.events tell of the next change.
        syscall(SYS_pread64, *fd, text, sizeof text, (long)0);
        return true;
    }
    if (seen & (POLLERR | POLLNVAL | POLLHUP))
        *fd = -1;
    return false;
}

// Where polling is refused (fewer than two open files allowed, a filter of the program's) time goes
// by all the same: who calls in a loop must not spin.
static void sleep_for(uint64_t ns) {
    uint32_t nobody = 0;
    os_wait_for(&nobody, 0, ns);
}

bool os_pressure_wait(struct os_pressure *pressure, uint64_t ns) {
    struct timespec span = span_of(ns);
    struct pollfd   files[2] = {{pressure->stall, POLLPRI, 0}, {pressure->events, POLLPRI, 0}};
    long            told = syscall(SYS_ppoll, files, 2, &span, NULL, 0);
    if (told < 0 && errno != EINTR)
        sleep_for(ns);
    if (told <= 0)
        return false;
    bool stalled = look(&pressure->stall, files[0].revents);
    return look(&pressure->events, files[1].revents) || stalled;
}
