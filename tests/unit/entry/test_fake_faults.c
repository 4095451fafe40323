// unit/entry/test_fake_faults.c - the n-th use of each function of the OS door fails, for all n.
//
// One load over the whole library, start-up included: blocks of all kinds, user heaps, a second
// thread whose cache is taken while it sleeps, fork's handlers, ends of threads, trims. It runs
// once without a fault, which tells how often each function is called, then once for each function
// and n with that call refused, and once with that and all later calls refused. Each run is a
// process of its own and has to show:
//   no block lost or changed      every block holds what was written, whatever calls failed
//   NULL only with ENOMEM         and errno untouched by what succeeds
//   recovery                      the same load goes without one NULL once nothing fails any more
//   no leak                       then what is in use, and what is mapped, is what it is without a
//                                 fault: what could not be unmapped was tried again
// PROGRAM [STEP [WORLD]] takes every STEP-th n, 1 = all, of one of the settings below; without
// WORLD, of those that are not hardened: the others, which take longest, are tests of their own.
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>

#include "conf/options.h"
#include "entry/alloc.h"
#include "entry/fork.h"
#include "entry/trim.h"
#include "heap/arena.h"
#include "heap/hardened.h"
#include "heap/huge.h"
#include "heap/user_heap.h"
#include "tests/support/fake_os.h"
#include "tests/unit/cases.h"

enum { BLOCKS = 100, STEPS = 300, ERRNO_BEFORE = 77, RUN_SECONDS = 60, STEP_DEFAULT = 1000 };

// What the run is to do, from its environment; what it tells the one that started it.
static struct fault {
    unsigned call, nth, times, world;
    uint64_t base_bytes;  // mapped_bytes where nothing failed; 0: not known yet
    uint64_t base_taken;  // slots in use then: libc keeps some for its threads to come
} fault;
struct outcome {
    unsigned count[FAKE_CALLS + 1];
    unsigned nulls;
    uint64_t end_bytes, end_taken;
};

enum { HARDENED = 3, QUARANTINE = 4 };  // have tests of their own, by number (CMakeLists.txt)
static char *worlds[][6] = {
    {"TIDE_ARENAS=2", NULL},
    {"TIDE_ARENAS=1", "TIDE_CACHE=0", "TIDE_HUGE_THRESHOLD=64K", "TIDE_HUGE_CACHE=0", NULL},
    {"TIDE_SOFT_LIMIT=4M", "TIDE_PURGE_BUDGET=0", "TIDE_BACKGROUND=1", "TIDE_THP=always",
     "TIDE_HUGE_THRESHOLD=256K", NULL},
    [HARDENED] = {"TIDE_HARDENED=1", "TIDE_QUARANTINE=off", "TIDE_RETIRED=2M", NULL},
    [QUARANTINE] = {"TIDE_HARDENED=1", "TIDE_QUARANTINE=256K", "TIDE_RETIRED=2M", "TIDE_ARENAS=2",
                    NULL},
    {"TIDE_GUARD=1/8", "TIDE_GUARD_BLOCKS=64", NULL},
};

static const char *const call_names[FAKE_CALLS + 1] = {
    [FAKE_MAP] = "os_map", [FAKE_UNMAP] = "os_unmap", [FAKE_COMMIT] = "os_commit",
    [FAKE_CONCEAL] = "os_conceal", [FAKE_HIDE] = "os_hide", [FAKE_CARRY] = "os_carry",
    [FAKE_PURGE] = "os_purge", [FAKE_AVOID_HUGE] = "os_avoid_huge_pages",
    [FAKE_PREFER_HUGE] = "os_prefer_huge_pages", [FAKE_RESIZE] = "os_resize",
    [FAKE_MOVE] = "os_move", [FAKE_BREAK] = "os_break_move", [FAKE_READ_FILE] = "os_read_file",
    [FAKE_THREAD_HOOK] = "os_thread_exit_hook", [FAKE_FORK_HOOKS] = "os_fork_hooks",
    [FAKE_THREAD_START] = "os_thread_start", [FAKE_THREAD_ASLEEP] = "os_thread_is_asleep",
    [FAKE_THREAD_RAN] = "os_thread_ran", [FAKE_COPY] = "os_copy", [FAKE_SEAL] = "os_seal",
    [FAKE_FAULT_HOOK] = "os_fault_hook", [FAKE_ANY] = "any",
};

