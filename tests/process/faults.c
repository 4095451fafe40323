// tests/process/faults.c - every system call of the library fails at its n-th use, in a process.
//
// The program runs itself under a filter that reports the library's system calls to this process,
// which lets them pass or answers in the kernel's place, from the first instruction of the new
// program on. (Calls fail for ever, and brk fails at all, from main on only: a static libc does not
// start without memory, and tests/process/oom_start.c is about starts.) Only the library's calls
// are meant: those it makes through syscall(2), brk, and the naming of mappings. (The program is
// static and stands at a fixed address: so where these functions are is known before it runs.) A
// run without faults first; then one for each call and n with the n-th use refused, and one with
// that and all later uses refused until the program says that times are fair again. It must show:
//   no crash, no hang, no block lost or changed, forked children included
//   NULL only with ENOMEM, and errno untouched by what succeeds
//   once times are fair the same load goes without one NULL
//   as many bytes in use in the end as without a fault, as much resident, and no more mapped but
//   for what could not be unmapped
// PROGRAM STEP [WORLD] takes every STEP-th n; 1 = all of them; of all settings below, or of one.
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/support/fault_calls.h"
#include "tests/support/listener.h"
#include "tests/support/proc.h"
#include "tests/support/test.h"

enum {
    BLOCKS = 100,
    STEPS = 500,
    ERRNO_BEFORE = 77,
    STEP_DEFAULT = 1000,
    RUN_SECONDS = 60,
    SLACK = 256 << 10,
    BEGIN = SYS_getpgrp,  // what the program says by it: main began
    FAIR = SYS_getppid,   // nothing fails any more
    OUTCOME_FD = 3,
};

enum { NONE = FAULT_CALLS + 1, ANY = FAULT_CALLS, CALLS = ANY };

static char *const worlds[][6] = {
    {"TIDE_ARENAS=2", NULL},
    {"TIDE_ARENAS=1", "TIDE_CACHE=0", "TIDE_HUGE_THRESHOLD=64K", "TIDE_HUGE_CACHE=0", NULL},
    {"TIDE_BACKGROUND=1", "TIDE_DECAY=100", "TIDE_PURGE_BUDGET=0", "TIDE_SOFT_LIMIT=50%",
     "TIDE_THP=always", NULL},
    {"TIDE_HARDENED=1", "TIDE_QUARANTINE=off", "TIDE_RETIRED=2M", NULL},
    {"TIDE_HARDENED=1", "TIDE_QUARANTINE=256K", "TIDE_RETIRED=2M", "TIDE_ARENAS=2", NULL},
    {"TIDE_GUARD=1/8", "TIDE_GUARD_BLOCKS=64", NULL},
};

// --- the program: what a run reports ------------------------------------------------------------

struct outcome {
    unsigned nulls;
    size_t   in_use, resident, mapped;
    size_t   waiting, around;  // so much more or less, by chance
};

static unsigned nulls;
static bool     is_fair;

static struct live {
    char    *block;
    size_t   bytes;
    uint64_t seed;
} live[BLOCKS];
static uint64_t random_state, next_seed;

static size_t below(size_t bound) {
    return (size_t)(test_random(&random_state) % bound);
}

static size_t random_bytes(void) {
    static const size_t most[] = {100,   2000,  2000,   40000,  40000,
                                  40000, 40000, 200000, 500000, 2000000};
    return 1 + below(most[below(sizeof most / sizeof most[0])]);
}

static bool is_served(const void *block) {
    CHECK_EQ(errno, block ? ERRNO_BEFORE : ENOMEM);
    CHECK(block || !is_fair);
    nulls += block == NULL;
    return block != NULL;
}

// Large blocks are filled at their start and end only.
static void fill(struct live *one) {
    size_t part = one->bytes < 40000 ? one->bytes : 8192;
    one->seed = ++next_seed;
    test_fill(one->block, part, one->seed);
    test_fill(one->block + one->bytes - part, part, one->seed);
}

