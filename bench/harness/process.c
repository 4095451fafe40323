// bench/harness/process.c - the figures of the own process, from the kernel.
#include "harness/process.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { STATUS_BYTES_MAX = 4096 };  // what is sought stands in the first kilobyte

void process_fail(const char *what) {
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
    exit(1);
}

static uint64_t clock_ns(clockid_t clock) {
    struct timespec now;
    if (clock_gettime(clock, &now) != 0)
        process_fail("clock_gettime");
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t timeval_us(struct timeval time) {
    return (uint64_t)time.tv_sec * 1000000u + (uint64_t)time.tv_usec;
}

struct process_moment process_now(void) {
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        process_fail("getrusage");
    return (struct process_moment){
        .wall_ns = clock_ns(CLOCK_MONOTONIC),
        .cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID),
        .user_us = timeval_us(usage.ru_utime),
        .system_us = timeval_us(usage.ru_stime),
        .minor_faults = (uint64_t)usage.ru_minflt,
        .major_faults = (uint64_t)usage.ru_majflt,
        .voluntary_switches = (uint64_t)usage.ru_nvcsw,
        .involuntary_switches = (uint64_t)usage.ru_nivcsw,
    };
}

static uint64_t status_kib(const char *status, const char *name) {
    const char *line = strstr(status, name);
    if (!line) {
        errno = ENODATA;
        process_fail(name);
    }
    return strtoull(line + strlen(name), NULL, 10);
}

struct process_memory process_memory_now(void) {
    char    status[STATUS_BYTES_MAX];
    int     fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t bytes = fd < 0 ? -1 : read(fd, status, sizeof(status) - 1);
    if (bytes < 0)
        process_fail("/proc/self/status");
    close(fd);
    status[bytes] = '\0';
    return (struct process_memory){.rss_kib = status_kib(status, "\nVmRSS:"),
                                   .peak_kib = status_kib(status, "\nVmHWM:")};
}

const char *process_allocator(void) {
    Dl_info info;
    void   *function = dlsym(RTLD_DEFAULT, "malloc");
    if (!function || dladdr(function, &info) == 0 || !info.dli_fname) {
        errno = ENOENT;
        process_fail("the object of malloc");
    }
    return info.dli_fname;
}

void process_pin(unsigned rank) {
    cpu_set_t usable, one;
    if (sched_getaffinity(0, sizeof(usable), &usable) != 0)
        process_fail("sched_getaffinity");
    unsigned left = rank % (unsigned)CPU_COUNT(&usable);
    unsigned cpu = 0;
    while (!CPU_ISSET(cpu, &usable) || left-- > 0)
        cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    if (sched_setaffinity(0, sizeof(one), &one) != 0)
        process_fail("sched_setaffinity");
}
