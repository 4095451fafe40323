// tests/fuzz/fuzz.h - a target of the fuzzer: two functions, run by libFuzzer or by replay.c.
#pragma once
#include <stddef.h>
#include <stdint.h>

// Once, before the first input.
void fuzz_start(void);
// Any bytes; what is wrong ends in fuzz_fail. The result is 0.
int fuzz_one(const uint8_t *bytes, size_t count);
// One line, then abort: that keeps the input as a file.
_Noreturn void fuzz_fail(const char *file, int line, const char *what);
