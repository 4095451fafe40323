// tests/process/guard.c - blocks between guard pages in a real process: content, rates, figures,
// fork, threads, and faults that are the program's own affair.
//
// The program runs itself, once a case, with TIDE_GUARD set. Reports of misuse are in tests/misuse.
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/death.h"
#include "tests/support/proc.h"
#include "tests/support/test.h"
#include "tidemalloc.h"

enum { PAGE = 65536, THREADS = 4, ROUNDS = 4000, LIVE = 64, LARGEST = 70000 };

static void find_figure(const char *name, uint64_t value, const char *unit, void *data) {
    const char **wanted = data;
    static uint64_t found;
    (void)unit;
    if (strcmp(name, wanted[0]) == 0) {
        found = value;
        wanted[1] = (const char *)&found;
    }
}

static uint64_t figure(const char *name) {
    const char *wanted[2] = {name, NULL};
    tide_stats(find_figure, wanted);
    CHECK(wanted[1] != NULL);
    uint64_t value;
    memcpy(&value, wanted[1], sizeof value);
    return value;
}

// --- content -------------------------------------------------------------------------------------

static char *make(uint64_t *random, size_t *size) {
    *size = test_random(random) % (test_random(random) % 8 == 0 ? LARGEST : 600);
    size_t alignment = (size_t)16 << test_random(random) % 10;
    char  *block = NULL;
    switch (test_random(random) % 4) {
    case 0:
        block = calloc(1, *size);
        CHECK(block != NULL && test_is_byte(block, *size, 0));
        break;
    case 1:
        CHECK_EQ(posix_memalign((void **)&block, alignment, *size), 0);
        CHECK(test_aligned(block, alignment));
        break;
    default:
        block = malloc(*size);
    }
    CHECK(block != NULL && test_aligned(block, 16) && malloc_usable_size(block) >= *size);
    return block;
}

static void *churn(void *argument) {
    uint64_t random = (uintptr_t)argument;
    char    *blocks[LIVE] = {NULL};
    size_t   sizes[LIVE] = {0};
    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned k = test_random(&random) % LIVE;
        if (blocks[k] == NULL) {
            blocks[k] = make(&random, &sizes[k]);
        } else if (test_random(&random) % 4 == 0) {
            size_t size = test_random(&random) % LARGEST + 1;
            CHECK((blocks[k] = realloc(blocks[k], size)) != NULL);
            CHECK(test_is_filled(blocks[k], size < sizes[k] ? size : sizes[k], k));
            sizes[k] = size;
        } else {
            CHECK(test_is_filled(blocks[k], sizes[k], k));
            free(blocks[k]);
            blocks[k] = NULL;
        }
        if (blocks[k] != NULL)
            test_fill(blocks[k], sizes[k], k);
        if (i % 1000 == 0)
            malloc_trim(0);
    }
    for (unsigned k = 0; k < LIVE; k++)
        free(blocks[k]);
    return NULL;
}

static void run_content(void) {
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, churn, (void *)(i + 1)), 0);
    for (unsigned i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
    CHECK(figure("guards") > 5);
}

// --- figures and rates ---------------------------------------------------------------------------

// Every block, until there is no place; then ordinary ones. Freed, none is left.
static void run_full(void) {
    enum { BLOCKS = 32, ASKED = 100 };
    static char *blocks[ASKED];
    uint64_t     before = figure("guarded_blocks"), live = figure("live_bytes");
    for (unsigned i = 0; i < ASKED; i++) {
        CHECK((blocks[i] = malloc(1000)) != NULL && tide_owns(blocks[i]));
        memset(blocks[i], 1, 1000);
    }
    CHECK_EQ(figure("guarded_blocks"), BLOCKS);
    CHECK_LE(live + ASKED * 1000, figure("live_bytes"));
    CHECK_LE(BLOCKS * 1000, figure("guarded_bytes"));
    for (unsigned i = 0; i < ASKED; i++)
        free(blocks[i]);
    CHECK_LE(figure("guarded_blocks"), before);
}

