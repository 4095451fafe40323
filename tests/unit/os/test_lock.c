// unit/os/test_lock.c - one at a time, nobody sleeps for ever, and the order of locks is kept.
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include "os/lock.h"
#include "tests/support/death.h"
#include "tests/support/test.h"

// --- exclusion
// ------------------------------------------------------------------------------------

enum { THREADS = 4, ROUNDS = 100000 };
static struct lock lock = LOCK_INIT(RANK_BIN);
static uint64_t    counter, tries_won;  // plain: the lock is what makes them right
static unsigned    inside;

static void enter_and_leave(void) {
    CHECK_EQ(__atomic_fetch_add(&inside, 1, __ATOMIC_RELAXED), 0);
    counter++;
    __atomic_fetch_sub(&inside, 1, __ATOMIC_RELAXED);
}

static void *brief_worker(void *argument) {
    (void)argument;
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (i % 2 || !lock_try(&lock))
            lock_acquire_brief(&lock);
        CHECK(lock_is_held(&lock));
        enter_and_leave();
        if (i % 1024 == 0)
            sched_yield();
        lock_release_brief(&lock);
    }
    return NULL;
}

static void *worker(void *argument) {
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (argument && i % 2) {
            if (!lock_try(&lock))
                continue;
            tries_won++;
        } else {
            lock_acquire(&lock);
        }
        CHECK(lock_is_held(&lock));
        enter_and_leave();
        if (i % 1024 == 0)
            sched_yield();  // let others run into the held lock, and sleep
        lock_release(&lock);
    }
    return NULL;
}

static void run_workers(unsigned spins, bool with_tries) {
    pthread_t threads[THREADS];
    counter = tries_won = 0;
    lock_set_spin(spins);
    for (unsigned i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, worker, with_tries ? &lock : NULL), 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    uint64_t acquired = with_tries ? THREADS * (uint64_t)ROUNDS / 2 : THREADS * (uint64_t)ROUNDS;
    CHECK_EQ(counter, acquired + tries_won);
    CHECK_EQ(lock.state, 0);
}

// Nobody is woken, and nobody sleeps for ever.
static void run_brief(unsigned spins) {
    pthread_t threads[THREADS];
    counter = 0;
    lock_set_spin(spins);
    for (unsigned i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, brief_worker, NULL), 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(counter, THREADS * (uint64_t)ROUNDS);
    CHECK_EQ(lock.state, 0);
}

static void test_try(void) {
    struct lock mine;
    lock_init(&mine, RANK_HUGE);
    CHECK(mine.state == 0 && mine.rank == RANK_HUGE);
    CHECK(lock_try(&mine));
    CHECK(!lock_try(&mine));
    lock_release(&mine);
    CHECK(lock_try(&mine));
    lock_release(&mine);
}

// --- fork
// -----------------------------------------------------------------------------------------

static void *hold_for_ever(void *argument) {
    lock_acquire(argument);
    for (;;)
        sched_yield();
    return NULL;
}

// In the child of a process in which another thread holds the lock, and others sleep on it.
static void reset_in_child(void *argument) {
    struct lock *held = argument;
    lock_reset_in_child(held);
    lock_assert_none_held();
    lock_acquire(held);
    lock_release(held);
}

static void test_reset_in_child(void) {
    static struct lock foreign = LOCK_INIT(RANK_BIN), own = LOCK_INIT(RANK_HUGE);
    pthread_t          thread;
    struct death       death;
    CHECK_EQ(pthread_create(&thread, NULL, hold_for_ever, &foreign), 0);
    while (PEEK(&foreign.state) == 0)
        sched_yield();
    death_run(reset_in_child, &foreign, &death);
    CHECK(!death.hung && death.signal == 0 && death.status == 0);

    lock_acquire(&own);  // as fork's prepare does
    death_run(reset_in_child, &own, &death);
    CHECK(!death.hung && death.signal == 0 && death.status == 0);
    lock_release(&own);
}

// --- signal handlers
// --------------------------------------------------------------------------------

static bool reentered;

static void on_signal(int number) {
    (void)number;
    reentered = lock_is_reentered();
}

static bool handler_says(void) {
    CHECK_EQ(raise(SIGUSR1), 0);
    return reentered;
}

// In the child of a fork whose prepare took it.
static void is_free_in_child(void *argument) {
    CHECK(handler_says());
    lock_reset_in_child(argument);
    CHECK(handler_says());  // others are not made new yet
    lock_fork_over();
    CHECK(!handler_says());
}

