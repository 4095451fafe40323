// tests/unit/check_text.h - CHECK for strings: prints both when they differ.
#pragma once
#include <string.h>

#include "tests/support/test.h"

static inline void check_text(const char *file, int line, const char *actual,
                              const char *expected) {
    if (strcmp(actual, expected) == 0)
        return;
    test_say("actual:   \"");
    test_say(actual);
    test_say("\"\nexpected: \"");
    test_say(expected);
    test_say("\"\n");
    test_fail(file, line, "the texts differ");
}

#define CHECK_TEXT(actual, expected) check_text(__FILE__, __LINE__, actual, expected)
