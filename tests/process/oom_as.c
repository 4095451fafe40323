// tests/process/oom_as.c - under RLIMIT_AS of 64 MiB, 200 MiB and 8 GiB: NULL and ENOMEM at the
// end, then recovery.
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "tests/support/proc.h"
#include "tests/support/test.h"

void free_sized(void *ptr, size_t size);  // C23: not in the headers of our libc

enum { MIB = 1 << 20, THREADS = 4, THREAD_STACK = 256 << 10 };

static size_t limit;  // of address space

// Blocks are chained through their first words: keeping the list needs no memory of its own.
struct link {
    struct link *next;
    size_t       size;
};

static struct link *allocate_to_the_end(size_t size, size_t *total) {
    struct link *list = NULL;
    *total = 0;
    for (;;) {
        errno = 0;
        struct link *block = malloc(size);
        if (block == NULL)
            break;
        *block = (struct link){list, size};
        ((char *)block)[size - 1] = 1;
        list = block;
        *total += size;
        CHECK_LE(*total, limit);
    }
    CHECK_EQ(errno, ENOMEM);
    return list;
}

static void free_list(struct link *list, size_t size) {
    while (list != NULL) {
        struct link *next = list->next;
        CHECK_EQ(list->size, size);
        free(list);
        list = next;
    }
}

// At the end every function says so, and the blocks that exist stay usable. What is asked is more
// than the limit leaves beside the blocks: room may be left that is too small, or that only another
// size can use.
static void check_all_fail(struct link *list, size_t size, size_t total) {
    size_t more = limit - total;
    errno = 0;
    CHECK(calloc(1, more) == NULL && errno == ENOMEM);
    errno = 0;
    CHECK(aligned_alloc(4096, more) == NULL && errno == ENOMEM);
    errno = 0;
    CHECK(realloc(list, size + more) == NULL && errno == ENOMEM);
    CHECK_EQ(list->size, size);
}

// `least` of the limit is for blocks: the rest is programs, stacks and what rounding costs.
static void check_recovers(const size_t *sizes, size_t count, size_t least) {
    size_t first = 0;
    for (size_t i = 0; i < 2 * count; i++) {
        size_t       size = sizes[i % count], total = 0;
        struct link *list = allocate_to_the_end(size, &total);
        CHECK(list != NULL);
        check_all_fail(list, size, total);
        free_list(list, size);
        if (first == 0)
            first = total;
        CHECK_LE(size < 64 ? first / 4 : first / 2, total);
    }
    CHECK_LE(least, first);
}

// Each size gets most of the address space, also after another size had it, again and again.
static void fill_and_recover(void) {
    static const size_t small[] = {100, 10 * 1000, 100 * 1000, 5 * MIB, 100, 700 * 1000, 30};
    check_recovers(small, sizeof small / sizeof *small, limit / 3);
}

// A limit that nobody fills in a test, byte by byte: blocks of which few pages are touched.
static void fill_large(void) {
    static const size_t large[] = {256 * MIB, 3 * MIB, 700 * 1000, 40 * MIB};
    check_recovers(large, sizeof large / sizeof *large, limit / 4 * 3);
}

// Address space is used up by larger blocks, and one of them keeps the data segment from shrinking:
// the records of many small slabs still find room.
static void test_records_at_the_end(void) {
    size_t       first = 0, second = 0;
    struct link *list = allocate_to_the_end(50 * 1000, &first);
    struct link *last = list;
    free_list(last->next, 50 * 1000);
    list = allocate_to_the_end(30, &second);
    printf("%zu bytes in large blocks, then %zu in small ones\n", first, second);
    CHECK_LE(first * 2 / 3, second);
    free_list(list, 30);
    free(last);
}

// realloc to a smaller size succeeds without memory for a smaller block, and the block then counts
// as one of that size.
static void test_shrink_at_the_end(void) {
    size_t       many, few;
    struct link *large = allocate_to_the_end(50 * 1000, &many);
    struct link *small = allocate_to_the_end(40, &few);
    struct link *rest = large->next;
    void        *shrunk = realloc(large, 40);
    CHECK(shrunk == (void *)large);
    free_sized(shrunk, 40);
    free_list(rest, 50 * 1000);
    free_list(small, 40);
}

// Threads run out together: nobody crashes, nobody hangs, all recover.
static void *thread_main(void *arg) {
    for (int round = 0; round < 3; round++) {
        struct link *list = NULL;
        for (int i = 0; i < 100 * 1000; i++) {
            struct link *block = malloc(2000);
            if (block == NULL)
                break;
            *block = (struct link){list, 2000};
            list = block;
        }
        free_list(list, 2000);
    }
    return arg;
}

static void run_threads(void) {
    pthread_attr_t attributes;
    pthread_t      threads[THREADS];
    CHECK_EQ(pthread_attr_init(&attributes), 0);
    CHECK_EQ(pthread_attr_setstacksize(&attributes, THREAD_STACK), 0);
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&threads[i], &attributes, thread_main, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
    void *block = malloc(100);
    CHECK(block != NULL);
    free(block);
}

static void run_under(size_t bytes) {
    char text[32];
    snprintf(text, sizeof text, "%zu", bytes);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {  // again from the start, under the limit
        const struct rlimit to = {bytes, bytes};
        CHECK_EQ(setrlimit(RLIMIT_AS, &to), 0);
        execl(proc_self(), "oom_as", text, (char *)NULL);
        test_fail(__FILE__, __LINE__, "exec under the limit");
    }
    int status = 0;
    CHECK(proc_wait(pid, 60, &status));
    CHECK_EQ(status, 0);
}

int main(int argc, char **argv) {
    test_watchdog(180);
    test_need_tide();
    if (argc == 1) {
        run_under(64 * (size_t)MIB);
        run_under(200 * (size_t)MIB);
        run_under(8192 * (size_t)MIB);
        return 0;
    }
    limit = strtoull(argv[1], NULL, 10);
    if (limit > 1024 * (size_t)MIB) {
        fill_large();
        return 0;
    }
    run_threads();
    fill_and_recover();
    test_records_at_the_end();
    test_shrink_at_the_end();
    return 0;
}