static void check(const struct live *one) {
    size_t part = one->bytes < 40000 ? one->bytes : 8192;
    CHECK(test_is_filled(one->block, part, one->seed));
    CHECK(test_is_filled(one->block + one->bytes - part, part, one->seed));
}

static void take(struct live *one) {
    size_t bytes = random_bytes(), align = (size_t)1 << (4 + below(14)), kind = below(6);
    errno = ERRNO_BEFORE;
    char *block = kind == 0 ? calloc(1, bytes) : kind == 1 ? memalign(align, bytes) : malloc(bytes);
    if (!is_served(block))
        return;
    CHECK(kind != 1 || test_aligned(block, align));
    CHECK(kind != 0 || test_is_byte(block, bytes, 0));
    *one = (struct live){block, bytes, 0};
    fill(one);
}

static void give(struct live *one) {
    check(one);
    errno = ERRNO_BEFORE;
    free(one->block);
    CHECK_EQ(errno, ERRNO_BEFORE);
    one->block = NULL;
}

static void resize(struct live *one) {
    size_t bytes = below(2) ? random_bytes() : one->bytes + below(one->bytes + 100);
    size_t kept = bytes < one->bytes ? bytes : one->bytes;
    errno = ERRNO_BEFORE;
    char *block = realloc(one->block, bytes);
    if (!is_served(block)) {
        check(one);
        return;
    }
    CHECK(test_is_filled(block, kept < 8192 ? kept : 8192, one->seed));
    *one = (struct live){block, bytes, 0};
    fill(one);
}

// --- threads, children, trims -------------------------------------------------------------------

static int asleep[2], wake[2];

static void *sleeper(void *argument) {
    char byte = 0;
    for (unsigned round = 0; round < 2; round++) {
        char *blocks[40];
        for (unsigned i = 0; i < 40; i++) {
            blocks[i] = malloc(100 + 50 * i);
            if (blocks[i])
                test_fill(blocks[i], 100 + 50 * i, i);
        }
        for (unsigned i = 0; i < 40; i++) {
            CHECK(!blocks[i] || test_is_filled(blocks[i], 100 + 50 * i, i));
            free(blocks[i]);
        }
        CHECK(write(asleep[1], &byte, 1) == 1);
        CHECK(read(wake[0], &byte, 1) == 1);
    }
    return argument;
}

static void park_another(void) {
    pthread_t thread;
    char      byte = 0;
    if (pthread_create(&thread, NULL, sleeper, NULL) != 0) {
        CHECK(!is_fair);
        return;
    }
    for (unsigned round = 0; round < 2; round++) {
        CHECK(read(asleep[0], &byte, 1) == 1);
        malloc_trim(0);
        CHECK(write(wake[1], &byte, 1) == 1);
    }
    CHECK_EQ(pthread_join(thread, NULL), 0);
}

// The child has all blocks and may do with them what it wants.
static void fork_child(void) {
    int   status;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        for (unsigned i = 0; i < BLOCKS; i += 2) {
            if (live[i].block)
                give(&live[i]);
            else
                take(&live[i]);
        }
        malloc_trim(0);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK_EQ(status, 0);
}

static void rare_step(void) {
    size_t which = below(8);
    if (which == 7)
        park_another();
    else if (which == 0)
        fork_child();
    else if (which < 4)
        malloc_trim(below(100000));
    else
        usleep(1000);
}

static void load(void) {
    random_state = 1;
    for (unsigned i = 0; i < STEPS; i++) {
        struct live *one = &live[below(BLOCKS)];
        if (below(15) == 0)
            rare_step();
        else if (!one->block)
            take(one);
        else if (below(3) == 0)
            resize(one);
        else
            give(one);
    }
    for (unsigned i = 0; i < BLOCKS; i++)
        if (live[i].block)
            give(&live[i]);
    malloc_trim(0);
}

