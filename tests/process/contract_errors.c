// tests/process/contract_errors.c - impossible requests: NULL and ENOMEM, or EINVAL, never less.
#include <errno.h>
#include <limits.h>

#include "tests/support/test.h"
// last: renames the malloc family in sanitizer builds
#include "tests/support/names.h"

// expression must be NULL and leave this errno.
#define CHECK_FAILS(expression, error)                                                             \
    do {                                                                                           \
        errno = 0;                                                                                 \
        CHECK((expression) == NULL);                                                               \
        CHECK_EQ(errno, error);                                                                    \
    } while (0)

static size_t impossible[] = {
    (size_t)PTRDIFF_MAX + 1,
    (size_t)PTRDIFF_MAX,
    (size_t)PTRDIFF_MAX - 100,
    SIZE_MAX,
    SIZE_MAX - 1,
    SIZE_MAX - 15,
    SIZE_MAX - 16,
    SIZE_MAX - 4095,
    SIZE_MAX - 4096,
    SIZE_MAX - 65535,
    SIZE_MAX - 65536,
    SIZE_MAX / 2 + 4096,
};
enum { IMPOSSIBLE_COUNT = sizeof impossible / sizeof *impossible };

static void test_zero_size(void) {
    void *first = malloc(0), *second = malloc(0), *third = calloc(0, 8), *fourth = calloc(8, 0);
    CHECK(first != NULL && second != NULL && third != NULL && fourth != NULL);
    CHECK(first != second && second != third && third != fourth);
    void *aligned = aligned_alloc(64, 0);
    CHECK(aligned != NULL && aligned != first && test_aligned(aligned, 64));
    void *resized = realloc(NULL, 0);
    CHECK(resized != NULL);
    free(first);
    free(second);
    free(third);
    free(fourth);
    free(aligned);
    free(resized);
    free(NULL);
}

static void test_impossible_sizes(void) {
    for (size_t i = 0; i < IMPOSSIBLE_COUNT; i++) {
        size_t size = test_hide_size(impossible[i]);
        CHECK_FAILS(malloc(size), ENOMEM);
        CHECK_FAILS(calloc(1, size), ENOMEM);
        CHECK_FAILS(calloc(size, 1), ENOMEM);
        CHECK_FAILS(realloc(NULL, size), ENOMEM);
        CHECK_FAILS(reallocarray(NULL, 1, size), ENOMEM);
        CHECK_FAILS(valloc(size), ENOMEM);
        CHECK_FAILS(pvalloc(size), ENOMEM);
        for (size_t align = 1; align <= 64 << 20; align *= 8) {
            CHECK_FAILS(aligned_alloc(align, size), ENOMEM);
            CHECK_FAILS(memalign(align, size), ENOMEM);
        }
    }
}

static void test_product_overflow(void) {
    static const size_t pairs[][2] = {
        {SIZE_MAX, 2},
        {SIZE_MAX / 2 + 2, 2},
        {(size_t)1 << 32, (size_t)1 << 32},
        {((size_t)1 << 32) + 1, ((size_t)1 << 32) + 1},
        {SIZE_MAX, SIZE_MAX},
        {SIZE_MAX / 3 + 2, 3},
        {(size_t)1 << 40, (size_t)1 << 23},  // exactly PTRDIFF_MAX + 1, no overflow
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        size_t left = test_hide_size(pairs[i][0]), right = test_hide_size(pairs[i][1]);
        CHECK_FAILS(calloc(left, right), ENOMEM);
        CHECK_FAILS(calloc(right, left), ENOMEM);
        CHECK_FAILS(reallocarray(NULL, left, right), ENOMEM);
        CHECK_FAILS(reallocarray(NULL, right, left), ENOMEM);
    }
}

// A realloc that fails leaves the block as it was.
static void test_failed_realloc(size_t size) {
    unsigned char *block = malloc(size);
    CHECK(block != NULL);
    test_fill(block, size, size);
    for (size_t i = 0; i < IMPOSSIBLE_COUNT; i++)
        CHECK_FAILS(realloc(block, test_hide_size(impossible[i])), ENOMEM);
    CHECK_FAILS(reallocarray(block, test_hide_size(SIZE_MAX / 2), 3), ENOMEM);
    CHECK(test_is_filled(block, size, size));
    block = realloc(block, size + size / 2);
    CHECK(block != NULL && test_is_filled(block, size, size));
    free(block);
}

// posix_memalign answers with its result: *out and errno stay as they are when it fails.
static void check_posix_fails(size_t align, size_t size, int error) {
    void *const untouched = (void *)&check_posix_fails;
    void       *out = untouched;
    errno = 4711;
    CHECK_EQ(posix_memalign(&out, test_hide_size(align), test_hide_size(size)), error);
    CHECK(out == untouched);
    CHECK_EQ(errno, 4711);
}

static void test_bad_alignment(void) {
    static const size_t bad[] = {0, 1, 2, 4, 3, 12, 24, 48, 4097, SIZE_MAX, SIZE_MAX / 2};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        check_posix_fails(bad[i], 64, EINVAL);
    for (size_t i = 0; i < IMPOSSIBLE_COUNT; i++)
        check_posix_fails(64, impossible[i], ENOMEM);
    check_posix_fails((size_t)1 << 62, 1, ENOMEM);
    CHECK_FAILS(aligned_alloc(test_hide_size(3), 64), EINVAL);
    CHECK_FAILS(aligned_alloc(test_hide_size(0), 64), EINVAL);
    CHECK_FAILS(aligned_alloc(test_hide_size(4097), 64), EINVAL);
    CHECK_FAILS(aligned_alloc(test_hide_size((size_t)1 << 62), 1), ENOMEM);
    CHECK_FAILS(aligned_alloc(test_hide_size((size_t)1 << 47), 1), ENOMEM);
    CHECK_FAILS(aligned_alloc(1 << 20, test_hide_size(PTRDIFF_MAX - 5)), ENOMEM);
}

// memalign with a crooked alignment: EINVAL, or glibc's way, the next power of two.
static void test_crooked_memalign(void) {
    errno = 0;
    void *block = memalign(test_hide_size(48), 100);
    if (block == NULL)
        CHECK_EQ(errno, EINVAL);
    else
        CHECK(test_aligned(block, 64));
    free(block);
    errno = 0;
    CHECK(memalign(test_hide_size(SIZE_MAX), 100) == NULL);
    CHECK(errno == EINVAL || errno == ENOMEM);
}

// posix_memalign keeps errno when it succeeds, too.
static void test_posix_success(void) {
    void *out = NULL;
    errno = 4711;
    CHECK_EQ(posix_memalign(&out, 4096, 100), 0);
    CHECK(out != NULL);
    CHECK_EQ(errno, 4711);
    free(out);
}

int main(void) {
    test_watchdog(60);
    test_need_tide();
    test_zero_size();
    test_impossible_sizes();
    test_product_overflow();
    test_failed_realloc(100);
    test_failed_realloc(100 * 1000);
    test_failed_realloc(10 << 20);
    test_bad_alignment();
    test_crooked_memalign();
    test_posix_success();
    return 0;
}
