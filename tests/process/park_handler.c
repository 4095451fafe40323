// tests/process/park_handler.c - a signal handler interrupts malloc or free between two of their
// instructions and sleeps: the thread is asleep, yet its cache is in use. Trims must see it.
// Handlers run on the thread's own stack, on a signal stack, and on a signal stack that lies in the
// thread's own. No handler sleeps for long: it may have interrupted a slow path that holds a lock,
// which the trim then waits for.
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>

#include "tests/support/park.h"

enum { STACKS = 3, ROUNDS = 300, LIVE = 16, STACK = 64 << 10 };

static int      pipes[2];
static uint32_t asleep, started;
static bool     over;

static void on_signal(int number) {
    int           before = errno;
    char          byte;
    struct pollfd end = {.fd = pipes[0], .events = POLLIN};
    (void)number;
    __atomic_store_n(&asleep, 1, __ATOMIC_RELEASE);
    if (poll(&end, 1, 5) == 1 && read(end.fd, &byte, 1) < 0)
        CHECK_EQ(errno, EAGAIN);
    errno = before;
}

static void use_signal_stack(void *memory) {
    stack_t stack = {.ss_sp = memory, .ss_size = STACK};
    CHECK_EQ(sigaltstack(&stack, NULL), 0);
}

static void churn(uint64_t random) {
    uint64_t *blocks[LIVE] = {NULL};
    uint64_t  count = 0;
    __atomic_store_n(&started, 1, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
        unsigned i = test_random(&random) % LIVE;
        if (blocks[i]) {
            CHECK_EQ(*blocks[i], (uintptr_t)&blocks[i]);
            free(blocks[i]);
        }
        blocks[i] = malloc(64);
        CHECK(blocks[i] != NULL);
        for (unsigned other = 0; other < LIVE; other++)
            CHECK(other == i || blocks[other] != blocks[i]);
        *blocks[i] = (uintptr_t)&blocks[i];
        count++;
    }
    for (unsigned i = 0; i < LIVE; i++)
        free(blocks[i]);
    CHECK(count > 0);
}

static void *work(void *argument) {
    static char far_stack[STACK] __attribute__((aligned(16)));
    char        near_stack[STACK] __attribute__((aligned(16)));
    near_stack[0] = 0;
    if ((uintptr_t)argument == 1)
        use_signal_stack(far_stack);
    else if ((uintptr_t)argument == 2)
        use_signal_stack(near_stack);
    churn((uintptr_t)argument + 1);
    stack_t off = {.ss_flags = SS_DISABLE};
    CHECK_EQ(sigaltstack(&off, NULL), 0);
    return NULL;
}

static void wait_for(const uint32_t *flag) {
    while (!__atomic_load_n(flag, __ATOMIC_ACQUIRE))
        usleep(20);
}

static bool interrupt_and_trim(pthread_t thread) {
    char late;
    while (read(pipes[0], &late, 1) == 1)  // of a round whose handler did not wait for it
        ;
    __atomic_store_n(&asleep, 0, __ATOMIC_RELAXED);
    CHECK_EQ(pthread_kill(thread, SIGUSR1), 0);
    wait_for(&asleep);
    malloc_trim(0);
    malloc_trim(0);
    bool taken = park_figure("threads") == 1;
    CHECK(write(pipes[1], "", 1) == 1);
    return taken;
}

static unsigned run(uintptr_t stack) {
    pthread_t thread;
    unsigned  taken = 0;
    over = false;
    started = 0;
    CHECK_EQ(pthread_create(&thread, NULL, work, (void *)stack), 0);
    wait_for(&started);
    for (unsigned i = 0; i < ROUNDS; i++)
        taken += interrupt_and_trim(thread);
    __atomic_store_n(&over, true, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    return taken;
}

int main(void) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART | SA_ONSTACK};
    test_watchdog(120);
    test_need_tide();
    CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    CHECK_EQ(pipe2(pipes, O_NONBLOCK), 0);
    unsigned taken = run(0);
#ifdef NDEBUG
    CHECK(taken > 0);  // where the handler did not interrupt a fast path
#else
    (void)taken;  // unoptimised, malloc calls where it could jump, and leaves its address about
#endif
    CHECK_EQ(run(1), 0);
    CHECK_EQ(run(2), 0);
    return 0;
}
