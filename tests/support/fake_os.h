// support/fake_os.h - the OS door of a test: os.h in memory, with hands on everything.
//
// Linked in place of os_linux*.c. Memory is real (so that it can be used), but the test decides
// when the clock moves, which call fails, what processor, limits and environment are.
//
//   mappings     a table of ranges inside one area of 16 GiB, as the kernel would keep it: a
//                mapping goes to the lowest gap, and neighbours of one name and access are one
//                entry. A call on a range that is not mapped as the contract wants ends the test
//                with a message
//   giving back  os_purge gives the pages back for real, so they read as zero, and notes the range
//   the break    an area of its own, starting at any address. "Others" can move it, and a move that
//                would cut off their part ends the test with a message
//   failures     the n-th call of one function, or of any that can fail
//   records      every call that can fail, in order
//   last words   os_write collects; os_abort jumps back into the test when it asked for that
//
// Any thread may call os.h; the functions below belong to one thread, the test's.
#pragma once
#include <setjmp.h>

#include "os/os.h"

// What can fail, be counted and be recorded.
enum fake_call {
    FAKE_MAP,
    FAKE_UNMAP,
    FAKE_COMMIT,
    FAKE_CONCEAL,
    FAKE_HIDE,
    FAKE_CARRY,
    FAKE_PURGE,
    FAKE_AVOID_HUGE,  // counted and recorded; has no result to fail with
    FAKE_PREFER_HUGE,  // likewise
    FAKE_RESIZE,
    FAKE_MOVE,
    FAKE_BREAK,
    FAKE_READ_FILE,
    FAKE_THREAD_HOOK,  // os_thread_exit_hook and os_thread_exit_arm
    FAKE_FORK_HOOKS,
    FAKE_THREAD_START,
    FAKE_THREAD_ASLEEP,
    FAKE_THREAD_RAN,
    FAKE_COPY,
    FAKE_SEAL,
    FAKE_FAULT_HOOK,
    FAKE_CALLS,
    FAKE_ANY = FAKE_CALLS,  // for fake_fail and fake_count: all of them together
};

// Back to the start: nothing mapped, every setting at its default, counts and records empty. The
// defaults: page 4096, clock 1 s, processor 0, 4 processors and no memory limit, break area of
// 256 MiB that starts 16 bytes into a page, empty environment, not secure.
void fake_reset(void);

// --- failures and records ----------------------------------------------------------------------

// From now on the `nth` call (1 = the next) and the `times` - 1 calls after it fail; UINT_MAX = for
// ever. One order at a time for each kind of call; 0 times takes it back. Pointer results fail as
// NULL, others with `error`, which is ENOMEM unless set. Both stay until changed.
void fake_fail(enum fake_call call, unsigned nth, unsigned times);
void fake_fail_with(enum fake_call call, int error);
// How many calls there were since fake_reset or fake_forget, failed ones included.
unsigned fake_count(enum fake_call call);
// Counts and records start again; mappings and settings stay.
void fake_forget(void);

struct fake_record {
    enum fake_call call;
    void          *address;  // of the range; for maps and moves that of the result
    size_t         bytes;    // new size of a resize or move; for the break see `delta`
    intptr_t       delta;    // of the break
    bool           failed;
};
// The `index`-th call (0 = the first); NULL beyond the last. The first 4096 are kept.
const struct fake_record *fake_record(unsigned index);

// --- memory ------------------------------------------------------------------------------------

size_t   fake_mapped_bytes(void);     // in the table, reserved ones included; the break is not
size_t   fake_committed_bytes(void);  // read-write ones
unsigned fake_mappings(void);         // entries of the table
size_t   fake_mapped_as(const char *name);  // of mapped bytes those of this name
// The name of the mapping that holds `address`, NULL when none does.
const char *fake_name_at(const void *address);
bool        fake_is_committed(const void *address, size_t bytes);  // all of it
// Pages of the range that hold memory, in bytes: touched, and not given back since.
size_t fake_resident_in(const void *address, size_t bytes);
// True when every page of the range was given to os_purge with success since fake_reset or
// fake_forget (whether touched again or not).
bool   fake_was_purged(const void *address, size_t bytes);
size_t fake_purged_bytes(void);  // sum over all successful calls
// The range was marked with os_avoid_huge_pages.
bool fake_avoids_huge_pages(const void *address);
// What os_huge_page_bytes answers: `unasked` is for hosts that give huge pages to all.
void fake_set_huge_pages(size_t unasked, size_t asked);
// True: the next mappings get an odd multiple of the alignment they ask for, never a better one, so
// that alignment that only holds by luck shows.
void fake_align_exactly(bool exactly);