// In a hardened process it is left to chance which freed blocks wait, which counts as in use, and
// how much lies around each; and which of libc's few blocks counts as pages, between guards.
static void look(struct outcome *outcome) {
    const char *quarantine = getenv("TIDE_QUARANTINE");
    *outcome = (struct outcome){nulls, mallinfo2().uordblks, proc_rss_anonymous(),
                                proc_status_bytes("VmSize"), 0, 0};
    if (quarantine && strcmp(quarantine, "off") != 0)
        outcome->waiting = 512 << 10;
    if (getenv("TIDE_HARDENED"))
        outcome->around = 8 << 20;
    if (getenv("TIDE_GUARD"))
        outcome->waiting = 64 << 10;
}

static void check_in_use(const struct outcome *one, const struct outcome *other) {
    CHECK_LE(one->in_use, other->in_use + other->waiting);
    CHECK_LE(other->in_use, one->in_use + one->waiting);
}

static void run(void) {
    struct outcome before, after;
    test_watchdog(RUN_SECONDS);
    CHECK(pipe(asleep) == 0 && pipe(wake) == 0);
    syscall(BEGIN);
    load();
    syscall(FAIR);
    is_fair = true;
    load();
    load();
    look(&before);
    load();
    look(&after);
    check_in_use(&before, &after);
    CHECK_LE(after.mapped, before.mapped + before.around);
    CHECK_LE(after.resident, before.resident + SLACK + before.around);
    CHECK(write(OUTCOME_FD, &before, sizeof before) == sizeof before);
    _exit(0);
}

// --- the other side: one run --------------------------------------------------------------------

struct fault {
    unsigned world, call, nth;
    bool     lasts;  // all later uses too
};

struct watch {
    int      status;  // the process's end
    unsigned uses[CALLS + 1];
    unsigned injected;
    size_t   kept;  // bytes of refused munmaps
    bool     began, fair;
};

static unsigned call_of(const struct seccomp_data *data) {
    unsigned call = fault_call_of(data);
    return call < CALLS ? call : NONE;
}

struct watcher {
    const struct fault *fault;
    struct watch       *watch;
};

static bool is_refused(const struct fault *fault, struct watch *watch,
                       const struct seccomp_data *data) {
    unsigned call = call_of(data);
    watch->began |= data->nr == BEGIN;
    watch->fair |= data->nr == FAIR;
    if (call == NONE || watch->fair)
        return false;
    unsigned any = ++watch->uses[ANY], use = ++watch->uses[call];
    use = fault->call == ANY ? any : use;
    if ((call != fault->call && fault->call != ANY) || use < fault->nth ||
        (use > fault->nth && !fault->lasts) ||
        ((fault->lasts || data->nr == SYS_brk) && !watch->began))
        return false;
    watch->injected++;
    if (data->nr == SYS_munmap)
        watch->kept += data->args[1];
    return true;
}

// A brk that fails answers an address below what was asked.
static int decide(void *context, const struct seccomp_notif *told) {
    const struct watcher *watcher = context;
    const struct fault   *fault = watcher->fault;
    if (!is_refused(fault, watcher->watch, &told->data))
        return LISTENER_PASS;
    const struct fault_call *call = &fault_calls[call_of(&told->data)];
    return fault->lasts ? call->always : call->once;
}

__attribute__((noreturn)) static void become_program(unsigned world, int channel, int results) {
    char *const arguments[] = {"faults", "--program", NULL};
    unsigned    numbers[CALLS + 2] = {BEGIN, FAIR};
    for (unsigned i = 0; i < CALLS; i++)
        numbers[i + 2] = fault_calls[i].number;
    dup2(results, OUTCOME_FD);
    listener_start(channel, numbers, CALLS + 2, true);
    execve("/proc/self/exe", arguments, worlds[world]);
    _exit(126);
}

