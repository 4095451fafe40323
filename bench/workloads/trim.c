// bench/workloads/trim.c - how long a thread's calls wait while another thread trims the heap.
//
// Both threads fill half of 300 MiB, and free every second block of it: the heap has work for
// malloc_trim in every arena. Then, for a tenth of a second, the first calls malloc_trim, and the
// second times each malloc and free of a random replacement. When that is over, the first trims
// twice in a row, alone. trim_absent is the same without the trims, so that what the machine does
// to a call can be told from what a trim does. Reported, medians over the steps in microseconds:
//
//   wait_us, wait_most_us    the slowest call of a step; of all steps
//   trim_us, second_trim_us  the trim beside the other thread; the last one
//   preempted                calls of more than 20 us left out, in all: the thread had lost its
//                            processor to another meanwhile, against its will
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>

#include "harness/process.h"
#include "workloads/histogram.h"
#include "workloads/pool.h"

enum { WINDOW_NS = 100000000, SUSPECT_NS = 20000, STEPS_MOST = 64 };
enum { LEAST = 16, MOST = 64 * KIB, SLOTS = 65536, BESIDE = 1024, BESIDE_MOST = 8 * KIB };
#define HALF_BYTES (150 * (size_t)MIB)

// libc's own where an allocator has none; not every libc has one.
extern int malloc_trim(size_t pad) __attribute__((weak));

static struct trial {
    pthread_barrier_t meet;  // both threads, between the parts of a step
    atomic_bool       over;  // rank 0 -> rank 1: the window is; nothing else goes with it
    bool              trims;
    unsigned          steps;                   // of rank 1
    uint64_t          wait_ns[STEPS_MOST];     // by rank 1
    uint64_t          trim_ns[2][STEPS_MOST];  // by rank 0
    uint64_t          preempted;               // by rank 1
    struct slot       beside[BESIDE];          // of rank 1
} trial;

static void *setup(unsigned threads, bool trims) {
    workload_check(malloc_trim != NULL, "this libc has no malloc_trim");
    errno = pthread_barrier_init(&trial.meet, NULL, threads);
    if (errno != 0)
        process_fail("pthread_barrier_init");
    trial.trims = trims;
    return pool_new(threads, SLOTS);
}

static void *setup_beside(unsigned threads) {
    return setup(threads, true);
}

static void *setup_absent(unsigned threads) {
    return setup(threads, false);
}

static uint64_t fill(struct slot *slots, size_t count, struct bench_thread *thread) {
    uint64_t used = 0;
    for (size_t filled = 0; filled < HALF_BYTES; used++) {
        workload_check(used < count, "more blocks than the trial has slots");
        size_t bytes = random_size(thread, LEAST, MOST);
        slot_fill(&slots[used], bytes);
        filled += bytes;
    }
    return used;
}

static void empty(struct slot *slots, uint64_t used, uint64_t stride) {
    for (uint64_t i = 0; i < used; i += stride)
        slot_empty(&slots[i]);
}

static uint64_t trim_once(void) {
    uint64_t begin = now_ns();
    malloc_trim(0);
    return now_ns() - begin;
}

// Rank 0: the trim, then what is left of the window, in which it keeps its processor.
static void window_trim(unsigned step) {
    uint64_t end = now_ns() + WINDOW_NS;
    if (trial.trims)
        trial.trim_ns[0][step] = trim_once();
    while (now_ns() < end)
        continue;
    atomic_store_explicit(&trial.over, true, memory_order_relaxed);
}

static void trim_alone(unsigned step) {
    if (!trial.trims)
        return;
    trim_once();
    trial.trim_ns[1][step] = trim_once();
}

static uint64_t preemptions(void) {
    struct rusage usage;
    if (getrusage(RUSAGE_THREAD, &usage) != 0)
        process_fail("getrusage");
    return (uint64_t)usage.ru_nivcsw;
}

