// os/fail.h - the last words: one line to stderr by write(2), then abort; warnings without abort.
//
// Nothing here allocates, locks or uses stdio; usable from any floor above the OS door and in any
// context. Every line starts with "tidemalloc: " and ends with a newline. errno is not kept.
#pragma once
#include "base/text.h"

// "tidemalloc: FUNCTION(0xPOINTER): WHAT" and abort.
NORETURN COLD void fail_pointer(const char *function, const void *pointer, const char *what);
// The same with a number and a tail: "tidemalloc: free(0x..): double free of a 64-byte block" is
// fail_block("free", p, "double free of a ", 64, "-byte block").
NORETURN COLD void fail_block(const char *function, const void *pointer, const char *before,
                              uint64_t number, const char *after);
// An inconsistency of our own: "tidemalloc: internal error: WHAT" and abort.
NORETURN COLD void fail_internal(const char *what);
// Starts a line with "tidemalloc: " / finishes and writes it to stderr.
COLD void fail_begin(struct text_line *line);
// The same with "FUNCTION(0xPOINTER): ": the head of every line about a pointer.
COLD void fail_begin_pointer(struct text_line *line, const char *function, const void *pointer);
// The whole line about a sized free with the wrong size, but for its end:
// "FUNCTION(0xPOINTER, TOLD): size does not match the N-byte block".
COLD void fail_begin_size(struct text_line *line, const char *function, const void *pointer,
                          size_t told, size_t block_bytes);
// Is it one of the functions that free, whose line about free memory is that of a double free?
COLD bool fail_is_free(const char *function);
COLD void fail_write(struct text_line *line);
// Finishes and writes the line, then aborts.
NORETURN COLD void fail_line(struct text_line *line);