static void test_reentered(void) {
    static struct lock lower = LOCK_INIT(RANK_PAGE_HEAP), upper = LOCK_INIT(RANK_BIN);
    struct death       death;
    CHECK(signal(SIGUSR1, on_signal) != SIG_ERR);
    CHECK(!handler_says());
    lock_acquire(&upper);
    CHECK(handler_says());
    CHECK(lock_try(&lower) && handler_says());
    lock_release(&lower);
    CHECK(handler_says());
    lock_fork_begin();  // handlers of others may allocate
    CHECK(!handler_says());
    lock_fork_end();
    CHECK(handler_says());
    death_run(is_free_in_child, &upper, &death);
    CHECK(!death.hung && death.signal == 0 && death.status == 0);
    lock_release(&upper);
    CHECK(!handler_says());
}

static void test_failed_try(void) {
    static struct lock foreign = LOCK_INIT(RANK_BIN);
    pthread_t          thread;
    CHECK_EQ(pthread_create(&thread, NULL, hold_for_ever, &foreign), 0);
    while (PEEK(&foreign.state) == 0)
        sched_yield();
    CHECK(!lock_try(&foreign) && !lock_try_spinning(&foreign));
    CHECK(!handler_says());
}

// --- the order
// ------------------------------------------------------------------------------------

static struct lock bin_a = LOCK_INIT(RANK_BIN), bin_b = LOCK_INIT(RANK_BIN);
static struct lock heap = LOCK_INIT(RANK_PAGE_HEAP), arenas = LOCK_INIT(RANK_ARENAS);

static void good_order(void *argument) {
    (void)argument;
    lock_assert_none_held();
    lock_acquire(&arenas);
    lock_acquire(&bin_a);
    lock_acquire_peer(&bin_b);
    CHECK(lock_is_held(&bin_a) && lock_is_held(&bin_b));
    lock_acquire(&heap);
    lock_release(&arenas);  // any order of release
    lock_release(&bin_a);
    lock_release(&heap);
    lock_release(&bin_b);
    lock_assert_none_held();
}

static void upwards(void *argument) {
    (void)argument;
    lock_acquire(&heap);
    lock_acquire(&bin_a);
}

static void same_rank(void *argument) {
    (void)argument;
    lock_acquire(&bin_a);
    lock_acquire(&bin_b);
}

static void peer_upwards(void *argument) {
    (void)argument;
    lock_acquire(&bin_a);
    lock_acquire(&heap);
    lock_acquire_peer(&bin_b);
}

static void try_upwards(void *argument) {
    (void)argument;
    lock_acquire(&bin_a);
    lock_try(&arenas);
}

static void release_of_free(void *argument) {
    (void)argument;
    lock_release(&bin_a);
}

static void held_around_call(void *argument) {
    (void)argument;
    lock_acquire(&heap);
    lock_assert_none_held();
}

static const struct {
    void (*body)(void *);
    const char *line;
} violations[] = {
    {upwards, "tidemalloc: internal error: lock \"bin\" taken while \"page heap\" is held"},
    {same_rank, "tidemalloc: internal error: lock \"bin\" taken while \"bin\" is held"},
    {peer_upwards, "tidemalloc: internal error: lock \"bin\" taken while \"page heap\" is held"},
    {try_upwards, "tidemalloc: internal error: lock \"arenas\" taken while \"bin\" is held"},
    {release_of_free,
     "tidemalloc: internal error: lock \"bin\" released by a thread that does not hold it"},
    {held_around_call, "tidemalloc: internal error: lock \"page heap\" held around a system call"},
};

// The debug build stops each violation; a release lets it pass, and pays nothing for it.
static void test_order(void) {
    struct death death;
    death_run(good_order, NULL, &death);
    CHECK(death.signal == 0 && death.status == 0);
    for (unsigned i = 0; i < ARRAY_COUNT(violations); i++) {
        if (config_debug) {
            CHECK(death_expect(violations[i].body, NULL, violations[i].line));
            continue;
        }
        death_run(violations[i].body, NULL, &death);
        CHECK(death.signal == 0 && death.status == 0 && death.text[0] == 0);
    }
    if (!config_debug)
        CHECK(lock_is_held(&bin_a));
    else
        CHECK(!lock_is_held(&bin_a));
}

int main(void) {
    test_watchdog(100);
    test_order();  // first: it forks, and is alone so far
    test_reentered();
    test_try();
    run_workers(0, false);
    run_workers(100, false);
    run_workers(10, true);
    run_brief(0);
    run_brief(100);
    test_reset_in_child();
    test_failed_try();
    return 0;
}
