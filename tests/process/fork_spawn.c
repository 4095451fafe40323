// tests/process/fork_spawn.c - vfork, posix_spawn, system and popen run no fork handlers; the
// parent's threads allocate meanwhile and its heap stays whole.
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"

enum { ROUNDS = 25, THREADS = 2, SECONDS = 20, KEPT = 500 };

extern char **environ;

static atomic_bool       stop;
static const char *const arguments[] = {"/bin/true", NULL};

static void *allocate(void *arg) {
    uint64_t random = (uintptr_t)arg;
    while (!atomic_load(&stop)) {
        size_t size = (size_t)(test_random(&random) % 40000) + 1;
        char  *block = malloc(size);
        CHECK(block != NULL);
        test_fill(block, size < 100 ? size : 100, size);
        CHECK(test_is_filled(block, size < 100 ? size : 100, size));
        free(block);
    }
    return NULL;
}

static void check_end(pid_t pid) {
    int status = 0;
    CHECK(pid > 0);
    CHECK(proc_wait(pid, SECONDS, &status));
    CHECK_EQ(status, 0);
}

static void by_vfork(void) {
    pid_t pid = vfork();
    if (pid == 0) {
        execve(arguments[0], (char *const *)(uintptr_t)arguments, environ);
        _exit(127);
    }
    check_end(pid);
}

static void by_posix_spawn(void) {
    pid_t                      pid = -1;
    posix_spawn_file_actions_t actions;
    CHECK_EQ(posix_spawn_file_actions_init(&actions), 0);
    CHECK_EQ(posix_spawn_file_actions_addclose(&actions, 100), 0);
    CHECK_EQ(posix_spawn(&pid, arguments[0], &actions, NULL, (char *const *)(uintptr_t)arguments,
                         environ),
             0);
    CHECK_EQ(posix_spawn_file_actions_destroy(&actions), 0);
    check_end(pid);
}

static void by_popen(void) {
    char  line[100] = "";
    FILE *pipe = popen("echo hello", "r");
    CHECK(pipe != NULL);
    CHECK(fgets(line, sizeof line, pipe) != NULL);
    CHECK(strcmp(line, "hello\n") == 0);
    CHECK_EQ(pclose(pipe), 0);
}

int main(void) {
    static char *kept[KEPT];
    test_watchdog(60);
    test_need_tide();
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, allocate, (void *)(i + 1)), 0);
    for (size_t i = 0; i < KEPT; i++) {
        CHECK((kept[i] = malloc(i + 1)) != NULL);
        test_fill(kept[i], i + 1, i);
    }
    for (int i = 0; i < ROUNDS; i++) {
        by_vfork();
        by_posix_spawn();
        by_popen();
        CHECK_EQ(system("true"), 0);
    }
    for (size_t i = 0; i < KEPT; i++) {
        CHECK(test_is_filled(kept[i], i + 1, i));
        free(kept[i]);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
    return 0;
}
