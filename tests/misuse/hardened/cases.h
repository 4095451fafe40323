// tests/misuse/hardened/cases.h - the mistakes that main.c makes, by category.
#pragma once
#include <stddef.h>

#include "tests/support/test.h"

#define MIB(n) ((size_t)(n) << 20)

struct mistake {
    const char *name;
    void (*run)(size_t bytes, ptrdiff_t distance);
    ptrdiff_t distance;  // how far beyond the block
    size_t    bytes;     // of the block
};

struct category {
    const char           *name;
    const struct mistake *rows;  // until one without a function
    unsigned least_detected;     // of 100
};
extern const struct category categories[];