// Before the library's own constructor, and so before its start.
__attribute__((constructor(101))) static void order_fault(void) {
    const char *order = getenv("TEST_FAULT");
    os_start();
    if (!order)
        return;
    CHECK(sscanf(order, "%u %u %u %u %lu %lu", &fault.call, &fault.nth, &fault.times, &fault.world,
                 &fault.base_bytes, &fault.base_taken) == 6);
    fake_set_environ(worlds[fault.world]);
    fake_set_huge_pages(0, MIB(2));
    fake_break_place(16, fault.world == 1 ? KIB(64) : MIB(16));
    fake_fail((enum fake_call)fault.call, fault.nth, fault.times);
}

// --- blocks -------------------------------------------------------------------------------------

static struct live {
    char             *block;
    size_t            bytes;
    uint64_t          mark;
    struct user_heap *heap;
} live[BLOCKS];
static uint64_t          random_state, next_mark;
static struct user_heap *heap;
static unsigned          nulls;
static bool              is_fair;  // nothing fails any more

static size_t below(size_t bound) {
    return (size_t)(test_random(&random_state) % bound);
}

static size_t random_bytes(void) {
    static const size_t most[] = {100,   2000,     2000,     40000,    40000, 40000,
                                  40000, KIB(200), KIB(200), KIB(500), MIB(2)};
    return 1 + below(most[below(ARRAY_COUNT(most))]);
}

// A mark in the first and last bytes and once a page: shifted or foreign content never passes.
static void mark_at(const struct live *one, size_t at, bool writes) {
    uint64_t word = one->mark + at;
    size_t   bytes = min_size(one->bytes - at, sizeof word);
    if (writes)
        memcpy(one->block + at, &word, bytes);
    CHECK(memcmp(one->block + at, &word, bytes) == 0);
}

static void marks(const struct live *one, size_t end, bool writes) {
    for (size_t at = 0; at < end; at += 4096)
        mark_at(one, at, writes);
}

static void write_marks(struct live *one) {
    one->mark = next_mark += 100000000;
    marks(one, one->bytes, true);
}

static void set(struct live *one, char *block, size_t bytes, struct user_heap *owner) {
    *one = (struct live){block, bytes, 0, owner};
    write_marks(one);
}

// What a call answered: NULL says ENOMEM and is no answer when nothing fails.
static bool is_served(const void *block) {
    CHECK_EQ(errno, block ? ERRNO_BEFORE : ENOMEM);
    CHECK(block || !is_fair);
    nulls += block == NULL;
    return block != NULL;
}

static void take(struct live *one) {
    struct alloc_request request = {.bytes = random_bytes(), .alignment = 1};
    char                *block;
    request.zero = below(2) == 0;
    if (below(6) == 0)
        request.alignment = (size_t)1 << below(18);
    else if (heap && below(5) == 0)
        request.heap = heap;
    errno = ERRNO_BEFORE;
    if (request.alignment == 1 && !request.zero && !request.heap)
        block = alloc_fast(request.bytes, (void **)&block) ? block : alloc_slow(request.bytes);
    else
        block = alloc_any(&request);
    if (!is_served(block))
        return;
    CHECK(is_aligned((uintptr_t)block, request.alignment));
    for (size_t at = 0; request.zero && at < request.bytes; at += 512)
        CHECK(block[at] == 0);
    set(one, block, request.bytes, request.heap);
}

static void give(struct live *one) {
    marks(one, one->bytes, false);
    errno = ERRNO_BEFORE;
    if (!alloc_free_fast(one->block))
        alloc_free("free", one->block);
    CHECK_EQ(errno, ERRNO_BEFORE);
    one->block = NULL;
}

static void resize(struct live *one) {
    size_t bytes = below(2) ? random_bytes() : one->bytes + below(one->bytes + 100);
    errno = ERRNO_BEFORE;
    char *block = alloc_resize("realloc", one->block, bytes, false);
    if (!is_served(block)) {
        marks(one, one->bytes, false);
        return;
    }
    size_t kept = min_size(one->bytes, bytes);
    *one = (struct live){block, bytes, one->mark, one->heap};
    for (size_t at = 0; at + sizeof(uint64_t) <= kept; at += 4096)
        mark_at(one, at, false);
    write_marks(one);
}

// --- what else happens --------------------------------------------------------------------------

static void drop_heap(void) {
    for (unsigned i = 0; i < BLOCKS; i++) {
        if (live[i].block && live[i].heap) {
            marks(&live[i], live[i].bytes, false);
            live[i].block = NULL;
        }
    }
    if (heap)
        user_heap_destroy(heap);
    heap = NULL;
}

static sem_t is_asleep, may_wake;

