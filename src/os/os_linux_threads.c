// os/os_linux_threads.c - looking at other threads of this process: asleep in the kernel, or not?
//
// /proc/self/task/TID/syscall says "running", or for a sleeping thread the number of its system
// call, six arguments, stack pointer and program counter; -1 and two words when it sleeps for
// another reason (a page fault). The kernel takes the locks of the thread's run queue to find out
// that it does not run, and a thread that is woken passes through the same locks: so what it did
// before it slept is seen after the answer, and what was stored before the question is seen by it
// when it wakes.
#include "os/os.h"

#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/uio.h>
#include <time.h>

#include "os/os_linux.h"

enum { FIELDS = 9, FIELD_NUMBER = 0, FIELD_STACK = 7 };

int os_thread_number(void) {
    return (int)syscall(SYS_gettid);
}

bool os_is_first_thread(int number) {
    return number == (int)syscall(SYS_getpid);
}

uintptr_t os_first_stack_end(void) {
    return (uintptr_t)getauxval(AT_RANDOM);  // lies above arguments and environment
}

// One number, decimal or 0x..., and what ends it. False: there is none.
static bool read_number(const char **text, uint64_t *value) {
    const char *at = *text;
    unsigned    base = 10;
    *value = 0;
    if (at[0] == '0' && at[1] == 'x') {
        base = 16;
        at += 2;
    }
    const char *first = at;
    for (;; at++) {
        unsigned digit = *at >= '0' && *at <= '9'   ? (unsigned)(*at - '0')
                         : *at >= 'a' && *at <= 'f' ? (unsigned)(*at - 'a' + 10)
                                                    : 16;
        if (digit >= base)
            break;
        *value = *value * base + digit;
    }
    bool any = at != first && (*at == ' ' || *at == '\n');
    *text = at + (*at == ' ');
    return any;
}

// A child made with vfork runs on its parent's stack, with its parent's thread-local storage, while
// the parent sleeps in the call. What sleeps in another of these calls is rare enough.
static bool makes_a_process(uint64_t number) {
#ifdef SYS_vfork
    if (number == SYS_vfork || number == SYS_fork)
        return true;
#endif
#ifdef SYS_clone3
    if (number == SYS_clone3)
        return true;
#endif
    return number == SYS_clone;
}

static char *put_text(char *to, const char *from) {
    while (*from)
        *to++ = *from++;
    *to = 0;
    return to;
}

static char *put_number(char *to, unsigned number) {
    char     digits[10];
    unsigned count = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    while (count > 0)
        *to++ = digits[--count];
    *to = 0;
    return to;
}

// Where /proc is of another PID namespace it knows the caller by other numbers, and under one of
// ours it may tell of another thread.
static bool has_our_numbers(void) {
    char ours[32], seen[32];
    put_number(put_text(put_number(ours, (unsigned)syscall(SYS_getpid)), "/task/"),
               (unsigned)os_thread_number());
    long count = syscall(SYS_readlinkat, AT_FDCWD, "/proc/thread-self", seen, sizeof seen - 1);
    if (count <= 0)
        return false;
    seen[count] = 0;
    unsigned same = 0;
    while (ours[same] && ours[same] == seen[same])
        same++;
    return ours[same] == seen[same];
}

bool os_thread_is_asleep(int number, uintptr_t *stack_pointer) {
    char     path[48], line[256];
    uint64_t fields[FIELDS];
    if (!has_our_numbers())
        return false;
    put_text(put_number(put_text(path, "/proc/self/task/"), (unsigned)number), "/syscall");
    ptrdiff_t count = os_read_file(path, line, sizeof line - 1);
    if (count <= 0)
        return false;
    line[count] = 0;
    const char *at = line;
    for (unsigned i = 0; i < FIELDS; i++)
        if (!read_number(&at, &fields[i]))
            return false;
    if (*at != '\n' || makes_a_process(fields[FIELD_NUMBER]))
        return false;
    *stack_pointer = (uintptr_t)fields[FIELD_STACK];
    return true;
}

// The kernel's name for the clock of one thread: its number, inverted, and what kind of clock.
bool os_thread_ran(int number, uint64_t *ns) {
    enum { THREAD_CLOCK = 4 | 2 };
    struct timespec spent;
    long            clock = (long)(~(unsigned)number << 3 | THREAD_CLOCK);
    if (syscall(SYS_clock_gettime, (long)(int)clock, &spent) != 0)
        return false;
    *ns = (uint64_t)spent.tv_sec * 1000000000 + (uint64_t)spent.tv_nsec;
    return true;
}

bool os_copy(void *copy, const void *address, size_t bytes) {
    struct iovec to = {copy, bytes}, from = {(void *)(uintptr_t)address, bytes};
    long         done = syscall(SYS_process_vm_readv, syscall(SYS_getpid), &to, 1L, &from, 1L, 0L);
    return done == (long)bytes;
}
