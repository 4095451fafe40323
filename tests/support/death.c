// tests/support/death.c - deliberate mistakes in a child, and the comparison of lines.
#include "tests/support/death.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"

enum { DEATH_SECONDS = 10 };

static void death_child(void (*function)(void *), void *arg, int fd) {
    const struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    dup2(fd, STDERR_FILENO);
    function(arg);
    _exit(0);
}

void death_run(void (*function)(void *), void *arg, struct death *out) {
    int   fd = proc_memory_file();
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0)
        death_child(function, arg, fd);

    int wait_status = 0;
    memset(out, 0, sizeof *out);
    out->hung = !proc_wait(pid, DEATH_SECONDS, &wait_status);
    if (WIFSIGNALED(wait_status))
        out->signal = WTERMSIG(wait_status);
    else
        out->status = WEXITSTATUS(wait_status);
    proc_read_back(fd, out->text, sizeof out->text);
    close(fd);
}

static bool is_hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

// Skips a hexadecimal number with its 0x; NULL when there is none.
static const char *skip_address(const char *text) {
    if (text[0] != '0' || text[1] != 'x' || !is_hex(text[2]))
        return NULL;
    text += 2;
    while (is_hex(*text))
        text++;
    return text;
}

// Nothing more but the line's end; under user-mode emulation the emulator adds a line of its own.
static bool is_end(const char *text) {
    static const char emulator[] = "qemu: uncaught target signal";
    if (*text == '\n')
        text++;
    return *text == '\0' || strncmp(text, emulator, sizeof emulator - 1) == 0;
}

bool death_matches(const char *text, const char *pattern) {
    while (*pattern != '\0' && *pattern != '\n') {
        if (strncmp(pattern, "0x*", 3) == 0) {
            text = skip_address(text);
            if (text == NULL)
                return false;
            pattern += 3;
        } else if (*text++ != *pattern++) {
            return false;
        }
    }
    return is_end(text);
}

bool death_is_abort(const struct death *death, const char *pattern) {
    if (!death->hung && death->signal == SIGABRT && death_matches(death->text, pattern))
        return true;
    fprintf(stderr, "expected SIGABRT and: %s\n", pattern);
    fprintf(stderr, "got %s, signal %d, status %d and: %s\n", death->hung ? "a hang" : "an end",
            death->signal, death->status, death->text);
    return false;
}

bool death_expect(void (*function)(void *), void *arg, const char *pattern) {
    struct death death;
    death_run(function, arg, &death);
    return death_is_abort(&death, pattern);
}
