// tests/process/page_sizes.c - pages of 16 and 64 KiB, forced on a kernel of 4 KiB.
//
// The library asks getauxval for the page and makes its system calls through syscall: this program
// has both, tells it what it wants to hear, and answers mincore by the page it told. Whatever is
// mapped, unmapped, given back or protected must then be whole pages of that size.
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"

#if defined(__x86_64__)

enum { BLOCKS = 300, STEPS = 20000, KERNEL_PAGE = 4096 };

static unsigned long told_page;
static unsigned      odd_calls;  // on ranges that are no whole pages

// Before any constructor: the environment lies in front of what the kernel told.
unsigned long getauxval(unsigned long type) {
    extern char **environ;
    char        **at = environ;
    if (type == AT_PAGESZ && !told_page) {
        const char *wanted = proc_env("TEST_PAGE");
        told_page = wanted[0] ? strtoul(wanted, NULL, 10) : KERNEL_PAGE;
    }
    if (type == AT_PAGESZ)
        return told_page;
    while (*at++) {
    }
    for (const unsigned long *pair = (const unsigned long *)at; pair[0]; pair += 2)
        if (pair[0] == type)
            return pair[1];
    return 0;
}

static long call(long number, const long *args) {
    long          result;
    register long r10 __asm__("r10") = args[3];
    register long r8 __asm__("r8") = args[4];
    register long r9 __asm__("r9") = args[5];
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(args[0]), "S"(args[1]), "d"(args[2]), "r"(r10), "r"(r8),
                       "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

// A page counts as resident when a part of it is.
static long mincore_told(long start, long bytes, unsigned char *resident) {
    for (long at = 0; at < bytes; at += (long)told_page, resident++) {
        unsigned char parts[16] = {0};
        long          args[6] = {start + at, (long)told_page, (long)parts};
        long          error = call(SYS_mincore, args);
        if (error < 0)
            return error;
        *resident = 0;
        for (unsigned i = 0; i < told_page / KERNEL_PAGE; i++)
            *resident |= parts[i] & 1;
    }
    return 0;
}

long syscall(long number, ...) {
    long    args[6], result;
    va_list list;
    va_start(list, number);
    for (unsigned i = 0; i < 6; i++)
        args[i] = va_arg(list, long);
    va_end(list);
    bool is_range = number == SYS_mprotect || number == SYS_madvise;
    odd_calls += is_range && ((unsigned long)args[0] | (unsigned long)args[1]) % told_page != 0;
    result = number == SYS_mincore ? mincore_told(args[0], args[1], (unsigned char *)args[2])
                                   : call(number, args);
    if (result < 0 && result > -4096) {
        errno = (int)-result;
        return -1;
    }
    return result;
}

static struct {
    char    *block;
    size_t   bytes;
    uint64_t seed;
} live[BLOCKS];

static void step(uint64_t *random, uint64_t seed) {
    static const size_t most[] = {100, 2000, 40000, 40000, 300000, 3000000};
    unsigned            i = (unsigned)(test_random(random) % BLOCKS);
    if (live[i].block) {
        CHECK(test_is_filled(live[i].block, live[i].bytes < 5000 ? live[i].bytes : 5000,
                             live[i].seed));
        free(live[i].block);
        live[i].block = NULL;
        return;
    }
    live[i].bytes = 1 + (size_t)(test_random(random) % most[test_random(random) % 6]);
    live[i].block = test_random(random) % 3 ? malloc(live[i].bytes) : calloc(1, live[i].bytes);
    live[i].seed = seed;
    CHECK(live[i].block != NULL);
    test_fill(live[i].block, live[i].bytes < 5000 ? live[i].bytes : 5000, seed);
    if (live[i].bytes > 200000) {
        live[i].bytes *= 2;
        live[i].block = realloc(live[i].block, live[i].bytes);
        CHECK(live[i].block && test_is_filled(live[i].block, 5000, seed));
    }
}

static void *churn(void *argument) {
    for (size_t bytes = 1; bytes < 4 << 20; bytes = bytes * 3 / 2 + 1) {
        char *block = calloc(1, bytes);
        CHECK(block && test_is_byte(block, bytes, 0));
        memset(block, 1, bytes);
        free(block);
    }
    return argument;
}

static void load(void) {
    uint64_t  random = 1;
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, churn, NULL), 0);
    for (unsigned i = 0; i < STEPS; i++) {
        step(&random, i);
        if (i % 2000 == 0)
            malloc_trim(0);
    }
    CHECK_EQ(pthread_join(thread, NULL), 0);
    for (unsigned i = 0; i < BLOCKS; i++) {
        free(live[i].block);
        live[i].block = NULL;
    }
    malloc_trim(0);
}

static void run(void) {
    test_watchdog(100);
    load();
    size_t resident = proc_rss_anonymous();
    CHECK_LE(resident, 8 << 20);  // the load had some 100 MiB
    load();
    CHECK_LE(proc_rss_anonymous(), resident + (1 << 20));
    CHECK_EQ(odd_calls, 0);
}

static void run_with(char *setting) {
    static struct proc_result result;
    char *const               environment[] = {setting, NULL};
    const char *const         arguments[] = {proc_self(), "--run", NULL};
    proc_run(arguments, environment, 110, &result);
    test_say(result.err);
    CHECK(!result.hung && result.signal == 0 && result.status == 0);
}

int main(int argc, char **argv) {
    (void)argv;
    test_need_tide();
    CHECK_EQ(told_page != 0, true);  // the library did ask this program
    if (argc > 1) {
        run();
        return 0;
    }
    run_with("TEST_PAGE=4096");
    run_with("TEST_PAGE=16384");
    run_with("TEST_PAGE=65536");
    return 0;
}

#else

int main(void) {
    test_skip("page sizes are forced on x86-64 only");
}

#endif
