// tests/process/static_resolv.c - a static glibc program that forks, resolves names and uses stdio.
//
// libc's own malloc object must not be pulled in beside ours: the link would fail, and a block of
// one would reach the other. Only numeric addresses and the hosts file are asked, no network.
#include <malloc.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"
#include "tidemalloc.h"

static void resolve(const char *name, int flags) {
    struct addrinfo  hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM, .ai_flags = flags};
    struct addrinfo *list = NULL;
    CHECK_EQ(getaddrinfo(name, "80", &hints, &list), 0);
    CHECK(list != NULL && tide_owns(list));
    freeaddrinfo(list);
}

static void *thread_main(void *arg) {
    for (size_t size = 1; size < 3 << 20; size *= 3)
        free(realloc(malloc(size), 2 * size));
    return arg;
}

static void use_everything(void) {
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, thread_main, NULL), 0);
    thread_main(NULL);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    resolve("127.0.0.1", AI_NUMERICHOST);
    char *text = NULL;
    CHECK(asprintf(&text, "%d and %s", 42, "more") == 11);
    CHECK(tide_owns(text) && malloc_usable_size(text) >= 12);
    free(text);
    char *copy = strdup("libc's strdup uses our malloc");
    CHECK(tide_owns(copy));
    free(copy);
}

int main(void) {
    test_watchdog(30);
    test_need_tide();
    use_everything();
    resolve("localhost", 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        use_everything();
        malloc_trim(0);
        _exit(0);
    }
    int status = 0;
    CHECK(proc_wait(pid, 20, &status));
    CHECK_EQ(status, 0);
    use_everything();
    return 0;
}