static void sleep_once(void *const *blocks, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        if (blocks[i])
            alloc_free("free", blocks[i]);
    sem_post(&is_asleep);
    sem_wait(&may_wake);
}

// Number 2 fills its cache, sleeps while that is taken, allocates again, and ends.
static void *sleeper(void *argument) {
    void *blocks[40];
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < ARRAY_COUNT(blocks); i++)
            blocks[i] = alloc_slow(100 + i);
        *(uintptr_t *)argument = (uintptr_t)__builtin_frame_address(0) - 512;
        sleep_once(blocks, ARRAY_COUNT(blocks));
    }
    fake_thread_exit();
    return NULL;
}

static void park_another(void) {
    uintptr_t stack = 0;
    pthread_t thread;
    fake_set_thread(2);
    if (pthread_create(&thread, NULL, sleeper, &stack) == 0) {
        for (unsigned round = 0; round < 2; round++) {
            sem_wait(&is_asleep);
            fake_set_thread(1);
            fake_sleep(2, stack);
            trim_all(0);
            fake_sleep(2, 0);
            fake_set_thread(2);
            sem_post(&may_wake);
        }
        CHECK_EQ(pthread_join(thread, NULL), 0);
    }
    fake_set_thread(1);
}

// The end of this thread, and another one's begin.
static void end_thread(void) {
    fake_thread_exit();
    thread_root.phase = THREAD_NEW;
}

static void fork_twice(void) {
    fork_prepare();
    fork_parent();
    fork_prepare();
    fork_child();
}

static void rare_step(void) {
    static void (*const steps[])(void) = {park_another, fork_twice, end_thread, drop_heap};
    size_t which = below(10);
    if (which < ARRAY_COUNT(steps))
        steps[which]();
    else if (which < 7)
        fake_advance(below(3000) * 1000000);
    else if (which < 9)
        trim_all(below(100000));
    else if (!heap)
        heap = user_heap_new();
    fake_set_cpu((unsigned)below(4));
}

static void step(void) {
    struct live *one = &live[below(BLOCKS)];
    if (below(12) == 0)
        rare_step();
    else if (!one->block)
        take(one);
    else if (below(3) == 0)
        resize(one);
    else
        give(one);
}

static void load(uint64_t seed) {
    random_state = seed;
    for (unsigned i = 0; i < STEPS; i++)
        step();
    for (unsigned i = 0; i < BLOCKS; i++)
        if (live[i].block)
            give(&live[i]);
    drop_heap();
    end_thread();
    trim_all(0);
}

// --- one run ------------------------------------------------------------------------------------

static uint64_t taken_slots(void) {
    uint64_t taken = counters_process.value[COUNTER_guarded_blocks];
    for (unsigned i = 0; i < arena_limit(); i++) {
        struct arena *arena = arena_at(i);
        for (unsigned id = SMALL_CLASS_FIRST; arena && id <= SMALL_CLASS_LAST; id++)
            taken += arena->bins[id].taken;
    }
    return taken;
}

// Records are for ever, how many at a time depends on what failed: only kept from growing.
static uint64_t mapped_bytes(void) {
    return fake_mapped_bytes() - fake_mapped_as("tidemalloc meta");
}

static void check_empty(struct outcome *outcome) {
    struct counters totals = {{0}};
    if (hardened_is_on() && hardened_flush())
        trim_all(0);
    arena_check();
    caches_count(&totals);
    CHECK_EQ(totals.value[COUNTER_cached_bytes], 0);
    CHECK_EQ(huge_cached_count(), 0);
    outcome->end_taken = taken_slots();
    outcome->end_bytes = mapped_bytes();
    if (fault.base_bytes) {
        // Without the data segment what libc keeps stands in a region; idle slabs between fences.
        size_t region = fault.call == FAKE_BREAK || fault.call == FAKE_ANY ? MIB(64) : 0;
        region += hardened_is_on() ? MIB(4) : 0;
        CHECK_EQ(outcome->end_taken, fault.base_taken);
        CHECK_LE(outcome->end_bytes, fault.base_bytes + region);
    }
}

// The store of records may have its next chunk yet to come; more than that is growth. Hardened, the
// slabs and fences drawn make half a MiB more or less each time: only 50 KiB a time end above all.
static void check_stops_growing(void) {
    size_t rounds = hardened_is_on() ? 10 : 3, most = fake_mapped_bytes(), least = SIZE_MAX;
    for (size_t i = 0; i < 2 * rounds; i++) {
        load(1);
        if (i < rounds)
            most = max_size(most, fake_mapped_bytes());
        else
            least = min_size(least, fake_mapped_bytes());
    }
    CHECK_LE(least, most);
}

