// os/os.h - the door to the system: all that tidemalloc asks of kernel and libc, in one contract.
//
// os_linux*.c implement it; tests/support/fake_os.c replaces it at link time (memory in a table,
// the clock moved by hand, the n-th call fails). Common to all functions:
//   - none allocates, takes a lock of ours or uses stdio; all may be called from any thread;
//   - errno is whatever the call left: entries of the public API save and restore it;
//   - addresses and lengths are whole OS pages unless said otherwise;
//   - `int` results are 0 or an errno value, pointer results are NULL on failure, and every failure
//     is an answer, never a message or an abort;
//   - ENOSYS and EPERM of an optional call switch the feature off: the function then answers its
//     fallback for good.
#pragma once
#include "base/base.h"

// --- start -------------------------------------------------------------------------------------

// Reads page size and auxiliary vector; the first call into this floor, idempotent, may be made
// before any constructor ran and by several threads at once (all write the same values).
void os_start(void);
// The kernel's page: 4, 16 or 64 KiB. Constant after os_start.
size_t os_page_bytes(void);
// True when the process runs with raised privileges (AT_SECURE): the environment is not to be read.
bool os_is_secure(void);
// Bits that nobody outside can know: from the kernel's generator, else from what it gave the
// process at its start. For start-up: a system call each.
uint64_t os_random(void);
// The environment as libc has it now; may be NULL very early.
char **os_environ(void);

// --- memory ------------------------------------------------------------------------------------

enum os_access {
    OS_RESERVED,    // PROT_NONE: address space only, not counted as commit, not locked, not dumped
    OS_READ_WRITE,  // zero on first touch
};
// A new private anonymous mapping at a multiple of `alignment` (a power of two >= the OS page;
// less is raised to it). The slack of the alignment is unmapped again. `name` (a literal, at most
// 60 characters of [a-z0-9 .-]) is shown by /proc/PID/maps as [anon:NAME] where the kernel can.
void *os_map(size_t bytes, size_t alignment, enum os_access access, const char *name);
// ENOMEM at the limit of mappings: the range is then still mapped and the caller keeps it.
int os_unmap(void *address, size_t bytes);
// Makes part of a reservation readable and writable. ENOMEM: nothing changed.
int os_commit(void *address, size_t bytes);
// The reverse, of part of a mapping or of the data segment: the memory goes back where the kernel
// gives it back, and neither reads nor writes pass until os_commit. ENOMEM: nothing changed but the
// content, of which nothing is known then.
int os_conceal(void *address, size_t bytes);
// As os_conceal, but memory and content stay: os_commit brings them back. ENOMEM: nothing changed.
int os_hide(void *address, size_t bytes);
// The memory of a read-write range becomes that of `to`, part of a reservation, which is read-write
// from now on; the range stays as it was, without memory: it reads as zero.
enum os_carrying {
    OS_CARRIED,
    OS_STAYED,       // nothing changed, nor will it ever
    OS_TARGET_LOST,  // `to` may be mapped no more, and somebody else may live there
};
enum os_carrying os_carry(void *from, void *to, size_t bytes);
// Makes data of the library read-only, or writable again. EINVAL: the range is not whole OS pages.
// Data that is to be sealed has pages of OS_SEALED_BYTES for itself: on systems with larger ones it
// stays writable.
enum { OS_SEALED_BYTES = 4096 };
int os_seal(void *address, size_t bytes, bool sealed);
// Gives the memory back and keeps the range mapped (MADV_DONTNEED). 0: it reads as zero from now
// on. Otherwise (locked pages, old kernels, emulators that ignore it: found by a self-test on first
// use) the content is undefined but the range stays usable.
int os_purge(void *address, size_t bytes);
// The same for `count` ranges, with one call where the kernel has one for that (Linux 6.14).
// Returns how many of the first ones were given back; the one after them was refused.
struct os_range {
    void  *address;
    size_t bytes;
};
unsigned os_purge_all(const struct os_range *ranges, unsigned count);
// Resident bytes of a mapped range of whole OS pages; all of it where the kernel does not say.
size_t os_resident_in(const void *address, size_t bytes);
// Asks the kernel not to back a range with huge pages, or to do so. The last word counts.
void os_avoid_huge_pages(void *address, size_t bytes);
void os_prefer_huge_pages(void *address, size_t bytes);
// The size of a huge page where the host backs memory with them, unasked or, when `asked`, only
// where os_prefer_huge_pages asked; else 0. Reads two files.
size_t os_huge_page_bytes(bool asked);
// Grows or shrinks a read-write mapping made by os_map in place. ENOMEM: unchanged.
int os_resize(void *address, size_t old_bytes, size_t new_bytes);
// Moves a mapping's pages without copying to a new place at a multiple of `alignment`, resized.
// NULL: the old mapping is unchanged. `name` as in os_map.
// `ready` (may be NULL) is told the new place before anything moves, and may refuse it.
void *os_move(void *address, size_t old_bytes, size_t new_bytes, size_t alignment,
              const char *name, bool (*ready)(void *target, size_t bytes));
