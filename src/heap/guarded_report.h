// heap/guarded_report.h - what is said of a misused block between guard pages, and the end.
//
// First the line that says what happened, then the stacks of calls: of who allocated the block, of
// who freed it, and of who misused it. A call is "module+offset", as addr2line takes them.
#pragma once
#include "heap/guarded_pool.h"

// What the program did to an address of the pool. In the handler of the fault.
NORETURN COLD void guarded_report_fault(const struct os_fault *fault);
// Bytes beside the block were written: `address` is the nearest.
NORETURN COLD void guarded_report_pattern(const char *function, const struct guarded_place *place,
                                          uintptr_t address);
// The line for an address of the pool that is no live block.
NORETURN COLD void guarded_fail(const char *function, const void *pointer);
// The same for a live block that is freed with the wrong size.
NORETURN COLD void guarded_fail_size(const char *function, const void *pointer, size_t bytes);
// And for one of another family than `function`.
NORETURN COLD void guarded_fail_family(const char *function, const void *pointer);
// True: the calling thread reports.
bool guarded_is_reporting(void);