// False: it did not end well.
static bool run_with(const struct fault *fault, struct watch *watch, struct outcome *outcome) {
    int channel[2], results[2];
    memset(watch, 0, sizeof *watch);
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel), 0);
    CHECK_EQ(pipe(results), 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0)
        become_program(fault->world, channel[1], results[1]);
    close(results[1]);
    int listener = listener_receive(channel[0]);
    if (listener < 0)
        test_skip("no seccomp listener for the calls of a program (Linux 5.5, or a filter)");
    listener_serve(listener, RUN_SECONDS * 2, decide, &(struct watcher){fault, watch});
    ssize_t got = read(results[0], outcome, sizeof *outcome);
    CHECK(waitpid(pid, &watch->status, 0) == pid);
    close(results[0]);
    close(channel[0]);
    close(channel[1]);
    return watch->status == 0 && got == sizeof *outcome;
}

// --- all runs -----------------------------------------------------------------------------------

static const char *name_of(unsigned call) {
    return call == NONE ? "none" : call == ANY ? "any" : fault_calls[call].name;
}

static void must_run(const struct fault *fault, struct watch *watch, struct outcome *outcome) {
    char text[200];
    if (run_with(fault, watch, outcome))
        return;
    snprintf(text, sizeof text, "world %u: %s, use %u%s: ended with %x", fault->world,
             name_of(fault->call), fault->nth,
             fault->lasts ? " and all after it" : "", (unsigned)watch->status);
    test_fail(__FILE__, __LINE__, text);
}

static void compare(const struct outcome *plain, const struct outcome *outcome,
                    const struct watch *watch) {
    // One region more, where brk refused, and a huge page in it.
    enum { NOISE = 3 << 20, REGION = 68 << 20 };
    check_in_use(outcome, plain);
    CHECK_LE(outcome->resident, plain->resident + NOISE);
    CHECK_LE(outcome->mapped, plain->mapped + watch->kept + REGION);
}

static unsigned faults_of(struct fault fault, unsigned step_of_n, const struct outcome *plain,
                          unsigned *nulls_seen) {
    unsigned injected = 0;
    // One of any fails as one of its kind does.
    for (unsigned mode = fault.call == ANY; mode < 2; mode++) {
        struct watch   watch;
        struct outcome outcome;
        fault.lasts = mode == 1;
        for (fault.nth = 1;; fault.nth += step_of_n) {
            must_run(&fault, &watch, &outcome);
            if (watch.uses[fault.call] < fault.nth)
                break;
            compare(plain, &outcome, &watch);
            injected += watch.injected;
            *nulls_seen += outcome.nulls;
        }
    }
    return injected;
}

static unsigned faults_in(unsigned world, unsigned step_of_n) {
    struct outcome plain;
    struct watch   watch;
    struct fault   fault = {world, NONE, 1, false};
    unsigned       sum = 0;
    char           text[200];
    must_run(&fault, &watch, &plain);
    CHECK_EQ(plain.nulls, 0);
    for (fault.call = 0; fault.call <= ANY; fault.call++) {
        unsigned nulls_seen = 0;
        if (watch.uses[fault.call] == 0)
            continue;
        unsigned injected = faults_of(fault, step_of_n, &plain, &nulls_seen);
        snprintf(text, sizeof text, "world %u: %s: %u uses, %u faults, %u calls answered NULL\n",
                 world, name_of(fault.call), watch.uses[fault.call], injected, nulls_seen);
        test_say(text);
        sum += injected;
    }
    return sum;
}

int main(int argc, char **argv) {
    unsigned sum = 0;
    if (argc > 1 && strcmp(argv[1], "--program") == 0)
        run();
    unsigned step_of_n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : STEP_DEFAULT;
    unsigned only = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : UINT32_MAX;
    CHECK(argc < 3 || only < sizeof worlds / sizeof worlds[0]);
    for (unsigned world = 0; world < sizeof worlds / sizeof worlds[0]; world++)
        if (argc < 3 || world == only)
            sum += faults_in(world, step_of_n);
    printf("%u faults injected\n", sum);
    return 0;
}
