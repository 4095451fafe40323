// tests/support/test.h - what every test program uses: checks, skips, a watchdog, patterns; C, C++.
//
// Guarantees: nothing here allocates, so a failing check can report from inside any mess.
// A test passes with exit status 0, fails with 1, hangs with 2 (watchdog), and is skipped with 77
// after it printed why.
#pragma once
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TEST_FAILED = 1, TEST_HUNG = 2, TEST_SKIPPED = 77 };

static inline void test_say(const char *text) {
    ssize_t written = write(STDERR_FILENO, text, strlen(text));
    (void)written;
}

__attribute__((noreturn, unused)) static void test_fail(const char *file, int line,
                                                        const char *what) {
    char text[512];
    snprintf(text, sizeof text, "%s:%d: failed: %s\n", file, line, what);
    test_say(text);
    _exit(TEST_FAILED);
}

__attribute__((noreturn, unused)) static void
test_fail_eq(const char *file, int line, const char *what, long long left, long long right) {
    char text[512];
    snprintf(text, sizeof text, "%s (%lld, %lld)", what, left, right);
    test_fail(file, line, text);
}

#define CHECK(cond) ((cond) ? (void)0 : test_fail(__FILE__, __LINE__, #cond))

// Compares integers and prints both when they differ.
#define CHECK_EQ(left, right)                                                                      \
    do {                                                                                           \
        long long check_l = (long long)(left), check_r = (long long)(right);                       \
        if (check_l != check_r)                                                                    \
            test_fail_eq(__FILE__, __LINE__, #left " == " #right, check_l, check_r);               \
    } while (0)

// left <= right, printing both when not.
#define CHECK_LE(left, right)                                                                      \
    do {                                                                                           \
        long long check_l = (long long)(left), check_r = (long long)(right);                       \
        if (check_l > check_r)                                                                     \
            test_fail_eq(__FILE__, __LINE__, #left " <= " #right, check_l, check_r);               \
    } while (0)

__attribute__((noreturn, unused)) static void test_skip(const char *reason) {
    char text[512];
    snprintf(text, sizeof text, "SKIP: %s\n", reason);
    test_say(text);
    _exit(TEST_SKIPPED);
}

static inline void test_on_alarm(int signal_number) {
    (void)signal_number;
    test_say("watchdog: the test hangs\n");
    _exit(TEST_HUNG);
}

#ifdef TIDE_PREFIXED
enum { TEST_PATIENCE = 5 };  // sanitizers are slow
#else
enum { TEST_PATIENCE = 3 };  // and so is a machine with more to do than this
#endif

// Ends the process when it still runs after so many seconds, or a few times as many. Children of
// fork have no watchdog of their own: alarms are not inherited.
static inline void test_watchdog(unsigned seconds) {
    signal(SIGALRM, test_on_alarm);
    alarm(seconds * TEST_PATIENCE);
}

#ifndef TIDE_PREFIXED
// Under its own name here, so that it meets no declaration of <tidemalloc.h>.
#ifdef __cplusplus
extern "C"
#else
extern
#endif
    void
    test_tide_symbol(void) __asm__("tide_version") __attribute__((weak));
#endif

// Is tidemalloc the allocator of this program? A contract test that passes on another
// allocator would prove nothing.
static inline bool test_has_tide(void) {
#ifdef TIDE_PREFIXED
    return true;
#else
    void (*volatile symbol)(void) = test_tide_symbol;
    return symbol != NULL;
#endif
}

static inline void test_need_tide(void) {
    if (!test_has_tide())
        test_fail(__FILE__, __LINE__, "tidemalloc is neither linked nor preloaded");
}

// The compiler forgets what it knows about the pointer: no malloc/free pair is optimised away,
// and no warning follows a pointer into a deliberate mistake.
static inline void *test_hide(void *ptr) {
    __asm__ volatile("" : "+r"(ptr) : : "memory");
    return ptr;
}

static inline size_t test_hide_size(size_t size) {
    __asm__ volatile("" : "+r"(size));
    return size;
}

static inline bool test_aligned(const void *ptr, size_t align) {
    return ((uintptr_t)ptr & (align - 1)) == 0;
}

// A pattern made of the seed and the offset, eight bytes at a time: shifted or foreign content
// never passes for it. The start of a longer pattern is the shorter pattern of the same seed.
static inline uint64_t test_pattern(uint64_t seed, size_t word) {
    uint64_t mixed = seed * UINT64_C(0xbf58476d1ce4e5b9) + word;
    return (mixed ^ mixed >> 31) * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

static inline void test_fill(void *ptr, size_t size, uint64_t seed) {
    unsigned char *bytes = (unsigned char *)ptr;
    for (size_t at = 0; at < size; at += 8) {
        uint64_t word = test_pattern(seed, at / 8);
        __builtin_memcpy(bytes + at, &word, size - at < 8 ? size - at : 8);
    }
}

static inline bool test_is_filled(const void *ptr, size_t size, uint64_t seed) {
    const unsigned char *bytes = (const unsigned char *)ptr;
    for (size_t at = 0; at < size; at += 8) {
        uint64_t word = test_pattern(seed, at / 8);
        if (__builtin_memcmp(bytes + at, &word, size - at < 8 ? size - at : 8) != 0)
            return false;
    }
    return true;
}

static inline bool test_is_byte(const void *ptr, size_t size, unsigned char value) {
    const unsigned char *bytes = (const unsigned char *)ptr;
    return size == 0 || (bytes[0] == value && memcmp(bytes, bytes + 1, size - 1) == 0);
}

// A small generator with its state at the caller: tests repeat exactly for a seed.
static inline uint64_t test_random(uint64_t *state) {
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}
