// tests/process/background_idle.c - TIDE_BACKGROUND=1: a process that burst and then does nothing
// at all falls back to its base, by one thread that is named, takes no signal and sleeps when it is
// done; so does its forked child. A small process, and one that did not ask, has no such thread.
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"

enum { MIB = 1 << 20, BLOCKS = 100000 };

static void *blocks[BLOCKS];

static void burst(void) {
    unsigned seed = 1;
    for (size_t i = 0; i < BLOCKS; i++) {
        seed = seed * 1103515245 + 12345;
        size_t bytes = 16 + (seed >> 8) % (seed >> 24 < 128 ? 1000 : 6000);
        CHECK((blocks[i] = malloc(bytes)) != NULL);
        memset(blocks[i], 1, bytes);
    }
    void *huge = malloc(20 * MIB);
    CHECK(huge != NULL);
    memset(huge, 1, 20 * MIB);
    free(huge);
    for (size_t i = 0; i < BLOCKS; i++)
        free(blocks[i]);
}

// Waits, without a call of malloc or free, until the RSS has come down; half a minute at most.
static void expect_ebb(size_t base) {
    size_t rss = proc_rss();
    for (unsigned i = 0; i < 300 && rss > base + 6 * MIB; i++) {
        usleep(100000);
        rss = proc_rss();
    }
    CHECK_LE(rss, base + 6 * MIB);
    printf("%d: %zu KiB above base\n", (int)getpid(), rss > base ? (rss - base) / 1024 : 0);
}

// --- the thread, as /proc shows it ---------------------------------------------------------------

static size_t read_text(const char *path, char *text, size_t bytes) {
    int     fd = open(path, O_RDONLY);
    ssize_t count = fd >= 0 ? read(fd, text, bytes - 1) : 0;
    if (fd >= 0)
        close(fd);
    text[count > 0 ? count : 0] = '\0';
    return (size_t)(count > 0 ? count : 0);
}

// Its id, told by its name; 0 = there is none.
static long find_keeper(void) {
    char           path[64], name[64];
    long           found = 0;
    DIR           *tasks = opendir("/proc/self/task");
    struct dirent *entry;
    CHECK(tasks != NULL);
    while ((entry = readdir(tasks)) != NULL) {
        snprintf(path, sizeof path, "/proc/self/task/%.20s/comm", entry->d_name);
        if (read_text(path, name, sizeof name) > 0 && strcmp(name, "tidemalloc\n") == 0)
            found = atol(entry->d_name);
    }
    closedir(tasks);
    return found;
}

static const char *status_of(long id, const char *key, char *text, size_t bytes) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%ld/status", id);
    CHECK(read_text(path, text, bytes) > 0);
    const char *line = strstr(text, key);
    CHECK(line != NULL);
    return line + strlen(key);
}

static volatile pthread_t handled_by;

static void on_signal(int number) {
    (void)number;
    handled_by = pthread_self();
}

// All signals that can be are blocked (libc keeps two of its own open), so they come to us.
static void expect_no_signals(long id) {
    char               text[4096];
    unsigned long long blocked = strtoull(status_of(id, "SigBlk:", text, sizeof text), NULL, 16);
    unsigned long long never = 1ull << (SIGKILL - 1) | 1ull << (SIGSTOP - 1) | 7ull << 31;
    CHECK_EQ((blocked | never), ~0ull);
    signal(SIGUSR1, on_signal);
    for (unsigned i = 0; i < 100; i++) {
        handled_by = 0;
        kill(getpid(), SIGUSR1);
        CHECK(pthread_equal(handled_by, pthread_self()));
    }
}

// When all is given back nobody wakes it.
static void expect_sleep(long id) {
    char     text[4096];
    unsigned tries = 0;
    long     before, after = -1;
    do {
        before = after;
        sleep(2);
        after = atol(status_of(id, "\nvoluntary_ctxt_switches:", text, sizeof text));
    } while (before != after && tries++ < 10);
    CHECK_EQ(before, after);
}

// --- cases ---------------------------------------------------------------------------------------

static int child_on(void) {
    memset(blocks, 1, sizeof blocks);  // no part of the heap
    size_t base = proc_rss();
    CHECK_EQ(proc_thread_count(), 1);  // nothing yet that is worth a thread
    burst();
    CHECK_EQ(proc_thread_count(), 2);
    expect_ebb(base);
    long id = find_keeper();
    CHECK(id != 0);
    expect_no_signals(id);
    expect_sleep(id);
    return 0;
}

// A daemon: it forks before its burst, and again after it.
static void in_child(bool bursts_before) {
    memset(blocks, 1, sizeof blocks);
    size_t base = proc_rss();
    if (bursts_before)
        burst();
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        CHECK_EQ(proc_thread_count(), 1);
        free(malloc(100));
        CHECK_EQ(proc_thread_count(), 1);  // what it inherited is no burst of its own
        burst();
        CHECK_EQ(proc_thread_count(), 2);
        expect_ebb(base);
        _exit(0);
    }
    int status;
    CHECK(proc_wait(pid, 60, &status));
    CHECK_EQ(status, 0);
}

static int child_fork(void) {
    in_child(false);
    in_child(true);
    return 0;
}

static int child_small(void) {
    for (size_t i = 0; i < 1000; i++)
        free(malloc(i * 10));
    CHECK_EQ(proc_thread_count(), 1);
    return 0;
}

static int child_off(void) {
    burst();
    usleep(300000);
    CHECK_EQ(proc_thread_count(), 1);
    return 0;
}

static const struct mode {
    const char *name, *setting;
    int (*run)(void);
} modes[] = {
    {"on", "TIDE_BACKGROUND=1", child_on},
    {"fork", "TIDE_BACKGROUND=1", child_fork},
    {"small", "TIDE_BACKGROUND=1", child_small},
    {"off", "TIDE_BACKGROUND=0", child_off},
    {"default", NULL, child_off},
};

int main(int argc, char **argv) {
    static struct proc_result result;
    static const char *const  drop[] = {"TIDE_", NULL};
    test_watchdog(150);
    test_need_tide();
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (argc > 1 && strcmp(argv[1], modes[i].name) == 0)
            return modes[i].run();
        if (argc > 1)
            continue;
        const char *extra[] = {modes[i].setting, NULL};
        const char *arguments[] = {proc_self(), modes[i].name, NULL};
        proc_run(arguments, proc_environment(drop, extra), 120, &result);
        printf("%s: %s", modes[i].name, result.out);
        if (result.hung || result.signal || result.status)
            test_fail(__FILE__, __LINE__, result.err);
    }
    return 0;
}
