// unit/local/test_thread.c - real threads: birth, exit, churn, frees after the exit, blocks that
// wander.
#include "local/thread.h"

#include <pthread.h>
#include <sched.h>

#include "os/os.h"
#include "tests/unit/cases.h"
#include "tests/unit/local/caches.h"

enum { THREADS = 4, BLOCKS = 20000, RING = 256 };

static const class_id id = 4;  // 64 bytes a slot

static void start(void) {
    os_start();
    arena_start(4, UINT64_C(2000000000), os_now_ns());
    CHECK(thread_hooks());
}

static void *take(void) {
    struct cache *cache = caches_mine();
    void         *slot = NULL;
    if (cache)
        return caches_take(cache, id);
    return arena_take(id, &slot, 1) ? slot : NULL;
}

static void give(void *slot) {
    struct cache *cache = caches_mine();
    if (cache)
        caches_give(cache, id, slot);
    else
        arena_give("free", id, &slot, 1);
}

static uint64_t out_of_bins(void) {
    uint64_t sum = 0;
    arena_trim(0);
    arena_check();
    for (unsigned i = 0; i < arena_limit(); i++)
        sum += arena_at(i) ? arena_at(i)->bins[id].taken : 0;
    return sum;
}

static void run(void *(*body)(void *), void *argument) {
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, body, argument), 0);
    pthread_join(thread, NULL);
}

// --- birth and exit -----------------------------------------------------------------------------

static void *allocate_and_free(void *cache_seen) {
    void *slots[500];
    CHECK(thread_root.cache == CACHE_NONE && thread_root.phase == THREAD_NEW);
    for (unsigned i = 0; i < 500; i++)
        slots[i] = take();
    for (unsigned i = 0; i < 500; i++)
        give(slots[i]);
    CHECK_EQ(thread_root.phase, THREAD_LIVE);
    *(struct cache **)cache_seen = thread_root.cache;
    CHECK(caches_held(thread_root.cache, id) > 0);
    return NULL;
}

// What a thread held comes back when it ends, and its cache serves the next one.
static void exits_drain(void) {
    struct cache *first, *next;
    start();
    run(allocate_and_free, &first);
    CHECK_EQ(caches_slots(id), 0);
    CHECK_EQ(out_of_bins(), 0);
    for (unsigned i = 0; i < 200; i++) {
        run(allocate_and_free, &next);
        CHECK(next == first);
    }
    CHECK_EQ(out_of_bins(), 0);
}

// --- late frees ---------------------------------------------------------------------------------

static pthread_key_t late_key;
static unsigned      late_calls, bare_calls;
static void         *late_slots[16];
static struct cache *late_cache;

// A destructor of thread-specific data runs before and after the exit hook, in rounds.
static void late_free(void *value) {
    uintptr_t left = (uintptr_t)value;
    give(late_slots[late_calls++]);
    void *slot = take();
    CHECK(slot != NULL);
    give(slot);
    if (thread_root.phase == THREAD_BARE) {
        bare_calls++;
        CHECK(thread_root.cache == CACHE_NONE);
        CHECK_EQ(late_cache->seat->state, CACHE_UNUSED);
    }
    if (left > 1)
        pthread_setspecific(late_key, (void *)(left - 1));
}

static void *leave_late_frees(void *unused) {
    for (unsigned i = 0; i < 16; i++)
        late_slots[i] = take();
    late_cache = thread_root.cache;
    pthread_setspecific(late_key, (void *)3);
    return unused;
}

static void late_frees_are_served_bare(void) {
    start();
    CHECK_EQ(pthread_key_create(&late_key, late_free), 0);
    run(leave_late_frees, NULL);
    CHECK_EQ(late_calls, 3);
    CHECK(bare_calls >= 2);  // the first round may come before the hook
    CHECK_EQ(caches_slots(id), 0);
    CHECK_EQ(out_of_bins(), 16 - late_calls);
}

// --- blocks that wander -------------------------------------------------------------------------

static struct ring {
    void    *slots[RING];
    unsigned head, tail;  // written by the giver / the taker
} rings[THREADS];
static pthread_barrier_t barrier;
static unsigned          finished;

static bool ring_put(struct ring *ring, void *slot) {
    unsigned head = ring->head;
    if (head - __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) == RING)
        return false;
    ring->slots[head % RING] = slot;
    __atomic_store_n(&ring->head, head + 1, __ATOMIC_RELEASE);
    return true;
}

static void *ring_get(struct ring *ring) {
    unsigned tail = ring->tail;
    if (__atomic_load_n(&ring->head, __ATOMIC_ACQUIRE) == tail)
        return NULL;
    void *slot = ring->slots[tail % RING];
    __atomic_store_n(&ring->tail, tail + 1, __ATOMIC_RELEASE);
    return slot;
}

static void free_one(struct ring *ring, unsigned *got) {
    uint64_t *slot = ring_get(ring);
    if (!slot) {
        sched_yield();
        return;
    }
    CHECK(test_is_filled(slot + 1, 56, slot[0]));
    give(slot);
    ++*got;
}

// Every thread frees what its neighbour allocated.
static void *pass_on(void *argument) {
    uintptr_t number = (uintptr_t)argument;
    unsigned  put = 0, got = 0;
    uint64_t *slot = NULL;
    pthread_barrier_wait(&barrier);
    while (put < BLOCKS || got < BLOCKS) {  // trims go on meanwhile
        if (put < BLOCKS && !slot) {
            slot = take();
            CHECK(slot != NULL);
            slot[0] = number * BLOCKS + put;
            test_fill(slot + 1, 56, slot[0]);
        }
        if (slot && ring_put(&rings[number], slot)) {
            slot = NULL;
            put++;
        }
        if (got < BLOCKS)
            free_one(&rings[(number + 1) % THREADS], &got);
    }
    __atomic_add_fetch(&finished, 1, __ATOMIC_RELAXED);
    return NULL;
}

static void blocks_wander(void) {
    pthread_t threads[THREADS];
    start();
    pthread_barrier_init(&barrier, NULL, THREADS);
    for (uintptr_t i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, pass_on, (void *)i), 0);
    while (PEEK(&finished) < THREADS) {
        arena_trim(0);
        arena_check();
        sched_yield();
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(caches_slots(id), 0);
    CHECK_EQ(out_of_bins(), 0);
}

int main(void) {
    CASE(exits_drain);
    CASE(late_frees_are_served_bare);
    CASE(blocks_wander);
    return 0;
}