// True when every page of the range is mapped (any protection). Any address may be asked.
bool os_is_mapped(const void *address, size_t bytes);

// The data segment. os_break_move returns the break before the move (sbrk: libc's idea of the break
// stays right), NULL when refused. Others move the break too, at any time.
void *os_break(void);
void *os_break_move(intptr_t bytes);
// Names a range that was not made by os_map, or lost its name. Not for the data segment, whose
// growth would not join the named part.
void os_name(void *address, size_t bytes, const char *name);

// --- time, processors, waiting -----------------------------------------------------------------

// Monotonic, coarse (1 to 10 ms), about 10 ns a call.
uint64_t os_now_ns(void);
// The processor this thread runs on: any number, possibly larger than the count of processors,
// stale when it returns. From glibc's registered rseq area, else getcpu; 0 when neither works.
unsigned os_cpu(void);
// Sleeps while *word == expected; may return at any time for no reason.
void os_wait(uint32_t *word, uint32_t expected);
// Wakes one sleeper.
void os_wake(uint32_t *word);
ALWAYS_INLINE void os_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

// --- limits (os_linux_limits.c) ----------------------------------------------------------------

struct os_limits {
    unsigned cpus;  // usable: min(affinity, cgroup v1/v2 quota rounded up); >= 1
};
// Reads affinity mask and cgroup files with raw system calls and a buffer on the stack (under 1
// KiB); what cannot be read does not limit.
void os_limits_read(struct os_limits *limits);
// Bytes of memory that this process may use: the least of its cgroups' limits (v1, v2) and of the
// machine's memory; 0 when nothing can be read.
uint64_t os_memory_limit(void);
// There is a limit on this process's writable memory (RLIMIT_DATA) now. False, too, where the
// kernel does not say.
bool os_data_is_limited(void);
// At most `capacity` bytes of a file; the count read, or -1. No 0 is added.
ptrdiff_t os_read_file(const char *path, char *buffer, size_t capacity);
// Resident bytes of this process from /proc/self/statm; 0 when it cannot be read.
uint64_t os_resident_bytes(void);

// --- output and end ----------------------------------------------------------------------------

// Writes all bytes to a file descriptor; gives up in silence on an error.
void          os_write(int fd, const char *bytes, size_t count);
NORETURN void os_abort(void);

// --- threads and fork --------------------------------------------------------------------------

// Makes `hook(argument)` run when a thread that called os_thread_exit_arm ends (not at process
// exit). Once, at start. May call malloc through libc: call it outside all locks. EAGAIN: no key
// left; thread exits then go unnoticed.
int os_thread_exit_hook(void (*hook)(void *argument));
// `argument` must not be NULL. May call calloc through libc: outside locks, re-entry expected.
int os_thread_exit_arm(void *argument);
// Registers the three handlers with pthread_atfork. Once, at start, outside all locks. From before
// prepare until after the other two glibc's lock of the list of streams is held.
int os_fork_hooks(void (*prepare)(void), void (*parent)(void), void (*child)(void));
// A number that differs between live threads (the thread pointer); for messages and debug checks.
uintptr_t os_thread_id(void);

// --- a thread of our own (os_linux_background.c) -----------------------------------------------

struct os_thread {
    void (*body)(void);  // never returns
    const char *name;    // 15 characters at most
};
// Starts a detached thread, with all signals blocked and a small stack; the thread reads `thread`,
// which is a constant. May call malloc through libc, and takes locks of libc that are held where
// libc calls free: to be called from malloc only, outside our locks.
int os_thread_start(const struct os_thread *thread);
// As os_wait, for at most `ns`.
void os_wait_for(uint32_t *word, uint32_t expected, uint64_t ns);

