// tests/process/background_pressure.c - TIDE_BACKGROUND=1 under memory pressure: what the budgets
// would keep for an hour goes within seconds, without a call.
//
// The kernel's stall of the processors stands in for that of memory: in a namespace of its own the
// file of one is mounted over that of the other.
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"

enum { MIB = 1 << 20, BLOCKS = 12000, BYTES = 1000, HOGS = 64 };

static void *blocks[BLOCKS];

static void enter_namespace(const char *stall) {
    if ((unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", "/sys/fs/cgroup", "tmpfs", 0, NULL) != 0 ||
        mount(stall, "/proc/pressure/memory", NULL, MS_BIND, NULL) != 0)
        test_skip("no mount namespace, or no /proc/pressure");
    int  fd = open("/proc/pressure/memory", O_RDWR);
    char order[] = "some 200000 2000000";
    if (fd < 0 || write(fd, order, sizeof order) < 0)
        test_skip("/proc/pressure takes no order");
    close(fd);
}

static void *hog(void *argument) {
    for (;;)
        __asm__ volatile("");
    return argument;
}

static size_t burst(void) {
    memset(blocks, 1, sizeof blocks);
    size_t base = proc_rss();
    for (size_t i = 0; i < BLOCKS; i++) {
        CHECK((blocks[i] = malloc(BYTES)) != NULL);
        memset(blocks[i], 1, BYTES);
    }
    for (size_t i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    return base;
}

int main(int argc, char **argv) {
    (void)argc;
    test_watchdog(60);
    test_need_tide();
    if (proc_env("TIDE_BACKGROUND")[0] == '\0') {
        enter_namespace("/proc/pressure/cpu");
        setenv("TIDE_BACKGROUND", "1", 1);
        setenv("TIDE_DECAY", "1h", 1);
        execv(proc_self(), argv);
        return 1;
    }
    size_t base = burst();
    CHECK_EQ(proc_thread_count(), 2);
    for (unsigned i = 0; i < HOGS; i++) {
        pthread_t thread;
        CHECK_EQ(pthread_create(&thread, NULL, hog, NULL), 0);
    }
    for (unsigned i = 0; i < 300 && proc_rss() > base + 5 * MIB; i++)
        usleep(100000);
    printf("%zu KiB above base\n", (proc_rss() - base) / 1024);
    CHECK_LE(proc_rss(), base + 5 * MIB);
    return 0;
}
