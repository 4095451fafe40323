// tests/misuse/runner/main.c - runs one program of tests/misuse and compares its last words.
//
// misuse_runner SOURCE PROGRAM: the first line of SOURCE is "// expect: LINE", where 0x* stands for
// any address; following lines that start with "//       " go on with it after one blank.
// PROGRAM has to write exactly that line to stderr and die by SIGABRT.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/death.h"

static void run_program(void *path) {
    execl(path, path, (char *)NULL);
    _exit(127);
}

// Reads the line expected from the head of a source; false when it does not say.
static bool read_expected(FILE *source, char *line, size_t line_bytes) {
    static const char mark[] = "// expect: ", more[] = "//       ";
    char              next[256];
    if (fgets(next, sizeof next, source) == NULL || strncmp(next, mark, strlen(mark)) != 0)
        return false;
    next[strcspn(next, "\n")] = '\0';
    snprintf(line, line_bytes, "%s", next + strlen(mark));
    while (fgets(next, sizeof next, source) != NULL && strncmp(next, more, strlen(more)) == 0) {
        next[strcspn(next, "\n")] = '\0';
        size_t length = strlen(line);
        snprintf(line + length, line_bytes - length, " %s", next + strlen(more));
    }
    return true;
}

int main(int argc, char **argv) {
    char  line[1024];
    FILE *source = argc == 3 ? fopen(argv[1], "r") : NULL;
    if (source == NULL) {
        fprintf(stderr, "usage: misuse_runner SOURCE PROGRAM\n");
        return 2;
    }
    bool found = read_expected(source, line, sizeof line);
    fclose(source);
    if (!found) {
        fprintf(stderr, "%s: the first line does not say what to expect\n", argv[1]);
        return 2;
    }
    return death_expect(run_program, argv[2], line) ? 0 : 1;
}