// The break starts `offset` bytes into the area, which is `limit` bytes long (256 MiB at most).
// Takes all memory of the break back. Call it before the first os_break.
void fake_break_place(size_t offset, size_t limit);
// Somebody else moves the break: now, or just before the `nth` os_break_move (1 = the next).
void fake_break_foreign(intptr_t bytes);
void fake_break_foreign_before(unsigned nth, intptr_t bytes);

// --- time, processor, start, limits ------------------------------------------------------------

void fake_set_time(uint64_t ns);
void fake_advance(uint64_t ns);
void fake_set_cpu(unsigned cpu);
void fake_set_page_bytes(size_t bytes);  // 4096, 16384 or 65536; before anything is mapped
void fake_set_secure(bool secure);
void fake_set_environ(char **variables);  // kept, not copied; NULL as very early
void fake_set_limits(unsigned cpus);
void fake_set_memory_limit(uint64_t bytes);  // what os_memory_limit answers
void fake_set_data_limited(bool limited);    // what os_data_is_limited answers
// os_read_file of `path` gives `content`; both are kept, not copied. 8 files at most.
void fake_set_file(const char *path, const char *content);

// No thread is started: the order is recorded. Waiting with an end moves the clock to that end.
// Pressure is told by the next `times` waits.
const char *fake_started_thread(void);  // name of the last one, NULL = none since fake_reset
void        fake_press(unsigned times);

// --- last words --------------------------------------------------------------------------------

// What os_write wrote to any descriptor since the last fake_clear_output; at most 4095 bytes.
const char *fake_output(void);
void        fake_clear_output(void);
// Runs `body(argument)`; true when it ended in os_abort, false when it returned. What it printed is
// in fake_output, and locks it held stay locked. Without fake_aborts around it os_abort prints
// the output and ends the process.
bool fake_aborts(void (*body)(void *argument), void *argument);

// --- threads, fork, libc -----------------------------------------------------------------------

// Runs the exit hook for the calling thread as its end would: once, only when armed.
void fake_thread_exit(void);
bool fake_thread_is_armed(void);
// Run the handlers given to os_fork_hooks.
void fake_fork_prepare(void);
void fake_fork_parent(void);
void fake_fork_child(void);
// The calling thread's number; 1 until set, which is also the first thread's.
void fake_set_thread(int number);
// What the kernel says of thread `number` from now on: asleep with this stack pointer; 0 = not
// asleep. 8 threads at most. `end` is what os_first_stack_end answers.
void fake_sleep(int number, uintptr_t stack_pointer);
void fake_set_first_stack(uintptr_t end);
// A thread that fake_sleep named ran for so long.
void fake_run(int number, uint64_t ns);
// Called before each answer of os_thread_is_asleep: what other threads do meanwhile.
void fake_on_look(void (*hook)(int number));
// What os_calls and os_calls_of_fault answer from now on: kept, not copied. A place below
// FAKE_OURS_END is the library's; its module is "prog" and its offset what it is less 0x1000.
enum { FAKE_OURS_END = 0x2000 };
void fake_set_calls(const uintptr_t *places, unsigned count);
// The program touches `address` in vain: the hook is called. True: there is one, and it returned.
bool fake_fault(uintptr_t address, enum os_fault_kind kind);
// What os_seal made read-only starts here. FAKE_SEALED_MAX pieces at most.
enum { FAKE_SEALED_MAX = 8 };
bool fake_is_sealed(const void *address);
// Called after each os_seal that did what it was to do: what a handler does meanwhile.
void fake_on_seal(void (*hook)(bool sealed));
// What os_operators_are_ours answers (true until then), and how often it was asked.
void     fake_set_operators(bool are_ours);
unsigned fake_operators_asked(void);
// os_libc_owns answers true for `pointer` from now on, until os_libc_free of it. os_libc_realloc
// gives it the new size and returns it. 16 blocks at most.
void     fake_libc_block(void *pointer, size_t usable_bytes);
unsigned fake_libc_frees(void);
