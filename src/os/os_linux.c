// os/os_linux.c - the door on Linux: start, clock, processor, waiting, output, threads.
//
// Mappings are in os_linux_memory.c, limits in os_linux_limits.c, libc's malloc in os_linux_libc.c.
// State here is written at start only: the page size by os_start, with a value that is the same in
// every thread, the exit key by the one thread that registers it.
#include "os/os.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>

#include "os/os_linux.h"

extern char **environ;

// Defined by glibc 2.35 and later; absent elsewhere.
extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned  __rseq_size __attribute__((weak));

static size_t page_bytes = 4096;

// --- start -------------------------------------------------------------------------------------

void os_start(void) {
    size_t bytes = (size_t)getauxval(AT_PAGESZ);
    if (is_power_of_two(bytes))
        POKE(&page_bytes, bytes);
}

size_t os_page_bytes(void) {
    return PEEK(&page_bytes);
}

bool os_is_secure(void) {
    return getauxval(AT_SECURE) != 0;
}

// Of the kernel's 16 bytes, which stand at any address, libc uses both halves as they are: ours
// must not tell them.
static uint64_t random_of_start(void) {
    const void *bytes = (const void *)getauxval(AT_RANDOM);
    uint64_t    halves[2] = {0, 0};
    if (bytes)
        memcpy(halves, bytes, sizeof halves);
    uint64_t mixed = halves[0] ^ (halves[1] << 32 | halves[1] >> 32);
    struct timespec now = {0, 0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    mixed = (mixed + (uint64_t)now.tv_nsec) * 0x9e3779b97f4a7c15u;
    return mixed ^ mixed >> 29;
}

uint64_t os_random(void) {
    enum { DO_NOT_WAIT = 1 };
    uint64_t bits;
    if (syscall(SYS_getrandom, &bits, sizeof bits, DO_NOT_WAIT) == (long)sizeof bits)
        return bits;
    return random_of_start();
}

char **os_environ(void) {
    return environ;
}

// --- time, processors, waiting -----------------------------------------------------------------

uint64_t os_now_ns(void) {
    struct timespec now = {0, 0};
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uintptr_t os_thread_id(void) {
    uintptr_t pointer;
#if defined(__x86_64__)
    __asm__("movq %%fs:0, %0" : "=r"(pointer));
#elif defined(__aarch64__)
    __asm__("mrs %0, tpidr_el0" : "=r"(pointer));
#else
    pointer = (uintptr_t)__builtin_thread_pointer();
#endif
    return pointer;
}

// The kernel's struct rseq: cpu_id_start, then cpu_id, kept up to date by the kernel while this
// thread runs; negative while the thread is not registered.
enum { RSEQ_CPU_ID = 4 };

unsigned os_cpu(void) {
    if (&__rseq_size && __rseq_size > 0) {
        int cpu = PEEK((const int *)(os_thread_id() + (uintptr_t)__rseq_offset + RSEQ_CPU_ID));
        if (LIKELY(cpu >= 0))
            return (unsigned)cpu;
    }
    int before = errno, cpu = sched_getcpu();
    errno = before;
    return cpu >= 0 ? (unsigned)cpu : 0;
}

void os_wait(uint32_t *word, uint32_t expected) {
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
}

void os_wake(uint32_t *word) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

// --- files, output and end ---------------------------------------------------------------------

static ptrdiff_t read_all(int fd, char *buffer, size_t capacity) {
    size_t done = 0;
    while (done < capacity) {
        long got = syscall(SYS_read, fd, buffer + done, capacity - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (ptrdiff_t)done;
}

ptrdiff_t os_read_file(const char *path, char *buffer, size_t capacity) {
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    ptrdiff_t count = read_all(fd, buffer, capacity);
    syscall(SYS_close, fd);
    return count;
}

void os_write(int fd, const char *bytes, size_t count) {
    while (count > 0) {
        long done = syscall(SYS_write, fd, bytes, count);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return;
        bytes += done;
        count -= (size_t)done;
    }
}

void os_abort(void) {
    abort();
}

// --- threads and fork --------------------------------------------------------------------------

static pthread_key_t exit_key;
static bool          exit_key_made;  // written once, at start

int os_thread_exit_hook(void (*hook)(void *argument)) {
    int error = pthread_key_create(&exit_key, hook);
    __atomic_store_n(&exit_key_made, error == 0, __ATOMIC_RELEASE);
    return error;
}

int os_thread_exit_arm(void *argument) {
    // Acquire: pairs with the release above, so that the key is seen with the flag.
    if (!__atomic_load_n(&exit_key_made, __ATOMIC_ACQUIRE))
        return EAGAIN;
    return pthread_setspecific(exit_key, argument);
}

// glibc's fork takes the lock of the list of streams after it ran the handlers, and who flushes all
// streams holds that lock while he allocates: so it comes first here too. It is recursive. In the
// child it is made new, as glibc's fork does itself when there were threads. musl has none.
extern void _IO_list_lock(void) __attribute__((weak));
extern void _IO_list_unlock(void) __attribute__((weak));
extern void _IO_list_resetlock(void) __attribute__((weak));

// What is registered last prepares first, and is the last in parent and child. Two registrations,
// and no handler of ours that calls what it finds in a variable.
int os_fork_hooks(void (*prepare)(void), void (*parent)(void), void (*child)(void)) {
    int error = pthread_atfork(prepare, parent, child);
    if (error != 0 || !_IO_list_lock || !_IO_list_unlock || !_IO_list_resetlock)
        return error;
    return pthread_atfork(_IO_list_lock, _IO_list_unlock, _IO_list_resetlock);
}