// Where the kernel tells of memory pressure; -1 = nowhere. Of one thread.
struct os_pressure {
    int stall;   // the cgroup's memory.pressure, else the machine's
    int events;  // the cgroup's memory.events: its "high" limit and the others were passed
};
// To be called once by the thread that will wait. Opens what there is and may be opened. Where the
// kernel can, that thread gets a table of files of its own, empty but for these: the program, which
// may close what it did not open, cannot meet them.
void os_pressure_open(struct os_pressure *pressure);
// True: it is told somewhere.
bool os_pressure_is_told(const struct os_pressure *pressure);
// Sleeps for `ns`, or until there is pressure: then true. What is found broken is not used again.
bool os_pressure_wait(struct os_pressure *pressure, uint64_t ns);

// --- other threads (os_linux_threads.c) --------------------------------------------------------

// The kernel's number of the calling thread.
int os_thread_number(void);
// True for the number of the thread the process began with (or that forked it).
bool os_is_first_thread(int number);
// An address above all frames of the stack the process began with, in the same mapping.
uintptr_t os_first_stack_end(void);
// True: at some moment of this call the thread was asleep in a system call, with this stack
// pointer. All that it did before is seen by the caller now, and when it wakes it sees all that the
// caller did before the call. False: it runs, it ended, it sleeps for another reason (a page
// fault), it is making a process (a vfork's child borrows stack and thread), or the kernel does not
// tell: /proc is not there, or counts otherwise than the process does.
bool os_thread_is_asleep(int number, uintptr_t *stack_pointer);
// How long the thread has run so far: unchanged from one call to the next, it did not run at all.
// False: it ended, or the kernel does not tell.
bool os_thread_ran(int number, uint64_t *ns);
// Copies memory that may not be readable, through the kernel. False: not all of it was, or the
// kernel does not allow the call.
bool os_copy(void *copy, const void *address, size_t bytes);

// --- faults and stacks of calls (os_linux_fault.c) ----------------------------------------------

enum os_fault_kind { OS_FAULT_ACCESS, OS_FAULT_READ, OS_FAULT_WRITE };  // ACCESS: not told which
struct os_fault {
    uintptr_t          address;
    enum os_fault_kind kind;
    uintptr_t          code;   // the instruction; 0 = not known
    uintptr_t          frame;  // the frame pointer there
};
// From now on `hook` is asked about every access to memory that fails, in the thread that made it,
// in a signal handler. When it returns, what was installed before gets the signal as if we were not
// there. Installs the handlers; once. Whoever installs his own later has them.
int os_fault_hook(void (*hook)(const struct os_fault *fault));
// Makes the two below ready: may load a library and call malloc. Outside locks.
void os_calls_start(void);
// Where the calling thread's calls return to, innermost first, `most` of them at most; how many.
// Allocates nothing. Needs 4 KiB of stack.
unsigned os_calls(uintptr_t *places, unsigned most);
// The same for who made a fault, its own instruction first. From the hook only.
unsigned os_calls_of_fault(const struct os_fault *fault, uintptr_t *places, unsigned most);

enum { OS_MODULE_BYTES = 160 };
struct os_place {
    uintptr_t address;                  // asked for
    uintptr_t offset;                   // in the module, as its symbols and debug data have it
    bool      is_ours;                  // in the library, where that is a module of its own
    char      module[OS_MODULE_BYTES];  // path of the file, cut at its front; "" = of none
};
// Says of each address what it is part of. Reads /proc/self/maps, of which there is one reader.
void os_find_places(struct os_place *places, unsigned count);

// --- C++ (os_linux_operators.c) -----------------------------------------------------------------

// True: as far as can be seen, what calls new or delete in this process calls ours: no module is
// bound to another, has one of its own, or may hide one. Looks through the tables of all modules
// under the dynamic linker's lock, as throwing an exception may: milliseconds; for the end of a
// process, or once.
bool os_operators_are_ours(void);

// --- libc's own malloc (os_linux_libc.c) -------------------------------------------------------

// True when `pointer` is a live block made by libc's own malloc (RTLD_DEEPBIND plugins, early
// start), told by its chunk header and the place it lies in; reads only memory proved to be
// mapped. Always false with a libc whose functions cannot be reached (musl; a static program,
// where ours are the only ones).
bool   os_libc_owns(const void *pointer);
void   os_libc_free(void *pointer);                  // only after os_libc_owns
void  *os_libc_realloc(void *pointer, size_t bytes);  // only after os_libc_owns
size_t os_libc_usable_size(const void *pointer);     // only after os_libc_owns
