// tests/process/park_phases.c - sixteen threads, one after the other, fill and empty 64 MiB and
// stay: the high water of one is not added to that of the next.
#include <malloc.h>

#include "tests/support/park.h"

enum { THREADS = 16, BYTES = 64 << 20, BLOCKS = 70000 };

static struct park_thread threads[THREADS];
static void              *blocks[BLOCKS];

static void work(struct park_thread *self, int step) {
    uint64_t random = self->index + (unsigned)step + 1;
    size_t   total = 0;
    unsigned count = 0;
    while (total < BYTES && count < BLOCKS) {
        size_t size = 1024 + test_random(&random) % (63 << 10);
        blocks[count] = malloc(size);
        CHECK(blocks[count] != NULL);
        memset(blocks[count++], 1, size);
        total += size;
    }
    for (unsigned i = 0; i < count; i++)
        free(blocks[i]);
}

int main(void) {
    test_watchdog(120);
    test_need_tide();
    memset(blocks, 0, sizeof blocks);
    park_start(threads, THREADS, work);
    for (unsigned i = 0; i < THREADS; i++)
        park_turn(&threads[i], 0);
    CHECK_LE(proc_status_bytes("VmHWM"), 96 * PARK_MIB);
    park_end(threads, THREADS);
    return 0;
}
