// tests/support/proc.c - /proc read with system calls, children run and waited for.
#include "tests/support/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/test.h"

extern char **environ;

enum { KIB = 1024, READ_BYTES = 8192, ENVIRONMENT_MAX = 512 };

static void read_file(const char *path, char *text, size_t text_bytes) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    size_t  have = 0;
    ssize_t got;
    while (have < text_bytes - 1 && (got = read(fd, text + have, text_bytes - 1 - have)) > 0)
        have += (size_t)got;
    close(fd);
    text[have] = '\0';
}

// The number after "key:" at the start of a line.
static size_t find_figure(const char *text, const char *key) {
    size_t length = strlen(key);
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, length) == 0 && line[length] == ':')
            return strtoul(line + length + 1, NULL, 10);
    }
    test_fail(__FILE__, __LINE__, key);
}

size_t proc_rss(void) {
    char text[READ_BYTES];
    read_file("/proc/self/smaps_rollup", text, sizeof text);
    return find_figure(text, "Rss") * KIB;
}

size_t proc_rss_anonymous(void) {
    char text[READ_BYTES];
    read_file("/proc/self/smaps_rollup", text, sizeof text);
    return find_figure(text, "Anonymous") * KIB;
}

size_t proc_rss_lazy(void) {
    char text[READ_BYTES];
    read_file("/proc/self/smaps_rollup", text, sizeof text);
    return find_figure(text, "LazyFree") * KIB;
}

size_t proc_status_bytes(const char *key) {
    char text[READ_BYTES];
    read_file("/proc/self/status", text, sizeof text);
    return find_figure(text, key) * KIB;
}

size_t proc_thread_count(void) {
    char text[READ_BYTES];
    read_file("/proc/self/status", text, sizeof text);
    return find_figure(text, "Threads");
}

size_t proc_map_count(void) {
    char text[READ_BYTES];
    int  fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    size_t  lines = 0;
    ssize_t got;
    while ((got = read(fd, text, sizeof text)) > 0)
        for (ssize_t i = 0; i < got; i++)
            lines += text[i] == '\n';
    close(fd);
    return lines;
}

const char *proc_self(void) {
    static char path[4096];
    ssize_t     length = readlink("/proc/self/exe", path, sizeof path - 1);
    CHECK(length > 0);
    path[length] = '\0';
    return path;
}

const char *proc_env(const char *name) {
    size_t length = strlen(name);
    for (char **entry = environ; *entry != NULL; entry++)
        if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=')
            return *entry + length + 1;
    return "";
}

int proc_memory_file(void) {
    int fd = memfd_create("caught", MFD_CLOEXEC);
    CHECK(fd >= 0);
    return fd;
}

void proc_read_back(int fd, char *text, size_t text_bytes) {
    size_t  have = 0;
    ssize_t got;
    while (have < text_bytes - 1 &&
           (got = pread(fd, text + have, text_bytes - 1 - have, (off_t)have)) > 0)
        have += (size_t)got;
    text[have] = '\0';
}

static void nap(void) {
    const struct timespec two_ms = {0, 2 * 1000 * 1000};
    nanosleep(&two_ms, NULL);
}

static time_t now_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static bool try_wait(pid_t pid, int *status) {
    pid_t got = waitpid(pid, status, WNOHANG);
    if (got < 0 && errno != EINTR)
        test_fail(__FILE__, __LINE__, "waitpid");
    return got == pid;
}

bool proc_wait(pid_t pid, unsigned seconds, int *status) {
    time_t end = now_seconds() + (time_t)seconds + 1;
    while (!try_wait(pid, status)) {
        if (now_seconds() > end) {
            kill(pid, SIGKILL);
            waitpid(pid, status, 0);
            return false;
        }
        nap();
    }
    return true;
}

unsigned proc_wait_all(const pid_t *pids, unsigned count, unsigned seconds, unsigned *failed) {
    unsigned hung = 0;
    time_t   end = now_seconds() + (time_t)seconds;
    for (unsigned i = 0; i < count; i++) {
        int    status = 0;
        time_t left = end - now_seconds();
        if (!proc_wait(pids[i], left > 0 ? (unsigned)left : 0, &status))
            hung++;
        else if (status != 0)
            ++*failed;
    }
    return hung;
}

void proc_run(const char *const argv[], char *const env[], unsigned seconds,
              struct proc_result *out) {
    int   out_fd = proc_memory_file();
    int   err_fd = proc_memory_file();
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        dup2(out_fd, STDOUT_FILENO);
        dup2(err_fd, STDERR_FILENO);
        execve(argv[0], (char *const *)(uintptr_t)argv, env);
        _exit(127);
    }
    int status = 0;
    memset(out, 0, sizeof *out);
    out->hung = !proc_wait(pid, seconds, &status);
    out->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    out->status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    proc_read_back(out_fd, out->out, sizeof out->out);
    proc_read_back(err_fd, out->err, sizeof out->err);
    out->out_bytes = strlen(out->out);
    close(out_fd);
    close(err_fd);
}

static bool starts_with_one_of(const char *entry, const char *const prefixes[]) {
    for (; *prefixes != NULL; prefixes++)
        if (strncmp(entry, *prefixes, strlen(*prefixes)) == 0)
            return true;
    return false;
}

char **proc_environment(const char *const drop[], const char *const extra[]) {
    static char *list[ENVIRONMENT_MAX];
    size_t       count = 0;
    for (char **entry = environ; *entry != NULL; entry++) {
        if (starts_with_one_of(*entry, drop))
            continue;
        CHECK(count < ENVIRONMENT_MAX - 32);
        list[count++] = *entry;
    }
    for (; *extra != NULL; extra++) {
        CHECK(count < ENVIRONMENT_MAX - 1);
        list[count++] = (char *)(uintptr_t)*extra;
    }
    list[count] = NULL;
    return list;
}
