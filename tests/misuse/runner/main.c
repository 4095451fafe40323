// tests/misuse/runner/main.c - runs one program of tests/misuse and compares its last words.
//
// misuse_runner SOURCE PROGRAM: the first line of SOURCE is "// expect: LINE", where 0x* stands for
// any address; following lines that start with "//       " go on with it after one blank.
// PROGRAM has to write exactly that line to stderr and die by SIGABRT.
// "// report: LINE" instead, and "// events: WHAT, WHAT" below it: that line has to be the first,
// the events have to follow in this order, each "tidemalloc: WHAT by thread N:" with its calls, of
// which the first is PROGRAM's.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/death.h"

static void run_program(void *path) {
    execl(path, path, (char *)NULL);
    _exit(127);
}

struct expected {
    char line[1024];
    char events[256];  // "" = one line and no more
};

// What follows the mark in a line without its end; NULL when it does not start with it.
static const char *after_mark(char *line, const char *mark) {
    line[strcspn(line, "\n")] = '\0';
    return strncmp(line, mark, strlen(mark)) == 0 ? line + strlen(mark) : NULL;
}

// Reads what is expected from the head of a source; false when it does not say.
static bool read_expected(FILE *source, struct expected *expected) {
    char        next[256];
    const char *rest = NULL;
    bool        has_events = false;
    if (fgets(next, sizeof next, source) != NULL) {
        rest = after_mark(next, "// expect: ");
        has_events = rest == NULL;
        if (has_events)
            rest = after_mark(next, "// report: ");
    }
    if (rest == NULL)
        return false;
    snprintf(expected->line, sizeof expected->line, "%s", rest);
    while (fgets(next, sizeof next, source) != NULL &&
           (rest = after_mark(next, "//       ")) != NULL) {
        size_t length = strlen(expected->line);
        snprintf(expected->line + length, sizeof expected->line - length, " %s", rest);
    }
    rest = after_mark(next, "// events: ");
    snprintf(expected->events, sizeof expected->events, "%s", rest != NULL ? rest : "");
    return has_events == (rest != NULL);
}

// The line at *at without its end, copied; *at goes on behind it. False: there is none.
static bool take_line(const char **at, char *line, size_t line_bytes) {
    const char *end = strchr(*at, '\n');
    if (end == NULL)
        return false;
    snprintf(line, line_bytes, "%.*s", (int)(end - *at), *at);
    *at = end + 1;
    return true;
}

// "tidemalloc: WHAT by thread N:", the call #0 of the program, and more calls.
static bool take_event(const char **at, const char *what, const char *program) {
    char        line[512], head[64];
    const char *name = strrchr(program, '/');
    snprintf(head, sizeof head, "tidemalloc: %s by thread ", what);
    if (!take_line(at, line, sizeof line) || strncmp(line, head, strlen(head)) != 0 ||
        strspn(line + strlen(head), "0123456789") != strlen(line + strlen(head)) - 1)
        return false;
    char call[256];
    snprintf(call, sizeof call, "%s+0x", name != NULL ? name : program);
    if (!take_line(at, line, sizeof line) || strstr(line, call) == NULL ||
        strncmp(line, "tidemalloc:   #0 /", 18) != 0)
        return false;
    while (strncmp(*at, "tidemalloc:   #", 15) == 0)
        take_line(at, line, sizeof line);
    return true;
}

static bool is_report(const struct death *death, struct expected *expected, const char *program) {
    const char *at = death->text;
    char        line[512];
    bool        right = !death->hung && death->signal == SIGABRT &&
                 take_line(&at, line, sizeof line) && death_matches(line, expected->line);
    for (char *what = strtok(expected->events, ","); right && what; what = strtok(NULL, ","))
        right = take_event(&at, what + strspn(what, " "), program);
    if (right && *at == '\0')
        return true;
    fprintf(stderr, "expected: %s\nand its events, got signal %d and\n%s", expected->line,
            death->signal, death->text);
    return false;
}

int main(int argc, char **argv) {
    struct expected expected;
    FILE           *source = argc == 3 ? fopen(argv[1], "r") : NULL;
    if (source == NULL) {
        fprintf(stderr, "usage: misuse_runner SOURCE PROGRAM\n");
        return 2;
    }
    bool found = read_expected(source, &expected);
    fclose(source);
    if (!found) {
        fprintf(stderr, "%s: the first line does not say what to expect\n", argv[1]);
        return 2;
    }
    if (expected.events[0] == '\0')
        return death_expect(run_program, argv[2], expected.line) ? 0 : 1;
    static struct death death;
    death_run(run_program, argv[2], &death);
    return is_report(&death, &expected, argv[2]) ? 0 : 1;
}