static uint64_t now_us(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

// Blocks that are kept: one in a thousand of them, where there is time for that many. A sixth more
// or less would be three deviations.
static void run_rate(void) {
    enum { ASKED = 300 * 1000, AT_ONCE = 500, US_EACH = 3 };
    for (unsigned i = 0; i < ASKED; i++) {
        CHECK(test_hide(malloc(16 + i % 5 * 16)) != NULL);
        if (i % AT_ONCE == 0)
            while (now_us(CLOCK_THREAD_CPUTIME_ID) < (uint64_t)i * US_EACH) {
            }
    }
    CHECK_LE(210, figure("guards"));
    CHECK_LE(figure("guards"), 390);
}

// However fast blocks come: a burst of nine, then one in 2 ms of the thread's time.
static void run_bound(void) {
    uint64_t start = now_us(CLOCK_THREAD_CPUTIME_ID), guards = figure("guards");
    while (now_us(CLOCK_THREAD_CPUTIME_ID) < start + 200000)
        for (unsigned i = 0; i < 10000; i++)
            free(test_hide(realloc(test_hide(malloc(16 + i % 50 * 16)), 1000 + i % 50 * 16)));
    malloc_trim(0);
    for (unsigned i = 0; i < 100000; i++)
        CHECK(test_hide(malloc(64)) != NULL);
    guards = figure("guards") - guards;
    CHECK_LE(5, guards);
    CHECK_LE(guards, (now_us(CLOCK_THREAD_CPUTIME_ID) - start) / 2000 + 9);
}

// --- fork ----------------------------------------------------------------------------------------

static char *shared;

static void overflow(void *argument) {
    (void)argument;
    for (size_t i = 0; i < PAGE; i++)
        shared[i] = 1;
}

// The child has the block, its own copy of it; what it does to it is told, and the parent's stays.
static void run_fork(void) {
    static struct death death;
    CHECK((shared = malloc(1000)) != NULL);
    memset(shared, 5, 1000);
    death_run(overflow, NULL, &death);
    CHECK_EQ(death.signal, SIGABRT);
    CHECK(strncmp(death.text, "tidemalloc: buffer overflow: write to 0x", 40) == 0);
    CHECK(test_is_byte(shared, 1000, 5));
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(test_is_byte(shared, 1000, 5));
        free(shared);
        shared = malloc(500);
        memset(shared, 6, 500);
        free(shared);
        _exit(0);
    }
    int status;
    CHECK(proc_wait(child, 20, &status) && status == 0);
    CHECK(test_is_byte(shared, 1000, 5));
    free(shared);
}

// --- faults that are not ours --------------------------------------------------------------------

static sigjmp_buf         landing;
static volatile uintptr_t fault_address;

static void on_fault(int signal_number, siginfo_t *info, void *context) {
    (void)signal_number;
    (void)context;
    fault_address = (uintptr_t)info->si_addr;
    siglongjmp(landing, 1);
}

// A handler that was there before the first block: called for its own, not for ours.
static void run_handler(void) {
    static struct death death;
    struct sigaction    action = {.sa_flags = SA_SIGINFO};
    action.sa_sigaction = on_fault;
    CHECK_EQ(sigaction(SIGSEGV, &action, NULL), 0);
    char *own = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(own != MAP_FAILED && (shared = malloc(1000)) != NULL);
    CHECK_EQ(figure("guarded_blocks") > 0, 1);
    for (unsigned i = 0; i < 3; i++) {
        fault_address = 0;
        if (sigsetjmp(landing, 1) == 0)
            *(volatile char *)own = 1;
        CHECK_EQ(fault_address, (uintptr_t)own);
    }
    if (sigsetjmp(landing, 1) == 0)
        raise(SIGSEGV);
    death_run(overflow, NULL, &death);
    CHECK_EQ(death.signal, SIGABRT);
}

// A mapping of a file that is shorter by now cannot be read: the report does not try.
static void run_truncated(void) {
    static struct death death;
    FILE *file = tmpfile();
    CHECK(file != NULL && ftruncate(fileno(file), PAGE) == 0);
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fileno(file), 0) != MAP_FAILED);
    CHECK_EQ(ftruncate(fileno(file), 0), 0);
    CHECK((shared = malloc(1000)) != NULL);
    death_run(overflow, NULL, &death);
    CHECK_EQ(death.signal, SIGABRT);
    CHECK(strstr(death.text, "accessed by thread") != NULL);
}

// Code that the program registers with the unwinder, as compilers at run time do: the next look at
// a stack of calls sorts it, and asks for memory under a lock.
static void run_frames(void) {
    static uint32_t code[16];
    static struct {
        uint32_t length, offset;
        uint8_t  version, augmentation[3], units[2], register_number, data_bytes, encoding, end[3];
        uint32_t range_length, range_offset;
        uint32_t start[2], bytes[2];  // addresses, which are not aligned here
        uint32_t nothing[2], stop;
    } frames = {.length = 16, .version = 1, .augmentation = "zR", .units = {1, 0x78},
                .register_number = 16, .data_bytes = 1, .range_length = 28, .range_offset = 24};
    const uintptr_t start = (uintptr_t)code, bytes = sizeof code;
    memcpy(frames.start, &start, sizeof start);
    memcpy(frames.bytes, &bytes, sizeof bytes);
    void *library = dlopen("libgcc_s.so.1", RTLD_NOW), *function = NULL;
    void (*add)(void *);
    if (library)
        function = dlsym(library, "__register_frame");
    if (!function)
        return;
    memcpy(&add, &function, sizeof add);
    add(&frames);
    for (unsigned i = 0; i < ROUNDS; i++)
        free(test_hide(malloc(100)));
}

