// unit/os/test_threads.c - what the kernel says of other threads: asleep where, running, gone.
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/os.h"
#include "tests/unit/cases.h"

enum { TRIES = 5000 };

static sem_t     wake;
static int       number;
static uintptr_t frame;
static bool      over, borrowed;

static bool becomes_asleep(int thread, uintptr_t *pointer) {
    for (unsigned i = 0; i < TRIES; i++) {
        if (os_thread_is_asleep(thread, pointer))
            return true;
        usleep(1000);
    }
    return false;
}

static void announce(uintptr_t here) {
    frame = here;
    __atomic_store_n(&number, os_thread_number(), __ATOMIC_RELEASE);
}

static int wait_for_number(void) {
    int seen;
    while ((seen = __atomic_load_n(&number, __ATOMIC_ACQUIRE)) == 0)
        usleep(100);
    return seen;
}

static void *sleep_until_woken(void *unused) {
    announce((uintptr_t)__builtin_frame_address(0));
    while (sem_wait(&wake) != 0)
        ;
    return unused;
}

static void *run_for_ever(void *unused) {
    announce((uintptr_t)__builtin_frame_address(0));
    while (!__atomic_load_n(&over, __ATOMIC_RELAXED))
        ;
    return unused;
}

static void a_sleeper_and_its_stack(void) {
    pthread_t thread;
    uintptr_t pointer = 0;
    sem_init(&wake, 0, 0);
    CHECK_EQ(pthread_create(&thread, NULL, sleep_until_woken, NULL), 0);
    int seen = wait_for_number();
    CHECK(seen != os_thread_number() && !os_is_first_thread(seen));
    CHECK(becomes_asleep(seen, &pointer));
    CHECK(pointer < frame && frame - pointer < 65536);
    sem_post(&wake);
    pthread_join(thread, NULL);
    for (unsigned i = 0; i < TRIES && os_thread_is_asleep(seen, &pointer); i++)
        usleep(1000);  // the kernel may still clear up
    CHECK(!os_thread_is_asleep(seen, &pointer));
}

static void one_that_runs(void) {
    pthread_t thread;
    uintptr_t pointer;
    CHECK_EQ(pthread_create(&thread, NULL, run_for_ever, NULL), 0);
    int seen = wait_for_number();
    for (unsigned i = 0; i < 200; i++)
        CHECK(!os_thread_is_asleep(seen, &pointer));
    __atomic_store_n(&over, true, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
}

// While a vfork's child uses its parent's stack the parent sleeps, but not for us. (Sanitizers make
// an ordinary fork of it.)
static void *borrow(void *unused) {
    announce((uintptr_t)__builtin_frame_address(0));
    pid_t child = vfork();
    if (child == 0) {
        __atomic_store_n(&borrowed, true, __ATOMIC_RELAXED);
        poll(NULL, 0, 300);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    return unused;
}

static void one_whose_child_has_its_stack(void) {
    pthread_t thread;
    uintptr_t pointer;
    CHECK_EQ(pthread_create(&thread, NULL, borrow, NULL), 0);
    int seen = wait_for_number();
    usleep(50000);
    for (unsigned i = 0; i < 10 && __atomic_load_n(&borrowed, __ATOMIC_RELAXED); i++)
        CHECK(!os_thread_is_asleep(seen, &pointer));
    pthread_join(thread, NULL);
}

static void nobody(void) {
    uintptr_t pointer;
    CHECK(!os_thread_is_asleep(0, &pointer));
    CHECK(!os_thread_is_asleep(0x7fffffff, &pointer));
    CHECK(!os_thread_is_asleep(-1, &pointer));
}

// With another PID namespace's /proc: the number is ours there, and may be any thread's here.
static void not_by_the_numbers_of_others(void) {
    int status;
    if (unshare(CLONE_NEWPID) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWPID) != 0)
        return;  // not allowed
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        char      seen[32] = "";
        uintptr_t pointer;
        _exit(getpid() == 1 && readlink("/proc/self", seen, sizeof seen - 1) > 0 &&
              os_thread_is_asleep(atoi(seen), &pointer));
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    _exit(0);  // what a sanitizer starts at the end would be of the other namespace
}

static void the_first_thread(void) {
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    CHECK(os_is_first_thread(os_thread_number()));
    CHECK(os_first_stack_end() > here && os_first_stack_end() - here < MIB(8));
}

static void copies(void) {
    size_t   page = os_page_bytes();
    uint64_t from[4] = {1, 2, 3, 4}, to[4] = {0};
    CHECK(os_copy(to, from, sizeof from) && to[3] == 4);
    char *pages = mmap(NULL, 2 * page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(pages != MAP_FAILED && mprotect(pages + page, page, PROT_NONE) == 0);
    CHECK(os_copy(to, pages, sizeof to));
    CHECK(!os_copy(to, pages + page, sizeof to));
    CHECK(!os_copy(to, pages + page - 16, sizeof to));  // in part is not enough
}

// Some systems do not tell (gVisor, filters), others tell of an emulator's own stack. A thread that
// asks for itself is told where it asks.
static bool kernel_tells(void) {
    uintptr_t pointer, here = (uintptr_t)__builtin_frame_address(0);
    return os_thread_is_asleep(os_thread_number(), &pointer) && pointer < here &&
           here - pointer < 65536;
}

static void how_long_it_ran(void) {
    pthread_t thread;
    uint64_t  first, second, last;
    int       sleeper;
    number = 0;
    sem_init(&wake, 0, 0);
    CHECK_EQ(pthread_create(&thread, NULL, sleep_until_woken, NULL), 0);
    uintptr_t pointer;
    CHECK(becomes_asleep(sleeper = wait_for_number(), &pointer));
    CHECK(os_thread_ran(sleeper, &first) && first > 0);
    usleep(20000);
    CHECK(os_thread_ran(sleeper, &second));
    CHECK_EQ(first, second);
    CHECK(os_thread_ran(os_thread_number(), &first));
    for (volatile unsigned i = 0; i < 1000000; i++)
        ;
    CHECK(os_thread_ran(os_thread_number(), &last) && last > first);
    sem_post(&wake);
    pthread_join(thread, NULL);
    for (unsigned i = 0; i < TRIES && os_thread_ran(sleeper, &last); i++)
        usleep(1000);  // the kernel may take its time to see it off
    CHECK(!os_thread_ran(sleeper, &last));
}

int main(void) {
    os_start();
    if (!kernel_tells())
        test_skip("the kernel does not tell where a thread sleeps");
    CASE(a_sleeper_and_its_stack);
    CASE(one_that_runs);
    CASE(one_whose_child_has_its_stack);
    CASE(nobody);
    CASE(the_first_thread);
    CASE(copies);
    CASE(not_by_the_numbers_of_others);
    CASE(how_long_it_ran);
    return 0;
}
