// support/fake_os.c - the fake OS door: orders, records, the clock and the rest of os.h.
//
// The mappings are in fake_os_memory.c, their pages in fake_os_pages.c, the data segment in
// fake_os_break.c. Nothing here allocates or prints through stdio: the floor under test may be a
// malloc.
#include <linux/futex.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "os/lock.h"
#include "tests/support/fake_os_parts.h"

enum { RECORDS_MAX = 4096, FILES_MAX = 8, LIBC_MAX = 16 };

struct order {
    unsigned nth, times;  // the next `nth` - 1 calls pass, then `times` fail
};

struct fake_world      fake_world = {.page_bytes = 4096};
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static struct order       orders[FAKE_CALLS + 1];
static int                errors[FAKE_CALLS];
static unsigned           counts[FAKE_CALLS + 1];
static struct fake_record records[RECORDS_MAX];

static struct { const char *path, *content; } files[FILES_MAX];
static struct {
    void  *pointer;
    size_t bytes;
} libc_blocks[LIBC_MAX];
static unsigned libc_frees;

static char    output[4096];
static size_t  output_length;
static jmp_buf abort_target;
static bool    abort_is_caught;

static void (*exit_hook)(void *);
static __thread void *exit_argument;
static void (*fork_hooks[3])(void);

// --- orders, counts, records -------------------------------------------------------------------

void fake_need(bool promise, const char *what, const void *address, size_t bytes) {
    struct text_line line;
    if (promise)
        return;
    text_begin(&line);
    text_add(&line, "fake_os: ");
    text_add(&line, what);
    text_add(&line, ": ");
    text_add_hex(&line, (uintptr_t)address);
    text_add(&line, " + ");
    text_add_hex(&line, bytes);
    text_end(&line);
    if (write(STDERR_FILENO, line.bytes, line.length) < 0)
        _exit(2);
    abort();
}

void fake_enter(void) {
    pthread_mutex_lock(&mutex);
}

void fake_leave(void) {
    pthread_mutex_unlock(&mutex);
}

static bool is_due(struct order *order) {
    if (order->times == 0)
        return false;
    if (order->nth > 1) {
        order->nth--;
        return false;
    }
    if (order->times != UINT_MAX)
        order->times--;
    return true;
}

int fake_begin(enum fake_call call, const void *address, size_t bytes) {
    // In the debug build: who gives memory back under a lock lets others wait for the kernel.
    if (call == FAKE_PURGE)
        lock_assert_none_held();
    fake_enter();
    bool due = is_due(&orders[call]), due_any = is_due(&orders[FAKE_ANY]);
    if (counts[FAKE_ANY] < RECORDS_MAX)
        records[counts[FAKE_ANY]] =
            (struct fake_record){call, (void *)(uintptr_t)address, bytes, 0, false};
    counts[call]++;
    counts[FAKE_ANY]++;
    if (!due && !due_any)
        return 0;
    errno = EDOM;  // nobody's: the real door leaves the kernel's, which may not get out either
    return errors[call] ? errors[call] : ENOMEM;
}

struct fake_record *fake_last_record(void) {
    return counts[FAKE_ANY] <= RECORDS_MAX ? &records[counts[FAKE_ANY] - 1] : NULL;
}

int fake_end(int error) {
    struct fake_record *record = fake_last_record();
    if (record)
        record->failed = error != 0;
    fake_leave();
    return error;
}

void *fake_end_at(void *address) {
    struct fake_record *record = fake_last_record();
    if (record) {
        record->failed = address == NULL;
        record->address = address;
    }
    fake_leave();
    return address;
}

void fake_fail(enum fake_call call, unsigned nth, unsigned times) {
    orders[call] = (struct order){nth, times};
}

void fake_fail_with(enum fake_call call, int error) {
    errors[call] = error;
}

unsigned fake_count(enum fake_call call) {
    return counts[call];
}

const struct fake_record *fake_record(unsigned index) {
    return index < counts[FAKE_ANY] && index < RECORDS_MAX ? &records[index] : NULL;
}

void fake_forget(void) {
    memset(counts, 0, sizeof counts);
    fake_memory_forget();
}

static void forget_thread(void);

