// support/fake_os_parts.h - what the files fake_os*.c share; for them only.
//
// Every function of os.h that can fail is fake_begin, its work, and one of the fake_end functions:
// begin takes the mutex, counts, records and says whether the call is ordered to fail.
#pragma once
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/text.h"
#include "tests/support/fake_os.h"

// Settings, written by the test's thread.
struct fake_world {
    uint64_t         now_ns;
    size_t           page_bytes;
    unsigned         cpu;
    bool             is_secure;
    char           **environment;
    struct os_limits limits;
    uint64_t         memory_limit;
    bool             data_is_limited;
    size_t           huge_unasked, huge_asked;
    uint64_t         random;  // state of os_random
};
extern struct fake_world fake_world;

void fake_enter(void);
void fake_leave(void);
// Enters; the error the call is to fail with, or 0.
int fake_begin(enum fake_call call, const void *address, size_t bytes);
// Leaves. A failure is noted in the record and passed on.
int   fake_end(int error);
void *fake_end_at(void *address);
// The record of the call that began last, NULL when it was one too many to keep.
struct fake_record *fake_last_record(void);

// The test ends with a message unless the promise holds.
void fake_need(bool promise, const char *what, const void *address, size_t bytes);

// Parts of fake_reset and fake_forget.
void fake_memory_reset(void);
void fake_threads_reset(void);
void fake_faults_reset(void);
void fake_memory_forget(void);

// --- memory for the table and the break (fake_os_pages.c) --------------------------------------

// Address space out of reach, at a multiple of 1 GiB, kept for ever.
char *fake_area(size_t bytes);
// Makes part of an area fresh and zero, or puts it out of reach.
void fake_set_memory(uintptr_t start, size_t bytes, bool usable);
// Bytes of the pages that hold memory.
size_t fake_count_resident(uintptr_t start, uintptr_t end);
// Copies the pages that hold memory only: the others stay untouched, as mremap would leave them.
void fake_copy_resident(uintptr_t to, uintptr_t from, size_t bytes);
// Moves them: the target gets the memory, the source is fresh. Both are whole pages.
void fake_carry_resident(uintptr_t to, uintptr_t from, size_t bytes);

// --- questions to the table and the break -------------------------------------------------------

// The table has all of the range: read-write, or in any way.
bool fake_covers(uintptr_t start, uintptr_t end, bool committed);
// The range lies in pages of the data segment / in its area.
bool   fake_is_in_break(uintptr_t start, size_t bytes);
bool   fake_is_in_break_area(uintptr_t start, size_t bytes);
size_t fake_break_resident(void);
