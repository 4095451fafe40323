// tests/process/background_events.c - TIDE_BACKGROUND=1 at rest: an event of the cgroup's
// memory.events makes all go that is free, though the budgets would keep it and nobody calls.
//
// Another file of the kernel's that tells of changes stands in for memory.events: in a namespace of
// its own the cgroup.events of a group of this test is the memory.events of the process's. It
// changes when the first process joins the group.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"

enum { MIB = 1 << 20, BLOCKS = 100000, BYTES = 1000, KEEP_ONE_IN = 64, REST_S = 6 };

static void *blocks[BLOCKS];

// --- the program ---------------------------------------------------------------------------------

// Free slots, and hardly a free span.
static void make_holes(void) {
    for (size_t i = 0; i < BLOCKS; i++) {
        CHECK((blocks[i] = malloc(BYTES)) != NULL);
        memset(blocks[i], 1, BYTES);
    }
    for (size_t i = 0; i < BLOCKS; i++)
        if (i % KEEP_ONE_IN != 0)
            free(blocks[i]);
}

static pid_t join(int members) {
    char  text[20];
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        for (;;)
            pause();
    int length = snprintf(text, sizeof text, "%d", (int)child);
    CHECK(write(members, text, (size_t)length) == length);
    return child;
}

static int program(int members) {
    memset(blocks, 1, sizeof blocks);
    size_t base = proc_rss();
    make_holes();
    CHECK_EQ(proc_thread_count(), 2);
    sleep(REST_S);
    size_t before = proc_rss();
    CHECK_LE(base + 60 * MIB, before);
    pid_t member = join(members);
    for (unsigned i = 0; i < 100 && proc_rss() > base + 20 * MIB; i++)
        usleep(100000);
    printf("%zu KiB above base at rest, %zu KiB after the event\n", (before - base) / 1024,
           (proc_rss() - base) / 1024);
    kill(member, SIGKILL);
    CHECK(waitpid(member, NULL, 0) == member);
    CHECK_LE(proc_rss(), base + 20 * MIB);
    return 0;
}

// --- its surroundings ----------------------------------------------------------------------------

static char group[100], place[] = "/tmp/tide-events-XXXXXX";

static void make_group(void) {
    static const char *const roots[] = {"/sys/fs/cgroup/unified", "/sys/fs/cgroup"};
    for (unsigned i = 0; i < 2; i++) {
        snprintf(group, sizeof group, "%s/cgroup.controllers", roots[i]);
        if (access(group, F_OK) != 0)
            continue;
        snprintf(group, sizeof group, "%s/tide-events-%d", roots[i], (int)getpid());
        if (mkdir(group, 0755) == 0)
            return;
    }
    test_skip("no group of version 2 can be made");
}

// The file that tells, where the process's own group has its memory.events.
static bool put_in_place(const char *events) {
    char file[100];
    snprintf(file, sizeof file, "%s/memory.events", place);
    if (mount("none", place, "tmpfs", 0, NULL) != 0)
        return false;
    int fd = open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    return fd >= 0 && close(fd) == 0 && mount(events, file, NULL, MS_BIND, NULL) == 0 &&
           mount(place, "/sys/fs/cgroup", NULL, MS_BIND | MS_REC, NULL) == 0;
}

// What the machine tells of its own memory may come at any time, and is not the test's.
static bool hide_pressure(void) {
    static const char told[] = "/proc/pressure/memory";
    return access(told, F_OK) != 0 || mount("/dev/null", told, NULL, MS_BIND, NULL) == 0;
}

static void enter(char **argv) {
    char path[200], number[20];
    snprintf(path, sizeof path, "%s/cgroup.procs", group);
    int members = open(path, O_WRONLY);
    snprintf(path, sizeof path, "%s/cgroup.events", group);
    if (members < 0 || unshare(CLONE_NEWNS) != 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 || !hide_pressure() ||
        !put_in_place(path))
        test_skip("no mount namespace");
    snprintf(number, sizeof number, "%d", members);
    setenv("TEST_MEMBERS", number, 1);
    setenv("TIDE_BACKGROUND", "1", 1);
    setenv("TIDE_DECAY", "1s", 1);
    setenv("TIDE_PURGE_BUDGET", "256M", 1);
    execv(proc_self(), argv);
    _exit(1);
}

int main(int argc, char **argv) {
    (void)argc;
    test_watchdog(60);
    test_need_tide();
    const char *members = proc_env("TEST_MEMBERS");
    if (members[0] != '\0')
        return program(atoi(members));
    make_group();
    CHECK(mkdtemp(place) != NULL);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        enter(argv);
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    rmdir(place);
    rmdir(group);
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}
