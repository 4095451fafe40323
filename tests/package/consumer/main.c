// tests/package/consumer/main.c - a stranger's program: is its malloc tidemalloc?
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <tidemalloc.h>
#include <unistd.h>

// Names that the library has inside: an archive that does not hide its own would clash.
int span_split(void);
int span_split(void) {
    return 1;
}
int lock_acquire(void);
int lock_acquire(void) {
    return 1;
}

static int fail(const char *what) {
    fprintf(stderr, "consumer: %s\n", what);
    return 1;
}

int main(void) {
    int expected =
        TIDE_VERSION_MAJOR * 10000 + TIDE_VERSION_MINOR * 100 + TIDE_VERSION_PATCH;
    if (tide_version() != expected || span_split() + lock_acquire() != 2)
        return fail("the library is of another version than the header");
    char *own = malloc(100), *libcs = strdup("made inside libc");
    if (!own || !libcs || !tide_owns(own) || !tide_owns(libcs))
        return fail("malloc is not tidemalloc's");
    free(own);
    free(libcs);

    pid_t child = fork();
    if (child == 0) {
        void *block = calloc(1000, 1000);
        free(block);
        _exit(block ? 0 : 1);
    }
    int status = -1;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        return fail("a forked child cannot allocate");

    struct addrinfo *found = NULL;
    struct addrinfo  hints = {.ai_flags = AI_NUMERICHOST};
    if (getaddrinfo("127.0.0.1", "80", &hints, &found) != 0)
        return fail("getaddrinfo does not know 127.0.0.1");
    freeaddrinfo(found);
    return 0;
}