static void touch(void *page) {
    *(volatile char *)page = 1;
}
static void send(void *signal_number) {
    raise((int)(uintptr_t)signal_number);
}

// Without a handler the default action is taken, for accesses and for signals that were sent.
static void run_default(void) {
    static struct death death;
    char *own = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(own != MAP_FAILED && malloc(1000) != NULL);
    death_run(touch, own, &death);
    CHECK(death.signal == SIGSEGV && death.text[0] == '\0');
    death_run(send, (void *)SIGSEGV, &death);
    CHECK(death.signal == SIGSEGV && death.text[0] == '\0');
    death_run(send, (void *)SIGBUS, &death);
    CHECK(death.signal == SIGBUS && death.text[0] == '\0');
}

static const struct {
    const char *name;
    void (*run)(void);
    const char *setting, *blocks;
} cases[] = {
    {"content", run_content, "TIDE_GUARD=1/3", "TIDE_GUARD_BLOCKS=200"},
    {"content", run_content, "TIDE_GUARD=1/100", "TIDE_GUARD_BLOCKS=1000"},
    {"content", run_content, "TIDE_GUARD=32K", "TIDE_GUARD_BLOCKS=3"},
    {"full", run_full, "TIDE_GUARD=1/1", "TIDE_GUARD_BLOCKS=32"},
    {"rate", run_rate, "TIDE_GUARD=1/1000", "TIDE_GUARD_BLOCKS=4000"},
    {"rate", run_rate, "TIDE_GUARD=48000", "TIDE_GUARD_BLOCKS=4000"},
    {"bound", run_bound, "TIDE_GUARD=1/100", "TIDE_GUARD_BLOCKS=16384"},
    {"fork", run_fork, "TIDE_GUARD=1/1", "TIDE_GUARD_BLOCKS=256"},
    {"handler", run_handler, "TIDE_GUARD=1/1", "TIDE_GUARD_BLOCKS=256"},
    {"default", run_default, "TIDE_GUARD=1/1", "TIDE_GUARD_BLOCKS=256"},
    {"frames", run_frames, "TIDE_GUARD=1/1", "TIDE_GUARD_BLOCKS=256"},
    {"truncated", run_truncated, "TIDE_GUARD=1/1", "TIDE_GUARD_BLOCKS=256"},
};
enum { CASES = sizeof cases / sizeof *cases };

// A hardened process has no samples, and says so.
static void run_hardened(void) {
    for (unsigned i = 0; i < 1000; i++)
        CHECK(test_hide(malloc(100)) != NULL);
    CHECK_EQ(figure("guards"), 0);
}

static void check_hardened(const char *const drop[]) {
    static struct proc_result result;
    const char *extra[] = {"TIDE_GUARD=1/1", "TIDE_HARDENED=1", NULL};
    const char *again[] = {proc_self(), "hardened", NULL};
    proc_run(again, proc_environment(drop, extra), 60, &result);
    CHECK(!result.hung && result.signal == 0 && result.status == 0);
    CHECK(strcmp(result.err, "tidemalloc: TIDE_GUARD is off: TIDE_HARDENED serves every block its "
                             "own way\n") == 0);
}

int main(int argc, char **argv) {
    static struct proc_result result;
    static const char *const  drop[] = {"TIDE_", NULL};
    test_watchdog(100);
    test_need_tide();
    for (unsigned i = 0; argc > 1 && i < CASES; i++)
        if (strcmp(argv[1], cases[i].name) == 0) {
            cases[i].run();
            return 0;
        }
    if (argc > 1) {
        run_hardened();
        return 0;
    }
    check_hardened(drop);
    for (unsigned i = 0; i < CASES; i++) {
        const char *extra[] = {cases[i].setting, cases[i].blocks, NULL};
        const char *again[] = {proc_self(), cases[i].name, NULL};
        proc_run(again, proc_environment(drop, extra), 60, &result);
        if (result.hung || result.signal != 0 || result.status != 0)
            fprintf(stderr, "%s with %s: signal %d, status %d\n%s", cases[i].name,
                    cases[i].setting, result.signal, result.status, result.err);
        CHECK(!result.hung && result.signal == 0 && result.status == 0);
    }
    return 0;
}