void fake_reset(void) {
    static char *no_variables[] = {NULL};
    fake_forget();
    memset(orders, 0, sizeof orders);
    memset(errors, 0, sizeof errors);
    memset(files, 0, sizeof files);
    memset(libc_blocks, 0, sizeof libc_blocks);
    memset(fork_hooks, 0, sizeof fork_hooks);
    libc_frees = 0;
    forget_thread();
    exit_hook = NULL;
    exit_argument = NULL;
    fake_world = (struct fake_world){.now_ns = 1000000000,
                                     .page_bytes = 4096,
                                     .environment = no_variables,
                                     .limits = {.cpus = 4}};
    fake_clear_output();
    fake_memory_reset();
    fake_threads_reset();
    fake_faults_reset();
    fake_break_place(16, SIZE_MAX);
}

// --- start, time, processors, waiting ----------------------------------------------------------

void os_start(void) {
    if (!os_break())
        fake_reset();
}

size_t os_page_bytes(void) {
    return fake_world.page_bytes;
}

bool os_is_secure(void) {
    return fake_world.is_secure;
}

char **os_environ(void) {
    return fake_world.environment;
}

uint64_t os_now_ns(void) {
    return PEEK(&fake_world.now_ns);
}

// The same in each run, so that a test that fails fails again.
uint64_t os_random(void) {
    fake_world.random = fake_world.random * 6364136223846793005u + 1442695040888963407u;
    return fake_world.random ^ fake_world.random >> 33;
}

unsigned os_cpu(void) {
    return PEEK(&fake_world.cpu);
}

void os_wait(uint32_t *word, uint32_t expected) {
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
}

void os_wake(uint32_t *word) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void fake_set_time(uint64_t ns) {
    POKE(&fake_world.now_ns, ns);
}

void fake_advance(uint64_t ns) {
    __atomic_fetch_add(&fake_world.now_ns, ns, __ATOMIC_RELAXED);
}

void fake_set_cpu(unsigned cpu) {
    POKE(&fake_world.cpu, cpu);
}

void fake_set_page_bytes(size_t bytes) {
    fake_world.page_bytes = bytes;
}

void fake_set_secure(bool secure) {
    fake_world.is_secure = secure;
}

void fake_set_environ(char **variables) {
    fake_world.environment = variables;
}

// --- limits and files --------------------------------------------------------------------------

void os_limits_read(struct os_limits *limits) {
    *limits = fake_world.limits;
}

void fake_set_limits(unsigned cpus) {
    fake_world.limits = (struct os_limits){.cpus = cpus};
}

uint64_t os_memory_limit(void) {
    return fake_world.memory_limit;
}

void fake_set_memory_limit(uint64_t bytes) {
    fake_world.memory_limit = bytes;
}

void fake_set_file(const char *path, const char *content) {
    unsigned i = 0;
    while (i < FILES_MAX && files[i].path && !text_equal(files[i].path, path))
        i++;
    fake_need(i < FILES_MAX, "too many files", NULL, 0);
    files[i].path = path;
    files[i].content = content;
}

ptrdiff_t os_read_file(const char *path, char *buffer, size_t capacity) {
    int       error = fake_begin(FAKE_READ_FILE, NULL, capacity);
    ptrdiff_t count = -1;
    for (unsigned i = 0; !error && i < FILES_MAX && files[i].path; i++) {
        if (text_equal(files[i].path, path)) {
            count = (ptrdiff_t)min_size(capacity, text_length(files[i].content));
            memcpy(buffer, files[i].content, (size_t)count);
        }
    }
    fake_end(count < 0 ? ENOENT : 0);
    return count;
}

// --- a thread of our own -------------------------------------------------------------------------

static const char *started_name;

int os_thread_start(const struct os_thread *thread) {
    int error = fake_begin(FAKE_THREAD_START, NULL, 0);
    fake_need(thread->body != NULL && text_length(thread->name) < 16,
              "a thread without body or name", NULL, 0);
    if (!error)
        started_name = thread->name;
    return fake_end(error);
}

void os_wait_for(uint32_t *word, uint32_t expected, uint64_t ns) {
    if (PEEK(word) == expected)
        fake_advance(ns);
}