static void run(void) {
    struct outcome outcome = {{0}, 0, 0, 0};
    test_watchdog(RUN_SECONDS);
    sem_init(&is_asleep, 0, 0);
    sem_init(&may_wake, 0, 0);
    load(1);
    for (unsigned call = 0; call <= FAKE_ANY; call++)
        outcome.count[call] = fake_count((enum fake_call)call);
    outcome.nulls = nulls;
    fake_fail((enum fake_call)fault.call, 1, 0);
    is_fair = true;
    load(1);
    check_empty(&outcome);
    if (fault.times > 1)
        check_stops_growing();
    CHECK(write(STDOUT_FILENO, &outcome, sizeof outcome) == sizeof outcome);
    _exit(0);
}

// --- all runs -----------------------------------------------------------------------------------

static bool run_in(const char *program, const struct fault *order, struct outcome *outcome) {
    int  ends[2], status = 0;
    char text[100];
    CHECK_EQ(pipe(ends), 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        snprintf(text, sizeof text, "TEST_FAULT=%u %u %u %u %lu %lu", order->call, order->nth,
                 order->times, order->world, order->base_bytes, order->base_taken);
        char *const environment[] = {text, NULL};
        char *const arguments[] = {(char *)program, NULL};
        dup2(ends[1], STDOUT_FILENO);
        execve("/proc/self/exe", arguments, environment);
        _exit(126);
    }
    close(ends[1]);
    ssize_t got = read(ends[0], outcome, sizeof *outcome);
    close(ends[0]);
    CHECK(waitpid(pid, &status, 0) == pid);
    return status == 0 && got == sizeof *outcome;
}

static void fault_of(const char *program, struct fault order, struct outcome *outcome) {
    char text[200];
    if (run_in(program, &order, outcome))
        return;
    snprintf(text, sizeof text, "%s, use %u and %u after it, world %u: see above\n",
             call_names[order.call], order.nth, order.times - 1, order.world);
    test_say(text);
    _exit(TEST_FAILED);
}

// Once alone, and once with all that follow. Ends when there is no n-th use any more.
static unsigned faults_of(const char *program, struct fault order, unsigned uses,
                          unsigned step_of_n, unsigned *nulls_seen) {
    unsigned done = 0;
    // One of any fails as one of its kind does.
    for (unsigned mode = order.call == FAKE_ANY; mode < 2; mode++) {
        struct outcome outcome;
        order.times = mode == 0 ? 1 : UINT32_MAX;
        for (order.nth = 1; step_of_n == 1 || order.nth <= uses; order.nth += step_of_n) {
            fault_of(program, order, &outcome);
            if (outcome.count[order.call] < order.nth)
                break;
            *nulls_seen += outcome.nulls;
            done++;
        }
    }
    return done;
}

static unsigned faults_in(const char *program, unsigned world, unsigned step_of_n) {
    unsigned       sum = 0;
    struct outcome plain;
    struct fault   order = {0, 1, 0, world, 0, 0};
    fault_of(program, order, &plain);
    CHECK_EQ(plain.nulls, 0);
    order.base_bytes = plain.end_bytes;
    order.base_taken = plain.end_taken;
    for (order.call = 0; order.call <= FAKE_ANY; order.call++) {
        char     text[200];
        unsigned nulls_seen = 0;
        if (plain.count[order.call] == 0 || order.call == FAKE_AVOID_HUGE ||
            order.call == FAKE_PREFER_HUGE)
            continue;  // these two have no result to fail with
        unsigned done = faults_of(program, order, plain.count[order.call], step_of_n, &nulls_seen);
        snprintf(text, sizeof text, "world %u: %s: %u uses, %u faults, %u calls answered NULL\n",
                 world, call_names[order.call], plain.count[order.call], done, nulls_seen);
        test_say(text);
        sum += done;
    }
    return sum;
}

int main(int argc, char **argv) {
    unsigned step_of_n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : STEP_DEFAULT;
    unsigned only = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : UINT32_MAX;
    unsigned sum = 0;
    char     text[100];
    if (getenv("TEST_FAULT"))
        run();
    CHECK(argc < 3 || only < ARRAY_COUNT(worlds));
    for (unsigned world = 0; world < ARRAY_COUNT(worlds); world++)
        if (argc < 3 ? world != HARDENED && world != QUARANTINE : world == only)
            sum += faults_in(argv[0], world, step_of_n);
    snprintf(text, sizeof text, "%u runs with a fault\n", sum);
    test_say(text);
    return 0;
}