// Rank 1: how long a replacement took, from its two calls the slower one.
static uint64_t replace_ns(struct slot *slot, size_t bytes) {
    uint64_t begin = now_ns();
    free(slot->block);
    uint64_t freed = now_ns();
    void    *block = malloc(bytes);
    uint64_t done = now_ns();
    slot_take(slot, block, bytes);
    return freed - begin > done - freed ? freed - begin : done - freed;
}

static uint64_t window_beside(unsigned step, struct bench_thread *thread) {
    uint64_t calls = 0, most = 0, before = preemptions();
    while (!atomic_load_explicit(&trial.over, memory_order_relaxed)) {
        struct slot *slot = &trial.beside[random_below(thread, BESIDE)];
        uint64_t     ns = replace_ns(slot, random_size(thread, LEAST, BESIDE_MOST));
        calls++;
        if (ns <= SUSPECT_NS || ns <= most)
            continue;
        uint64_t now = preemptions();
        trial.preempted += now != before;
        most = now != before ? most : ns;
        before = now;
    }
    trial.wait_ns[step] = most;
    trial.steps = step + 1 > trial.steps ? step + 1 : trial.steps;
    return calls;
}

static uint64_t step(void *state, struct bench_thread *thread) {
    struct pool *pool = state;
    struct slot *slots = pool_part(pool, thread);
    unsigned     number = (unsigned)thread->scratch[0]++ % STEPS_MOST;
    uint64_t     used = fill(slots, pool->each, thread), calls = 0;
    for (unsigned i = 0; thread->rank == 1 && i < BESIDE; i++)
        if (!trial.beside[i].block)
            slot_fill(&trial.beside[i], random_size(thread, LEAST, BESIDE_MOST));
    empty(slots, used, 2);
    atomic_store_explicit(&trial.over, false, memory_order_relaxed);  // the barrier publishes it
    pthread_barrier_wait(&trial.meet);
    if (thread->rank == 0)
        window_trim(number);
    else
        calls = window_beside(number, thread);
    pthread_barrier_wait(&trial.meet);
    if (thread->rank == 0)
        trim_alone(number);
    pthread_barrier_wait(&trial.meet);
    empty(slots, used, 1);
    return used + calls;
}

static int by_size(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

// Sorts them.
static double median_us(uint64_t *ns, unsigned count) {
    qsort(ns, count, sizeof *ns, by_size);
    return (double)(ns[(count - 1) / 2] + ns[count / 2]) / 2 / 1e3;
}

static void counters(void *state, struct counter_sink *sink) {
    (void)state;
    sink->put(sink, "wait_us", median_us(trial.wait_ns, trial.steps));
    sink->put(sink, "wait_most_us", (double)trial.wait_ns[trial.steps - 1] / 1e3);
    sink->put(sink, "preempted", (double)trial.preempted);
    if (!trial.trims)
        return;
    sink->put(sink, "trim_us", median_us(trial.trim_ns[0], trial.steps));
    sink->put(sink, "second_trim_us", median_us(trial.trim_ns[1], trial.steps));
}

static void teardown(void *state) {
    for (unsigned i = 0; i < BESIDE; i++)
        slot_empty(&trial.beside[i]);
    pthread_barrier_destroy(&trial.meet);
    pool_free(state);
}

const struct workload workload_trim_beside = {
    .name = "trim_beside",
    .family = "trim",
    .pattern = "A server that trims on a timer: malloc_trim of 300 MiB while another thread "
               "allocates",
    .threads = ON_2,
    .steps = 10,
    .churn = 5 * 310 * (uint64_t)MIB,
    .solo = true,
    .apart = true,
    .setup = setup_beside,
    .step = step,
    .counters = counters,
    .teardown = teardown,
};

const struct workload workload_trim_absent = {
    .name = "trim_absent",
    .family = "trim",
    .pattern = "The same without the trim: what the machine does to a call",
    .threads = ON_2,
    .steps = 10,
    .churn = 5 * 310 * (uint64_t)MIB,
    .solo = true,
    .apart = true,
    .setup = setup_absent,
    .step = step,
    .counters = counters,
    .teardown = teardown,
};
