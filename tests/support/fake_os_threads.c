// support/fake_os_threads.c - the fake OS door: other threads, asleep where the test says.
#include "tests/support/fake_os_parts.h"

enum { SLEEPERS = 8 };

static struct {
    int       number;
    uintptr_t stack_pointer;
    uint64_t  ran_ns;
} sleepers[SLEEPERS];
static int       thread_number;
static uintptr_t first_stack_end;
static void (*on_look)(int number);
static unsigned presses;
static bool     is_told;

void fake_threads_reset(void) {
    memset(sleepers, 0, sizeof sleepers);
    thread_number = 1;
    first_stack_end = 0;
    on_look = NULL;
    presses = 0;
    is_told = false;
}

void fake_set_thread(int number) {
    thread_number = number;
}

void fake_set_first_stack(uintptr_t end) {
    first_stack_end = end;
}

void fake_on_look(void (*hook)(int number)) {
    on_look = hook;
}

static unsigned sleeper(int number) {
    unsigned i = 0;
    while (i < SLEEPERS && sleepers[i].number != number)
        i++;
    return i;
}

void fake_sleep(int number, uintptr_t stack_pointer) {
    unsigned i = sleeper(number);
    if (i == SLEEPERS)
        i = sleeper(0);
    fake_need(i < SLEEPERS, "too many sleepers", NULL, 0);
    sleepers[i].number = number;
    sleepers[i].stack_pointer = stack_pointer;
}

int os_thread_number(void) {
    return thread_number;
}

bool os_is_first_thread(int number) {
    return number == 1;
}

uintptr_t os_first_stack_end(void) {
    return first_stack_end;
}

bool os_thread_is_asleep(int number, uintptr_t *stack_pointer) {
    if (on_look)
        on_look(number);
    int      error = fake_begin(FAKE_THREAD_ASLEEP, NULL, 0);
    unsigned i = sleeper(number);
    if (!error && (i == SLEEPERS || sleepers[i].stack_pointer == 0))
        error = EAGAIN;
    if (!error)
        *stack_pointer = sleepers[i].stack_pointer;
    return fake_end(error) == 0;
}

bool os_thread_ran(int number, uint64_t *ns) {
    int      error = fake_begin(FAKE_THREAD_RAN, NULL, 0);
    unsigned i = sleeper(number);
    if (!error && i == SLEEPERS)
        error = ESRCH;
    if (!error)
        *ns = sleepers[i].ran_ns;
    return fake_end(error) == 0;
}

void fake_run(int number, uint64_t ns) {
    unsigned i = sleeper(number);
    fake_need(i < SLEEPERS, "no such sleeper", NULL, 0);
    sleepers[i].ran_ns += ns;
}

// What is copied may be another thread's stack, to the sanitizers full of places that nobody may
// read; volatile, so that no compiler makes it the memcpy that they watch.
__attribute__((no_sanitize("address"), no_sanitize("thread"))) static void
copy_unwatched(char *copy, const volatile char *from, size_t bytes) {
    for (size_t i = 0; i < bytes; i++)
        copy[i] = from[i];
}

bool os_copy(void *copy, const void *address, size_t bytes) {
    int error = fake_begin(FAKE_COPY, address, bytes);
    if (!error)
        copy_unwatched(copy, address, bytes);
    return fake_end(error) == 0;
}

// --- memory pressure -----------------------------------------------------------------------------

void os_pressure_open(struct os_pressure *pressure) {
    *pressure = (struct os_pressure){-1, -1};
}

bool os_pressure_is_told(const struct os_pressure *pressure) {
    return pressure && is_told;
}

bool os_pressure_wait(struct os_pressure *pressure, uint64_t ns) {
    (void)pressure;
    if (presses > 0 && ns > 0) {
        presses--;
        return true;
    }
    fake_advance(ns);
    return false;
}

void fake_press(unsigned times) {
    presses = times;
    is_told = true;
}
