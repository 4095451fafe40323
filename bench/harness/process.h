// bench/harness/process.h - what the running process has cost so far.
//
// Nothing here allocates; a failing read ends the process with one line, as figures with holes in
// them must not be compared.
#pragma once
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// All threads together, from the start of the process; differences of two are what counts.
struct process_moment {
    uint64_t wall_ns;  // CLOCK_MONOTONIC
    uint64_t cpu_ns;   // user and system
    uint64_t user_us, system_us;
    uint64_t minor_faults, major_faults;
    uint64_t voluntary_switches, involuntary_switches;
};

// Resident memory as /proc/self/status has it. The peak of getrusage() would not do: a child of
// fork and exec starts with its parent's.
struct process_memory {
    uint64_t rss_kib;
    uint64_t peak_kib;
};

// One line with errno's text; exit status 1.
__attribute__((noreturn)) void process_fail(const char *what);

struct process_moment process_now(void);
struct process_memory process_memory_now(void);

// Path of the object whose malloc is called: of libc, or of the allocator that was preloaded.
const char *process_allocator(void);

// The calling thread, and threads that it makes, stay on one of the CPUs that the process may use,
// the rank-th of them round and round. Else the scheduler may leave all threads of a run of a
// quarter of a second on the CPU that woke them, and nothing is shared.
void process_pin(unsigned rank);

#ifdef __cplusplus
}
#endif