static void forget_thread(void) {
    started_name = NULL;
}

const char *fake_started_thread(void) {
    return started_name;
}

// --- last words --------------------------------------------------------------------------------

void os_write(int fd, const char *bytes, size_t count) {
    (void)fd;
    fake_enter();
    for (size_t i = 0; i < count && output_length < sizeof output - 1; i++)
        output[output_length++] = bytes[i];
    output[output_length] = 0;
    fake_leave();
}

void os_abort(void) {
    if (abort_is_caught)
        longjmp(abort_target, 1);
    if (write(STDERR_FILENO, output, output_length) < 0)
        _exit(2);
    abort();
}

const char *fake_output(void) {
    return output;
}

void fake_clear_output(void) {
    output_length = 0;
    output[0] = 0;
}

bool fake_aborts(void (*body)(void *argument), void *argument) {
    volatile bool aborted = true;
    abort_is_caught = true;
    if (setjmp(abort_target) == 0) {
        body(argument);
        aborted = false;
    }
    abort_is_caught = false;
    return aborted;
}

// --- threads, fork, libc -----------------------------------------------------------------------

// In the order of the threads' first calls, not an address: a run is the same each time.
uintptr_t os_thread_id(void) {
    static uintptr_t               last;
    static _Thread_local uintptr_t mine;
    if (mine == 0)
        mine = __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
    return mine;
}

int os_thread_exit_hook(void (*hook)(void *argument)) {
    int error = fake_begin(FAKE_THREAD_HOOK, NULL, 0);
    if (!error)
        exit_hook = hook;
    return fake_end(error);
}

int os_thread_exit_arm(void *argument) {
    int error = fake_begin(FAKE_THREAD_HOOK, argument, 0);
    fake_need(argument != NULL, "arming a thread exit with NULL", NULL, 0);
    if (!error && !exit_hook)
        error = EAGAIN;
    if (!error)
        exit_argument = argument;
    return fake_end(error);
}

bool fake_thread_is_armed(void) {
    return exit_argument != NULL;
}

void fake_thread_exit(void) {
    void *argument = exit_argument;
    exit_argument = NULL;
    if (argument)
        exit_hook(argument);
}

int os_fork_hooks(void (*prepare)(void), void (*parent)(void), void (*child)(void)) {
    int error = fake_begin(FAKE_FORK_HOOKS, NULL, 0);
    if (!error) {
        fork_hooks[0] = prepare;
        fork_hooks[1] = parent;
        fork_hooks[2] = child;
    }
    return fake_end(error);
}

void fake_fork_prepare(void) {
    fork_hooks[0]();
}

void fake_fork_parent(void) {
    fork_hooks[1]();
}

void fake_fork_child(void) {
    fork_hooks[2]();
}

static unsigned libc_slot(const void *pointer) {
    unsigned i = 0;
    while (i < LIBC_MAX && libc_blocks[i].pointer != pointer)
        i++;
    return i;
}

void fake_libc_block(void *pointer, size_t usable_bytes) {
    unsigned i = libc_slot(NULL);
    fake_need(i < LIBC_MAX, "too many blocks of libc", pointer, usable_bytes);
    libc_blocks[i].pointer = pointer;
    libc_blocks[i].bytes = usable_bytes;
}

unsigned fake_libc_frees(void) {
    return libc_frees;
}

bool os_libc_owns(const void *pointer) {
    return pointer && libc_slot(pointer) < LIBC_MAX;
}

size_t os_libc_usable_size(const void *pointer) {
    fake_need(os_libc_owns(pointer), "no block of libc", pointer, 0);
    return libc_blocks[libc_slot(pointer)].bytes;
}

void os_libc_free(void *pointer) {
    fake_need(os_libc_owns(pointer), "no block of libc", pointer, 0);
    libc_blocks[libc_slot(pointer)].pointer = NULL;
    libc_frees++;
}

void *os_libc_realloc(void *pointer, size_t bytes) {
    fake_need(os_libc_owns(pointer), "no block of libc", pointer, 0);
    libc_blocks[libc_slot(pointer)].bytes = bytes;
    return pointer;
}
