// tests/process/start_hooks.c - a preloaded library hooks mmap, open and locks and allocates there.
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"

extern int hook_calls(void) __attribute__((weak));

static void use_all_kinds(void) {
    for (size_t size = 1; size <= 40 << 20; size *= 3) {
        char *block = malloc(size);
        CHECK(block != NULL);
        block[size - 1] = 1;
        block = realloc(block, size * 2);
        CHECK(block != NULL && block[size - 1] == 1);
        free(block);
    }
}

static void *thread_main(void *arg) {
    use_all_kinds();
    return arg;
}

// The child: works under the hooks and tells how often they were called.
static int run_hooked(void) {
    test_need_tide();
    CHECK(hook_calls != NULL);
    use_all_kinds();
    for (int i = 0; i < 10; i++) {
        pthread_t thread;
        CHECK_EQ(pthread_create(&thread, NULL, thread_main, NULL), 0);
        CHECK_EQ(pthread_join(thread, NULL), 0);
        close(open("/dev/null", O_RDONLY));
    }
    CHECK(hook_calls() > 0);
    printf("fine\n");
    return 0;
}

static void check_program(const char *const argv[], const char *preload, const char *expected) {
    static const char *const  drop[] = {"LD_PRELOAD=", NULL};
    static struct proc_result result;
    const char               *extra[] = {preload, NULL};
    proc_run(argv, proc_environment(drop, extra), 20, &result);
    if (result.hung || result.signal != 0 || result.status != 0 ||
        strcmp(result.out, expected) != 0 || result.err[0] != '\0') {
        fprintf(stderr, "%s under %s: signal %d, status %d, stdout '%s', stderr '%s'\n", argv[0],
                preload, result.signal, result.status, result.out, result.err);
        test_fail(__FILE__, __LINE__, result.hung ? "hangs" : "fails under the hooks");
    }
}

static void check_preload(const char *preload) {
    const char *const self[] = {proc_self(), "--hooked", NULL};
    const char *const ls[] = {"/bin/ls", "-d", "/", NULL};
    const char *const sh[] = {"/bin/sh", "-c", "x=$(echo a b c | cat); echo $x", NULL};
    check_program(self, preload, "fine\n");
    check_program(ls, preload, "/\n");
    check_program(sh, preload, "a b c\n");
}

int main(int argc, char **argv) {
    test_watchdog(100);
    if (argc > 1 && strcmp(argv[1], "--hooked") == 0)
        return run_hooked();
    check_preload("LD_PRELOAD=" TEST_HELPERS "/libhooks.so:" TEST_LIBRARY);
    check_preload("LD_PRELOAD=" TEST_LIBRARY ":" TEST_HELPERS "/libhooks.so");
    return 0;
}
